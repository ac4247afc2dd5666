"""``plugin-factory update`` with a real git server, and an npm registry that gains versions."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from factory.errors import StorageError
from tests.analysis.tiny_workspace import PLUGIN
from tests.updating.forge import API, LIST, NAME, Desk


def test_a_commit_moves_to_the_commit_of_the_newest_release_that_fits(desk: Desk) -> None:
    upstream = desk.new_upstream()
    first = upstream.release("1.0.0")
    upstream.release("1.1.0")
    fits = upstream.release("1.2.0", backstage="1.45.0")
    newer = upstream.release("1.3.0", backstage="1.46.0")
    asks_more = upstream.release("1.4.0", backstage="1.45.1", asks="^1.9.0")
    upstream.commit("1.5.0")  # not released
    desk.configure(first, fields={"repo-backstage-version": "1.42.0"})

    done = desk.update("--json")

    assert done.code == 0, done.err
    found = done.workspace()
    assert found["status"] == "outdated"
    assert found["chosen"]["commit"] == fits
    assert found["chosen"]["versions"] == {NAME: "1.2.0"}
    assert {each["commit"]: each["reasons"] for each in found["not-chosen"]} == {
        newer: ["it is on Backstage 1.46.0, portal on 1.45.3"],
        asks_more: [f"{NAME} needs {API} ^1.9.0, portal has 1.4.3"],
    }
    assert (desk.config / "source.json").read_text() == (
        f'{{\n   "repo" :  "{desk.url}/upstream/.git",\n   "repo-ref" :  "{fits}",\n'
        '   "repo-backstage-version" :  "1.45.0"\n}\n\n'
    )
    assert (desk.config / "plugins-list.yaml").read_text() == LIST
    again = desk.update("--check", "--json")
    assert again.code == 0, again.err
    assert again.workspace()["why"] == "none of the 2 newer releases fits portal"


def test_a_registry_that_gains_a_version_makes_a_workspace_outdated(desk: Desk) -> None:
    upstream = desk.new_upstream()
    first = upstream.release("1.0.0")
    desk.configure(first)
    before = desk.files()
    assert desk.update("--check").code == 0
    second = upstream.release("1.0.1")
    done = desk.update("--check")
    assert done.code == 14
    assert "1 workspace could be newer for portal" in done.said
    assert f'+ "repo-ref" : "{second}"' in done.said
    assert desk.files() == before
    assert desk.update("--dry-run").code == 0
    assert desk.files() == before
    assert desk.update().code == 0
    assert desk.ref() == second


def test_build_arguments_are_computed_for_what_is_chosen(desk: Desk) -> None:
    upstream = desk.new_upstream()
    first = upstream.release("1.0.0")
    second = upstream.release("1.1.0", library=True)
    desk.configure(first)
    done = desk.update("--json")
    assert done.code == 0, done.err
    assert desk.ref() == second
    (change,) = done.workspace()["arguments"]
    assert change == {"path": PLUGIN, "before": "", "after": "--embed-package @acme/lib"}
    written = (desk.config / "plugins-list.yaml").read_text()
    assert written.startswith("# Why these:\n")
    assert "--embed-package @acme/lib   # the backend\n" in written
    assert "+plugins/x-backend: --embed-package" in done.workspace()["diff"]


@pytest.mark.parametrize(
    ("tags", "present", "chosen"),
    [
        (("v1.0.0", "v1.1.0", "v1.1.1-rc.1", "1.2.0", "other@9.0.0"), "v1.0.0", "v1.1.0"),
        (("@acme/x-backend@1.0.0", "@acme/x-backend@1.10.0", "@acme/x-backend@1.9.0", "v7.0.0"),
         "@acme/x-backend@1.0.0", "@acme/x-backend@1.10.0"),
        (("release-1.9", "release-1.10", "release-1.10.1"), "release-1.9", "release-1.10"),
        (("v1.0.0-rc.1", "v1.0.0-rc.2", "v0.9.0"), "v1.0.0-rc.1", "v1.0.0-rc.2"),
        (("v1.0.0", "v1.1.0"), "refs/tags/v1.0.0", "refs/tags/v1.1.0"),
    ],
)  # fmt: skip
def test_a_tag_moves_to_the_newest_tag_of_its_kind(
    desk: Desk, tags: tuple[str, ...], present: str, chosen: str
) -> None:
    upstream = desk.new_upstream()
    for number, tag in enumerate(tags):
        upstream.commit(f"1.{number}.0")
        upstream.repository.git("tag", "--annotate", "--message", tag, tag)
    desk.configure(present)
    done = desk.update()
    assert done.code == 0, done.err
    assert desk.ref() == chosen
    assert not desk.npm.seen, "tags need no registry"


def test_a_branch_stays_unless_it_is_to_be_pinned(desk: Desk) -> None:
    upstream = desk.new_upstream()
    upstream.release("1.0.0")
    released = upstream.release("1.1.0")
    upstream.commit("1.1.0", backstage="1.44.0")
    desk.configure("main", fields={"repo-backstage-version": "1.42.0"})
    done = desk.update("--json")
    assert done.workspace()["chosen"] is None
    assert "is a branch, which moves by itself" in done.workspace()["why"]
    assert desk.ref() == "main"
    # What source.json notes of it is kept true.
    assert '"repo-backstage-version" :  "1.44.0"' in (desk.config / "source.json").read_text()
    assert desk.update("--json").workspace()["status"] == "kept"
    assert desk.update("--pin").code == 0
    assert desk.ref() == released


def test_a_source_without_a_ref_is_pinned_if_so_asked(desk: Desk) -> None:
    upstream = desk.new_upstream()
    released = upstream.release("1.0.0")
    desk.configure(None)
    assert desk.update("--check").code == 0
    assert desk.update("--pin").code == 0
    assert desk.ref() == released


def test_a_late_fix_of_an_old_line_is_not_new(desk: Desk) -> None:
    upstream = desk.new_upstream()
    upstream.release("1.0.0")
    present = upstream.release("1.1.0")
    upstream.repository.git("checkout", "--quiet", "-b", "old", "main~1")
    upstream.release("1.0.1")
    desk.configure(present)
    assert desk.update("--json").workspace()["why"] == "nothing newer is released"


def test_what_is_not_published_counts_by_its_tags(desk: Desk) -> None:
    upstream = desk.new_upstream()
    first = upstream.commit("1.0.0")
    second = upstream.commit("1.1.0")
    upstream.repository.git("tag", "v1.1.0")
    desk.configure(first)
    assert desk.update().code == 0
    assert desk.ref() == second


def test_where_there_is_no_release_the_default_branch_counts(desk: Desk) -> None:
    upstream = desk.new_upstream()
    first = upstream.commit("0.0.0")
    second = upstream.commit("0.0.0", backstage="1.43.0")
    desk.configure(first)
    done = desk.update("--json")
    assert done.workspace()["chosen"]["label"].startswith("the tip of main")
    assert desk.ref() == second


def test_a_version_without_git_head_is_found_by_its_tag(desk: Desk) -> None:
    upstream = desk.new_upstream()
    first = upstream.release("1.0.0")
    second = upstream.commit("1.1.0")
    upstream.publish("1.1.0")
    upstream.repository.git("tag", f"{NAME}@1.1.0")
    desk.configure(first)
    assert desk.update().code == 0
    assert desk.ref() == second


def test_deprecated_versions_and_prereleases_are_left_out(desk: Desk) -> None:
    upstream = desk.new_upstream()
    first = upstream.release("1.0.0")
    upstream.publish("1.1.0", commit=upstream.commit("1.1.0"), deprecated="broken")
    upstream.release("1.2.0-next.0")
    desk.configure(first)
    assert desk.update("--check").code == 0


@pytest.mark.parametrize(
    ("version", "commit", "reason"),
    [
        ("1.2.0", None, f"the registry says that {NAME} 1.2.0 is of this commit, which has 1.1.0"),
        ("1.1.0", "f" * 40, "the repository does not give this commit"),
    ],
)  # fmt: skip
def test_what_the_registry_says_of_a_commit_has_to_be_true(
    desk: Desk, version: str, commit: str | None, reason: str
) -> None:
    upstream = desk.new_upstream()
    first = upstream.release("1.0.0")
    real = upstream.commit("1.1.0")
    upstream.publish(version, commit=commit or real)
    desk.configure(first)
    done = desk.update("--json")
    assert done.code == 0, done.err
    assert done.workspace()["not-chosen"][0]["reasons"] == [reason]
    assert desk.ref() == first


def test_a_plugin_that_is_gone_is_a_reason_against(desk: Desk) -> None:
    upstream = desk.new_upstream()
    first = upstream.release("1.0.0")
    upstream.repository.git("rm", "--quiet", "-r", PLUGIN)
    upstream.repository.commit({"plugins/y/package.json": '{"name": "@acme/y"}'})
    upstream.publish("1.1.0", commit=upstream.repository.git("rev-parse", "HEAD"))
    desk.configure(first)
    (refused,) = desk.update("--json").workspace()["not-chosen"]
    assert refused["reasons"] == [f"the workspace has no {PLUGIN}/package.json"]


def test_a_patch_that_no_longer_applies_is_a_reason_against(desk: Desk) -> None:
    upstream = desk.new_upstream()
    upstream.repository.write({"README.md": "one\n"})
    first = upstream.release("1.0.0")
    second = upstream.release("1.1.0")
    upstream.repository.write({"README.md": "two\n"})
    upstream.release("1.2.0")
    folder = desk.configure(first)
    (folder / "patches").mkdir()
    (folder / "patches/1-readme.patch").write_text(
        "--- README.md\n+++ README.md\n@@ -1 +1 @@\n-one\n+changed\n"
    )
    done = desk.update("--json")
    assert done.code == 0, done.err
    (refused,) = done.workspace()["not-chosen"]
    assert "1-readme.patch" in refused["reasons"][0]
    assert desk.ref() == second


def test_going_back_has_to_be_asked_for(desk: Desk) -> None:
    upstream = desk.new_upstream()
    upstream.release("1.0.0")
    fits = upstream.release("1.1.0")
    present = upstream.release("1.2.0", backstage="1.50.0")
    desk.configure(present)
    done = desk.update("--json")
    assert "the present ref does not fit either" in done.workspace()["why"]
    assert desk.ref() == present
    assert desk.update("--older").code == 0
    assert desk.ref() == fits


def test_a_catalogue_is_updated_in_its_own_layout(desk: Desk) -> None:
    upstream = desk.new_upstream(workspace="workspaces/todo")
    first = upstream.release("1.0.0")
    second = upstream.release("1.1.0")
    desk.configure(first, "workspaces/todo", fields={"repo-flat": False})
    desk.configure(first, "workspaces/off", listed=None)
    assert desk.update().code == 0
    assert (desk.ref("workspaces/todo"), desk.ref("workspaces/off")) == (second, first)


def test_only_what_is_chosen_is_updated(desk: Desk) -> None:
    upstream = desk.new_upstream()
    first = upstream.release("1.0.0")
    second = upstream.release("1.1.0")
    for name in ("one", "two"):
        desk.configure(first, name)
    assert desk.update("--only", "two").code == 0
    assert (desk.ref("one"), desk.ref("two")) == (first, second)


def test_without_a_list_the_plugins_are_found(desk: Desk) -> None:
    upstream = desk.new_upstream()
    first = upstream.release("1.0.0")
    second = upstream.release("1.1.0")
    desk.configure(first, listed=None)
    assert desk.update().code == 0
    assert desk.ref() == second


def test_a_byte_order_mark_stays(desk: Desk) -> None:
    upstream = desk.new_upstream()
    first = upstream.release("1.0.0")
    second = upstream.release("1.1.0")
    file = desk.configure(first) / "source.json"
    text = f"\ufeff{file.read_text()}"
    file.write_text(text)
    done = desk.update()
    assert done.code == 0, done.err
    assert file.read_text() == text.replace(first, second)


def test_names_with_line_ends_of_unicode_are_names(desk: Desk) -> None:
    upstream = desk.new_upstream()
    upstream.repository.write({"a\u2028100644 blob x": "", "b\x85c": "", "d\x0be": ""})
    first = upstream.release("1.0.0")
    second = upstream.release("1.1.0")
    desk.configure(first)
    assert desk.update().code == 0
    assert desk.ref() == second


def test_both_files_of_a_workspace_change_or_neither(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    upstream = desk.new_upstream()
    first = upstream.release("1.0.0")
    upstream.release("1.1.0", library=True)
    desk.configure(first)
    before = desk.files()
    replace = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if target.name == "plugins-list.yaml":
            raise OSError(errno.EIO, "Input/output error")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    done = desk.update()
    assert done.code == StorageError.exit_code
    assert "the workspace is as it was" in done.said
    assert desk.files() == before


def test_an_abbreviated_commit_becomes_a_whole_one(desk: Desk) -> None:
    upstream = desk.new_upstream()
    first = upstream.release("1.0.0")
    second = upstream.release("1.1.0")
    desk.configure(first[:10])
    assert desk.update().code == 0
    assert desk.ref() == second


def test_a_repository_is_asked_once_and_files_come_singly(desk: Desk) -> None:
    upstream = desk.new_upstream()
    upstream.repository.write({f"large/{n}.txt": f"{n}\n" * 40_000 for n in range(20)})
    first = upstream.release("1.0.0")
    upstream.release("1.1.0")
    for name in ("one", "two", "three"):
        desk.configure(first, name)
    assert desk.update().code == 0
    asked = [each for each in desk.log.requests if "info/refs" in each]
    assert desk.npm.count(NAME) == 1
    # Of protocol version 2: each command begins with what the server can do.
    assert len(asked) <= 7
    assert desk.log.bytes_sent < 60_000
