"""A JSON file from elsewhere: an object, and not too large a one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from factory.notation.json_text import parse_object

if TYPE_CHECKING:
    from pathlib import Path


def json_object(file: Path, *, limit: int) -> dict[str, Any]:
    """Return the object in a JSON file of at most ``limit`` bytes.

    Raises:
        ValueError: it cannot be read, is larger, is not JSON, or holds something else.
    """
    try:
        if file.stat().st_size > limit:
            raise ValueError(f"it has more than {limit} bytes")
        return parse_object(file.read_bytes())
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from error
