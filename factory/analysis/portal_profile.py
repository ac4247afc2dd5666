"""What a portal wants of plugins besides its packages: tools, frontend systems, what it shares.

In a host's file these are the fields beside ``packages``; one that is left out has the value that
follows from the portal's Backstage version, or none.
"""

from __future__ import annotations

from dataclasses import field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

from factory.engines import Engine, RoleEngines
from factory.values import dataclass
from factory.versions import is_range, is_version

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

FrontendSystem: TypeAlias = Literal["scalprum", "module-federation", "new-frontend-system"]
FRONTEND_SYSTEMS: tuple[FrontendSystem, ...] = get_args(FrontendSystem)

# The rhdh-cli that each RHDH was released with, by the minor of its Backstage, oldest first.
_RHDH_CLI = (
    ((1, 39), "1.7.2"),
    ((1, 42), "1.8.0"),
    ((1, 45), "1.9.2"),
    ((1, 49), "1.10.8"),
    ((1, 52), "2.0.0"),
)
# What a portal that loads frontends has among its packages. Module federation with the old frontend
# system shows in none: each portal has a loader of its own, and all tools bring the runtime along.
_LOADERS: Mapping[str, FrontendSystem] = {
    "@scalprum/react-core": "scalprum",
    "@backstage/frontend-dynamic-feature-loader": "new-frontend-system",
}
# From this version on rhdh-cli makes artifacts of one form, for all portals up to the next major.
_ONE_FORM = "1.9.1"
_LAST_OF_OLD = (1, 9)


@dataclass(frozen=True, kw_only=True, slots=True)
class EngineVersions:
    """The ``version`` of an export engine that a portal was released with.

    ``accepts`` is the npm range of those whose artifacts the portal loads.
    """

    version: str
    accepts: str


def _no_versions() -> Mapping[str, EngineVersions]:
    return MappingProxyType({})


def _no_plugins() -> Mapping[str, bool]:
    return MappingProxyType({})


@dataclass(frozen=True, kw_only=True, slots=True)
class PortalProfile:
    """How plugins are made for a portal; what is not known of it is empty.

    ``node`` is the npm range of the Node.js that it runs on. ``frontend_systems`` are those that it
    loads frontend plugins by: ``scalprum``, ``module-federation`` for plugins of the old frontend
    system, ``new-frontend-system`` for module federation with the new one. ``states_systems`` is
    whether somebody said so: what packages tell may not be all. ``shares`` are the modules that its
    page has once for all frontends. ``mount_points`` are where the old frontend system lets plugins
    put something. ``plugins_folder`` is where it looks for plugins, in its own folder.
    ``default_plugins`` are those that it brings itself, by the names of their folders in images,
    with whether each is on.
    """

    node: str = ""
    engine: RoleEngines = field(default_factory=RoleEngines)
    engine_versions: Mapping[str, EngineVersions] = field(default_factory=_no_versions)
    frontend_systems: tuple[FrontendSystem, ...] = ()
    states_systems: bool = False
    shares: tuple[str, ...] = ()
    mount_points: tuple[str, ...] = ()
    plugins_folder: str = ""
    default_plugins: Mapping[str, bool] = field(default_factory=_no_plugins)
    note: str = ""

    @property
    def stated_systems(self) -> tuple[FrontendSystem, ...]:
        """The frontend systems, where these are all that the portal has; empty if not known."""
        return self.frontend_systems if self.states_systems else ()


def rhdh_cli_versions(backstage: str) -> EngineVersions | None:
    """Return the rhdh-cli for a portal on a Backstage version; None if that is not a version.

    It is the one of the newest RHDH whose Backstage is not newer than the portal's, otherwise the
    oldest known.
    """
    if not is_version(backstage):
        return None
    major, minor = (int(part) for part in backstage.split(".")[:2])
    older = [version for released, version in _RHDH_CLI if released <= (major, minor)]
    return rhdh_cli_range(older[-1] if older else _RHDH_CLI[0][1])


def rhdh_cli_range(version: str) -> EngineVersions:
    """Return a version of rhdh-cli that a portal was released with, and those that serve as well.

    These are the others of its minor. From 1.9.1 on, commands, layouts and what they say of a
    plugin have been the same, so that older ones from there on serve too; newer ones do not, since
    their bundles may ask for more than the portal has. Of a portal before 1.9 they serve up to 1.9,
    which still exports what that portal loads.
    """
    major, minor = (int(part) for part in version.split(".")[:2])
    if (major, minor) < _LAST_OF_OLD:
        last_major, last_minor = _LAST_OF_OLD
        accepts = f">={major}.{minor}.0 <{last_major}.{last_minor + 1}.0"
        return EngineVersions(version=version, accepts=accepts)
    if (major, minor) == _LAST_OF_OLD:
        return EngineVersions(version=version, accepts=f"~{major}.{minor}.0")
    return EngineVersions(version=version, accepts=f">={_ONE_FORM} <{major}.{minor + 1}.0")


