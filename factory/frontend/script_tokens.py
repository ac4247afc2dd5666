"""TypeScript and JavaScript as tokens, as far as statements at the top of a module need them.

The lexical grammar is ECMAScript's
(https://tc39.es/ecma262/#sec-ecmascript-language-lexical-grammar), with JSX
(https://facebook.github.io/jsx/). Whether ``/`` divides and ``<`` compares follows from the token
before, which is right for what people write and not for everything that could be written. What
cannot be read to its end is refused, so that nobody concludes from half a file.
"""

from __future__ import annotations

import re
from typing import Literal, NoReturn, TypeAlias

from factory.patterns import lazy_pattern
from factory.values import dataclass

Kind: TypeAlias = Literal["name", "text", "value", "mark"]

_DEEPEST = 100
_BLANK = lazy_pattern(r"(?:\s|\ufeff|//[^\n\r\u2028\u2029]*|/\*.*?\*/)+", re.DOTALL)
_NAME = lazy_pattern(r"#?(?:[^\W\d]|\$)(?:\w|\$)*")
_NUMBER = lazy_pattern(r"\.?\d(?:[\w.]|(?<=[eE])[+-])*")
_TEXT = lazy_pattern(r"""'(?:[^'\\\n]|\\.|\\\n)*'|"(?:[^"\\\n]|\\.|\\\n)*\"""", re.DOTALL)
_REGEX = lazy_pattern(r"/(?![*/])(?:[^\\/\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/\w*")
_MARK = lazy_pattern(r"=>|\.\.\.|\?\.(?!\d)|[-+*/%&|^!~<>=?:;,.@(){}\[\]]")
_TEMPLATE = lazy_pattern(r"(?:[^`\\$]|\\.|\$(?!\{))*", re.DOTALL)
_JSX_NAME = lazy_pattern(r"[^\W\d][\w.:-]*")
_JSX_TEXT = lazy_pattern(r"[^<{]*")
# After these an expression begins, so that what comes next neither divides nor compares.
_BEFORE_EXPRESSION = frozenset(
    {"return", "typeof", "case", "in", "of", "delete", "void", "throw", "new", "else", "do"}
    | {"yield", "await", "default", "instanceof"}
)
_PAIRS = {"(": ")", "[": "]", "{": "}"}
# Of .tsx: what begins the parameters of a generic arrow function, and no element.
_TYPE_PARAMETER = lazy_pattern(r"<\s*(?:const\s+)?[A-Za-z_$][\w$]*\s*(?:,|extends\b)")


class UnreadableScriptError(ValueError):
    """A script that is not understood; ``line`` counts from 1."""

    def __init__(self, problem: str, line: int) -> None:
        super().__init__(problem)
        self.line = line


@dataclass(frozen=True, kw_only=True, slots=True)
class ScriptToken:
    """A piece of a script.

    Attributes:
        kind: a name or keyword; a text in quotes, without them; another value (a number, a
            template, a regular expression, an element); a mark.
        text: as written, a text without its quotes.
        depth: in how many brackets it stands; the brackets themselves count as outside.
    """

    kind: Kind
    text: str
    depth: int


def read_tokens(script: str, *, elements: bool) -> tuple[ScriptToken, ...]:
    """Return the tokens of a script.

    Args:
        script: the text of a module.
        elements: whether ``<`` may begin an element: in .tsx, .jsx and .js, not in .ts.

    Raises:
        UnreadableScriptError: a text, comment, bracket or element does not end, or there is
            something that no script has.
    """
    scanner = _Scanner(script, elements=elements)
    if script.startswith("#!"):
        scanner.at = (script.find("\n") + 1) or len(script)
    scanner.scan("")
    return tuple(scanner.tokens)


