"""A packed plugin, checked: its integrity, whether it is safe to unpack, and what is in it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from factory.archives.integrity import check_integrity
from factory.archives.limits import DEFAULT_LIMITS, ArchiveLimits
from factory.archives.npm_package import INTEGRITY_SUFFIX, PACKAGE_FOLDER
from factory.archives.unpack import unpack
from factory.errors import ArtifactError, FactoryError, Place
from factory.scratch_folder import scratch_folder
from factory.verification.configuration import GivenConfig, read_sidecar_config
from factory.verification.findings import (
    ARCHIVE,
    INTEGRITY,
    CheckFinding,
    Verified,
    failed_finding,
    finding_of_error,
    passed_finding,
    skipped_finding,
)
from factory.verification.plugin_checks import Terms, verify_plugin_folder

if TYPE_CHECKING:
    from pathlib import Path

    from factory.attestation.bundled import ContentsReader

_LONGEST_SIDECAR = 4096


def verify_packed_file(
    tgz: Path,
    terms: Terms,
    *,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    more: tuple[CheckFinding, ...] = (),
    reader: ContentsReader | None = None,
) -> Verified:
    """Check a ``.tgz``.

    Args:
        tgz: the file.
        terms: what it is checked against.
        limits: how much it may hold.
        more: findings about it from elsewhere.
        reader: gathers what is in it, since it is read anyway.

    Raises:
        ToolchainError: Node.js cannot be started.
        StorageError: there is no space to unpack it.
        Interrupted: the run was cancelled.
    """
    artifact = str(tgz)
    integrity = check_sidecar(tgz)
    with scratch_folder("verify") as work:
        folder = work / "plugin"
        try:
            files = unpack(
                tgz,
                folder,
                select=PACKAGE_FOLDER,
                limits=limits,
                look=reader.look if reader else None,
            )
        except ArtifactError as error:
            return Verified(
                artifact=artifact, findings=(integrity, finding_of_error(ARCHIVE, error))
            )
        beside = read_sidecar_config(tgz) if terms.proves_config else None
        given = beside if isinstance(beside, GivenConfig) else None
        found = verify_plugin_folder(folder, artifact, terms, config=given)
        if isinstance(beside, CheckFinding):
            more = (beside, *more)
    archive = passed_finding(ARCHIVE, f"{files} files")
    return replace(found, findings=(integrity, archive, *found.findings, *more))


def check_sidecar(tgz: Path) -> CheckFinding:
    """Return whether the file is what the ``.integrity`` file beside it says."""
    sidecar = tgz.with_name(f"{tgz.name}{INTEGRITY_SUFFIX}")
    try:
        with sidecar.open("rb") as stream:
            text = stream.read(_LONGEST_SIDECAR).decode("ascii", "replace").strip()
    except FileNotFoundError:
        return skipped_finding(INTEGRITY, f"there is no {sidecar.name} beside it")
    except OSError as error:
        return failed_finding(INTEGRITY, "the .integrity file cannot be read", found=str(error))
    try:
        check_integrity(tgz, text, place=Place(file=sidecar))
    except FactoryError as error:
        return finding_of_error(INTEGRITY, error)
    except OSError as error:
        return failed_finding(INTEGRITY, "the file cannot be read", found=str(error))
    return passed_finding(INTEGRITY, text.partition("-")[0])


def sha256_of(file: Path) -> str:
    """Return a file's SHA-256 in hex.

    Raises:
        OSError: it cannot be read.
    """
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
