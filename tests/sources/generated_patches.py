"""Patches in every form in which people have them, made by the programs that make them.

A tree is made at random, changed, and the change is written down by diff or git; then the patch is
treated as editors, mailers and people treat patches, and the tree as time treats a source.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

NAMES = ("a.txt", "dir/b.ts", "dir/sub/c.json", "dir/with blank.md", "d\u00fc.txt", "e/f/g.yml")
WORDS = ("import x", "  return 1;", "\tend", "}", "", "{", '  "a":  1,', "foo  bar", "-- x", "#!sh")
ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TZ": "UTC", "HOME": "/nonexistent"}


@dataclass(frozen=True, kw_only=True, slots=True)
class File:
    """A file of a made tree."""

    content: bytes
    executable: bool = False
    link: bool = False


Tree = dict[str, File]


def write_tree(tree: Tree, folder: Path) -> None:
    """Write a tree into a folder that is made for it."""
    folder.mkdir(parents=True)
    for name, file in tree.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.link:
            path.symlink_to(os.fsdecode(file.content))
        else:
            path.write_bytes(file.content)
            path.chmod(0o755 if file.executable else 0o644)


def read_tree(folder: Path) -> dict[str, tuple[bytes, bool] | str]:
    """What is in a folder; without what GNU patch keeps of its misses."""
    found: dict[str, tuple[bytes, bool] | str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = str(path.readlink())
        elif path.is_file() and not name.endswith((".orig", ".rej")):
            found[name] = (path.read_bytes(), bool(path.stat().st_mode & 0o100))
    return found


class Maker:
    """Trees, changes and patches at random."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance

    def maybe(self, percent: int) -> bool:
        return self.chance.randrange(100) < percent

    def lines(self, most: int = 14) -> list[bytes]:
        return [
            self.chance.choice(WORDS).encode()
            + (str(self.chance.randrange(9)).encode() if self.maybe(60) else b"")
            for _ in range(self.chance.randrange(most + 1))
        ]

    def content(self) -> bytes:
        end = b"\r\n" if self.maybe(10) else b"\n"
        text = b"".join(line + end for line in self.lines())
        return text[: -len(end)] if text and self.maybe(15) else text

    def tree(self) -> Tree:
        names = self.chance.sample(NAMES, k=self.chance.randint(1, 4))
        return {name: File(content=self.content(), executable=self.maybe(10)) for name in names}

    def edited(self, content: bytes) -> bytes:
        lines = content.splitlines(keepends=True)
        for _ in range(self.chance.randint(1, 3)):
            at = self.chance.randint(0, len(lines))
            what = self.chance.randrange(3)
            if what == 0 or not lines:
                lines[at:at] = [line + b"\n" for line in self.lines(2)]
            elif what == 1:
                del lines[at : at + self.chance.randint(1, 2)]
            else:
                lines[at : at + 1] = [self.chance.choice(WORDS).encode() + b"!\n"]
        text = b"".join(line if line.endswith(b"\n") else line + b"\n" for line in lines)
        return text[:-1] if text and self.maybe(15) else text

    def changed(self, tree: Tree) -> Tree:
        after = dict(tree)
        for name in list(after):
            what = self.chance.randrange(10)
            file = after[name]
            if what < 6:
                after[name] = File(content=self.edited(file.content), executable=file.executable)
            elif what == 6:
                del after[name]
            elif what == 7:
                after[name] = File(content=file.content, executable=not file.executable)
            elif what == 8:
                moved = self.chance.choice(NAMES)
                after[moved] = after.pop(name)
        if self.maybe(35):
            after[self.chance.choice(NAMES)] = File(content=self.content())
        return after

    def drifted(self, tree: Tree) -> Tree:
        """The tree as it is when the patch comes: mostly what the patch was made for."""
        there = dict(tree)
        for name in list(there):
            what = self.chance.randrange(24)
            file = there[name]
            text = file.content
            if what == 0:
                text = b"".join(line + b"\n" for line in self.lines(4)) + text
            elif what == 1:
                text = self.edited(text)
            elif what == 2:
                text = text.replace(b"  ", b"\t ")
            elif what == 3:
                text = text.replace(b"\n", b" \n")
            elif what == 4:
                text = text.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            elif what == 5:
                del there[name]
                continue
            elif what == 6:
                text = b""
            there[name] = File(content=text, executable=file.executable)
        return there

    def patch(self, before: Tree, after: Tree, folder: Path) -> bytes:
        """The difference of two trees, in a form of somebody's."""
        shutil.rmtree(folder, ignore_errors=True)
        write_tree(before, folder / "a")
        write_tree(after, folder / "b")
        return self.git_patch(folder) if self.maybe(45) else self.diff_patch(folder)

    def git_patch(self, folder: Path) -> bytes:
        options = [f"-U{self.chance.choice((0, 1, 2, 3, 3, 3, 5))}"]
        if self.maybe(40):
            options += ["--find-renames=30%"]
        if self.maybe(20):
            options += ["--find-copies-harder"]
        if self.maybe(20):
            options += ["--irreversible-delete"] if self.maybe(20) else ["--full-index"]
        text = run(folder, "git", "diff", "--no-index", "--no-color", *options, "a", "b")
        # Without an index, git names the folders, too: a/a/x.
        text = re.sub(rb'(?m)(^diff --git "?a/)a/', rb"\1", text)
        text = re.sub(rb'(?m)^(diff --git .*? "?b/)b/', rb"\1", text)
        text = re.sub(rb'(?m)^(--- "?a/)a/', rb"\1", text)
        text = re.sub(rb'(?m)^(\+\+\+ "?b/)b/', rb"\1", text)
        if self.maybe(15):
            text = re.sub(rb"(?m)^(index|old mode|new mode) .*\n", b"", text)
        if self.maybe(15):
            text = re.sub(rb"(?m)^diff --git .*\n", b"", text)
        if self.maybe(10):
            text = re.sub(rb'(?m)^(---|\+\+\+) ("?)[ab]/', rb"\1 \2", text)
        return text

    def diff_patch(self, folder: Path) -> bytes:
        form = self.chance.choice(("-u", "-u", "-U1", "-U0", "-c", "-C1", "-C0", "normal"))
        epoch = ["-N"] if self.maybe(60) else []
        if form == "normal":
            parts = []
            for name in sorted({*files_in(folder / "a"), *files_in(folder / "b")}):
                text = run(folder, "diff", *epoch, f"a/{name}", f"b/{name}")
                if text and not text.startswith(b"Only"):
                    parts.append(f"Index: {name}\n".encode() + text)
            return b"".join(parts)
        text = run(folder, "diff", "-r", form, *epoch, "a", "b")
        dates = self.chance.randrange(4)
        if dates == 0:
            text = re.sub(
                rb"(?m)^(--- [^\t\n]*|\+\+\+ [^\t\n]*|\*\*\* [^\t\n]*)\t.*$", rb"\1", text
            )
        elif dates == 1:
            text = text.replace(b"1970-01-01 00:00:00.000000000 +0000", b"Thu Jan  1 01:00:00 1970")
        if self.maybe(30):
            text = re.sub(rb"(?m)^diff .*\n", b"", text)
        names = self.chance.randrange(4)
        if names == 0:
            text = re.sub(rb'(?m)^(---|\+\+\+|\*\*\*) ("?)[ab]/', rb"\1 \2", text)
        elif names == 1:
            text = re.sub(rb'(?m)^(---|\+\+\+|\*\*\*) ("?)[ab]/', rb"\1 \2./", text)
        return text

    def mishandled(self, patch: bytes) -> bytes:
        """A patch as it is after editors, mailers and people have had it."""
        for treatment in self.chance.sample(TREATMENTS, k=self.chance.choice((0, 0, 0, 1, 1, 2))):
            patch = treatment(self, patch)
        return patch


