"""The folders that a build takes unless it is told others: the volumes of a container."""

from __future__ import annotations

from pathlib import Path

CONFIG_DIR, REPO_PATH, OUTPUT_DIR = Path("/config"), Path("/source"), Path("/outputs")
