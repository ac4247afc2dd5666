"""Patches as GNU patch takes them: the same trees, the same refusals, all or nothing.

``patch -l -f`` itself is the judge (its exit code and the tree that it leaves), with ``-p1`` where
the text has ``diff --git`` or ``--- a/`` and ``-p0`` elsewhere, as the catalogues' own builds do.
"""

from __future__ import annotations

import random
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory.errors import PatchError
from factory.sources.patch import apply_patches, find_patches
from factory.sources.patch_text import strip_level

from .generated_patches import ENVIRONMENT, File, Maker, Tree, read_tree, write_tree


@dataclass(frozen=True, kw_only=True, slots=True)
class Both:
    """What became of a tree by GNU patch, and by us."""

    taken_by_gnu: bool
    gnu: dict[str, tuple[bytes, bool] | str]
    said_by_gnu: str
    state: str
    ours: dict[str, tuple[bytes, bool] | str]
    before: dict[str, tuple[bytes, bool] | str]


def apply_both(tree: Tree, patch: bytes, folder: Path) -> Both:
    """Apply a patch to two copies of a tree."""
    for name in ("gnu", "ours"):
        write_tree(tree, folder / name)
    (folder / "config/patches").mkdir(parents=True)
    (folder / "config/patches/1.patch").write_bytes(patch)
    gnu = subprocess.run(
        ["patch", "-l", "-f", f"-p{strip_level(patch)}"],
        cwd=folder / "gnu",
        input=patch,
        env=ENVIRONMENT,
        capture_output=True,
        check=False,
    )
    before = read_tree(folder / "ours")
    try:
        result = apply_patches(
            find_patches(folder / "config"),
            root=folder / "ours",
            workspace=folder / "ours",
            is_fresh=True,
        )
        state: str = result.patches[0].state
    except PatchError:
        state = "refused"
    return Both(
        taken_by_gnu=gnu.returncode == 0,
        gnu=read_tree(folder / "gnu"),
        said_by_gnu=(gnu.stdout + gnu.stderr).decode(errors="replace"),
        state=state,
        ours=read_tree(folder / "ours"),
        before=before,
    )


def assert_alike(both: Both) -> None:
    if both.taken_by_gnu:
        assert both.state != "refused", both.said_by_gnu
        assert both.ours == both.gnu, both.said_by_gnu
    else:
        # A tree that has the patch already is not patched a second time, and is no failure.
        assert both.state != "applied", both.said_by_gnu
        assert both.ours == both.before


def test_gnu_patch_is_the_judge() -> None:
    said = subprocess.run(["patch", "--version"], capture_output=True, text=True, check=True)
    assert said.stdout.startswith("GNU patch")


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None
)
@given(seed=st.integers(min_value=0, max_value=2**32))
def test_trees_and_refusals_are_those_of_gnu_patch(seed: int) -> None:
    maker = Maker(random.Random(seed))
    folder = Path(tempfile.mkdtemp(prefix="patches-"))
    try:
        before = maker.tree()
        after = maker.changed(before)
        patch = maker.mishandled(maker.patch(before, after, folder / "made"))
        there = maker.drifted(after if maker.maybe(8) else before)
        assert_alike(apply_both(there, patch, folder))
    finally:
        shutil.rmtree(folder)


TEN = b"".join(b"line %d\n" % number for number in range(1, 11))
A: Tree = {"a.txt": File(content=b"one\ntwo\nthree\n")}
HUNK = "@@ -1,3 +1,3 @@\n one\n-two\n+TWO\n three\n"
EPOCH = "1970-01-01 00:00:00.000000000 +0000"

