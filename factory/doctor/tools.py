"""The programs that a build starts: git, Node.js, yarn and rhdh-cli; and Python itself."""

from __future__ import annotations

import platform
import shutil
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from factory.analysis.inventory import find_host
from factory.config.own_variables import PREFIX
from factory.doctor.finding import Check, DoctorFinding
from factory.doctor.npm import node_here, node_is_cached, npm_answer
from factory.errors import ToolchainError
from factory.export.tool_choice import wanted_by_portal
from factory.patterns import lazy_pattern
from factory.sources.git_errors import OLDEST_GIT
from factory.toolchain.child_environment import git_environment, pip_environment
from factory.toolchain.node import (
    PYPI_NODE,
    PYPI_PACKAGE,
    SUPPORTED_NODE,
    find_installed_nodes,
    node_version,
)
from factory.toolchain.node_environment import tool_environment
from factory.toolchain.rhdh_cli import list_installed
from factory.toolchain.rhdh_cli_version import (
    PACKAGE,
    QUESTION,
    find_known_version,
    pick_version,
    read_published,
)
from factory.toolchain.runner import ProcessFailed
from factory.toolchain.wanted_tools import VARIABLE, WantedRhdhCli
from factory.toolchain.yarn import DEFAULT_BERRY
from factory.versions import highest, is_in, satisfies

if TYPE_CHECKING:
    from factory.analysis.inventory import HostInventory
    from factory.doctor.context import DoctorContext
    from factory.doctor.finding import Outcome
    from factory.toolchain.rhdh_cli_version import PublishedVersions

_ROOT = Path("/")
_VERSION = lazy_pattern(r"(\d+)\.(\d+)(?:\.\d+)*")


def look_for_git(about: DoctorContext) -> tuple[DoctorFinding, ...]:
    """Is there a git, and is it new enough?"""
    program = shutil.which("git", path=about.environment.get("PATH"))
    advice = f"install git {OLDEST_GIT} or newer, for example with: apt-get install git"
    if program is None:
        return (
            DoctorFinding(check="git", outcome="failed", found="not on the PATH", advice=advice),
        )
    env = git_environment(about.environment)
    said = _read_output(about, (program, "--version"), env)
    version = _VERSION.search(said)
    if version is None:
        found = f"{program} does not report its version: {said or 'nothing'}"
        return (DoctorFinding(check="git", outcome="failed", found=found, advice=advice),)
    is_old = not is_in(f"{int(version[1])}.{int(version[2])}.0", f">={OLDEST_GIT}")
    return (
        DoctorFinding(
            check="git",
            outcome="failed" if is_old else "ok",
            found=f"{version[0]}, {program}",
            advice=advice if is_old else "",
        ),
    )


def look_at_python(_: DoctorContext) -> tuple[DoctorFinding, ...]:
    """Which Python runs the factory?"""
    return (
        DoctorFinding(
            check="python", outcome="ok", found=f"{platform.python_version()}, {sys.executable}"
        ),
    )


def look_for_node(about: DoctorContext) -> tuple[DoctorFinding, ...]:
    """Is there a supported Node.js with npm, or can one be had from PyPI?"""
    passed_over = []
    for program in find_installed_nodes(about.environment):
        version = node_version(program, about.environment, about.runner)
        if satisfies(version, SUPPORTED_NODE):
            return (DoctorFinding(check="node", outcome="ok", found=f"{version}, {program}"),)
        passed_over.append(f"{version} ({program}) is not supported")
    here = ", ".join(passed_over) or "none on the PATH"
    if node_is_cached(about):
        return (DoctorFinding(check="node", outcome="ok", found=f"{PYPI_NODE[0]}, in the cache"),)
    advice = (
        f"install Node.js {SUPPORTED_NODE.replace(' ||', ',')} and put it on the PATH, "
        "or: pip install 'plugin-factory[node]'"
    )
    if about.offline:
        found = f"{here}; whether PyPI has one is not asked (--offline)"
        return (DoctorFinding(check="node", outcome="warning", found=found, advice=advice),)
    if reason := _why_not_from_pypi(about):
        found = f"{here}, and {reason}"
        return (DoctorFinding(check="node", outcome="failed", found=found, advice=advice),)
    found = f"{here}; {PYPI_NODE[0]} comes from PyPI with the first build"
    return (DoctorFinding(check="node", outcome="ok", found=found),)


def look_for_yarn(about: DoctorContext) -> tuple[DoctorFinding, ...]:
    """Which releases of yarn are in the cache already?"""
    cached = _entries(about.cache_dir / "yarn")
    how = "each workspace names its own, which npm installs"
    if cached:
        found = f"in the cache: {', '.join(cached)}; {how}"
        return (DoctorFinding(check="yarn", outcome="ok", found=found),)
    return (
        DoctorFinding(
            check="yarn",
            outcome="warning" if about.offline else "ok",
            found=f"none in the cache; {how}",
            advice=f"build once with the network, for example for yarn {DEFAULT_BERRY}, or commit "
            "a release as yarnPath"
            if about.offline
            else "",
        ),
    )


