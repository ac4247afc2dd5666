"""Whether what a backend carries in its node_modules is what the workspace's yarn.lock says.

The tree is walked as Node.js resolves: from the plugin, each dependency is found in the nearest
``node_modules`` on the way up, and compared with the entry of the lockfile that yarn gives to
whoever asks for it, with the root's ``resolutions`` applied. So two versions of one package are
told apart by who needs them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import field
from typing import TYPE_CHECKING, Any

from factory.archives.npm_package import LARGEST_PACKAGE_JSON, PACKAGE_JSON
from factory.quantities import join_names, pluralize
from factory.values import dataclass
from factory.verification.findings import LOCKED, CheckFinding, failed_finding, passed_finding
from factory.verification.patched_files import difference_to_patches
from factory.verification.plugin_folder import json_object, read_bundled_packages

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from factory.analysis.graph import Edge, Package
    from factory.analysis.inventory import HostInventory
    from factory.analysis.locked_workspace import LockedWorkspace
    from factory.verification.plugin_folder import PluginFolder

_MODULES = "node_modules"
_DYNAMIC = "-dynamic"
_EMBEDDED = "+embedded"
_FROM_REGISTRY = "@npm"  # also within the locator of a patched package, where the colon is escaped
# What yarn writes as the version of a folder that it links to.
_LINKED = "0.0.0-use.local"
_NOTHING = "nothing"
_MOST_NAMED = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Difference:
    """One package of an artifact that is not what the lockfile says.

    ``found`` and ``locked`` are versions, or what is said instead of one; ``asked_by`` is the
    package that gets it, with its version.
    """

    name: str
    found: str
    locked: str
    asked_by: str = ""

    def __str__(self) -> str:
        """Both versions in one line, and who gets the wrong one."""
        asker = f" (for {self.asked_by})" if self.asked_by else ""
        return f"{self.name}: {self.found} instead of {self.locked}{asker}"


def find_workspace_of(name: str, workspaces: Sequence[LockedWorkspace]) -> LockedWorkspace | None:
    """Return the workspace that has the source of a plugin, by the name it has in its artifact."""
    bare = name.removesuffix(_DYNAMIC)
    return next((each for each in workspaces if bare in each.members), None)


def check_locked(
    plugin: PluginFolder, workspaces: Sequence[LockedWorkspace], host: HostInventory
) -> CheckFinding:
    """Return whether every private package has the version, and the patch, that is locked.

    Args:
        plugin: the unpacked artifact of a backend.
        workspaces: those that it may have been built in; the one that has its source counts.
        host: what it provides need not be bundled.
    """
    name = plugin.name.removesuffix(_DYNAMIC)
    workspace = find_workspace_of(name, workspaces)
    if workspace is None:
        return failed_finding(
            LOCKED,
            f"no workspace that was named has the package {name}",
            found=join_names(str(each.root) for each in workspaces),
            expected=f"the workspace in which {plugin.name} was built",
            hint="name it with --workspace DIR",
        )
    walk = _TreeWalk(plugin=plugin, workspace=workspace, host=host)
    differences = walk.differences(name)
    if not differences:
        return passed_finding(LOCKED, f"{pluralize(len(walk.compared), 'package')} as in yarn.lock")
    first = differences[0]
    return failed_finding(
        LOCKED,
        f"{pluralize(len(differences), 'bundled package')} differ from yarn.lock"
        if len(differences) > 1
        else "a bundled package differs from yarn.lock",
        found=join_names(map(str, differences), most=_MOST_NAMED),
        expected=f"what {workspace.lockfile} says",
        hint=_way_out(first, workspace),
    )


def _way_out(first: Difference, workspace: LockedWorkspace) -> str:
    if first.name in workspace.members:
        return (
            f"{first.name} is a package of the workspace: embed it with "
            f"--embed-package {first.name}, or build the plugin again if its source has changed"
        )
    return (
        "run 'yarn install' in the workspace, commit yarn.lock and build the plugin again; if it "
        f'stays, add "{first.name}": "{first.locked.partition(" ")[0]}" to \'resolutions\' of '
        f"{workspace.root / PACKAGE_JSON}"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bundled:
    """A package in the artifact, the entry that it should be, and who gets it."""

    folder: Path
    package: Package
    asked_by: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _TreeWalk:
    plugin: PluginFolder
    workspace: LockedWorkspace
    host: HostInventory
    compared: set[Path] = field(default_factory=set)

    def differences(self, name: str) -> list[Difference]:
        """Everything that differs, nearest to the plugin first, each once."""
        member = self.workspace.members[name]
        own = self.workspace.graph.package(member.manifest)
        if self.plugin.version != own.version:
            return [Difference(name=name, found=self.plugin.version, locked=own.version)]
        found = dict.fromkeys(self._below(own))
        return [*found, *(one for one in self._find_unreached() if one not in found)]

    def _below(self, own: Package) -> Iterator[Difference]:
        root = self.plugin.root
        pending = deque([_Bundled(folder=root, package=own, asked_by="")])
        seen = set()
        while pending:
            bundled = pending.popleft()
            if (bundled.folder, bundled.package) in seen:
                continue
            seen.add((bundled.folder, bundled.package))
            if bundled.folder != root:
                self.compared.add(bundled.folder)
                difference = self._compare(bundled)
                if difference:
                    yield difference
                    continue
            for edge in self._edges(bundled):
                folder = self._resolve(bundled.folder, edge.name)
                if folder is None:
                    if not (edge.optional or edge.name in self.host):
                        yield _missing_difference(edge, bundled.package)
                elif edge.target.version and not self._stands_for(edge.name):
                    pending.append(
                        _Bundled(folder=folder, package=edge.target, asked_by=str(bundled.package))
                    )

    def _edges(self, bundled: _Bundled) -> Iterator[Edge]:
        """What a package asks for; of one whose manifest rhdh-cli has written, what is left of it.

        Shared packages have moved from its dependencies to its peers.
        """
        edges = self.workspace.graph.edges(bundled.package)
        manifest = _package_json(bundled.folder)
        written = bundled.folder == self.plugin.root or _is_embedded(manifest)
        left = _names(manifest, "dependencies") | _names(manifest, "optionalDependencies")
        return (edge for edge in edges if not written or edge.name in left)

    def _compare(self, bundled: _Bundled) -> Difference | None:
        package, manifest = bundled.package, _package_json(bundled.folder)
        # Yarn's word for a package that does not report its version.
        name, version = _text(manifest, "name"), _text(manifest, "version") or "0.0.0"
        if package.folder is None and package.version == _LINKED:
            return None  # a folder: what it holds is in no lockfile
        # Only a registry vouches for the name in a package.json.
        is_same = name == package.name or _FROM_REGISTRY not in package.locator
        wrong = None
        if is_same and _release(version) == _release(package.version):
            wrong = difference_to_patches(bundled.folder, package.locator, self.workspace.root)
            if wrong is None:
                return None
        return Difference(
            name=package.name,
            found=" ".join(filter(None, ("" if is_same else name, version, wrong))),
            locked=f"{package.version} with its patch" if wrong else package.version,
            asked_by=bundled.asked_by,
        )

    def _find_unreached(self) -> Iterator[Difference]:
        """Packages that nothing here is known to need, in versions that are in no lockfile.

        Others may be there: yarn knows of dependencies that their packages do not declare, and
        its plugins of ranges that only they understand.
        """
        versions = self.workspace.graph.lockfile.versions
        for folder, manifest in read_bundled_packages(self.plugin):
            if folder in self.compared or self._is_shipped_inside(folder):
                continue
            name, version = _text(manifest, "name") or folder.name, _text(manifest, "version")
            bare = version.removesuffix(_EMBEDDED)
            is_member = name in self.workspace.members and _is_embedded(manifest)
            if not (bare in versions.get(name, ()) or is_member or self._stands_for(name)):
                yield Difference(name=name, found=version or "no version", locked=_NOTHING)

    def _is_shipped_inside(self, folder: Path) -> bool:
        """Whether a package came within another's own archive, as npm's bundleDependencies do."""
        for above in folder.parents:
            if above == self.plugin.root:
                return False
            if above in self.compared:
                manifest = _package_json(above)
                fields = ("bundleDependencies", "bundledDependencies")
                if any(manifest.get(each) for each in fields):
                    return True
        return False

    def _stands_for(self, name: str) -> bool:
        """Whether rhdh-cli was told to put a stand-in in a package's place, which has no source."""
        replaced = self.plugin.texts("resolutions").get(name, "")
        if not replaced.removeprefix("file:").removeprefix("./").startswith("embedded/"):
            return False
        stand_in = self._resolve(self.plugin.root, name)
        return stand_in is not None and not _text(_package_json(stand_in), "version")

    def _resolve(self, folder: Path, name: str) -> Path | None:
        """The folder that Node.js finds a package in, from another's."""
        for above in (folder, *folder.parents):
            candidate = above / _MODULES / name
            if (candidate / PACKAGE_JSON).is_file():
                return candidate
            if above == self.plugin.root:
                return None
        return None


def _missing_difference(edge: Edge, asker: Package) -> Difference:
    return Difference(
        name=edge.name,
        found=_NOTHING,
        locked=edge.target.version or _NOTHING,
        asked_by=str(asker),
    )


def _release(version: str) -> str:
    """A version without what no registry tells apart: build metadata, a leading ``v`` or ``=``."""
    return version.strip().lstrip("v=").partition("+")[0]


def _is_embedded(manifest: Mapping[str, Any]) -> bool:
    return _text(manifest, "version").endswith(_EMBEDDED)


def _package_json(folder: Path) -> Mapping[str, Any]:
    try:
        return json_object(folder / PACKAGE_JSON, limit=LARGEST_PACKAGE_JSON)
    except ValueError:
        return {}


def _text(manifest: Mapping[str, Any], name: str) -> str:
    value = manifest.get(name)
    return value if isinstance(value, str) else ""


def _names(manifest: Mapping[str, Any], name: str) -> set[str]:
    value = manifest.get(name)
    return set(value) if isinstance(value, dict) else set()
