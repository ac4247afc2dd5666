"""What takes long to make, made once a run, however many workers share the tests of it."""

from __future__ import annotations

import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import pytest

from factory.locking import exclusive

Made = TypeVar("Made")


def made_once(folders: pytest.TempPathFactory, name: str, make: Callable[[Path], Made]) -> Made:
    """What ``make`` returns of a new folder: the first worker that asks makes it, the others wait.

    Args:
        folders: pytest's own.
        name: names the folder, and is no other's in the run.
        make: its value can be pickled; nobody may change what it leaves in the folder.
    """
    root = folders.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has a folder below the run's
        root = root.parent
    folder, done = root / name, root / f"{name}.made"
    with exclusive(root / f"{name}.lock", wait=True):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            done.write_bytes(pickle.dumps((make.__module__, make(folder))))
        module, made = pickle.loads(done.read_bytes())
        assert module == make.__module__, f"{name} is what {module} makes"
        return cast("Made", made)
