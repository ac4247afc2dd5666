"""What is remembered of a workspace: the keys of its plugins, for a source and a configuration.

With it, and all the entries it names, nothing needs to be checked out to know what a build would
give. It is small, and only believed whole: a damaged one counts as missing.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from factory.cache.key import digest_of_value
from factory.cache.store import (
    CANNOT_BE_WRITTEN,
    MEMO,
    note_file,
    read_note,
    write_note,
)
from factory.cache.tree import file_digest
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from factory.cache.store import Store

FORMAT = 2
# In a configuration directory, what no build reads. Variables act through the environment.
_OF_NO_BUILD = (".env", ".git", ".gitignore")


@dataclass(frozen=True, kw_only=True, slots=True)
class MemoPlugin:
    """A plugin of a workspace as it was built.

    ``arguments`` are those that it was exported with, ``written`` those of plugins-list.yaml,
    ``key`` is its entry's.
    """

    path: str
    name: str
    version: str
    role: str
    arguments: str
    written: str
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkspaceMemo:
    """What is remembered of a workspace: its plugins, and ``facts``, a JSON object of the caller's.

    Facts are what else a run without a checkout has to know, such as the time of the commit.
    """

    plugins: tuple[MemoPlugin, ...]
    facts: Mapping[str, Any]


def memo_digest(parts: dict[str, object]) -> str:
    """Return the name of a workspace's memo: the digest of everything that its keys depend on.

    That is the commit (or what is in a plain folder), the workspace's path in it, the digest
    of the configuration directory, the options and variables that count, what chooses the tools,
    and the digest of the host's inventory.
    """
    return digest_of_value({"format": FORMAT, **parts})


def configuration_digest(config_dir: Path) -> str:
    """Return a digest of the files of a configuration directory, ``.env`` and documents left out.

    Links are followed: in a container, such a directory is often made of links to the files.

    Raises:
        OSError: one cannot be read.
    """
    found: dict[str, list[str]] = {}
    pending = [(os.fspath(config_dir), "", frozenset[str]())]
    while pending:
        folder, inside, around = pending.pop()
        around |= {os.path.realpath(folder)}
        with os.scandir(folder) as entries:
            for entry in entries:
                if not inside and _is_of_no_build(entry.name):
                    continue
                name = inside + entry.name
                link = os.readlink(entry.path) if entry.is_symlink() else ""  # noqa: PTH115
                if entry.is_dir():
                    if os.path.realpath(entry.path) not in around:
                        pending.append((entry.path, f"{name}/", around))
                elif entry.is_file():
                    found[name] = [link, file_digest(entry.path)]
                elif link:
                    found[name] = [link, ""]
    return digest_of_value(found)


def _is_of_no_build(name: str) -> bool:
    # "..": what a mounted ConfigMap keeps its versions in, behind its links.
    return name in _OF_NO_BUILD or name.startswith("..") or name.lower().endswith(".md")


def remember(
    store: Store,
    digest: str,
    plugins: Iterable[MemoPlugin],
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Keep the memo of a workspace; a cache that cannot be written is reported, once."""
    body = {"plugins": [asdict(plugin) for plugin in plugins], "facts": dict(facts or {})}
    document = {"digest": digest_of_value([digest, body]), "memo": body}
    try:
        write_note(store, MEMO, digest, document)
    except OSError as error:
        store.tell(CANNOT_BE_WRITTEN, error)


def recall(store: Store, digest: str) -> WorkspaceMemo | None:
    """Return what is remembered under ``digest``, and mark it as used now; None if nothing is."""
    file = note_file(store, MEMO, digest)
    try:
        found = _read_memo(read_note(store, MEMO, digest), digest)
    except FileNotFoundError:
        return None
    except OSError as error:
        store.tell("cannot be read", error)
        return None
    except (ValueError, KeyError, TypeError):
        with contextlib.suppress(OSError):
            file.unlink()
        return None
    with contextlib.suppress(OSError):
        os.utime(file)
    return found


def _read_memo(document: Any, digest: str) -> WorkspaceMemo:
    """The memo that a note is.

    Raises:
        ValueError, KeyError, TypeError: it is not a memo.
    """
    body = document["memo"]
    if document["digest"] != digest_of_value([digest, body]):
        raise ValueError("it was changed")
    plugins = tuple(MemoPlugin(**plugin) for plugin in body["plugins"])
    facts = body["facts"]
    said = [text for plugin in plugins for text in asdict(plugin).values()]
    if not isinstance(facts, dict) or not all(isinstance(text, str) for text in said):
        raise TypeError("it has values that are not text")
    return WorkspaceMemo(plugins=plugins, facts=facts)
