"""The lockfile of a published plugin: its dependencies as of the day of its publication."""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from factory.analysis.lockfile_parser import LOCKFILE
from factory.archives.npm_package import PACKAGE_JSON
from factory.config.package_spec import NOW
from factory.errors import DependenciesError, Place
from factory.patterns import lazy_pattern
from factory.published.workspace import PLUGIN_FOLDER
from factory.toolchain.last_words import last_words
from factory.toolchain.registry_patience import patiently
from factory.toolchain.runner import ProcessFailed

if TYPE_CHECKING:
    from pathlib import Path

    from factory.config.package_spec import AsOf
    from factory.published.published_package import PublishedPackage
    from factory.toolchain.assembled import LockingYarn
    from factory.toolchain.runner import LoggedRunner

log = logging.getLogger(__name__)

_GATE = "YARN_NPM_MINIMAL_AGE_GATE"
# Of a release, packages that depend on each other are published one after the other.
_GRACE = timedelta(days=1)
_MISSING = lazy_pattern(
    r"(?P<what>(?:@[\w.~-]+/)?[\w.~-]+@\S+?)[:,]? .*?(?:No candidates found|Package not found"
    r"|The remote server failed|Response Code: 404)"
)
# Of yarn's words for whatever a server answers.
_REFUSED = lazy_pattern(r"Response Code: (?P<code>(?!404)[45]\d\d[^\n]*)")
_RESOLUTION = lazy_pattern(r'^ {2}resolution: "(?P<of>.*)"$', re.MULTILINE)
# Of the public registry, or of one that keeps its archives at addresses of its own; yarn itself
# mends some packages with patches that it brings along.
_FROM_REGISTRY = lazy_pattern(
    r"(?:@[\w.~-]+/)?[\w.~-]+@"
    r"(?:npm:[\w.+-]+(?:::__archiveUrl=\S+)?"
    r"|workspace:(?:\.|plugin)"
    r"|patch:[\w@/.~%-]{1,300}@npm%3A[\w.%+-]{1,100}#(?:optional!|~)builtin<[\w/-]+>\S{0,300})"
)
_SHOWN_LINES = 15


def end_of_day(day: AsOf) -> datetime:
    """Return the moment from which on what is published is too new for a day that is named."""
    return _later(datetime.fromisoformat(day).replace(tzinfo=UTC), timedelta(days=1))


def _later(time: datetime, by: timedelta) -> datetime:
    """A time, and so much later; at the end of all times that end."""
    try:
        return time + by
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)


def gate_minutes(
    package: PublishedPackage, as_of: AsOf | None, *, now: datetime | None = None
) -> int:
    """Return how old a package must be to be taken for a dependency, in minutes; 0 for any age."""
    now = now or datetime.now(UTC)
    if as_of == NOW:
        return 0
    if as_of:
        until = end_of_day(as_of)
    elif package.published:
        until = _later(package.published, _GRACE)
    else:
        log.warning(
            "the registry does not say when %s was published: its dependencies are resolved as of "
            "now",
            package,
        )
        return 0
    return max(0, int((now - until).total_seconds() // 60))


def lock_dependencies(
    root: Path,
    package: PublishedPackage,
    *,
    gate: int,
    yarn: LockingYarn,
    runner: LoggedRunner,
) -> str:
    """Have yarn resolve a workspace's dependencies; return the text of its yarn.lock.

    Nothing is installed, and no script runs.

    Args:
        root: the workspace's folder.
        package: the plugin's.
        gate: how many minutes old a dependency must be.
        yarn: what resolves them.
        runner: starts it.

    Raises:
        DependenciesError: the registry lacks a dependency, or one is not from a registry, which is
            lasting; or it does not answer, or refuses.
        OSError: a file of the workspace cannot be read or written.
    """
    lockfile = root / LOCKFILE
    # Yarn writes manifests in a form of its own, and what is in the cache goes by their bytes.
    manifests = (root / PACKAGE_JSON, root / PLUGIN_FOLDER / PACKAGE_JSON)
    before = {file: file.read_bytes() for file in manifests}
    # Else a project in a folder above would be taken for the one that is meant.
    lockfile.touch()
    try:
        patiently(
            lambda: runner.run(
                (yarn.command, "install", "--mode=update-lockfile"),
                cwd=root,
                env={**yarn.env, _GATE: str(gate), "YARN_ENABLE_IMMUTABLE_INSTALLS": "false"},
            ),
            runner=runner,
            what="resolving dependencies",
        )
    except ProcessFailed as failure:
        tail = failure.completed.tail
        refused = _REFUSED.search(tail)
        missing = None if refused else _MISSING.search(tail)
        found = f"the registry has no {missing['what']}" if missing else failure.reason
        error = DependenciesError(
            f"the dependencies of {package} cannot be resolved",
            found=f"the registry answers {refused['code'].strip()}" if refused else found,
            details=last_words(tail, most=_SHOWN_LINES),
            hint="a registry that lacks it can be replaced in .npmrc; a newer dependency is found "
            'with "resolve-as-of": "now" in source.json, or --resolve-as-of now',
            log=runner.log,
        )
        error.is_lasting = missing is not None
        raise error from failure
    for file, content in before.items():
        file.write_bytes(content)
    text = lockfile.read_text(encoding="utf-8", errors="replace")
    refuse_other_sources(text, lockfile, package)
    return text


def refuse_other_sources(text: str, lockfile: Path, package: PublishedPackage) -> None:
    """Raise for what a lockfile takes from elsewhere than a registry: it would run its own code.

    Raises:
        DependenciesError: with the first of them; it is lasting.
    """
    for found in _RESOLUTION.finditer(text):
        if not _FROM_REGISTRY.fullmatch(found["of"]):
            error = DependenciesError(
                f"{package} depends on something that is not in a registry",
                place=Place(file=lockfile),
                found=ascii(found["of"])[:300],
                expected="packages of npm registries",
                hint="build the plugin from its repository",
            )
            error.is_lasting = True
            raise error
