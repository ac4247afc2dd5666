"""Package.jsons that ask for their dependencies in npm's words, for as long as exports read them.

``catalog:`` (https://yarnpkg.com/features/catalogs) and ``backstage:`` stand for ranges that only
the workspace knows. rhdh-cli compares ranges by npm's rules, which these break, and would ship
them. Yarn puts the ranges in their place when it packs; so does this, and puts back what was there.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from factory.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class PlainRanges:
    """What one package.json is to say instead: by field, and there by dependency, a range."""

    file: Path
    fields: Mapping[str, Mapping[str, str]]


@contextlib.contextmanager
def plain_manifests(changes: Iterable[PlainRanges]) -> Iterator[None]:
    """Change the package.jsons, and put them back as they were at the end of the block.

    Raises:
        OSError: a file cannot be read or written.
    """
    with contextlib.ExitStack() as undo:
        for change in changes:
            before = change.file.read_bytes()
            document: dict[str, Any] = json.loads(before.decode("utf-8-sig"))
            for field, ranges in change.fields.items():
                document[field] = document[field] | ranges
            undo.callback(change.file.write_bytes, before)
            write_whole(change.file, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        yield
