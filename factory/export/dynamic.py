"""``rhdh-cli plugin export``: a compiled plugin becomes a dynamic one in ``dist-dynamic/``."""

from __future__ import annotations

import json
import logging
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from factory.errors import ExportError
from factory.export.bundling import (
    bundling_command,
    find_unknown_bundles,
    remove_federation_leftovers,
    warn_of_unknown_bundles,
)
from factory.export.feature_types import find_untyped_features, warn_of_untyped_features
from factory.export.install_log import (
    forget_install_log,
    read_install_log,
    refuse_folder_for_shells,
)
from factory.export.known_options import asset_options, fit_arguments, makes_both_kinds
from factory.export.locked_install import lock_environment
from factory.export.refusal import refusal
from factory.files import write_whole
from factory.notation.json_text import parse_object
from factory.toolchain.runner import ProcessFailed, refuse_full_disk
from factory.values import dataclass

if TYPE_CHECKING:
    from factory.export.locked_install import LockedInstall
    from factory.export.private_install import PortalShare
    from factory.toolchain.assembled import Toolchain
    from factory.toolchain.rhdh_cli import RhdhCli
    from factory.toolchain.runner import LoggedRunner

log = logging.getLogger(__name__)

DIST_DYNAMIC = "dist-dynamic"


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportRequest:
    """A plugin to export.

    ``arguments`` are rhdh-cli's, as words. ``compiled`` says that the plugin and all that is
    embedded of the workspace have been built, so that rhdh-cli need not (and, when several plugins
    share a package, must not: two builds of one package write the same files). ``bundled`` says
    that it is a frontend plugin, which is bundled. ``locked`` is what a backend plugin's
    private dependencies take to be those of the workspace's yarn.lock. ``share`` is what the portal
    gives of it, and ``pre_packed`` a folder with the workspace's packages, packed: of use for
    Backstage's bundler alone, as ``arguments`` are for rhdh-cli. ``frontend_systems`` are those
    that the portal loads frontends by, as far as that is known. ``supported_versions`` are
    set whatever the package says, ``computed_backstage`` where it says nothing.
    """

    path: str
    folder: Path
    arguments: tuple[str, ...]
    compiled: bool
    bundled: bool = False
    locked: LockedInstall | None = None
    share: PortalShare | None = None
    pre_packed: Path | None = None
    frontend_systems: tuple[str, ...] = ()
    scalprum_config: Path | None = None
    supported_versions: str | None = None
    computed_backstage: str = ""

    @property
    def workspace(self) -> Path:
        """The folder of the yarn workspace, from which ``path`` counts."""
        depth = len(PurePosixPath(self.path).parts)
        return self.folder.parents[depth - 1] if depth else self.folder


def export_plugin(request: ExportRequest, *, toolchain: Toolchain, runner: LoggedRunner) -> Path:
    """Export the plugin and return its ``dist-dynamic`` folder.

    Raises:
        ExportError: rhdh-cli refuses; the error has its message, not only its exit code.
        StorageError: the disk is full.
    """
    target, rhdh_cli = request.folder / DIST_DYNAMIC, find_installed_rhdh_cli(toolchain)
    arguments = [*fit_arguments(request.arguments, rhdh_cli.version)]
    if request.compiled:
        arguments.append("--no-build")
    if request.scalprum_config:
        arguments += ["--scalprum-config", str(request.scalprum_config)]
    command = rhdh_cli.command
    env = toolchain.child_environment(installs=True, task=f"export-{request.path}")
    # Empty: what is there afterwards is of this attempt.
    env["TMPDIR"] = tempfile.mkdtemp(prefix="attempt-", dir=env["TMPDIR"])
    if request.bundled:
        unwanted = asset_options(request.arguments, request.frontend_systems)
        if unwanted and makes_both_kinds(rhdh_cli.version):
            log.info("%s: %s, as the portal loads none of these", request.path, " ".join(unwanted))
            arguments += unwanted
        remove_federation_leftovers(request.folder)
        command, env = bundling_command(
            rhdh_cli, request.workspace, env, checkpoint=runner.raise_if_cancelled
        )
    else:
        refuse_folder_for_shells(env, rhdh_cli.version)
        forget_install_log(target)
        if request.locked:
            env = lock_environment(request.locked, target, env, toolchain)
    try:
        runner.run(
            (command, "plugin", "export", "--clean", *arguments),
            cwd=request.folder,
            env=env,
        )
    except ProcessFailed as failure:
        raise _error(request, failure, read_install_log(target, env), runner) from failure
    if request.bundled:
        unknown = find_unknown_bundles(target, env)
        warn_of_unknown_bundles(unknown, request.path, f"rhdh-cli {rhdh_cli.version}")
        warn_of_untyped_features(find_untyped_features(env), request.path)
    if not (target / "package.json").is_file():
        raise ExportError(
            f"rhdh-cli exported nothing for {request.path}",
            expected=f"the folder {target}",
            log=runner.log,
        )
    if request.supported_versions:
        _set_supported_versions(target / "package.json", request.supported_versions)
    elif request.computed_backstage:
        _fill_supported_versions(target / "package.json", request.computed_backstage)
    return target


def find_installed_rhdh_cli(toolchain: Toolchain) -> RhdhCli:
    """Return the rhdh-cli of a toolchain.

    Raises:
        ExportError: there is none, since no plugin was to be exported by it.
    """
    if toolchain.rhdh_cli is None:
        raise ExportError(
            "rhdh-cli was not looked for", expected="--engine rhdh for the plugin's role"
        )
    return toolchain.rhdh_cli


def _error(
    request: ExportRequest,
    failure: ProcessFailed,
    install_log: str,
    runner: LoggedRunner,
) -> ExportError:
    text = runner.redact(install_log)
    if text:
        with runner.log.open("a", encoding="utf-8") as file:
            file.write(f"--- yarn-install.log\n{text}")
        refuse_full_disk(text, "yarn", runner.log, (request.folder / DIST_DYNAMIC,))
    first, _, rest = refusal(failure.completed.tail, text).partition("\n")
    return ExportError(
        f"rhdh-cli could not export {request.path}: {first or failure.reason}",
        details=rest.strip() or None,
        found=f"arguments: {' '.join(request.arguments)}" if request.arguments else None,
        hint="docs/troubleshooting.md explains rhdh-cli's messages; build arguments go into "
        "plugins-list.yaml",
        log=runner.log,
    )


def _set_supported_versions(manifest: Path, version: str) -> None:
    """The configuration directory's ``backstage.json`` overrides what the workspace says."""
    value = parse_object(manifest.read_bytes())
    value.setdefault("backstage", {})["supported-versions"] = version
    write_whole(manifest, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _fill_supported_versions(manifest: Path, version: str) -> None:
    """As rhdh-cli does it with a workspace's ``backstage.json``, where there is none."""
    about = parse_object(manifest.read_bytes()).get("backstage")
    if not (isinstance(about, dict) and about.get("supported-versions")):
        _set_supported_versions(manifest, version)
