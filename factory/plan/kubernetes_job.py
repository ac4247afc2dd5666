"""A run's shards as an Indexed Job of Kubernetes: a pod a shard, and no CI system at all.

https://kubernetes.io/docs/concepts/workloads/controllers/job/#completion-mode: each pod is told its
index in ``JOB_COMPLETION_INDEX``. What it builds stands in a variable of that number. The volume
holds the configuration directory, as a clone of its repository, and takes what the shards leave: a
folder a run, and in it one a shard, which ``plugin-factory report merge`` joins.
"""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from factory import __version__
from factory.errors import (
    CheckError,
    CompileError,
    ConfigurationError,
    ExportError,
    PackError,
    PatchError,
    UsageError,
)
from factory.notation.yaml_text import yaml_text
from factory.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory.plan.shards import Shard

NAME = "plugin-factory"
# Tekton's task has the same: whoever runs one of the two has it.
IMAGE = "docker.io/library/python:3.12"
CLAIM = "plugin-factory-source"
SECRET = "plugin-registry"  # noqa: S105 - the name of one
WORK = "/work"
_JOB_NAME = "metadata.labels['batch.kubernetes.io/job-name']"
_INSTALLED = f"git+https://github.com/plugin-factory/plugin-factory@v{__version__}"
# Not root; the volume's group is the same, so that it may write there.
_USER = 1001
_ONCE_MORE = 1
# Up to 1.34 the status has to be said.
_EVICTED = {"type": "DisruptionTarget", "status": "True"}
_KEPT_SECONDS = 7 * 24 * 60 * 60
# What a second attempt does not change; a registry or a server may answer the next time.
_FINAL = (
    *(UsageError, ConfigurationError, PatchError, CompileError, ExportError, PackError),
    CheckError,
)
# What kubelet would take for a variable's name, or for a way to write "$" (its expansion.go).
_EXPANDED = lazy_pattern(r"\$(?=[$(])")
_SCRIPT = """\
set -eu
export HOME=/scratch
if ! command -v plugin-factory > /dev/null; then
  python3 -m venv /scratch/factory
  /scratch/factory/bin/pip install --quiet "$FACTORY"
  PATH="/scratch/factory/bin:$PATH"
fi
only="SHARD_$JOB_COMPLETION_INDEX"
exec plugin-factory build {options} \\
  --repo-path /scratch/source --cache-dir /scratch/cache \\
  --output-dir "outputs/$RUN/$JOB_COMPLETION_INDEX" --only "${{!only}}"
"""


def kubernetes_matrix(shards: Sequence[Shard], options: Sequence[str] = ()) -> str:
    """Return the Job as YAML, for ``kubectl create -f -``.

    Args:
        shards: what each pod builds.
        options: further words of ``plugin-factory build``, the same for all.
    """
    return yaml_text(kubernetes_job(shards, options), in_lines=True)


def kubernetes_job(shards: Sequence[Shard], options: Sequence[str] = ()) -> dict[str, Any]:
    """Return the Job as plain values (``batch/v1``)."""
    container = {
        "name": "build",
        "image": IMAGE,
        "workingDir": WORK,
        "command": ["bash", "-c", _literal(_SCRIPT.format(options=shlex.join(options)))],
        "env": [
            {"name": "FACTORY", "value": _INSTALLED},
            {"name": "RUN", "valueFrom": {"fieldRef": {"fieldPath": _JOB_NAME}}},
            *(
                {"name": f"SHARD_{index}", "value": _literal(shard.only)}
                for index, shard in enumerate(shards)
            ),
        ],
        "envFrom": [{"secretRef": {"name": SECRET, "optional": True}}],
        "resources": {"requests": {"cpu": "2", "memory": "4Gi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [
            {"name": "source", "mountPath": WORK},
            {"name": "scratch", "mountPath": "/scratch"},
        ],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "generateName": f"{NAME}-",
            "labels": {"app.kubernetes.io/name": NAME, "app.kubernetes.io/version": __version__},
        },
        "spec": {
            "completionMode": "Indexed",
            "completions": len(shards),
            "parallelism": len(shards),
            # A shard that fails stops no other.
            "backoffLimitPerIndex": _ONCE_MORE,
            "ttlSecondsAfterFinished": _KEPT_SECONDS,
            "podFailurePolicy": _failure_policy(),
            "template": {
                "metadata": {"labels": {"app.kubernetes.io/name": NAME}},
                "spec": {
                    "restartPolicy": "Never",
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": _USER,
                        "fsGroup": _USER,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [container],
                    "volumes": [
                        {"name": "source", "persistentVolumeClaim": {"claimName": CLAIM}},
                        {"name": "scratch", "emptyDir": {}},
                    ],
                },
            },
        },
    }


def _failure_policy() -> dict[str, Any]:
    """A pod that was evicted is started again, and one that said why it cannot end well is not."""
    final = sorted(error.exit_code for error in _FINAL)
    return {
        "rules": [
            {"action": "Ignore", "onPodConditions": [_EVICTED]},
            {
                "action": "FailIndex",
                "onExitCodes": {"containerName": "build", "operator": "In", "values": final},
            },
        ]
    }


def _literal(text: str) -> str:
    """A text of which the kubelet makes this text again."""
    return _EXPANDED.sub("$$", text)
