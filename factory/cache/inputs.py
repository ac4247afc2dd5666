"""What a plugin is made from, gathered from its workspace: the parts of its key.

In the key are:

- the folders of the packages that the plugin is built from, that is itself and every member of the
  workspace below it (dependencies, development and peer dependencies, what is embedded), whole:
  README and LICENSE are packed, and what ``files`` of a package.json takes along cannot be told
  from what it imports. Left out is what builds have put there (``dist``, ``node_modules`` and the
  like), unless it is read as it is: with ``--no-build``, or where package.json itself points there;
- what these files refer to outside of their package, by ``../`` or by a link;
- everything of the workspace that is in no package (tsconfig.json, package.json, .yarnrc.yml,
  ``patches/``, yarn's own patches, plugins and releases), less documents and repository settings;
  of the folders above it, up to the checkout's root, the files that are directly there;
- the entries of yarn.lock that can be reached from these packages and from the root;
- the Scalprum and app-config files, the overriding Backstage version, the build arguments;
- the versions of node, yarn and what exports (rhdh-cli, or Backstage's bundler and what it leaves
  to the portal), the system, its processor and its C library, and
  variables that reach the tools and can change what they do;
- the factory's own code (:mod:`factory.cache.own_code`).

Not in the key: where the checkout is, its commit, any time, how many jobs there are, the host
(which acts through the arguments), and packages that the plugin does not depend on.

Patches and overlays act through the tree that they leave, so all this is gathered after them and
before anything is installed.
"""

from __future__ import annotations

import hashlib
import os
import platform
from collections import deque
from dataclasses import field, replace
from itertools import chain
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import TYPE_CHECKING

from factory.analysis.arguments import parse_arguments
from factory.analysis.catalogs import read_catalogs
from factory.analysis.discovery import WorkspacePackage, workspace_packages
from factory.analysis.embedding import local_build_set
from factory.analysis.graph import DependencyGraph, Package
from factory.analysis.lockfile import split_descriptor
from factory.analysis.lockfile_parser import find_lockfile, read_lockfile
from factory.analysis.manifest import MANIFEST_FILE, Manifest, read_manifest
from factory.cache.key import (
    CONFIGURATION,
    FACTORY,
    FORMAT,
    LOCKFILE,
    ROOT,
    SOURCE,
    TOOLS,
    VARIABLES,
    PluginInputs,
    code_digest,
)
from factory.cache.tree import GENERATED, Tree, root_parts
from factory.cache.variables import telling_variables
from factory.engines import Engine
from factory.notation.json_text import parse_object
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from factory.analysis.lockfile import Lockfile
    from factory.config.environment import Environment


_DIGITS = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class LockedPackages:
    """A workspace's graph and the digest of what each entry of its lockfile says."""

    graph: DependencyGraph
    bodies: Mapping[str, str]
    _below: dict[Package, frozenset[Package]] = field(default_factory=dict, repr=False)
    _targets: dict[Package, tuple[Package, ...]] = field(default_factory=dict, repr=False)
    _named: dict[str, tuple[Package, ...]] = field(default_factory=dict, repr=False)

    def reach_from(self, roots: Iterable[Package]) -> Mapping[str, str]:
        """Return what is below ``roots``: by name its versions, each ``VERSION#DIGEST``.

        Members of the workspace are not among them: their source has what they say.
        """
        reached: dict[Package, None] = {}
        for root in roots:
            reached.update(dict.fromkeys(self._reach(root)))
        versions: dict[str, set[str]] = {}
        for package in reached:
            if package.folder is None:
                said = self.bodies.get(package.keys[0], "") if package.keys else ""
                versions.setdefault(package.name, set()).add(f"{package.version}#{said}")
        return {name: ", ".join(sorted(said)) for name, said in sorted(versions.items())}

    def members_below(self, root: Package) -> frozenset[Package]:
        """Return the members of the workspace that ``root`` reaches without another in between.

        A package from a registry may bring one in too: by a peer dependency, or a resolution.
        """
        return frozenset(
            package
            for package in self._reach(root)
            if package.folder is not None and package is not root
        )

    def _reach(self, root: Package) -> frozenset[Package]:
        if root not in self._below:
            self._below[root] = frozenset(self._walk(root))
        return self._below[root]

    def _walk(self, root: Package) -> dict[Package, None]:
        found = {root: None}
        pending = deque((root,))
        peers: set[str] = set()
        while pending:
            package = pending.popleft()
            following = self._list_targets(package)
            if fresh := package.peers.keys() - peers:
                peers.update(fresh)
                following = (*following, *chain.from_iterable(map(self._find_named, fresh)))
            for target in following:
                if target not in found:
                    found[target] = None
                    if target.folder is None:  # a member is a root of its own
                        pending.append(target)
        return found

    def _list_targets(self, package: Package) -> tuple[Package, ...]:
        """What a package asks for; worked out once, as several plugins reach the same."""
        known = self._targets.get(package)
        if known is None:
            targets = dict.fromkeys(edge.target for edge in self.graph.edges(package))
            known = self._targets[package] = tuple(targets)
        return known

    def _find_named(self, name: str) -> tuple[Package, ...]:
        """Every package of a name that is locked: a peer dependency is met by one of them."""
        known = self._named.get(name)
        if known is None:
            targets: list[Package] = []
            for entry in self.graph.lockfile.entries_of(name):
                alias, wanted = split_descriptor(entry.descriptors[0])
                asker = Package(name="", version="", dependencies={alias: wanted})
                targets += (edge.target for edge in self.graph.edges(asker))
            known = self._named[name] = tuple(targets)
        return known


