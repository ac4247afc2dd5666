"""The output directory: made, writable, and one run's at a time."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from factory.errors import Place, StorageError
from factory.export.packing import PACKING_PREFIX
from factory.files import remove_unfinished
from factory.locking import exclusive
from factory.toolchain.runner import on_full_disk

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def output_held(output_dir: Path, logs: Path) -> Iterator[None]:
    """Make the output directory, and hold it for this run.

    Raises:
        StorageError: it cannot be made or written.
        BusyError: another run writes to it.
    """
    try:
        logs.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output_dir):
            pass
    except OSError as error:
        raise StorageError(
            "the output directory cannot be written",
            place=Place(file=output_dir),
            found=error.strerror or str(error),
            hint="name another with --output-dir, or fix its permissions",
        ) from error
    with exclusive(
        output_dir, wait=False, hint="wait until it has ended, or use another --output-dir"
    ):
        for leftover in output_dir.glob(f"{PACKING_PREFIX}*"):
            shutil.rmtree(leftover, ignore_errors=True)  # of a run that was killed
        remove_unfinished(output_dir)
        yield


def storage_error(error: OSError, *folders: Path) -> StorageError:
    """Return what an operation on a file failed with, as an error that the user can act on.

    Args:
        error: what the system says.
        folders: where it may have been, for an error that names no file, as one of a full disk.
    """
    where = Path(error.filename) if error.filename else on_full_disk(folders)
    return StorageError(
        f"a file cannot be written: {error.strerror or error}",
        place=Place(file=where) if where else None,
        hint="df -h shows which disk is full; ls -ld shows the permissions",
    )
