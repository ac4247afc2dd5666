"""The workspace inside a checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from factory.errors import ConfigurationError, SourceError
from factory.sources.workspace import resolve_workspace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    for name in ("workspaces/todo", "workspaces/gitlab", "node_modules/x"):
        (root / name).mkdir(parents=True)
        (root / name / "package.json").write_text('{"workspaces": ["plugins/*"]}')
    (root / "package.json").write_text("{}")
    return root


def test_a_path_is_that_folder(root: Path) -> None:
    assert resolve_workspace(root, "workspaces/todo") == root / "workspaces" / "todo"


@pytest.mark.parametrize("path", [".", "./", ""])
def test_a_dot_is_the_repository_itself(root: Path, path: str) -> None:
    assert resolve_workspace(root, path) == root


def test_an_unknown_path_is_an_error_with_near_workspaces(root: Path) -> None:
    with pytest.raises(SourceError, match="not in the repository") as caught:
        resolve_workspace(root, "workspace/todo")
    assert caught.value.hint is not None
    assert "--workspace-path workspaces/todo" in caught.value.hint
    assert "node_modules" not in str(caught.value)


def test_the_last_part_alone_is_recognised(root: Path) -> None:
    with pytest.raises(SourceError) as caught:
        resolve_workspace(root, "todo")
    assert "workspaces/todo" in str(caught.value.hint)


def test_a_file_is_no_workspace(root: Path) -> None:
    with pytest.raises(SourceError, match="is not a folder"):
        resolve_workspace(root, "package.json")


@pytest.mark.parametrize("path", ["/etc", "../other", "workspaces/../../x"])
def test_a_path_that_leaves_the_repository_is_refused(root: Path, path: str) -> None:
    with pytest.raises(ConfigurationError, match="does not stay inside"):
        resolve_workspace(root, path)


def test_a_link_out_of_the_repository_is_refused(root: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (root / "workspaces" / "evil").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SourceError, match="a link out of the repository"):
        resolve_workspace(root, "workspaces/evil")


def test_a_link_inside_the_repository_is_followed(root: Path) -> None:
    (root / "current").symlink_to("workspaces/todo")
    assert resolve_workspace(root, "current") == root / "current"
