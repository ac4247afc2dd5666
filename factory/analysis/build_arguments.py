"""The build arguments of one backend plugin: the seven rules of docs/build-arguments.md together.

Embedding one package may bring others into view, and sharing a native one asks for embedding
whatever else uses it, so the walk is made again until nothing is added.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from factory.analysis.arguments import (
    EMBED,
    IGNORE_VERSION_CHECK,
    SHARED,
    SUPPRESS_NATIVE,
    UNSHARED,
    Arguments,
    arrange,
    package_order,
)
from factory.analysis.context import PluginCase, is_backstage
from factory.analysis.discovery import BACKEND_ROLES
from factory.analysis.embed_walk import EmbedDecision, Walk, walk
from factory.analysis.kept_arguments import (
    as_written,
    chain_to_written,
    fitting_in_host,
    keep_arguments,
)
from factory.analysis.native_choice import (
    NativeChoice,
    choose,
    find_dragged_in,
    native_uses,
)
from factory.analysis.reasons import DerivedArgument, Reason
from factory.analysis.version_check import range_conflicts
from factory.analysis.written_rules import rules_of, without_own_copies
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from factory.analysis.context import AnalysisContext
    from factory.analysis.graph import Package
    from factory.analysis.kept_arguments import Dropped
    from factory.analysis.version_check import RangeConflict


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class BuildArguments:
    """The arguments of one plugin with the reason for each.

    ``arguments`` is what to write; ``derived`` has one entry for each option and value in it, in
    the same order; ``dropped`` is what the author wrote and is not in it, and why.
    """

    arguments: Arguments
    derived: tuple[DerivedArgument, ...]
    dropped: tuple[Dropped, ...]
    found: Walk | None
    natives: tuple[NativeChoice, ...]
    conflicts: tuple[RangeConflict, ...] = ()


def build_arguments(
    plugin: Package, around: AnalysisContext, written: Arguments | None = None
) -> BuildArguments:
    """Return the arguments that rhdh-cli needs to export ``plugin`` for the host.

    Args:
        plugin: the plugin, from the graph of ``around``.
        around: the graph and the host.
        written: the author's arguments. What they say beyond the rules is kept; what they say about
            a package that the plugin does not bring along, that rhdh-cli knows by itself, or that
            the host has in a fitting version, is dropped; a suppressed native package that the
            host can provide is shared instead.
    """
    written = written or Arguments()
    if plugin.role not in BACKEND_ROLES:
        return BuildArguments(
            arguments=written,
            derived=tuple(as_written(written.items)),
            dropped=(),
            found=None,
            natives=(),
        )
    case = PluginCase(plugin=plugin, around=around, written=written, rules=rules_of(written))
    fitting = fitting_in_host(case)
    case = replace(case, rules=without_own_copies(case.rules, fitting))
    found, choices, settled = _settle(case)
    derived_by_rule = [*_embedding(found, settled), *_native(choices, settled)]
    conflicts = range_conflicts(found, around)
    kept, dropped = keep_arguments(case, found, derived=derived_by_rule, fitting=fitting)
    derived = _in_order([*derived_by_rule, *kept, *_find_ignored_checks(plugin, conflicts)])
    return BuildArguments(
        arguments=arrange(((d.option, d.value) for d in derived), written.others),
        derived=(*derived, *as_written(written.others)),
        dropped=dropped,
        found=found,
        natives=tuple(choices),
        conflicts=conflicts,
    )


def _settle(case: PluginCase) -> tuple[Walk, list[NativeChoice], EmbedDecision]:
    settled = EmbedDecision()
    while True:
        found = walk(case, settled)
        more = _settle_written(case, found, settled) or _settle_optional(case, found, settled)
        if more:
            settled = more
            continue
        choices = choose(native_uses(found, case.around), case, settled)
        shared = {choice.name: choice.reason for choice in choices if choice.share}
        if not shared:
            return found, choices, settled
        settled = replace(
            settled,
            shared=settled.shared | frozenset(shared),
            reasons={**settled.reasons, **shared},
        )


def _settle_written(case: PluginCase, found: Walk, settled: EmbedDecision) -> EmbedDecision | None:
    """Embed what lies between the plugin and a package that the author embeds."""
    lacking = case.rules.embedded - found.embedded_names
    between = chain_to_written(found, case.around, lacking)
    fresh = {name: fact for name, fact in between.items() if name not in settled.embedded}
    return replace(settled, embedded={**settled.embedded, **fresh}) if fresh else None


def _settle_optional(case: PluginCase, found: Walk, settled: EmbedDecision) -> EmbedDecision | None:
    """Unshare what optional dependencies drag in; what cannot be unshared is not shared."""
    brought = find_dragged_in(found, case.around)
    fresh = {
        name: Reason(
            rule=3,
            chain=trail.names(),
            fact="comes with an optional dependency, which rhdh-cli leaves private",
        )
        for name, trail in brought.items()
        if is_backstage(name)
        and name not in settled.unshared
        and not case.rules.unshared.match(name)
    }
    unshareable = frozenset(brought) & settled.shared
    if not fresh and not unshareable:
        return None
    return replace(
        settled,
        unshared={**settled.unshared, **fresh},
        unshareable=settled.unshareable | unshareable,
        shared=settled.shared - unshareable,
    )


def _embedding(found: Walk, settled: EmbedDecision) -> Iterable[DerivedArgument]:
    for embedded in found.embedded:
        name = embedded.package.name
        if embedded.explicit:
            yield DerivedArgument(option=EMBED, value=name, reason=embedded.reason)
        if embedded.unshare:
            yield DerivedArgument(option=SHARED, value=UNSHARED + name, reason=embedded.reason)
    for name, reason in settled.unshared.items():
        yield DerivedArgument(option=SHARED, value=UNSHARED + name, reason=reason)


def _native(choices: list[NativeChoice], settled: EmbedDecision) -> Iterable[DerivedArgument]:
    for name in settled.shared:
        yield DerivedArgument(option=SHARED, value=name, reason=settled.reasons[name])
    for choice in choices:
        yield DerivedArgument(option=SUPPRESS_NATIVE, value=choice.name, reason=choice.reason)


def _find_ignored_checks(
    plugin: Package, conflicts: Iterable[RangeConflict]
) -> Iterable[DerivedArgument]:
    for conflict in conflicts:
        if conflict.fitting is not None:
            fact = (
                f"asked for as {conflict.first} and {conflict.second}, "
                f"both satisfied by {conflict.fitting}"
            )
            chain = (str(plugin), str(conflict.asking), conflict.name)
            yield DerivedArgument(
                option=IGNORE_VERSION_CHECK,
                value=conflict.name,
                reason=Reason(rule=7, chain=chain, fact=fact),
            )


def _in_order(derived: Iterable[DerivedArgument]) -> list[DerivedArgument]:
    """Each argument once, with the first of its reasons."""
    once: dict[tuple[str, str], DerivedArgument] = {}
    for argument in derived:
        once.setdefault((argument.option, argument.value), argument)
    return sorted(
        once.values(), key=lambda argument: package_order(argument.option, argument.value)
    )
