"""The argument string of a plugin in plugins-list.yaml, as a value and back.

The words are split as a shell splits them (:mod:`shlex`) and grouped as rhdh-cli groups them: an
option, given as ``--option value``, ``--option=value`` or ``--option value value``, takes every
following word that does not begin with a dash.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from factory.errors import ConfigurationError
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from factory.errors import Place

EMBED = "--embed-package"
SHARED = "--shared-package"
SUPPRESS_NATIVE = "--suppress-native-package"
ALLOW_NATIVE = "--allow-native-package"
IGNORE_VERSION_CHECK = "--ignore-version-check"
NO_BUILD = "--no-build"

PACKAGE_OPTIONS = (EMBED, SHARED, SUPPRESS_NATIVE, ALLOW_NATIVE, IGNORE_VERSION_CHECK)
"""The options of ``rhdh-cli plugin export`` that take package names, in the order we write them."""

UNSHARED = "!"
_NEEDS_QUOTES = lazy_pattern(r"[\s'\"\\]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Argument:
    """One option and the words that follow it; ``option`` is empty for words before any option."""

    option: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Arguments:
    """The arguments of one plugin, in the order in which they were written."""

    items: tuple[Argument, ...] = ()

    def values(self, option: str) -> tuple[str, ...]:
        """Return every value given to ``option``, in order, each once."""
        return tuple(
            dict.fromkeys(
                value for item in self.items if item.option == option for value in item.values
            )
        )

    @property
    def embedded(self) -> tuple[str, ...]:
        """The packages named by ``--embed-package``."""
        return self.values(EMBED)

    @property
    def shared(self) -> tuple[str, ...]:
        """The packages and ``/regular expressions/`` that are shared (``--shared-package x``)."""
        return tuple(v for v in self.values(SHARED) if not v.startswith(UNSHARED))

    @property
    def unshared(self) -> tuple[str, ...]:
        """The packages and ``/regular expressions/`` that are not (``--shared-package !x``)."""
        return tuple(v[1:] for v in self.values(SHARED) if v.startswith(UNSHARED))

    @property
    def suppressed(self) -> tuple[str, ...]:
        """The packages named by ``--suppress-native-package``."""
        return self.values(SUPPRESS_NATIVE)

    @property
    def allowed(self) -> tuple[str, ...]:
        """The packages named by ``--allow-native-package``."""
        return self.values(ALLOW_NATIVE)

    @property
    def forbids_building(self) -> bool:
        """Whether ``--no-build`` says that what is in ``dist/`` is exported as it is."""
        return any(item.option == NO_BUILD for item in self.items)

    @property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """Every option that takes package names, with each of its values."""
        return frozenset((o, value) for o in PACKAGE_OPTIONS for value in self.values(o))

    @property
    def others(self) -> tuple[Argument, ...]:
        """Every argument that does not take package names, as it was written."""
        return tuple(item for item in self.items if item.option not in PACKAGE_OPTIONS)

    def meaning(self) -> object:
        """Return what two ways of writing the same arguments have in common, to compare them."""
        return self.pairs, frozenset(self.others)

    def __str__(self) -> str:
        """The argument string, each value after an option of its own."""
        return format_arguments(self)


def parse_arguments(text: str, place: Place | None = None) -> Arguments:
    """Return the arguments that ``text`` holds.

    Raises:
        ConfigurationError: a quotation mark is not closed; ``place`` says where the text stands.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise ConfigurationError(
            "the build arguments of a plugin cannot be split into words",
            place=place,
            found=f"{text} ({error})",
            expected="balanced quotation marks, and no backslash at the end",
        ) from error
    return group_words(words)


def group_words(words: Iterable[str]) -> Arguments:
    """Return words, as a command line would have them, grouped into options and their values."""
    grouped: list[tuple[str, list[str]]] = []
    for word in words:
        if len(word) > 1 and word.startswith("-"):
            option, equals, value = word.partition("=")
            grouped.append((option, [value] if equals else []))
        elif grouped:
            grouped[-1][1].append(word)
        else:
            grouped.append(("", [word]))
    return Arguments(
        items=tuple(Argument(option=option, values=tuple(values)) for option, values in grouped)
    )


def package_order(option: str, value: str) -> tuple[int, bool, str]:
    """Return the key by which arguments that name packages are sorted, so that files stay stable.

    It is the option, then those that begin with ``!``, then the name.
    """
    return PACKAGE_OPTIONS.index(option), not value.startswith(UNSHARED), value


def arrange(pairs: Iterable[tuple[str, str]], others: tuple[Argument, ...]) -> Arguments:
    """Return (option, package) pairs in their order, each once, and ``others`` after them."""
    ordered = sorted(set(pairs), key=lambda pair: package_order(*pair))
    packages = (Argument(option=option, values=(value,)) for option, value in ordered)
    return Arguments(items=(*packages, *others))


def format_arguments(arguments: Arguments) -> str:
    """Return the argument string that :func:`parse_arguments` reads back to the same meaning.

    Options that take package names are repeated before each value, the form that every version of
    rhdh-cli and its scripts understands. Quotation marks are used only where a word needs them.
    """
    return " ".join(_quote(word) for word in to_words(arguments))


def to_words(arguments: Arguments) -> tuple[str, ...]:
    """Return the arguments as the words of a command line."""
    words: list[str] = []
    for item in arguments.items:
        if item.option in PACKAGE_OPTIONS and item.values:
            for value in item.values:
                words += [item.option, value]
        else:
            words += [item.option] if item.option else []
            words += item.values
    return tuple(words)


def _quote(word: str) -> str:
    # Narrower than shlex.quote, which would also wrap "!@scope/name".
    return shlex.quote(word) if not word or _NEEDS_QUOTES.search(word) else word
