"""All that was named, verified: one result a plugin, whatever form it came in."""

from __future__ import annotations

import stat
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from factory.archives.limits import DEFAULT_LIMITS, ArchiveLimits
from factory.archives.safe_folder import walk_safely
from factory.archives.unpack import unpack
from factory.attestation.provenance import (
    PROVENANCE_SUFFIX,
    check_statement,
    find_lockfile_digest,
    read_statement,
)
from factory.errors import ArtifactError, CheckError, FactoryError, Interrupted, ToolchainError
from factory.oci.registry import Registry
from factory.oci.target import pull_target
from factory.scratch_folder import scratch_folder
from factory.threads import InheritingPool
from factory.values import dataclass
from factory.verification.findings import (
    ARCHIVE,
    LOCKED,
    PROVENANCE,
    SIGNATURE,
    CheckFinding,
    Verified,
    failed_finding,
    finding_of_error,
    passed_finding,
)
from factory.verification.frontend_systems import check_names
from factory.verification.images import verify_image
from factory.verification.layouts import images_in_layout
from factory.verification.locked_tree import find_workspace_of
from factory.verification.packed_plugins import sha256_of, verify_packed_file
from factory.verification.plugin_checks import Terms, verify_plugin_folder
from factory.verification.remote_images import (
    check_attached_provenance,
    check_signature,
    remote_image,
)
from factory.verification.targets import Layout, PackedTarget, RemoteImage, Target, UnpackedFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from factory.attestation.keys import PublicKey
    from factory.config.environment import Environment

MOST_AT_ONCE = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class VerifyOptions:
    """What to check beyond a plugin's shape, and how images are reached.

    Attributes:
        terms: what plugins are checked against.
        environment: where a registry's credentials come from.
        checkpoint: raises when the run was cancelled.
        key: the signer's key; None if signatures do not matter.
        provenance: whether a provenance statement must be there.
        limits: how much an archive may hold.
        jobs: the cores that may be used.
    """

    terms: Terms
    environment: Environment
    checkpoint: Callable[[], None]
    key: PublicKey | None = None
    provenance: bool = False
    limits: ArchiveLimits = DEFAULT_LIMITS
    jobs: int = 1


def verify_targets(
    targets: Sequence[Target],
    asked: VerifyOptions,
    on_end: Callable[[Verified], None] = lambda _: None,
) -> tuple[Verified, ...]:
    """Verify the targets and return a result for each plugin, in their order.

    One that is not available does not stop the others: its result has the error. ``on_end`` is told
    of each as it ends, from any thread.

    Raises:
        ToolchainError: Node.js cannot be started.
        Interrupted: the run was cancelled.
    """
    with InheritingPool(
        max_workers=min(MOST_AT_ONCE, asked.jobs), thread_name_prefix="verify"
    ) as pool:
        try:
            several = list(pool.map(partial(_verify_target, asked=asked, on_end=on_end), targets))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return check_names([result for results in several for result in results])


def _verify_target(
    target: Target, asked: VerifyOptions, on_end: Callable[[Verified], None]
) -> tuple[Verified, ...]:
    asked.checkpoint()
    try:
        results = _of_target(target, asked)
    except (Interrupted, ToolchainError):
        raise
    except FactoryError as error:
        results = (Verified(artifact=_show(target), error=error),)
    for result in results:
        on_end(result)
    return results


def _of_target(target: Target, asked: VerifyOptions) -> tuple[Verified, ...]:
    if isinstance(target, RemoteImage):
        return _remote(target, asked)
    if isinstance(target, Layout):
        return _layout(target.path, asked)
    if isinstance(target, PackedTarget):
        more = (*_find_unsigned(asked), *_sidecar_provenance(target.file, asked))
        found = verify_packed_file(target.file, asked.terms, limits=asked.limits, more=more)
        other = _find_other_lockfile(target.file, found.name, asked)
        return (replace(found, findings=(*found.findings, *other)),)
    archive = _safe_folder(target.folder)
    more = (*_find_unsigned(asked), *_no_provenance(asked))
    if archive.result != "passed":  # nothing in it is looked at, let alone loaded
        return (Verified(artifact=str(target.folder), findings=(archive, *more)),)
    found = verify_plugin_folder(target.folder, str(target.folder), asked.terms)
    return (replace(found, findings=(archive, *found.findings, *more)),)


def _safe_folder(folder: Path) -> CheckFinding:
    """What 'install' refuses of a folder is refused here."""
    try:
        files = sum(stat.S_ISREG(status.st_mode) for _, status in walk_safely(folder))
    except ArtifactError as error:
        return finding_of_error(ARCHIVE, error)
    return passed_finding(ARCHIVE, f"{files} files")