# What is taken, and the file it leaves (None: no file); the trees are compared with GNU patch's.
TAKEN: dict[str, tuple[Tree, str, str, bytes | None]] = {
    "insertion at line 0 of a file that exists": (
        {".yarnrc.yml": File(content=b"nodeLinker: node-modules\n")},
        "--- a/.yarnrc.yml\n+++ b/.yarnrc.yml\n@@ -0,0 +1 @@\n+enableScripts: false\n",
        ".yarnrc.yml",
        b"enableScripts: false\nnodeLinker: node-modules\n",
    ),
    "no line feed at the end of the patch": (
        A,
        f"--- a.txt\n+++ a.txt\n{HUNK}".removesuffix("\n"),
        "a.txt",
        b"one\nTWO\nthree\n",
    ),
    "names with ./": (A, f"--- ./a.txt\n+++ ./a.txt\n{HUNK}", "a.txt", b"one\nTWO\nthree\n"),
    "a byte order mark": (
        A,
        f"\ufeff--- a.txt\n+++ a.txt\n{HUNK}",
        "a.txt",
        b"one\nTWO\nthree\n",
    ),
    "a quoted name": (
        {"dü.txt": File(content=b"one\ntwo\nthree\n")},
        (
            'diff --git "a/d\\303\\274.txt" "b/d\\303\\274.txt"\n'
            f'--- "a/d\\303\\274.txt"\n+++ "b/d\\303\\274.txt"\n{HUNK}'
        ),
        "dü.txt",
        b"one\nTWO\nthree\n",
    ),
    "a name with blanks before its date": (
        {"a b.txt": File(content=b"one\ntwo\nthree\n")},
        f"--- a b.txt\t2024-01-01 10:00:00\n+++ a b.txt\t2024-01-01 10:00:01\n{HUNK}",
        "a b.txt",
        b"one\nTWO\nthree\n",
    ),
    "an Index line alone": (A, f"Index: a.txt\n{HUNK}", "a.txt", b"one\nTWO\nthree\n"),
    "a normal diff": (A, "Index: a.txt\n2c2\n< two\n---\n> TWO\n", "a.txt", b"one\nTWO\nthree\n"),
    "a normal diff without a line feed": (
        A,
        "Index: a.txt\n3c3\n< three\n---\n> THREE\n\\ No newline at end of file\n",
        "a.txt",
        b"one\ntwo\nTHREE",
    ),
    "a context diff": (
        A,
        (
            "*** a.txt\n--- a.txt\n***************\n*** 1,3 ****\n  one\n! two\n  three\n"
            "--- 1,3 ----\n  one\n! TWO\n  three\n"
        ),
        "a.txt",
        b"one\nTWO\nthree\n",
    ),
    "a context diff that leaves its old lines out": (
        A,
        (
            "*** a.txt\n--- a.txt\n***************\n*** 1,3 ****\n--- 1,4 ----\n"
            "  one\n  two\n+ new\n"
            "  three\n"
        ),
        "a.txt",
        b"one\ntwo\nnew\nthree\n",
    ),
    "a context diff that leaves its new lines out": (
        A,
        (
            "*** a.txt\n--- a.txt\n***************\n*** 1,3 ****\n  one\n- two\n  three\n"
            "--- 1,2 ----\n"
        ),
        "a.txt",
        b"one\nthree\n",
    ),
    "a deletion by the epoch": (
        A,
        (
            f"--- a.txt\t2024-01-01 10:00:00\n+++ a.txt\t{EPOCH}\n@@ -1,3 +0,0 @@\n"
            f"-one\n-two\n-three\n"
        ),
        "a.txt",
        None,
    ),
    "a deletion by the epoch in local time": (
        A,
        (
            "--- a.txt\t2024-01-01 10:00:00\n+++ a.txt\tWed Dec 31 19:00:00 1969\n"
            "@@ -1,3 +0,0 @@\n-one\n-two\n-three\n"
        ),
        "a.txt",
        None,
    ),
    "all lines gone, without the epoch: an empty file": (
        A,
        "--- a.txt\n+++ a.txt\n@@ -1,3 +0,0 @@\n-one\n-two\n-three\n",
        "a.txt",
        b"",
    ),
    "a creation by /dev/null": (
        A,
        "--- /dev/null\n+++ dir/new.txt\n@@ -0,0 +1 @@\n+x\n",
        "dir/new.txt",
        b"x\n",
    ),
    "a creation in a folder that a link leads to": (
        {"real/a.txt": File(content=b"x\n"), "link": File(content=b"real", link=True)},
        "--- /dev/null\n+++ link/new.txt\n@@ -0,0 +1 @@\n+x\n",
        "real/new.txt",
        b"x\n",
    ),
    "an empty file made by git": (
        A,
        "diff --git a/n b/n\nnew file mode 100755\nindex 0000000..e69de29\n",
        "n",
        b"",
    ),
    "a rename without a change": (
        A,
        (
            "diff --git a/a.txt b/b/c.txt\nsimilarity index 100%\nrename from a.txt\n"
            "rename to b/c.txt\n"
        ),
        "b/c.txt",
        b"one\ntwo\nthree\n",
    ),
    "a copy, and a change of what was copied": (
        A,
        (
            f"diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n{HUNK}"
            "diff --git a/a.txt b/b.txt\nsimilarity index 100%\ncopy from a.txt\ncopy to b.txt\n"
        ),
        "b.txt",
        b"one\ntwo\nthree\n",
    ),
    "a link": (
        A,
        (
            "diff --git a/l b/l\nnew file mode 120000\n--- /dev/null\n+++ b/l\n"
            "@@ -0,0 +1 @@\n+a.txt\n"
            "\\ No newline at end of file\n"
        ),
        "a.txt",
        b"one\ntwo\nthree\n",
    ),
    "fuzz at the end": (
        {"a.txt": File(content=TEN)},
        (
            "--- a.txt\n+++ a.txt\n@@ -4,6 +4,7 @@\n line 4\n line 5\n line 6\n"
            "+new\n line 7\n LINE 8\n"
            " LINE 9\n"
        ),
        "a.txt",
        TEN.replace(b"line 7\n", b"new\nline 7\n"),
    ),
    "an offset": (
        {"a.txt": File(content=b"new\n" * 5 + TEN)},
        "--- a.txt\n+++ a.txt\n@@ -4,3 +4,3 @@\n line 4\n-line 5\n+LINE 5\n line 6\n",
        "a.txt",
        b"new\n" * 5 + TEN.replace(b"line 5", b"LINE 5"),
    ),
    "two patches of one file": (
        A,
        f"--- a.txt\n+++ a.txt\n{HUNK}--- a.txt\n+++ a.txt\n@@ -2 +2 @@\n-TWO\n+2\n",
        "a.txt",
        b"one\n2\nthree\n",
    ),
    "other blanks in the file": (
        {"a.txt": File(content=b"one\t1\n  two \nthree\n")},
        "--- a.txt\n+++ a.txt\n@@ -1,3 +1,3 @@\n one 1\n- two\n+TWO\n three\n",
        "a.txt",
        b"one\t1\nTWO\nthree\n",
    ),
    "a patch with carriage returns": (
        A,
        f"--- a.txt\n+++ a.txt\n{HUNK}".replace("\n", "\r\n"),
        "a.txt",
        b"one\nTWO\nthree\n",
    ),
    "an indented patch": (
        A,
        "".join(f"    {line}\n" for line in f"--- a.txt\n+++ a.txt\n{HUNK}".splitlines()),
        "a.txt",
        b"one\nTWO\nthree\n",
    ),
    "an empty patch": (A, "", "a.txt", b"one\ntwo\nthree\n"),
}


