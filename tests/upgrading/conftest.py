"""Who moves a portal."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from .moves import Mover

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def mover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Mover:
    """A mover in a folder of its own, which is also the working directory."""
    monkeypatch.chdir(tmp_path)
    return Mover(folder=tmp_path, capsys=capsys)
