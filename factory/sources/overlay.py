"""Overlays: files of the configuration directory copied onto a plugin's folder.

``<config>/<plugin path>/overlay/`` (or ``overlays/``) goes onto ``<workspace>/<plugin path>/``;
``<config>/overlay/`` onto the workspace's root, where that is the plugin. Hidden files are files
like any other. Nothing is written before everything has been checked.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path, PurePosixPath

from factory.errors import PatchError, Place
from factory.sources.file_copy import is_same_file, leads_out
from factory.sources.patch import PATCHES_FOLDER
from factory.sources.patched_tree import is_git_folder
from factory.sources.replacement import Replacement, replace_all
from factory.values import dataclass

log = logging.getLogger(__name__)

OVERLAY_NAMES = ("overlay", "overlays")
_NEVER_ENTERED = frozenset({"node_modules", *OVERLAY_NAMES})


@dataclass(frozen=True, kw_only=True, slots=True)
class Overlay:
    """A folder of files, and the path of the plugin (relative to the workspace) they are for.

    One that ``is_of_portal`` lies on top of that of all portals.
    """

    folder: Path
    plugin: str
    is_of_portal: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class OverlayResult:
    """What an overlay did to its plugin: paths relative to the plugin's folder, sorted.

    ``unchanged`` are files that were there with the same content, as after an earlier run.
    """

    plugin: str
    added: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    unchanged: tuple[str, ...] = ()


def find_overlays(config_dir: Path, *, skip: tuple[Path, ...] = ()) -> tuple[Overlay, ...]:
    """Return all overlays of a configuration directory, sorted by plugin path.

    Not entered are ``patches/``, hidden folders, ``node_modules``, other overlays, links, and the
    folders in ``skip`` (a source, an output directory that is inside the configuration).

    Raises:
        PatchError: an overlay is itself a link that leads out of the configuration, or nowhere.
    """
    skipped = {path.resolve() for path in skip}
    found: list[Overlay] = []
    for parent, folders, files in os.walk(config_dir):
        here = Path(parent)
        plugin = here.relative_to(config_dir).as_posix()
        for name in OVERLAY_NAMES:
            overlay = Overlay(folder=here / name, plugin=plugin)
            if overlay.folder.is_symlink() and name in {*folders, *files}:
                _refuse_link(overlay, config_dir)
            if name in folders:
                found.append(overlay)
        folders[:] = [
            name
            for name in folders
            if name not in _NEVER_ENTERED
            and not name.startswith(".")
            and not (here == config_dir and name == PATCHES_FOLDER)
            and (here / name).resolve() not in skipped
        ]
    return tuple(sorted(found, key=lambda overlay: (overlay.plugin, overlay.folder)))


def apply_overlays(overlays: tuple[Overlay, ...], workspace: Path) -> tuple[OverlayResult, ...]:
    """Copy overlays onto a workspace, all of them or none, and return what each one did.

    Links of an overlay stay links; they may not lead out of it. A link in the plugin's folder that
    an overlay has a file for is replaced itself, not what it points to.

    Raises:
        PatchError: an overlay's plugin does not exist, or it would write outside the plugin's
            folder, or a file is in the way of a folder or the other way round.
        StorageError: the disk is full, or a file cannot be written; nothing has changed.
    """
    replacements: dict[Path, Replacement] = {}
    results: list[OverlayResult] = []
    for overlay in overlays:
        plugin = _plugin_folder(overlay, workspace)
        files = _files(overlay)
        added, replaced, unchanged = [], [], []
        for name in files:
            source, target = overlay.folder / name, plugin / name
            _refuse_unsafe(overlay, name, plugin)
            if target in replacements:
                if not overlay.is_of_portal:
                    log.warning("%s is in two overlays; that of %s is used", target, overlay.folder)
            elif not os.path.lexists(target):
                added.append(str(name))
            elif is_same_file(source, target):
                unchanged.append(str(name))
                continue
            else:
                replaced.append(str(name))
            replacements[target] = Replacement(target=target, content=source)
        results.append(
            OverlayResult(
                plugin=overlay.plugin,
                added=tuple(added),
                replaced=tuple(replaced),
                unchanged=tuple(unchanged),
            )
        )
    replace_all(replacements.values(), root=workspace)
    return tuple(results)


def already_overlaid(overlays: tuple[Overlay, ...], workspace: Path) -> frozenset[Path]:
    """Return the files of a workspace that overlays have replaced in an earlier run.

    A patch to such a file can be neither applied nor recognised any more, and need not be: the
    overlay has the last word.

    Raises:
        PatchError: as for :func:`apply_overlays`.
    """
    return frozenset(
        _plugin_folder(overlay, workspace) / name
        for overlay in overlays
        for name in _files(overlay)
        if _is_same(overlay.folder / name, workspace / overlay.plugin / name)
    )


def _is_same(source: Path, target: Path) -> bool:
    return os.path.lexists(target) and not target.is_dir() and is_same_file(source, target)


def _plugin_folder(overlay: Overlay, workspace: Path) -> Path:
    path = PurePosixPath(overlay.plugin)
    folder = workspace / path
    if any(map(is_git_folder, path.parts)):
        raise _refusal(overlay, f"its plugin {path} is inside git's own folder")
    if path.is_absolute() or ".." in path.parts:
        raise _refusal(overlay, f"its plugin {path} is not a path inside the workspace")
    if not folder.resolve().is_relative_to(workspace.resolve()):
        raise _refusal(overlay, f"its plugin {path} is a link out of the workspace")
    if folder.is_dir() or (not os.path.lexists(folder) and _brings_a_package(overlay)):
        return folder
    raise PatchError(
        f"an overlay is for a plugin that the workspace does not have: {path}",
        place=Place(file=overlay.folder),
        found="a file of that name" if folder.is_file() else "no such folder",
        expected=f"the folder {folder}, or a package.json in the overlay for a new plugin",
        hint="rename the overlay's folder to the plugin's path in the workspace",
    )


def _brings_a_package(overlay: Overlay) -> bool:
    return (overlay.folder / "package.json").is_file()


def _files(overlay: Overlay) -> tuple[PurePosixPath, ...]:
    """All files and links of an overlay, relative to it, sorted; checked to be just that."""
    found: list[PurePosixPath] = []

    def refuse(error: OSError) -> None:
        raise _refusal(overlay, f"{error.filename} cannot be read: {error.strerror}") from error

    for parent, folders, files in os.walk(overlay.folder, onerror=refuse):
        here = Path(parent)
        for name in [*files, *(n for n in folders if (here / n).is_symlink())]:
            path = here / name
            relative = PurePosixPath(path.relative_to(overlay.folder))
            if path.is_symlink():
                if leads_out(relative, path.readlink()) or _leaves(path, overlay.folder):
                    raise _refusal(
                        overlay,
                        f"{relative} is a link out of the overlay ({path.readlink()})",
                        hint="put a copy of the file in its place",
                    )
            elif not path.is_file():
                raise _refusal(overlay, f"{relative} is neither a file, a folder nor a link")
            found.append(relative)
    return tuple(sorted(found))


def _refuse_unsafe(overlay: Overlay, name: PurePosixPath, plugin: Path) -> None:
    """Raise if a file would land outside the plugin's folder, or cannot be put there."""
    for parent in list(name.parents)[:-1]:
        folder = plugin / parent
        if not folder.resolve().is_relative_to(plugin.resolve()):
            raise _refusal(
                overlay, f"{name} would be written outside the plugin: {folder} is a link out of it"
            )
        if os.path.lexists(folder) and not folder.is_dir():
            raise _refusal(overlay, f"{name} needs a folder where {folder} is a file")
    if any(map(is_git_folder, name.parts)):
        raise _refusal(overlay, f"{name} is inside git's own folder")
    target = plugin / name
    if target.is_dir() and not target.is_symlink():
        raise _refusal(overlay, f"{name} is a file where {target} is a folder")


def _refuse_link(overlay: Overlay, config_dir: Path) -> None:
    """Raise for an overlay that is a link, unless it leads to a folder of the configuration."""
    written = overlay.folder.readlink()
    if _leaves(overlay.folder, config_dir):
        raise _refusal(
            overlay,
            f"it is a link out of the configuration ({written})",
            hint="put a copy of the folder in its place",
        )
    if not overlay.folder.is_dir():
        raise _refusal(overlay, f"it is a link to something that is not a folder ({written})")


def _leaves(link: Path, folder: Path) -> bool:
    """Whether a link, followed through all others on its way, leads out of a folder or in circles.

    What a link says is not enough: a part of it may be a link to a folder further up.
    """
    try:
        return not link.resolve().is_relative_to(folder.resolve())
    except (OSError, RuntimeError):
        return True


def _refusal(overlay: Overlay, reason: str, hint: str | None = None) -> PatchError:
    return PatchError(
        f"the overlay for {overlay.plugin} cannot be copied: {reason}",
        place=Place(file=overlay.folder),
        expected="files and links that stay inside the plugin's folder",
        hint=hint,
    )
