"""``backstage-cli package bundle``: Backstage's own engine, behind the same seam as rhdh-cli.

It packs the plugin and the workspace's packages below it, and bundles a frontend by module
federation. What it leaves becomes the same artifact as rhdh-cli's: the name with ``-dynamic``, the
portal's packages as peers, private dependencies as yarn.lock has them, no path of this machine.
"""

from __future__ import annotations

import logging
import shlex
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from factory.errors import ExportError
from factory.export.bundling import (
    bundling_environment,
    find_unknown_bundles,
    place_tool,
    warn_of_unknown_bundles,
)
from factory.export.dynamic import DIST_DYNAMIC
from factory.export.feature_types import find_untyped_features, warn_of_untyped_features
from factory.export.private_install import (
    MANIFEST,
    dynamic_name,
    install_private,
    read_manifest_object,
    remove_traces,
    write_manifest,
)
from factory.export.refusal import failure_message
from factory.toolchain.backstage_bundler import PACKAGE
from factory.toolchain.runner import ProcessFailed
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from factory.export.dynamic import ExportRequest
    from factory.toolchain.assembled import Toolchain
    from factory.toolchain.backstage_bundler import BackstageBundler
    from factory.toolchain.runner import LoggedRunner

log = logging.getLogger(__name__)

_MF_MANIFEST = "dist/mf-manifest.json"
_HINT = (
    "docs/how-to/choose-an-engine.md says what this engine needs; '--engine rhdh' exports with "
    "rhdh-cli"
)


def bundle_plugin(
    request: ExportRequest,
    *,
    toolchain: Toolchain,
    runner: LoggedRunner,
    alone: AbstractContextManager[object],
) -> Path:
    """Bundle the plugin and return its ``dist-dynamic`` folder.

    Args:
        request: what is exported; ``arguments`` are not given to this engine.
        toolchain: has the bundler.
        runner: starts it.
        alone: entered while the command runs: packing rewrites a package.json for a moment, which
            others of the workspace read.

    Raises:
        ExportError: the command fails, or leaves nothing.
        StorageError: the disk is full.
    """
    target = request.folder / DIST_DYNAMIC
    bundling = _Bundling(
        request=request,
        bundler=find_installed_bundler(toolchain),
        env=bundler_environment(toolchain, f"export-{request.path}", target),
        toolchain=toolchain,
        runner=runner,
    )
    if toolchain.yarn.is_classic:
        raise ExportError(
            f"{request.path} cannot be bundled: Backstage's bundler needs yarn 2 or newer",
            found=f"yarn {toolchain.yarn.version}",
            expected="a yarn.lock of yarn 2 or newer",
            hint="use --engine rhdh, or move the workspace to a newer yarn",
        )
    with alone:
        forget_bundle(request.folder)
        bundling.run()
    if not (target / MANIFEST).is_file():
        raise ExportError(
            f"Backstage's bundler left nothing for {request.path}",
            expected=f"the folder {target}",
            log=runner.log,
        )
    try:
        bundling.complete(target)
        _finish_manifest(request, target)
    except ValueError as error:
        raise ExportError(
            f"Backstage's bundler left a package.json for {request.path} that cannot be read",
            found=str(error),
            expected="a JSON object",
            log=runner.log,
        ) from error
    remove_traces(target)
    return target


def find_installed_bundler(toolchain: Toolchain) -> BackstageBundler:
    """Return the bundler of a toolchain.

    Raises:
        ExportError: there is none, since no plugin was to be bundled by it.
    """
    if toolchain.bundler is None:
        raise ExportError(
            "Backstage's bundler was not looked for",
            expected="--engine backstage for the plugin's role",
        )
    return toolchain.bundler


def forget_bundle(plugin: Path) -> None:
    """Remove what an earlier run has left: it would be packed, by what ``files`` names.

    Raises:
        OSError: a file cannot be removed.
    """
    target = plugin / DIST_DYNAMIC
    if target.is_symlink():
        target.unlink()
    elif target.is_dir():
        shutil.rmtree(target)


