"""The image as fixtures: built once a test run, its unchanged steps once for all."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import pytest

from tests.conftest import KEPT
from tests.made_once import made_once

from .engine import Engine


@pytest.fixture(scope="session")
def engine(process: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """podman, with the image built from this checkout."""
    storage = KEPT.absolute() / "containers"
    # podman takes no long one, and a storage keeps to the one that it was made with.
    name = hashlib.sha256(bytes(storage)).hexdigest()[:8]
    state = Path(tempfile.gettempdir(), f"plugin-factory-{name}")
    engine = Engine(storage=storage, state=state, process=process)

    def make(_: Path) -> Engine:
        used_before = engine.has_base()
        if not used_before:
            engine.import_base(KEPT)
        engine.build_image(keep_steps=used_before)
        return engine

    return made_once(tmp_path_factory, "image", make)