def profile_for(backstage: str, packages: Collection[str]) -> PortalProfile:
    """Return what follows for a portal from its Backstage version and the names of its packages."""
    rhdh_cli = rhdh_cli_versions(backstage)
    return PortalProfile(
        engine_versions=MappingProxyType({Engine.RHDH: rhdh_cli} if rhdh_cli else {}),
        frontend_systems=tuple(system for loader, system in _LOADERS.items() if loader in packages),
    )


def profile_fields(profile: PortalProfile) -> dict[str, Any]:
    """Return a profile as the fields of a host's file; those without a value are left out."""
    fields = {
        "node": profile.node,
        "engine": {
            "frontend": str(profile.engine.frontend),
            "backend": str(profile.engine.backend),
        },
        "engine-versions": {
            str(engine): {"version": each.version, "accepts": each.accepts}
            for engine, each in profile.engine_versions.items()
        },
        "frontend-systems": list(profile.frontend_systems),
        "shares": list(profile.shares),
        "mount-points": list(profile.mount_points),
        "plugins-folder": profile.plugins_folder,
        "default-plugins": dict(sorted(profile.default_plugins.items())),
        "note": profile.note,
    }
    return {name: value for name, value in fields.items() if value}


def read_profile(document: Mapping[str, Any], backstage: str) -> PortalProfile:
    """Return the profile in the fields of a host's file.

    Args:
        document: the file's.
        backstage: the host's Backstage version, from which follows what the fields do not say.

    Raises:
        ValueError: a field has another form; the message names it.
    """
    rhdh_cli = rhdh_cli_versions(backstage)
    default: dict[str, EngineVersions] = {Engine.RHDH: rhdh_cli} if rhdh_cli else {}
    engine = _object(document, "engine")
    versions = _object(document, "engine-versions")
    node = _text(document, "node")
    if node and not is_range(node):
        raise ValueError(f"node: {node!r} is not an npm range")
    return PortalProfile(
        node=node,
        engine=RoleEngines(
            frontend=_engine(engine.get("frontend", "rhdh"), "engine.frontend"),
            backend=_engine(engine.get("backend", "rhdh"), "engine.backend"),
        ),
        engine_versions=MappingProxyType(
            {
                **default,
                **{
                    _engine(name, "engine-versions"): _engine_versions(name, each)
                    for name, each in versions.items()
                },
            }
        ),
        frontend_systems=tuple(
            _frontend_system(each) for each in _texts(document, "frontend-systems")
        ),
        states_systems="frontend-systems" in document,
        shares=_texts(document, "shares"),
        mount_points=_texts(document, "mount-points"),
        plugins_folder=_text(document, "plugins-folder"),
        default_plugins=MappingProxyType(_switches(document, "default-plugins")),
        note=_text(document, "note"),
    )


def _engine_versions(engine: str, value: object) -> EngineVersions:
    if not isinstance(value, dict):
        raise ValueError(f"engine-versions.{engine}: {value!r} is not an object")  # noqa: TRY004
    version, accepts = _text(value, "version"), _text(value, "accepts")
    if not is_version(version):
        raise ValueError(f"engine-versions.{engine}: {version!r} is not a version such as 1.10.8")
    if not accepts:
        accepts = rhdh_cli_range(version).accepts if engine == "rhdh" else f"~{version}"
    if not is_range(accepts):
        raise ValueError(f"engine-versions.{engine}: {accepts!r} is not an npm range")
    return EngineVersions(version=version, accepts=accepts)


def _engine(value: object, name: str) -> Engine:
    for known in Engine:
        if value == known:
            return known
    raise ValueError(f"{name}: {value!r} is not one of {', '.join(Engine)}")


def _frontend_system(value: str) -> FrontendSystem:
    for known in FRONTEND_SYSTEMS:
        if value == known:
            return known
    raise ValueError(f"frontend-systems: {value!r} is not one of {', '.join(FRONTEND_SYSTEMS)}")


def _object(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = document.get(name, {})
    if not isinstance(value, dict):
        raise ValueError(f"{name}: {value!r} is not an object")  # noqa: TRY004
    return value


def _switches(document: Mapping[str, Any], name: str) -> dict[str, bool]:
    value = _object(document, name)
    odd = next((key for key, each in value.items() if not isinstance(each, bool)), None)
    if odd is not None:
        raise ValueError(f"{name}.{odd}: {value[odd]!r} is neither true nor false")
    return dict(value)


def _text(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name, "")
    if not isinstance(value, str) or not (value.isprintable()):
        raise ValueError(f"{name}: {value!r} is not a line of text")
    return value


def _texts(document: Mapping[str, Any], name: str) -> tuple[str, ...]:
    value = document.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{name}: {value!r} is not a list of texts")
    return tuple(value)