def bundler_environment(toolchain: Toolchain, task: str, folder: Path) -> dict[str, str]:
    """Return the environment of the bundler, with a yarn that installs nothing in ``folder``.

    The bundler would prune the bundle's yarn.lock from yarn's cache alone, without the workspace's
    patches; the factory installs by itself what is locked. Without colours, since the bundler takes
    what yarn prints for a path.
    """
    env = toolchain.child_environment(installs=True, task=task)
    # Empty: what is there afterwards is of this attempt.
    env["TMPDIR"] = tempfile.mkdtemp(prefix="attempt-", dir=env["TMPDIR"])
    launchers = Path(env["TMPDIR"], "bundler")
    launchers.mkdir()
    launcher = launchers / "yarn"
    launcher.write_text(
        f'#!/bin/sh\n[ "$(pwd -P)" = {shlex.quote(str(folder.resolve()))} ] && exit 0\n'
        f'exec {shlex.quote(str(toolchain.yarn_command))} "$@"\n',
        encoding="utf-8",
    )
    launcher.chmod(0o755)
    colourless = {"FORCE_COLOR": "0", "YARN_ENABLE_COLORS": "0"}
    return {**env, **colourless, "PATH": f"{launchers}:{env['PATH']}"}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Bundling:
    """One run of the command: the plugin, the program, and what they see of the environment."""

    request: ExportRequest
    bundler: BackstageBundler
    env: Mapping[str, str]
    toolchain: Toolchain
    runner: LoggedRunner

    def run(self) -> None:
        """Bundle."""
        request, command, env = self.request, self.bundler.command, dict(self.env)
        words = ["--output-destination", str(request.folder), "--output-name", DIST_DYNAMIC]
        if request.bundled:
            env, command = bundling_environment(env), self._placed_command()
        else:
            words += ["--no-build", "--no-install"]
        if request.pre_packed:
            words += ["--pre-packed-dir", str(request.pre_packed)]
        try:
            self.runner.run(
                (self._node, command, "package", "bundle", *words), cwd=request.folder, env=env
            )
        except ProcessFailed as failure:
            first, _, rest = failure_message(failure.completed.tail).partition("\n")
            raise ExportError(
                f"Backstage's bundler could not bundle {request.path}: {first or failure.reason}",
                details=rest.strip() or None,
                found=f"cli-module-build {self.bundler.version}",
                hint=_HINT,
                log=self.runner.log,
            ) from failure

    def complete(self, target: Path) -> None:
        """Install what a backend brings along; say what a portal passes over of a frontend."""
        request = self.request
        if request.bundled:
            unknown = find_unknown_bundles(target, self.env)
            warn_of_unknown_bundles(unknown, request.path, f"{PACKAGE} {self.bundler.version}")
            self._warn_of_unusable_entries()
        elif request.locked and request.share is not None:
            install_private(
                target,
                request.share,
                request.locked,
                env=self.env,
                toolchain=self.toolchain,
                runner=self.runner,
            )

    @property
    def _node(self) -> Path:
        return self.toolchain.node.bin_dir / "node"

    def _placed_command(self) -> Path:
        """The command at a place in the workspace, so that paths from it are the same anywhere."""
        command = self.bundler.command
        if self.bundler.own:
            return command
        installed = next(one.parent for one in command.parents if one.name == "node_modules")
        placed = place_tool(
            installed,
            self.request.workspace,
            f"backstage-bundler-{installed.name}",
            checkpoint=self.runner.raise_if_cancelled,
        )
        return placed / command.relative_to(installed)

    def _warn_of_unusable_entries(self) -> None:
        """Say which entry points a portal will pass over without a word."""
        request = self.request
        untyped = find_untyped_features(self.env)
        warn_of_untyped_features(untyped, request.path)
        said = {each.entry for each in untyped}
        for mount, file in _left_out(request.folder):
            if file in said:
                continue
            log.warning(
                "%s: the entry point %s (%s) is left out of the bundle: the type of its default "
                "export is not a feature of a frontend plugin",
                request.path,
                mount,
                file,
            )


def _finish_manifest(request: ExportRequest, target: Path) -> None:
    """The name as portals and registries know it of rhdh-cli, and the Backstage version."""
    manifest = read_manifest_object(target / MANIFEST)
    manifest["name"] = dynamic_name(str(manifest.get("name", "")))
    version = (
        request.supported_versions
        or _workspace_version(request.workspace)
        or request.computed_backstage
    )
    said = manifest.setdefault("backstage", {})
    if version and (request.supported_versions or "supported-versions" not in said):
        said["supported-versions"] = version
    write_manifest(target / MANIFEST, manifest)


def _workspace_version(workspace: Path) -> str:
    try:
        version = read_manifest_object(workspace / "backstage.json").get("version")
    except (OSError, ValueError):
        return ""
    return version if isinstance(version, str) else ""


def _left_out(folder: Path) -> Iterator[tuple[str, str]]:
    """The entry points of a package.json that its bundle does not expose."""
    try:
        manifest = read_manifest_object(folder / MANIFEST)
        federation = read_manifest_object(folder / _MF_MANIFEST)
    except (OSError, ValueError):
        return
    exposed = {_text(one, "path") for one in _objects(federation.get("exposes"))}
    mounts = manifest.get("exports")
    for mount, file in (mounts if isinstance(mounts, dict) else {}).items():
        if mount not in {".", "./package.json"} and mount not in exposed:
            yield mount, file if isinstance(file, str) else "package.json"


def _objects(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""
