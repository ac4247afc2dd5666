"""Whether a frontend shows in the frontend systems that count, and under a name of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from factory.frontend.bundle_manifests import BrokenManifestError, read_federation, read_scalprum
from factory.frontend.bundle_verdict import judge_bundle
from factory.frontend.verdict import NEW_SYSTEM, OLD_SYSTEM
from factory.patterns import lazy_pattern
from factory.values import dataclass
from factory.verification.findings import (
    NAMES,
    SHOWS,
    CheckFinding,
    FrontendFacts,
    Verified,
    failed_finding,
    passed_finding,
    skipped_finding,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory.frontend.verdict import System
    from factory.verification.plugin_folder import PluginFolder

# RHDH 2.1 is the first whose app is of the new frontend system alone.
_FIRST_NEW = (2, 1)
_RHDH = lazy_pattern(r"rhdh-(\d+)\.(\d+)")


def find_system(host: str) -> System | None:
    """Return the frontend system of a host by its name; None if that does not say."""
    release = _RHDH.fullmatch(host)
    if not release:
        return None
    return NEW_SYSTEM if (int(release[1]), int(release[2])) >= _FIRST_NEW else OLD_SYSTEM


def read_frontend(plugin: PluginFolder) -> FrontendFacts:
    """Return what an unpacked frontend is called by portals, and where it shows."""
    names: list[tuple[System, str]] = []
    try:
        if scalprum := read_scalprum(plugin.root):
            names.append((OLD_SYSTEM, scalprum.name))
        if federation := read_federation(plugin.root):
            names.append((NEW_SYSTEM, federation.name))
    except BrokenManifestError:
        pass  # the check of the manifests says so
    return FrontendFacts(verdict=judge_bundle(plugin.root, plugin.package), names=tuple(names))


def check_shows(
    facts: FrontendFacts, wanted: frozenset[System], manifests: CheckFinding
) -> CheckFinding:
    """Return whether a frontend shows: in each system that is wanted, and else in one of them.

    Args:
        facts: what is known of it.
        wanted: the systems in which it must show.
        manifests: whether its manifests are whole; if not, nothing more is said.
    """
    verdict = facts.verdict
    if manifests.result == "failed":
        return skipped_finding(SHOWS, "the manifests are not whole")
    said = "; ".join(f"{one.system}: {one.word}" for one in verdict.systems)
    missed = [one for one in verdict.systems if one.system in wanted and not one.shows]
    if missed:
        first = missed[0]
        known = "does not show" if first.shows is False else "cannot be said to show"
        return failed_finding(
            SHOWS,
            f"the plugin {known} in the {first.system} frontend system",
            found=first.why,
            expected=f"a plugin that shows in: {', '.join(sorted(wanted))}",
            hint=first.hint,
        )
    if verdict.is_seen_nowhere:
        return failed_finding(
            SHOWS,
            "no portal shows the plugin",
            found=f"old: {verdict.old.why}; new: {verdict.new.why}",
            expected="Scalprum's assets, or a default export of the new frontend system",
            hint=verdict.new.hint or verdict.old.hint,
        )
    reasons = "; ".join(
        f"{one.system} because {one.why}" for one in verdict.systems if not one.shows
    )
    return passed_finding(SHOWS, f"{said} ({reasons})" if reasons else said)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Claim:
    """Who has a name first."""

    package: str
    artifact: str


def check_names(results: Sequence[Verified]) -> tuple[Verified, ...]:
    """Return the results, those failed that have a name which another package among them has.

    A page loads each name once: for both of two plugins it takes the first one's code. Several
    versions, or copies, of one package are never loaded together, and pass.
    """
    claims: dict[tuple[System, str], _Claim] = {}
    checked = []
    for result in results:
        finding = None
        for system, name in result.frontend.names if result.frontend else ():
            mine = _Claim(package=result.name, artifact=result.artifact)
            first = claims.setdefault((system, name), mine)
            if first.package != mine.package and finding is None:
                finding = failed_finding(
                    NAMES,
                    f"two plugins are called {name} in the {system} frontend system",
                    found=f"{first.package} ({first.artifact}), {mine.package}",
                    expected="a name of its own for each: a page loads the first one for both",
                    hint="rename the package, or its scalprum.name, and build it again",
                )
        checked.append(replace(result, findings=(*result.findings, finding)) if finding else result)
    return tuple(checked)
