"""What runs have made and what failed, in the form that a CI system takes outputs.

- GitHub: ``name=value`` lines for ``$GITHUB_OUTPUT``, where a list is a JSON array, as ``fromJSON``
  reads it (https://docs.github.com/actions/reference/workflow-commands-for-github-actions);
- GitLab: a dotenv report of at most 5 KB, where a list has commas
  (https://docs.gitlab.com/ci/yaml/artifacts_reports/#artifactsreportsdotenv);
- Tekton: a file a result, where a list is a JSON array; all results of a task together must stay
  below 4 KB (https://tekton.dev/docs/pipelines/tasks/#emitting-results).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from factory.reports.summary import RunSummary

GITLAB_BYTES = 5_000
# Tekton's own words about the steps are in the same 4 KB.
TEKTON_BYTES = 3_000


def github_outputs(summary: RunSummary) -> str:
    """Return the lines for ``$GITHUB_OUTPUT``; each value is on one line."""
    values = {
        "artifacts": _array(summary.artifacts),
        "images": _array(summary.images),
        "failed": _array(summary.failed),
        "report": _plain(summary.report or ""),
    }
    return "".join(f"{name}={value}\n" for name, value in values.items())


def gitlab_outputs(summary: RunSummary) -> tuple[str, tuple[str, ...]]:
    """Return the dotenv report, and the names of lists that had no room in it and are empty.

    The numbers are there whatever has room, so that an empty list is not taken for none.
    """
    numbers = {f"PLUGIN_{name.upper()}_COUNT": str(len(v)) for name, v in _lists(summary).items()}
    fixed = numbers | {"PLUGIN_REPORT": _plain(summary.report or "")}
    used = sum(len(f"{name}={value}\n".encode()) for name, value in fixed.items())
    lists = {f"PLUGIN_{name.upper()}": ",".join(v) for name, v in _lists(summary).items()}
    used += sum(len(f"{name}=\n") for name in lists)
    kept, left_out = _fitting(lists, GITLAB_BYTES - used, empty="")
    values = {name: _plain(value) for name, value in kept.items()} | fixed
    return "".join(f"{name}={value}\n" for name, value in values.items()), left_out


def tekton_results(summary: RunSummary) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Return the results by name, and the names of lists that had no room and are empty."""
    fixed = {"report": summary.report or "", "failed-count": str(len(summary.failed))}
    used = sum(len(value.encode()) for value in fixed.values())
    lists = {name: _array(values) for name, values in _lists(summary).items()}
    kept, left_out = _fitting(lists, TEKTON_BYTES - used, empty="[]")
    return kept | fixed, left_out


def _lists(summary: RunSummary) -> dict[str, tuple[str, ...]]:
    """The lists, the one that matters most first."""
    return {
        "failed": summary.failed,
        "images": summary.images,
        "artifacts": summary.artifacts,
    }


def _fitting(
    lists: Mapping[str, str], room: int, *, empty: str
) -> tuple[dict[str, str], tuple[str, ...]]:
    kept, left_out = {}, []
    for name, value in lists.items():
        size = len(value.encode())
        fits = size <= room
        kept[name] = value if fits else empty
        room -= size if fits else len(empty)
        if not fits:
            left_out.append(name)
    return kept, tuple(left_out)


def _array(values: Sequence[str]) -> str:
    return json.dumps(list(values))


def _plain(text: str) -> str:
    return " ".join(text.split())
