"""What registries and tags tell, as values: kinds of tags, the order of releases, lies."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from semver import Version

from factory.analysis.inventory import HostInventory
from factory.analysis.manifest import Manifest
from factory.errors import FactoryError
from factory.sources.git_refs import Advertised
from factory.updating.candidates import follow_releases
from factory.updating.npm_releases import Release, parse_history
from factory.updating.portal_fit import judge_backstage, judge_ranges
from factory.updating.ref_names import version_tag

COMMIT = "a" * 40


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("v1.2.3", ("v", "1.2.3", 3)),
        ("1.2.3", ("", "1.2.3", 3)),
        ("@acme/plugin-2x@1.2.3", ("@acme/plugin-2x@", "1.2.3", 3)),
        ("v1.2.3-rc.1", ("v", "1.2.3-rc.1", 3)),
        ("v1.2.3-rc1.2", ("v", "1.2.3-rc1.2", 3)),
        ("release-1.9", ("release-", "1.9.0", 2)),
        ("nightly", None),
        ("v1", None),
        ("v1.2.3.4", None),
        ("v01.2.3", None),
    ],
)
def test_a_tag_has_a_kind_and_a_version(name: str, kind: tuple[str, str, int] | None) -> None:
    refs = Advertised(ids={f"refs/tags/{name}": COMMIT}, default=None)
    tag = version_tag(name, refs)
    assert (tag and (tag.prefix, str(tag.version), tag.parts)) == kind


releases = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.tuples(*[st.integers(0, 2)] * 3),
        st.integers(10, 40),
        st.integers(0, 3),
    ),
    max_size=12,
    unique_by=lambda each: (each[0], each[1]),
)


@given(releases)
def test_of_one_package_the_higher_version_comes_first(made: list[Any]) -> None:
    """Whenever they were published; of commits with several, the newest counts."""
    found = [
        Release(
            package=package,
            version=Version(*numbers),
            commit=f"{number:040x}",
            published=f"20{year}-01-01T00:00:00.000Z",
        )
        for number, (package, numbers, year, _) in enumerate(made)
    ]
    order = follow_releases({}, found, ())
    for package in "ab":
        versions = [r.version for each in order for r in each.releases if r.package == package]
        assert versions == sorted(versions, reverse=True)


texts = st.text(max_size=12)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
fields = st.fixed_dictionaries(
    {},
    optional={
        "gitHead": st.sampled_from([COMMIT, "--upload-pack=x", "HEAD"]) | anything,
        "dependencies": st.dictionaries(texts, texts | anything, max_size=2) | anything,
        "peerDependencies": anything,
        "backstage": st.just({"role": "backend-plugin"}) | anything,
        "deprecated": anything,
    },
)
answers = st.fixed_dictionaries(
    {},
    optional={
        "dist-tags": st.dictionaries(st.just("latest") | texts, texts | st.just("1.0.0"))
        | anything,
        "versions": st.dictionaries(
            st.sampled_from(["1.0.0", "x", "1.0.0+" + "9" * 300]) | texts, fields | anything
        )
        | anything,
        "time": st.dictionaries(texts, anything, max_size=2) | anything,
    },
)


@settings(max_examples=300)
@given(answers.map(json.dumps).map(str.encode) | st.binary(max_size=40))
def test_whatever_a_registry_says_it_is_read_or_refused(content: bytes) -> None:
    with contextlib.suppress(FactoryError):
        history = parse_history(content, "@acme/x", "https://registry.example/")
        for release in history.everything:
            assert release.commit in ("", COMMIT)
        for wanted in ("latest", "^1.0.0", "*", "1.0.0", *history.tags):
            meaning = history.find_meaning(wanted)
            assert meaning is None or meaning in history.everything


HOST = HostInventory(
    name="portal",
    release="",
    backstage="1.45.3",
    packages={"@backstage/backend-plugin-api": "1.4.3", "@backstage/errors": "1.2.7", "react": "18"
              ".3.1"},
)  # fmt: skip


@pytest.mark.parametrize(
    ("backstage", "reasons", "remarks"),
    [("1.45.9", 0, 0), ("1.46.0", 1, 0), ("1.44.2", 0, 1), ("", 0, 0), ("latest", 0, 0)],
)
def test_of_a_minor_release_patches_do_not_matter(
    backstage: str, reasons: int, remarks: int
) -> None:
    fit = judge_backstage(backstage, HOST)
    assert (len(fit.reasons), len(fit.remarks)) == (reasons, remarks)


@pytest.mark.parametrize(
    ("role", "dependencies", "peers", "reasons", "remarks"),
    [
        ("backend-plugin", {"@backstage/backend-plugin-api": "^1.4.0"}, {}, 0, 0),
        ("backend-plugin", {"@backstage/backend-plugin-api": "^1.5.0"}, {}, 1, 0),
        ("backend-plugin", {"@backstage/backend-plugin-api": "^0.6.0"}, {}, 0, 1),
        ("backend-plugin", {"@backstage/backend-plugin-api": "backstage:^"}, {}, 0, 0),
        ("backend-plugin", {"@backstage/not-there": "^9.0.0"}, {}, 0, 0),
        # A page has its own copy of what is not shared.
        ("frontend-plugin", {"@backstage/errors": "^2.0.0"}, {}, 0, 0),
        ("frontend-plugin", {}, {"react": "^17.0.0 || ^18.0.0"}, 0, 0),
        ("frontend-plugin", {}, {"react": "^17.0.0"}, 1, 0),
    ],
)
def test_ranges_are_compared_with_what_the_portal_has(
    role: str, dependencies: dict[str, str], peers: dict[str, str], reasons: int, remarks: int
) -> None:
    manifest = Manifest(
        file=Path("package.json"),
        name="@acme/x",
        role=role,
        dependencies=dependencies,
        peer_dependencies=peers,
    )
    fit = judge_ranges(manifest, HOST)
    assert (len(fit.reasons), len(fit.remarks)) == (reasons, remarks)
