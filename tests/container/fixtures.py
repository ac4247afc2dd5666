"""The image as fixtures: built once a test run, its unchanged steps once for all."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path

import pytest

from tests.conftest import KEPT
from tests.made_once import made_once

from .engine import Engine

# podman refuses a longer one.
LONGEST_STATE = 50


@pytest.fixture(scope="session")
def engine(process: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """podman, with the image built from this checkout."""
    storage = KEPT.absolute() / "containers"
    # A storage keeps to the one that it was made with.
    name = f"plugin-factory-{hashlib.sha256(bytes(storage)).hexdigest()[:8]}"
    state = Path(tempfile.gettempdir(), name)
    if len(bytes(state)) > LONGEST_STATE:
        state = Path("/tmp", name)
    engine = Engine(storage=storage, state=state, process=process)

    def make(_: Path) -> Engine:
        used_before = engine.has_base()
        if not used_before:
            engine.import_base(KEPT)
        engine.build_image(keep_steps=used_before)
        return engine

    return made_once(tmp_path_factory, "image", make)
