"""The registry's entries: where each plugin's manifest is, or the manifest itself.

The forms are those of Backstage BEP-0002, "Plugin registry": ``{name, manifestLocation,
assetHost}`` or ``{name, pluginManifest}``, as an object by name or as an array.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import quote, urlsplit

from factory.errors import UsageError
from factory.plugin_registry.frontend_plugins import SCALPRUM_MANIFEST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from factory.plugin_registry.frontend_plugins import Singleton, StagedPlugin

Form: TypeAlias = Literal["object", "array"]
# The asset server's route of BEP-0002, with the folders as they are staged.
DEFAULT_ASSETS_PATH = "/dynamic-plugins/assets/{folder}/{assets}"
_FIELDS = {"folder": "folder", "assets": "dist-scalprum", "name": "example.plugin"}


def check_asset_host(host: str) -> str:
    """Return the asset host without a slash at its end; "" means the page's own host.

    Raises:
        UsageError: it is not an http(s) address.
    """
    parts = urlsplit(host)
    if host and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise UsageError(
            "the asset host is not a web address",
            found=host,
            expected="such as https://portal.example.com",
        )
    return host.rstrip("/")


def check_assets_path(template: str) -> str:
    """Return the template of the path under which a plugin's assets are served.

    Raises:
        UsageError: it has an unknown field, or is not an absolute path.
    """
    try:
        shown = template.format(**_FIELDS)
    except (KeyError, IndexError, ValueError) as error:
        raise UsageError(
            "the path of the assets has an unknown field",
            found=template,
            expected="{folder}, {assets} and {name}, such as " + DEFAULT_ASSETS_PATH,
        ) from error
    if not shown.startswith("/"):
        raise UsageError(
            "the path of the assets is not absolute",
            found=template,
            expected="a path from the asset host's root, such as " + DEFAULT_ASSETS_PATH,
        )
    return template


def registry(
    plugins: Sequence[StagedPlugin],
    *,
    asset_host: str = "",
    assets_path: str = DEFAULT_ASSETS_PATH,
    embed: bool = False,
    form: Form = "object",
) -> dict[str, Any] | list[dict[str, Any]]:
    """Return the registry of the plugins.

    Args:
        plugins: the staged plugins.
        asset_host: the address that assets are served from, as :func:`checked_asset_host` returns.
        assets_path: the path there, as :func:`checked_assets_path` returns.
        embed: put the manifests into the registry instead of naming where they are.
        form: an object by the plugins' names, or an array.
    """
    entries = [
        _embed(plugin, asset_host, assets_path)
        if embed
        else _referring(plugin, asset_host, assets_path)
        for plugin in plugins
    ]
    return {entry["name"]: entry for entry in entries} if form == "object" else entries


def registry_text(content: Mapping[str, Any] | Sequence[Any]) -> str:
    """Return the registry as its file has it."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _base(plugin: StagedPlugin, asset_host: str, assets_path: str) -> str:
    within = plugin.assets.relative_to(plugin.folder).as_posix()
    path = assets_path.format(
        folder=quote(plugin.folder.name),
        assets="" if within == "." else quote(within),
        name=quote(plugin.name),
    )
    return asset_host + path.rstrip("/")


def _referring(plugin: StagedPlugin, asset_host: str, assets_path: str) -> dict[str, Any]:
    entry = {
        "name": plugin.name,
        "manifestLocation": f"{_base(plugin, asset_host, assets_path)}/{SCALPRUM_MANIFEST}",
    }
    return entry | {"assetHost": asset_host} if asset_host else entry


def _embed(plugin: StagedPlugin, asset_host: str, assets_path: str) -> dict[str, Any]:
    """The manifest with what no build can know: ``baseURL``, which is ``auto`` in it, and the host.

    The manifest's other fields are as the build left them.
    """
    properties = plugin.manifest.get("customProperties")
    known = dict(properties) if isinstance(properties, dict) else {}
    if asset_host:
        known["assetHost"] = asset_host
    if plugin.singletons:
        known["singletonPackages"] = {one.module: _singleton(one) for one in plugin.singletons}
    manifest = dict(plugin.manifest) | {"baseURL": f"{_base(plugin, asset_host, assets_path)}/"}
    return {
        "name": plugin.name,
        "pluginManifest": manifest | {"customProperties": known} if known else manifest,
    }


def _singleton(singleton: Singleton) -> dict[str, Any]:
    return {"singleton": True, "version": singleton.version, "packageName": singleton.module}
