"""Packed plugins published on an npm registry, as ``npm publish`` does it.

The request is libnpmpublish's: one PUT with the version's metadata and the archive in base64
(https://github.com/npm/registry, "Publish"). Where it goes, and with which login, only ``.npmrc``
says: a ``publishConfig`` in a plugin's package.json is its author's, not that of who publishes.
"""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from factory.archives.integrity import integrity_of
from factory.archives.npm_package import is_package_name
from factory.errors import PackError, Place, RegistryError, UsageError, os_errors_as
from factory.notation.json_text import parse_object
from factory.toolchain.pinned_install import PUBLIC_REGISTRY
from factory.values import dataclass
from factory.versions import is_range, is_version

if TYPE_CHECKING:
    from factory.installation.npmrc import Npmrc
    from factory.installation.web import Web
    from factory.oci.answers import Answer
    from factory.oci.packed_plugin import PluginArchive

_MISSING = 404
_DONE = frozenset({200, 201})
_NO_LOGIN = frozenset({401, 403})
_JSON = "application/json"
# The host of the public registry: what is there cannot be taken back.
_PUBLIC_HOST = urlsplit(PUBLIC_REGISTRY).hostname


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedOnNpm:
    """A plugin on a registry; ``was_there`` is whether the same bytes were there before."""

    name: str
    version: str
    integrity: str
    registry: str
    was_there: bool

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"


def check_tag(tag: str) -> str:
    """Return a tag that versions may get.

    Raises:
        UsageError: it could be taken for a version or a range, or is not one word.
    """
    if not tag or is_range(tag) or quote(tag, safe="") != tag:
        raise UsageError(
            "this cannot be an npm tag",
            found=ascii(tag)[:100],
            expected="a word that is not a version, such as latest or next",
        )
    return tag


def publish_on_npm(
    plugin: PluginArchive, *, tag: str, access: str | None, npmrc: Npmrc, web: Web
) -> PublishedOnNpm:
    """Publish a packed plugin, unless the registry has these very bytes.

    Args:
        plugin: the archive.
        tag: what the version is called beside its number.
        access: the access to the package, public or restricted; None leaves it to the registry.
        npmrc: says which registry, and the login for it.
        web: speaks with it.

    Raises:
        PackError: the archive's package.json is not one of a package that npm takes.
        RegistryError: the registry has other bytes of this version, refuses, or does not answer.
        ConfigurationError: a setting of .npmrc cannot be used.
    """
    name, version = plugin.name, plugin.version
    place = Place(file=plugin.tgz, field="package/package.json")
    if not is_package_name(name) or not is_version(version):
        raise PackError(
            "an npm registry takes no package of this name or version",
            place=place,
            found=ascii(f"{name}@{version}")[:200],
            expected="the name of a package, and a version such as 1.2.3",
        )
    registry = npmrc.registry(name.partition("/")[0] if name.startswith("@") else "")
    if plugin.package.get("private") and urlsplit(registry).hostname == _PUBLIC_HOST:
        raise PackError(
            f"{name} is private, and is not published on the public npm registry",
            place=place,
            found='"private": true',
            hint="name your own registry in .npmrc (registry=…, or @scope:registry=…), or remove "
            "the field from the source with a patch",
        )
    integrity = integrity_of(plugin.tgz)
    there = _find_integrity(plugin, registry, npmrc, web)
    if there is None:
        document = _document(plugin, registry, integrity, tag=tag, access=access)
        try:
            _put(plugin, registry, document, npmrc, web)
        except RegistryError:
            # An attempt whose answer was lost, or another run, may have published these bytes.
            if _find_integrity(plugin, registry, npmrc, web) != integrity:
                raise
    elif integrity not in there.split():
        raise RegistryError(
            f"the npm registry has other bytes of {name}@{version}",
            place=Place(file=plugin.tgz),
            found=there or "a version without an integrity",
            expected=integrity,
            hint="a version is published once: give the plugin a new version",
        )
    return PublishedOnNpm(
        name=name,
        version=version,
        integrity=integrity,
        registry=registry,
        was_there=there is not None,
    )


def _find_integrity(plugin: PluginArchive, registry: str, npmrc: Npmrc, web: Web) -> str | None:
    """What the registry says of this version's archive; None if it does not have it."""
    try:
        content = web.document(
            _address(plugin, registry),
            accept=_JSON,
            authorize=npmrc.authorization,
            refusal=lambda answer: _refusal(answer, plugin, registry, "read"),
        )
    except _NotThereError:
        return None
    try:
        fields = parse_object(content)["versions"].get(plugin.version)
        return None if fields is None else str(fields["dist"].get("integrity") or "")
    except (ValueError, KeyError, TypeError, AttributeError):
        raise RegistryError(
            f"the registry's answer about {plugin.name} cannot be read",
            found=ascii(content[:100].decode("utf-8", "replace")),
            expected="a package's metadata, as npm registries give it",
            hint=f"check that {registry} is an npm registry",
        ) from None


class _NotThereError(Exception):
    pass


def _document(
    plugin: PluginArchive,
    registry: str,
    integrity: str,
    *,
    tag: str,
    access: str | None,
) -> dict[str, Any]:
    with os_errors_as(PackError("the plugin cannot be read", place=Place(file=plugin.tgz))):
        content = plugin.tgz.read_bytes()
    file = f"{plugin.name}-{plugin.version}.tgz"
    manifest = {
        **plugin.package,
        "_id": f"{plugin.name}@{plugin.version}",
        "dist": {
            "integrity": integrity,
            # npm's own field, older than integrities.
            "shasum": hashlib.sha1(content, usedforsecurity=False).hexdigest(),
            "tarball": f"{registry}{plugin.name}/-/{file}",
        },
    }
    return {
        "_id": plugin.name,
        "name": plugin.name,
        "description": plugin.package.get("description"),
        "dist-tags": {tag: plugin.version},
        "versions": {plugin.version: manifest},
        "access": access,
        "_attachments": {
            file: {
                "content_type": "application/octet-stream",
                "data": base64.b64encode(content).decode("ascii"),
                "length": len(content),
            }
        },
    }


def _put(
    plugin: PluginArchive, registry: str, document: dict[str, Any], npmrc: Npmrc, web: Web
) -> None:
    web.put(
        _address(plugin, registry),
        json.dumps(document).encode(),
        content_type=_JSON,
        authorize=npmrc.authorization,
        accepted=_DONE,
        refusal=lambda answer: _refusal(answer, plugin, registry, "published"),
    )


def _address(plugin: PluginArchive, registry: str) -> str:
    return f"{registry}{quote(plugin.name, safe='@')}"


def _refusal(answer: Answer, plugin: PluginArchive, registry: str, act: str) -> Exception:
    if answer.status == _MISSING and act == "read":
        return _NotThereError()
    login = f"{registry.partition(':')[2]}:_authToken=…"
    return RegistryError(
        f"{plugin.name}@{plugin.version} cannot be {act} on the npm registry",
        place=Place(file=plugin.tgz),
        found=f"HTTP {answer.status} from {registry}",
        hint=f"write {login} into .npmrc, with a token that allows publishing"
        if answer.status in _NO_LOGIN
        else "the registry's log says why",
    )
