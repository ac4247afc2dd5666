"""A small file for a CI system, which uses the factory's own action, template or task."""

from __future__ import annotations

import json
import os
from importlib import resources
from typing import TYPE_CHECKING

from factory import __version__
from factory.errors import UsageError
from factory.notation.yaml_text import is_plain
from factory.sources.source import repository_around
from factory.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from factory.config.ci_system import CiSystem

# Where the action, the template and the task of this version are.
CI_FROM = f"plugin-factory/plugin-factory@v{__version__}"
GITLAB_TEMPLATE = "ci/gitlab/plugin-factory.yml"
TEKTON_TASK = "ci/tekton/task.yaml"

_TEMPLATES = {"github": "github.yml", "gitlab": "gitlab.yml", "tekton": "tekton.yaml"}
_PLACES = {
    "github": ".github/workflows/plugin-factory.yml",
    "gitlab": ".gitlab-ci.yml",
    "tekton": "tekton/plugin-factory-run.yaml",
}
_MOST_SHARDS = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class CiFile:
    """A file to write, and its text."""

    path: Path
    text: str


def ci_file(
    system: CiSystem, *, config_dir: Path, workspaces: int, ci_from: str = "", at: Path | None
) -> CiFile:
    """Return the file of a CI system for a configuration directory.

    It goes into the repository that holds the configuration directory, or, where there is none,
    into the directory's parent folder; the directory is named from there, since a CI starts there.

    Args:
        system: which CI system.
        config_dir: the absolute path of the configuration directory.
        workspaces: how many workspaces it has.
        ci_from: ``OWNER/NAME@REF`` of the factory's repository; "" for this version's own.
        at: where the file goes instead of the system's usual place.

    Raises:
        UsageError: ``ci_from`` is not of this form.
    """
    top = _top(config_dir)
    path = at or top / _PLACES[system]
    owner_and_name, _, ref = (ci_from or CI_FROM).partition("@")
    if owner_and_name.count("/") != 1 or not all(owner_and_name.split("/")) or not ref:
        raise UsageError(
            "--ci-from is not a repository with a ref",
            found=ci_from,
            expected=f"OWNER/NAME@REF, such as {CI_FROM}",
        )
    raw = f"https://raw.githubusercontent.com/{owner_and_name}/{ref}"
    source = {
        "github": f"{owner_and_name}@{ref}",
        "gitlab": f"{raw}/{GITLAB_TEMPLATE}",
        "tekton": f"{raw}/{TEKTON_TASK}",
    }[system]
    template = resources.files(__package__).joinpath("ci_files", _TEMPLATES[system])
    shards = max(1, min(workspaces, _MOST_SHARDS))
    text = template.read_text(encoding="utf-8").replace("@SHARDS@", str(shards))
    values = {
        "CONFIG_DIR": os.path.relpath(config_dir, top),
        "CI_FROM": source,
        "FILE": os.path.relpath(path, top),
    }
    lines = [_fill(line, values) for line in text.splitlines(keepends=True)]
    return CiFile(path=path, text="".join(lines))


def _fill(line: str, values: dict[str, str]) -> str:
    is_comment = line.startswith("#")
    for name, value in values.items():
        line = line.replace(f"@{name}@", value if is_comment else _yaml_word(value))
    return line


def _yaml_word(value: str) -> str:
    """A text as YAML, in quotes where it needs them; JSON's quotes are YAML's."""
    return value if is_plain(value) else json.dumps(value, ensure_ascii=False)


def _top(config_dir: Path) -> Path:
    return repository_around(config_dir) or config_dir.parent
