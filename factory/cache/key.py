"""The name of a finished plugin in the cache: a digest of everything that can change its bytes.

The parts are kept beside the plugin, so that a run can say which of them has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import field, replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

import factory
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


BUILD_NOTHING = frozenset(
    {
        *("cli", "ui", "doctor", "scaffolding"),  # what is shown, asked and examined
        *("inspection", "plan", "trial"),
        *("advisories", "catalogue", "updating", "upgrading"),  # what is done with many plugins
        "plugin_registry",  # the portal's side
        *("hosts", "schemas"),  # data: a host acts through the build arguments
    }
)
"""Rooms whose code reaches no artifact."""

_LEFT_OUT = frozenset({"__pycache__"})


@cache
def code_digest(package: Path | None = None) -> str:
    """Return the digest of the code that makes artifacts, 16 hexadecimal digits.

    Args:
        package: the folder of the package ``factory``; that of this process unless given.

    Raises:
        OSError: a file cannot be read.
    """
    root = package or Path(factory.__file__).parent
    digest = hashlib.sha256()
    for name in sorted(_files(root)):
        with open(f"{root}/{name}", "rb", buffering=0) as file:  # noqa: PTH123 - 300 files
            content = hashlib.sha256(file.read()).hexdigest()
        digest.update(os.fsencode(f"{content} {name}\0"))
    return digest.hexdigest()[:16]


def _files(root: Path) -> Iterator[str]:
    for folder, folders, names in os.walk(root):
        inside = Path(folder).relative_to(root)
        left_out = _LEFT_OUT | (BUILD_NOTHING if inside == Path() else frozenset())
        folders[:] = [name for name in folders if name not in left_out]
        for name in names:
            if not name.endswith((".pyc", ".pyo")):
                yield (inside / name).as_posix()


FORMAT = 2
"""Goes up when the parts get another meaning; that the factory's code changes, its digest says."""

Parts: TypeAlias = "Mapping[str, Mapping[str, str]]"
"""Groups of named digests or values; every one can change the artifact."""

FACTORY, SOURCE, ROOT, LOCKFILE = "factory", "source", "workspace", "yarn.lock"
CONFIGURATION, TOOLS, VARIABLES, HOST = "configuration", "tools", "variables", "host"

# How a group is spoken of; what is in none of these is named by itself.
_SPOKEN = {
    SOURCE: "the source of {}",
    ROOT: "{} of the workspace",
    LOCKFILE: "yarn.lock: {}",
    CONFIGURATION: "{}",
    TOOLS: "{}",
    VARIABLES: "the variable {}",
    HOST: "the host {}",
    FACTORY: "the factory's {}",
}
# In these the value itself tells; elsewhere it is a digest.
_TELLING = frozenset({LOCKFILE, TOOLS, FACTORY})
_ARGUMENTS = "arguments"


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginInputs:
    """What one plugin is made from, as :data:`Parts`."""

    parts: Parts = field(repr=False)

    def for_host(self, host_digest: str) -> PluginInputs:
        """Return the inputs of a build whose arguments were repaired for a host.

        A host acts on a plugin through its build arguments, so it is not a part of the key, unless
        an export failed and its arguments were mended from what the host has.
        """
        parts = dict(self.parts) | {HOST: MappingProxyType({"inventory": host_digest})}
        return replace(self, parts=MappingProxyType(parts))


def plugin_key(inputs: PluginInputs) -> str:
    """Return the key: 64 hexadecimal digits, the sha256 of the parts as canonical JSON."""
    return digest_of_value({group: dict(named) for group, named in inputs.parts.items()})


def digest_of_value(value: object) -> str:
    """Return the sha256, in hexadecimal digits, of a JSON value; whatever the order of names."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def explain(old: Parts, new: Parts) -> tuple[str, ...]:
    """Return what differs between two sets of parts, a short phrase each; nothing if they agree.

    For example ``yarn.lock: jose 5.1.0 -> 5.2.0`` or ``the source of plugins/todo``.
    """
    said: list[str] = []
    for group in sorted({*old, *new}, key=_order):
        before, after = old.get(group, {}), new.get(group, {})
        said += [
            _phrase(group, name, before.get(name), after.get(name))
            for name in sorted({*before, *after})
            if before.get(name) != after.get(name)
        ]
    return tuple(said)


def _order(group: str) -> tuple[int, str]:
    known = list(_SPOKEN)
    return (known.index(group) if group in known else len(known), group)


def _phrase(group: str, name: str, before: str | None, after: str | None) -> str:
    spoken = _SPOKEN.get(group, "{}").format(name)
    if name == _ARGUMENTS:
        spoken = "the build arguments"
    if before is None:
        return f"{spoken} is new" if group != LOCKFILE else f"{spoken} {_version(after)} is new"
    if after is None:
        return f"{spoken} is gone"
    if group not in _TELLING:
        return spoken
    if _version(before) == _version(after):
        return f"{spoken} {_version(after)} with other contents"
    return f"{spoken} {_version(before)} -> {_version(after)}"


def _version(value: str | None) -> str:
    """A lockfile's value without its checksums: ``5.1.0#0a1b`` is ``5.1.0``."""
    return ", ".join(one.partition("#")[0] for one in (value or "").split(", "))