def digest_locked_packages(graph: DependencyGraph) -> LockedPackages:
    """Return the packages of a graph's lockfile with the digests of their entries.

    Raises:
        OSError: the lockfile cannot be read.
    """
    return LockedPackages(graph=graph, bodies=_bodies(graph.lockfile))


def _bodies(lockfile: Lockfile) -> dict[str, str]:
    """By an entry's first descriptor, a digest of its lines below the descriptors.

    The line of descriptors is left out: another package that asks for the same version in another
    range changes it, and nothing else.
    """
    lines = lockfile.file.read_bytes().splitlines()
    starts = lockfile.found.lines()
    ends = [*starts[1:], len(lines) + 1]
    found = {}
    for descriptors, start, end in zip(lockfile.found.descriptors(), starts, ends, strict=True):
        body = b"\n".join(lines[start : end - 1]).rstrip()
        found[descriptors[0]] = hashlib.sha256(body).hexdigest()[:_DIGITS]
    return found


# The fields of a package.json by which a package is entered.
_ENTRY_FIELDS = ("main", "module", "types", "typings", "browser", "exports")


@dataclass(frozen=True, kw_only=True, slots=True)
class AskingPackage:
    """A package.json, and its package with all that its build may use.

    ``reads_generated`` is whether package.json points at what builds have left in the folder.
    """

    manifest: Manifest
    asker: Package
    reads_generated: bool


def asking_package(
    folder: Path, graph: DependencyGraph, members: AbstractSet[str]
) -> AskingPackage:
    """Return the package in a folder; one without a package.json asks for nothing.

    Args:
        folder: the package's.
        graph: the workspace's.
        members: the names of the workspace's members.

    Raises:
        SourceError: the package.json cannot be used.
    """
    file = folder / MANIFEST_FILE
    if not file.is_file():
        manifest = Manifest(file=file)
        return AskingPackage(
            manifest=manifest, asker=Package(name="", version=""), reads_generated=False
        )
    manifest = read_manifest(file)
    package = graph.package(manifest)
    document = parse_object(file.read_bytes())
    listed = document.get("devDependencies")
    development = {n: str(a) for n, a in listed.items()} if isinstance(listed, dict) else {}
    # A peer from elsewhere is given by somebody who depends on it; a member is here anyway.
    peers = {name: asked for name, asked in package.peers.items() if name in members}
    asker = replace(package, dependencies={**peers, **development, **package.dependencies})
    return AskingPackage(
        manifest=manifest,
        asker=asker,
        reads_generated=any(
            PurePosixPath(entry).parts[:1] and PurePosixPath(entry).parts[0] in GENERATED
            for name in _ENTRY_FIELDS
            for entry in _strings(document.get(name))
        ),
    )


def _strings(value: object) -> Iterator[str]:
    """Every string in a JSON value."""
    pending = [value]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, dict):
            pending.extend(one.values())
        elif isinstance(one, list):
            pending.extend(one)


