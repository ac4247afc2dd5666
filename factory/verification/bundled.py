"""What a backend brings along in its node_modules: all that it needs, and none of the host's own.

A package of Backstage's that is there twice, once in the host and once in a plugin, is two packages
to Node.js: their services and extension points do not know each other.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from factory.quantities import join_names
from factory.verification.findings import (
    DEPENDENCIES,
    SHARED,
    CheckFinding,
    failed_finding,
    passed_finding,
)
from factory.verification.plugin_folder import read_bundled_packages

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from factory.analysis.inventory import HostInventory
    from factory.verification.plugin_folder import PluginFolder

SCOPE = "@backstage/"


def check_dependencies(plugin: PluginFolder, host: HostInventory) -> CheckFinding:
    """Return whether each of the plugin's dependencies is bundled, or is the host's to give."""
    needed = plugin.texts("dependencies")
    modules = plugin.root / "node_modules"
    bundled = {name for name in needed if (modules / name / "package.json").is_file()}
    missing = [name for name in needed if name not in bundled and name not in host]
    if missing:
        return failed_finding(
            DEPENDENCIES,
            "dependencies are neither in the plugin nor in the host",
            found=f"no node_modules/{join_names(missing, most=3)}",
            expected=f"each of package.json's dependencies, or in {host.name}",
            hint="export the plugin with rhdh-cli, which installs them, and pack what it leaves",
        )
    from_host = sorted(set(needed) - bundled)
    shared = f", from the host: {join_names(from_host)}" if from_host else ""
    return passed_finding(DEPENDENCIES, f"{len(bundled)} bundled{shared}" if needed else "none")


def check_shared(
    plugin: PluginFolder, host: HostInventory, *, allowed: Collection[str] = ()
) -> CheckFinding:
    """Return whether a @backstage package is bundled that the host shares, and nobody asked for it.

    Asked for is what package.json names in ``dependencies`` or ``bundleDependencies`` - rhdh-cli
    moves every shared package from there to the peers - with what those need in turn, and
    ``allowed``.
    """
    versions, needs = _read_bundled(plugin)
    twice = _find_twice(plugin, host, versions, needs, allowed)
    if twice:
        first = next(iter(twice))
        return failed_finding(
            SHARED,
            f"the plugin bundles packages that {host.name} shares",
            found=join_names(f"{name} {found}" for name, found in twice.items()),
            expected="these as peerDependencies, the host's own at run time",
            hint=f"leave them to the host, or, if {first} must be the plugin's own, export it with "
            f"--shared-package '!{first}' and verify with --allow-bundled {first}",
        )
    by_intent = sorted(name for name in versions if name.startswith(SCOPE) and name in host)
    note = f"by intent: {join_names(by_intent)}" if by_intent else "none bundled"
    return passed_finding(SHARED, note)


def find_bundled_twice(plugin: PluginFolder, host: HostInventory) -> dict[str, str]:
    """Return the @backstage packages that a plugin bundles, unasked, and the host shares, too.

    Each with the versions that are bundled.
    """
    return _find_twice(plugin, host, *_read_bundled(plugin), ())


def _read_bundled(plugin: PluginFolder) -> tuple[dict[str, set[str]], dict[str, set[str]]]:
    """The bundled packages with their versions, and with what each of them needs."""
    versions: dict[str, set[str]] = defaultdict(set)
    needs: dict[str, set[str]] = defaultdict(set)
    for folder, package in read_bundled_packages(plugin):
        name = _name(folder.parent.name, folder.name)
        versions[name].add(str(package.get("version", "")))
        needs[name].update(_keys(package.get("dependencies")))
    return versions, needs


def _find_twice(
    plugin: PluginFolder,
    host: HostInventory,
    versions: Mapping[str, set[str]],
    needs: Mapping[str, Iterable[str]],
    allowed: Collection[str],
) -> dict[str, str]:
    wanted = _find_asked_for(plugin, needs) | set(allowed)
    return {
        name: ", ".join(sorted(found))
        for name, found in sorted(versions.items())
        if name.startswith(SCOPE) and name in host and name not in wanted
    }


def _find_asked_for(plugin: PluginFolder, needs: Mapping[str, Iterable[str]]) -> set[str]:
    listed_by_name = plugin.package.get("bundleDependencies") or plugin.package.get(
        "bundledDependencies"
    )
    asked = set(plugin.texts("dependencies"))
    if isinstance(listed_by_name, list):
        asked.update(str(name) for name in listed_by_name)
    open_names = [name for name in asked if name.startswith(SCOPE)]
    found: set[str] = set()
    while open_names:
        name = open_names.pop()
        if name not in found:
            found.add(name)
            open_names += [one for one in needs.get(name, ()) if one.startswith(SCOPE)]
    return found


def _name(parent: str, name: str) -> str:
    return f"{parent}/{name}" if parent.startswith("@") else name


def _keys(value: Any) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, dict) else ()
