"""The image as fixtures: built once a test run, its unchanged steps once for all."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import pytest

from tests.conftest import KEPT

from .engine import Engine

_BUILT: list[Engine] = []


@pytest.fixture(scope="session")
def engine(process: dict[str, str]) -> Engine:
    """podman, with the image built from this checkout."""
    storage = KEPT.absolute() / "containers"
    # podman takes no long one, and a storage keeps to the one that it was made with.
    name = hashlib.sha256(bytes(storage)).hexdigest()[:8]
    state = Path(tempfile.gettempdir(), f"plugin-factory-{name}")
    made = Engine(storage=storage, state=state, process=process)
    if not _BUILT:  # each folder that has this fixture asks anew
        made.import_base(KEPT)
        made.build_image()
        _BUILT.append(made)
    return made
