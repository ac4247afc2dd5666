"""``plugin-factory update --commit``: branches and patches, and the folder as it was."""

from __future__ import annotations

import pytest

from tests.sources.repositories import Repository
from tests.updating.forge import Desk, Upstream

BRANCH = "plugin-factory/update"


@pytest.fixture
def upstream(desk: Desk) -> Upstream:
    """Two workspaces of one repository, both a release behind."""
    upstream = desk.new_upstream()
    first = upstream.release("1.0.0")
    upstream.release("1.1.0")
    upstream.release("1.2.0", backstage="1.99.0")
    for name in ("one", "two"):
        desk.configure(first, name)
    return upstream


@pytest.fixture
def repository(desk: Desk, upstream: Upstream) -> Repository:
    return desk.make_repository()


def test_each_workspace_gets_a_branch_of_its_own(desk: Desk, repository: Repository) -> None:
    before = desk.files()
    done = desk.update("--commit", "branch", "--json")
    assert done.code == 0, done.err
    assert desk.files() == before
    assert repository.git("status", "--short") == ""
    assert repository.git("symbolic-ref", "HEAD") == "refs/heads/main"
    for name in ("one", "two"):
        branch = f"{BRANCH}/{name}"
        assert done.workspace(name)["change-request"]["branch"] == branch
        changed = repository.git("diff", "--name-only", f"main...{branch}")
        assert changed == f"{name}/source.json"
        assert repository.git("rev-list", "--count", f"main..{branch}") == "1"


def test_the_message_says_what_a_reviewer_asks(desk: Desk, repository: Repository) -> None:
    desk.update("--commit", "branch")
    message = repository.git("log", "-1", "--format=%B", f"{BRANCH}/one")
    title, _, body = message.partition("\n\n")
    assert title == "Update one to @acme/x-backend 1.1.0"
    assert "- `@acme/x-backend`: `1.0.0 to 1.1.0`" in body
    assert "- `@acme/x-backend 1.2.0`: `it is on Backstage 1.99.0, portal on 1.45.3`" in body
    assert body.rstrip().endswith("Plugin-Factory-Update: one")


def test_a_second_run_leaves_the_branch_as_it_is(desk: Desk, repository: Repository) -> None:
    desk.update("--commit", "branch")
    before = repository.git("for-each-ref")
    done = desk.update("--commit", "branch", "--json")
    assert done.workspace("one")["change-request"]["state"] == "unchanged"
    assert repository.git("for-each-ref") == before


def test_a_newer_release_replaces_the_branch(
    desk: Desk, repository: Repository, upstream: Upstream
) -> None:
    desk.update("--commit", "branch")
    newest = upstream.release("1.3.0")
    done = desk.update("--commit", "branch", "--json")
    assert done.workspace("one")["change-request"]["state"] == "replaced"
    assert newest in repository.git("show", f"{BRANCH}/one:one/source.json")
    assert repository.git("rev-list", "--count", f"main..{BRANCH}/one") == "1"


def test_what_people_have_added_is_not_replaced(
    desk: Desk, repository: Repository, upstream: Upstream
) -> None:
    desk.update("--commit", "branch")
    repository.git("checkout", "--quiet", f"{BRANCH}/one")
    theirs = repository.commit({"one/notes": "mine"}, "a note")
    repository.git("checkout", "--quiet", "main")
    upstream.release("1.3.0")
    done = desk.update("--commit", "branch", "--json")
    assert done.code == 3
    assert "its last commit was not made by this command" in done.said
    assert repository.git("rev-parse", f"{BRANCH}/one") == theirs
    assert done.workspace("two")["change-request"]["state"] == "replaced"


def test_changes_that_are_not_committed_are_not_lost(desk: Desk, repository: Repository) -> None:
    file = desk.config / "one/source.json"
    file.write_text(file.read_text() + "\n")
    done = desk.update("--commit", "branch")
    assert done.code == 3
    assert "source.json has changes that are not committed" in done.said
    assert repository.git("for-each-ref", "--format=%(refname:short)") == f"main\n{BRANCH}/two"


