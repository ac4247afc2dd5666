"""Where yarn takes a published plugin's dependencies from: what ``.npmrc`` says, in yarn's words.

Yarn from 2 on does not read ``.npmrc`` (https://yarnpkg.com/configuration/yarnrc). Of what is
there, addresses become settings and logins become variables that the settings refer to: no login
is written to a file.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.installation.npmrc import Npmrc

YARN_PREFIX = "YARN_NPM_"
YARN_REGISTRY = f"{YARN_PREFIX}REGISTRY_SERVER"
"""The variable of yarn's default registry; those of its login begin alike."""

_BEARER, _BASIC = "Bearer ", "Basic "


@dataclass(frozen=True, kw_only=True, slots=True)
class YarnRegistries:
    """Registries as yarn knows them.

    ``settings`` are lines for ``.yarnrc.yml``; ``variables`` are for the environment of programs
    that install packages: yarn's own, and what the settings refer to.
    """

    settings: str
    variables: Mapping[str, str] = field(repr=False)


def yarn_registries(npmrc: Npmrc) -> YarnRegistries:
    """Return the registries of ``.npmrc`` for yarn; of what is not set, nothing.

    Raises:
        ConfigurationError: a login cannot be used, or needs a variable that is not set.
    """
    variables: dict[str, str] = {}
    registries = []
    if npmrc.names_registry:
        registry = npmrc.registry("")
        registries.append(registry)
        variables[YARN_REGISTRY] = registry.rstrip("/")
        header = npmrc.authorization(registry)
        if header:
            name = "AUTH_TOKEN" if header.startswith(_BEARER) else "AUTH_IDENT"
            variables[f"{YARN_PREFIX}{name}"] = _bare(header)
            variables[f"{YARN_PREFIX}ALWAYS_AUTH"] = "true"
    scopes: dict[str, dict[str, object]] = {}
    for number, scope in enumerate(npmrc.scopes):
        registry = npmrc.registry(scope)
        registries.append(registry)
        settings: dict[str, object] = {"npmRegistryServer": registry.rstrip("/")}
        header = npmrc.authorization(registry)
        if header:
            name = f"NPM_TOKEN_OF_SCOPE_{number}"
            variables[name] = _bare(header)
            of = "npmAuthToken" if header.startswith(_BEARER) else "npmAuthIdent"
            settings |= {of: f"${{{name}-}}", "npmAlwaysAuth": True}
        scopes[scope.removeprefix("@")] = settings
    bare = sorted({urlsplit(each).hostname or "" for each in registries if _is_bare(each)})
    if bare:
        variables["YARN_UNSAFE_HTTP_WHITELIST"] = ",".join(bare)
    if npmrc.cafile and registries:
        variables["YARN_HTTPS_CA_FILE_PATH"] = str(npmrc.cafile)
    # JSON is YAML.
    lines = f"npmScopes: {json.dumps(scopes)}\n" if scopes else ""
    return YarnRegistries(settings=lines, variables=variables)


def _bare(header: str) -> str:
    return header.removeprefix(_BEARER).removeprefix(_BASIC)


def _is_bare(registry: str) -> bool:
    """Whether a registry is spoken to without encryption, which yarn has to be told."""
    return urlsplit(registry).scheme == "http"