def look_for_rhdh_cli(about: DoctorContext) -> tuple[DoctorFinding, ...]:
    """Is rhdh-cli in the cache, and if not, does the npm registry have it?"""
    names = ("npm registry", "rhdh-cli")
    said = about.environment.get(VARIABLE)
    wanted = WantedRhdhCli(wanted=said) if said else wanted_by_portal(_portal(about))
    env = tool_environment(about.environment, tools=(), temporary=about.temporary or _ROOT)
    installed = list_installed(about.cache_dir)
    chosen = find_known_version(wanted, env=env, cache=about.cache_dir, installed=installed)
    registry, published = _ask_registry(about)
    reason = ""
    if published and not chosen:
        try:
            chosen = pick_version(wanted, published)
        except ToolchainError as error:
            reason = f"{error.problem}: {error.found}"
    version = chosen.version if chosen else ""
    entries = _entries(about.cache_dir / "rhdh-cli")
    instead = f" ({chosen.why})" if chosen and chosen.warning else ""
    if version in installed:
        found = f"{version}, in the cache{instead}"
        rhdh_cli = DoctorFinding(check=names[1], outcome="ok", found=found)
        if registry.outcome == "failed":
            registry = _only_a_warning(registry)
    elif version:
        found = f"{version}{instead}, to be installed into the cache (700 MB, up to a minute)"
        outcome: Outcome = "failed" if registry.outcome == "failed" else "ok"
        advice = "the npm registry has to be reached for that" if outcome == "failed" else ""
        rhdh_cli = DoctorFinding(check=names[1], outcome=outcome, found=found, advice=advice)
        if about.offline:
            found = f"{version} is not in the cache"
            advice = "build once with the network, or copy the cache of another machine"
            rhdh_cli = DoctorFinding(check=names[1], outcome="warning", found=found, advice=advice)
    else:
        found = reason or f"which one is {wanted.wanted!r} is not known"
        if entries:
            found += f"; in the cache: {', '.join(entries)}"
        rhdh_cli = DoctorFinding(
            check=names[1],
            outcome="warning" if about.offline or entries else "failed",
            found=found,
            advice=f"set {VARIABLE} to a version, for example {VARIABLE}=1.9.1",
        )
    return registry, rhdh_cli


def _portal(about: DoctorContext) -> HostInventory:
    """The portal that builds with this environment are for."""
    return find_host(about.environment.get(f"{PREFIX}HOST") or None)


def _ask_registry(about: DoctorContext) -> tuple[DoctorFinding, PublishedVersions | None]:
    """What npm's registry says of rhdh-cli: the finding, and its versions if it has any."""
    check = "npm registry"
    if about.offline:
        return DoctorFinding(check=check, outcome="skipped", found="not asked (--offline)"), None
    node = node_here(about)
    if node is None:
        found = "not asked: npm comes with Node.js"
        return DoctorFinding(check=check, outcome="skipped", found=found), None
    url, _ = npm_answer(about, node, "config", "get", "registry")
    answer, reason = npm_answer(about, node, *QUESTION)
    try:
        published = None if reason else read_published(answer)
    except ValueError as error:
        published, reason = None, str(error)
    if published is None:
        return (
            DoctorFinding(
                check=check,
                outcome="failed",
                found=f"{url}: {reason}",
                advice=f"check npm's settings: npm view {PACKAGE} version; behind a proxy set "
                "HTTPS_PROXY, for a mirror npm_config_registry",
            ),
            None,
        )
    newest = highest(published.versions) or "in no version"
    found = f"{url} has rhdh-cli {newest}"
    return DoctorFinding(check=check, outcome="ok", found=found), published


def _only_a_warning(registry: DoctorFinding) -> DoctorFinding:
    """All that the factory itself wants of npm is here; a workspace has other wants of its own."""
    return replace(registry, outcome="warning")


def _why_not_from_pypi(about: DoctorContext) -> str:
    if find_spec("pip") is None:
        return "there is no pip to install one from PyPI"
    once = ("--retries", "0", "--timeout", str(max(1, int(about.seconds))))
    ask = (sys.executable, "-m", "pip", "index", "versions", "--no-input", *once, PYPI_PACKAGE)
    try:
        about.runner.run(
            ask, cwd=_ROOT, env=pip_environment(about.environment), timeout=about.seconds
        )
    except ProcessFailed as failure:
        last = failure.completed.tail.strip().rpartition("\n")[2]
        return f"pip cannot get one from PyPI ({last or failure.reason})"
    return ""


def _entries(folder: Path) -> list[str]:
    if not folder.is_dir():
        return []
    names = (item.name for item in folder.iterdir() if item.is_dir())
    return sorted(name for name in names if not name.startswith("."))


def _read_output(about: DoctorContext, command: tuple[str, ...], env: dict[str, str]) -> str:
    try:
        return about.runner.run(command, cwd=_ROOT, env=env, timeout=about.seconds).stdout.strip()
    except ProcessFailed as failure:
        return f"{failure.reason} {failure.completed.tail.strip()}".strip()


TOOL_CHECKS = (
    Check(names=("python",), look=look_at_python),
    Check(names=("git",), look=look_for_git),
    Check(names=("node",), look=look_for_node),
    Check(names=("yarn",), look=look_for_yarn),
    Check(names=("npm registry", "rhdh-cli"), look=look_for_rhdh_cli),
)