@pytest.mark.parametrize("form", TAKEN, ids=list(TAKEN))
def test_a_form_is_taken(form: str, tmp_path: Path) -> None:
    tree, patch, name, content = TAKEN[form]
    both = apply_both(tree, patch.encode(), tmp_path)
    assert both.taken_by_gnu, both.said_by_gnu
    assert_alike(both)
    found = both.ours.get(name)
    assert (found[0] if isinstance(found, tuple) else found) == content


REFUSED: dict[str, tuple[Tree, str]] = {
    "a creation of a file that exists": (A, "--- /dev/null\n+++ a.txt\n@@ -0,0 +1 @@\n+x\n"),
    "a deletion that leaves something": (A, "--- a.txt\n+++ /dev/null\n@@ -1 +0,0 @@\n-one\n"),
    "no such file": (A, f"--- b.txt\n+++ b.txt\n{HUNK}"),
    "three lines of context that are not there": (
        {"a.txt": File(content=b"x\ny\nz\ntwo\nq\nr\ns\n")},
        "--- a.txt\n+++ a.txt\n@@ -1,7 +1,7 @@\n 1\n 2\n 3\n-two\n+TWO\n 4\n 5\n 6\n",
    ),
    "hunks in the wrong order": (
        {"a.txt": File(content=TEN)},
        "--- a.txt\n+++ a.txt\n@@ -8 +8 @@\n-line 8\n+x\n@@ -2 +2 @@\n-line 2\n+x\n",
    ),
    "a git binary patch": (
        A,
        (
            "diff --git a/l b/l\nnew file mode 100644\nindex 0000000..1\n"
            "GIT binary patch\nliteral 1\n"
            "Ic${kh\n\nliteral 0\nHcmV?d00001\n\n"
        ),
    ),
    "a hunk with too few lines": (A, "--- a.txt\n+++ a.txt\n@@ -1,9 +1,9 @@\n one\n-two\n+TWO\n"),
    "a hunk that changes nothing": (A, "--- a.txt\n+++ a.txt\n@@ -1,2 +1,2 @@\n one\n two\n"),
    "no patch": (A, "some words\n"),
    "a folder in the place of a file": (
        {"a.txt/b": File(content=b"x\n")},
        f"--- a.txt\n+++ a.txt\n{HUNK}",
    ),
    "a link in the place of a file": (
        {"a.txt": File(content=b"b.txt", link=True), "b.txt": A["a.txt"]},
        f"--- a.txt\n+++ a.txt\n{HUNK}",
    ),
    "a file in the place of a folder": (A, "--- /dev/null\n+++ a.txt/b\n@@ -0,0 +1 @@\n+x\n"),
    "a name that leaves the tree": (A, "--- /dev/null\n+++ ../b\n@@ -0,0 +1 @@\n+x\n"),
    "one file of two": (
        {**A, "b.txt": File(content=b"other\n")},
        f"--- a.txt\n+++ a.txt\n{HUNK}--- b.txt\n+++ b.txt\n{HUNK}",
    ),
}


