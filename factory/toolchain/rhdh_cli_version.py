"""Which version of rhdh-cli that is, which somebody wants: by what is installed and published.

A portal's version is the one that it was released with; where the npm registry lacks that, the
newest that serves the portal takes its place, and that is said. What the user asks for is taken as
it stands, or refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from typing import TYPE_CHECKING

from factory.errors import ConfigurationError, Place, StorageError, ToolchainError
from factory.files import write_whole
from factory.locking import exclusive
from factory.notation.json_text import parse_object
from factory.patterns import lazy_pattern
from factory.toolchain.cache_folder import make_folder, tell_read_only, why_read_only
from factory.toolchain.runner import ProcessFailed
from factory.toolchain.wanted_tools import LATEST, VARIABLE
from factory.values import dataclass
from factory.versions import VERSION, highest, is_in, is_range, release_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from factory.toolchain.node import Npm
    from factory.toolchain.wanted_tools import WantedRhdhCli

PACKAGE = "@red-hat-developer-hub/cli"
# The question of which versions there are: npm's answer is an object with these two fields.
QUESTION = ("view", PACKAGE, "versions", "dist-tags", "--json")
_FOLDER = "rhdh-cli"
_ANSWER_SECONDS = 3600
_MOST_LISTED = 12
_EXACT = lazy_pattern(rf"^{VERSION}$")
_TAG = lazy_pattern(r"^[A-Za-z][\w.-]*$")


@dataclass(frozen=True, kw_only=True, slots=True)
class ChosenVersion:
    """A version and why it was chosen; ``warning`` where it is not the one that was wanted."""

    version: str
    why: str
    warning: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedVersions:
    """What an npm registry has of rhdh-cli: its versions, and which of them a tag is."""

    versions: tuple[str, ...]
    tags: Mapping[str, str]


def refuse_no_version(wanted: str) -> None:
    """Raise unless ``wanted`` is a version, an npm range, or the name of a tag.

    Raises:
        ConfigurationError: it is not one of these.
    """
    if not (_EXACT.match(wanted) or _TAG.match(wanted) or _is_wanted_range(wanted)):
        raise ConfigurationError(
            f"{VARIABLE} is not a version of rhdh-cli",
            found=wanted,
            expected="a version such as 1.9.1, an npm range such as ~1.10.0, or a tag such as "
            "'latest'",
            hint=f"set {VARIABLE} in .env to one of these, or remove it: then the portal of --host "
            "decides",
        )


def read_published(answer: str) -> PublishedVersions:
    """Return what npm answers to :data:`QUESTION`; what is not a version is passed over.

    Raises:
        ValueError: it answers with something else.
    """
    document = parse_object(answer)
    said, tags = document.get("versions"), document.get("dist-tags")
    listed = [said] if isinstance(said, str) else said
    if not isinstance(listed, list) or not isinstance(tags, dict):
        raise ValueError(f"npm answers {answer.strip()[:200]!r}")  # noqa: TRY004
    return PublishedVersions(
        versions=tuple(sorted(filter(_is_exact, listed), key=release_order)),
        tags={str(tag): version for tag, version in tags.items() if _is_exact(version)},
    )


def pick_version(wanted: WantedRhdhCli, published: PublishedVersions) -> ChosenVersion:
    """Return which of the published versions is the wanted one.

    Raises:
        ToolchainError: none is; the error lists what there is.
    """
    text = wanted.wanted
    if wanted.portal:
        return _pick_for_portal(wanted, published)
    if _EXACT.match(text):
        return ChosenVersion(version=text, why=VARIABLE)
    if not _TAG.match(text):
        found = highest(each for each in published.versions if is_in(each, text))
        if found is None:
            raise _no_such(f"no rhdh-cli of the npm registry is in {VARIABLE}={text}", published)
        return ChosenVersion(version=found, why=f"the newest in {VARIABLE}={text}")
    if text not in published.tags:
        raise _no_such(
            f"the npm registry does not report which rhdh-cli is '{text}'",
            published,
            f"its tags are {', '.join(sorted(published.tags)) or 'none'}",
        )
    return ChosenVersion(version=published.tags[text], why=f"the tag '{text}' of the npm registry")


def _pick_for_portal(wanted: WantedRhdhCli, published: PublishedVersions) -> ChosenVersion:
    if wanted.wanted in published.versions:
        return _as_released(wanted)
    found = _newest_accepted(wanted, published.versions)
    if found is None:
        raise _no_such(
            f"the npm registry has no rhdh-cli for {wanted.portal}",
            published,
            expected=f"{wanted.wanted}, which it was released with, or {wanted.accepts}",
        )
    return _instead(wanted, found, "the npm registry lacks that")


def find_known_version(
    wanted: WantedRhdhCli, *, env: Mapping[str, str], cache: Path, installed: Iterable[str]
) -> ChosenVersion | None:
    """Return the version that is wanted, if that is known without asking the npm registry.

    What a registry has said is believed for an hour, by all runs that share the cache; that it has
    no such version is not.

    Args:
        wanted: what is wanted.
        env: what npm would see of the environment, which decides the registry.
        cache: the cache folder.
        installed: the versions that are in it.

    Raises:
        ConfigurationError: ``wanted`` is neither a version, nor a range, nor a tag.
    """
    refuse_no_version(wanted.wanted)
    if _EXACT.match(wanted.wanted):
        if not wanted.portal:
            return ChosenVersion(version=wanted.wanted, why=VARIABLE)
        if wanted.wanted in installed:
            return _as_released(wanted)
    answer = _answer_file(env, cache)
    try:
        if time.time() - answer.stat().st_mtime > _ANSWER_SECONDS:
            return None
        return pick_version(wanted, read_published(answer.read_text(encoding="utf-8")))
    except (OSError, ValueError, ToolchainError):
        return None


def resolve_version(wanted: WantedRhdhCli, npm: Npm, *, installed: Iterable[str]) -> ChosenVersion:
    """Return the version that is wanted, asking the npm registry if need be.

    Raises:
        ConfigurationError: ``wanted`` is neither a version, nor a range, nor a tag.
        ToolchainError: there is no such version; or the registry does not say, and none that serves
            is installed here.
        StorageError: the cache cannot be written.
    """
    cache, installed = npm.cache.folder, frozenset(installed)
    known = find_known_version(wanted, env=npm.env, cache=cache, installed=installed)
    if known:
        return known
    if reason := why_read_only(cache):
        tell_read_only(cache, reason)
        return _ask(wanted, npm, installed)
    try:
        make_folder(cache / _FOLDER)
        lock = _answer_file(npm.env, cache)
        with exclusive(
            lock.with_name(f"{lock.name}.lock"),
            wait=True,
            while_waiting=npm.cache.runner.raise_if_cancelled,
        ):
            known = find_known_version(wanted, env=npm.env, cache=cache, installed=installed)
            return known or _ask(wanted, npm, installed)
    except OSError as error:
        raise StorageError(
            "the cache folder cannot be written",
            place=Place(file=cache),
            found=error.strerror or str(error),
            hint="name another with --cache-dir",
        ) from error


def _ask(wanted: WantedRhdhCli, npm: Npm, installed: frozenset[str]) -> ChosenVersion:
    cache = npm.cache.folder
    here = cache if cache.is_dir() else npm.node.bin_dir
    try:
        answer = npm.run(*QUESTION, cwd=here, timeout=120).stdout
        published = read_published(answer)
    except (ProcessFailed, ValueError) as failure:
        return _newest_installed(wanted, installed, failure)
    with contextlib.suppress(OSError):
        file = _answer_file(npm.env, cache)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, answer, durable=False)
    return pick_version(wanted, published)


def _newest_installed(
    wanted: WantedRhdhCli, installed: frozenset[str], failure: Exception
) -> ChosenVersion:
    """Offline, the newest that is here and serves is taken; it is said aloud, never silently."""
    unasked = "the npm registry cannot be asked"
    if wanted.portal:
        found = _newest_accepted(wanted, installed)
        if found:
            return _instead(wanted, found, f"{unasked}, and that is not installed here")
        what = f"which rhdh-cli it has for {wanted.portal}"
    else:
        text = wanted.wanted
        accepted = [one for one in installed if text == LATEST or is_in(one, text)]
        if newest := highest(accepted):
            return ChosenVersion(
                version=newest,
                why=f"the newest installed of {VARIABLE}={text}: {unasked}",
                warning=f"{unasked} which rhdh-cli is '{text}'; using {newest}, the newest that "
                f"is installed here. Set {VARIABLE}={newest} to say so yourself.",
            )
        what = f"which rhdh-cli is '{text}'"
    example = highest(installed) or "1.9.1"
    raise ToolchainError(
        f"the npm registry does not report {what}",
        found=str(failure),
        details=failure.completed.last_words if isinstance(failure, ProcessFailed) else None,
        hint=f"check that npm reaches its registry (npm ping), or set {VARIABLE}={example}",
    ) from failure


def _newest_accepted(wanted: WantedRhdhCli, versions: Iterable[str]) -> str | None:
    return highest(each for each in versions if is_in(each, wanted.accepts))


def _as_released(wanted: WantedRhdhCli) -> ChosenVersion:
    return ChosenVersion(version=wanted.wanted, why=f"{wanted.portal} was released with it")


def _instead(wanted: WantedRhdhCli, version: str, reason: str) -> ChosenVersion:
    return ChosenVersion(
        version=version,
        why=f"the newest that serves {wanted.portal}, which was released with {wanted.wanted}: "
        f"{reason}",
        warning=f"{wanted.portal} was released with rhdh-cli {wanted.wanted}, but {reason}; using "
        f"{version}, the newest that serves it. Set {VARIABLE}={version} to say so yourself.",
    )


def _no_such(
    problem: str, published: PublishedVersions, found: str = "", expected: str | None = None
) -> ToolchainError:
    newest = published.versions[-_MOST_LISTED:]
    more = "older ones, " if len(published.versions) > len(newest) else ""
    there = f"it has {more}{', '.join(newest)}" if newest else "it has none at all"
    return ToolchainError(
        problem,
        found=f"{found}; {there}" if found else there,
        expected=expected,
        hint=f"set {VARIABLE} to one of these to build with it anyway, for example "
        f"{VARIABLE}={newest[-1]}; or let npm ask a registry that has more (npm config get "
        "registry)"
        if newest
        else "let npm ask a registry that has it (npm config get registry)",
    )


def _answer_file(env: Mapping[str, str], cache: Path) -> Path:
    """Where the answer is kept: one for each registry that npm may be configured with."""
    asked = {n: v for n, v in env.items() if n == "HOME" or n.lower().startswith("npm_config_")}
    asked.pop("npm_config_nodedir", None)
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()[:12]
    return cache / _FOLDER / f".published-{digest}"


def _is_exact(value: object) -> bool:
    return isinstance(value, str) and _EXACT.match(value) is not None


def _is_wanted_range(wanted: str) -> bool:
    """A range of npm's; it is never a word of a command line, but compared here."""
    return bool(wanted.strip()) and wanted.isprintable() and is_range(wanted)
