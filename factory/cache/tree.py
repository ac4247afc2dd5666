"""The files of a checkout as digests: what a folder holds, without what tools have put there.

Files count by their bytes, their path in the folder and whether they may be executed; links by
where they lead. Times, owners, the folder's own place and the order of a directory's entries do not
count. Empty folders do not either: git has none.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import stat
from dataclasses import field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


GENERATED = frozenset({"dist", "dist-types", "dist-dynamic", "dist-scalprum", "coverage"})
"""Folders that builds write into a package: they count only where they are read as they are."""

# At any depth: what yarn installs, what tools keep for themselves, what an editor leaves.
_NEVER = frozenset({"node_modules", ".git", ".turbo", ".nx", ".DS_Store", ".eslintcache"})
# Bytes; nobody writes sources that long by hand.
_LARGE = 4 << 20
_NEVER_SUFFIX = ".tsbuildinfo"
# What is longer names no file, and would take long.
_LONGEST_PATH = 4096
# A path that begins by leaving its folder, as source files have it: a string.
_IN_CODE = lazy_pattern(rb"""["'`](?:file:|link:|portal:)?(\.\.?/[^"'`\s*?{}$<>|\0]*)["'`]""")
# As package.json, tsconfig.json, .yarnrc.yml and style sheets have it: a word of a command, what
# follows a protocol (yarnpkg.com/protocols) or the # of a patch, a value without quotes, url(...).
_IN_SETTINGS = lazy_pattern(
    rb"""(?:^|["'`\s=#&(:,\[])(\.\.?/[^"'`\s*?{}$<>|&#,;:()\[\]\0]*)""", re.MULTILINE
)
# A path of .yarnrc.yml counts from its folder, however it begins (yarnpkg.com/configuration).
_YARN_SETTINGS = ".yarnrc.yml"
_IN_YARN_SETTINGS = lazy_pattern(
    rb"""^[ \t]*(?:-[ \t]+)?(?:yarnPath|path|patchFolder)[ \t]*:[ \t]*["']?([^"'\s#\0]+)""",
    re.MULTILINE,
)
_CODE = (".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs")
_SETTINGS = (".json", ".jsonc", ".json5", ".yaml", ".yml", ".css", ".scss", ".sass", ".less")


@dataclass(frozen=True, kw_only=True, slots=True)
class FolderDigest:
    """What a folder holds, as hexadecimal digits, and what its files refer to outside of it.

    ``outward`` are paths from the tree's root, of references by ``../`` and of links.
    """

    digest: str
    outward: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Tree:
    """A folder whose parts are digested on demand, each once; safe to use from many threads.

    ``root`` is the checkout. ``apart`` are paths from it of what is asked for by itself, such as
    the packages' folders: it is left out of the folders around it.
    """

    root: Path
    apart: frozenset[str] = frozenset()
    _known: dict[tuple[str, bool], FolderDigest] = field(default_factory=dict, repr=False)

    def folder(self, path: str, *, generated: bool = False) -> FolderDigest:
        """Return the digest of a folder; an absent one is as an empty one.

        Args:
            path: from the root, with ``/``; ``"."`` for the root.
            generated: whether what builds have left in it counts (:data:`GENERATED`).

        Raises:
            OSError: something in it cannot be read.
        """
        key = (path, generated)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._digest(path, generated=generated)
        return found

    def file(self, path: str) -> str:
        """Return the digest of one file, or ``""`` where there is none.

        Raises:
            OSError: it cannot be read.
        """
        full = os.path.join(self.root, path)  # noqa: PTH118 - a hot loop's
        try:
            status = os.lstat(full)
        except (FileNotFoundError, NotADirectoryError):
            return ""
        if stat.S_ISLNK(status.st_mode):
            return _link_digest(full)
        return file_digest(full)

    def _digest(self, path: str, *, generated: bool) -> FolderDigest:
        root = os.fspath(self.root)
        start = root if path == "." else f"{root}/{path}"
        lines: list[bytes] = []
        outward: set[str] = set()
        skipped = frozenset() if generated else GENERATED
        for name, full, status in _files(start, path, self.apart, skipped):
            if stat.S_ISLNK(status.st_mode):
                digest = _link_digest(full)
                outward.update(_outside(path, name, [os.readlink(full)]))  # noqa: PTH115
            else:
                content, digest = _content_and_digest(full, status)
                if b"../" in content:
                    outward.update(_outside(path, name, _references(name, content)))
            lines.append(_line(name, digest))
        return FolderDigest(digest=_digest_of_lines(lines), outward=frozenset(outward))


def _line(name: str, digest: str) -> bytes:
    return os.fsencode(f"{digest} {name}\0")


def _digest_of_lines(lines: list[bytes]) -> str:
    """The digest of a folder: of a line for each file, in the order of their names."""
    lines.sort(key=lambda line: line.partition(b" ")[2])
    return hashlib.sha256(b"".join(lines)).hexdigest()


def file_digest(path: str) -> str:
    """Return the digest of one file, of what it leads to if it is a link.

    Raises:
        OSError: it cannot be read.
    """
    with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - a Path a file costs more
        kind = _kind(os.fstat(file.fileno()).st_mode)
        return kind + hashlib.file_digest(file, "sha256").hexdigest()


