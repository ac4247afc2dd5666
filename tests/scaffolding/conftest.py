from __future__ import annotations

from pathlib import Path

import pytest

from .user import User, new_user


@pytest.fixture
def user(tmp_path: Path, process: dict[str, str]) -> User:
    return new_user(tmp_path, process)
