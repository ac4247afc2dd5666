"""Which export of a published backend is the plugin: portals load the default export of its root.

A plugin that was published without one is given it. What is a feature can be seen where it is made,
by ``createBackendPlugin`` and its like (https://backstage.io/docs/backend-system/); nothing of the
package is run to find out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from factory.errors import SourceError
from factory.folders import entries_in
from factory.patterns import lazy_pattern
from factory.published.entry_points import ROOT
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from factory.published.entry_points import EntryPoint
    from factory.published.published_manifest import PublishedManifest

DEFAULT = "default"
# What portals load instead of a feature, as rhdh-cli's check of entry points says.
_INSTALLER = "dynamicPluginInstaller"
# As rollup and tsc write an export, with what it is where that is a name; as both write one of
# another file; and as esbuild lists them.
_EXPORTED = lazy_pattern(
    r"\bexports\.(?P<name>[A-Za-z_$][\w$]*)\s*=(?!=)(?:\s*(?:[\w$]+\.)?(?P<is>[A-Za-z_$][\w$]*)\s*[;\n])?",
    re.ASCII,
)
_DEFINED = lazy_pattern(r"\bdefineProperty\(exports,\s*[\"']([A-Za-z_$][\w$]*)[\"']", re.ASCII)
_LISTED = lazy_pattern(r"\b__export\([\w$]+,\s*\{(?P<list>[^{}]{0,20000})\}", re.ASCII)
_IN_LIST = lazy_pattern(r"([A-Za-z_$][\w$]*):\s*\(\)\s*=>\s*([A-Za-z_$][\w$]*)", re.ASCII)
_MADE = lazy_pattern(
    r"\b([A-Za-z_$][\w$]*)\s*=\s*(?:\(0,\s*)?(?:[\w$]+\.)?createBackend(?:Plugin|Module|FeatureLoader)\b",
    re.ASCII,
)
_NAME = lazy_pattern(r"(?:(?P<mount>\./[\w.-]+)#)?(?P<name>[A-Za-z_$][\w$]*)", re.ASCII)
_SCRIPTS = (".js", ".cjs")
_LARGEST = 40_000_000
_SHOWN = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedFeature:
    """An export that is a feature: of which entry point, and its name."""

    entry: EntryPoint
    name: str

    def __str__(self) -> str:
        """As ``--package-feature`` takes it."""
        return self.name if self.entry.mount == ROOT else f"{self.entry.mount}#{self.name}"


def choose_feature(
    manifest: PublishedManifest, folder: Path, entries: Sequence[EntryPoint], wanted: str | None
) -> PublishedFeature | None:
    """Return the export to make the default one; None where the package has the right one.

    Args:
        manifest: the plugin's.
        folder: its folder.
        entries: its entry points, the root first; CommonJS, all of them.
        wanted: the one to take, ``NAME`` or ``./alpha#NAME``; None for the only one.

    Raises:
        SourceError: there is none, there are several, or not the wanted one; they are named.
        OSError: a script cannot be read.
    """
    texts = {entry.mount: _text(folder / entry.script) for entry in entries}
    exported = {mount: _exports(text) for mount, text in texts.items()}
    if wanted:
        return _find_wanted(manifest, entries, exported, wanted)
    root = exported[ROOT]
    # Of a script in a form that is not known, rhdh-cli tells, which loads it.
    if _INSTALLER in root or not root:
        return None
    made = {name for script in _scripts(folder) for name in _MADE.findall(_text(script))}
    found = tuple(
        PublishedFeature(entry=entry, name=name)
        for entry in entries
        for name, means in sorted(exported[entry.mount].items())
        if name in made or means in made or (name == DEFAULT and entry.mount != ROOT)
    )
    at_root = {each.name for each in found if each.entry.mount == ROOT}
    if DEFAULT in root and (
        DEFAULT in at_root or not found or not _is_declared(root[DEFAULT], texts[ROOT])
    ):
        return None
    if len(found) == 1:
        return found[0]
    if found:
        raise SourceError(
            f"{manifest.name} has no default export for portals, and several that could be it",
            place=manifest.place("main"),
            found=", ".join(map(str, found)),
            expected="the one that a portal is to load",
            hint=f'choose it with --package-feature {found[0]}, or "package-feature": '
            f'"{found[0]}" in source.json',
        )
    shown = ", ".join(sorted(exported[ROOT])[:_SHOWN])
    raise SourceError(
        f"{manifest.name} exports no plugin of the new backend system",
        place=manifest.place("main"),
        found=f"the exports {shown}" if shown else "no exports",
        expected="a default export made by createBackendPlugin or createBackendModule",
        hint="take a newer version of the package; or build it from its repository, with an "
        "overlay that adds such an export",
    )


def make_default(folder: Path, feature: PublishedFeature, root: EntryPoint, way: str) -> None:
    """Add a default export to the root's script.

    Args:
        folder: the package's.
        feature: what is to be the default export.
        root: the entry point ``.``.
        way: the way from the root's script to the feature's, as a script writes it.

    Raises:
        OSError: the script cannot be written.
    """
    of = "exports" if feature.entry.mount == ROOT else f"require({way})"
    with (folder / root.script).open("a", encoding="utf-8") as script:
        script.write(f"\nmodule.exports.{DEFAULT} = {of}.{feature.name};\n")


def _find_wanted(
    manifest: PublishedManifest,
    entries: Sequence[EntryPoint],
    exported: dict[str, dict[str, str]],
    wanted: str,
) -> PublishedFeature:
    match = _NAME.fullmatch(wanted)
    mount, name = (match["mount"] or ROOT, match["name"]) if match else ("", "")
    for entry in entries:
        if entry.mount == mount and name in exported[mount]:
            return PublishedFeature(entry=entry, name=name)
    there = [
        str(PublishedFeature(entry=entry, name=each))
        for entry in entries
        for each in sorted(exported[entry.mount])
    ]
    raise SourceError(
        f"{manifest.name} has no such export",
        found=ascii(wanted)[:200],
        expected="one of " + ", ".join(there[:_SHOWN]) if there else "a package with exports",
    )


def _exports(text: str) -> dict[str, str]:
    """The names that a script exports, and what each is called there, as far as that shows."""
    found = {match[1]: "" for match in _DEFINED.finditer(text)}
    for listed in _LISTED.finditer(text):
        found |= {match[1]: match[2] for match in _IN_LIST.finditer(listed["list"])}
    for match in _EXPORTED.finditer(text):
        found[match["name"]] = found.get(match["name"]) or match["is"] or ""
    found.pop("__esModule", None)
    return found


def _is_declared(name: str, text: str) -> bool:
    """Whether a name is one of a function or a class of a script: no feature is made so."""
    return bool(name and re.search(rf"\b(?:function\*?|class)\s+{re.escape(name)}\s*[({{\s]", text))


def _scripts(folder: Path) -> Iterator[Path]:
    for entry in entries_in(folder):
        if entry.is_symlink():
            continue
        if entry.is_dir():
            yield from _scripts(entry)
        elif entry.suffix in _SCRIPTS and entry.stat().st_size <= _LARGEST:
            yield entry


def _text(script: Path) -> str:
    return script.read_text(encoding="utf-8", errors="replace")
