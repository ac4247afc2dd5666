"""Plugins of the old frontend system brought to the new one: an entry point more for each.

It is written as an overlay of the configuration directory, with a patch that names it in the
plugin's package.json. The source is only looked at.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from factory.analysis.discovery import FRONTEND_ROLES, discover_plugins
from factory.analysis.lockfile_parser import LOCKFILE, read_lockfile
from factory.analysis.manifest import MANIFEST_FILE
from factory.config.build_plan import APP_CONFIG, SCALPRUM_CONFIG
from factory.config.documents import read_app_config, read_json
from factory.config.selection import PluginName, Selection
from factory.errors import ConfigurationError, Place, SourceError, UsageError
from factory.files import read_text
from factory.frontend.default_features import OLD_API, ScriptReader, find_old_plugins
from factory.frontend.exported_names import find_exported_names, walk_scripts
from factory.frontend.source_tree import ScriptFolder
from factory.frontend.source_verdict import MAIN, find_entry_points, judge_source
from factory.notation.json_text import parse_object
from factory.patterns import lazy_pattern
from factory.plugin_config.proof import MAIN_MODULE
from factory.scaffolding.bridge_manifest import (
    choose_ranges,
    find_newer,
    lock_with,
    package_json_with,
    portal_version,
    unified_patch,
)
from factory.scaffolding.bridge_script import COMPAT_API, NEW_API, write_bridge_script
from factory.scaffolding.mounts_reader import read_old_mounts
from factory.scaffolding.old_mounts import EXTENSION_PAGE, LeftOver, MountedExport
from factory.sources.overlay import OVERLAY_NAMES
from factory.sources.patch import PATCHES_FOLDER
from factory.values import dataclass
from factory.versions import compare_versions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from factory.analysis.discovery import DiscoveredPlugin
    from factory.analysis.inventory import HostInventory
    from factory.analysis.lockfile import Lockfile
    from factory.frontend.source_tree import Scripts
    from factory.frontend.verdict import FrontendVerdict
    from factory.scaffolding.bridge_manifest import WantedRange
    from factory.scaffolding.bridge_script import BridgeScript
    from factory.scaffolding.old_mounts import OldMounts

OLDEST_COMPAT_API = "0.5.1"
# Since then a page has a title and an icon, of which the app's sidebar makes an item.
_TITLES_SINCE = "0.15.0"
_STEMS = ("alpha", "bridge")
# The id of the plugin, where it is written as plugins of Backstage have it.
_OWN_ID = lazy_pattern(r"createPlugin\(\s*\{\s*id:\s*['\"]([\w.-]{1,100})['\"]")
_SLUG = lazy_pattern(r"[^A-Za-z0-9._-]+")
_FRONTEND = ("dynamicPlugins", "frontend")


@dataclass(frozen=True, kw_only=True, slots=True)
class BridgedPlugin:
    """What becomes of a plugin.

    ``mount`` is the new entry point. ``extensions`` are pairs: where a mount stands in the
    configuration, and the id of the extension that it becomes. ``left`` is what is not
    translated, ``newer`` what the plugin has newer than the portal, with its version.
    """

    path: str
    name: str
    mount: str
    extensions: tuple[tuple[str, str], ...]
    left: tuple[LeftOver, ...]
    wanted: tuple[WantedRange, ...]
    newer: tuple[tuple[str, str], ...]
    verdict: FrontendVerdict
    patch: Path


@dataclass(frozen=True, kw_only=True, slots=True)
class SkippedPlugin:
    """A plugin for which nothing is to be done, and why."""

    path: str
    why: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Bridge:
    """All that is to be written: the ``files`` with their texts."""

    plugins: tuple[BridgedPlugin, ...]
    skipped: tuple[SkippedPlugin, ...]
    files: Mapping[Path, str]


def plan_bridge(
    workspace: Path, config_dir: Path, host: HostInventory, only: tuple[str, ...] = ()
) -> Bridge:
    """Return the bridges of a workspace's frontend plugins that have an app-config.dynamic.yaml.

    Args:
        workspace: the source, as upstream has it.
        config_dir: the configuration directory.
        host: the portal; nothing is taken that is newer.
        only: patterns of the plugins' paths and packages; none for all.

    Raises:
        UsageError: the portal is too old, or no plugin is left to be bridged.
        SourceError: the source cannot be read, or has no plugin of the old system.
        ConfigurationError: a file of the configuration cannot be used.
        DependenciesError: yarn.lock cannot be read.
    """
    compat = portal_version(host, COMPAT_API)
    if compare_versions(compat, OLDEST_COMPAT_API) < 0:
        raise UsageError(
            f"the portal {host.name} is too old for a bridge",
            found=f"{COMPAT_API} {compat}",
            expected=f"{OLDEST_COMPAT_API} or newer, as Backstage has it from 1.42 on",
            hint="name another one with --host; 'plugin-factory host list' shows them",
        )
    selection = Selection(only=only)
    plugins = [
        plugin
        for plugin in discover_plugins(workspace)
        if plugin.role in FRONTEND_ROLES
        and selection.wants(
            PluginName(workspace="", path=plugin.path, package=plugin.manifest.name)
        )
        and (config_dir / plugin.path / APP_CONFIG).is_file()
    ]
    if not plugins:
        raise UsageError(
            "there is no plugin to be bridged",
            found=f"no {APP_CONFIG} in {config_dir} for a frontend plugin of {workspace}"
            + (f" that {', '.join(only)} means" if only else ""),
            expected=f"CONFIG_DIR/plugins/x/{APP_CONFIG}, with what is mounted of the plugin",
            hint="see what is a plugin with 'plugin-factory analyze'",
        )
    file = workspace / LOCKFILE
    maker = _Maker(workspace, config_dir, host, read_lockfile(file) if file.is_file() else None)
    made = [maker.bridge(plugin) for plugin in plugins]
    return Bridge(
        plugins=tuple(one for one in made if isinstance(one, BridgedPlugin)),
        skipped=tuple(one for one in made if isinstance(one, SkippedPlugin)),
        files=maker.files,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _LayeredScripts:
    """Scripts of which those of the first layer that has one hide the others."""

    texts: Mapping[str, str]
    layers: tuple[Scripts, ...]

    def read(self, path: str) -> str | None:
        if path in self.texts:
            return self.texts[path]
        texts = (layer.read(path) for layer in self.layers)
        return next((text for text in texts if text is not None), None)


class _Maker:
    def __init__(
        self, workspace: Path, config_dir: Path, host: HostInventory, lockfile: Lockfile | None
    ) -> None:
        self._workspace = workspace
        self._config_dir = config_dir
        self._host = host
        self._lockfile = lockfile
        self.files: dict[Path, str] = {}

    def bridge(self, plugin: DiscoveredPlugin) -> BridgedPlugin | SkippedPlugin:
        folder = self._workspace / plugin.path
        text = read_text(folder / MANIFEST_FILE)
        package = parse_object(text)
        scripts = self._scripts(plugin)
        now = judge_source(scripts, package).new
        if now.shows:
            return SkippedPlugin(path=plugin.path, why=f"it shows already: {now.why}")
        reader = ScriptReader(scripts)
        mounts = self._without_titles(self._mounts(plugin, package, reader))
        # What an earlier run has written is not in the source, and is written anew.
        stem = _free_stem(package, ScriptReader(ScriptFolder(root=folder)))
        old = self._old_plugin(plugin, package, reader)
        texts = (reader.text(one) for one in walk_scripts(reader, [old.path]))
        own_id = next(filter(None, map(_OWN_ID.search, texts)), None)
        script = write_bridge_script(
            mounts,
            old,
            plugin_id=own_id[1] if own_id else "…",
            folder="src",
            has_titles=self._has_titles(),
        )
        path = f"src/{stem}.tsx"
        wanted = choose_ranges(script.packages, package, self._lockfile, self._host)
        changed = package_json_with(text, package, f"./{stem}", path, wanted)
        patch = self._write(plugin, script, path, (text, changed), wanted)
        after = _LayeredScripts(texts={path: script.text}, layers=(scripts,))
        return BridgedPlugin(
            path=plugin.path,
            name=plugin.manifest.name,
            mount=f"./{stem}",
            extensions=script.extensions,
            left=mounts.left,
            wanted=wanted,
            newer=tuple(find_newer(script.packages, package, self._lockfile, self._host)),
            verdict=judge_source(after, parse_object(changed)),
            patch=patch,
        )

    def _scripts(self, plugin: DiscoveredPlugin) -> _LayeredScripts:
        """The plugin's scripts with those of its overlays, as a build has them."""
        folders = [self._config_dir / plugin.path / name for name in OVERLAY_NAMES]
        folders.append(self._workspace / plugin.path)
        return _LayeredScripts(texts={}, layers=tuple(ScriptFolder(root=one) for one in folders))

    def _mounts(
        self, plugin: DiscoveredPlugin, package: Mapping[str, Any], reader: ScriptReader
    ) -> OldMounts:
        modules = self._modules(plugin, package, reader)
        exports = {path: find_exported_names(reader, path) for path in modules.values()}
        return read_old_mounts(
            _read_mounts(self._config_dir / plugin.path / APP_CONFIG),
            modules,
            {path: one.names for path, one in exports.items() if one.is_all},
        )

    def _modules(
        self, plugin: DiscoveredPlugin, package: Mapping[str, Any], reader: ScriptReader
    ) -> dict[str, str]:
        """The scripts of the modules that the Scalprum bundle exposes, as rhdh-cli finds them."""
        own = self._config_dir / plugin.path / SCALPRUM_CONFIG
        scalprum = read_json(own).value if own.is_file() else package.get("scalprum")
        exposed = scalprum.get("exposedModules") if isinstance(scalprum, dict) else None
        if not isinstance(exposed, dict):
            exposed = {MAIN_MODULE: find_entry_points(package).get(MAIN, "src/index")}
        found = {name: reader.find(path) for name, path in exposed.items() if isinstance(path, str)}
        return {name: path for name, path in found.items() if path}

    def _old_plugin(
        self, plugin: DiscoveredPlugin, package: Mapping[str, Any], reader: ScriptReader
    ) -> MountedExport:
        entries = [reader.find(path) for path in find_entry_points(package).values()]
        for path in walk_scripts(reader, [path for path in entries if path]):
            for name in find_old_plugins(reader, path):
                return MountedExport(path=path, name=name)
        raise SourceError(
            "there is no plugin of the old frontend system to convert",
            place=Place(file=self._workspace / plugin.path / MANIFEST_FILE),
            found=f"no script that its entry points lead to exports what {OLD_API}'s "
            "createPlugin() returns",
            expected="export const xPlugin = createPlugin({ id: 'x' })",
            hint="leave it out with --only, or write the entry point by hand: "
            "docs/how-to/frontend-systems.md",
        )

    def _write(
        self,
        plugin: DiscoveredPlugin,
        script: BridgeScript,
        path: str,
        manifest: tuple[str, str],
        wanted: tuple[WantedRange, ...],
    ) -> Path:
        """Note what is to be written; the result is the patch."""
        base = self._config_dir / plugin.path
        overlay = next((base / one for one in OVERLAY_NAMES if (base / one).is_dir()), None)
        overlay = overlay or base / OVERLAY_NAMES[0]
        if (overlay / MANIFEST_FILE).exists():
            raise ConfigurationError(
                "the overlay has a package.json of its own, which would undo the patch of it",
                place=Place(file=overlay / MANIFEST_FILE),
                expected="the changes of package.json as a patch",
                hint="make a patch of it (docs/how-to/patches-and-overlays.md), remove the file, "
                "and try again",
            )
        self.files[overlay / path] = script.text
        prefix = "" if plugin.path == "." else f"{plugin.path}/"
        text = unified_patch(f"{prefix}{MANIFEST_FILE}", *manifest) + self._lock_patch(
            plugin.manifest.name, wanted
        )
        slug = _SLUG.sub("-", plugin.path).strip("-.") or "plugin"
        patch = self._config_dir / PATCHES_FOLDER / f"9000-bridge-{slug}.patch"
        self.files[patch] = text
        return patch

    def _lock_patch(self, name: str, wanted: tuple[WantedRange, ...]) -> str:
        """The patch of yarn.lock, "" if what is wanted is not locked yet: that takes yarn."""
        lockfile = self._lockfile
        if lockfile is None or not all(one.is_locked for one in wanted):
            return ""
        member = next((one for one in lockfile.entries_of(name) if one.is_workspace), None)
        if member is None:
            return ""
        text = read_text(lockfile.file)
        return unified_patch(LOCKFILE, text, lock_with(text, lockfile, member, wanted))

    def _without_titles(self, mounts: OldMounts) -> OldMounts:
        """What is mounted, without menu items if the portal's pages have no titles."""
        if self._has_titles():
            return mounts
        left = tuple(
            LeftOver(
                way=f"{page.component.way}.menuItem",
                why=f"pages of {self._host.name} have no titles yet: a NavItemBlueprint makes it",
                page=EXTENSION_PAGE,
            )
            for page in mounts.pages
            if page.title
        )
        return replace(mounts, left=(*mounts.left, *left))

    def _has_titles(self) -> bool:
        version = portal_version(self._host, NEW_API)
        return compare_versions(version, _TITLES_SINCE) >= 0


