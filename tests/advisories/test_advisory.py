"""Which versions an advisory is about: by the OSV schema's own rule, and by npm's ranges."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.advisories.advisory import Advisory, RangeEvent, parse_query
from factory.advisories.osv import read_record
from factory.errors import ConfigurationError, UsageError
from factory.versions import compare_versions, satisfies


def record(*affected: dict[str, Any], **others: Any) -> dict[str, Any]:
    return {"id": "GHSA-0000", "modified": "2026-01-01T00:00:00Z", "affected": list(affected)} | (
        others
    )


def entry(*events: dict[str, str], name: str = "lodash", **others: Any) -> dict[str, Any]:
    ranges = [{"type": "SEMVER", "events": list(events)}] if events else []
    return {"package": {"ecosystem": "npm", "name": name}, "ranges": ranges} | others


def read(folder: Path, document: object) -> Advisory:
    file = folder / "record.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document))
    return read_record(str(file))


def judged(advisory: Advisory, version: str) -> str:
    (package,) = advisory.packages
    return package.judge(version)


@pytest.mark.parametrize(
    ("wanted", "version", "expected"),
    [
        ("lodash@<4.17.21", "4.17.20", "affected"),
        ("lodash@<4.17.21", "4.17.21", "not affected"),
        ("lodash@<4.17.21", "4.17.21-rc.1", "affected"),
        ("lodash@^4.0.0", "5.0.0-beta.1", "affected"),
        ("lodash@4.x || 6.0.0", "4.1.0+embedded", "affected"),
        ("lodash@4.x || 6.0.0", "4.0.0-rc.1", "affected"),
        ("lodash@>=4.0.0", "4.0.0-rc.1", "not affected"),
        ("lodash@4.x || 6.0.0", "5.0.0", "not affected"),
        ("lodash@4.17.20", "4.17.20", "affected"),
        ("lodash@<4.17.21", "", "unknown"),
        ("lodash@<4.17.21", "git+ssh://x", "unknown"),
        ("lodash", "", "affected"),
        ("lodash@*", "1.0.0-x", "affected"),
    ],
)
def test_versions_in_a_range_of_npms(wanted: str, version: str, expected: str) -> None:
    assert judged(parse_query(wanted), version) == expected


def test_a_scope_is_a_part_of_the_name() -> None:
    (package,) = parse_query("@scope/name@>=1 <2").packages
    assert (package.name, package.npm_range) == ("@scope/name", ">=1 <2")
    assert parse_query("@scope/name").packages[0].npm_range == "*"


@pytest.mark.parametrize("wrong", ["", "@", "a b", "lodash@latest", "lodash@workspace:^", "a@b@c"])
def test_what_is_no_package_with_a_range(wrong: str) -> None:
    with pytest.raises(UsageError):
        parse_query(wrong)


@pytest.mark.parametrize(
    ("events", "inside", "outside"),
    [
        ([("introduced", "0"), ("fixed", "1.2.3")], ["0.0.1", "1.2.3-rc.1"], ["1.2.3", "2.0.0"]),
        ([("introduced", "1.0.0"), ("fixed", "1.5.0")], ["1.0.0", "1.5.0-0"], ["1.0.0-a", "1.5.0"]),
        ([("introduced", "1.0.0"), ("last_affected", "1.5.0")], ["1.5.0"], ["1.5.1-0", "1.5.1"]),
        ([("introduced", "2.0.0")], ["2.0.0", "9.0.0"], ["2.0.0-rc.1", "1.9.9"]),
        (
            [("fixed", "3.1.0"), ("introduced", "3.0.0"), ("introduced", "0"), ("fixed", "2.5.0")],
            ["1.0.0", "3.0.5"],
            ["2.5.0", "2.9.0", "3.1.0"],
        ),
        ([("introduced", "0"), ("limit", "2.0.0")], ["1.9.9"], ["2.0.0", "3.0.0"]),
        ([("introduced", "1.0.0"), ("limit", "*")], ["9.0.0"], ["0.9.0"]),
    ],
)
def test_events_of_a_range(
    tmp_path: Path, events: list[tuple[str, str]], inside: list[str], outside: list[str]
) -> None:
    advisory = read(tmp_path, record(entry(*({kind: version} for kind, version in events))))
    assert {judged(advisory, version) for version in inside} == {"affected"}
    assert {judged(advisory, version) for version in outside} == {"not affected"}


versions = st.builds(
    lambda numbers, pre: ".".join(map(str, numbers)) + pre,
    st.tuples(*[st.integers(0, 3)] * 3),
    st.sampled_from(["", "", "-0", "-alpha.1", "-rc.2"]),
)


@given(versions, versions, versions)
def test_the_rule_is_that_of_the_schema(version: str, introduced: str, fixed: str) -> None:
    events = (
        RangeEvent(kind="fixed", version=fixed),
        RangeEvent(kind="introduced", version=introduced),
    )
    package = parse_query("a@1").packages[0]
    advisory = type(package)(name="a", ranges=(events,))
    # The pseudocode of "Evaluation": vulnerable from introduced on, until fixed, by precedence.
    state = False
    for kind, at in sorted(
        [(0, fixed), (1, introduced)], key=lambda one: (_number(one[1]), one[0])
    ):
        if compare_versions(version, at) >= 0:
            state = bool(kind)
    assert (advisory.judge(version) == "affected") is state


def _number(version: str) -> tuple[int, ...]:
    """A key by precedence that owes nothing to the code under test."""
    release, _, pre = version.partition("-")
    rank = {"0": 0, "alpha.1": 1, "rc.2": 2, "": 3}[pre]
    return (*map(int, release.split(".")), rank)


@given(versions, st.sampled_from(["^1.2.0", "~2.1.0", "<2.0.0", ">=1.0.0 <3.0.0-rc.2", "1 - 2"]))
def test_what_npm_calls_in_a_range_is_affected(version: str, wanted: str) -> None:
    if satisfies(version, wanted):
        assert judged(parse_query(f"a@{wanted}"), version) == "affected"


def test_versions_that_are_listed(tmp_path: Path) -> None:
    advisory = read(tmp_path, record(entry(versions=["1.0.0", "1.0.1"])))
    assert judged(advisory, "1.0.1") == "affected"
    assert judged(advisory, "1.0.1+embedded") == "affected"
    assert judged(advisory, "1.0.2") == "not affected"
    assert judged(advisory, "") == "unknown"


def test_ranges_of_commits_alone_decide_nothing(tmp_path: Path) -> None:
    git = [{"type": "GIT", "repo": "https://x", "events": [{"introduced": "0"}]}]
    assert judged(read(tmp_path, record(entry(ranges=git))), "1.0.0") == "unknown"
    listed = read(tmp_path, record(entry(ranges=git, versions=["1.0.0"])))
    assert judged(listed, "1.0.0") == "affected"
    assert judged(listed, "2.0.0") == "not affected"


def test_the_lowest_version_that_fixes_it_is_named(tmp_path: Path) -> None:
    advisory = read(
        tmp_path,
        record(
            entry(
                {"introduced": "0"}, {"fixed": "1.5.0"}, {"introduced": "2.0.0"}, {"fixed": "2.1.0"}
            )
        ),
    )
    (package,) = advisory.packages
    assert [package.fixed_in(one) for one in ("1.0.0", "2.0.0", "3.0.0", "")] == [
        *("1.5.0", "2.1.0"),
        *(None, None),
    ]


def test_packages_of_other_ecosystems_are_not_ours(tmp_path: Path) -> None:
    other = {"package": {"ecosystem": "PyPI", "name": "lodash"}, "versions": ["1"]}
    advisory = read(
        tmp_path, record(other, entry({"introduced": "0"}), entry(name="b", versions=["1.0.0"]))
    )
    assert [each.name for each in advisory.packages] == ["lodash", "b"]
    with pytest.raises(ConfigurationError, match="OSV record") as refused:
        read(tmp_path, record(other))
    assert refused.value.found == "PyPI"


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ("[]", ""),
        ("{", ""),
        ({"affected": []}, "id"),
        ({"id": "x"}, "affected"),
        (record(entry()), "affected[0]"),
        (record({"package": {"ecosystem": "npm"}}), "affected[0].package.name"),
        (record(entry({"introduced": "latest"})), "affected[0].ranges[0].events[0].introduced"),
        (record(entry({"fixed": "1.0.0"})), "affected[0].ranges[0].events"),
        (record(entry({"introduced": "0", "fixed": "1.0.0"})), "affected[0].ranges[0].events[0]"),
        (record(entry({"gone": "1.0.0"})), "affected[0].ranges[0].events[0]"),
        (record(entry(ranges=[{"type": "NEW", "events": []}])), "affected[0].ranges[0].type"),
        (record(entry(ranges="x")), "affected[0].ranges"),
        (record(entry(versions=[1])), "affected[0].versions"),
        (record("x"), "affected[0]"),  # type: ignore[arg-type]
        ({"id": 5, "affected": []}, "id"),
    ],
)
def test_a_record_that_is_not_understood_is_refused(
    tmp_path: Path, document: object, field: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read(tmp_path, document)
    assert refused.value.place
    assert (refused.value.place.field or "") == field
