"""Entities made of what is known of a plugin: its package.json, the build report, the portal.

What a build knows better than anybody (the version, the artifact, the role, the Backstage that it
is for) is set each time. All else is a proposal for a new file, which people then make their own.
"""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from factory.catalogue.entities import API_VERSION, PACKAGE, PLUGIN, entity_name
from factory.notation.yaml_edit import AddItems, SetValue
from factory.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from factory.catalogue.published_plugins import CataloguedPlugin
    from factory.notation.yaml_edit import YamlChange

PLUGIN_ROLES = ("frontend-plugin", "backend-plugin")
ROLES = (*PLUGIN_ROLES, "frontend-plugin-module", "backend-plugin-module")
"""https://backstage.io/docs/tooling/cli/build-system#package-roles, those that are dynamic."""
SOURCE_LOCATION = "backstage.io/source-location"

_TAG = lazy_pattern(r"[a-z0-9:+#]+(?:-[a-z0-9:+#]+)*")
_LONGEST_TAG = 63
_COMMUNITY = "community"
_ACTIVE = "active"
_NAME_PARTS = lazy_pattern(r"^(?:backstage-)?(?:plugin-)?|-backend(?:-module-.+)?$|-module-.+$")


def package_changes(
    plugin: CataloguedPlugin, *, artifact: str, backstage: str = ""
) -> tuple[SetValue, ...]:
    """Return what a build knows of a plugin's ``Package``.

    Args:
        plugin: the plugin.
        artifact: its image, in the form that the entity has it; "" for none.
        backstage: the portal's Backstage, for a plugin that does not say what it is for.
    """
    values = {
        ("spec", "packageName"): plugin.package,
        ("spec", "dynamicArtifact"): artifact,
        ("spec", "version"): plugin.archive.version,
        ("spec", "backstage", "role"): _text(plugin.backstage.get("role")),
        ("spec", "backstage", "supportedVersions"): plugin.supported_backstage or backstage,
    }
    return tuple(SetValue(way=way, value=value) for way, value in values.items() if value)


def new_package(
    plugin: CataloguedPlugin,
    *,
    namespace: str,
    part_of: str,
    changes: Sequence[SetValue],
) -> dict[str, Any]:
    """Return a ``Package`` for a plugin that has none, with what its ``changes`` set."""
    spec: dict[str, Any] = {"packageName": plugin.package}
    for change in changes:
        here: Any = {"spec": spec}
        for step in change.way[:-1]:
            here = here.setdefault(step, {})
        here[change.way[-1]] = change.value
    if author := author_of(plugin.archive.package):
        spec["author"] = author
    spec |= {"support": _COMMUNITY, "lifecycle": _ACTIVE, "partOf": [part_of]}
    if plugin.config:
        spec["appConfigExamples"] = [
            {"title": "Default configuration", "content": dict(plugin.config)}
        ]
    else:
        spec["appConfigNotRequired"] = True
    metadata = _metadata(entity_name(plugin.folder), namespace, plugin.package, plugin)
    if address := _source_address(plugin):
        metadata["annotations"] = {SOURCE_LOCATION: f"url:{address}"}
    metadata["tags"] = tags_of(plugin.archive.package)
    return {"apiVersion": API_VERSION, "kind": PACKAGE, "metadata": metadata, "spec": spec}


def new_plugin(name: str, plugins: Sequence[CataloguedPlugin], *, namespace: str) -> dict[str, Any]:
    """Return a ``Plugin`` of packages that belong together: what users look for by one name."""
    # A frontend's description says what users see.
    shown = min(plugins, key=lambda one: (not _is_frontend(one), one.folder))
    title = " ".join(part.capitalize() for part in re.split(r"[-_.]+", name) if part)
    description = _text(shown.archive.package.get("description")) or title
    metadata = _metadata(name, namespace, title, shown) | {"description": description}
    author = author_of(shown.archive.package)
    spec: dict[str, Any] = {"author": author} if author else {}
    if author:
        spec["support"] = {"provider": author, "level": _COMMUNITY}
    spec |= {"lifecycle": _ACTIVE}
    spec |= {"publisher": author} if author else {}
    spec |= {
        "description": description,
        "packages": [entity_name(one.folder) for one in plugins],
    }
    return {"apiVersion": API_VERSION, "kind": PLUGIN, "metadata": metadata, "spec": spec}


