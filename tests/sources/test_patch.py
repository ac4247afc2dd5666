"""Patches: both forms, whitespace drift, all or nothing, recognised when already applied."""

from __future__ import annotations

import logging
import os
import shutil
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from factory.errors import PatchError, StorageError
from factory.sources import replacement
from factory.sources.overlay import already_overlaid, apply_overlays, find_overlays
from factory.sources.patch import PatchResult, apply_patches, find_patches

from .repositories import Repository, new_repository, tree

if TYPE_CHECKING:
    from pathlib import Path

    from factory.toolchain.runner import Runner

MANIFEST = """{
  "name": "root",
  "private": true,
  "workspaces": [
    "plugins/**"
  ],
  "scripts": {
    "tsc": "tsc"
  }
}
"""
SOURCE = "".join(f"const line{number} = {number};\n" for number in range(1, 31))


@dataclass(frozen=True, kw_only=True, slots=True)
class Bench:
    """A tree under git with a workspace in it, and a configuration directory."""

    repository: Repository
    config: Path
    workspace: Path
    runner: Runner
    env: dict[str, str]

    @property
    def root(self) -> Path:
        return self.repository.path

    def patch(self, name: str, text: str) -> None:
        (self.config / "patches").mkdir(parents=True, exist_ok=True)
        (self.config / "patches" / name).write_text(text)

    def patch_of(self, name: str, files: dict[str, str | None], *options: str) -> None:
        """Make a patch of a change with git diff, then take the change back."""
        before = tree(self.root)
        for path, text in files.items():
            if text is None:
                (self.root / path).unlink()
            else:
                self.repository.write({path: text})
        self.repository.git("add", "--all")
        relative = f"--relative={self.workspace.relative_to(self.root)}/"
        if self.workspace == self.root:
            relative = "--no-relative"
        self.patch(name, self.repository.git("diff", "--cached", relative, *options) + "\n\n")
        self.repository.git("reset", "--quiet", "--hard")
        self.repository.git("clean", "--quiet", "--force", "-d")
        assert tree(self.root) == before

    def apply(self) -> PatchResult:
        return apply_patches(
            find_patches(self.config),
            root=self.root,
            workspace=self.workspace,
        )

    def refused(self) -> PatchError:
        """Apply, which must fail and leave the tree as it was."""
        before = snapshot(self.root)
        with pytest.raises(PatchError) as caught:
            self.apply()
        assert snapshot(self.root) == before
        return caught.value


def snapshot(root: Path) -> dict[str, tuple[int, int, bytes]]:
    """Everything below a folder: inode, mode and content."""
    found = {}
    for path in sorted(root.rglob("*")):
        if ".git" not in path.parts:
            status = path.lstat()
            content = path.read_bytes() if path.is_file() else b""
            found[str(path)] = (status.st_ino, status.st_mode, content)
    return found


def states(result: PatchResult) -> list[str]:
    return [patch.state for patch in result.patches]


PLACES = ("workspaces/todo", ".")


@pytest.fixture(scope="module")
def trees(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Repository]:
    """A repository with the workspace at each of the places; tests get copies."""
    made = {}
    for place in PLACES:
        made[place] = new_repository(tmp_path_factory.mktemp("trees") / "tree")
        made[place].commit(
            {
                os.path.normpath(f"{place}/package.json"): MANIFEST,
                os.path.normpath(f"{place}/plugins/a/src/index.ts"): SOURCE,
                "README.md": "read me\n",
            }
        )
    return made


@pytest.fixture(params=PLACES, ids=["nested", "flat"])
def bench(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    trees: dict[str, Repository],
    runner: Runner,
    env: dict[str, str],
) -> Bench:
    repository = trees[request.param].copy(tmp_path / "tree")
    return Bench(
        repository=repository,
        config=tmp_path / "config",
        workspace=repository.path / request.param,
        runner=runner,
        env=env,
    )


def named(bench: Bench, path: str) -> str:
    """A path of the workspace, relative to the root."""
    return os.path.normpath(bench.workspace.relative_to(bench.root) / path)


