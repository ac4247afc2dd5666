"""Where rhdh-cli sends yarn's output when it installs a plugin's private dependencies.

Up to 1.10.0 that is ``yarn-install.log`` in ``dist-dynamic``; from 1.10.1 on it is a file of a
fixed name in the temporary folder. rhdh-cli removes the first when all went well, not the second.
Scripts of the source's run before, and may have put anything in their place.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from factory.errors import ExportError, Place
from factory.files import read_end
from factory.patterns import lazy_pattern
from factory.versions import release_of, satisfies

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = "yarn-install.log"
_LATER_NAME = "rhdh-cli.yarn-install.log"
_LATER = ">=1.10.1"
# Letters and digits of any script are nothing to a shell.
_SHELLS = lazy_pattern(r"[^\w@%+=:,./-]")
_REDIRECTION = lazy_pattern(rf" > (?:\S*[\\/])?{re.escape(_LATER_NAME)}")
_MOST = 1 << 20


def refuse_folder_for_shells(env: Mapping[str, str], version: str) -> None:
    """Refuse a temporary folder that a shell would not take for one word.

    rhdh-cli writes the name of the later log into a shell's command as it is: a space in it ends
    the name, and what follows a semicolon would be started.

    Args:
        env: the environment of the export, with its ``TMPDIR``.
        version: rhdh-cli's.

    Raises:
        ExportError: it has such a character, and this version writes there.
    """
    folder = env["TMPDIR"]
    odd = _SHELLS.search(folder)
    if odd and satisfies(release_of(version), _LATER):
        raise ExportError(
            f"rhdh-cli {version} cannot write its log into the temporary folder",
            place=Place(file=Path(folder)),
            found=f"{odd[0]!r} in the folder's name",
            expected="a name that a shell takes as it is: letters, digits, - _ .",
            hint="run the command again with another temporary folder, such as TMPDIR=/var/tmp",
        )


def read_install_log(exported: Path, env: Mapping[str, str]) -> str:
    """Return the end of what yarn printed; empty if rhdh-cli has not started it.

    Args:
        exported: the plugin's ``dist-dynamic``.
        env: the environment of the export; its ``TMPDIR`` was empty when that began.
    """
    logs = [Path(env["TMPDIR"], _LATER_NAME)]
    if not exported.is_symlink():
        logs.insert(0, exported / _NAME)
    for log in logs:
        try:
            return read_end(log, _MOST).text()
        except OSError:  # it is not there, or not a file
            continue
    return ""


def forget_install_log(exported: Path) -> None:
    """Remove what an attempt before this one has left in ``dist-dynamic``.

    Raises:
        OSError: it cannot be removed.
    """
    log = exported / _NAME
    if not exported.is_symlink() and (log.is_symlink() or log.is_file()):
        log.unlink()


def without_install_log(message: str) -> str:
    """Return an error of rhdh-cli without the name of the later log: it is gone when one looks."""
    return _REDIRECTION.sub("", message)
