"""How what rhdh-cli installs into a plugin becomes what the workspace's yarn.lock says.

rhdh-cli copies yarn.lock into ``dist-dynamic`` and runs ``yarn install`` there. That is a project
of its own: the ``resolutions`` of the workspace's root do not hold in it (from rhdh-cli 1.11.4 on
some do, none that patch), patches and folders that a range names by a path are not there, and what
a member asks for as ``workspace:`` has no entry. Whatever yarn.lock then does not answer, yarn
takes anew from the registry: the newest of that day.

So rhdh-cli finds a yarn on its PATH that makes up for it (``locked_install.cjs``), whichever
release of rhdh-cli it is. What is shipped, package.json among it, stays what rhdh-cli wrote.
"""

from __future__ import annotations

import json
from dataclasses import field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from factory.toolchain.yarn import write_launcher
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.toolchain.assembled import Toolchain

SCRIPT = "locked_install.cjs"


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedResolution:
    """One of the workspace's ``resolutions``, as it is to be in the exported package.json.

    Where its pattern is for one version of a package that is embedded, ``embedded`` is that package
    as ``name@version``, and ``pattern_embedded`` the pattern to use instead.
    """

    pattern: str
    value: str
    embedded: str = ""
    pattern_embedded: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedInstall:
    """What an installation of a plugin's private dependencies takes to be the locked one.

    Attributes:
        lockfile: the workspace's.
        resolutions: those of its root, in their order.
        ranges: what packages on the disk ask for in a form that only the workspace understands,
            and what to ask for instead: by ``name@version`` and by dependency.
        files: the patches that are needed: where each has to be in the exported folder, and where
            it is.
    """

    lockfile: Path
    resolutions: tuple[LockedResolution, ...] = ()
    ranges: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    files: Mapping[str, Path] = field(default_factory=dict)


def lock_environment(
    locked: LockedInstall, exported: Path, env: Mapping[str, str], toolchain: Toolchain
) -> dict[str, str]:
    """Return the environment of an export in which ``yarn`` installs what is locked.

    Args:
        locked: what that takes.
        exported: the folder that rhdh-cli is going to install in.
        env: the environment of the export; its ``TMPDIR`` is a folder of this process alone.
        toolchain: the yarn that does the work.
    """
    folder = Path(env["TMPDIR"], "locked-install")
    folder.mkdir(exist_ok=True)
    script, plan, launcher = folder / SCRIPT, folder / "plan.json", folder / "yarn"
    script.write_bytes(resources.files(__package__).joinpath(SCRIPT).read_bytes())
    plan.write_text(json.dumps(_document(locked, exported)), encoding="utf-8")
    words = (toolchain.node.bin_dir / "node", script, plan, toolchain.yarn_command)
    write_launcher(launcher, words, toolchain.yarn.version)
    return {**env, "PATH": f"{folder}:{env['PATH']}"}


def _document(locked: LockedInstall, exported: Path) -> dict[str, object]:
    return {
        "folder": str(exported),
        "lockfile": str(locked.lockfile),
        "ranges": {package: dict(ranges) for package, ranges in locked.ranges.items()},
        "files": [{"from": str(file), "to": to} for to, file in locked.files.items()],
        "resolutions": [
            {
                "pattern": each.pattern,
                "value": each.value,
                "whenEmbedded": {"package": each.embedded, "pattern": each.pattern_embedded}
                if each.embedded
                else None,
            }
            for each in locked.resolutions
        ],
    }