@pytest.mark.parametrize("form", REFUSED, ids=list(REFUSED))
def test_a_form_is_refused_and_the_tree_stays(form: str, tmp_path: Path) -> None:
    tree, patch = REFUSED[form]
    both = apply_both(tree, patch.encode(), tmp_path)
    assert not both.taken_by_gnu, both.said_by_gnu
    assert both.state == "refused"
    assert both.ours == both.before


def test_an_ed_script_is_refused_though_gnu_patch_runs_it(tmp_path: Path) -> None:
    """It is a program for an editor that may run others; nothing of a patch is run here."""
    write_tree(A, tmp_path / "tree")
    (tmp_path / "patches").mkdir()
    (tmp_path / "patches/1.patch").write_text("Index: a.txt\n2c\nTWO\n.\n")
    with pytest.raises(PatchError, match="it is an ed script"):
        apply_patches(find_patches(tmp_path), root=tmp_path / "tree", workspace=tmp_path / "tree")


@pytest.mark.parametrize(
    "name",
    [".git/hooks/x", ".GIT/config", "git~1/config", "sub/.git/config", ".git./x"],
)
def test_git_s_own_folder_is_not_written_whatever_its_name(name: str, tmp_path: Path) -> None:
    write_tree(A, tmp_path / "tree")
    (tmp_path / "patches").mkdir()
    (tmp_path / "patches/1.patch").write_text(f"--- /dev/null\n+++ {name}\n@@ -0,0 +1 @@\n+x\n")
    with pytest.raises(PatchError, match="git's own folder"):
        apply_patches(find_patches(tmp_path), root=tmp_path / "tree", workspace=tmp_path / "tree")
    assert list(read_tree(tmp_path / "tree")) == ["a.txt"]
