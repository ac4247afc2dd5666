"""What ``rhdh-cli plugin export`` embeds into a backend plugin, as rhdh-cli 1.9 does it.

It looks only at ``dependencies`` (never at optional, peer or development dependencies), and goes on
only below what it embeds. The names that it looks for are those of ``--embed-package`` and, at
every package on the way, the ``-common`` and ``-node`` siblings of that package.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from factory.analysis.arguments import parse_arguments
from factory.analysis.discovery import BACKEND_ROLES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from factory.analysis.discovery import WorkspacePackage
    from factory.analysis.manifest import Manifest

# What of a package's name is replaced by -common and -node to name its siblings, by its role.
_BASE_NAME_ENDS = {
    "backend-plugin": re.compile(r"-backend$"),
    "backend-plugin-module": re.compile(r"-backend-module-.+$"),
    "node-library": re.compile(r"-node$"),
}


def sibling_names(name: str, role: str) -> tuple[str, ...]:
    """Return the names of the packages that rhdh-cli embeds by itself if ``name`` depends on them.

    A package whose name does not end as its role says has none.
    """
    end = _BASE_NAME_ENDS.get(role)
    if end is None:
        return ()
    candidates = (end.sub("-common", name), end.sub("-node", name))
    return tuple(candidate for candidate in candidates if candidate != name)


def role_by_name(name: str) -> str:
    """Return the role that a published package most likely has, from the ending of its name."""
    return next((role for role, end in _BASE_NAME_ENDS.items() if end.search(name)), "")


def members_below(
    plugins: Iterable[Manifest], packages: Mapping[str, WorkspacePackage]
) -> frozenset[str]:
    """Return the names of the workspace packages that plugins are made of or need to be compiled.

    They are the plugins themselves and what dependencies, optional and peer dependencies lead to;
    what is only for development is not among them.
    """
    found: dict[str, None] = {}
    pending = list(plugins)
    while pending:
        manifest = pending.pop()
        if manifest.name in found:
            continue
        found[manifest.name] = None
        asked = (
            *manifest.dependencies,
            *manifest.optional_dependencies,
            *manifest.peer_dependencies,
        )
        pending.extend(packages[name].manifest for name in asked if name in packages)
    return frozenset(found)


def local_build_set(
    plugin: Manifest, packages: Mapping[str, WorkspacePackage], arguments: str
) -> tuple[str, ...]:
    """Return the workspace packages that rhdh-cli would build when it exports ``plugin``.

    The plugin itself comes last, as rhdh-cli builds it last; each package is named once. A frontend
    plugin is bundled from its source, so nothing but itself is built.

    Args:
        plugin: the package.json of the plugin to export.
        packages: the members of its yarn workspace (``workspace_packages``).
        arguments: its argument string, as it stands in plugins-list.yaml.

    Raises:
        ConfigurationError: the argument string cannot be split.
    """
    if plugin.role not in BACKEND_ROLES:
        return (plugin.name,)
    named = frozenset(parse_arguments(arguments).embedded)
    built: dict[str, None] = {}
    # Depth first and in the order of the dependencies, since the first way that leads to a package
    # decides which siblings are looked for below it.
    wanted = named | frozenset(sibling_names(plugin.name, plugin.role))
    stack = [(iter(plugin.dependencies), wanted)]
    while stack:
        dependencies, wanted = stack[-1]
        name = next(dependencies, None)
        if name is None:
            stack.pop()
            continue
        member = packages.get(name)
        if member is None or name not in wanted or name in built or name == plugin.name:
            continue
        built[name] = None
        siblings = sibling_names(name, member.manifest.role)
        stack.append((iter(member.manifest.dependencies), wanted | frozenset(siblings)))
    return (*built, plugin.name)
