"""YAML from elsewhere, read within limits: as Backstage reads it (1.2), or as Python does (1.1).

Backstage reads its configuration with the npm library ``yaml`` by the core schema of YAML 1.2
(https://yaml.org/spec/1.2.2/#103-core-schema): ``NO``, ``22:22`` and ``2026-01-01`` are text,
``010`` is ten, and ``<<`` is a key like any other. Whatever ends up in a portal's configuration is
read so.
"""

from __future__ import annotations

from copy import copy
from typing import Any

import yaml

from factory.notation.limits import DocumentError, decode_text
from factory.notation.yaml_loaders import BoundedLoader, CoreLoader, FailsafeLoader
from factory.patterns import lazy_pattern
from factory.values import dataclass

# Starts like a word or a path, and has no colon that a blank or the end follows.
_PLAIN = lazy_pattern(r"(?:\./)?[A-Za-z_/](?:[A-Za-z0-9_./@!+~=-]|:(?=[A-Za-z0-9_./@!+~=-]))*")
# https://yaml.org/type/bool.html and null.html, in any case.
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})
_UNFOLDED = 1_000_000_000


def yaml_text(value: Any, *, in_lines: bool = False) -> str:
    """Return a value of maps, lists, texts, numbers, truth values and None as a YAML document.

    ``in_lines`` writes texts of several lines as such (block style), where YAML can.
    """

    class Dumper(yaml.SafeDumper):
        """Lists one step further in than what they belong to, as people write these files."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
            super().increase_indent(flow, indentless=False)

        def ignore_aliases(self, _data: Any) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, written: str) -> yaml.ScalarNode:
        style = None if is_plain(written) else "|" if in_lines and "\n" in written else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", written, style=style)

    Dumper.add_representer(str, text)
    return yaml.dump(
        value,
        Dumper=Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=_UNFOLDED,
    )


def is_plain(text: str) -> bool:
    """Whether a text needs no quotes to be the same text for every reader."""
    return bool(_PLAIN.fullmatch(text)) and text.lower() not in _WORDS


# What Python says of a value such as 2024-13-45 or !!bool maybe, which PyYAML lets through.
_PASSED_ON = (RecursionError, ValueError, LookupError, AttributeError, TypeError)


@dataclass(frozen=True, kw_only=True, slots=True)
class YamlDocument:
    """A value, and the node that it was made of, which knows its lines; None if there is none."""

    value: Any
    root: yaml.Node | None


def parse_yaml(text: str | bytes) -> Any:
    """Return the value of a YAML 1.2 document, or None of an empty one: what Backstage makes of it.

    Keys are text, as in JavaScript: ``1``, ``true`` and ``null`` are the keys "1", "true" and "".

    Raises:
        DocumentError: a ValueError, with line and column; it is not one document of YAML 1.2,
            repeats a key, has a tag beyond the core schema, is nested more than
            :data:`~factory.notation.limits.DEEPEST` deep, or has more than
            :data:`~factory.notation.limits.LARGEST` values once its aliases are written out.
    """
    return read_yaml(text).value


def parse_yaml_1_1(text: str | bytes) -> Any:
    """Return the value of a YAML 1.1 document as PyYAML reads it, within the same limits.

    Raises:
        DocumentError: a ValueError; the document is invalid or exceeds a limit.
    """
    return read_yaml_1_1(text).value


def parse_yaml_texts(text: str | bytes) -> Any:
    """Return the value of a YAML document whose scalars are all texts, within the same limits.

    That is the failsafe schema (https://yaml.org/spec/1.2.2/#101-failsafe-schema), by which yarn
    reads its settings.

    Raises:
        DocumentError: a ValueError; the document is invalid or exceeds a limit.
    """
    return _read(text, FailsafeLoader).value


def read_yaml(text: str | bytes) -> YamlDocument:
    """Return a YAML 1.2 document with its nodes; raises as :func:`parse_yaml` does."""
    return _read(text, CoreLoader)


def read_yaml_1_1(text: str | bytes) -> YamlDocument:
    """Return a YAML 1.1 document with its nodes; raises as :func:`parse_yaml_1_1` does."""
    return _read(text, BoundedLoader)


def _read(text: str | bytes, loader_type: type[yaml.SafeLoader]) -> YamlDocument:
    written = decode_text(text) if isinstance(text, bytes) else text
    try:
        loader = loader_type(written)
        node = loader.get_single_node()
        root = copy(node)
        if root is not None and isinstance(node, yaml.MappingNode):
            root.value = list(node.value)  # "<<" is about to add the keys of another map
        value = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise DocumentError(
            error.problem or str(error.context),
            line=mark.line + 1 if mark else None,
            column=mark.column + 1 if mark else None,
        ) from error
    except yaml.reader.ReaderError as error:
        before = written[: error.position]
        raise DocumentError(
            f"the character U+{int(error.character):04X}",
            line=before.count("\n") + 1,
            column=len(before) - (before.rfind("\n") + 1) + 1,
            expected="text",
        ) from error
    except DocumentError:
        raise
    except _PASSED_ON as error:
        raise DocumentError(str(error)) from error
    return YamlDocument(value=value, root=root)
