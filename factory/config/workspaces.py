"""The workspaces of a configuration directory: each is a folder that holds a ``source.json``.

They are the directory's own subfolders, or, in a catalogue, those of its ``workspaces/`` folder. A
catalogue's workspace without a ``plugins-list.yaml`` is off; one whose list is called
``plugins-list.yaml.disabled`` is off anywhere.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from factory.config.environment import ENV_FILE
from factory.config.list_names import DISABLED_LIST, MISNAMED_LIST, PLUGINS_LIST
from factory.config.portals import PORTALS_FOLDER, list_layers
from factory.config.source_file import SOURCE_FILE
from factory.errors import ConfigurationError, Place, UsageError, os_errors_as
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

log = logging.getLogger(__name__)

CATALOGUE_FOLDER = "workspaces"
CLONES_FOLDER = ".clones"
# What stands beside the workspaces' own folders in --repo-path and in --output-dir.
_TAKEN = {
    CLONES_FOLDER: "the shared clones are in a folder of that name under --repo-path",
    "build-report.json": "the run's report has that name under --output-dir",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundWorkspaces:
    """The folders of a run's workspaces in the order of their names, and what was passed over.

    ``ignored`` are folders that are not workspaces, from the configuration directory. ``unlisted``
    and ``disabled`` are the names of workspaces that are off: without a list in a catalogue, and
    with a list that has been renamed.
    """

    folders: tuple[Path, ...]
    ignored: tuple[str, ...] = ()
    unlisted: tuple[str, ...] = ()
    disabled: tuple[str, ...] = ()


def find_workspaces(config_dir: Path, own: Mapping[str, Path]) -> FoundWorkspaces:
    """Return the workspaces below a configuration directory; none where it is one itself.

    Args:
        config_dir: the configuration directory.
        own: the folders that the run writes to, by the option that names each: they are not
            workspaces.

    Raises:
        ConfigurationError: the directory cannot be read, every workspace is off, or two workspaces
            would have one name.
        UsageError: a workspace's folder is also one that the run writes to.
    """
    if (config_dir / SOURCE_FILE).exists():
        _warn_of_inner(config_dir)
        return FoundWorkspaces(folders=())
    workspaces: list[Path] = []
    ignored: list[str] = []
    for parent in (config_dir, config_dir / CATALOGUE_FOLDER):
        folders = _subfolders(parent)
        holding = [folder for folder in folders if _holds_source(folder)]
        if holding:
            workspaces += holding
            ignored += [
                folder.relative_to(config_dir).as_posix()
                for folder in folders
                if folder not in holding and not _is_expected(folder, config_dir, own)
            ]
    workspaces.sort(key=lambda folder: folder.name)
    disabled = [folder for folder in workspaces if is_disabled(folder)]
    unlisted = [f for f in _catalogue_folders(config_dir, workspaces) if not _has_list(f)]
    if workspaces and len(disabled) + len(unlisted) == len(workspaces):
        raise _all_off(config_dir, disabled, unlisted)
    workspaces = [each for each in workspaces if each not in disabled and each not in unlisted]
    _refuse_taken(workspaces, own)
    _refuse_clashes(workspaces)
    return FoundWorkspaces(
        folders=tuple(workspaces),
        ignored=tuple(ignored),
        unlisted=tuple(folder.name for folder in unlisted),
        disabled=tuple(folder.name for folder in disabled),
    )


def is_disabled(folder: Path) -> bool:
    """Whether a workspace is switched off by the name of its list, as catalogues do it."""
    return (folder / DISABLED_LIST).exists() and not (folder / PLUGINS_LIST).exists()


def environment_files(config_dir: Path) -> tuple[Path, ...]:
    """Return every `.env` file that a run of the directory may read: its own, the workspaces'.

    For masking their secrets from the first line on; it raises for nothing that is wrong there.
    """
    files = (folder / ENV_FILE for folder in settings_folders(config_dir))
    return tuple(file for file in files if file.is_file())


def settings_folders(config_dir: Path) -> tuple[Path, ...]:
    """Return where a run of the directory may find settings: in it, in its workspaces, by portal.

    It raises for nothing that is wrong there.
    """
    parents = (config_dir, config_dir / CATALOGUE_FOLDER)
    found = (config_dir, *(each for parent in parents for each in _quietly(parent)))
    of_portals = (
        folder / PORTALS_FOLDER / name for folder in found for name in _quiet_layers(folder)
    )
    return (*found, *of_portals)


def _quiet_layers(folder: Path) -> tuple[str, ...]:
    try:
        return list_layers(folder)
    except OSError:
        return ()


def _quietly(parent: Path) -> list[Path]:
    try:
        return [folder for folder in _subfolders(parent) if _holds_source(folder)]
    except (ConfigurationError, OSError):
        return []


def _subfolders(parent: Path) -> list[Path]:
    if not parent.is_dir():
        return []
    unreadable = ConfigurationError(
        "the configuration directory cannot be read", place=Place(file=parent)
    )
    with os_errors_as(unreadable):
        return sorted(entry for entry in parent.iterdir() if entry.is_dir())


def _holds_source(folder: Path) -> bool:
    try:
        return (folder / SOURCE_FILE).exists()
    except OSError:  # a folder that may not be entered: it is listed among those passed over
        return False


def _has_list(folder: Path) -> bool:
    return any((folder / name).exists() for name in (PLUGINS_LIST, DISABLED_LIST, MISNAMED_LIST))


def _catalogue_folders(config_dir: Path, workspaces: list[Path]) -> list[Path]:
    """The workspaces of a catalogue, which lists what it builds: those in a folder ``workspaces/``.

    That may be the configuration directory itself, if any list is in it.
    """
    inner = [folder for folder in workspaces if folder.parent == config_dir / CATALOGUE_FOLDER]
    if inner or config_dir.name != CATALOGUE_FOLDER or not any(map(_has_list, workspaces)):
        return inner
    return workspaces


def _all_off(config_dir: Path, disabled: list[Path], unlisted: list[Path]) -> ConfigurationError:
    why = [f"{len(unlisted)} without {PLUGINS_LIST}"] if unlisted else []
    why += [f"{len(disabled)} with {DISABLED_LIST}"] if disabled else []
    return ConfigurationError(
        "every workspace of the configuration directory is disabled",
        place=Place(file=config_dir),
        found=", ".join(why),
        expected=f"a {PLUGINS_LIST} in each workspace that is to be built",
        hint=f"build one with all of its plugins: --config-dir {unlisted[0]}"
        if unlisted
        else f"rename {disabled[0] / DISABLED_LIST} to {PLUGINS_LIST}",
    )


def _warn_of_inner(config_dir: Path) -> None:
    inner = [folder.name for folder in _subfolders(config_dir) if _holds_source(folder)]
    if inner:
        log.warning(
            "%s makes the directory one workspace: not built are %s. Remove it to build these.",
            config_dir / SOURCE_FILE,
            ", ".join(inner),
        )


def _is_expected(folder: Path, config_dir: Path, own: Mapping[str, Path]) -> bool:
    """Whether a folder that is not a workspace needs no warning: hidden, or the run's own."""
    real = folder.resolve()
    return (
        folder.name.startswith(".")
        or folder == config_dir / CATALOGUE_FOLDER
        or any(path.resolve().is_relative_to(real) for path in own.values())
    )


def _refuse_taken(workspaces: list[Path], own: Mapping[str, Path]) -> None:
    for folder in workspaces:
        if why := _TAKEN.get(folder.name.casefold()):
            raise ConfigurationError(
                f"{folder.name} cannot be the name of a workspace",
                place=Place(file=folder),
                found=why,
                hint="rename its folder",
            )
        for option, path in own.items():
            if path.resolve() == folder.resolve():
                raise UsageError(
                    f"{option} is the folder of the workspace {folder.name}",
                    found=str(path),
                    expected="a folder of its own",
                )


def _refuse_clashes(workspaces: list[Path]) -> None:
    seen: dict[str, Path] = {}
    for folder in workspaces:
        first = seen.setdefault(folder.name.casefold(), folder)
        if first is not folder:
            raise ConfigurationError(
                f"two workspaces are called {folder.name}"
                if first.name == folder.name
                else f"{first.name} and {folder.name} are one name on some filesystems",
                place=Place(file=folder),
                found=f"the workspace {first}",
                expected="names that differ in more than upper and lower case",
                hint="rename one of the two folders",
            )
