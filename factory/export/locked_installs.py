"""What each plugin's private installation has to be told, from what the workspace has locked."""

from __future__ import annotations

import posixpath
from dataclasses import field
from typing import TYPE_CHECKING
from urllib.parse import quote

from factory.analysis.locked_workspace import PATCH, patch_path, split_patch
from factory.analysis.lockfile import split_descriptor
from factory.analysis.resolutions import Resolution, parse_resolution
from factory.export.locked_install import LockedInstall, LockedResolution
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from factory.analysis.graph import Edge
    from factory.analysis.locked_workspace import LockedWorkspace
    from factory.analysis.manifest import Manifest

# https://yarnpkg.com/protocols: these name a folder or an archive by its path.
_BY_PATH = ("file:", "portal:", "link:")
# These mean something in the workspace alone.
_OF_WORKSPACE = ("workspace:", "catalog:", "backstage:")
# What rhdh-cli adds to the name of what it exports.
_DYNAMIC = "-dynamic"
_YARNS = ".yarn/"


def plan_locked_install(workspace: LockedWorkspace, plugin: Manifest) -> LockedInstall:
    """Return what makes the private dependencies of ``plugin`` those of the workspace's lockfile.

    Yarn applies the root's resolutions itself, as it has done in the workspace. What members of the
    workspace ask for by a path, or in a form that has a meaning in the workspace alone, is put in
    words that lead to the same entry of the lockfile.
    """
    portable = _Portable(workspace=workspace)
    patterns = [parse_resolution(*each) for each in workspace.resolutions.items()]
    resolutions = [portable.resolution(pattern, plugin.name) for pattern in patterns]
    manifests = {each.manifest.name: each.manifest for each in workspace.members.values()}
    manifests[plugin.name] = plugin
    ranges = {
        f"{manifest.name}@{manifest.version}": found
        for manifest in manifests.values()
        if (found := dict(portable.ranges(manifest)))
    }
    return LockedInstall(
        lockfile=workspace.lockfile,
        resolutions=tuple(resolutions),
        ranges=ranges,
        files=portable.files,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Portable:
    """Ranges of the workspace in words that hold in another folder; ``files`` are what they name.

    ``files`` are patches, by their path from that folder.
    """

    workspace: LockedWorkspace
    files: dict[str, Path] = field(default_factory=dict)

    def resolution(self, pattern: Resolution, plugin: str) -> LockedResolution:
        value = self.range(pattern.replacement, "")
        if pattern.parent == plugin and not pattern.parent_version:
            renamed = pattern.pattern.replace(plugin, f"{plugin}{_DYNAMIC}", 1)
            return LockedResolution(pattern=renamed, value=value)
        if pattern.parent and pattern.parent_version:
            _, _, rest = pattern.pattern.partition(pattern.parent_version)
            return LockedResolution(
                pattern=pattern.pattern,
                value=value,
                embedded=f"{pattern.parent}@{pattern.parent_version}",
                pattern_embedded=f"{pattern.parent}{rest}",
            )
        return LockedResolution(pattern=pattern.pattern, value=value)

    def ranges(self, manifest: Manifest) -> Iterator[tuple[str, str]]:
        """The dependencies of a member that have to be asked for in other words."""
        graph = self.workspace.graph
        for edge in graph.edges(graph.package(manifest)):
            wanted = self._find_wanted(edge, manifest)
            if wanted != edge.asked:
                yield edge.name, wanted

    def range(self, written: str, folder: str) -> str:
        """A range that names a path, as one that holds elsewhere; any other as it is."""
        if written.startswith(PATCH):
            return self._patch(written, folder)
        protocol = next((each for each in _BY_PATH if written.startswith(each)), None)
        if protocol is None:
            return written
        target = self.workspace.root / folder / written.removeprefix(protocol).partition("::")[0]
        return f"file:{posixpath.normpath(target.absolute().as_posix())}"

    def _find_wanted(self, edge: Edge, manifest: Manifest) -> str:
        if edge.asked.startswith(_OF_WORKSPACE):
            target = edge.target
            if not target.version:
                return edge.asked
            alias = "" if target.name == edge.name else f"{target.name}@"
            return f"npm:{alias}{target.version}"
        folder = manifest.file.parent
        within = folder.is_relative_to(self.workspace.root)
        return self.range(
            edge.asked,
            folder.relative_to(self.workspace.root).as_posix() if within else str(folder),
        )

    def _patch(self, written: str, folder: str) -> str:
        source, patches, _ = split_patch(written)
        name, inner = split_descriptor(source)
        portable = self.range(inner, folder) if inner.startswith(PATCH) else inner
        first = written.removeprefix(PATCH).partition("#")[0]
        if portable != inner:
            first = quote(f"{name}@{portable}", safe="@/")
        return f"{PATCH}{first}#{'&'.join(self._patch_file(each, folder) for each in patches)}"

    def _patch_file(self, written: str, folder: str) -> str:
        path = patch_path(written, folder)
        file = self.workspace.root / path
        if not path or not _is_within(file, self.workspace.root):
            return written
        # .yarn is the one folder that rhdh-cli leaves nothing in.
        place = path if path.startswith(_YARNS) else f"{_YARNS}patches/{path}"
        self.files[place] = file
        flags, separator, _ = written.rpartition("!")
        return f"{flags}{separator}~/{place}"


def _is_within(file: Path, root: Path) -> bool:
    return file.is_file() and file.resolve().is_relative_to(root.resolve())