class _Scanner:
    def __init__(self, script: str, *, elements: bool) -> None:
        self.script = script
        self.at = 0
        self.tokens: list[ScriptToken] = []
        self._elements = elements
        self._depth = 0
        self._nested = 0

    def scan(self, end: str) -> None:
        """Read up to ``end``, a closing bracket that belongs to what is around, or to the end."""
        self._nested += 1
        if self._nested > _DEEPEST:
            self._refuse("it is nested too deeply")
        open_marks: list[str] = []
        while True:
            self._skip(_BLANK)
            if self.at >= len(self.script):
                if end or open_marks:
                    self._refuse(f"{(open_marks or [end])[-1]} is missing")
                break
            if not open_marks and end and self.script[self.at] == end:
                break
            self._next(open_marks)
        self._nested -= 1

    def _next(self, open_marks: list[str]) -> None:
        here = self.script[self.at]
        if self.script.startswith("/*", self.at):
            self._refuse("a comment does not end")
        if here in "'\"":
            text = self._take(_TEXT, "a text does not end")
            self._add("text", text[1:-1])
        elif here == "`":
            self._template()
        elif here == "/" and self._begins_expression():
            self._add("value", self._take(_REGEX, "a regular expression does not end"))
        elif here == "<" and self._elements and self._is_element():
            self._element(0)
            self._add("value", "<>")
        elif found := _NAME.match(self.script, self.at):
            self.at = found.end()
            self._add("name", found.group())
        elif found := _NUMBER.match(self.script, self.at):
            self.at = found.end()
            self._add("value", found.group())
        else:
            self._mark(self._take(_MARK, "a character that no script has"), open_marks)

    def _mark(self, mark: str, open_marks: list[str]) -> None:
        if mark in _PAIRS:
            self._add("mark", mark)
            open_marks.append(_PAIRS[mark])
            self._depth += 1
            return
        if mark in _PAIRS.values():
            if not open_marks or open_marks.pop() != mark:
                self._refuse(f"{mark} closes nothing")
            self._depth -= 1
        self._add("mark", mark)

    def _template(self) -> None:
        start = self.at
        self.at += 1
        while True:
            self._skip(_TEMPLATE)
            if self.script.startswith("`", self.at):
                self.at += 1
                break
            if not self.script.startswith("${", self.at):
                self._refuse("a template does not end")
            self.at += 2
            self._inner()
        self._add("value", self.script[start : self.at])

    def _inner(self) -> None:
        """Skip an expression in braces; its tokens are of no interest."""
        tokens, self.tokens = self.tokens, []
        depth, self._depth = self._depth, 0
        self.scan("}")
        self.at += 1
        self.tokens, self._depth = tokens, depth

    def _is_element(self) -> bool:
        return self._begins_expression() and not _TYPE_PARAMETER.match(self.script, self.at)

    def _element(self, depth: int) -> None:
        """Skip an element and all that is in it."""
        if depth > _DEEPEST:
            self._refuse("it is nested too deeply")
        self.at += 1
        self._skip(_BLANK)
        self._skip(_JSX_NAME)
        if self._attributes():
            return
        while True:
            self._skip(_JSX_TEXT)
            if self.script.startswith("</", self.at):
                end = self.script.find(">", self.at)
                if end < 0:
                    self._refuse("an element does not end")
                self.at = end + 1
                return
            if self.script.startswith("{", self.at):
                self.at += 1
                self._inner()
            elif self.script.startswith("<", self.at):
                self._element(depth + 1)
            else:
                self._refuse("an element does not end")

    def _attributes(self) -> bool:
        """Skip the attributes of an element; return whether it has no content."""
        while True:
            self._skip(_BLANK)
            here = self.script[self.at : self.at + 1]
            if self.script.startswith("/>", self.at):
                self.at += 2
                return True
            if here == ">":
                self.at += 1
                return False
            if here == "{":
                self.at += 1
                self._inner()
            elif here and here in "'\"":
                end = self.script.find(here, self.at + 1)
                if end < 0:
                    self._refuse("a text does not end")
                self.at = end + 1
            elif here == "=":
                self.at += 1
            else:
                self._take(_JSX_NAME, "an element is not understood")

    def _begins_expression(self) -> bool:
        if not self.tokens:
            return True
        before = self.tokens[-1]
        if before.kind == "name":
            return before.text in _BEFORE_EXPRESSION
        return before.kind == "mark" and before.text not in ")]}"

    def _add(self, kind: Kind, text: str) -> None:
        self.tokens.append(ScriptToken(kind=kind, text=text, depth=self._depth))

    def _skip(self, pattern: re.Pattern[str]) -> None:
        if found := pattern.match(self.script, self.at):
            self.at = found.end()

    def _take(self, pattern: re.Pattern[str], problem: str) -> str:
        found = pattern.match(self.script, self.at)
        if not found:
            self._refuse(problem)
        self.at = found.end()
        return found.group()

    def _refuse(self, problem: str) -> NoReturn:
        raise UnreadableScriptError(problem, self.script.count("\n", 0, self.at) + 1)
