"""The workspace as tools need it: changed for a while, and put back.

An export reads files of the workspace that say what only the workspace understands, and one that
need not be there. All are changed together, by a journal in the tree, so that a killed run's next
one takes them back.
"""

from __future__ import annotations

import contextlib
import json
import logging
from typing import TYPE_CHECKING

from factory.analysis.discovery import project_folder
from factory.scratch_folder import scratch_folder
from factory.sources.replacement import Replacement, replace_for_a_while
from factory.work_tree.real_ranges import find_real_ranges

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from factory.analysis.release_ranges import ReleaseRanges

log = logging.getLogger(__name__)

_ORIGINALS = "node_modules/.plugin-factory-originals"
_TSCONFIG = "tsconfig.json"
# By it Backstage finds out what entry points export by default, and it fails where there is none at
# the root. It compiles nothing, and checks nothing.
_SETTINGS = {
    "compilerOptions": {
        "allowJs": True,
        "esModuleInterop": True,
        "jsx": "react-jsx",
        "lib": ["DOM", "DOM.Iterable", "ES2022"],
        "module": "ESNext",
        "moduleResolution": "Bundler",
        "noEmit": True,
        "resolveJsonModule": True,
        "skipLibCheck": True,
        "strict": True,
        "target": "ES2022",
        "types": [],
    },
    "include": [],
}


@contextlib.contextmanager
def adapt_tree(workspace: Path, ranges: ReleaseRanges, *, bundles: bool) -> Iterator[None]:
    """Have the workspace as exports need it, for as long as the context is open.

    Args:
        workspace: its folder.
        ranges: what ``backstage:^`` means in it.
        bundles: whether there is a frontend plugin among what is exported.

    Raises:
        SourceError: a package.json or ``.yarnrc.yml`` cannot be used.
        StorageError: a file cannot be written.
    """
    project = project_folder(workspace) or workspace
    texts = find_real_ranges(project, ranges)
    if texts:
        log.debug("%d package.json have real ranges meanwhile", len(texts))
    tsconfig = project / _TSCONFIG
    if bundles and not tsconfig.exists() and not tsconfig.is_symlink():
        log.info("the workspace has no %s; the exports of frontends get one", _TSCONFIG)
        texts = {**texts, tsconfig: json.dumps(_SETTINGS, indent=2) + "\n"}
    with change_tree(project, texts):
        yield


@contextlib.contextmanager
def change_tree(project: Path, texts: Mapping[Path, str]) -> Iterator[None]:
    """Have files of a tree hold other texts, for as long as the context is open.

    Args:
        project: the tree's root.
        texts: by the files in it, which need not be there.

    Raises:
        SourceError: there is a journal in the tree that is not ours.
        StorageError: a file cannot be written.
    """
    if not texts:
        yield
        return
    with scratch_folder() as folder:
        replacements = []
        for number, (file, text) in enumerate(texts.items()):
            content = folder / str(number)
            content.write_text(text, encoding="utf-8")
            content.chmod(file.stat().st_mode & 0o777 if file.exists() else 0o644)
            replacements.append(Replacement(target=file, content=content))
        with replace_for_a_while(replacements, root=project, originals=project / _ORIGINALS):
            yield
