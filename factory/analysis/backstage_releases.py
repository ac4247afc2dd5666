"""Every release of Backstage from 1.25 on, with the packages that belong to it.

The data is Backstage's own release manifests (https://github.com/backstage/versions), packed into
one file: a line a package, with the runs of its versions over all releases in their order. So no
release is spelled out, and one is read without the others: 126 manifests of 1.5 MB are 65 kB.
``python -m factory.analysis.pack_releases FOLDER`` writes it.
"""

from __future__ import annotations

import json
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from factory.notation.json_text import parse_object
from factory.versions import highest, release_order

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

RELEASES_FILE = Path(__file__).with_name("backstage-releases.dat")
_ABSENT = "-"


@cache
def _read_packed() -> tuple[tuple[str, ...], Mapping[str, str]]:
    """The releases, oldest first, and the runs of each package."""
    data = RELEASES_FILE.read_bytes()
    document = parse_object(data)
    return tuple(document["releases"].split()), document["packages"]


def list_releases() -> tuple[str, ...]:
    """Return the releases of Backstage that are known, oldest first."""
    return _read_packed()[0]


def find_release(wanted: str) -> str | None:
    """Return the release that ``1.52.1`` or ``1.52``, its newest patch, is; None of no other."""
    known = list_releases()
    if wanted in known:
        return wanted
    return highest(release for release in known if release.rpartition(".")[0] == wanted)


@lru_cache(maxsize=256)
def packages_of_release(release: str) -> Mapping[str, str]:
    """Return the packages of a release with their versions, as its manifest has them.

    Raises:
        ValueError: no such release is known.
    """
    releases, packages = _read_packed()
    index = releases.index(release)
    found = {name: _version_at(runs, index) for name, runs in packages.items()}
    return MappingProxyType({name: version for name, version in found.items() if version})


def releases_that_have(package: str, version: str) -> int | None:
    """Return in which releases a package has a version, as bits: the oldest release is bit 0.

    None where no release has the package at all.
    """
    runs = _read_packed()[1].get(package)
    if runs is None:
        return None
    bits, position = 0, 0
    for one, length in _read_runs(runs):
        if one == version:
            bits |= ((1 << length) - 1) << position
        position += length
    return bits


def pack_releases(manifests: Sequence[Mapping[str, object]]) -> str:
    """Return release manifests as the text of the packed file.

    Args:
        manifests: ``releaseVersion``, and ``packages`` as versions by name.

    Raises:
        ValueError: one of them has another form.
    """
    by_release: dict[str, Mapping[str, str]] = {}
    for manifest in manifests:
        release, packages = manifest.get("releaseVersion"), manifest.get("packages")
        if not isinstance(release, str) or not isinstance(packages, dict):
            raise ValueError(f"this is not a release manifest: {str(manifest)[:60]}")  # noqa: TRY004
        by_release[release] = packages
    releases = sorted(by_release, key=release_order)
    names = sorted({name for packages in by_release.values() for name in packages})
    lines = [
        f"{json.dumps(name)}: "
        f"{json.dumps(_write_runs([by_release[one].get(name) for one in releases]))}"
        for name in names
    ]
    head = f'{{\n"releases": {json.dumps(" ".join(releases))},\n"packages": {{\n'
    return head + ",\n".join(lines) + "\n}\n}\n"


def _write_runs(versions: Sequence[str | None]) -> str:
    words: list[str] = []
    start = 0
    for end in range(1, len(versions) + 1):
        if end == len(versions) or versions[end] != versions[start]:
            words.append(f"{versions[start] or _ABSENT}*{end - start}")
            start = end
    return " ".join(words)


def _read_runs(text: str) -> Iterator[tuple[str, int]]:
    for word in text.split():
        version, _, length = word.partition("*")
        yield ("" if version == _ABSENT else version), int(length)


def _version_at(runs: str, index: int) -> str:
    position = 0
    for version, length in _read_runs(runs):
        position += length
        if index < position:
            return version
    return ""