STRIP_1 = """\
diff --git a/package.json b/package.json
--- a/package.json
+++ b/package.json
@@ -2,6 +2,6 @@
   "name": "root",
   "private": true,
   "workspaces": [
-    "plugins/**"
+    "plugins/*/*"
   ],
   "scripts": {
"""
STRIP_0 = """\
--- package.json
+++ package.json
@@ -2,6 +2,6 @@
   "name": "root",
   "private": true,
   "workspaces": [
-    "plugins/**"
+    "plugins/*/*"
   ],
   "scripts": {
"""
DATED = STRIP_0.replace("--- package.json", "--- package.json\t2024-01-01 10:00:00 +0000").replace(
    "+++ package.json", "+++ package.json\t2024-01-01 10:00:01 +0000"
)


class TestForms:
    @pytest.mark.parametrize("text", [STRIP_1, STRIP_0, DATED], ids=["strip1", "strip0", "dated"])
    def test_both_forms_apply(self, bench: Bench, text: str) -> None:
        bench.patch("001-glob.patch", text)
        result = bench.apply()
        assert states(result) == ["applied"]
        assert result.files == (named(bench, "package.json"),)
        assert '"plugins/*/*"' in (bench.workspace / "package.json").read_text()

    def test_a_patch_against_the_repositorys_root(self, bench: Bench) -> None:
        path = named(bench, "package.json")
        bench.patch("1.patch", STRIP_1.replace("package.json", path))
        assert bench.apply().files == (path,)

    def test_a_file_outside_the_workspace(self, bench: Bench) -> None:
        bench.patch("1.patch", "--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-read me\n+read\n")
        assert bench.apply().files == ("README.md",)

    def test_the_mail_form_of_format_patch(self, bench: Bench) -> None:
        mail = f"From 0 Mon Sep 17 00:00:00 2001\nSubject: [PATCH] x\n\n---\n\n{STRIP_1}-- \n2.39\n"
        bench.patch("1.patch", mail)
        assert states(bench.apply()) == ["applied"]

    def test_files_created_deleted_renamed_and_made_executable(self, bench: Bench) -> None:
        old = named(bench, "plugins/a/src/index.ts")
        bench.patch_of(
            "1.patch",
            {
                named(bench, "plugins/a/new file.ts"): "new\n",
                old: None,
                named(bench, "plugins/a/src/other.ts"): SOURCE.replace("= 3;", "= 33;"),
                named(bench, "package.json"): None,
            },
            "--find-renames",
        )
        bench.patch(
            "2.patch",
            "diff --git a/plugins/a/src/other.ts b/plugins/a/src/other.ts\n"
            "old mode 100644\nnew mode 100755\n",
        )
        assert states(bench.apply()) == ["applied", "applied"]
        assert sorted(tree(bench.workspace)) == sorted(
            ["plugins/a/new file.ts", "plugins/a/src/other.ts"]
            + (["README.md"] if bench.workspace == bench.root else [])
        )
        other = bench.workspace / "plugins/a/src/other.ts"
        assert other.stat().st_mode & stat.S_IXUSR
        assert "= 33;" in other.read_text()
        assert states(bench.apply()) == ["already applied", "already applied"]

    def test_a_folder_that_becomes_empty_is_removed(self, bench: Bench) -> None:
        bench.patch_of("1.patch", {named(bench, "plugins/a/src/index.ts"): None})
        bench.apply()
        assert not (bench.workspace / "plugins").exists()

    def test_a_binary_patch_is_refused_as_by_gnu_patch(self, bench: Bench) -> None:
        bench.patch_of("1.patch", {named(bench, "logo.bin"): "a\0b"}, "--binary")
        text = str(bench.refused())
        assert "a binary patch of git's" in text
        assert "add the file with an overlay" in text

    def test_a_name_that_git_quotes(self, bench: Bench) -> None:
        bench.patch_of("1.patch", {named(bench, "über.txt"): "x\n"})
        bench.apply()
        assert (bench.workspace / "über.txt").read_text() == "x\n"

    def test_whitespace_drift_is_tolerated(self, bench: Bench) -> None:
        drifted = STRIP_1.replace('   "name"', ' \t"name"').replace("   ],", "      ],")
        bench.patch("1.patch", drifted)
        bench.apply()
        manifest = (bench.workspace / "package.json").read_text()
        assert manifest == MANIFEST.replace("plugins/**", "plugins/*/*")
        assert states(bench.apply()) == ["already applied"]

    def test_a_patch_with_dos_line_ends_applies_to_a_file_without(self, bench: Bench) -> None:
        (bench.config / "patches").mkdir(parents=True)
        text = STRIP_1.replace("\n", "\r\n").encode()
        (bench.config / "patches" / "1.patch").write_bytes(text)
        assert states(bench.apply()) == ["applied"]

    def test_names_give_the_order_and_only_patches_count(self, bench: Bench) -> None:
        for name in ("010-b.patch", "002-a.diff", "README.md", ".hidden.patch"):
            bench.patch(name, STRIP_1)
        found = find_patches(bench.config)
        assert [path.name for path in found] == ["002-a.diff", "010-b.patch"]

    def test_no_patches_is_nothing_to_do(self, bench: Bench) -> None:
        assert bench.apply() == PatchResult()

    def test_modes_of_patched_files_are_kept(self, bench: Bench) -> None:
        (bench.workspace / "package.json").chmod(0o664)
        bench.patch("1.patch", STRIP_1)
        bench.apply()
        assert stat.S_IMODE((bench.workspace / "package.json").stat().st_mode) == 0o664


