"""What the statements at the top of a module import, declare and export, as values.

Modules are those of ECMAScript (https://tc39.es/ecma262/#sec-modules) with TypeScript's types, of
which ``import type`` and ``export type`` leave nothing at run time.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, TypeAlias

from factory.frontend.script_tokens import ScriptToken, read_tokens
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

DEFAULT = "default"
EVERYTHING = "*"


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """The export ``name`` of the module ``source``; :data:`EVERYTHING` for its namespace."""

    source: str
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class LocalName:
    """A name that is declared or imported in the module itself."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Called:
    """What a function returns: ``function`` is its name, ``of`` what stands before a dot.

    ``arguments`` are the tokens between its brackets.
    """

    function: str
    of: str = ""
    arguments: tuple[ScriptToken, ...] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainValue:
    """A value that no call has made; ``what`` says in a word what it is, "" if that is unclear."""

    what: str = ""


Expression: TypeAlias = Imported | LocalName | Called | PlainValue


@dataclass(frozen=True, kw_only=True, slots=True)
class ModuleStatements:
    """A module. ``exports`` and ``declared`` are by name; ``passed_on`` are its ``export *``.

    ``is_common_js`` is true of a module that writes ``module.exports`` or ``exports.x``.
    """

    exports: Mapping[str, Expression] = field(default_factory=dict)
    declared: Mapping[str, Expression] = field(default_factory=dict)
    passed_on: tuple[str, ...] = ()
    is_common_js: bool = False

    @property
    def sources(self) -> tuple[str, ...]:
        """The modules that it takes something from, each once."""
        taken = [*self.exports.values(), *self.declared.values()]
        named = [one.source for one in taken if isinstance(one, Imported)]
        return tuple(dict.fromkeys([*named, *self.passed_on]))


def read_module(script: str, *, elements: bool) -> ModuleStatements:
    """Return what a module's statements at its top say.

    Raises:
        UnreadableScriptError: it cannot be read to its end.
    """
    tokens = read_tokens(script, elements=elements)
    reader = _Statements(tokens)
    reader.read()
    common = any(
        tokens[at].text == "module" and _texts(tokens, at, 3) == ("module", ".", "exports")
        for at in range(len(tokens))
    ) or any(
        token.text == "exports" and token.depth == 0 and _texts(tokens, at, 2) == ("exports", ".")
        for at, token in enumerate(tokens)
    )
    return ModuleStatements(
        exports=reader.exports,
        declared=reader.declared,
        passed_on=tuple(reader.passed_on),
        is_common_js=common,
    )


def _texts(tokens: Sequence[ScriptToken], at: int, count: int) -> tuple[str, ...]:
    return tuple(token.text for token in tokens[at : at + count])


