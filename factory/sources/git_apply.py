"""``git apply`` on a copy of some files, outside every repository, forward and backward."""

from __future__ import annotations

import re
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from factory.sources.file_copy import copy_file
from factory.sources.same_file import is_executable
from factory.toolchain.runner import ProcessFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from factory.sources.patch_place import PlacedPatch, Target
    from factory.toolchain.runner import Runner

IGNORING_WHITESPACE = "--ignore-whitespace"
_SPECIAL, _ESCAPED = re.compile(r"([*?\[\\])"), r"\\\1"


@dataclass(frozen=True, kw_only=True, slots=True)
class GitApply:
    """How ``git apply`` is run: by whom, where its copies are, and which files it is to leave."""

    runner: Runner
    env: Mapping[str, str]
    log: Path | None
    scratch: Path
    left: frozenset[PurePosixPath]

    def __call__(self, tree: Path, patch: PlacedPatch, *options: str) -> ProcessFailed | None:
        """Apply a patch whole, or do nothing and return why not."""
        command = ("git", "-c", "core.autocrlf=false", "apply", "--whitespace=nowarn")
        left = [name.relative_to(patch.folder) for name in self.left & set(patch.names)]
        excluded = [f"--exclude={_SPECIAL.sub(_ESCAPED, str(name))}" for name in left]
        try:
            self.runner.run(
                (*command, f"-p{patch.strip}", *excluded, *options, "--", patch.path.resolve()),
                cwd=tree / patch.folder,
                # A repository around the temporary folder would make git skip files silently.
                env={**self.env, "GIT_CEILING_DIRECTORIES": str(self.scratch.parent)},
                log=self.log,
            )
        except ProcessFailed as failure:
            return failure
        return None

    def forward(self, tree: Path, patch: PlacedPatch) -> bool:
        """Apply a patch as it is, or else with whitespace not counting; whether one worked."""
        return not self(tree, patch) or not self(tree, patch, IGNORING_WHITESPACE)

    def backward(self, tree: Path, patch: PlacedPatch) -> bool:
        """Take a patch back, if the tree has it."""
        if not all(self._has_mode(tree, target) for target in patch.targets):
            return False
        if not self(tree, patch, "--reverse"):
            return True
        if all(target.file.only_whitespace for target in patch.targets):
            return False  # not counting whitespace, every tree has it
        return not self(tree, patch, "--reverse", IGNORING_WHITESPACE)

    def _has_mode(self, tree: Path, target: Target) -> bool:
        """Whether a file has the mode that a patch leaves: git itself only warns if it has not."""
        if not target.file.changes_mode or target.new is None or target.new in self.left:
            return True
        path = tree / target.new
        return not path.is_file() or is_executable(path) == target.file.leaves_executable

    @contextmanager
    def copy_of(self, tree: Path) -> Iterator[Path]:
        """A copy to try something on."""
        with tempfile.TemporaryDirectory(dir=self.scratch) as folder:
            trial = Path(folder) / "trial"
            shutil.copytree(tree, trial, symlinks=True, copy_function=copy_file)
            yield trial
