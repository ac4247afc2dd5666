"""What the backend said of itself and of the plugins in it, read without trusting it.

The plugins run in the process that says it: whatever is not of the form that the script writes
counts as not said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from factory.notation.json_text import parse_object
from factory.outside_text import clean
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_LONGEST = 1000


@dataclass(frozen=True, kw_only=True, slots=True)
class StartupFeature:
    """A backend plugin, or a module of one: ``module`` is "" for the plugin itself."""

    plugin: str
    module: str = ""

    def __str__(self) -> str:
        """The plugin's id, or the module's behind it."""
        return f"{self.plugin}/{self.module}" if self.module else self.plugin


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedPackage:
    """A package that the backend found: its folder, why it was not loaded, what it exports."""

    name: str
    version: str
    role: str
    folder: str
    failure: str
    features: tuple[StartupFeature, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedRoute:
    """A path and the status that it answered with, 0 if none; ``wanted`` if the user named it."""

    path: str
    status: int
    problem: str
    wanted: bool

    @property
    def holds(self) -> bool:
        """Whether a route that was named answers with what it is there for."""
        return not self.wanted or 200 <= self.status < 300  # noqa: PLR2004 - HTTP's successes


@dataclass(frozen=True, kw_only=True, slots=True)
class ServedRemote:
    """A frontend as an app is told of it, and what of its scripts does not come."""

    package: str
    name: str
    modules: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedModule:
    """A module of a frontend in the app: the plugin that it brings, or why it brings none."""

    package: str
    module: str
    plugin: str
    problem: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedPage:
    """A page of a frontend in the browser: its text, and what went wrong; ``uncaught`` is worst.

    ``plugins`` are the ids of the plugins that have something on it, ``mounts`` the names of what
    an app of the old system mounts there with its text. ``screenshot`` is "" if none was wanted.
    """

    path: str
    plugins: frozenset[str]
    mounts: tuple[tuple[str, str], ...]
    text: str
    screenshot: str
    problem: str
    uncaught: tuple[str, ...]
    errors: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether there is something on the page, and no error that nobody has caught."""
        return bool(self.text) and not self.problem and not self.uncaught


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedApp:
    """What an app made of the frontends, in a browser; ``problem`` is why it was not opened.

    ``extensions`` are the ids of extensions with the ids of their plugins before them, ``problems``
    what is wrong with what is mounted of a plugin, ``left`` what the app has no place for.
    """

    modules: tuple[LoadedModule, ...]
    extensions: tuple[tuple[str, str], ...]
    problems: tuple[tuple[str, str], ...]
    left: tuple[tuple[str, str], ...]
    pages: tuple[OpenedPage, ...]
    problem: str


@dataclass(frozen=True, kw_only=True, slots=True)
class HostReport:
    """All that was said.

    ``failures`` has the words of each feature that failed, ``started`` those that initialised,
    ``pending`` the ids of plugins that had not when time was up. ``error`` is why the whole backend
    did not start, "" if it did. ``app`` is None if none was opened.
    """

    address: str
    backend: str
    packages: tuple[LoadedPackage, ...]
    started: frozenset[StartupFeature]
    failures: dict[StartupFeature, str]
    pending: frozenset[str]
    routes: tuple[AskedRoute, ...]
    remotes: tuple[ServedRemote, ...]
    error: str
    app: OpenedApp | None = None


def read_report(content: bytes) -> HostReport | None:
    """Return what the backend has written of itself; None for anything else than a JSON object."""
    try:
        value = parse_object(content)
    except ValueError:
        return None
    started, failures = _read_startup(value)
    return HostReport(
        address=_text(value, "address"),
        backend=_text(value, "backend"),
        packages=tuple(_read_package(one) for one in _objects(value, "packages")),
        started=frozenset(started),
        failures=failures,
        pending=frozenset(_texts(value, "pending")),
        routes=tuple(_read_route(one) for one in _objects(value, "routes")),
        remotes=tuple(_read_remote(one) for one in _objects(value, "remotes")),
        error=_words(value.get("error")),
        app=_read_app(value.get("app")),
    )


