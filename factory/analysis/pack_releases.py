"""Packs Backstage's release manifests into the file that ships: for who maintains this package.

``python -m factory.analysis.pack_releases FOLDER`` takes a folder with a file a release, such as
``1.53.0.json``, as https://versions.backstage.io/v1/releases/1.53.0/manifest.json gives it. What
the shipped file has already stays, so that a folder with the new releases alone does.
"""

from __future__ import annotations

import sys
from pathlib import Path

from factory.analysis.backstage_releases import (
    RELEASES_FILE,
    list_releases,
    pack_releases,
    packages_of_release,
)
from factory.files import write_whole
from factory.notation.json_text import parse_object


def pack_folder(folder: Path, file: Path) -> None:
    """Write the releases that are known, and those that ``folder`` has, into ``file``.

    Raises:
        ValueError: a file in the folder is not a release manifest.
        OSError: the folder cannot be read, or the file not written.
    """
    known: list[dict[str, object]] = [
        {"releaseVersion": release, "packages": dict(packages_of_release(release))}
        for release in (list_releases() if file.is_file() else ())
    ]
    fresh = [parse_object(each.read_bytes()) for each in sorted(folder.glob("*.json"))]
    write_whole(file, pack_releases([*known, *fresh]))


if __name__ == "__main__":
    pack_folder(Path(sys.argv[1]), RELEASES_FILE)
