"""Whatever an npm registry says of a package: a version is found or it is refused."""

from __future__ import annotations

import contextlib
import json
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.errors import FactoryError
from factory.installation.npm_registry import VersionStanding, find_package, fits_node, pick_version
from factory.installation.npmrc import Npmrc
from factory.installation.package_reference import NpmPackage
from factory.installation.web import Web
from tests.light import examples

texts = st.text(max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
versions = st.sampled_from(["1.0.0", "1.1.0-rc.1", "2.0.0", "x", "1.0.0+" + "9" * 300]) | texts
addresses = st.sampled_from(
    ["http://[", "http://x:99999/a.tgz", "file:///etc/passwd", "/a.tgz", "https://x/a.tgz", ""]
)
dists = st.fixed_dictionaries(
    {},
    optional={
        "tarball": addresses | values,
        "integrity": st.sampled_from(["sha512-x", "sha1-x"]) | values,
    },
)
entries = st.fixed_dictionaries({}, optional={"dist": dists | values, "deprecated": values})
packuments = st.fixed_dictionaries(
    {},
    optional={
        "versions": st.dictionaries(versions, entries | values, max_size=4) | values,
        "dist-tags": st.dictionaries(st.just("latest") | texts, versions | values, max_size=2)
        | values,
    },
)


class Answering:
    """In the place of connections: every document is this one."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def document(self, *_: Any, **__: Any) -> bytes:
        return self.content


@settings(deadline=None, max_examples=examples(400))
@given(
    packuments.map(json.dumps).map(str.encode) | st.binary(max_size=60),
    st.sampled_from(["latest", "1.0.0", "^1.0.0", "*", ">=1 <3", "next"]),
)
def test_whatever_a_packument_holds(content: bytes, wanted: str) -> None:
    web = cast("Web", Answering(content))
    with contextlib.suppress(FactoryError):
        found = find_package(NpmPackage(name="x", wanted=wanted), Npmrc(values={}), web)
        assert found.url.startswith(("http://", "https://"))


def test_what_is_no_semantic_version_is_in_no_range_and_hides_no_other() -> None:
    """As npm has it of ``express``, of which there is a 1.0.0beta."""
    there = {name: VersionStanding() for name in ("1.0.0beta", "1.0.7", "x")}
    assert pick_version("^1.0.0", there, {"latest": "x"}) == "1.0.7"
    assert pick_version("1.0.0beta", there, {}) == "1.0.0beta"
    assert pick_version("^2.0.0", there, {"latest": "1.0.0beta"}) == ""


@pytest.mark.parametrize(
    ("engines", "node", "fits"),
    [
        (None, "22", True),
        ("", "22", True),
        (">=22.12", "22", True),
        ("20 || 24", "22", False),
        ("^20.19 || >=22.12", "24", True),
        ("<22", "22", False),
        (">=24", "", True),
        ("lts/*", "22", False),
        (22, "22", False),
        ("20 || 22.12.0", "22.12.0", True),
    ],
)
def test_a_package_fits_a_portal_that_may_have_a_node_it_runs_on(
    engines: object, node: str, fits: bool
) -> None:
    assert fits_node(engines, node) is fits


def test_of_a_range_is_taken_what_runs_on_the_portals_node() -> None:
    there = {
        "1.0.0": VersionStanding(),
        "1.1.0": VersionStanding(deprecated=True),
        "1.2.0": VersionStanding(runs=False),
    }
    assert pick_version("^1.0.0", there, {"latest": "1.2.0"}) == "1.0.0"
    assert pick_version("^1.1.0", there, {"latest": "1.2.0"}) == "1.1.0"
    assert pick_version("^1.2.0", there, {}) == "1.2.0"
