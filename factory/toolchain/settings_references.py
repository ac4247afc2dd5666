r"""What settings files of npm and yarn refer to as ``${NAME}``, read as these programs read them.

The programs differ in what a reference is and in what becomes of one that names nothing:

===================  ==============================  ===============================================
``.yarnrc.yml``      ``${NAME}``, ``${NAME:-else}``  yarn 2 and later end with "Environment variable
                     in a value; ``\${`` is text      not found" (``replaceEnvVariables``)
``.npmrc``, by npm   ``${NAME}``, ``${NAME?}``       it is left as it stands (``env-replace`` of
                     in a key or a value             ``@npmcli/config``)
``.npmrc``, by       ``${NAME}``                     yarn 1 ends with "Failed to replace env in
yarn 1                                               config" (``env-replace``)
===================  ==============================  ===============================================

Comments refer to nothing. Neither does ``.yarnrc``, in which yarn 1 replaces nothing.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from factory.notation.json_text import parse_json
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yaml import Node as YamlNode

NPMRC = ".npmrc"
YARNRC = ".yarnrc.yml"

_IN_YARNRC = lazy_pattern(r"(\\?)\$\{([A-Za-z0-9_]+)(:?)(?:-([^}]*))?\}")
_IN_NPMRC = lazy_pattern(r"(?<!\\)(\\*)\$\{([^${}?]+)(\?)?\}")
# What stands before a comment, and in it what an escape stands for: "\\;" is ";".
_BEFORE_COMMENT = lazy_pattern(r"(?:[^\\;#]|\\.?)*")
_ESCAPED = lazy_pattern(r"\\([\\;#])")
# Settings that say who asks: without a value yarn and npm ask as nobody.
_LOGIN = lazy_pattern(r"auth|token|password|username|ident", re.IGNORECASE)
_MOST_BYTES = 1 << 20
_WITHOUT_SETTINGS = frozenset({"node_modules", ".git", ".yarn", "dist", "dist-dynamic"})
_DEEPEST = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class SettingsReference:
    """A settings file's reference to a variable.

    ``field`` is the setting, as far as it is known; ``optional`` references say themselves what
    they are where there is no such variable.
    """

    name: str
    file: Path
    field: str
    optional: bool

    @property
    def is_login(self) -> bool:
        """Whether the setting says who asks, and may be empty where no login is needed."""
        return bool(_LOGIN.search(self.field.replace("${", "").rpartition(".")[2]))

    @property
    def is_yarns(self) -> bool:
        """Whether yarn 2 and later read the file."""
        return self.file.name != NPMRC and self.file.suffix in (".yml", ".yaml")


def references_in(file: Path) -> tuple[SettingsReference, ...]:
    """Return what a settings file refers to; nothing for one that is not there or not readable.

    A file that is not YAML refers to nothing: yarn says so itself, in its own words.
    """
    try:
        with file.open(encoding="utf-8", errors="replace") as opened:
            text = opened.read(_MOST_BYTES)
    except OSError:
        return ()
    found = _yarnrc(text, file) if file.suffix in (".yml", ".yaml") else _npmrc(text, file)
    return tuple(dict.fromkeys(found))


def settings_files_below(folder: Path) -> tuple[Path, ...]:
    """Return the settings files in a workspace's folder and in those below it, in order.

    Whatever runs in a package's folder reads the files there, too. What is installed is not looked
    at, nor what cannot be read.
    """
    found = []
    for where, folders, files in os.walk(folder):
        deep = len(Path(where).relative_to(folder).parts) >= _DEEPEST
        folders[:] = [] if deep else sorted(set(folders) - _WITHOUT_SETTINGS)
        found += [Path(where) / name for name in (NPMRC, YARNRC) if name in files]
    return tuple(found)


def _npmrc(text: str, file: Path) -> Iterator[SettingsReference]:
    for line in text.splitlines():
        stated = line.strip()
        if not stated or stated[0] in ";#[":
            continue
        key, _, value = stated.partition("=")
        for part in (_ini_value(key), _ini_value(value)):
            for match in _IN_NPMRC.finditer(part):
                if len(match[1]) % 2 == 0:
                    optional = bool(match[3])
                    yield SettingsReference(
                        name=match[2], file=file, field=key.strip(), optional=optional
                    )


def _ini_value(written: str) -> str:
    """What the npm library ``ini`` reads (``unsafe``): quotes, else comments and escapes."""
    value = written.strip()
    if len(value) > 1 and value[0] == value[-1] and value[0] in "'\"":
        inner = value if value[0] == '"' else value[1:-1]
        try:
            return str(parse_json(inner))
        except ValueError:
            return inner
    begun = _BEFORE_COMMENT.match(value)
    return _ESCAPED.sub(r"\1", begun[0] if begun else "").strip()


def _yarnrc(text: str, file: Path) -> Iterator[SettingsReference]:
    for field, value in _scalars(text):
        for match in _IN_YARNRC.finditer(value):
            if not match[1]:
                optional = match[4] is not None
                yield SettingsReference(name=match[2], file=file, field=field, optional=optional)


def _scalars(text: str) -> Iterator[tuple[str, str]]:
    """Every value of a YAML document with the names that lead to it; each alias counts once."""
    try:
        root = yaml.compose(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, RecursionError, ValueError):
        return
    left: list[tuple[str, YamlNode]] = [("", root)] if root else []
    seen: set[int] = set()
    while left:
        field, node = left.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            yield field, node.value
        elif isinstance(node, yaml.SequenceNode):
            left += [(field, each) for each in node.value]
        elif isinstance(node, yaml.MappingNode):
            left += [(f"{field}.{key.value}".lstrip("."), value) for key, value in node.value]
