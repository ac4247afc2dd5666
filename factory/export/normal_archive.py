"""An archive that npm packed, written anew so that its bytes depend on its content alone.

npm already sets one time for every file, and no owner. What is left to chance is made the same:

- the modes, which keep what the umask of the build left of them, become 644, or 755 for what any
  may execute;
- the order, which is npm's own and changes with its version, becomes that of the names, with
  ``package.json`` first, where readers look for it;
- the compression, which differs between builds of Node.js, becomes that of Python's zlib at a fixed
  level. Two machines agree on the compressed bytes as long as both have the classic zlib; zlib-ng,
  which some distributions put in its place, deflates otherwise. What is compressed agrees
  everywhere.

Memory does not depend on the archive's size.
"""

from __future__ import annotations

import gzip
import shutil
import tarfile
from typing import TYPE_CHECKING

from factory.archives.npm_package import PACKAGE_FOLDER, PACKAGE_JSON
from factory.errors import PackError

if TYPE_CHECKING:
    from pathlib import Path

_FIRST = f"{PACKAGE_FOLDER}/{PACKAGE_JSON}"
LEVEL = 6
# 1985-10-26 08:15 UTC, in seconds: npm's, since a time of 0 makes zip, and with it tools, fail.
_TIME = 499162500


def write_normal_archive(packed: Path, target: Path) -> None:
    """Write what the archive ``packed`` holds to the new archive ``target``.

    Beside ``target``, the archive is uncompressed into a file that is removed again.

    Raises:
        PackError: the archive has no ``package.json``, or contains something other than files.
        OSError: the disk is full.
    """
    plain = target.with_name(f"{target.name}.tar")
    try:
        with gzip.open(packed) as compressed, plain.open("wb") as uncompressed:
            shutil.copyfileobj(compressed, uncompressed)
        with (
            tarfile.open(plain, "r:") as old,
            target.open("wb") as file,
            # Without a name and a time in the header (RFC 1952, section 2.3).
            gzip.GzipFile("", "wb", LEVEL, file, mtime=0) as compressed_anew,
            tarfile.open(
                mode="w", fileobj=compressed_anew, format=tarfile.PAX_FORMAT, encoding="utf-8"
            ) as new,
        ):
            for member in _in_order(old, packed):
                new.addfile(_normal(member), old.extractfile(member))
    except (tarfile.TarError, EOFError, gzip.BadGzipFile) as error:
        raise PackError(
            f"{packed.name} is not a readable archive",
            found=str(error),
            expected="the gzipped tar archive that npm pack makes",
            hint="check the disk (df -h) and run the build again",
        ) from error
    finally:
        plain.unlink(missing_ok=True)


def _in_order(archive: tarfile.TarFile, packed: Path) -> list[tarfile.TarInfo]:
    members = archive.getmembers()
    odd = next((each.name for each in members if not each.isreg()), None)
    if odd is not None:
        raise PackError(
            f"{packed.name} contains something other than files",
            found=odd,
            expected="only files, as npm pack produces",
        )
    if all(member.name != _FIRST for member in members):
        raise PackError(
            f"{packed.name} has no package.json",
            expected=f"{_FIRST}, which npm always packs",
            hint="look at what rhdh-cli wrote into the plugin's folder dist-dynamic",
        )
    return sorted(members, key=lambda member: (member.name != _FIRST, member.name))


def _normal(member: tarfile.TarInfo) -> tarfile.TarInfo:
    normal = tarfile.TarInfo(member.name)
    normal.size = member.size
    normal.mtime = _TIME
    normal.mode = 0o755 if member.mode & 0o111 else 0o644
    return normal