def machine() -> str:
    """Return what native modules are made for, such as ``linux-x86_64-glibc``.

    Node's own builds and prebuilt modules tell systems, processors and C libraries apart. Python's
    name of the platform does not do: it is one for both C libraries of Linux, and for both
    processors of a Python of macOS that runs on either.
    """
    library = platform.libc_ver()[0] or "other" if platform.system() == "Linux" else ""
    names = (platform.system(), platform.machine(), library)
    return "-".join(name.lower() for name in names if name)


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedTools:
    """What builds.

    ``yarn`` is a version, or says that the workspace has a script of its own (``yarnPath``), which
    counts as a file. ``rhdh_cli`` names its pinned tree too, for example ``1.9.1+a1aed115810d``,
    and ``bundler`` is Backstage's own engine in the same way; each is "" where no plugin needs it.
    ``platform`` is what native modules are made for: :func:`machine`. ``engine`` are the engines in
    a word; ``why`` says for whom tools were chosen, by their names. Neither makes a difference.
    """

    node: str
    yarn: str
    rhdh_cli: str
    bundler: str = ""
    platform: str = field(default_factory=machine)
    engine: str = "rhdh"
    why: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginToName:
    """A plugin and what the configuration says about it; ``path`` is from the workspace.

    ``computed_backstage`` is the workspace's release of Backstage where no backstage.json says it.
    ``engine`` is what exports it: its name, and what it depends on besides.
    """

    path: str
    arguments: str
    scalprum_config: Path | None = None
    app_config: Path | None = None
    supported_versions: str | None = None
    computed_backstage: str = ""
    engine: Mapping[str, str] = field(default_factory=lambda: {"engine": Engine.RHDH})


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceInputs:
    """What the plugins of a workspace have in common; gathered once, used from many threads.

    ``project`` is the path of the folder with yarn.lock from the tree's root; ``members`` are by
    their paths from there too. ``root`` is what is in no package, as a part of the key.
    """

    workspace: Path
    tree: Tree
    project: str
    members: Mapping[str, WorkspacePackage]
    locked: LockedPackages
    root: Mapping[str, str]
    _documents: dict[str, AskingPackage] = field(default_factory=dict, repr=False)

    def of(
        self, plugin: PluginToName, *, tools: NamedTools, environment: Environment
    ) -> PluginInputs:
        """Return what ``plugin`` is made from.

        Raises:
            OSError: a file cannot be read.
            SourceError: a package.json cannot be used.
            ConfigurationError: the build arguments cannot be split.
        """
        folders, loose = self._closure(plugin)
        askers = [self._document(folder).asker for folder in (*folders, self.project)]
        configuration = {
            "arguments": _text_digest(plugin.arguments),  # they may hold what nobody should read
            "backstage.json": plugin.supported_versions or "",
            "backstage": "" if plugin.supported_versions else plugin.computed_backstage,
            "scalprum-config.json": _digest(plugin.scalprum_config),
            "app-config.dynamic.yaml": _digest(plugin.app_config),
        }
        own = self._name(next(iter(folders)))
        exporting = (
            {**plugin.engine, "rhdh-cli": tools.rhdh_cli}
            if plugin.engine["engine"] == Engine.RHDH
            else {**plugin.engine, "cli-module-build": tools.bundler}
        )
        parts: dict[str, Mapping[str, str]] = {
            FACTORY: {"format": str(FORMAT), "code": code_digest(), "plugin": own},
            SOURCE: {
                self._name(path): digest for path, digest in sorted((folders | loose).items())
            },
            ROOT: self.root,
            LOCKFILE: self.locked.reach_from(askers),
            CONFIGURATION: {name: value for name, value in configuration.items() if value},
            TOOLS: {
                "node": tools.node,
                "yarn": tools.yarn,
                **exporting,
                "platform": tools.platform,
            },
            VARIABLES: telling_variables(environment),
        }
        return PluginInputs(parts=MappingProxyType(parts))

    def _closure(self, plugin: PluginToName) -> tuple[dict[str, str], dict[str, str]]:
        """The packages that the plugin is built from, itself first, and what else they refer to.

        Both are digests by path from the tree's root.
        """
        own = _from(self.workspace / plugin.path, self.tree.root)
        built = self._find_built(self._document(own), plugin)
        as_it_is = parse_arguments(plugin.arguments).forbids_building
        folders: dict[str, str] = {}
        loose: dict[str, str] = {}
        pending = [own]
        seen = {own}
        while pending:
            path = pending.pop()
            package = path == own or path in self.members
            generated = False
            if package:
                document = self._document(path)
                generated = as_it_is or (
                    document.reads_generated and document.manifest.name not in built
                )
            found = self.tree.folder(path, generated=generated)
            (folders if package else loose)[path] = found.digest
            following = set(self._members_below(path)) if package else set()
            for reference in found.outward:
                member = self._member_around(reference)
                if member:
                    following.add(member)
                elif not self._is_in_root(reference):
                    loose |= self._loose_files(reference)
                    following |= self._loose_folders(reference, own)
            pending.extend(sorted(following - seen))
            seen |= following
        return folders, loose

    def _find_built(self, own: AskingPackage, plugin: PluginToName) -> frozenset[str]:
        """The names of the packages whose ``dist/`` the export makes anew."""
        if parse_arguments(plugin.arguments).forbids_building:
            return frozenset()
        by_name = {member.manifest.name: member for member in self.members.values()}
        return frozenset(local_build_set(own.manifest, by_name, plugin.arguments))

    def _members_below(self, path: str) -> Iterator[str]:
        document = self._document(path)
        for member in self.locked.members_below(document.asker):
            if member.folder is not None:
                yield _from(member.folder, self.tree.root)

    def _member_around(self, path: str) -> str | None:
        parts = PurePosixPath(path).parts
        for length in range(len(parts), 0, -1):
            candidate = "/".join(parts[:length])
            if candidate in self.members and candidate != self.project:
                return candidate
        return None

    def _is_in_root(self, path: str) -> bool:
        """Whether the workspace's own part has it already."""
        name = self._name(path)
        first = name.partition("/")[0]
        return name in self.root or f"{first}/" in self.root or first == "yarn.lock"

    def _loose_files(self, reference: str) -> dict[str, str]:
        """The files that a reference may mean, which need not name its ending."""
        folder, _, name = reference.rpartition("/")
        try:
            beside = os.listdir(self.tree.root / folder)  # noqa: PTH208 - names are what is wanted
        except OSError:
            return {}
        paths = [f"{folder}/{one}".lstrip("/") for one in beside if one.split(".")[0] == name]
        if name in beside:
            paths.append(reference)
        return {path: self.tree.file(path) for path in paths if (self.tree.root / path).is_file()}

    def _loose_folders(self, reference: str, own: str) -> set[str]:
        """A folder that a reference means, unless it is one around the package itself."""
        around = own == reference or own.startswith(f"{reference}/") or reference == "."
        return {reference} if not around and (self.tree.root / reference).is_dir() else set()

    def _document(self, path: str) -> AskingPackage:
        found = self._documents.get(path)
        if found is None:
            names = {member.manifest.name for member in self.members.values()}
            found = asking_package(self.tree.root / path, self.locked.graph, names)
            found = self._documents.setdefault(path, found)
        return found

    def _name(self, path: str) -> str:
        """A path from the tree's root as one from the folder with yarn.lock."""
        return PurePosixPath(os.path.relpath(path, self.project)).as_posix()


