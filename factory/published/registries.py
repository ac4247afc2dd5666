"""Where yarn takes a published plugin's dependencies from: what ``.npmrc`` says, in yarn's words.

Yarn from 2 on does not read ``.npmrc`` (https://yarnpkg.com/configuration/yarnrc). Of what is
there, addresses become settings and logins become variables that the settings refer to: no login
is written to a file.
"""

from __future__ import annotations

import json
from dataclasses import field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.installation.npmrc import Npmrc

YARN_REGISTRY = "YARN_NPM_REGISTRY_SERVER"
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
    scopes = {scope: npmrc.registry(scope) for scope in npmrc.scopes}
    registries = list(scopes.values())
    if npmrc.names_registry:
        variables[YARN_REGISTRY] = npmrc.registry("").rstrip("/")
        registries.append(npmrc.registry(""))
    # A login outside of these would be yarn's for every registry, also for one without any.
    logins: dict[str, dict[str, object]] = {}
    for number, registry in enumerate(dict.fromkeys(registries)):
        if header := npmrc.authorization(registry):
            name = f"NPM_TOKEN_OF_REGISTRY_{number}"
            variables[name] = header.removeprefix(_BEARER).removeprefix(_BASIC)
            kind = "npmAuthToken" if header.startswith(_BEARER) else "npmAuthIdent"
            logins[registry.rstrip("/")] = {kind: f"${{{name}-}}", "npmAlwaysAuth": True}
    bare = sorted({urlsplit(each).hostname or "" for each in registries if _is_bare(each)})
    if bare:
        variables["YARN_UNSAFE_HTTP_WHITELIST"] = ",".join(bare)
    if npmrc.cafile and registries:
        variables["YARN_HTTPS_CA_FILE_PATH"] = str(npmrc.cafile)
    settings: dict[str, object] = {}
    if scopes:
        settings["npmScopes"] = {
            scope.removeprefix("@"): {"npmRegistryServer": registry.rstrip("/")}
            for scope, registry in scopes.items()
        }
    if logins:
        settings["npmRegistries"] = logins
    # JSON is YAML.
    lines = "".join(f"{name}: {json.dumps(value)}\n" for name, value in settings.items())
    return YarnRegistries(settings=lines, variables=variables)


def _is_bare(registry: str) -> bool:
    """Whether a registry is spoken to without encryption, which yarn has to be told."""
    return urlsplit(registry).scheme == "http"
