"""Which names of entries are safe on every system that may unpack them."""

from __future__ import annotations

import re
import unicodedata

from factory.patterns import lazy_pattern

_LONGEST_PART = 255
_LONGEST = 1024
# Unicode's property Default_Ignorable_Code_Point (DerivedCoreProperties.txt).
_INVISIBLE = lazy_pattern(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_FAULTS = {
    "has a name that is not UTF-8": re.compile(r"[\ud800-\udfff]"),
    "has a control character in its name": re.compile(r"[\x00-\x1f\x7f-\x9f]"),
    "has a backslash in its name": re.compile(r"\\"),
    "has a character in its name that changes the reading direction": re.compile(
        r"[\u202a-\u202e\u2066-\u2069]"
    ),
    "has an absolute name": re.compile(r"^/"),
    "has a name that begins with a drive letter": re.compile(r"^[A-Za-z]:"),
}


def fault_of_name(name: str) -> str | None:
    """Return what is wrong with an entry's name, as the end of a sentence; None if nothing is."""
    parts = name.split("/")
    if ".." in parts:
        return "has '..' in its name"
    for fault, pattern in _FAULTS.items():
        if pattern.search(name):
            return fault
    if len(name) > _LONGEST or any(len(part.encode()) > _LONGEST_PART for part in parts):
        return "has a name that is too long"
    return None


def clean_name(name: str) -> str:
    """Return the name without ``.`` and empty parts; ``""`` is the archive's root."""
    return "/".join(part for part in name.split("/") if part not in ("", "."))


def fold_name(name: str) -> str:
    """Return what two names have in common if some file system takes them for one.

    Such systems ignore case, compare Unicode text in a normal form (APFS, NTFS), or pass over what
    is not seen (HFS+). People take what they cannot see for nothing, too.
    """
    if name.isascii():
        return name.lower()
    seen = _INVISIBLE.sub("", name)
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", seen).casefold())


def resolve_target(name: str, target: str, depth_of_root: int) -> str | None:
    """Return where the symbolic link ``name`` leads, or None if it may leave the root.

    ``..`` is taken only at a target's beginning: after a name it would be counted from wherever
    that name, if it is a link itself, leads to.

    Args:
        name: the link's own clean name.
        target: what it says.
        depth_of_root: how many first parts of ``name`` are the folder that it must stay in.
    """
    parts = [part for part in target.split("/") if part not in ("", ".")]
    names = [part for part in parts if part != ".."]
    climbs = len(parts) - len(names)
    folder = name.split("/")[:-1]
    leaves = target.startswith("/") or len(folder) - climbs < depth_of_root
    if not target or leaves or parts[climbs:] != names or fault_of_name("/".join(names)):
        return None
    return "/".join([*folder[: len(folder) - climbs], *names])
