"""PyYAML's reader with limits, and the same by the rules of YAML 1.2.

Loads PyYAML: import it late (:mod:`factory.notation.yaml_text` does).
"""

from __future__ import annotations

import math
from itertools import islice
from typing import Any, TypeAlias

import yaml
from yaml.constructor import ConstructorError
from yaml.scanner import ScannerError

from factory.notation.limits import (
    DEEPEST,
    LARGEST,
    DocumentError,
    RepeatedKeyError,
    Steps,
    size_of_text,
    too_deep,
)
from factory.patterns import lazy_pattern

Scalar: TypeAlias = "str | int | float | bool | None"

# From these powers of ten on JavaScript writes an exponent (ECMA-262, Number::toString).
_LARGE, _SMALL = 21, -6


def key_text(key: Scalar) -> str:
    """Return the key of an object that a scalar of YAML becomes: "1", "true", "" of null."""
    if key is None:
        return ""
    if isinstance(key, bool):
        return "true" if key else "false"
    return key if isinstance(key, str) else number_text(key)


def number_text(number: float) -> str:
    """Return a number as JavaScript's ``String(number)`` writes it, in double precision."""
    try:
        double = float(number)
    except OverflowError:
        double = math.copysign(math.inf, number)
    if math.isnan(double):
        return "NaN"
    sign = "-" if double < 0 else ""
    if math.isinf(double):
        return f"{sign}Infinity"
    if double == 0:
        return "0"
    return sign + _positive_text(abs(double))


def _positive_text(double: float) -> str:
    # Python and JavaScript both write the fewest digits that lead back to the number.
    mantissa, _, exponent = f"{double!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if _SMALL < point <= _LARGE:
        if point >= len(digits):
            return digits + "0" * (point - len(digits))
        return f"{digits[:point]}.{digits[point:]}" if point > 0 else f"0.{'0' * -point}{digits}"
    power = point - 1
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{rest}e{'+' if power > 0 else '-'}{abs(power)}"


_TAG = "tag:yaml.org,2002:"
_STR, _NULL, _BOOL, _INT, _FLOAT = (_TAG + name for name in ("str", "null", "bool", "int", "float"))

