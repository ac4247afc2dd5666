"""All that was named, verified: one result a plugin, whatever form it came in."""

from __future__ import annotations

import stat
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from factory.archives.limits import DEFAULT_LIMITS, Limits
from factory.archives.safe_folder import walk_safely
from factory.archives.unpack import unpack
from factory.errors import ArtifactError, CheckError, FactoryError, Interrupted, ToolchainError
from factory.scratch_folder import scratch_folder
from factory.threads import InheritingPool
from factory.verification.findings import (
    ARCHIVE,
    PROVENANCE,
    SIGNATURE,
    Finding,
    Verified,
    failed,
    failed_by,
    passed,
)
from factory.verification.packed_plugins import sha256_of, verify_packed_file
from factory.verification.plugin_checks import Terms, verify_plugin_folder
from factory.verification.targets import Layout, PackedFile, RemoteImage, Target, UnpackedFolder

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from factory.attestation.keys import PublicKey
    from factory.config.environment import Environment

MOST_AT_ONCE = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
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
    limits: Limits = DEFAULT_LIMITS
    jobs: int = 1


def verify_targets(
    targets: Sequence[Target],
    asked: Asked,
    on_end: Callable[[Verified], None] = lambda _: None,
) -> tuple[Verified, ...]:
    """Verify the targets and return a result for each plugin, in their order.

    One that cannot be had does not stop the others: its result has the error. ``on_end`` is told of
    each as it ends, from any thread.

    Raises:
        ToolchainError: Node.js cannot be started.
        Interrupted: the run was cancelled.
    """
    with InheritingPool(
        max_workers=min(MOST_AT_ONCE, asked.jobs), thread_name_prefix="verify"
    ) as pool:
        try:
            several = list(pool.map(partial(_verified, asked=asked, on_end=on_end), targets))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return tuple(result for results in several for result in results)


def _verified(
    target: Target, asked: Asked, on_end: Callable[[Verified], None]
) -> tuple[Verified, ...]:
    asked.checkpoint()
    try:
        results = _of_target(target, asked)
    except (Interrupted, ToolchainError):
        raise
    except FactoryError as error:
        results = (Verified(artifact=_shown(target), error=error),)
    for result in results:
        on_end(result)
    return results


def _of_target(target: Target, asked: Asked) -> tuple[Verified, ...]:
    if isinstance(target, RemoteImage):
        return _remote(target, asked)
    if isinstance(target, Layout):
        return _layout(target.path, asked)
    if isinstance(target, PackedFile):
        more = (*_unsigned(asked), *_sidecar_provenance(target.file, asked))
        return (verify_packed_file(target.file, asked.terms, limits=asked.limits, more=more),)
    archive = _safe_folder(target.folder)
    more = (*_unsigned(asked), *_no_provenance(asked))
    if archive.result != "passed":  # nothing in it is looked at, let alone loaded
        return (Verified(artifact=str(target.folder), findings=(archive, *more)),)
    found = verify_plugin_folder(target.folder, str(target.folder), asked.terms)
    return (replace(found, findings=(archive, *found.findings, *more)),)


def _safe_folder(folder: Path) -> Finding:
    """What 'install' refuses of a folder is refused here."""
    try:
        files = sum(stat.S_ISREG(status.st_mode) for _, status in walk_safely(folder))
    except ArtifactError as error:
        return failed_by(ARCHIVE, error)
    return passed(ARCHIVE, f"{files} files")


def _remote(target: RemoteImage, asked: Asked) -> tuple[Verified, ...]:
    from factory.oci.registry import Registry  # noqa: PLC0415 - late: a network client
    from factory.oci.target import pull_target  # noqa: PLC0415
    from factory.verification.images import verify_image  # noqa: PLC0415
    from factory.verification.remote_images import (  # noqa: PLC0415
        check_attached_provenance,
        check_signature,
        remote_image,
    )

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


def _layout(path: Path, asked: Asked) -> tuple[Verified, ...]:
    from factory.verification.images import verify_image  # noqa: PLC0415 - late: images alone
    from factory.verification.layouts import images_in_layout  # noqa: PLC0415

    with scratch_folder("layout") as work:
        folder = path
        if path.is_file():
            folder = work / "layout"
            try:
                # A layer is one entry of the archive, and larger than any file in it.
                whole = Limits(entry=asked.limits.total, total=2 * asked.limits.total)
                unpack(path, folder, limits=whole)
            except ArtifactError as error:
                return (Verified(artifact=str(path), findings=(failed_by(ARCHIVE, error),)),)
        more = (*_unsigned(asked), *_no_provenance(asked))
        results = [
            result
            for image in images_in_layout(folder, path)
            for result in verify_image(image, asked.terms, limits=asked.limits, more=more)
        ]
    if not results:
        raise ArtifactError(
            "the layout holds no image",
            found=str(path),
            expected="an index.json that names images",
            hint="make the layout again: plugin-factory build --image-output oci-layout",
        )
    return tuple(results)


def _unsigned(asked: Asked) -> tuple[Finding, ...]:
    if asked.key is None:
        return ()
    return (
        failed(
            SIGNATURE,
            "only an image in a registry has a signature",
            expected="an image that was pushed and signed",
            hint="verify the pushed image: plugin-factory verify oci://... --key FILE",
        ),
    )


def _no_provenance(asked: Asked) -> tuple[Finding, ...]:
    if not asked.provenance:
        return ()
    return (
        failed(
            PROVENANCE,
            "there is no provenance here",
            expected="a .tgz with its .provenance.json, or an image in a registry",
        ),
    )


def _sidecar_provenance(tgz: Path, asked: Asked) -> tuple[Finding, ...]:
    if not asked.provenance:
        return ()
    from factory.attestation.provenance import (  # noqa: PLC0415 - late: only if it is asked for
        PROVENANCE_SUFFIX,
        check_statement,
        read_statement,
    )

    file = tgz.with_name(f"{tgz.name}{PROVENANCE_SUFFIX}")
    try:
        statement = read_statement(file.read_bytes())
        subject = check_statement(statement, sha256=sha256_of(tgz))
    except CheckError as error:
        return (failed_by(PROVENANCE, error),)
    except OSError as error:
        return (
            failed(
                PROVENANCE,
                "there is no provenance beside the file",
                found=f"{file.name}: {error.strerror}",
                expected=f"a SLSA provenance statement, {file.name}",
                hint="build writes it beside the .tgz; keep the two together",
            ),
        )
    return (passed(PROVENANCE, f"about {subject.name}"),)


def _shown(target: Target) -> str:
    if isinstance(target, RemoteImage):
        return f"oci://{target.name}"
    if isinstance(target, UnpackedFolder):
        return str(target.folder)
    return str(target.file if isinstance(target, PackedFile) else target.path)
