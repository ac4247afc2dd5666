"""A folder on a small disk, which is full from a chosen moment on, or when it is."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.command_line import Ended

from .tiny_workspace import Desk

_ROOM = "24m"
# What the folder holds is put on the disk, and afterwards back where it was, without the filler.
_ON_DISK = """
disk=$1 kept=$2 size=$3; shift 3
cp -a "$disk" "$kept" && mount -t tmpfs -o size="$size" none "$disk" && cp -a "$kept/." "$disk" \
  || exit 99
"$@"
code=$?
rm -rf "$disk/filler" "$kept" && cp -a "$disk" "$kept"
exit $code
"""
# Python programs read this file as they start: fills the disk before a certain file is opened. The
# factory forgets variables that are not its own as it starts, so that none says which.
_FILLING = """
import os, sys

def fill(event, arguments):
    global sought
    name = arguments[0] if event == "open" else None
    if sought and isinstance(name, str) and os.path.basename(name).startswith(sought):
        sought = None
        filler = os.open({disk!r} + "/filler", os.O_WRONLY | os.O_CREAT)
        size = 1 << 20
        while size:
            try:
                os.write(filler, bytes(size))
            except OSError:
                size //= 2
        os.close(filler)

sought = {opens!r}
sys.addaudithook(fill)
"""


def build_until_full(desk: Desk, folder: Path, opens: str, *options: str | Path) -> Ended:
    """Build with a folder on a disk that is full once the factory opens a file of this name.

    What is in the folder then is there afterwards too, as on a disk that has been made larger.

    Args:
        desk: whose build it is.
        folder: the folder, with what is in it.
        opens: how the file's name begins.
        options: further options of the build.
    """
    program = desk.root / "program"
    program.mkdir(exist_ok=True)
    filling = _FILLING.format(disk=str(folder), opens=opens)
    (program / "sitecustomize.py").write_text(filling)
    return build_on_disk(desk, folder, _ROOM, *options, PYTHONPATH=str(program))


def build_on_disk(
    desk: Desk, folder: Path, size: str, *options: str | Path, **variables: str
) -> Ended:
    """Build with a folder on a disk of a size, in tmpfs's words; afterwards it is what it was.

    What is in the folder then is there afterwards too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    kept = desk.root / "kept"
    own_user = () if os.getuid() == 0 else ("--map-root-user",)
    ended = desk.build(
        *options,
        inside=(
            *("unshare", *own_user, "--mount"),
            *("sh", "-c", _ON_DISK, "sh", str(folder), str(kept), size),
        ),
        variables=variables,
    )
    shutil.rmtree(folder)
    kept.rename(folder)
    return ended