def plugin_changes(packages: Sequence[str]) -> tuple[YamlChange, ...]:
    """Return what a build knows of a ``Plugin``: which packages are its."""
    return (AddItems(way=("spec", "packages"), items=tuple(packages)),)


def group_plugins(plugins: Sequence[CataloguedPlugin]) -> dict[str, tuple[CataloguedPlugin, ...]]:
    """Return which packages belong together, by the name of their plugin.

    That is ``backstage.pluginId`` of package.json, which Backstage's own tools write, or else what
    the package's name says. A module extends somebody's plugin: it goes with the plugin of its
    workspace if there is one alone, and else is one of its own.
    """
    own: dict[str, set[str]] = defaultdict(set)
    for plugin in plugins:
        if plugin.backstage.get("role") in PLUGIN_ROLES:
            own[_source_of(plugin)].add(_plugin_id(plugin))
    groups: dict[str, list[CataloguedPlugin]] = defaultdict(list)
    for plugin in plugins:
        there = own[_source_of(plugin)]
        if plugin.backstage.get("role") in PLUGIN_ROLES:
            name = _plugin_id(plugin)
        else:
            name = next(iter(there)) if len(there) == 1 else plugin.folder
        groups[entity_name(name)].append(plugin)
    return {name: tuple(groups[name]) for name in sorted(groups)}


def author_of(package: Mapping[str, Any]) -> str:
    """Return the author's name that a package.json says, without addresses; "" if none."""
    author = package.get("author")
    name = author.get("name") if isinstance(author, dict) else author
    return re.sub(r"\s*[<(].*", "", _text(name)).strip()


def tags_of(package: Mapping[str, Any]) -> list[str]:
    """Return the keywords of a package.json that can be tags in Backstage's catalogue."""
    keywords = package.get("keywords")
    found = [_text(one).lower() for one in keywords] if isinstance(keywords, list) else []
    return [one for one in dict.fromkeys(found) if len(one) <= _LONGEST_TAG and _TAG.fullmatch(one)]


def _metadata(name: str, namespace: str, title: str, plugin: CataloguedPlugin) -> dict[str, Any]:
    package = plugin.archive.package
    bugs = package.get("bugs")
    links = {
        "Homepage": _text(package.get("homepage")),
        "Bugs": _text(bugs.get("url") if isinstance(bugs, dict) else bugs),
        "Source Code": _source_address(plugin),
    }
    found = [
        {"url": url, "title": title}
        for title, url in links.items()
        if url.startswith(("https://", "http://"))
    ]
    metadata: dict[str, Any] = {"name": name}
    if namespace:
        metadata["namespace"] = namespace
    metadata["title"] = title
    return metadata | ({"links": found} if found else {})


def _source_address(plugin: CataloguedPlugin) -> str:
    """Where a browser shows the plugin's source; "" where the forge's addresses are not known."""
    repository = plugin.archive.package.get("repository")
    fields = repository if isinstance(repository, dict) else {"url": repository}
    address = plugin.facts.repository or _text(fields.get("url"))
    address = address.removeprefix("git+").removesuffix(".git").rstrip("/")
    if not address.startswith("https://") or "@" in address:
        return ""
    parts = (
        [plugin.workspace_path, plugin.path] if plugin.path else [_text(fields.get("directory"))]
    )
    path = "/".join(part for part in (part.strip("/") for part in parts) if part not in ("", "."))
    revision = plugin.facts.revision or "HEAD"
    return f"{address}/tree/{revision}/{path}".rstrip("/") if path else address


def _plugin_id(plugin: CataloguedPlugin) -> str:
    if named := _text(plugin.backstage.get("pluginId")):
        return named
    bare = plugin.package.rpartition("/")[2]
    return _NAME_PARTS.sub("", bare) or bare


def _source_of(plugin: CataloguedPlugin) -> str:
    return f"{plugin.workspace}\0{plugin.facts.repository}\0{plugin.workspace_path}"


def _is_frontend(plugin: CataloguedPlugin) -> bool:
    return _text(plugin.backstage.get("role")).startswith("frontend")


def _text(value: object) -> str:
    """A text of a package.json as one line, since it comes from elsewhere."""
    return " ".join(value.split()) if isinstance(value, str) and value.isprintable() else ""
