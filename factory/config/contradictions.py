"""Options that cannot go together, and a configuration directory that is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.config.plugins_list import PLUGINS_LIST
from factory.config.source_file import SOURCE_FILE, leaves_repository
from factory.errors import ConfigurationError, Place, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from factory.config.build_plan import BuildRequest


def refuse_contradictions(request: BuildRequest) -> None:
    """Raise if options exclude each other, whatever the configuration directory holds.

    Raises:
        UsageError: naming the options.
    """
    if request.source_ref and not request.source_repo:
        raise UsageError(
            "--source-ref needs --source-repo",
            found=f"--source-ref {request.source_ref}",
            hint=f"add --source-repo URL, or write the ref into {SOURCE_FILE} as 'repo-ref'",
        )
    if request.source_repo and request.use_local:
        raise UsageError(
            "--source-repo and --use-local exclude each other",
            expected="one of them: a repository to clone, or a tree to build in place",
        )
    if request.sign_key and not request.push_images:
        raise UsageError(
            "--sign-key signs images that are pushed, and none is",
            found=f"--sign-key {request.sign_key}",
            expected="--push-images with it",
            hint="artifacts that are there already: plugin-factory push OUTPUT_DIR --sign-key FILE",
        )
    if request.jobs is not None and request.jobs < 1:
        raise UsageError("--jobs must be at least 1", found=str(request.jobs))
    path = request.workspace_path
    if path is not None and leaves_repository(path):
        raise UsageError(
            "--workspace-path leaves the repository",
            found=path,
            expected="a path from the repository's root, such as workspaces/todo",
        )
    for first, second in (
        ("--config-dir", "--output-dir"),
        ("--repo-path", "--output-dir"),
        ("--config-dir", "--repo-path"),
    ):
        folders = {
            "--config-dir": request.config_dir,
            "--repo-path": request.repo_path,
            "--output-dir": request.output_dir,
        }
        if folders[first].absolute().resolve() == folders[second].absolute().resolve():
            raise UsageError(
                f"{first} and {second} are the same folder",
                found=str(folders[first]),
                expected="a folder for each",
            )


def refuse_missing(config_dir: Path) -> None:
    """Raise unless the configuration directory is a directory.

    Raises:
        ConfigurationError: it is not there, or is a file.
    """
    config_dir = config_dir.absolute()
    if not config_dir.exists():
        raise ConfigurationError(
            "the configuration directory does not exist",
            place=Place(file=config_dir),
            expected=f"a directory with {SOURCE_FILE} and, if you like, {PLUGINS_LIST}",
            hint="name it with --config-dir, or, in a container, mount it: -v ./config:/config:z",
        )
    if not config_dir.is_dir():
        raise ConfigurationError(
            "the configuration directory is a file",
            place=Place(file=config_dir),
            hint="--config-dir takes the directory that holds the file",
        )