def folder_state(root: Path) -> str | None:
    """Return a digest of all that is in a folder; None where a link leads out of it.

    What yarn installs and what tools keep for themselves does not count; what builds have made
    does.

    Raises:
        OSError: something in it cannot be read.
    """
    top = os.path.realpath(root)
    lines: list[bytes] = []
    for name, full, status in _files(top, ".", frozenset(), frozenset()):
        is_link = stat.S_ISLNK(status.st_mode)
        if is_link and not os.path.realpath(full).startswith(top + os.sep):
            return None
        lines.append(_line(name, _link_digest(full) if is_link else file_digest(full)))
    return _digest_of_lines(lines)


def references_above(root: Path, folder: str) -> frozenset[str]:
    """Return what the files directly in a folder refer to by ``./`` and ``../``, and the links.

    They are files of the folders around a workspace, of which its tools read some of their own
    accord. Documents, and settings of the repository, are left out.

    Args:
        root: the checkout.
        folder: from there; ``"."`` for the root itself.

    Returns:
        Paths from the root, that need not be there.

    Raises:
        OSError: a file cannot be read.
    """
    found: set[str] = set()
    with contextlib.suppress(FileNotFoundError, NotADirectoryError, PermissionError):
        for entry in os.scandir(root / folder):
            if entry.is_symlink():
                found.update(_from(folder, entry.name, [os.readlink(entry.path)]))  # noqa: PTH115
            elif entry.is_file() and not _DOCUMENT.fullmatch(entry.name):
                content, _ = _content_and_digest(entry.path, entry.stat())
                found.update(_from(folder, entry.name, _references(entry.name, content)))
    return frozenset(found)


def _references(name: str, content: bytes) -> set[str]:
    pattern = (
        _IN_CODE if name.endswith(_CODE) else _IN_SETTINGS if name.endswith(_SETTINGS) else None
    )
    said = pattern.findall(content) if pattern else []
    if name == _YARN_SETTINGS:
        said += _IN_YARN_SETTINGS.findall(content)
    return {each.decode("utf-8", "replace") for each in said}


def _content_and_digest(full: str, status: os.stat_result) -> tuple[bytes, str]:
    """The bytes of a file that is not too long to be searched, and its digest."""
    try:
        content = b"" if status.st_size > _LARGE else _bytes(full)
        digest = file_digest(full) if not content else _file_digest(content, status.st_mode)
    except PermissionError:
        return b"", "-"
    return content, digest


def _files(
    start: str, path: str, apart: frozenset[str], skipped: frozenset[str]
) -> Iterator[tuple[str, str, os.stat_result]]:
    """Every file and link below ``start``: its name from there, its full path, what it is."""
    pending = [(start, "")]
    prefix = "" if path == "." else f"{path}/"
    while pending:
        folder, inside = pending.pop()
        try:
            entries = os.scandir(folder)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            continue  # what we may not read, what builds with our rights may not either
        with entries:
            for entry in entries:
                if entry.name in _NEVER or entry.name.endswith(_NEVER_SUFFIX):
                    continue
                name = inside + entry.name
                if prefix + name in apart:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if inside or name not in skipped:
                        pending.append((entry.path, f"{name}/"))
                    continue
                status = entry.stat(follow_symlinks=False)
                if stat.S_ISREG(status.st_mode) or stat.S_ISLNK(status.st_mode):
                    yield name, entry.path, status


def _outside(folder: str, file: str, references: Iterable[str]) -> Iterator[str]:
    """The references of a file that leave its folder and stay in the tree, from the tree's root."""
    for leads_to in _from(folder, file, references):
        if folder not in (".", leads_to) and not leads_to.startswith(f"{folder}/"):
            yield leads_to


def _from(folder: str, file: str, references: Iterable[str]) -> Iterator[str]:
    """The references of a file that stay in the tree, as paths from the tree's root."""
    here = os.path.dirname(os.path.join(folder, file))  # noqa: PTH118, PTH120 - no files: names
    for reference in references:
        if os.path.isabs(reference) or len(reference) > _LONGEST_PATH:  # noqa: PTH117 - as above
            continue
        leads_to = os.path.normpath(os.path.join(here, reference))  # noqa: PTH118
        if not leads_to.startswith(".."):
            yield leads_to


def _file_digest(content: bytes, mode: int) -> str:
    return _kind(mode) + hashlib.sha256(content).hexdigest()


def _kind(mode: int) -> str:
    return "x" if mode & stat.S_IXUSR else "f"


def _link_digest(full: str) -> str:
    return "l" + hashlib.sha256(os.fsencode(os.readlink(full))).hexdigest()  # noqa: PTH115


def _bytes(full: str) -> bytes:
    with open(full, "rb", buffering=0) as file:  # noqa: PTH123 - a Path a file costs more
        return file.read()


# Of the root: for people, for the forge, for editors; no tool of a build reads them.
_DOCUMENT = lazy_pattern(
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
OF_YARN = (".yarn/patches", ".yarn/plugins", ".yarn/releases")


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
        for name in OF_YARN:
            path = name if folder == "." else f"{folder}/{name}"
            if (tree.root / path).is_dir():
                yield f"{up}{name}/", tree.folder(path).digest
        if folder == ".":
            return
        folder = PurePosixPath(folder).parent.as_posix()


def _depth(path: str) -> int:
    return len(PurePosixPath(path).parts)
