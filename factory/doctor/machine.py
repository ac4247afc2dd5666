"""The machine: cores, memory, the folders that a build writes to, and the container around it."""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from factory.config.default_folders import CONFIG_DIR, OUTPUT_DIR, REPO_PATH
from factory.doctor.finding import Check, DoctorFinding
from factory.quantities import pluralize, size
from factory.scheduling.capacity import (
    usable_cores,
    usable_memory,
)
from factory.values import dataclass

if TYPE_CHECKING:
    from factory.doctor.context import DoctorContext
    from factory.doctor.finding import Outcome

_MB, _GB = 10**6, 10**9
# A frontend plugin's bundler alone takes about this much.
_LITTLE_MEMORY = 2 * _GB
_FEW_INODES = 200_000
_PROBE = b"\0" * _MB
_FULL = {errno.ENOSPC, errno.EDQUOT}
_CONTAINERS = {"/run/.containerenv": "podman", "/.dockerenv": "docker"}
_VOLUMES = (CONFIG_DIR, REPO_PATH, OUTPUT_DIR)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Room:
    """The bytes that a folder should have free: below ``least`` a build fails."""

    least: int
    enough: int


# A workspace with its dependencies is 1 to 3 GB; rhdh-cli is 700 MB.
_ROOMS = {
    "source folder": _Room(least=_GB, enough=5 * _GB),
    "output folder": _Room(least=50 * _MB, enough=_GB),
    "cache folder": _Room(least=100 * _MB, enough=3 * _GB),
    "temporary folder": _Room(least=50 * _MB, enough=_GB),
}


def look_at_cores(_: DoctorContext) -> tuple[DoctorFinding, ...]:
    """How many cores may a build use?"""
    cores = usable_cores()
    machine = os.cpu_count() or cores
    of = f" of the machine's {machine}" if machine != cores else ""
    return (DoctorFinding(check="cores", outcome="ok", found=f"{cores}{of}"),)


def look_at_memory(_: DoctorContext) -> tuple[DoctorFinding, ...]:
    """How much memory may a build use?"""
    memory = usable_memory()
    is_little = memory < _LITTLE_MEMORY
    return (
        DoctorFinding(
            check="memory",
            outcome="warning" if is_little else "ok",
            found=size(memory),
            advice="give the machine or the container more, or build with --jobs 1"
            if is_little
            else "",
        ),
    )


def look_at_source(about: DoctorContext) -> tuple[DoctorFinding, ...]:
    """Can the folder for the source be written, and has it room?"""
    return (_folder("source folder", about.repo_path, "--repo-path"),)


def look_at_outputs(about: DoctorContext) -> tuple[DoctorFinding, ...]:
    """Can the folder for the artifacts be written, and has it room?"""
    return (_folder("output folder", about.output_dir, "--output-dir"),)


def look_at_cache(about: DoctorContext) -> tuple[DoctorFinding, ...]:
    """Can the cache be written, and has it room?"""
    return (_folder("cache folder", about.cache_dir, "--cache-dir"),)


def look_at_temporary(about: DoctorContext) -> tuple[DoctorFinding, ...]:
    """Can the folder for temporary files be written, and has it room?"""
    if about.temporary is None:
        folder = about.environment.get("TMPDIR", "/tmp")  # noqa: S108 - a name to show
        return (
            DoctorFinding(
                check="temporary folder",
                outcome="failed",
                found=f"no folder for temporary files can be written, such as {folder}",
                advice="set TMPDIR to a writable folder with free space",
            ),
        )
    return (_folder("temporary folder", about.temporary.parent, "TMPDIR"),)


def look_at_container(about: DoctorContext) -> tuple[DoctorFinding, ...]:
    """Is this a container, and are the folders of a build its volumes?"""
    kind = next((name for file, name in _CONTAINERS.items() if Path(file).exists()), "")
    who = _who()
    if not kind:
        return (DoctorFinding(check="container", outcome="ok", found=f"none that is known; {who}"),)
    said = [f"{folder} {_find_mount(folder)}" for folder in _VOLUMES if folder.is_dir()]
    # Elsewhere than in the factory's own image, who runs the container knows what they keep.
    is_lost = about.output_dir == OUTPUT_DIR and not OUTPUT_DIR.is_mount()
    return (
        DoctorFinding(
            check="container",
            outcome="warning" if is_lost else "ok",
            found=", ".join([kind, who, *said]),
            advice=f"what is built is lost with the container: -v ./outputs:{OUTPUT_DIR}:z keeps it"
            if is_lost
            else "",
        ),
    )


def _folder(check: str, folder: Path, option: str) -> DoctorFinding:
    there = next(each for each in (folder, *folder.parents) if os.path.lexists(each))
    named = str(folder) if there == folder else f"{folder}, to be created in {there}"
    elsewhere = f"name another with {option}"
    if not there.is_dir():
        found = f"{there} is not a folder"
        return DoctorFinding(check=check, outcome="failed", found=found, advice=elsewhere)
    if wrong := _why_not_written(there):
        is_full = wrong.errno in _FULL
        found = f"{named}: {wrong.strerror}"
        advice = (
            f"free some space (df -h {there} shows how much there is), or {elsewhere}"
            if is_full
            else f"{_owner(there)}; {elsewhere}. In a container mount it writable, with :z where "
            "SELinux is used, and run as its owner (podman: --userns keep-id)"
        )
        return DoctorFinding(check=check, outcome="failed", found=found, advice=advice)
    status = os.statvfs(there)
    free = status.f_bavail * status.f_frsize
    room = _ROOMS[check]
    found = f"{named}: {size(free)} free"
    # Filesystems without a fixed number of inodes say 0.
    few_inodes = bool(status.f_files) and status.f_favail < _FEW_INODES
    if free >= room.enough and not few_inodes:
        return DoctorFinding(check=check, outcome="ok", found=found)
    if few_inodes:
        found += f", room for {pluralize(status.f_favail, 'file')}"
    advice = f"a build wants {size(room.enough)}: free some, or {elsewhere}"
    outcome: Outcome = "failed" if free < room.least else "warning"
    return DoctorFinding(check=check, outcome=outcome, found=found, advice=advice)


def _why_not_written(folder: Path) -> OSError | None:
    """Write a megabyte that nobody else sees: permissions, quotas and mounts all have their say."""
    try:
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(_PROBE)
    except OSError as error:
        return error
    return None


def _owner(folder: Path) -> str:
    status = folder.stat()
    return (
        f"it belongs to {_name(status.st_uid)}, mode {status.st_mode & 0o777:o}; this is {_who()}"
    )


def _who() -> str:
    return f"user {_name(os.geteuid())}"


def _name(uid: int) -> str:
    with contextlib.suppress(KeyError):
        return f"{uid} ({pwd.getpwuid(uid).pw_name})"
    return f"{uid} (without a name)"


def _find_mount(folder: Path) -> str:
    if not folder.is_mount():
        return "not mounted"
    return "mounted" if os.access(folder, os.W_OK) else "mounted, not writable"


MACHINE_CHECKS = (
    Check(names=("cores",), look=look_at_cores),
    Check(names=("memory",), look=look_at_memory),
    Check(names=("source folder",), look=look_at_source),
    Check(names=("output folder",), look=look_at_outputs),
    Check(names=("cache folder",), look=look_at_cache),
    Check(names=("temporary folder",), look=look_at_temporary),
    Check(names=("container",), look=look_at_container),
)