def files_in(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]


def run(folder: Path, *command: str) -> bytes:
    return subprocess.run(
        command, cwd=folder, env=ENVIRONMENT, capture_output=True, check=False
    ).stdout


def _with_a_mail(maker: Maker, patch: bytes) -> bytes:
    head = b"From 1234 Mon Sep 17 00:00:00 2001\nFrom: A <a@b.c>\nSubject: [PATCH] x\n\nwhy\n---\n"
    return head + b" a.txt | 2 +-\n 1 file changed\n\n" + patch + b"-- \n2.39.5\n\n"


def _without_some_line(maker: Maker, patch: bytes) -> bytes:
    lines = patch.splitlines(keepends=True)
    if lines:
        del lines[maker.chance.randrange(len(lines))]
    return b"".join(lines)


def _with_other_numbers(maker: Maker, patch: bytes) -> bytes:
    by = maker.chance.choice((-2, -1, 1, 3))
    return re.sub(
        rb"(?m)^@@ -(\d+)", lambda match: b"@@ -%d" % max(int(match[1]) + by, 0), patch, count=2
    )


def _between_garbage(maker: Maker, patch: bytes) -> bytes:
    return re.sub(rb"(?m)^(diff |Index:)", rb"some words\n\n\1", b"# a comment\nwords\n" + patch)


TREATMENTS = (
    lambda _, patch: b"\xef\xbb\xbf" + patch,
    lambda _, patch: patch.removesuffix(b"\n"),
    lambda _, patch: patch.replace(b"\n", b"\r\n"),
    lambda _, patch: re.sub(rb"(?m)^", b"  ", patch),
    lambda _, patch: re.sub(rb"(?m)^(?!$)", b"\t", patch),
    lambda _, patch: re.sub(rb"(?m)[ \t]+$", b"", patch),
    lambda _, patch: patch + b"\n\n",
    lambda _, patch: patch + patch,
    lambda _, patch: patch.replace(b"  ", b"\t"),
    lambda _, patch: re.sub(rb"(?m)^- ", b"- - ", patch),
    lambda _, patch: re.sub(rb"(?m)^\\.*\n", b"", patch),
    lambda _, patch: re.sub(rb"(?m)^ $", b"", patch),
    _with_a_mail,
    _without_some_line,
    _with_other_numbers,
    _between_garbage,
)
