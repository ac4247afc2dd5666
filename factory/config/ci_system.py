"""The CI systems that are known."""

from __future__ import annotations

from enum import StrEnum


class CiSystem(StrEnum):
    """What a matrix of shards, or a file that starts builds, is made for."""

    GITHUB = "github"
    GITLAB = "gitlab"
    TEKTON = "tekton"
