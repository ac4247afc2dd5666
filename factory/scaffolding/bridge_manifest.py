"""A plugin's package.json and yarn.lock with what its bridge needs, as a patch.

Versions are the portal's or older ones: a bridge that was built with a newer
``@backstage/core-compat-api`` than the page's asks it for what it does not have.
"""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING, Any

from factory.analysis.backstage_releases import list_releases, packages_of_release
from factory.analysis.lockfile import split_descriptor
from factory.errors import UsageError
from factory.patterns import lazy_pattern
from factory.values import dataclass
from factory.versions import compare_versions, is_range, is_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from factory.analysis.inventory import HostInventory
    from factory.analysis.lockfile import LockEntry, Lockfile

_PLACES = ("dependencies", "peerDependencies")
_INDENT = lazy_pattern(r"^([ \t]+)\S", re.MULTILINE)
_NPM = "npm:"


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedRange:
    """The range by which a package is asked for, and whether yarn.lock has it."""

    package: str
    range: str
    is_locked: bool


def choose_ranges(
    packages: Iterable[str],
    package_json: Mapping[str, Any],
    lockfile: Lockfile | None,
    host: HostInventory,
) -> tuple[WantedRange, ...]:
    """Return the ranges of the packages that a plugin does not yet ask for.

    It is one that yarn.lock has and that leads to no newer version than the portal's, else the
    portal's version itself.

    Raises:
        UsageError: the portal has no such package.
    """
    asked = {name for place in _PLACES for name in _texts(package_json.get(place))}
    return tuple(
        _choose(package, package_json, lockfile, host)
        for package in packages
        if package not in asked
    )


def portal_version(host: HostInventory, package: str) -> str:
    """Return the version of a package that a portal's app has.

    It is that of the portal's release of Backstage, so that several packages fit each other; where
    the portal has another one, the oldest of its versions.

    Raises:
        UsageError: it has none.
    """
    versions = host.versions(package)
    if not versions:
        raise UsageError(
            f"the portal {host.name} does not have {package}",
            expected="a portal whose packages include it",
            hint="name another one with --host; 'plugin-factory host list' shows them",
        )
    known = packages_of_release(host.backstage) if host.backstage in list_releases() else {}
    own = known.get(package, "")
    return own if own in versions else versions[0]


def find_newer(
    packages: Iterable[str],
    package_json: Mapping[str, Any],
    lockfile: Lockfile | None,
    host: HostInventory,
) -> Iterator[tuple[str, str]]:
    """Return each package that the plugin's lock has newer than the portal, and its version."""
    for package in packages:
        for place in _PLACES:
            asked = _texts(package_json.get(place)).get(package)
            entry = lockfile.resolve(package, asked) if lockfile and asked else None
            if entry and _is_newer(entry.version, portal_version(host, package)):
                yield package, entry.version
                break


def package_json_with(
    text: str,
    package_json: Mapping[str, Any],
    mount: str,
    script: str,
    wanted: Iterable[WantedRange],
) -> str:
    """Return the text of a package.json with an entry point and dependencies more.

    Args:
        text: as it is.
        package_json: what it says.
        mount: the entry point, such as ``./alpha``.
        script: the script of the entry point, such as ``src/alpha.tsx``.
        wanted: the further dependencies.
    """
    changed = dict(package_json)
    exports = changed.get("exports")
    if isinstance(exports, str) or (isinstance(exports, dict) and "." not in exports):
        exports = {".": exports}  # one target, or conditions, of the package itself
    if not isinstance(exports, dict):
        main = package_json.get("main")
        main = main if isinstance(main, str) and main.startswith(("src/", "./src/")) else ""
        exports = {".": f"./{main.removeprefix('./')}" if main else "./src/index.ts"}
        exports["./package.json"] = "./package.json"
    changed["exports"] = {**exports, mount: f"./{script}"}
    more = {one.package: one.range for one in wanted}
    if more:
        merged = {**_texts(package_json.get("dependencies")), **more}
        changed["dependencies"] = dict(sorted(merged.items()))
        for name in more:
            own = changed.get("devDependencies")
            if isinstance(own, dict) and name in own:
                changed["devDependencies"] = {key: own[key] for key in own if key != name}
    found = _INDENT.search(text)
    indent = found[1] if found else "  "
    return json.dumps(changed, indent=indent, ensure_ascii=False) + "\n"


