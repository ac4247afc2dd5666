"""A JSON file from elsewhere: an object, and not too large a one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

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
        document = json.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(error.strerror or str(error)) from error
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    if not isinstance(document, dict):
        raise ValueError("it holds no object")  # noqa: TRY004 - a fault of the file, as the others
    return document
