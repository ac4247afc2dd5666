"""What ``backstage:^`` stands for in a workspace: the version in its release of Backstage.

Backstage's yarn plugin and rhdh-cli, from 1.10.5 on, look such a range up in the manifest of the
release, which they fetch from versions.backstage.io or read from a file: a JSON object whose
``packages`` is a list of ``{"name", "version"}`` (https://github.com/backstage/versions). Here the
same is known without a network: yarn.lock has what yarn has bound each range to, and the release's
packages are given.
"""

from __future__ import annotations

import json
import os
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from factory.analysis.lockfile import effective_range, split_descriptor
from factory.files import read_end
from factory.notation.json_text import parse_object
from factory.values import dataclass
from factory.versions import is_version

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from factory.analysis.lockfile import Lockfile

BACKSTAGE = "backstage:"
# The one that there is: https://github.com/backstage/backstage/tree/master/packages/yarn-plugin
_CARET = f"{BACKSTAGE}^"
_SCOPE = "@backstage/"
_LARGEST = 1 << 22
_FIELDS = ("name", "version")


@dataclass(frozen=True, kw_only=True)
class ReleaseRanges:
    """The Backstage packages of a workspace.

    ``release`` are the packages of its release with their versions, empty where it is not known.
    What yarn has bound counts before that: it is what is installed.
    """

    lockfile: Lockfile
    release: Mapping[str, str]

    def meaning(self, name: str, asked: str) -> str:
        """Return the range that ``asked`` stands for; ``asked`` itself where nobody knows."""
        if asked != _CARET:
            return asked
        version = self._bound.get(name) or self._version(name)
        return f"^{version}" if version else asked

    def packages(self) -> Mapping[str, str]:
        """Return what a manifest of the release has to say: versions by name."""
        locked: Collection[str] = () if self.release else self.lockfile.versions
        names = {name for name in locked if name.startswith(_SCOPE)} | self.release.keys()
        found = {name: version for name in sorted(names) if (version := self._version(name))}
        return {**found, **self._bound}

    def list_unanswered(self) -> frozenset[str]:
        """Return the packages that members ask for by ``backstage:^`` and nobody knows."""
        asked = {
            name
            for entry in self.lockfile.entries
            if entry.is_workspace
            for name, wanted in chain(entry.dependencies.items(), entry.peer_dependencies.items())
            if wanted == _CARET
        }
        return frozenset(asked - self.packages().keys())

    @cached_property
    def _bound(self) -> Mapping[str, str]:
        return _bound_versions(self.lockfile)

    def _version(self, name: str) -> str:
        """The release's; where that is not known, the one that the workspace has locked."""
        if self.release:
            return self.release.get(name, "")
        locked = self.lockfile.versions.get(name, ())
        return locked[0] if len(locked) == 1 else ""


def _bound_versions(lockfile: Lockfile) -> dict[str, str]:
    """The versions that yarn has bound ``backstage:^`` to; others bind nothing."""
    found = {}
    for entry in lockfile.entries:
        for descriptor in entry.descriptors:
            name, asked = split_descriptor(descriptor)
            if (
                asked.startswith(f"{_CARET}::")
                and (bound := effective_range(_CARET, (descriptor,)).removeprefix("^"))
                and is_version(bound)
            ):
                found[name] = bound
    return found


def manifest_text(version: str, packages: Mapping[str, str]) -> str:
    """Return the manifest of a release as the JSON text of its file."""
    listed = [{"name": name, "version": packages[name]} for name in sorted(packages)]
    return json.dumps({"releaseVersion": version, "packages": listed}, indent=1) + "\n"


def read_manifest_file(file: Path) -> bytes:
    """Return the text of a file that may be a manifest; the real ones have some 30 kB.

    Raises:
        OSError: it cannot be read, or is not a file.
        ValueError: it is much too large, or there is a NUL in its name.
    """
    read = read_end(Path(os.path.realpath(file)), _LARGEST)
    if not read.is_whole:
        raise ValueError(f"more than {_LARGEST} bytes")
    return read.content


def parse_manifest(text: bytes) -> Mapping[str, str]:
    """Return the packages of a manifest's text, with their versions by name.

    Raises:
        ValueError: it is not the JSON of a manifest.
    """
    listed = parse_object(text).get("packages")
    if not (isinstance(listed, list) and all(map(_is_package, listed))):
        odd = next((each for each in listed if not _is_package(each)), listed) if listed else listed
        raise ValueError(f"packages: {json.dumps(odd)[:80]}")
    return {package["name"]: package["version"] for package in listed}


def _is_package(listed: Any) -> bool:
    name, version = (listed.get(field) if isinstance(listed, dict) else None for field in _FIELDS)
    return isinstance(name, str) and isinstance(version, str) and is_version(version)
