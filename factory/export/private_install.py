"""What a bundled backend brings along: its private dependencies, and nothing that the portal has.

``package bundle`` makes no difference between the two: it would install Backstage's own packages
into the plugin, and a portal that is older than these stops at them. So what the portal has becomes
a peer dependency, at whatever depth it is asked for: while yarn installs, a stand-in without
dependencies is in the place of each, and is removed afterwards.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from factory.archives.npm_package import installed_packages
from factory.errors import ExportError
from factory.export.locked_install import lock_environment
from factory.files import write_whole
from factory.notation.json_text import parse_object
from factory.toolchain.runner import ProcessFailed
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from factory.export.locked_install import LockedInstall
    from factory.toolchain.assembled import Toolchain
    from factory.toolchain.runner import LoggedRunner

MANIFEST = "package.json"
_DYNAMIC = "-dynamic"
_EMBEDDED = "embedded"
_STAND_IN = "left-to-the-portal"
# What tells an embedded package from one that a registry vouches for; rhdh-cli says the same.
_MARK = "+embedded"
# No project of yarn's in the artifact, and no path of the machine that built it.
_OF_YARN = (".yarn", ".yarnrc.yml", "yarn.lock")
_OF_BUNDLE = (".gitignore", ".bundle-output", _EMBEDDED)


@dataclass(frozen=True, kw_only=True, slots=True)
class PortalShare:
    """What is not the plugin's own to bring.

    Attributes:
        shared: the names of the packages that the portal gives.
        suppressed: the names of native packages that the plugin does without.
    """

    shared: frozenset[str] = frozenset()
    suppressed: frozenset[str] = frozenset()


def install_private(
    folder: Path,
    share: PortalShare,
    locked: LockedInstall,
    *,
    env: Mapping[str, str],
    toolchain: Toolchain,
    runner: LoggedRunner,
) -> None:
    """Install the private dependencies of a bundled backend, as yarn.lock has them.

    Args:
        folder: the bundle, as ``package bundle --no-install`` leaves it.
        share: what the portal gives.
        locked: what makes the installation the locked one.
        env: the environment of the export; its ``TMPDIR`` is a folder of this process alone.
        toolchain: the yarn that installs.
        runner: starts it.

    Raises:
        ExportError: yarn failed.
        OSError: a file cannot be written.
        ValueError: a package.json of the bundle cannot be read.
    """
    stand_ins = prepare_manifests(folder, share)
    (folder / ".yarnrc.yml").write_text("nodeLinker: node-modules\n", encoding="utf-8")
    environment = lock_environment(locked, folder, env, toolchain)
    yarn = Path(environment["PATH"].partition(":")[0], "yarn")
    try:
        runner.run((yarn, "install", "--no-immutable"), cwd=folder, env=environment)
    except ProcessFailed as failure:
        raise ExportError(
            f"the private dependencies of {folder.parent.name} cannot be installed",
            found=failure.reason,
            details=failure.completed.last_words,
            hint="run 'yarn install' in the workspace and commit yarn.lock",
            log=runner.log,
        ) from failure
    finish_manifests(folder, share, stand_ins)


def remove_traces(folder: Path) -> None:
    """Remove what only the making of a bundle needs."""
    for name in (*_OF_YARN, *_OF_BUNDLE):
        path = folder / name
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def dynamic_name(name: str) -> str:
    """Return what portals and registries call the exported package of this name."""
    return name if name.endswith(_DYNAMIC) else f"{name}{_DYNAMIC}"


def read_manifest_object(file: Path) -> dict[str, Any]:
    """Return a package.json.

    Raises:
        OSError: it cannot be read.
        ValueError: it is not a JSON object.
    """
    return parse_object(file.read_bytes())


def write_manifest(file: Path, manifest: Mapping[str, Any]) -> None:
    """Write a package.json as npm does.

    Raises:
        OSError: it cannot be written.
    """
    write_whole(file, json.dumps(manifest, indent=2, ensure_ascii=False) + "\n")


def prepare_manifests(folder: Path, share: PortalShare) -> dict[str, str]:
    """Make a bundle's manifests what yarn is to install, and return the resolutions of stand-ins.

    Args:
        folder: the bundle, as ``package bundle --no-install`` leaves it.
        share: what the portal gives.

    Raises:
        OSError: a file cannot be read or written.
        ValueError: a package.json cannot be read.
    """
    main = read_manifest_object(folder / MANIFEST)
    embedded = _take_embedded(folder, share)
    peers = _move_shared(main, share)
    for file, manifest in embedded.items():
        peers = {**_move_shared(manifest, share), **_peers(manifest), **peers}
        manifest["version"] = f"{manifest.get('version', '0.0.0')}{_MARK}"
        for name in ("scripts", "devDependencies"):
            manifest.pop(name, None)
        write_manifest(file, manifest)
    names = {str(manifest.get("name")): file for file, manifest in embedded.items()}
    stand_ins = _write_stand_ins(folder, share)
    main["peerDependencies"] = _sort_by_name({**peers, **_peers(main)})
    main["resolutions"] = {
        **{name: f"file:./{_relative(file.parent, folder)}" for name, file in names.items()},
        **_suppress(folder, share),
        **stand_ins,
    }
    main["name"] = dynamic_name(str(main.get("name", "")))
    main["bundleDependencies"] = True
    write_manifest(folder / MANIFEST, main)
    return stand_ins


def _take_embedded(folder: Path, share: PortalShare) -> dict[Path, dict[str, Any]]:
    """The manifests of the workspace's packages that are embedded; those of the portal are gone."""
    found: dict[Path, dict[str, Any]] = {}
    # Those of packages before what else is called so within them.
    found_files = (folder / _EMBEDDED).rglob(MANIFEST)
    for file in sorted(found_files, key=lambda one: (len(one.parts), one)):
        if not file.is_file() or _is_inside_package(file, found):
            continue
        manifest = read_manifest_object(file)
        if manifest.get("name") in share.shared:
            shutil.rmtree(file.parent)
        else:
            found[file] = manifest
    return found


