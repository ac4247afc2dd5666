"""What the author's own arguments say about packages, ready to be asked about one."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from factory.values import dataclass

if TYPE_CHECKING:
    from factory.analysis.arguments import Arguments


@dataclass(frozen=True, kw_only=True, slots=True)
class NameRules:
    """Package names, and ``/regular expressions/`` that match somewhere in a name."""

    names: frozenset[str]
    patterns: tuple[re.Pattern[str], ...]

    def match(self, name: str) -> bool:
        """Whether the name is among them, or one of the expressions matches."""
        return name in self.names or any(pattern.search(name) for pattern in self.patterns)


def is_pattern(value: str) -> bool:
    """Return whether rhdh-cli takes the value of ``--shared-package`` for a regular expression."""
    bare = value.removeprefix("!")
    return len(bare) > 1 and bare.startswith("/") and bare.endswith("/")


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenRules:
    """The package arguments of one plugin as its author wrote them."""

    embedded: frozenset[str]
    shared: NameRules
    unshared: NameRules
    suppressed: frozenset[str]
    allowed: frozenset[str]

    @property
    def shares_something(self) -> bool:
        """Whether the author shares any package that is not shared anyway."""
        return bool(self.shared.names or self.shared.patterns)


def rules_of(written: Arguments) -> WrittenRules:
    """Return the author's arguments as rules. An expression that Python cannot read is left out."""
    return WrittenRules(
        embedded=frozenset(written.embedded),
        shared=_name_rules(written.shared),
        unshared=_name_rules(written.unshared),
        suppressed=frozenset(written.suppressed),
        allowed=frozenset(written.allowed),
    )


def without_own_copies(rules: WrittenRules, fitting: frozenset[str]) -> WrittenRules:
    """Return the rules without own copies of the packages that the host has in a fitting version.

    Arguments outlive the host that they were made for: once a newer host has a package, embedding
    and unsharing it is what rule 2 no longer asks for.
    """
    return replace(
        rules,
        embedded=rules.embedded - fitting,
        unshared=replace(rules.unshared, names=rules.unshared.names - fitting),
    )


def _name_rules(values: tuple[str, ...]) -> NameRules:
    patterns = []
    for value in values:
        if is_pattern(value):
            try:
                patterns.append(re.compile(value[1:-1]))
            except re.error:
                continue  # JavaScript's syntax; rhdh-cli itself will judge it
    return NameRules(
        names=frozenset(v for v in values if not is_pattern(v)), patterns=tuple(patterns)
    )
