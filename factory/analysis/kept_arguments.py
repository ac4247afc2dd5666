"""Rule 6: which of the author's own arguments stay when arguments are computed.

What the rules do not know stays: options that take no package names, regular expressions,
``--allow-native-package``, ``--ignore-version-check``, and whatever the author says about a package
that the plugin really brings along. The rest is dropped, with a reason.
"""

from __future__ import annotations

import shlex
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from factory.analysis.arguments import EMBED, PACKAGE_OPTIONS, SHARED, SUPPRESS_NATIVE, UNSHARED
from factory.analysis.embed_walk import EmbedDecision, Walk, walk
from factory.analysis.lockfile import effective_range
from factory.analysis.reasons import DerivedArgument, Reason
from factory.analysis.written_rules import is_pattern, without_own_copies
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from factory.analysis.arguments import Argument
    from factory.analysis.context import AnalysisContext, PluginCase
    from factory.analysis.graph import Edge, Package

BY_AUTHOR = "written by the author"


@dataclass(frozen=True, kw_only=True, slots=True)
class Dropped:
    """A value that the author gave to an option, and why it is not among the new arguments."""

    option: str
    value: str
    why: str

    def __str__(self) -> str:
        """The argument as it was written, and why it goes."""
        return f"{self.option} {self.value} ({self.why})"


def keep_arguments(
    case: PluginCase,
    found: Walk,
    *,
    derived: Iterable[DerivedArgument],
    fitting: frozenset[str],
) -> tuple[tuple[DerivedArgument, ...], tuple[Dropped, ...]]:
    """Return what stays of the author's package arguments beyond ``derived``, and what goes."""
    computed = {(argument.option, argument.value) for argument in derived}
    own = [
        (option, value)
        for option in PACKAGE_OPTIONS
        for value in case.written.values(option)
        if (option, value) not in computed
    ]
    host = case.around.host
    in_tree = _names_in_tree(case, found) if own else frozenset()
    kept: list[DerivedArgument] = []
    dropped: list[Dropped] = []
    for option, value in own:
        name = value.removeprefix(UNSHARED) if option == SHARED else value
        versions = ", ".join(host.versions(name))
        in_host = f"{host.name} has {versions}"
        if option == SUPPRESS_NATIVE and (SHARED, value) in computed:
            why = f"{in_host}: it is shared instead"
        elif name in fitting and (option, value) != (SHARED, name):
            why = in_host
        else:
            why = _why_not(option, value, in_tree, found.embedded_names)
        if why:
            dropped.append(Dropped(option=option, value=value, why=why))
        else:
            fact = f"{BY_AUTHOR}; {in_host}" if versions else BY_AUTHOR
            reason = Reason(rule=0, chain=(str(case.plugin),), fact=fact)
            kept.append(DerivedArgument(option=option, value=value, reason=reason))
    return tuple(kept), tuple(dropped)


def fitting_in_host(case: PluginCase) -> frozenset[str]:
    """Return the packages of which the author has an own copy although the host's would do.

    They are embedded or unshared by the author, shared otherwise, and the host has a version for
    every range that asks for them.
    """
    own = case.rules.embedded | case.rules.unshared.names
    if not own:
        return frozenset()
    host = case.around.host
    plain = replace(case, rules=without_own_copies(case.rules, own))
    uses: dict[str, set[str]] = {}
    for use in walk(plain, EmbedDecision()).shared:
        if use.edge.name in own:
            asked = effective_range(use.edge.asked, use.edge.target.keys)
            uses.setdefault(use.edge.name, set()).add(asked)
    return frozenset(
        name
        for name, ranges in uses.items()
        # A range such as workspace:^ cannot be compared; the host's version will have to do.
        if all(not asked or host.satisfying(name, asked) for asked in ranges) and name in host
    )


def as_written(items: Iterable[Argument]) -> Iterator[DerivedArgument]:
    """Return arguments that no rule looks at, each with the words after it as one value."""
    for item in items:
        reason = Reason(rule=0, chain=(), fact=BY_AUTHOR)
        yield DerivedArgument(option=item.option, value=shlex.join(item.values), reason=reason)


def chain_to_written(
    found: Walk, around: AnalysisContext, lacking: frozenset[str]
) -> dict[str, str]:
    """Return the packages to embed on the way to those that the author embeds, and why.

    rhdh-cli embeds only along chains of embedded packages; for each name of ``lacking`` the
    shortest way through what is private so far is taken. A name that no way leads to has none.
    """
    if not lacking:
        return {}
    ways: dict[str, str] = {}
    came_from: dict[Package, tuple[Edge, Package | None]] = {}
    pending: deque[tuple[Edge, Package | None]] = deque(
        (use.edge, None) for use in found.private if not use.edge.optional
    )
    while pending and lacking:
        edge, parent = pending.popleft()
        if edge.target in came_from:
            continue
        came_from[edge.target] = (edge, parent)
        if edge.name in lacking:
            lacking -= {edge.name}
            step = parent
            while step is not None:
                over, step_parent = came_from[step]
                ways[over.name] = f"on the way to {edge.name}, which the author embeds"
                step = step_parent
        pending.extend(
            (deeper, edge.target)
            for deeper in around.graph.edges(edge.target)
            if not deeper.optional
        )
    return ways


def _names_in_tree(case: PluginCase, found: Walk) -> frozenset[str]:
    names = {package.name for package in case.around.graph.reachable([case.plugin])}
    for package in (case.plugin, *(embedded.package for embedded in found.embedded)):
        names.update(package.peers)
    return frozenset(names)


def _why_not(option: str, value: str, in_tree: frozenset[str], embedded: frozenset[str]) -> str:
    """Why a value says nothing about the plugin, or "" if it does."""
    if option not in {EMBED, SHARED, SUPPRESS_NATIVE} or is_pattern(value):
        return ""
    if value.removeprefix(UNSHARED) not in in_tree:
        return "the plugin does not depend on it"
    if option != EMBED:
        return ""
    if value in embedded:
        return "rhdh-cli embeds it by itself"
    return "it comes only with what the host shares, or as an optional dependency"