class TestAllOrNothing:
    def test_when_the_third_does_not_apply_the_tree_is_as_it_was(self, bench: Bench) -> None:
        index = named(bench, "plugins/a/src/index.ts")
        bench.patch("1.patch", STRIP_1)
        bench.patch_of("2.patch", {named(bench, "added.ts"): "x\n"})
        bench.patch_of("3.patch", {index: SOURCE.replace("= 15;", "= 16;")})
        file = bench.root / index
        file.write_text(SOURCE.replace("line14", "renamed14").replace("= 15;", "= 1500;"))
        error = bench.refused()
        text = str(error)
        assert "3.patch" in text
        assert f"hunk 1 of 1 for {index} does not match" in text
        assert "- const line15 = 15;" in text
        assert "+ const line15 = 1500;" in text
        assert "+ const renamed14 = 14;" in text
        assert "  const line13 = 13;" in text
        assert error.place is not None
        assert error.place.line is not None

    def test_the_failing_hunk_is_found_among_several(self, bench: Bench) -> None:
        index = named(bench, "plugins/a/src/index.ts")
        bench.patch_of("1.patch", {index: SOURCE.replace("= 8;", "= 0;").replace("= 24;", "= 0;")})
        # Lines put in above push the region down: it is found all the same.
        (bench.root / index).write_text("// new\n" * 10 + SOURCE.replace("= 24;", "= 42;"))
        text = str(bench.refused())
        assert "hunk 2 of 2" in text
        assert "nearest to line 31" in text
        assert "+ const line24 = 42;" in text

    def test_a_hunk_that_is_bound_to_the_files_start_is_explained(self, bench: Bench) -> None:
        index = named(bench, "plugins/a/src/index.ts")
        bench.patch_of("1.patch", {index: SOURCE.replace("= 1;", "= 0;")})
        (bench.root / index).write_text("// new\n" + SOURCE)
        assert "begins or ends with the file" in str(bench.refused())

    def test_a_missing_file_is_said(self, bench: Bench) -> None:
        bench.patch("1.patch", STRIP_1.replace("package.json", "packages.json"))
        assert "packages.json: No such file" in str(bench.refused())

    def test_a_file_that_is_already_there_is_said(self, bench: Bench) -> None:
        bench.patch_of("1.patch", {named(bench, "added.ts"): "x\n"})
        (bench.workspace / "added.ts").write_text("something else\n")
        assert "already exists" in str(bench.refused())

    def test_a_file_that_is_no_patch_is_said(self, bench: Bench) -> None:
        bench.patch("1.patch", "not a patch\n")
        assert "contains no patch" in str(bench.refused())

    def test_a_damaged_patch_is_said(self, bench: Bench) -> None:
        bench.patch("1.patch", STRIP_1.replace("@@ -2,6 +2,6 @@", "@@ -2,60 +2,60 @@"))
        assert "is damaged: the patch ends in the middle of a hunk" in str(bench.refused())

    def test_when_moving_into_place_fails_what_was_moved_goes_back(
        self, bench: Bench, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        bench.patch_of(
            "1.patch",
            {
                named(bench, "added.ts"): "x\n",
                named(bench, "package.json"): None,
                named(bench, "plugins/a/src/index.ts"): "y\n",
            },
        )
        before = {name: content for name, (_, _, content) in snapshot(bench.root).items()}
        moves = 0
        move = replacement._place

        def failing(*arguments: object) -> None:
            nonlocal moves
            moves += 1
            if moves == 3:
                raise OSError(28, "No space left on device", str(bench.root / "x"))
            move(*arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(replacement, "_place", failing)
        with pytest.raises(StorageError, match="all are unchanged"):
            bench.apply()
        assert {name: content for name, (_, _, content) in snapshot(bench.root).items()} == before

    def test_a_full_disk_leaves_the_tree_as_it_was(self, tmp_path: Path, small_disk: Path) -> None:
        (small_disk / "a.txt").write_text("a\n")
        (tmp_path / "config" / "patches").mkdir(parents=True)
        big = "+x" * 200_000
        (tmp_path / "config" / "patches" / "1.patch").write_text(
            "--- a/a.txt\n+++ b/a.txt\n@@ -1 +1 @@\n-a\n+b\n"
            "--- /dev/null\n+++ b/one.txt\n@@ -0,0 +1 @@\n" + big + "\n"
            "--- /dev/null\n+++ b/two.txt\n@@ -0,0 +1 @@\n" + big + "\n"
            "--- /dev/null\n+++ b/three.txt\n@@ -0,0 +1 @@\n" + big + "\n"
        )
        with pytest.raises(StorageError):
            apply_patches(
                find_patches(tmp_path / "config"),
                root=small_disk,
                workspace=small_disk,
            )
        assert tree(small_disk) == {"a.txt": "a\n"}


class TestAlreadyApplied:
    def test_a_second_run_changes_nothing_and_says_so(
        self, bench: Bench, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        bench.patch("1.patch", STRIP_1)
        bench.patch_of("2.patch", {named(bench, "added.ts"): "x\n"})
        bench.apply()
        before = snapshot(bench.root)
        result = bench.apply()
        assert states(result) == ["already applied", "already applied"]
        assert result.files == ()
        assert snapshot(bench.root) == before
        assert "patch 1.patch: already applied" in caplog.text

    def test_also_when_a_later_patch_changed_what_an_earlier_one_did(self, bench: Bench) -> None:
        bench.patch("1.patch", STRIP_1)
        bench.patch(
            "2.patch",
            STRIP_1.replace('+    "plugins/*/*"', '+    "packages/*"').replace(
                '-    "plugins/**"', '-    "plugins/*/*"'
            ),
        )
        assert states(bench.apply()) == ["applied", "applied"]
        assert states(bench.apply()) == ["already applied", "already applied"]

    def test_a_patch_that_came_since_is_applied_onto_them(self, bench: Bench) -> None:
        bench.patch("1.patch", STRIP_1)
        bench.apply()
        bench.patch(
            "2.patch", STRIP_1.replace("plugins/*/*", "x").replace("plugins/**", "plugins/*/*")
        )
        assert states(bench.apply()) == ["already applied", "applied"]

    def test_a_patch_that_the_source_has_taken_over_is_recognised(self, bench: Bench) -> None:
        bench.patch_of("1.patch", {named(bench, "added.ts"): "x\n"})
        bench.patch("2.patch", STRIP_1)
        manifest = bench.workspace / "package.json"
        manifest.write_text(MANIFEST.replace("plugins/**", "plugins/*/*"))
        assert states(bench.apply()) == ["applied", "already applied"]

    def test_a_patch_of_whitespace_alone_is_not_taken_for_applied(self, bench: Bench) -> None:
        indented = SOURCE.replace("const line7 =", "  const line7 =")
        bench.patch_of("1.patch", {named(bench, "plugins/a/src/index.ts"): indented})
        assert states(bench.apply()) == ["applied"]
        assert (bench.workspace / "plugins/a/src/index.ts").read_text() == indented
        assert states(bench.apply()) == ["already applied"]

    def test_a_patch_of_the_mode_alone_is_not_taken_for_applied(self, bench: Bench) -> None:
        bench.patch(
            "1.patch",
            "diff --git a/package.json b/package.json\nold mode 100644\nnew mode 100755\n",
        )
        assert states(bench.apply()) == ["applied"]
        assert states(bench.apply()) == ["already applied"]

    def test_also_when_an_overlay_has_replaced_a_patched_file_since(self, bench: Bench) -> None:
        bench.patch_of(
            "1.patch",
            {
                named(bench, "package.json"): MANIFEST.replace("plugins/**", "plugins/*/*"),
                named(bench, "plugins/a/src/index.ts"): SOURCE.replace("= 7;", "= 8;"),
            },
        )
        overlay = bench.config / "plugins/a/overlay/src/index.ts"
        overlay.parent.mkdir(parents=True)
        overlay.write_text("something else\n")
        overlays = find_overlays(bench.config)
        for expected in ("applied", "already applied"):
            result = apply_patches(
                find_patches(bench.config),
                root=bench.root,
                workspace=bench.workspace,
                overlaid=already_overlaid(overlays, bench.workspace),
            )
            apply_overlays(overlays, bench.workspace)
            assert states(result) == [expected]
        assert '"plugins/*/*"' in (bench.workspace / "package.json").read_text()
        assert (bench.workspace / "plugins/a/src/index.ts").read_text() == "something else\n"


class TestPathsThatLeaveTheTree:
    @pytest.mark.parametrize("name", ["../evil.txt", "plugins/../../../../evil.txt"])
    def test_by_dots(self, bench: Bench, name: str) -> None:
        bench.patch("1.patch", f"--- /dev/null\n+++ b/{name}\n@@ -0,0 +1 @@\n+x\n")
        assert "leaves the tree" in str(bench.refused())

    def test_by_an_absolute_name(self, bench: Bench, tmp_path: Path) -> None:
        bench.patch("1.patch", f"--- /dev/null\n+++ {tmp_path}/evil\n@@ -0,0 +1 @@\n+x\n")
        bench.refused()
        assert not (tmp_path / "evil").exists()

    def test_through_a_link_in_the_tree(self, bench: Bench, tmp_path: Path) -> None:
        (tmp_path / "outside").mkdir()
        (bench.workspace / "link").symlink_to(tmp_path / "outside")
        bench.patch("1.patch", "--- /dev/null\n+++ link/evil.txt\n@@ -0,0 +1 @@\n+x\n")
        assert "goes through a link" in str(bench.refused())

    def test_by_a_link_that_a_patch_makes(self, bench: Bench) -> None:
        bench.patch(
            "1.patch",
            "diff --git a/link b/link\nnew file mode 120000\n--- /dev/null\n+++ b/link\n"
            "@@ -0,0 +1 @@\n+/etc\n\\ No newline at end of file\n",
        )
        assert "creates a link out of the tree" in str(bench.refused())

    def test_into_gits_own_folder(self, bench: Bench) -> None:
        bench.patch("1.patch", "--- /dev/null\n+++ b/.git/hooks/x\n@@ -0,0 +1 @@\n+x\n")
        assert "git's own folder" in str(bench.refused())


def test_a_repository_around_the_tree_does_not_matter(
    tmp_path: Path, runner: Runner, env: dict[str, str]
) -> None:
    outer = new_repository(tmp_path / "outer")
    outer.commit({"config/patches/1.patch": STRIP_1, ".gitignore": "source\n"})
    source = outer.path / "source"
    source.mkdir()
    (source / "package.json").write_text(MANIFEST)
    result = apply_patches(find_patches(outer.path / "config"), root=source, workspace=source)
    assert states(result) == ["applied"]
    shutil.rmtree(source)