def _is_inside_package(file: Path, found: Mapping[Path, object]) -> bool:
    return any(file.is_relative_to(one.parent) for one in found)


def _move_shared(manifest: dict[str, Any], share: PortalShare) -> dict[str, str]:
    """Take what the portal gives out of a package's dependencies; return it with its ranges."""
    moved: dict[str, str] = {}
    for field in ("dependencies", "optionalDependencies"):
        listed = manifest.get(field)
        if isinstance(listed, dict):
            moved.update((name, listed.pop(name)) for name in [*listed] if name in share.shared)
    if moved:
        manifest["peerDependencies"] = _sort_by_name({**moved, **_peers(manifest)})
    return moved


def _peers(manifest: Mapping[str, Any]) -> dict[str, str]:
    listed = manifest.get("peerDependencies")
    return dict(listed) if isinstance(listed, dict) else {}


def _write_stand_ins(folder: Path, share: PortalShare) -> dict[str, str]:
    if not share.shared:
        return {}
    stand_in = folder / _EMBEDDED / _STAND_IN
    stand_in.mkdir(parents=True, exist_ok=True)
    write_manifest(stand_in / MANIFEST, {"name": _STAND_IN, "version": "0.0.0"})
    return dict.fromkeys(sorted(share.shared), f"file:./{_EMBEDDED}/{_STAND_IN}")


def _suppress(folder: Path, share: PortalShare) -> dict[str, str]:
    """Packages in the place of suppressed ones, which fail when they are loaded."""
    resolutions = {}
    for name in sorted(share.suppressed):
        place = f"{_EMBEDDED}/suppressed/{name}"
        target = folder / place
        target.mkdir(parents=True)
        write_manifest(target / MANIFEST, {"name": name, "main": "index.js"})
        text = f"The package {name} is native and was left out of this plugin."
        (target / "index.js").write_text(f"throw new Error({json.dumps(text)});\n")
        resolutions[name] = f"file:./{place}"
    return resolutions


def finish_manifests(folder: Path, share: PortalShare, stand_ins: Mapping[str, str]) -> None:
    """Take the stand-ins out of what is installed, and name what is asked of the portal.

    Raises:
        OSError: a file cannot be read, written or removed.
        ValueError: the package.json cannot be read.
    """
    modules = folder / "node_modules"
    for name in stand_ins:
        if (modules / name / MANIFEST).is_file():
            shutil.rmtree(modules / name)
    for scope in modules.glob("@*"):
        if scope.is_dir() and not any(scope.iterdir()):
            scope.rmdir()
    main = read_manifest_object(folder / MANIFEST)
    peers = {**dict(_asked_below(modules, share)), **_peers(main)}
    main["peerDependencies"] = _sort_by_name(peers)
    main.pop("resolutions", None)  # they name folders that go
    write_manifest(folder / MANIFEST, main)


def _asked_below(modules: Path, share: PortalShare) -> Iterator[tuple[str, str]]:
    """What the portal has to give to the plugin's private packages."""
    for file in sorted(folder / MANIFEST for folder in installed_packages(modules)):
        try:
            listed = read_manifest_object(file).get("dependencies")
        except (OSError, ValueError):
            continue  # yarn has read those that count
        if isinstance(listed, dict):
            yield from (
                (name, str(asked)) for name, asked in listed.items() if name in share.shared
            )


def _relative(folder: Path, root: Path) -> str:
    return folder.relative_to(root).as_posix()


def _sort_by_name(values: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(values.items()))
