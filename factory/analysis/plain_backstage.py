"""What is known of a portal that is Backstage itself, from the packages of its release.

Such a portal loads backends by ``backend-dynamic-feature-service``, and frontends of the new
frontend system by ``frontend-dynamic-feature-loader``, over module federation.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from factory.analysis.portal_profile import (
    EngineVersions,
    PortalProfile,
    rhdh_cli_versions,
)
from factory.engines import Engine, RoleEngines
from factory.versions import release_of, release_order

if TYPE_CHECKING:
    from collections.abc import Mapping

_LOADER = "@backstage/frontend-dynamic-feature-loader"
_BUNDLER = "@backstage/cli-module-build"
# The first with `package bundle`.
_FIRST_BUNDLER = "0.1.4"
# What Backstage's own tools give to the page once, for all remotes.
_SHARES = (
    "react",
    "react-dom",
    "react-router",
    "react-router-dom",
    "@material-ui/core/styles",
    "@material-ui/styles",
)
# Two lines of Node.js that are supported at a time, as `engines` of Backstage's own apps has it:
# from which minor on; what older ones ran on is not supported here any more, or not known.
_NODE = (((1, 49), "22 || 24"), ((1, 39), "20 || 22"))


def plain_profile(release: str, packages: Mapping[str, str]) -> PortalProfile:
    """Return the profile of a release of Backstage.

    Args:
        release: the release, such as ``1.52.1``.
        packages: its packages with their versions.
    """
    major, minor = (int(part) for part in release_of(release).split(".")[:2])
    bundler = packages.get(_BUNDLER, "")
    bundles = bool(bundler) and release_order(bundler) >= release_order(_FIRST_BUNDLER)
    versions: dict[str, EngineVersions] = {}
    if rhdh_cli := rhdh_cli_versions(release):
        versions[Engine.RHDH] = rhdh_cli
    if bundles:
        accepts = f">={_FIRST_BUNDLER} <{_next_minor(bundler)}"
        versions[Engine.BACKSTAGE] = EngineVersions(version=bundler, accepts=accepts)
    return PortalProfile(
        node=next((node for since, node in _NODE if since <= (major, minor)), ""),
        engine=RoleEngines(frontend=Engine.BACKSTAGE if bundles else Engine.RHDH),
        engine_versions=MappingProxyType(versions),
        frontend_systems=("new-frontend-system",) if _LOADER in packages else (),
        shares=_SHARES if _LOADER in packages else (),
    )


def _next_minor(version: str) -> str:
    major, minor = version.split(".")[:2]
    return f"{major}.{int(minor) + 1}.0"
