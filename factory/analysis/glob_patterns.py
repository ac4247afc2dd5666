"""The two languages of globs that yarn's ``workspaces`` are written in, as functions over text.

Berry matches whole paths by picomatch's rules (https://github.com/micromatch/picomatch), classic
one segment after the other by those of minimatch 3 (https://github.com/isaacs/minimatch). Both know
``*``, ``?``, ``**``, classes and the extended globs of bash; they differ in what they let a
wildcard do at a leading dot, in what follows a ``!(…)``, and in parentheses without a sign.

A pattern becomes a function from a text and a place in it to the places where a match can end.
Sets of places cannot backtrack, so that no glob of somebody else's repository takes long.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from factory.patterns import lazy_pattern
from factory.values import dataclass

Ends: TypeAlias = frozenset[int]
Node: TypeAlias = Callable[[str, int], Ends]

GLOBSTAR = "**"
# Far beyond any real glob, and near enough that somebody else's cannot keep us busy.
_MAX_LENGTH = 1_000
_MAX_READINGS = 10_000
_MAX_DEPTH = 40
_SIGNS = "!?+*@"
_NOWHERE: Ends = frozenset()
_INNERMOST_BRACES = lazy_pattern(r"(?<![\\$])\{((?:\\.|[^{}\\])*)\}")
_RANGE = lazy_pattern(r"(-?\d+|[A-Za-z])\.\.(-?\d+|[A-Za-z])(?:\.\.(-?\d+))?")
_POSIX = lazy_pattern(r"\[:(\w+):\]")
_POSIX_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "ascii": r"\x00-\x7f",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"\-!\"#$%&'()*+,./:;<=>?@\[\]^_`{|}~",
    "space": r" \t\r\n\v\f",
    "upper": "A-Z",
    "word": "A-Za-z0-9_",
    "xdigit": "A-Fa-f0-9",
}
_REGEX_CHARACTERS = lazy_pattern(r"[-*+?.^${}(|)[\]]")


def expand_braces(glob: str) -> tuple[str, ...]:
    """Return each reading of a glob with alternatives: ``{a,b}/{1..2}`` has four, each once.

    Braces that hold neither a comma nor a range stand for themselves, and so do escaped ones.

    Raises:
        ValueError: it has more readings, or is longer, than yarn takes.
    """
    if len(glob) > _MAX_LENGTH:
        raise ValueError(f"it has {len(glob)} characters")
    readings: dict[str, None] = {}
    pending = [(glob, 0)]
    while pending:
        text, start = pending.pop(0)
        found = _INNERMOST_BRACES.search(text, start)
        if found is None:
            readings[text] = None
        elif (choices := _choices(found[1])) is None:
            pending.insert(0, (text, found.start() + 1))
        else:
            before, after = text[: found.start()], text[found.end() :]
            pending[:0] = [(f"{before}{choice}{after}", 0) for choice in choices]
        if len(pending) + len(readings) > _MAX_READINGS:
            raise ValueError(f"its braces have more than {_MAX_READINGS} readings")
    return tuple(readings)


def _choices(inside: str) -> list[str] | None:
    span = _RANGE.fullmatch(inside)
    if span:
        return _span(span[1], span[2], abs(int(span[3] or 1)) or 1)
    parts = re.split(r"(?<!\\),", inside)
    return parts if len(parts) > 1 else None


def _span(first: str, last: str, step: int) -> list[str] | None:
    if first.isalpha() != last.isalpha():
        return None
    letters = first.isalpha()
    start, end = (ord(first), ord(last)) if letters else (int(first), int(last))
    if abs(end - start) // step > _MAX_READINGS:
        raise ValueError(f"its braces have more than {_MAX_READINGS} readings")
    numbers = range(start, end + 1, step) if start <= end else range(start, end - 1, -step)
    if letters:
        return [chr(number) for number in numbers]
    padded = any(re.match(r"-?0\d", each) for each in (first, last))
    width = max(len(first), len(last)) if padded else 0
    return [f"{number:0{width}d}" if width else str(number) for number in numbers]


def path_pattern(glob: str, *, dots: bool = False) -> Callable[[str], bool]:
    """Return what tells whether a path matches a glob, as picomatch does; braces are expanded.

    With ``dots`` a wildcard matches a leading dot too.

    Raises:
        ValueError: its parentheses are nested deeper than any real one's.
    """
    signs = len(glob) - len(glob.lstrip("!"))
    if signs and glob[signs : signs + 1] == "(":  # the last one belongs to the parentheses
        signs -= 1
    plain = glob[signs:].removeprefix("./")
    node = _Parser(plain, classic=False, dots=dots).pattern()
    negated = signs % 2 == 1
    return lambda path: (len(path) in node(path, 0)) != negated


def segment_pattern(glob: str) -> Callable[[str], bool]:
    """Return what tells whether one name matches one segment of a glob, as minimatch 3 does.

    Raises:
        ValueError: its parentheses are nested deeper than any real one's.
    """
    node = _Parser(glob, classic=True).pattern()
    dotted = glob.startswith((".", "\\."))
    return lambda name: (dotted or not name.startswith(".")) and len(name) in node(name, 0)


@dataclass(slots=True)
class _Parser:
    """Reads one glob from left to right; ``depth`` counts the parentheses around ``at``."""

    glob: str
    classic: bool
    dots: bool = False
    at: int = 0
    depth: int = 0

    def pattern(self) -> Node:
        """The whole glob."""
        return self._alternatives()

    def _alternatives(self) -> Node:
        """Sequences between ``|``, up to a closing parenthesis or the end."""
        choices = [self._sequence()]
        while self._peek() == "|":
            self.at += 1
            choices.append(self._sequence())
        return choices[0] if len(choices) == 1 else _any_of(choices)

    def _sequence(self) -> Node:
        nodes: list[Node] = []
        while self.at < len(self.glob):
            character = self.glob[self.at]
            if self.depth and character == ")":
                break
            if character == "|" and (self.depth or not self.classic):
                break
            if self._begins_group(character):
                nodes.append(self._group())
            else:
                self._single(character, nodes)
        return _sequence(nodes)

    def _begins_group(self, character: str) -> bool:
        """Whether an extended glob begins here, or (berry) plain parentheses, that also end."""
        signed = character in _SIGNS and self._peek(1) == "("
        if not self.classic and character == "?" and self.glob[: self.at].endswith("("):
            return False  # for picomatch a letter
        if not signed and (self.classic or character != "("):
            return False
        return _closing(self.glob, self.at + signed) is not None

    def _group(self) -> Node:
        sign = self.glob[self.at]
        self.at += 1 if sign == "(" else 2
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise ValueError(f"its parentheses are nested more than {_MAX_DEPTH} deep")
        begin = self.at
        inner = self._alternatives()
        inside = self.glob[begin : self.at]
        self.at += 1
        self.depth -= 1
        if sign == "!":
            return self._negation(inner, inside)
        if sign in "*?":
            inner = _any_of([_empty, inner])
        return _repeat(inner) if sign in "*+" else inner

    def _negation(self, inner: Node, inside: str) -> Node:
        rest = self.glob[self.at :]
        if self.classic:
            return self._classic_negation(inner)
        across = "/" in inside and len(inside) > 1
        star = (_anything if self.dots else _segments) if across else _star
        if across or not rest.strip(")"):
            return _unless(_sequence([inner, _end]), star)
        if "*" in inside and re.fullmatch(r"\.[^\\/.]+", rest):
            following = _Parser(rest, classic=False).pattern()
            return _unless(_sequence([inner, following]), star)
        return _unless(inner, star)

    def _classic_negation(self, inner: Node) -> Node:
        """What follows counts: ``!(a)b`` matches whatever ``ab`` does not."""
        ahead = _Parser(self.glob, classic=True, at=self.at, depth=self.depth)
        following = [ahead._sequence()]
        while ahead.depth:
            _skip_to_close(ahead)
            ahead.depth -= 1
            following.append(ahead._sequence())
        return _unless(_sequence([inner, *following, _end]), _star)

    def _single(self, character: str, nodes: list[Node]) -> None:
        if character == "\\" and self.at + 1 < len(self.glob):
            nodes.append(_literal(self.glob[self.at + 1]))
            self.at += 2
        elif character == "[" and (found := _read_class(self.glob, self.at, self.classic)):
            node, self.at = found
            nodes.append(node)
        elif character == "*":
            self._stars(nodes)
        elif character == "?":
            self._question(nodes)
        elif character == "+" and not self.classic and nodes and self._is_quantifier():
            nodes[-1] = _repeat(nodes[-1])
            self.at += 1
        else:
            nodes.append(_literal(character))
            self.at += 1

    def _stars(self, nodes: list[Node]) -> None:
        begin = self.at
        starts_segment = self._starts_segment()
        while self._peek() == "*" and self._peek(1) != "(":
            self.at += 1
        if self.at == begin:  # unclosed: a star and a parenthesis
            self.at += 1
        alone = self.at - begin == len(GLOBSTAR) and self._peek() in {"", "/"} and starts_segment
        if self.classic or not alone or self.depth:
            nodes += [self._first(), _star] if starts_segment else [_star]
            return
        segments = _anything if self.dots else _segments
        while self.glob.startswith(f"/{GLOBSTAR}", self.at) and self._peek(3) in {"", "/"}:
            self.at += 3
        if self._peek() == "/":
            self.at += 1
            nodes.append(_match_whole(segments))
        elif begin and nodes:
            nodes[-1] = _any_of([_sequence([nodes[-1], segments]), _end])
        else:
            nodes.append(segments)

    def _question(self, nodes: list[Node]) -> None:
        before = self.glob[self.at - 1 : self.at] if not self.classic else ""
        if before == "(" and self.depth:
            nodes.append(_literal("?"))
        elif before == ")" and nodes:  # berry hands it to its expression, as what may be left out
            nodes[-1] = _any_of([_empty, nodes[-1]])
        else:
            nodes += [self._first(), _character] if self._starts_segment() else [_character]
        self.at += 1

    def _first(self) -> Node:
        return _something if self.dots else _no_dot

    def _starts_segment(self) -> bool:
        return not self.classic and (self.at == 0 or self.glob[self.at - 1] == "/")

    def _is_quantifier(self) -> bool:
        """Berry hands a plus in or after parentheses, or after a class, to its expression."""
        return self.depth > 0 or self.glob[self.at - 1] in ")]"

    def _peek(self, ahead: int = 0) -> str:
        return self.glob[self.at + ahead : self.at + ahead + 1]


def _skip_to_close(ahead: _Parser) -> None:
    """Go behind the parenthesis that closes the one around, past other alternatives."""
    level = 0
    while ahead.at < len(ahead.glob):
        character = ahead.glob[ahead.at]
        ahead.at += 2 if character == "\\" else 1
        if character == "(":
            level += 1
        elif character == ")":
            if level == 0:
                return
            level -= 1


def _closing(glob: str, opening: int) -> int | None:
    level = 0
    at = opening
    while at < len(glob):
        character = glob[at]
        if character == "\\":
            at += 1
        elif character == "(":
            level += 1
        elif character == ")":
            level -= 1
            if level == 0:
                return at
        at += 1
    return None


def _read_class(glob: str, start: int, classic: bool) -> tuple[Node, int] | None:
    """The class that begins at ``start`` and where it ends, or None if it does not."""
    at = start + 1
    if glob[at : at + 1] in {"!", "^"}:
        at += 1
    if glob[at : at + 1] == "]":
        at += 1
    while at < len(glob) and glob[at] != "]":
        posix = _POSIX.match(glob, at)
        at = posix.end() if posix else at + (2 if glob[at] == "\\" else 1)
    if at >= len(glob):
        return None
    inside = glob[start + 1 : at]
    negated = inside[:1] in {"!", "^"}
    members = _POSIX.sub(lambda m: _POSIX_CLASSES.get(m[1], m[0]), inside[negated:])
    members = re.sub(r"(?<!\\)[\[&~|]", r"\\\g<0>", members)
    if members.startswith("]"):
        members = "\\" + members
    try:
        one = re.compile(f"[{'^/' if negated else ''}{members}]")
    except re.error:
        return None
    node = _one_of(one)
    text = glob[start : at + 1]
    if not classic and not _REGEX_CHARACTERS.search(inside.replace("!", "^", 1)):
        node = _any_of([node, _literal(text)])
    return node, at + 1


def _empty(_text: str, at: int) -> Ends:
    return frozenset((at,))


def _end(text: str, at: int) -> Ends:
    return frozenset((at,)) if at == len(text) else _NOWHERE


def _no_dot(text: str, at: int) -> Ends:
    """A wildcard at the start of a segment: it matches something, and no leading dot."""
    return frozenset((at,)) if at < len(text) and text[at] not in "./" else _NOWHERE


def _something(text: str, at: int) -> Ends:
    return frozenset((at,)) if at < len(text) and text[at] != "/" else _NOWHERE


def _character(text: str, at: int) -> Ends:
    return frozenset((at + 1,)) if at < len(text) and text[at] != "/" else _NOWHERE


def _star(text: str, at: int) -> Ends:
    end = text.find("/", at)
    return frozenset(range(at, (len(text) if end < 0 else end) + 1))


def _segments(text: str, at: int) -> Ends:
    """Anything in which no segment begins with a dot."""
    end = at
    while end < len(text) and not (text[end] == "." and (end == 0 or text[end - 1] == "/")):
        end += 1
    return frozenset(range(at, end + 1))


def _anything(text: str, at: int) -> Ends:
    return frozenset(range(at, len(text) + 1))


def _match_whole(segments: Node) -> Node:
    """No segment, or whole ones with the slash after them: ``**/``."""

    def match(text: str, at: int) -> Ends:
        ends = segments(text, at)
        return frozenset((at, *(end for end in ends if end > at and text[end - 1] == "/")))

    return match


def _literal(wanted: str) -> Node:
    def match(text: str, at: int) -> Ends:
        return frozenset((at + len(wanted),)) if text.startswith(wanted, at) else _NOWHERE

    return match


def _one_of(expression: re.Pattern[str]) -> Node:
    def match(text: str, at: int) -> Ends:
        return frozenset((at + 1,)) if expression.match(text, at) else _NOWHERE

    return match


def _sequence(nodes: list[Node]) -> Node:
    steps = tuple(nodes)

    @lru_cache(maxsize=512)
    def match(text: str, at: int) -> Ends:
        ends = frozenset((at,))
        for step in steps:
            ends = frozenset(end for start in ends for end in step(text, start))
            if not ends:
                break
        return ends

    return match


def _any_of(choices: list[Node]) -> Node:
    nodes = tuple(choices)

    def match(text: str, at: int) -> Ends:
        return frozenset(end for node in nodes for end in node(text, at))

    return match


def _repeat(node: Node) -> Node:
    """Once or more often."""

    @lru_cache(maxsize=512)
    def match(text: str, at: int) -> Ends:
        found = set(node(text, at))
        pending = list(found)
        while pending:
            fresh = node(text, pending.pop()) - found
            found |= fresh
            pending.extend(fresh)
        return frozenset(found)

    return match


def _unless(refused: Node, otherwise: Node) -> Node:
    def match(text: str, at: int) -> Ends:
        return _NOWHERE if refused(text, at) else otherwise(text, at)

    return match
