"""What somebody wants of a new configuration directory, and how they are asked for the rest."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from factory.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from factory.config.ci_system import CiSystem

# Shows a question and returns the answer without the space around it, "" for none at all; None
# where the input has ended.
Ask: TypeAlias = Callable[[str], str | None]


@dataclass(frozen=True, kw_only=True, slots=True)
class InitOptions:
    """The options of ``plugin-factory init``, as given; None or empty where the user said nothing.

    ``local`` is a folder on this machine, ``repo`` a repository's URL or folder, ``packages`` are
    plugins that are published on npm. A relative path counts from ``here``. ``ci_from`` is the
    repository that holds the factory's own action, template and task, with the ref to take:
    ``OWNER/NAME@REF``.
    """

    here: Path
    config_dir: Path | None = None
    repo: str | None = None
    ref: str | None = None
    local: Path | None = None
    packages: tuple[str, ...] = ()
    workspace_paths: tuple[str, ...] = ()
    all_workspaces: bool = False
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    host: str = ""
    ci: CiSystem | None = None
    ci_from: str = ""
    ci_file: Path | None = None
    force: bool = False
    dry_run: bool = False