def _read_startup(
    value: dict[str, Any],
) -> tuple[list[StartupFeature], dict[StartupFeature, str]]:
    started: list[StartupFeature] = []
    failures: dict[StartupFeature, str] = {}
    for one in _objects(value, "started"):
        plugin = _text(one, "pluginId")
        said = [(StartupFeature(plugin=plugin), one)]
        said += [
            (StartupFeature(plugin=plugin, module=_text(module, "moduleId")), module)
            for module in _objects(one, "modules")
        ]
        for feature, outcome in said:
            if outcome.get("failure") is None:
                started.append(feature)
            else:
                failures[feature] = _words(outcome["failure"]) or "it does not say why"
    return started, failures


def _read_package(one: dict[str, Any]) -> LoadedPackage:
    features = (
        StartupFeature(plugin=_text(each, "pluginId"), module=_text(each, "moduleId"))
        for each in _objects(one, "features")
    )
    return LoadedPackage(
        name=_text(one, "name"),
        version=_text(one, "version"),
        role=_text(one, "role"),
        folder=_text(one, "folder"),
        failure=_text(one, "failure"),
        features=tuple(features),
    )


def _read_route(one: dict[str, Any]) -> AskedRoute:
    status = one.get("status")
    return AskedRoute(
        path=_text(one, "path"),
        status=status if type(status) is int and status > 0 else 0,
        problem=_text(one, "problem"),
        wanted=one.get("wanted") is True,
    )


def _read_remote(one: dict[str, Any]) -> ServedRemote:
    return ServedRemote(
        package=_text(one, "package"),
        name=_text(one, "name"),
        modules=tuple(_texts(one, "modules")),
        missing=tuple(_texts(one, "missing")),
    )


def _read_app(value: object) -> OpenedApp | None:
    if not isinstance(value, dict):
        return None
    extensions = tuple(
        (_text(one, "plugin"), _text(one, "id"), _text(one, "path"))
        for one in _objects(value, "extensions")
    )
    owners: dict[str, set[str]] = {}
    for plugin, _, path in extensions:
        owners.setdefault(path, set()).add(plugin)
    modules = (
        LoadedModule(
            package=_text(one, "package"),
            module=_text(one, "module"),
            plugin=_text(one, "plugin"),
            problem=_text(one, "problem"),
        )
        for one in _objects(value, "modules")
    )
    return OpenedApp(
        modules=tuple(modules),
        extensions=tuple((plugin, name) for plugin, name, _ in extensions),
        problems=_pairs(value, "problems", "plugin", "message"),
        left=_pairs(value, "left", "plugin", "message"),
        pages=tuple(_read_page(one, owners) for one in _objects(value, "pages")),
        problem=_text(value, "problem"),
    )


def _read_page(one: dict[str, Any], owners: Mapping[str, set[str]]) -> OpenedPage:
    path = _text(one, "path")
    errors = [
        (error.get("uncaught") is True, _text(error, "message"))
        for error in _objects(one, "errors")
    ]
    return OpenedPage(
        path=path,
        plugins=frozenset(owners.get(path, ())),
        mounts=_pairs(one, "mounts", "id", "text"),
        text=_text(one, "text"),
        screenshot=_text(one, "screenshot"),
        problem=_text(one, "problem"),
        uncaught=tuple(message for is_uncaught, message in errors if is_uncaught),
        errors=tuple(message for is_uncaught, message in errors if not is_uncaught),
    )


def _words(error: object) -> str:
    """An error's message, and where in a plugin it arose."""
    if not isinstance(error, dict):
        return ""
    message, at = _text(error, "message"), _text(error, "at")
    return f"{message} ({at})" if at else message


def _objects(value: dict[str, Any], field: str) -> Iterator[dict[str, Any]]:
    items = value.get(field)
    yield from (one for one in (items if isinstance(items, list) else ()) if isinstance(one, dict))


def _pairs(value: dict[str, Any], field: str, *names: str) -> tuple[tuple[str, str], ...]:
    """Two fields of each object in a list, each pair once."""
    first, second = names
    pairs = ((_text(one, first), _text(one, second)) for one in _objects(value, field))
    return tuple(dict.fromkeys(pairs))


def _texts(value: dict[str, Any], field: str) -> Iterator[str]:
    items = value.get(field)
    for one in items if isinstance(items, list) else ():
        if isinstance(one, str):
            yield clean(one)[:_LONGEST]


def _text(value: dict[str, Any], field: str) -> str:
    found = value.get(field)
    return clean(found)[:_LONGEST] if isinstance(found, str) else ""