def _read_mounts(file: Path) -> Mapping[str, Any]:
    """What a configuration has for the plugin below ``dynamicPlugins.frontend``."""
    document = read_app_config(file)
    value = document.value
    for step in _FRONTEND:
        value = value.get(step) if isinstance(value, dict) else None
    if not isinstance(value, dict) or len(value) != 1:
        raise ConfigurationError(
            f"{file.name} does not say what is mounted of one plugin",
            place=document.place(*_FRONTEND),
            found=f"{len(value)} names" if isinstance(value, dict) else "no map",
            expected="dynamicPlugins.frontend.NAME with dynamicRoutes, mountPoints or the like",
        )
    name, mounts = next(iter(value.items()))
    if not isinstance(mounts, dict):
        raise ConfigurationError(
            f"{file.name} does not say what is mounted of the plugin",
            place=document.place(*_FRONTEND, name),
            found=type(mounts).__name__,
            expected="a map with dynamicRoutes, mountPoints or the like",
        )
    return mounts


def _free_stem(package: Mapping[str, Any], reader: ScriptReader) -> str:
    """A name for the entry point that neither a mount nor a script has."""
    mounts = find_entry_points(package)
    exported = package.get("exports")
    taken = {*mounts, *(exported if isinstance(exported, dict) else ())}
    free = (one for one in _STEMS if f"./{one}" not in taken and not reader.find(f"src/{one}"))
    return next(free, f"{_STEMS[-1]}-of-the-portal")