def workspace_inputs(workspace: Path, checkout: Path) -> WorkspaceInputs:
    """Return what the plugins of ``workspace`` have in common.

    Args:
        workspace: its folder.
        checkout: the folder that the workspace was brought in: the repository's root.

    Raises:
        OSError: a file cannot be read.
        SourceError: a package.json cannot be used.
        DependenciesError: there is no yarn.lock, or it cannot be used.
    """
    workspace, checkout = workspace.resolve(), checkout.resolve()
    lockfile = read_lockfile(find_lockfile(workspace))
    project = lockfile.file.parent
    root = checkout if project.is_relative_to(checkout) else project
    by_name = workspace_packages(project)
    members = {_from(member.folder, root): member for member in by_name.values()}
    manifest = project / MANIFEST_FILE
    resolutions = read_manifest(manifest).resolutions if manifest.is_file() else {}
    path = _from(project, root)
    apart = (frozenset(members) - {path}) | {_from(lockfile.file, root)}
    tree = Tree(root=root, apart=apart)
    return WorkspaceInputs(
        workspace=workspace,
        tree=tree,
        project=path,
        members=MappingProxyType(members),
        locked=digest_locked_packages(
            DependencyGraph(lockfile, by_name, resolutions, read_catalogs(project))
        ),
        root=MappingProxyType(dict(root_parts(tree, path))),
    )


def _from(folder: Path, root: Path) -> str:
    """The path of a folder from the tree's root, with ``/``."""
    return PurePosixPath(os.path.relpath(folder, root)).as_posix()


def _text_digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest() if text else ""


def _digest(file: Path | None) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest() if file else ""
