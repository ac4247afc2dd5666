"""What of a workspace is in no package and may reach an artifact: settings, patches, scripts."""

from __future__ import annotations

import os
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from factory.cache.tree import GENERATED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory.cache.tree import Tree

# Of the root: for people, for the forge, for editors; no tool of a build reads them.
_DOCUMENT = re.compile(
    r".*\.mdx?|(?:LICEN[CS]E|NOTICE|COPYING|CODEOWNERS|OWNERS|AUTHORS|MAINTAINERS)(?:[.-].*)?"
    r"|\.git(?:ignore|attributes|modules|-blame-ignore-revs)?|\.editorconfig|\.(?:docker)?ignore"
    r"|\.prettier(?:ignore|rc.*)|\.eslint(?:ignore|rc.*|cache)|renovate\.json5?|\.mailmap"
    r"|catalog-info\.ya?ml|mkdocs\.ya?ml|codecov\.ya?ml|\.pnp\..*|yarn\.lock|.*\.log",
    re.IGNORECASE,
)
_NO_SOURCES = frozenset(
    {
        *(".git", ".github", ".gitlab", ".changeset", ".circleci", ".husky", ".vscode", ".idea"),
        *(".devcontainer", ".cache", ".yarn", "docs", "e2e-tests", "node_modules"),
        *GENERATED,
    }
)
# Of .yarn; its other folders are a cache of what the lockfile has checksums of.
_OF_YARN = (".yarn/patches", ".yarn/plugins", ".yarn/releases")


def root_parts(tree: Tree, project: str) -> Iterator[tuple[str, str]]:
    """Yield what is in no package, each with its digest, by its path from the workspace.

    Of the workspace that is everything but documents and repository settings, of the folders above
    it, up to the tree's root, the files that are directly there.

    Args:
        tree: the checkout; packages are apart in it.
        project: the path of the folder with yarn.lock from the tree's root.

    Raises:
        OSError: something cannot be read.
    """
    folder = project
    while True:
        up = "../" * (0 if folder == project else _depth(project) - _depth(folder))
        with os.scandir(tree.root / folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                path = entry.name if folder == "." else f"{folder}/{entry.name}"
                if not entry.is_dir(follow_symlinks=False):
                    if not _DOCUMENT.fullmatch(entry.name) and entry.is_file():
                        yield up + entry.name, tree.file(path)
                elif folder == project and not (entry.name in _NO_SOURCES or path in tree.apart):
                    yield f"{entry.name}/", tree.folder(path).digest
        for name in _OF_YARN:
            path = name if folder == "." else f"{folder}/{name}"
            if (tree.root / path).is_dir():
                yield f"{up}{name}/", tree.folder(path).digest
        if folder == ".":
            return
        folder = PurePosixPath(folder).parent.as_posix()


def _depth(path: str) -> int:
    return len(PurePosixPath(path).parts)