class _Statements:
    def __init__(self, tokens: Sequence[ScriptToken]) -> None:
        self._tokens = tokens
        self.exports: dict[str, Expression] = {}
        self.declared: dict[str, Expression] = {}
        self.passed_on: list[str] = []

    def read(self) -> None:
        for at, token in enumerate(self._tokens):
            if token.depth or token.kind != "name" or self._is_property(at):
                continue
            if token.text == "import":
                self._import(at + 1)
            elif token.text == "export":
                self._export(at + 1)
            elif token.text in ("const", "let", "var", "function", "class", "enum"):
                self._declare(at)

    def _is_property(self, at: int) -> bool:
        return (
            at > 0
            and self._tokens[at - 1].text in (".", "?.")
            and (self._tokens[at - 1].kind == "mark")
        )

    def _text(self, at: int) -> str:
        return self._tokens[at].text if at < len(self._tokens) else ""

    def _is_mark(self, at: int, text: str) -> bool:
        return self._text(at) == text and self._tokens[at].kind == "mark"

    def _import(self, at: int) -> None:
        if self._is_mark(at, "(") or self._is_mark(at, "."):
            return  # import(…) and import.meta are expressions
        if self._text(at) == "type" and self._text(at + 1) not in ("from", ","):
            return
        names: dict[str, str] = {}
        if at < len(self._tokens) and self._tokens[at].kind == "name":
            names[self._text(at)] = DEFAULT
            at += 2 if self._is_mark(at + 1, ",") else 1
        if self._is_mark(at, "*"):
            names[self._text(at + 2)] = EVERYTHING
            at += 3
        elif self._is_mark(at, "{"):
            at, pairs = self._pairs(at)
            names |= {local: name for name, local in pairs}
        source = self._source(at)
        if source:
            self.declared |= {
                local: Imported(source=source, name=name) for local, name in names.items()
            }

    def _export(self, at: int) -> None:
        word = self._text(at)
        if (word == DEFAULT and self._tokens[at].kind == "name") or self._is_mark(at, "="):
            self.exports[DEFAULT] = self._expression(at + 1)
        elif self._is_mark(at, "*"):
            is_named = self._text(at + 1) == "as"
            source = self._source(at + 3 if is_named else at + 1)
            if is_named and source:
                self.exports[self._text(at + 2)] = Imported(source=source, name=EVERYTHING)
            elif source:
                self.passed_on.append(source)
        elif self._is_mark(at, "{"):
            end, pairs = self._pairs(at)
            source = self._source(end)
            for name, shown in pairs:
                self.exports[shown] = (
                    Imported(source=source, name=name) if source else LocalName(name=name)
                )
        elif word == "async":
            self.exports[self._text(at + 2)] = PlainValue(what="function")
        elif word in ("const", "let", "var", "function", "class", "enum", "abstract"):
            for name in self._names(at):
                self.exports[name] = LocalName(name=name)

    def _pairs(self, at: int) -> tuple[int, list[tuple[str, str]]]:
        """The pairs of ``{a, b as c}``, types left out, and where it goes on behind them."""
        depth = self._tokens[at].depth
        items: list[list[str]] = [[]]
        at += 1
        while at < len(self._tokens) and self._tokens[at].depth > depth:
            if self._is_mark(at, ","):
                items.append([])
            else:
                items[-1].append(self._text(at))
            at += 1
        pairs = []
        for item in items:
            is_type = len(item) in (2, 4) and item[0] == "type"
            if item and not is_type:
                pairs.append((item[0], item[-1]))
        return at + 1, pairs

    def _source(self, at: int) -> str:
        is_source = self._text(at) == "from" and at + 1 < len(self._tokens)
        return self._text(at + 1) if is_source and self._tokens[at + 1].kind == "text" else ""

    def _names(self, at: int) -> Iterator[str]:
        """The names that a declaration makes; those that are taken apart are left out."""
        if self._text(at) in ("const", "let", "var") and self._text(at + 1) != "enum":
            yield from (self._text(start) for start in self._declarators(at))
            return
        while self._text(at) in ("abstract", "const", "enum", "function", "class", "*"):
            at += 1
        if at < len(self._tokens) and self._tokens[at].kind == "name":
            yield self._text(at)

    def _declarators(self, at: int) -> Iterator[int]:
        """Where each name of ``const a = 1, b = 2`` stands."""
        yield at + 1
        for here in range(at + 1, len(self._tokens)):
            token = self._tokens[here]
            if token.depth == 0 and token.kind == "name" and token.text in _STATEMENTS:
                return
            if token.depth == 0 and token.kind == "mark" and token.text == ";":
                return
            is_next = self._is_mark(here + 1, "=") or self._is_mark(here + 1, ":")
            if token.depth == 0 and self._is_mark(here - 1, ",") and is_next:
                yield here

    def _declare(self, at: int) -> None:
        word = self._text(at)
        if word in ("function", "class", "enum") or self._text(at + 1) == "enum":
            for name in self._names(at):
                self.declared.setdefault(name, PlainValue(what=word))
            return
        for start in self._declarators(at):
            name = self._text(start)
            value = self._initial(start + 1)
            # What can be assigned anew may be something else by the time it is looked at.
            is_sure = word == "const" and value is not None
            self.declared[name] = value if is_sure and value else PlainValue()

    def _initial(self, at: int) -> Expression | None:
        """The value of a declared name, behind its type."""
        angles = 0  # those of the type; '=>' is a mark of its own
        for here in range(at, len(self._tokens)):
            token = self._tokens[here]
            if token.depth:
                continue
            if token.kind == "mark":
                angles += {"<": 1, ">": -1}.get(token.text, 0)
                if token.text == "=" and not angles:
                    return self._expression(here + 1)
                if token.text == ";" or (token.text == "," and not angles):
                    return None
            elif token.text in _STATEMENTS and token.kind == "name":
                return None
        return None

    def _expression(self, at: int) -> Expression:
        """An expression, as far as its first words say what it is."""
        if at >= len(self._tokens):
            return PlainValue()
        token = self._tokens[at]
        if token.kind == "text" or (token.kind == "value" and token.text != "<>"):
            return PlainValue(what="text" if token.kind == "text" else "value")
        if token.kind == "value":
            return PlainValue(what="element")
        if token.kind == "mark":
            return self._read_brackets(at)
        if token.text in _PLAIN_WORDS:
            return PlainValue(what=_PLAIN_WORDS[token.text])
        return self._read_name(at)

    def _read_brackets(self, at: int) -> Expression:
        kind = {"{": "object", "[": "list"}.get(self._text(at), "")
        if not kind:
            return PlainValue()
        end = self._end_of(at)
        return PlainValue(what=kind) if self._ends(end) else PlainValue()

    def _read_name(self, at: int) -> Expression:
        name, of = self._text(at), ""
        if self._is_mark(at + 1, "=>"):
            return PlainValue(what="function")
        if self._is_mark(at + 1, "."):
            name, of, at = self._text(at + 2), name, at + 2
        if not self._is_mark(at + 1, "("):
            is_alone = not of and self._ends(at + 1)
            return LocalName(name=name) if is_alone else PlainValue()
        if of and name == "withOverrides":  # of a plugin, it gives a plugin
            return LocalName(name=of) if self._ends(self._end_of(at + 1)) else PlainValue()
        end = self._end_of(at + 1)
        arguments = tuple(self._tokens[at + 2 : end - 1])
        while self._texts_at(end, 3) == (".", "withOverrides", "("):
            end = self._end_of(end + 2)
        is_all = self._ends(end)
        return Called(function=name, of=of, arguments=arguments) if is_all else PlainValue()

    def _texts_at(self, at: int, count: int) -> tuple[str, ...]:
        return _texts(self._tokens, at, count)

    def _end_of(self, at: int) -> int:
        """Where it goes on behind the brackets that open at ``at``."""
        depth = self._tokens[at].depth
        at += 1
        while at < len(self._tokens) and self._tokens[at].depth > depth:
            at += 1
        return at + 1

    def _ends(self, at: int) -> bool:
        """Whether an expression ends there, or goes on with nothing but types."""
        if at >= len(self._tokens):
            return True
        token = self._tokens[at]
        if token.kind == "mark":
            return token.text in (";", ",", "@")
        return token.kind == "name" and token.text not in ("in", "instanceof")


_STATEMENTS = frozenset(
    {"import", "export", "const", "let", "var", "function", "class", "enum", "interface", "type"}
)
_PLAIN_WORDS = {
    "function": "function",
    "async": "function",
    "class": "class",
    "abstract": "class",
    "true": "value",
    "false": "value",
    "null": "value",
    "undefined": "value",
    "interface": "type",
}
