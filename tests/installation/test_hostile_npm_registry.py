"""Whatever an npm registry says of a package: a version is found or it is refused."""

from __future__ import annotations

import contextlib
import json
from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from factory.errors import FactoryError
from factory.installation.npm_registry import find_package, pick_version
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
    there = {"1.0.0beta": False, "1.0.7": False, "x": False}
    assert pick_version("^1.0.0", there, {"latest": "x"}) == "1.0.7"
    assert pick_version("1.0.0beta", there, {}) == "1.0.0beta"
    assert pick_version("^2.0.0", there, {"latest": "1.0.0beta"}) == ""
