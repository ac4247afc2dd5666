"""Whether a built frontend plugin shows: what its manifests expose, and what is behind that.

What says most comes first: ``backstage.features`` of package.json, which newer tools write of the
types of the default exports; then the bundle's own text, in which a feature leaves its ``$$type``;
then the source that its source maps carry. What none of them settles is unknown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from factory.attestation.source_maps import read_mapped_sources
from factory.frontend.bundle_manifests import (
    FEDERATION,
    SCALPRUM,
    BrokenManifestError,
    ExposedModule,
    FederationManifest,
    read_federation,
    read_scalprum,
)
from factory.frontend.default_features import (
    MODULE_TYPE,
    NEW_API,
    PLUGIN_TYPE,
    DefaultExport,
    ScriptReader,
    find_default_export,
)
from factory.frontend.extension_ids import find_extension_ids
from factory.frontend.source_tree import MappedScripts
from factory.frontend.verdict import (
    NEW_SYSTEM,
    NO_FEATURE_HINT,
    OLD_SYSTEM,
    FrontendVerdict,
    SystemVerdict,
    say_hidden,
    say_shown,
    say_undecided,
)
from factory.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from factory.frontend.extension_ids import ExtensionIds

_SEARCHED = 128 * 1024 * 1024
_LARGEST_SCRIPT = 32 * 1024 * 1024
_FEATURES = (PLUGIN_TYPE, MODULE_TYPE)
# A key of the exports that a bundler defines for a module; a minifier may leave out the quotes.
_DEFAULT_KEY = lazy_pattern(rb"""[{,]\s*["']?default["']?\s*[:(]""")
_MAIN = "."


def judge_bundle(root: Path, package: Mapping[str, Any]) -> FrontendVerdict:
    """Return whether a built frontend plugin shows.

    Args:
        root: its unpacked folder, without links that leave it.
        package: its package.json.
    """
    return FrontendVerdict(old=_judge_old(root), new=_judge_new(root, package))


def _judge_old(root: Path) -> SystemVerdict:
    try:
        manifest = read_scalprum(root)
    except BrokenManifestError as error:
        return say_hidden(OLD_SYSTEM, f"{error.problem} ({error.found})")
    if manifest is None:
        return say_hidden(
            OLD_SYSTEM,
            f"there is no {SCALPRUM}",
            hint="export it without --no-generate-scalprum-assets",
        )
    return say_shown(
        OLD_SYSTEM,
        f"what is mounted of {manifest.name} under dynamicPlugins.frontend appears",
    )


def _judge_new(root: Path, package: Mapping[str, Any]) -> SystemVerdict:
    try:
        manifest = read_federation(root)
    except BrokenManifestError as error:
        return say_hidden(NEW_SYSTEM, f"{error.problem} ({error.found})")
    if manifest is None:
        return say_hidden(
            NEW_SYSTEM,
            f"there is no {FEDERATION}",
            hint="export it without --no-generate-module-federation-assets",
        )
    if not manifest.exposed:
        return say_hidden(NEW_SYSTEM, f"{FEDERATION} exposes no module", hint=NO_FEATURE_HINT)
    said = read_features(package)
    if said:
        return _judge_stated(manifest, said)
    return _judge_text(root, manifest)


def read_features(package: Mapping[str, Any]) -> dict[str, str]:
    """Return ``backstage.features`` of a package.json: types by the names of exposed modules."""
    backstage = package.get("backstage")
    features = backstage.get("features") if isinstance(backstage, dict) else None
    return {
        mount.removeprefix("./") or _MAIN: kind
        for mount, kind in (features.items() if isinstance(features, dict) else ())
        if isinstance(kind, str)
    }


def _judge_stated(manifest: FederationManifest, features: Mapping[str, str]) -> SystemVerdict:
    exposed = {one.name for one in manifest.exposed}
    wanted = {mount: kind for mount, kind in features.items() if kind in _FEATURES}
    there = [f'"{mount}" is a {kind}' for mount, kind in wanted.items() if mount in exposed]
    if there:
        return say_shown(NEW_SYSTEM, f"backstage.features: {', '.join(there)}")
    if wanted:
        missing = ", ".join(f'"{mount}"' for mount in wanted)
        return say_hidden(
            NEW_SYSTEM,
            f"the bundle does not expose {missing}, where its feature is",
            hint="export it again with a tsconfig.json in the workspace's root: the bundler "
            "exposes an entry point only if the type of its default export is a feature's",
        )
    said = ", ".join(f'"{mount}" is a {kind}' for mount, kind in features.items())
    return say_hidden(
        NEW_SYSTEM,
        f"no default export is a frontend plugin or module (backstage.features: {said})",
        hint=NO_FEATURE_HINT,
    )


def _judge_text(root: Path, manifest: FederationManifest) -> SystemVerdict:
    dist = (root / FEDERATION).parent
    loaded = list(_texts(dist, _sync_scripts(manifest)))
    if loaded and not any(_DEFAULT_KEY.search(text) for text in loaded):
        return say_hidden(NEW_SYSTEM, "what it exposes has no default export", hint=NO_FEATURE_HINT)
    is_shared = any(one.name == NEW_API for one in manifest.shared)
    if not is_shared and not _mentions_feature(dist):
        return say_hidden(
            NEW_SYSTEM,
            f"no script in it makes a {PLUGIN_TYPE} or a {MODULE_TYPE}",
            hint=NO_FEATURE_HINT,
        )
    others = [f'"{one.name}"' for one in manifest.exposed if one.name != _MAIN]
    if others:
        return say_shown(
            NEW_SYSTEM,
            f"it exposes {', '.join(others)}, and Backstage's bundler exposes no further entry "
            "point but one whose default export is a feature",
        )
    return _judge_mapped(dist, manifest)


def _judge_mapped(dist: Path, manifest: FederationManifest) -> SystemVerdict:
    """What the plugin's own modules say, as far as the source maps carry them."""
    own = _read_own_scripts(dist, manifest)
    reader = ScriptReader(MappedScripts(texts=own))
    index = reader.find("src/index")
    found = [find_default_export(reader, path) for path in ([index] if index else own)]
    defaults = [one for one in found if one.kind != "none"]
    if defaults and all(one.is_feature for one in defaults):
        return say_shown(NEW_SYSTEM, f'the default export of ".": {defaults[0].why}')
    if index and all(one.is_feature is False for one in found):
        return say_hidden(NEW_SYSTEM, _reason_of(found), hint=NO_FEATURE_HINT)
    return say_undecided(
        NEW_SYSTEM,
        "the bundle does not say whether its default export is a frontend plugin or module",
        hint="analyze tells it from the source; newer tools write backstage.features",
    )


def _read_own_scripts(dist: Path, manifest: FederationManifest) -> dict[str, str]:
    """The plugin's own scripts, as far as the source maps of what it exposes carry them."""
    names = (f"{name}.map" for name in _sync_scripts(manifest))
    return {
        path.removeprefix("./"): content
        for text in _texts(dist, names)
        for path, content in read_mapped_sources(text).items()
        if path.startswith("./src/")
    }


def read_extension_ids(root: Path) -> tuple[ExtensionIds, ...] | str:
    """Return what is known of the extensions that a built frontend makes, or why nothing is.

    Args:
        root: its unpacked folder, without links that leave it.
    """
    try:
        manifest = read_federation(root)
    except BrokenManifestError as error:
        return f"{error.problem} ({error.found})"
    if manifest is None:
        return f"there is no {FEDERATION}"
    own = _read_own_scripts((root / FEDERATION).parent, manifest)
    if not own:
        return "the bundle has no source maps that carry its source"
    reader = ScriptReader(MappedScripts(texts=own))
    stems = ("index" if one.name == _MAIN else one.name for one in manifest.exposed)
    entries = [reader.find(f"src/{stem}") for stem in stems]
    there = [path for path in entries if path]
    if len(there) < len(entries):  # a script that only passes on what others export is not in it
        there += [path for path in own if find_default_export(reader, path).is_feature]
    found = find_extension_ids(reader, there, others=tuple(own))
    if found is None:
        return "the source in its source maps does not say it outright"
    return found or "no default export in its source maps is a frontend plugin or module"


def _reason_of(found: list[DefaultExport]) -> str:
    return f'the default export of "." is not a frontend plugin or module: {found[0].why}'


def _sync_scripts(manifest: FederationManifest) -> tuple[str, ...]:
    """The scripts that come with the exposed modules themselves."""

    def scripts(one: ExposedModule) -> Iterator[str]:
        return (file for file in one.sync if file.endswith((".js", ".mjs")))

    return tuple(dict.fromkeys(file for one in manifest.exposed for file in scripts(one)))


def _texts(dist: Path, names: Iterator[str] | tuple[str, ...]) -> Iterator[bytes]:
    """The content of files in a folder, as far as they are there and not huge."""
    top = dist.resolve()
    for name in names:
        try:
            file = (top / name).resolve()
            is_fit = file.is_relative_to(top) and file.is_file()
            if is_fit and file.stat().st_size <= _LARGEST_SCRIPT:
                yield file.read_bytes()
        except (OSError, ValueError, RuntimeError):
            continue


def _mentions_feature(dist: Path) -> bool:
    """Whether a script of the bundle has a feature's ``$$type`` in it; yes if it is too large."""
    marks = [mark.encode() for mark in _FEATURES]
    left = _SEARCHED
    for file in sorted(dist.rglob("*.js")):
        for text in _texts(dist, (file.relative_to(dist).as_posix(),)):
            left -= len(text)
            if left < 0 or any(mark in text for mark in marks):
                return True
    return False