def _remote(target: RemoteImage, asked: VerifyOptions) -> tuple[Verified, ...]:
    reached = pull_target(asked.environment, target.name.registry)
    repository = target.name.repository
    with Registry(reached, checkpoint=asked.checkpoint, reads_only=True) as registry:
        image = remote_image(registry, target, platform=asked.terms.platform)
        more = []
        if asked.key is not None:
            more.append(check_signature(registry, repository, image.named, asked.key))
        if asked.provenance:
            more.append(check_attached_provenance(registry, repository, image.named))
        return verify_image(image, asked.terms, limits=asked.limits, more=tuple(more))


def _layout(path: Path, asked: VerifyOptions) -> tuple[Verified, ...]:
    with scratch_folder("layout") as work:
        folder = path
        if path.is_file():
            folder = work / "layout"
            try:
                # A layer is one entry of the archive, and larger than any file in it.
                whole = ArchiveLimits(entry=asked.limits.total, total=2 * asked.limits.total)
                unpack(path, folder, limits=whole)
            except ArtifactError as error:
                return (Verified(artifact=str(path), findings=(finding_of_error(ARCHIVE, error),)),)
        more = (*_find_unsigned(asked), *_no_provenance(asked))
        results = [
            result
            for image in images_in_layout(folder, path)
            for result in verify_image(image, asked.terms, limits=asked.limits, more=more)
        ]
    if not results:
        raise ArtifactError(
            "the layout contains no image",
            found=str(path),
            expected="an index.json that names images",
            hint="make the layout again: plugin-factory build --image-output oci-layout",
        )
    return tuple(results)


def _find_unsigned(asked: VerifyOptions) -> tuple[CheckFinding, ...]:
    if asked.key is None:
        return ()
    return (
        failed_finding(
            SIGNATURE,
            "only an image in a registry has a signature",
            expected="an image that was pushed and signed",
            hint="verify the pushed image: plugin-factory verify oci://... --key FILE",
        ),
    )


def _no_provenance(asked: VerifyOptions) -> tuple[CheckFinding, ...]:
    if not asked.provenance:
        return ()
    return (
        failed_finding(
            PROVENANCE,
            "there is no provenance here",
            expected="a .tgz with its .provenance.json, or an image in a registry",
        ),
    )


def _sidecar_provenance(tgz: Path, asked: VerifyOptions) -> tuple[CheckFinding, ...]:
    if not asked.provenance:
        return ()

    file = tgz.with_name(f"{tgz.name}{PROVENANCE_SUFFIX}")
    try:
        statement = read_statement(file.read_bytes())
        subject = check_statement(statement, sha256=sha256_of(tgz))
    except CheckError as error:
        return (finding_of_error(PROVENANCE, error),)
    except OSError as error:
        return (
            failed_finding(
                PROVENANCE,
                "there is no provenance beside the file",
                found=f"{file.name}: {error.strerror}",
                expected=f"a SLSA provenance statement, {file.name}",
                hint="build writes it beside the .tgz; keep the two together",
            ),
        )
    return (passed_finding(PROVENANCE, f"about {subject.name}"),)


def _find_other_lockfile(tgz: Path, name: str, asked: VerifyOptions) -> tuple[CheckFinding, ...]:
    """Whether the provenance beside a file names a yarn.lock other than the one of its workspace.

    A provenance that is not there, not readable or of another artifact is left to other checks.
    """
    workspace = find_workspace_of(name, asked.terms.workspaces)
    if workspace is None:
        return ()
    try:
        statement = read_statement(tgz.with_name(f"{tgz.name}{PROVENANCE_SUFFIX}").read_bytes())
        check_statement(statement, sha256=sha256_of(tgz))
        there = sha256_of(workspace.lockfile)
    except (CheckError, OSError):
        return ()
    built_with = find_lockfile_digest(statement)
    if built_with in (None, there):
        return ()
    return (
        failed_finding(
            LOCKED,
            "the artifact was built with another yarn.lock than the workspace has",
            found=f"sha256:{there} ({workspace.lockfile})",
            expected=f"sha256:{built_with}, which the provenance names",
            hint="name the workspace as it was when the plugin was built (git checkout of the "
            "commit in the provenance), or build the plugin again",
        ),
    )


def _show(target: Target) -> str:
    if isinstance(target, RemoteImage):
        return f"oci://{target.name}"
    if isinstance(target, UnpackedFolder):
        return str(target.folder)
    return str(target.file if isinstance(target, PackedTarget) else target.path)
