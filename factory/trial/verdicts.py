"""What became of each plugin that was tried, from what the backend said and what is staged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from factory.archives.npm_package import PACKAGE_JSON
from factory.frontend.bundle_verdict import judge_bundle
from factory.frontend.verdict import NEW_SYSTEM
from factory.notation.json_text import parse_object
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from factory.frontend.verdict import FrontendVerdict, System
    from factory.trial.host_report import (
        HostReport,
        LoadedModule,
        LoadedPackage,
        OpenedApp,
        OpenedPage,
        StartupFeature,
    )

State: TypeAlias = Literal["initialised", "shown", "served", "failed", "pending", "not tried"]

FORMAT = 1
_PASSED_OVER = (
    "the backend passes it over: package.json has no backstage.role of a plugin, or no entry point"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class FeatureOutcome:
    """What became of a backend plugin or module; ``why`` is "" where it initialised."""

    feature: StartupFeature
    state: State
    why: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class TriedPlugin:
    """What became of a package: ``initialised`` for backends; for frontends ``shown`` by an app.

    A frontend is ``served`` where no browser opened an app. ``why`` says more of other states.
    ``frontend`` is whether it shows, as far as the bundle says it; ``modules`` are what it exposes,
    ``extensions`` and ``pages`` what an app made of them, ``left`` what it has no place for.
    """

    name: str
    version: str
    role: str
    state: State
    why: str = ""
    features: tuple[FeatureOutcome, ...] = ()
    modules: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    pages: tuple[OpenedPage, ...] = ()
    left: tuple[str, ...] = ()
    frontend: FrontendVerdict | None = None

    @property
    def holds(self) -> bool:
        """Whether nothing speaks against the plugin."""
        return self.state not in ("failed", "pending")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialResult:
    """A trial that has ended, or goes on serving; ``seconds`` until all was asked.

    ``system`` is the frontend system of the app that frontends were tried in.
    """

    report: HostReport
    plugins: tuple[TriedPlugin, ...]
    seconds: float
    system: System = NEW_SYSTEM

    @property
    def holds(self) -> bool:
        """Whether every plugin holds, and every route that was named answers."""
        routes = all(route.holds for route in self.report.routes)
        return routes and not self.report.error and all(one.holds for one in self.plugins)


def judge_bundles(folders: Sequence[Path]) -> dict[Path, FrontendVerdict]:
    """Return whether the frontends in these folders show, as far as their bundles say it."""
    manifests = {folder: read_tried_manifest(folder) for folder in folders}
    return {
        folder: judge_bundle(folder, manifest)
        for folder, manifest in manifests.items()
        if read_role(manifest).startswith("frontend")
    }


def judge_trial(
    report: HostReport,
    folders: Sequence[Path],
    seconds: float,
    *,
    system: System = NEW_SYSTEM,
    bundles: Mapping[Path, FrontendVerdict] | None = None,
) -> TrialResult:
    """Return what became of the plugins in these folders, in their order.

    ``bundles`` is what `judge_bundles` has returned of them, where somebody has asked it already.
    """
    bundles = judge_bundles(folders) if bundles is None else bundles
    by_folder = {Path(one.folder).name: one for one in report.packages}
    plugins = tuple(
        _judge(
            folder, by_folder.get(folder.name), report, system=system, bundle=bundles.get(folder)
        )
        for folder in folders
    )
    return TrialResult(report=report, plugins=plugins, seconds=seconds, system=system)


def trial_document(result: TrialResult) -> dict[str, Any]:
    """Return the result as the schema ``trial`` has it."""
    report = result.report
    return {
        "format": FORMAT,
        "holds": result.holds,
        "backend": report.backend,
        "address": report.address,
        "seconds": round(result.seconds, 1),
        "error": report.error,
        "frontend-system": result.system,
        "plugins": [_plugin_document(one) for one in result.plugins],
        "routes": [
            {"path": one.path, "status": one.status, "wanted": one.wanted, "problem": one.problem}
            for one in report.routes
        ],
    }


def _plugin_document(one: TriedPlugin) -> dict[str, Any]:
    return {
        "name": one.name,
        "version": one.version,
        "role": one.role,
        "state": one.state,
        "why": one.why,
        "features": [
            {"id": str(each.feature), "state": each.state, "why": each.why} for each in one.features
        ],
        "modules": list(one.modules),
        "extensions": list(one.extensions),
        "left": list(one.left),
        "pages": [
            {
                "path": page.path,
                "text": page.text,
                "mounts": [{"id": name, "text": text} for name, text in page.mounts],
                "screenshot": page.screenshot,
                "problem": page.problem,
                "uncaught": list(page.uncaught),
                "errors": list(page.errors),
            }
            for page in one.pages
        ],
        "frontend-systems": one.frontend.as_json() if one.frontend else None,
    }


def read_role(manifest: Mapping[str, Any]) -> str:
    """Return the role of a package in its package.json; "" if it has none."""
    backstage = manifest.get("backstage")
    return str(backstage.get("role", "")) if isinstance(backstage, dict) else ""


def _judge(
    folder: Path,
    package: LoadedPackage | None,
    report: HostReport,
    *,
    system: System,
    bundle: FrontendVerdict | None,
) -> TriedPlugin:
    manifest = read_tried_manifest(folder)
    role = read_role(manifest)
    name, version = str(manifest.get("name", folder.name)), str(manifest.get("version", ""))
    if bundle and system == NEW_SYSTEM:
        return _judge_new_frontend(folder, bundle, (name, version, role), report)
    if bundle:
        return _judge_old_frontend(bundle, (name, version, role), report)
    if package is None:
        why = report.error or _PASSED_OVER
        return TriedPlugin(name=name, version=version, role=role, state="failed", why=why)
    outcomes = tuple(_judge_features(package, report))
    state, why = _sum_up(package, outcomes, report)
    return TriedPlugin(
        name=name, version=version, role=role, state=state, why=why, features=outcomes
    )


def _judge_features(package: LoadedPackage, report: HostReport) -> Iterator[FeatureOutcome]:
    for feature in package.features:
        if words := report.failures.get(feature):
            yield FeatureOutcome(feature=feature, state="failed", why=words)
        elif feature in report.started:
            yield FeatureOutcome(feature=feature, state="initialised")
        elif feature.plugin in report.pending:
            why = "it had not initialised when time was up"
            yield FeatureOutcome(feature=feature, state="pending", why=why)
        elif report.error:
            yield FeatureOutcome(feature=feature, state="failed", why=report.error)
        elif report.pending:
            why = "others had not initialised when time was up"
            yield FeatureOutcome(feature=feature, state="not tried", why=why)
        else:
            why = f"the plugin {feature.plugin}, which it extends, is not here"
            yield FeatureOutcome(feature=feature, state="not tried", why=why)


def _sum_up(
    package: LoadedPackage, outcomes: Sequence[FeatureOutcome], report: HostReport
) -> tuple[State, str]:
    if package.failure:
        return "failed", package.failure
    worst: tuple[State, ...] = ("failed", "pending", "not tried")
    for state in worst:
        for one in outcomes:
            if one.state == state:
                return state, one.why
    if outcomes:
        return "initialised", ""
    if report.error:
        return "failed", report.error
    return "not tried", "it loads; which features it brings it does not say"


def _judge_old_frontend(
    verdict: FrontendVerdict, known: tuple[str, str, str], report: HostReport
) -> TriedPlugin:
    name, version, role = known
    state: State = "served"
    why = report.error
    if report.error or verdict.is_seen_nowhere:
        state, why = "failed", report.error or verdict.old.why
    elif verdict.old.shows is False:
        why = (
            f"it does not show in the old frontend system, which this app is of: {verdict.old.why}"
        )
        state = "not tried"
    tried = TriedPlugin(
        name=name, version=version, role=role, state=state, why=why, frontend=verdict
    )
    return _judge_shown(tried, report.app) if report.app and state == "served" else tried


def _judge_new_frontend(
    folder: Path, verdict: FrontendVerdict, known: tuple[str, str, str], report: HostReport
) -> TriedPlugin:
    name, version, role = known
    remote = next((one for one in report.remotes if one.package == name), None)
    state: State = "served"
    why = ""
    if remote and remote.missing:
        state, why = "failed", f"not served: {', '.join(remote.missing)}"
    elif verdict.is_seen_nowhere:
        state, why = "failed", verdict.new.why
    elif remote is None and report.error:
        state, why = "failed", report.error
    elif remote is None:
        only_old = verdict.old.shows and not (folder / "dist/mf-manifest.json").is_file()
        state = "not tried" if only_old else "failed"
        why = (
            "it has a bundle of the old frontend system alone, which this app does not load: a "
            "--host such as rhdh-1.10 has one that does"
            if only_old
            else "the backend does not list it among the frontends' remotes"
        )
    tried = TriedPlugin(
        name=name,
        version=version,
        role=role,
        state=state,
        why=why,
        modules=remote.modules if remote else (),
        frontend=verdict,
    )
    return _judge_shown(tried, report.app) if report.app and state == "served" else tried


def _judge_shown(tried: TriedPlugin, app: OpenedApp) -> TriedPlugin:
    """What an app made of a frontend that it was served."""
    if app.problem:
        return replace(tried, state="failed", why=f"the app was not opened: {app.problem}")
    loaded = [one for one in app.modules if one.package == tried.name]
    plugins = {one.plugin for one in loaded if one.plugin}
    if not plugins:
        why = "; ".join(f'"{one.module}": {one.problem}' for one in loaded if one.problem)
        only_old = tried.frontend is not None and tried.frontend.old.shows is True
        state: State = "not tried" if only_old and _are_unlike(loaded) else "failed"
        return replace(tried, state=state, why=why or "the app has loaded nothing of it")
    pages = tuple(page for page in app.pages if page.plugins & plugins)
    wrong = [f"{page.path}: {_complain(page)}" for page in pages if not page.holds]
    wrong += [message for plugin, message in app.problems if plugin in plugins]
    return replace(
        tried,
        state="failed" if wrong else "shown",
        why="; ".join(wrong),
        modules=tried.modules or tuple(one.module for one in loaded if one.plugin),
        extensions=tuple(name for plugin, name in app.extensions if plugin in plugins),
        left=tuple(message for plugin, message in app.left if plugin in plugins),
        pages=pages,
    )


def _are_unlike(loaded: Sequence[LoadedModule]) -> bool:
    """Whether all of them were loaded, and are merely nothing of the new frontend system."""
    return bool(loaded) and all("default export" in one.problem for one in loaded)


def _complain(page: OpenedPage) -> str:
    return page.problem or ", ".join(page.uncaught) or "there is nothing on it"


def read_tried_manifest(folder: Path) -> dict[str, Any]:
    """Return the package.json of a staged plugin; empty if it cannot be read."""
    try:
        return parse_object((folder / PACKAGE_JSON).read_bytes())
    except (OSError, ValueError):
        return {}