def lock_with(
    text: str, lockfile: Lockfile, member: LockEntry, wanted: Iterable[WantedRange]
) -> str:
    """Return the text of a yarn.lock whose member asks for more, of what is locked already.

    That of yarn 1 does not say what members ask for.
    """
    if lockfile.generation == "classic":
        return text
    lines = text.splitlines(keepends=True)
    for one in wanted:
        _add_line(lines, member.line, one)
    return "".join(lines)


def unified_patch(path: str, before: str, after: str) -> str:
    """Return the difference between two texts of a file as git writes it, "" if there is none."""
    marked = difflib.unified_diff(
        before.splitlines(keepends=True),
        after.splitlines(keepends=True),
        f"a/{path}",
        f"b/{path}",
    )
    lines = [
        line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
        for line in marked
    ]
    return f"diff --git a/{path} b/{path}\n{''.join(lines)}" if lines else ""


def _choose(
    package: str,
    package_json: Mapping[str, Any],
    lockfile: Lockfile | None,
    host: HostInventory,
) -> WantedRange:
    most = portal_version(host, package)
    fitting = [
        (entry, asked)
        for entry in (lockfile.entries_of(package) if lockfile else ())
        for asked in map(_npm_range, entry.descriptors)
        if asked and is_version(entry.version) and not _is_newer(entry.version, most)
    ]
    if not fitting:
        return WantedRange(package=package, range=most, is_locked=False)
    developed = _texts(package_json.get("devDependencies")).get(package)
    own = [asked for _, asked in fitting if asked == developed]
    newest = max(fitting, key=lambda each: [int(part) for part in _numbers(each[0].version)])
    return WantedRange(package=package, range=own[0] if own else newest[1], is_locked=True)


def _numbers(version: str) -> list[str]:
    return version.split("-", maxsplit=1)[0].split("+", maxsplit=1)[0].split(".")


def _npm_range(descriptor: str) -> str:
    """The range of a descriptor, "" if it is bound to more than the registry."""
    asked = split_descriptor(descriptor)[1].removeprefix(_NPM)
    return asked if is_range(asked) and ":" not in asked else ""


def _is_newer(version: str, than: str) -> bool:
    return is_version(version) and is_version(than) and compare_versions(version, than) > 0


def _add_line(lines: list[str], entry: int, wanted: WantedRange) -> None:
    """Put a dependency into the entry that begins at a line (from 1), in yarn's order."""
    at = entry
    end = next((at for at in range(entry, len(lines)) if not lines[at].strip()), len(lines))
    head = next((at for at in range(entry, end) if lines[at].rstrip() == "  dependencies:"), None)
    value = _quote(_lock_range(lines, wanted))
    line = f"    {_quote(wanted.package)}: {value}\n"
    if head is None:
        resolution = next(at for at in range(entry, end) if lines[at].startswith("  resolution:"))
        lines[resolution + 1 : resolution + 1] = ["  dependencies:\n", line]
        return
    at = head + 1
    while at < end and lines[at].startswith("    "):
        name = lines[at].strip().partition('": ' if lines[at].strip()[0] == '"' else ": ")[0]
        name = name.strip('"')
        if name == wanted.package:
            lines[at] = line
            return
        if name > wanted.package:
            break
        at += 1
    lines.insert(at, line)


def _lock_range(lines: list[str], wanted: WantedRange) -> str:
    """The range as the lockfile writes it: with its protocol, or bare in older ones."""
    bound = f"{wanted.package}@{_NPM}{wanted.range}"
    has_protocol = any(bound in line for line in lines if line[:1] not in (" ", "#", "\n"))
    return f"{_NPM}{wanted.range}" if has_protocol else wanted.range


def _quote(text: str) -> str:
    """A text as yarn writes it: with quotes unless it is as plain as can be."""
    return text if re.fullmatch(r"[A-Za-z0-9^~.*][A-Za-z0-9 ^~.|_<>=*/-]*", text) else f'"{text}"'


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        return {}
    return {name: text for name, text in value.items() if isinstance(text, str)}
