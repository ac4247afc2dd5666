"""Installed packages as hard links to one store, where that is safe and nobody says otherwise.

Yarn keeps the files of all packages once, beside its cache, and links them into every workspace
(https://yarnpkg.com/configuration/yarnrc#nmMode): a second workspace with the same dependencies
takes a fraction of the time and of the disk. A file that is written in place changes for all of
them, though. Builds do not do that; install scripts of a workspace do (patch-package mends the
packages where they are). Yarn itself repairs a changed file of the store when it links it the next
time, which is too late for a workspace that was built meanwhile. So such workspaces get copies.

A file can have so many links and no more: 65,000 on ext4. One package of icons has 5,600 files with
the same content, so a dozen workspaces would use that up; yarn 4.12 then leaves files out without a
word. So files of the store that are worn are taken out of it before an installation: yarn puts a
new one there, and the old one lives on in the workspaces that have it. After the installation it is
checked that no file has come near the limit.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from factory.config.allowed_scripts import INSTALL_SCRIPTS
from factory.errors import ConfigurationError, Place
from factory.notation.json_text import parse_object
from factory.notation.yaml_text import parse_yaml_1_1
from factory.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory.config.environment import Environment
    from factory.toolchain.yarn import Yarn

log = logging.getLogger(__name__)

VARIABLE = "YARN_NM_MODE"
LINKED = "hardlinks-global"
NODE_MODULES = "node-modules"
_LINKER_VARIABLE = "YARN_NODE_LINKER"
# nmMode came with 3.1; yarn 2 refuses to start when it finds a setting that it does not know.
_FIRST_MAJOR = 4
# By type of filesystem. Overlays have what is below them, which is one of the others.
_LINKS = {
    "ext4": 65_000,
    "overlay": 65_000,
    "btrfs": 65_535,
    "tmpfs": 1 << 31,
    "xfs": 1 << 31,
    "zfs": 1 << 31,
}
_NEVER_REACHED = 1_000_000
_FOLDERS = 256
# Parts of all links: a file that has more is replaced, so that several workspaces can be installed
# at once before it gets near the end.
_WORN = 0.15
_NEAR = 0.95
_MENDS_PACKAGES = lazy_pattern(r'^"?(?:patch-package|postinstall-postinstall)@', re.MULTILINE)


def linking_variables(workspace: Path, yarn: Yarn, environment: Environment) -> dict[str, str]:
    """Return what to add to the environment of ``yarn install`` in a workspace: a mode, or nothing.

    Only for the installation of the workspace itself: what an export installs is packed from its
    folder, and stays a copy.
    """
    reason = reason_against_linking(workspace, yarn, environment)
    if reason:
        log.debug("packages are copied, not linked: %s", reason)
        return {}
    store = _store(settings_of(workspace, environment), environment)
    if not _make_store(store):
        return {}
    _renew_worn_files(store)
    return {VARIABLE: LINKED}


def has_linked(workspace: Path, environment: Environment) -> bool:
    """Whether yarn has made links for any workspace, with the settings of this one."""
    return _store(settings_of(workspace, environment), environment).is_dir()


def reason_against_linking(workspace: Path, yarn: Yarn, environment: Environment) -> str | None:
    """Return why packages of a workspace are copied and not linked; None if they are linked."""
    settings = settings_of(workspace, environment)
    if int(yarn.version.partition(".")[0]) < _FIRST_MAJOR:
        return f"yarn {yarn.version} cannot"
    linker = _linker(settings, environment)
    if linker != NODE_MODULES:
        return f"the linker is {linker}"
    if environment.get(VARIABLE) or any("nmMode" in each for each in settings):
        return "nmMode is set"
    if _most_links(_store(settings, environment)) is None:
        return "the filesystem of yarn's global folder is not known to take so many links"
    return _writing_into_packages(workspace)


def refuse_other_linker(workspace: Path, environment: Environment) -> None:
    """Refuse a workspace of yarn 2 or later whose packages do not go into ``node_modules``.

    rhdh-cli and Backstage's own tools look for packages there. Yarn's default is ``pnp``, and with
    ``pnpm`` the packages of an exported plugin are links that no archive holds
    (https://yarnpkg.com/configuration/yarnrc#nodeLinker).

    Raises:
        ConfigurationError: the linker is another one.
    """
    settings = settings_of(workspace, environment)
    linker = _linker(settings, environment)
    if linker == NODE_MODULES:
        return
    files = settings_files(workspace, environment)
    named = any("nodeLinker" in each for each in settings)
    variable = environment.get(_LINKER_VARIABLE)
    where = f"{_LINKER_VARIABLE}={variable}" if variable else f"nodeLinker: {linker}"
    raise ConfigurationError(
        "yarn would not install packages into node_modules, where rhdh-cli looks for them",
        place=Place(file=files[0] if files else workspace / ".yarnrc.yml", field="nodeLinker"),
        found=where if named or variable else f"no nodeLinker, for which yarn takes {linker}",
        expected=f"nodeLinker: {NODE_MODULES}",
        hint=f"write 'nodeLinker: {NODE_MODULES}' into the workspace's .yarnrc.yml with a patch "
        f"or an overlay, or {_LINKER_VARIABLE}={NODE_MODULES} into the configuration's .env",
    )


def _linker(settings: list[dict[str, Any]], environment: Environment) -> str:
    named = (str(each["nodeLinker"]) for each in settings if "nodeLinker" in each)
    return environment.get(_LINKER_VARIABLE) or next(named, "pnp")


def may_lack_files(workspace: Path, environment: Environment) -> bool:
    """Whether links may have run out while packages were linked: yarn leaves files out then."""
    store = _store(settings_of(workspace, environment), environment)
    most = _most_links(store)
    return most is None or any(_find_linked_more(store, most * _NEAR))


def _store(settings: list[dict[str, Any]], environment: Environment) -> Path:
    """Where yarn 4 keeps the files, in its global folder."""
    named = environment.get("YARN_GLOBAL_FOLDER") or next(
        (str(each["globalFolder"]) for each in settings if "globalFolder" in each), None
    )
    data = environment.get("XDG_DATA_HOME")
    home = environment.get("HOME") or "/"
    return Path(named or (f"{data}/yarn/berry" if data else f"{home}/.yarn/berry"), "store/v1")


def _make_store(store: Path) -> bool:
    """Make the store's folders, and return whether it is there and ours.

    Yarn makes the store first and then its folders: another yarn that starts in between leaves
    files out, or fails. Of another user's files the kernel lets nobody make links (proc(5),
    protected_hardlinks).
    """
    if store.is_dir():
        return store.stat().st_uid == os.getuid()
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        making = Path(tempfile.mkdtemp(prefix=".making-", dir=store.parent))
        making.chmod(0o755)
        for number in range(_FOLDERS):
            (making / f"{number:02x}").mkdir()
        try:
            making.rename(store)
        except OSError:  # another run was faster
            shutil.rmtree(making, ignore_errors=True)
    except OSError as error:
        log.debug("yarn's store cannot be created: %s", error)
    return store.is_dir()


def _renew_worn_files(store: Path) -> None:
    most = _most_links(store) or 0
    for file in _find_linked_more(store, most * _WORN):
        with contextlib.suppress(FileNotFoundError):  # another run was faster
            file.unlink()


def _find_linked_more(store: Path, links: float) -> Iterator[Path]:
    """The files of the store that have more links than so many."""
    if links > _NEVER_REACHED:
        return
    stat = os.stat
    with contextlib.suppress(FileNotFoundError):
        for folder in store.glob("??"):  # beside them is what other runs' yarns are writing
            here = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                # Some 70,000 files, each named from its folder: a path of each costs twice as much.
                for name in os.listdir(here):  # noqa: PTH208
                    try:
                        if stat(name, dir_fd=here, follow_symlinks=False).st_nlink > links:
                            yield folder / name
                    except FileNotFoundError:
                        continue
            finally:
                os.close(here)


def _most_links(store: Path) -> int | None:
    """How many links a file of the store can have; None where that is not known."""
    folder = next(each for each in (store, *store.parents) if each.is_dir()).resolve()
    try:
        table = Path("/proc/self/mountinfo").read_text(encoding="utf-8")
    except OSError:
        return None
    # proc_pid_mountinfo(5): the mount point is the fifth field, the type comes after a dash.
    mounts = [line.partition(" - ") for line in table.splitlines()]
    types = {left.split()[4]: right.split()[0] for left, _, right in mounts}
    return next(_LINKS.get(types[at]) for at in map(str, (folder, *folder.parents)) if at in types)


def _writing_into_packages(workspace: Path) -> str | None:
    manifest = _object((workspace / "package.json").read_text(encoding="utf-8", errors="replace"))
    scripts = manifest.get("scripts")
    own = [name for name in INSTALL_SCRIPTS if isinstance(scripts, dict) and name in scripts]
    if own:
        return f"the workspace has a script {own[0]}, which may write into packages"
    lockfile = (workspace / "yarn.lock").read_text(encoding="utf-8", errors="replace")
    if mends := _MENDS_PACKAGES.search(lockfile):
        return f"{mends[0].strip('@').strip(chr(34))} writes into packages"
    return None


def settings_files(workspace: Path, environment: Environment) -> tuple[Path, ...]:
    """Return the settings files that yarn reads for a workspace, the nearest first."""
    folders = [workspace, *workspace.parents]
    if home := environment.get("HOME"):
        folders.append(Path(home))
    name = environment.get("YARN_RC_FILENAME") or ".yarnrc.yml"
    return tuple(folder / name for folder in folders if (folder / name).is_file())


def settings_of(workspace: Path, environment: Environment) -> list[dict[str, Any]]:
    """Return what those files say, in their order; one that is not YAML is left out."""
    found: list[dict[str, Any]] = []
    for file in settings_files(workspace, environment):
        try:
            value = parse_yaml_1_1(file.read_text(encoding="utf-8", errors="replace"))
        except ValueError:
            continue  # yarn says so itself
        if isinstance(value, dict):
            found.append(value)
    return found


def _object(text: str) -> dict[str, Any]:
    try:
        return parse_object(text)
    except ValueError:
        return {}
