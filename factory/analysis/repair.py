"""From what rhdh-cli says when it refuses an export to the arguments that mend it.

The messages are those of rhdh-cli from 1.7 to 2.0, and of yarn. ``--allow-native-package`` is never
chosen here: bundling a binary is for the author to decide, and :func:`advice` says when that is
what is left.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote

from factory.analysis.arguments import (
    EMBED,
    IGNORE_VERSION_CHECK,
    SHARED,
    SUPPRESS_NATIVE,
    UNSHARED,
    arrange,
    format_arguments,
    parse_arguments,
)
from factory.analysis.build_arguments import build_arguments
from factory.analysis.context import PluginCase, is_backstage
from factory.analysis.embed_walk import EmbedDecision, Walk, walk
from factory.analysis.lockfile import effective_range
from factory.analysis.reasons import DerivedArgument, Reason
from factory.analysis.written_rules import rules_of
from factory.outside_text import strip_escapes
from factory.patterns import lazy_pattern
from factory.values import dataclass
from factory.versions import (
    VERSION,
    is_in,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from factory.analysis.context import AnalysisContext
    from factory.analysis.graph import Edge
    from factory.analysis.manifest import Manifest

_LIST = r"((?:\s*\n\s*- \S+)+)"
_PRIVATE_SHARED = lazy_pattern(
    r"shared package\(s\) should not be part of the plugin private dependencies:" + _LIST
)
_TO_EMBED = lazy_pattern(r"following packages which use shared dependencies:" + _LIST)
_NATIVE = lazy_pattern(r"native modules have been transitively detected:" + _LIST)
_REMOVED = lazy_pattern(r'The package\s+"([^"]+)"\s+has\s+been\s+marked\s+as\s+a\s+native\s+module')
_NOT_FOUND = lazy_pattern(r"Cannot find (?:module|package) '([^']+)'")
_EMBEDDED_CONFLICT = lazy_pattern(
    r"Several incompatible versions \('([^']+)', '([^']+)'\) of the same transitive dependency "
    r"\('([^']+)'\)"
)
_MAIN_CONFLICT = lazy_pattern(
    r"The version of a dependency \('([^']+)'\) of an embedded module conflicts with main module "
    r"dependencies: '([^']+)', '([^']+)'"
)
_NAME = r"((?:@[\w.-]+/)?[\w.-]+)"
# Yarn berry's YN0035 and YN0082; then what yarn 1 says of a version, and of a package.
_NOT_PUBLISHED = (
    re.compile(_NAME + r"@(?:npm:)?\S*: (?:Package not found|No candidates found)"),
    re.compile(r"Couldn't find (?:any versions for|package) \"" + _NAME + r"(?:@[^\"]*)?\""),
    re.compile(r"https?://[^\s\"]*/" + r"((?:@[\w.-]+%2[fF])?[\w.-]+): Not found"),
)
_PACKAGE = lazy_pattern(r"((?:@[^/]+/)?[^./@][^/]*)(?:/.*)?")
_VERSION = lazy_pattern(VERSION)


@dataclass(frozen=True, kw_only=True, slots=True)
class Repair:
    """Arguments to try instead: what was added and why, and what had to go."""

    arguments: str
    added: tuple[DerivedArgument, ...]
    removed: tuple[str, ...]


def repair(error: str, plugin: Manifest, around: AnalysisContext, current: str) -> Repair | None:
    """Return the arguments that mend what rhdh-cli said, or None if arguments cannot mend it.

    Args:
        error: what rhdh-cli printed, colours and all.
        plugin: the plugin's package.json.
        around: the graph and the host (``find_context``).
        current: the arguments of the attempt that failed.

    Raises:
        ConfigurationError: ``current`` cannot be split into words.
    """
    written = parse_arguments(current)
    case = _RefusedCase(
        plugin=around.graph.package(plugin),
        around=around,
        written=written,
        rules=rules_of(written),
    )
    text = strip_escapes(error)
    for mend in (_repair_shared, _native, _repair_removed, _conflict, _not_found, _not_published):
        found = mend(text, case)
        if found is not None:
            return found
    return None


def advice(error: str, plugin: Manifest, around: AnalysisContext) -> str:
    """Return what the author may do where :func:`repair` has no answer, or "" if nothing is known.

    It names ``--allow-native-package`` where a native package is what stands in the way.
    """
    text = strip_escapes(error)
    host = around.host
    natives = [*_names(_NATIVE, text), *_REMOVED.findall(text)]
    if natives:
        name = natives[0]
        versions = ", ".join(host.versions(name))
        why = f"{host.name} has {versions}" if versions else f"{host.name} lacks it"
        return (
            f"{plugin.name} needs the native package {name}, and {why}: "
            f"add '--allow-native-package {name}' to bundle it (experimental), or do without it"
        )
    conflict = _ranges(text)
    if conflict:
        name, first, second = conflict
        return f"no known version of {name} is in both {first} and {second}: align the two ranges"
    return ""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class _RefusedCase(PluginCase):
    """A plugin whose export rhdh-cli has refused with the arguments that are ``written``."""

    def reason(self, fact: str, *names: str) -> Reason:
        return Reason(rule=0, chain=(str(self.plugin), *names), fact=fact)

    def change(
        self,
        added: Iterable[DerivedArgument],
        removed: Iterable[tuple[str, str]] = (),
        about: Iterable[str] = (),
    ) -> Repair | None:
        """The current arguments with the change, and what the rules embed on the way to it.

        ``about`` are the packages for which everything that leads to them has to be embedded.
        """
        before = self.written.pairs
        gone = frozenset(removed) & before
        fresh = {(a.option, a.value): a for a in added if (a.option, a.value) not in before}
        if not fresh:
            return None
        changed = arrange((before - gone) | fresh.keys(), self.written.others)
        leading = {p.name for p in self.around.ways_to_names(frozenset(about))}
        for argument in build_arguments(self.plugin, self.around, changed).derived:
            pair = (argument.option, argument.value)
            if argument.value.removeprefix(UNSHARED) in leading and _embeds(argument):
                fresh.setdefault(pair, argument)
        fresh = {pair: argument for pair, argument in fresh.items() if pair not in before}
        arguments = arrange((before - gone) | fresh.keys(), self.written.others)
        return Repair(
            arguments=format_arguments(arguments),
            added=tuple(fresh.values()),
            removed=tuple(f"{option} {value}" for option, value in sorted(gone)),
        )


def _embeds(argument: DerivedArgument) -> bool:
    return argument.option == EMBED or argument.value.startswith(UNSHARED)


def _repair_shared(text: str, case: _RefusedCase) -> Repair | None:
    """Shared packages ended up private: whatever uses them is to be embedded."""
    shared = _names(_PRIVATE_SHARED, text)
    if not shared:
        return None
    computed = build_arguments(case.plugin, case.around, case.written)
    found = case.change(argument for argument in computed.derived if _embeds(argument))
    if found:
        return found
    # The exported package resolves some range anew, so its tree is not the lockfile's.
    users = [
        DerivedArgument(
            option=EMBED,
            value=name,
            reason=case.reason("rhdh-cli: it uses shared dependencies", name),
        )
        for name in _names(_TO_EMBED, text)
    ]
    lacking = [
        DerivedArgument(
            option=SHARED,
            value=UNSHARED + name,
            reason=case.reason("rhdh-cli: shared, yet among the private dependencies", name),
        )
        for name in shared
        if is_backstage(name)
    ]
    return case.change(users) or case.change(lacking)


def _native(text: str, case: _RefusedCase) -> Repair | None:
    """Native packages were found: shared where the host can provide them, otherwise suppressed."""
    names = _names(_NATIVE, text)
    own = {case.plugin.name, f"{case.plugin.name}-dynamic"} | {
        embedded.package.name for embedded in _walk(case).embedded
    }
    if not names or own & set(names):
        return None
    choices = [_share_or_suppress(name, case) for name in names]
    return case.change(choices, about=[c.value for c in choices if c.option == SHARED])


def _repair_removed(text: str, case: _RefusedCase) -> Repair | None:
    """The entry point needs a suppressed package: shared, if the host has one that fits."""
    names = dict.fromkeys(_REMOVED.findall(text))
    if not names or not all(_is_provided(name, case) for name in names):
        return None
    return case.change(
        [_share(name, case) for name in names],
        [(SUPPRESS_NATIVE, name) for name in names],
        about=names,
    )


def _conflict(text: str, case: _RefusedCase) -> Repair | None:
    """Two ranges differ: the check is ignored if there is a version that is in both."""
    conflict = _ranges(text)
    if conflict is None:
        return None
    name, first, second = conflict
    candidates = dict.fromkeys(
        (
            *reversed(case.around.host.versions(name)),
            *case.around.graph.lockfile.versions.get(name, ()),
            *_VERSION.findall(first),
            *_VERSION.findall(second),
        )
    )
    fitting = next((v for v in candidates if is_in(v, first) and is_in(v, second)), None)
    if fitting is None:
        return None
    fact = f"{first} and {second} are both satisfied by {fitting}"
    argument = DerivedArgument(
        option=IGNORE_VERSION_CHECK, value=name, reason=case.reason(fact, name)
    )
    return case.change([argument])


def _not_found(text: str, case: _RefusedCase) -> Repair | None:
    """A module is missing: embedded, if a chain of dependencies leads to it."""
    for specifier in dict.fromkeys(_NOT_FOUND.findall(text)):
        package = _PACKAGE.fullmatch(specifier)
        if package and (found := _repair_embedded(package[1], "rhdh-cli: cannot find it", case)):
            return found
    return None


def _not_published(text: str, case: _RefusedCase) -> Repair | None:
    """Yarn cannot fetch a package whose source is in the workspace."""
    members = {p.name for p in case.around.packages if p.folder is not None}
    found = (name for pattern in _NOT_PUBLISHED for name in pattern.findall(text))
    for name in dict.fromkeys(unquote(each) for each in found):
        if name in members and (mended := _repair_embedded(name, "not published", case)):
            return mended
    return None


def _repair_embedded(name: str, fact: str, case: _RefusedCase) -> Repair | None:
    wanted = arrange(case.written.pairs | {(EMBED, name)}, case.written.others)
    computed = build_arguments(case.plugin, case.around, wanted)
    if (EMBED, name) not in computed.arguments.pairs:
        return None  # nothing that the plugin brings along depends on it
    added = [DerivedArgument(option=EMBED, value=name, reason=case.reason(fact, name))]
    if is_backstage(name):
        added.append(
            DerivedArgument(option=SHARED, value=UNSHARED + name, reason=case.reason(fact, name))
        )
    return case.change(added, about=[name])


def _share_or_suppress(name: str, case: _RefusedCase) -> DerivedArgument:
    direct = any(use.edge.name == name and not use.edge.optional for use in _walk(case).private)
    if direct and _is_provided(name, case):
        return _share(name, case)
    fact = "rhdh-cli: it is native"
    return DerivedArgument(option=SUPPRESS_NATIVE, value=name, reason=case.reason(fact, name))


def _share(name: str, case: _RefusedCase) -> DerivedArgument:
    versions = ", ".join(case.around.host.versions(name))
    fact = f"native, needed at the entry point; {case.around.host.name} has {versions}"
    return DerivedArgument(option=SHARED, value=name, reason=case.reason(fact, name))


def _is_provided(name: str, case: _RefusedCase) -> bool:
    """Whether the host has a version for every range in which what is bundled asks for it."""
    host = case.around.host
    ranges = {
        effective_range(edge.asked, edge.target.keys)
        for edge in _private_edges(case)
        if edge.name == name
    }
    return name in host and all(host.satisfying(name, asked) for asked in ranges)


def _private_edges(case: _RefusedCase) -> list[Edge]:
    """Every dependency of what is bundled with the plugin without being embedded."""
    found = [use.edge for use in _walk(case).private]
    seen = set()
    for edge in found:
        if edge.target not in seen:
            seen.add(edge.target)
            found.extend(case.around.graph.edges(edge.target))
    return found


def _walk(case: _RefusedCase) -> Walk:
    return walk(case, EmbedDecision())


def _ranges(text: str) -> tuple[str, str, str] | None:
    """The name and the two ranges of a conflict."""
    if found := _EMBEDDED_CONFLICT.search(text):
        return found[3], found[1], found[2]
    if found := _MAIN_CONFLICT.search(text):
        return found[1], found[2], found[3]
    return None


def _names(pattern: re.Pattern[str], text: str) -> tuple[str, ...]:
    """The names of a list that rhdh-cli prints with a dash before each."""
    found = pattern.search(text)
    if not found:
        return ()
    return tuple(line.strip().removeprefix("- ") for line in found[1].split("\n") if line.strip())
