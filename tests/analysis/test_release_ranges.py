"""What ``backstage:^`` means: what yarn has bound it to, then what the release has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory.analysis.lockfile import Lockfile
from factory.analysis.lockfile_parser import read_lockfile
from factory.analysis.release_ranges import ReleaseRanges, manifest_text, parse_manifest

# As yarn 4 with Backstage's plugin writes it.
LOCK = """\
__metadata:
  version: 8
  cacheKey: 10c0

"@backstage/config@backstage:^::backstage=1.49.4&npm=1.3.6, @backstage/config@npm:^1.3.6":
  version: 1.3.6
  resolution: "@backstage/config@npm:1.3.6"
  languageName: node
  linkType: hard

"@backstage/types@npm:^1.2.2":
  version: 1.2.2
  resolution: "@backstage/types@npm:1.2.2"
  languageName: node
  linkType: hard

"@backstage/errors@npm:^1.2.7":
  version: 1.2.7
  resolution: "@backstage/errors@npm:1.2.7"
  languageName: node
  linkType: hard

"@backstage/errors@npm:^1.3.0":
  version: 1.3.1
  resolution: "@backstage/errors@npm:1.3.1"
  languageName: node
  linkType: hard
"""


MEMBER = """
"x@workspace:plugins/x":
  version: 0.0.0-use.local
  resolution: "x@workspace:plugins/x"
  dependencies:
    "@backstage/config": "backstage:^"
    "@backstage/errors": "backstage:^"
    "@backstage/types": "npm:^1.2.2"
  peerDependencies:
    "@backstage/ui": "backstage:^"
  languageName: unknown
  linkType: soft
"""


@pytest.fixture
def lockfile(tmp_path: Path) -> Lockfile:
    (tmp_path / "yarn.lock").write_text(LOCK)
    return read_lockfile(tmp_path / "yarn.lock")


def test_what_yarn_has_bound_counts_before_the_release(lockfile: Lockfile) -> None:
    ranges = ReleaseRanges(lockfile=lockfile, release={"@backstage/config": "1.3.7"})
    assert ranges.meaning("@backstage/config", "backstage:^") == "^1.3.6"
    assert ranges.packages() == {"@backstage/config": "1.3.6"}


def test_what_yarn_has_not_bound_is_the_release(lockfile: Lockfile) -> None:
    release = {"@backstage/types": "1.2.1", "@backstage/ui": "0.9.0"}
    ranges = ReleaseRanges(lockfile=lockfile, release=release)
    assert ranges.meaning("@backstage/types", "backstage:^") == "^1.2.1"
    assert ranges.meaning("@backstage/ui", "backstage:^") == "^0.9.0"
    assert ranges.meaning("@backstage/errors", "backstage:^") == "backstage:^"
    assert ranges.packages() == {**release, "@backstage/config": "1.3.6"}


def test_of_an_unknown_release_the_one_locked_version_is_taken(lockfile: Lockfile) -> None:
    ranges = ReleaseRanges(lockfile=lockfile, release={})
    assert ranges.meaning("@backstage/types", "backstage:^") == "^1.2.2"
    assert ranges.meaning("@backstage/errors", "backstage:^") == "backstage:^"  # there are two
    assert ranges.packages() == {"@backstage/config": "1.3.6", "@backstage/types": "1.2.2"}


@pytest.mark.parametrize("asked", ["backstage:~", "backstage:*", "backstage:1.0.0", "backstage:"])
def test_other_words_than_the_caret_have_no_meaning(asked: str, lockfile: Lockfile) -> None:
    ranges = ReleaseRanges(lockfile=lockfile, release={"@backstage/types": "1.2.1"})
    assert ranges.meaning("@backstage/types", asked) == asked


def test_what_yarn_has_bound_to_no_version_is_not_bound(tmp_path: Path) -> None:
    """A lockfile comes with the source, and may say anything."""
    for odd in ("file:..%2Fx", "1.3.6%20||%20*", "%ff", "npm:other@1.0.0", "1" * 5000):
        (tmp_path / "yarn.lock").write_text(LOCK.replace("npm=1.3.6", f"npm={odd}"))
        ranges = ReleaseRanges(lockfile=read_lockfile(tmp_path / "yarn.lock"), release={})
        assert ranges.meaning("@backstage/config", "backstage:^") == "^1.3.6"  # the one locked
        assert ranges.packages()["@backstage/config"] == "1.3.6"


def test_what_members_ask_for_and_nobody_knows_is_told(tmp_path: Path) -> None:
    (tmp_path / "yarn.lock").write_text(LOCK + MEMBER)
    lockfile = read_lockfile(tmp_path / "yarn.lock")
    assert ReleaseRanges(lockfile=lockfile, release={}).list_unanswered() == {
        "@backstage/errors",  # there are two
        "@backstage/ui",
    }
    release = {"@backstage/errors": "1.3.1", "@backstage/ui": "0.9.0"}
    assert not ReleaseRanges(lockfile=lockfile, release=release).list_unanswered()


def test_a_manifest_is_read_as_it_is_written() -> None:
    packages = {"@backstage/types": "1.2.1", "@backstage/config": "1.3.6"}
    text = manifest_text("1.49.4", packages)
    assert json.loads(text)["releaseVersion"] == "1.49.4"
    assert parse_manifest(text.encode()) == packages


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"packages": {}}',
        b'{"packages": [1]}',
        b'{"packages": [{"name": "a"}]}',
        b'{"packages": [{"name": "a", "version": 1}]}',
        b'{"packages": [{"name": "a", "version": "^1.0.0"}]}',
        b'{"packages": [{"name": "a", "version": "file:../x"}]}',
        b'{"packages": [{"name": "a", "version": "1.0.0"}, {"name": ["a"], "version": "1.0.0"}]}',
        b'{"packages": [{"name": "\\ud800", "version": "1.0.0"}]}',
        b'{"packages": [{"name": "a", "version": "1"}, null]}',
        b"\xff",
    ],
)
def test_what_is_no_manifest_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_manifest(text)