def test_a_patch_is_what_git_am_takes(desk: Desk, repository: Repository) -> None:
    patches = desk.root / "patches"
    done = desk.update("--commit", "patch", "--patches", str(patches), "--json")
    assert done.code == 0, done.err
    assert sorted(each.name for each in patches.iterdir()) == ["one.patch", "two.patch"]
    assert repository.git("for-each-ref", "--format=%(refname:short)") == "main"
    repository.git("am", "--quiet", str(patches / "one.patch"), str(patches / "two.patch"))
    assert repository.git("log", "-1", "--format=%s") == "Update two to @acme/x-backend 1.1.0"
    assert desk.update("--check").code == 0


def test_a_file_with_carriage_returns_stays_one(desk: Desk, upstream: Upstream) -> None:
    file = desk.config / "one/source.json"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    repository = desk.make_repository()
    assert desk.update("--commit", "branch").code == 0
    shown = repository.git("diff", "--stat", "main", f"{BRANCH}/one")
    assert "2 +-" in shown


def test_a_patch_keeps_carriage_returns(desk: Desk, upstream: Upstream) -> None:
    file = desk.config / "one/source.json"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    repository = desk.make_repository()
    patches = desk.root / "patches"
    assert desk.update("--commit", "patch", "--patches", str(patches)).code == 0
    repository.git("am", "--quiet", "--keep-cr", *map(str, sorted(patches.iterdir())))
    assert file.read_bytes().count(b"\r\n") == file.read_bytes().count(b"\n") > 0
    assert desk.update("--check").code == 0


def test_patches_are_the_same_whatever_the_users_settings(
    desk: Desk, repository: Repository
) -> None:
    desk.configure(desk.ref("one"), "d\u00e9j\u00e0")
    repository.commit({}, "a name of further letters")
    patches = desk.root / "patches"
    (desk.root / "home/.gitconfig").write_text(
        '[format]\nattach = true\nnumbered = true\nsubjectPrefix = "NOT A PATCH"\nnoprefix = true\n'
        "[i18n]\nlogOutputEncoding = ISO-8859-1\n[diff]\nnoprefix = true\nmnemonicPrefix = true\n"
        "[color]\nui = always\n"
    )
    assert desk.update("--commit", "patch", "--patches", str(patches)).code == 0
    (desk.root / "home/.gitconfig").unlink()
    files = sorted(patches.iterdir())
    assert len(files) == 3
    repository.git("am", "--quiet", *map(str, files))
    assert desk.update("--check").code == 0
    titles = repository.git("log", "-3", "--format=%s").splitlines()
    assert "Update d\u00e9j\u00e0 to @acme/x-backend 1.1.0" in titles


def test_names_of_further_letters_have_branches_that_stay(
    desk: Desk, repository: Repository
) -> None:
    desk.configure(desk.ref("one"), "d\u00e9j\u00e0")
    repository.commit({}, "a name of further letters")
    assert desk.update("--commit", "branch").code == 0
    done = desk.update("--commit", "branch", "--json")
    assert done.workspace("d\u00e9j\u00e0")["change-request"]["state"] == "unchanged"


def test_a_link_out_of_the_repository_is_not_followed(desk: Desk, repository: Repository) -> None:
    file = desk.config / "one/source.json"
    outside = file.rename(desk.root / "source.json")
    file.symlink_to(outside)
    repository.commit({}, "a link")
    done = desk.update("--commit", "branch")
    assert done.code == 3
    assert "source.json is a link to a file outside of the repository" in done.said
    assert repository.git("for-each-ref", "--format=%(refname:short)") == f"main\n{BRANCH}/two"


@pytest.mark.usefixtures("upstream")
def test_without_a_repository_there_is_nothing_to_commit_to(desk: Desk) -> None:
    done = desk.update("--commit", "branch")
    assert done.code == 3
    assert "--commit needs a git repository" in done.said


@pytest.mark.usefixtures("repository")
def test_git_has_to_know_who_commits(desk: Desk) -> None:
    for name in [each for each in desk.variables if each.startswith(("GIT_AUTHOR", "GIT_COMM"))]:
        del desk.variables[name]
    desk.variables["GIT_CONFIG_COUNT"] = "1"
    desk.variables |= {"GIT_CONFIG_KEY_0": "user.useConfigOnly", "GIT_CONFIG_VALUE_0": "true"}
    done = desk.update("--commit", "branch")
    assert done.code == 3
    assert "git does not know who commits" in done.said


@pytest.mark.usefixtures("repository")
def test_ways_to_end_exclude_each_other(desk: Desk) -> None:
    assert desk.update("--check", "--dry-run").code == 2
