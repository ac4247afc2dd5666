"""The CI systems that are known."""

from __future__ import annotations

from enum import StrEnum


class CiSystem(StrEnum):
    """What a matrix of shards, or a file that starts builds, is made for."""

    GITHUB = "github"
    GITLAB = "gitlab"
    TEKTON = "tekton"


class MatrixForm(StrEnum):
    """What a matrix of shards is made for: a CI system, or a cluster without one."""

    GITHUB = CiSystem.GITHUB.value
    GITLAB = CiSystem.GITLAB.value
    TEKTON = CiSystem.TEKTON.value
    KUBERNETES = "kubernetes"