# The core schema (https://yaml.org/spec/1.2.2/#1032-tag-resolution), and the characters that each
# form may begin with. A float is any other number.
_NULL_FORM = lazy_pattern(r"(?:~|null|Null|NULL|)\Z")
_BOOL_FORM = lazy_pattern(r"(?:true|True|TRUE|false|False|FALSE)\Z")
_INT_FORM = lazy_pattern(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z")
_FLOAT_FORM = lazy_pattern(
    r"(?:[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)[eE][-+]?[0-9]+)"
    r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
)
_FORMS = {_NULL: _NULL_FORM, _BOOL: _BOOL_FORM, _INT: _INT_FORM, _FLOAT: _FLOAT_FORM}
_FIRST = {_NULL: "~nN", _BOOL: "tTfF", _INT: "-+0123456789", _FLOAT: "-+.0123456789"}

# Line breaks of YAML 1.1 that are characters like any other in 1.2.
_OLD_BREAKS = "\x85\u2028\u2029"
_PRIVATE_USE = range(0xE000, 0xF900)
_BLANK_OR_BREAK = "\0 \t\r\n"
_FLOW = ",[]{}"
# A whole number of more digits is infinite in double precision.
_MOST_DIGITS = 309


class BoundedLoader(yaml.SafeLoader):
    """PyYAML's safe reader of YAML 1.1, which stops at documents that nest or grow without end."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0
        # Of each node that is complete: how deep it is, and how many values, written out.
        self._measures: dict[int, tuple[int, int]] = {}

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose a node, within the limits."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        self._depth += 1
        if self._depth > DEEPEST:
            raise too_deep(line, column)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if isinstance(event, yaml.AliasEvent):
            if id(node) not in self._measures:
                raise DocumentError(
                    "an alias is inside the value that it refers to", line=line, column=column
                )
        elif node is not None:
            self._measures[id(node)] = self._measure(node, line, column)
        return node

    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        """Compose a text; halves of surrogate pairs cannot be written or shown."""
        node = super().compose_scalar_node(anchor)
        node.value = _whole_pairs(node.value, node.start_mark)
        return node

    def _measure(self, node: yaml.Node, line: int, column: int) -> tuple[int, int]:
        if isinstance(node, yaml.ScalarNode):
            return 0, size_of_text(node.value)
        inner = [self._measures[id(child)] for child in _children(node)]
        depth = 1 + max((depth for depth, _ in inner), default=0)
        size = 1 + sum(size for _, size in inner)
        if depth > DEEPEST:
            raise too_deep(line, column)
        if size > LARGEST:
            raise DocumentError(
                "it has too many values once its aliases (*name) are written out",
                line=line,
                column=column,
                expected=f"at most {LARGEST} values",
            )
        return depth, size


class FailsafeLoader(BoundedLoader):
    """The same with texts alone: ``no``, ``1`` and ``<<`` are what they look like."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's way


class CoreLoader(BoundedLoader):
    """The reader of YAML 1.2 with its core schema, as the npm library ``yaml`` is by default.

    What that library only warns of is refused: tags beyond the core schema, keys that are maps or
    lists. So are keys that are one in JavaScript though they differ in YAML (``1`` and ``"1"``).
    """

    yaml_implicit_resolvers: Any = {}  # noqa: RUF012 - PyYAML's, filled below

    def __init__(self, text: str) -> None:
        stand_ins = _unused_characters(text, len(_OLD_BREAKS))
        self._breaks = str.maketrans(stand_ins, _OLD_BREAKS)
        # The last line of a block text ends in a line feed, even where the file does not.
        end = "" if text.endswith("\n") else "\n"
        super().__init__(text.translate(str.maketrans(_OLD_BREAKS, stand_ins)) + end)
        self._values: dict[int, Any] = {}

    def process_directives(self) -> Any:
        """Read the directives in front of a document; one of YAML 1.1 would be read otherwise."""
        token = self.peek_token()  # type: ignore[no-untyped-call]
        value = super().process_directives()  # type: ignore[no-untyped-call]
        if self.yaml_version and self.yaml_version < (1, 2):
            raise DocumentError(
                "the document says that it is YAML 1.1",
                line=token.start_mark.line + 1,
                column=1,
                expected="YAML 1.2: remove the %YAML line, and put quotes around yes, no, on, off",
            )
        return value

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose a node; an anchor may be given anew, and leads to the last that has it."""
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if not isinstance(event, yaml.AliasEvent):
            self.anchors.pop(event.anchor, None)
        return super().compose_node(parent, index)

    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        """Compose a text, with the characters that it was written with; ``!`` makes it one."""
        is_text = self.peek_event().tag == "!"  # type: ignore[no-untyped-call]
        node = super().compose_scalar_node(anchor)
        node.value = node.value.translate(self._breaks)
        if is_text:
            node.tag = _STR
        return node

    def scan_anchor(self, TokenClass: Any) -> Any:  # noqa: N803 - PyYAML's name
        """Scan an anchor: any characters but blanks and flow indicators (YAML 1.2, 6.9.2)."""
        start = self.get_mark()
        self.forward()
        length = 0
        while self.peek(length) not in _BLANK_OR_BREAK + _FLOW:
            length += 1
        if not length:
            raise ScannerError(None, None, "an anchor or alias has no name", start)
        name = self.prefix(length)
        self.forward(length)
        return TokenClass(name, start, self.get_mark())

    def scan_to_next_token(self) -> None:
        """Go to the next token: tabs may part tokens, and no comment follows without a blank."""
        if self.index == 0 and self.peek() == "\ufeff":
            self.forward()
        while True:
            self._skip_blanks()
            if self.peek() == "#":
                if self.column and self.buffer[self.pointer - 1] not in " \t":
                    raise ScannerError(
                        None, None, "a comment needs a space in front of it", self.get_mark()
                    )
                while self.peek() not in "\0\r\n":
                    self.forward()
            if not self.scan_line_break():  # type: ignore[no-untyped-call]
                return
            if not self.flow_level:
                self.allow_simple_key = True

    def _skip_blanks(self) -> None:
        begins_line = not self.column
        tab = None
        while self.peek() in " \t":
            if self.peek() == "\t" and tab is None:
                tab = self.get_mark()
            self.forward()
        if tab is None or self.flow_level or self.peek() in "\0\r\n#":
            return
        if begins_line:
            raise ScannerError(None, None, "a tab cannot be used as indentation", tab)
        self.allow_simple_key = False  # a tab does not indent what stands in one line either

    def check_key(self) -> bool:
        """Whether a ``?`` is a key's: ``[?x]`` has a text."""
        return self.peek(1) in _BLANK_OR_BREAK + (_FLOW if self.flow_level else "")

    def check_value(self) -> bool:
        """Whether a ``:`` parts key and value, as in ``{"a":1}`` and not in ``[:8080, a:b]``."""
        if not self.flow_level:
            return self.peek(1) in _BLANK_OR_BREAK
        follows_quote = bool(self.pointer) and self.buffer[self.pointer - 1] in "\"'}]"
        return follows_quote or self.peek(1) in _BLANK_OR_BREAK + _FLOW

    def check_plain(self) -> bool:
        """Whether a text without quotes begins here (YAML 1.2, 7.3.3)."""
        first, second = self.peek(), self.peek(1)
        if first in "-?:":
            return second not in _BLANK_OR_BREAK + (_FLOW if self.flow_level else "")
        return first not in _BLANK_OR_BREAK + _FLOW + "#&*!|>'\"%@`"

    def scan_plain(self) -> yaml.ScalarToken:
        """Scan a text without quotes: tabs and question marks may stand in it."""
        start = end = self.get_mark()
        indent = self.indent + 1
        flow = _FLOW if self.flow_level else ""
        chunks: list[str] = []
        spaces: list[str] = []
        while self.peek() != "#":
            length = 0
            while not self._ends_plain(length, flow):
                length += 1
            if not length:
                break
            self.allow_simple_key = False
            chunks += [*spaces, self.prefix(length)]
            self.forward(length)
            end = self.get_mark()
            spaces = self.scan_plain_spaces(indent, start)
            if not spaces or (not self.flow_level and self.column < indent):
                break
        return yaml.ScalarToken("".join(chunks), True, start, end)

    def _ends_plain(self, at: int, flow: str) -> bool:
        char = self.peek(at)
        return char in _BLANK_OR_BREAK + flow or (
            char == ":" and self.peek(at + 1) in _BLANK_OR_BREAK + flow
        )

    def scan_plain_spaces(self, indent: int, _start: yaml.Mark) -> list[str]:
        """Scan blanks and line breaks inside of a text without quotes; none: the text ends."""
        blanks = self._blanks()
        if self.peek() not in "\r\n":
            return [blanks] if blanks else []
        breaks = 0
        while self.peek() in "\r\n":
            self.scan_line_break()  # type: ignore[no-untyped-call]
            self.allow_simple_key = True
            breaks += 1
            if self.prefix(3) in {"---", "..."} and self.peek(3) in _BLANK_OR_BREAK:
                return []
            tab = self.get_mark()
            blanks = self._blanks()
            is_short = len(blanks) - len(blanks.lstrip(" ")) < indent
            if "\t" in blanks and is_short and not self.flow_level and self.peek() not in "\0\r\n#":
                raise ScannerError(None, None, "a tab cannot be used as indentation", tab)
        return [" " if breaks == 1 else "\n" * (breaks - 1)]

    def _blanks(self) -> str:
        length = 0
        while self.peek(length) in " \t":
            length += 1
        blanks: str = self.prefix(length)
        self.forward(length)
        return blanks

    def construct_document(self, node: yaml.Node) -> Any:
        """Return the value of the document."""
        return self._value(node, ())

    def _value(self, node: yaml.Node, way: Steps) -> Any:
        if id(node) not in self._values:
            self._values[id(node)] = self._new_value(node, way)
        return self._values[id(node)]

    def _new_value(self, node: yaml.Node, way: Steps) -> Any:
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self._map(node, way)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return [self._value(child, (*way, str(n))) for n, child in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode):
            if node.tag == _STR:
                return node.value
            if node.tag in _FORMS and _FORMS[node.tag].match(node.value):
                return _scalar(node.tag, node.value)
        shown = node.tag.replace(_TAG, "!!")
        raise ConstructorError(
            None, None, f"the tag {shown} is unknown, or does not fit the value", node.start_mark
        )

    def _map(self, node: yaml.MappingNode, way: Steps) -> dict[str, Any]:
        value: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            mark = key_node.start_mark
            if not isinstance(key_node, yaml.ScalarNode):
                raise ConstructorError(None, None, "a key is a map or a list", mark)
            key = key_text(self._value(key_node, way))
            if key in value:
                raise RepeatedKeyError(
                    (*way, key), line=mark.line + 1, column=mark.column + 1, first_line=lines[key]
                )
            value[key] = self._value(value_node, (*way, key))
            lines[key] = mark.line + 1
        return value


for _tag, _form in _FORMS.items():
    CoreLoader.add_implicit_resolver(_tag, _form, list(_FIRST[_tag]))
CoreLoader.add_implicit_resolver(_NULL, _NULL_FORM, [""])


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return list(node.value)


def _whole_pairs(text: str, mark: yaml.Mark) -> str:
    """The text with surrogate pairs, as JSON escapes them, put together."""
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise DocumentError(
            "half of a surrogate pair",
            line=mark.line + 1,
            column=mark.column + 1,
            expected="text that can be printed",
        ) from error


def _scalar(tag: str, text: str) -> Any:
    if tag == _NULL:
        return None
    if tag == _BOOL:
        return text[0] in "tT"
    if tag == _INT:
        if text.startswith(("0o", "0x")):
            digits, base = text[2:], 8 if text[1] == "o" else 16
        else:
            digits, base = text, 10
        # -0 is a number of its own in JavaScript.
        is_double = len(digits) > _MOST_DIGITS or (text[0] == "-" and not text.strip("-0"))
        return float(digits) if is_double and base == 10 else int(digits, base)  # noqa: PLR2004
    text = text.lower()
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))


def _unused_characters(text: str, number: int) -> str:
    used = set(text)
    unused = (chr(code) for code in _PRIVATE_USE if chr(code) not in used)
    free = list(islice(unused, number))
    if len(free) < number:
        raise DocumentError("it uses every character for private use", expected="text")
    return "".join(free)
