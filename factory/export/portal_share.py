"""What a plugin of Backstage's own engine leaves to the portal, and what it may not bring along.

The rules are those by which rhdh-cli shares: all of ``@backstage/`` that the portal has, less what
is embedded or kept from being shared, and what ``--shared-package`` names. So one list of build
arguments serves both engines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.analysis.arguments import parse_arguments
from factory.analysis.context import is_backstage
from factory.analysis.native import REFUSED_DEPENDENCIES
from factory.analysis.written_rules import rules_of
from factory.archives.npm_package import installed_packages, is_package_name
from factory.errors import ExportError
from factory.export.private_install import MANIFEST, PortalShare, read_manifest_object
from factory.quantities import join_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

    from factory.analysis.inventory import HostInventory
    from factory.analysis.locked_workspace import LockedWorkspace

_MOST_NAMED = 5


def find_portal_share(
    arguments: str, locked: LockedWorkspace, host: HostInventory, *, self_contained: bool
) -> PortalShare:
    """Return what the portal gives to a plugin.

    Args:
        arguments: the plugin's build arguments.
        locked: the workspace: only what its yarn.lock or its members know can be asked for.
        host: the portal.
        self_contained: whether the plugin brings along what the portal has, too; what
            ``--shared-package`` names is shared all the same.
    """
    rules = rules_of(parse_arguments(arguments))

    def shares(name: str) -> bool:
        if name in rules.embedded or rules.unshared.match(name):
            return False
        if rules.shared.match(name):
            return True
        return not self_contained and is_backstage(name) and name in host

    # What a source calls its packages becomes the name of a folder that is removed.
    known = filter(is_package_name, {*locked.graph.lockfile.versions, *locked.members})
    return PortalShare(
        shared=frozenset(filter(shares, known)) - rules.suppressed, suppressed=rules.suppressed
    )


def refuse_native(exported: Path, arguments: str) -> None:
    """Raise if a bundled package is native by the rules by which rhdh-cli refuses one.

    Raises:
        ExportError: names the packages, and the arguments that would let the export pass.
    """
    allowed = rules_of(parse_arguments(arguments)).allowed
    native = {
        name: marker
        for name, marker in find_native(exported / "node_modules")
        if name not in allowed
    }
    if not native:
        return
    first = next(iter(native))
    raise ExportError(
        "the plugin would bring along native packages, which run on the machine they are built for",
        found=join_names((f"{name} ({marker})" for name, marker in native.items()), _MOST_NAMED),
        expected="packages of JavaScript alone",
        hint=f"leave it out with --suppress-native-package {first}, let the portal give it with "
        f"--shared-package {first}, or accept it with --allow-native-package {first}",
    )


def find_native(modules: Path) -> Iterator[tuple[str, str]]:
    """Yield the installed packages that ``is-native-module`` names, and what shows it."""
    for file in sorted(folder / MANIFEST for folder in installed_packages(modules)):
        try:
            manifest = read_manifest_object(file)
        except (OSError, ValueError):
            continue  # not a package that yarn has installed
        marker = _native_marker(manifest)
        if marker:
            yield str(manifest.get("name", file.parent.name)), marker


def _native_marker(manifest: Mapping[str, Any]) -> str:
    listed = manifest.get("dependencies")
    asked = listed if isinstance(listed, dict) else {}
    depends = next((name for name in REFUSED_DEPENDENCIES if name in asked), None)
    if depends:
        return f"depends on {depends}"
    return next(
        (f"has a {field!r} field" for field in ("gypfile", "binary") if manifest.get(field)), ""
    )
