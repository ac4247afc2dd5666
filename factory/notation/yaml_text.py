"""YAML from elsewhere, read within limits: as Backstage reads it (1.2), or as Python does (1.1).

Backstage reads its configuration with the npm library ``yaml`` by the core schema of YAML 1.2
(https://yaml.org/spec/1.2.2/#103-core-schema): ``NO``, ``22:22`` and ``2026-01-01`` are text,
``010`` is ten, and ``<<`` is a key like any other. Whatever ends up in a portal's configuration is
read so.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from factory.notation.limits import DocumentError, decoded_text

if TYPE_CHECKING:
    import yaml

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


def read_yaml(text: str | bytes) -> YamlDocument:
    """Return a YAML 1.2 document with its nodes; raises as :func:`parse_yaml` does."""
    from factory.notation.yaml_loaders import CoreLoader  # noqa: PLC0415 - late: loads PyYAML

    return _read(text, CoreLoader)


def read_yaml_1_1(text: str | bytes) -> YamlDocument:
    """Return a YAML 1.1 document with its nodes; raises as :func:`parse_yaml_1_1` does."""
    from factory.notation.yaml_loaders import BoundedLoader  # noqa: PLC0415 - late: loads PyYAML

    return _read(text, BoundedLoader)


def _read(text: str | bytes, loader_type: type[yaml.SafeLoader]) -> YamlDocument:
    import yaml  # noqa: PLC0415 - late: --help does not need it

    written = decoded_text(text) if isinstance(text, bytes) else text
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
