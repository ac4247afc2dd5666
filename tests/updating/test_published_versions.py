"""``plugin-factory update`` of published packages: versions, ranges, tags, and what holds them."""

from __future__ import annotations

import errno
import subprocess
from pathlib import Path

import pytest

from factory.errors import StorageError
from factory.updating.file_edits import FileEdit, remove_file, write_edits
from tests.sources.repositories import Repository
from tests.updating.forge import API, NAME, Desk
from tests.updating.published import (
    FITS_NOT,
    MAIN,
    PublishedPackage,
    is_held,
    take_package,
    wanted_by,
)

NEWER = "it is on Backstage 1.50.0, portal on 1.45.3"
MATCH = "its @backstage package is that of 1.50.0 to 1.50.4"
UNFIT = {f"{NAME} needs {API} {FITS_NOT}, portal has 1.4.3", f"{NEWER} ({MATCH})"}
BRANCH = "plugin-factory/update/config"


@pytest.fixture
def package(desk: Desk) -> PublishedPackage:
    desk.variables["npm_config_registry"] = desk.npm.url
    return PublishedPackage(desk=desk)


def test_a_version_moves_to_the_newest_that_fits(desk: Desk, package: PublishedPackage) -> None:
    for version in ("1.0.0", "1.9.0", "1.10.0"):
        package.publish(version, gitHead="a" * 40)
    package.publish("2.0.0", asks=FITS_NOT, gitHead="b" * 40)
    folder = take_package(desk, f"{NAME}@1.0.0", pin="1.0.0")

    done = desk.update("--json")

    assert done.code == 0, done.err
    found = done.workspace()
    assert found["status"] == "outdated"
    assert found["repo"] == "pkg:npm/%40acme/x-backend"
    assert found["present"]["ref"] == "1.0.0"
    assert found["chosen"] == {
        "ref": "1.10.0",
        "commit": "a" * 40,
        "label": f"{NAME} 1.10.0",
        "backstage": "1.43.0",
        "versions": {NAME: "1.10.0"},
    }
    (refused,) = found["not-chosen"]
    assert (refused["label"], refused["commit"]) == (f"{NAME} 2.0.0", "b" * 40)
    assert set(refused["reasons"]) == UNFIT
    assert found["why"] == "the newest that fits portal, and 1 newer one does not"
    assert (folder / "source.json").read_text() == f'{{\n\t"package" :  "{NAME}@1.10.0"\n}}\n\n'
    assert not is_held(desk)
    again = desk.update("--check", "--json")
    assert again.code == 0, again.err
    assert again.workspace()["why"] == "the only newer release does not fit portal"


def test_a_registry_that_gains_a_version_makes_a_workspace_outdated(
    desk: Desk, package: PublishedPackage
) -> None:
    package.publish("1.0.0")
    take_package(desk, f"{NAME}@1.0.0")
    before = desk.files()
    assert desk.update("--check").code == 0
    package.publish("1.0.1")
    done = desk.update("--check")
    assert done.code == 14
    assert "why: the newest that fits portal remark: it is on Backstage 1.43.0" in done.said
    assert f'+ "package" : "{NAME}@1.0.1"' in done.said
    assert desk.update("--dry-run").code == 0
    assert desk.files() == before
    assert desk.update().code == 0
    assert wanted_by(desk) == f"{NAME}@1.0.1"


@pytest.mark.parametrize("written", ["1.0.0", "v1.0.0", "=1.0.0"])
def test_a_version_is_one_however_it_is_written(
    desk: Desk, package: PublishedPackage, written: str
) -> None:
    package.publish("1.0.0")
    package.publish("1.1.0")
    take_package(desk, f"{NAME}@{written}")
    assert desk.update().code == 0
    assert wanted_by(desk) == f"{NAME}@1.1.0"


def test_deprecated_versions_and_prereleases_are_left_out(
    desk: Desk, package: PublishedPackage
) -> None:
    package.publish("1.0.0", deprecated="broken")
    package.publish("1.1.0", deprecated="broken, too")
    package.publish("1.2.0-next.0", tag="next")
    take_package(desk, f"{NAME}@1.0.0")
    done = desk.update("--check", "--json")
    assert done.code == 0
    assert done.workspace()["why"] == "nothing newer is released"
    assert f"{NAME} 1.0.0 is deprecated" in done.workspace()["remarks"]


def test_a_prerelease_moves_to_later_ones_and_to_its_release(
    desk: Desk, package: PublishedPackage
) -> None:
    for version in ("1.2.0-next.9", "1.2.0-next.10"):
        package.publish(version, tag="next")
    take_package(desk, f"{NAME}@1.2.0-next.9")
    assert desk.update().code == 0
    assert wanted_by(desk) == f"{NAME}@1.2.0-next.10"
    package.publish("1.2.0")
    assert desk.update().code == 0
    assert wanted_by(desk) == f"{NAME}@1.2.0"


@pytest.mark.parametrize(
    ("role", "said"), [(None, "not given"), ("common-library", "'common-library'")]
)
def test_what_is_no_plugin_any_more_is_refused(
    desk: Desk, package: PublishedPackage, role: str | None, said: str
) -> None:
    package.publish("1.0.0")
    package.publish("1.1.0", role=role)
    take_package(desk, f"{NAME}@1.0.0")
    (refused,) = desk.update("--json").workspace()["not-chosen"]
    assert refused["reasons"] == [f"{NAME} is not a plugin: its role is {said}"]
    assert refused["commit"] == ""


def test_a_peer_that_the_portal_has_not_is_a_reason_against(
    desk: Desk, package: PublishedPackage
) -> None:
    package.publish("1.0.0")
    package.publish("1.1.0", role="frontend-plugin", peerDependencies={"react": "^19.0.0"})
    take_package(desk, f"{NAME}@1.0.0")
    (refused,) = desk.update("--json").workspace()["not-chosen"]
    assert refused["reasons"] == [f"{NAME} needs react ^19.0.0, portal has 18.3.1"]


def test_going_back_has_to_be_asked_for(desk: Desk, package: PublishedPackage) -> None:
    package.publish("1.0.0")
    package.publish("1.1.0")
    package.publish("1.2.0", asks=FITS_NOT)
    take_package(desk, f"{NAME}@1.2.0", pin="1.2.0")
    done = desk.update("--json")
    assert "--older looks for one that does" in done.workspace()["why"]
    assert wanted_by(desk) == f"{NAME}@1.2.0"
    assert is_held(desk)
    assert desk.update("--older").code == 0
    assert wanted_by(desk) == f"{NAME}@1.1.0"
    assert not is_held(desk)


def test_what_fits_is_never_left_for_something_older(desk: Desk, package: PublishedPackage) -> None:
    package.publish("1.0.0")
    package.publish("1.1.0")
    take_package(desk, f"{NAME}@1.1.0")
    assert desk.update("--older", "--check").code == 0


def test_a_version_that_was_taken_back_is_left(desk: Desk, package: PublishedPackage) -> None:
    package.publish("1.0.0")
    take_package(desk, f"{NAME}@1.1.0")
    done = desk.update("--json")
    assert f"does not have {NAME} 1.1.0" in done.workspace()["why"]
    assert desk.update("--older").code == 0
    assert wanted_by(desk) == f"{NAME}@1.0.0"


@pytest.mark.parametrize("wanted", ["1.0.0", "^1.0.0"])
def test_a_package_that_is_gone_is_an_error_of_its_workspace(
    desk: Desk, package: PublishedPackage, wanted: str
) -> None:
    package.publish("1.0.0")
    package.publish("1.1.0")
    take_package(desk, f"@acme/gone@{wanted}", "gone")
    take_package(desk, f"{NAME}@1.0.0", "there")
    done = desk.update("--json")
    assert done.code == 11
    assert (
        done.workspace("gone")["error"]["problem"] == "the npm registry has no package @acme/gone"
    )
    assert wanted_by(desk, "there") == f"{NAME}@1.1.0"


@pytest.mark.parametrize("wanted", ["^9.0.0", "canary"])
def test_a_range_or_tag_of_nothing_is_an_error(
    desk: Desk, package: PublishedPackage, wanted: str
) -> None:
    package.publish("1.0.0")
    take_package(desk, f"{NAME}@{wanted}")
    done = desk.update()
    assert done.code == 11
    assert f"the npm registry has no {NAME}@{wanted}" in done.said


@pytest.mark.parametrize(
    ("day", "moves"), [("2026-01-31", False), ("2026-02-01", True), ("now", True)]
)
def test_what_came_after_a_fixed_day_is_refused(
    desk: Desk, package: PublishedPackage, day: str, moves: bool
) -> None:
    package.publish("1.0.0")
    package.publish("1.1.0", day="2026-02-01")
    take_package(desk, f"{NAME}@1.0.0", resolve_as_of=day)
    done = desk.update("--json")
    assert wanted_by(desk).endswith("1.1.0") is moves
    reasons = [reason for each in done.workspace()["not-chosen"] for reason in each["reasons"]]
    late = f"it was published on 2026-02-01, after resolve-as-of {day}: change the day in "
    assert reasons == ([] if moves else [f"{late}source.json, or remove it"])


@pytest.mark.parametrize(("wanted", "kind"), [("^1.0.0", "range"), ("latest", "tag")])
def test_what_follows_by_itself_stays_unless_it_is_to_be_pinned(
    desk: Desk, package: PublishedPackage, wanted: str, kind: str
) -> None:
    package.publish("1.0.0")
    package.publish("1.1.0")
    take_package(desk, f"{NAME}@{wanted}")
    found = desk.update("--json").workspace()
    assert (found["status"], found["chosen"]) == ("kept", None)
    assert found["why"] == (
        f"{wanted} is a {kind}, which each build resolves: to 1.1.0 now (--pin makes it a version)"
    )
    package.publish("1.2.0", asks=FITS_NOT)
    found = desk.update("--json").workspace()
    assert "to 1.2.0 now (--pin makes it the newest version that fits portal)" in found["why"]
    assert set(found["not-chosen"][0]["reasons"]) == UNFIT
    assert wanted_by(desk) == f"{NAME}@{wanted}"
    assert desk.update("--pin").code == 0
    assert wanted_by(desk) == f"{NAME}@1.1.0"


def test_without_a_version_it_is_the_tag_latest(desk: Desk, package: PublishedPackage) -> None:
    package.publish("1.0.0")
    package.publish("2.0.0-beta.1", tag="beta")
    package.publish("3.0.0", tag="")
    take_package(desk, NAME)
    assert "latest is a tag" in desk.update("--json").workspace()["why"]
    assert desk.update("--pin").code == 0
    assert wanted_by(desk) == f"{NAME}@1.0.0", "nothing that its author has not made the latest"


def test_a_range_that_is_held_is_freed_for_a_newer_version(
    desk: Desk, package: PublishedPackage
) -> None:
    package.publish("1.0.0")
    take_package(desk, f"{NAME}@^1.0.0", pin="1.0.0")
    source = (desk.config / "source.json").read_bytes()
    found = desk.update("--json").workspace()
    assert found["why"].endswith("yarn.lock holds at 1.0.0: it means no other now")
    assert found["status"] == "kept"
    package.publish("1.1.0")
    done = desk.update("--check", "--json")
    assert done.code == 14
    found = done.workspace()
    assert found["present"]["versions"] == {NAME: "1.0.0"}
    assert found["chosen"]["versions"] == {NAME: "1.1.0"}
    assert (found["chosen"]["ref"], found["chosen"]["label"]) == ("^1.0.0", f"{NAME} 1.1.0")
    assert "--- a/yarn.lock\n+++ /dev/null\n@@ -1,5 +0,0 @@\n-# Written" in found["diff"]
    assert is_held(desk)
    done = desk.update()
    assert done.code == 0, done.err
    assert "present: ^1.0.0 = 1.0.0" in done.said
    assert "and 4 more lines (--verbose shows all)" in done.said
    assert not is_held(desk)
    assert (desk.config / "source.json").read_bytes() == source


def test_a_range_is_not_freed_for_what_does_not_fit(desk: Desk, package: PublishedPackage) -> None:
    package.publish("1.0.0")
    package.publish("1.1.0")
    package.publish("1.2.0", asks=FITS_NOT)
    take_package(desk, f"{NAME}@^1.0.0", pin="1.0.0")
    found = desk.update("--json").workspace()
    assert found["status"] == "kept"
    assert found["why"].endswith(
        "it means 1.2.0 now, which does not fit portal; 1.1.0 does, and --pin takes it"
    )
    assert [each["ref"] for each in found["not-chosen"]] == ["1.2.0"]
    assert is_held(desk)
    assert desk.update("--pin").code == 0
    assert wanted_by(desk) == f"{NAME}@1.1.0"
    assert not is_held(desk)


def test_a_tag_that_went_back_frees_nothing_unless_asked(
    desk: Desk, package: PublishedPackage
) -> None:
    package.publish("1.0.0")
    package.publish("1.1.0", asks=FITS_NOT)
    package.document["dist-tags"]["latest"] = "1.0.0"
    take_package(desk, NAME, pin="1.1.0")
    found = desk.update("--json").workspace()
    assert "it means 1.0.0 now, which is older; the present version does not fit" in found["why"]
    assert is_held(desk)
    assert desk.update("--older").code == 0
    assert not is_held(desk)


def test_to_pin_what_is_held_keeps_what_is_locked(desk: Desk, package: PublishedPackage) -> None:
    package.publish("1.0.0")
    package.publish("1.1.0")
    package.publish("1.2.0", asks=FITS_NOT)
    take_package(desk, f"{NAME}@^1.0.0", pin="1.1.0")
    assert desk.update("--pin").code == 0
    assert wanted_by(desk) == f"{NAME}@1.1.0"
    assert is_held(desk)
    assert desk.update("--check").code == 0


def test_to_pin_goes_back_only_if_asked(desk: Desk, package: PublishedPackage) -> None:
    package.publish("1.0.0")
    package.publish("1.1.0", asks=FITS_NOT)
    take_package(desk, f"{NAME}@^1.0.0", pin="1.1.0")
    found = desk.update("--pin", "--json").workspace()
    assert found["status"] == "kept"
    assert found["why"].startswith("no version of ^1.0.0 from 1.1.0 on fits portal; the present")
    assert desk.update("--pin", "--older").code == 0
    assert wanted_by(desk) == f"{NAME}@1.0.0"
    assert not is_held(desk)


def test_a_lockfile_of_something_else_is_an_error(desk: Desk, package: PublishedPackage) -> None:
    package.publish("1.0.0")
    folder = take_package(desk, f"{NAME}@1.0.0")
    (folder / "yarn.lock").write_text("# yarn lockfile v1\n")
    done = desk.update()
    assert done.code != 0
    assert "remove the file" in done.said


def test_a_package_is_asked_for_once(desk: Desk, package: PublishedPackage) -> None:
    package.publish("1.0.0")
    package.publish("1.1.0")
    for name in ("one", "two", "three"):
        take_package(desk, f"{NAME}@1.0.0", name)
    assert desk.update().code == 0
    assert [wanted_by(desk, name) for name in ("one", "two", "three")] == [f"{NAME}@1.1.0"] * 3
    assert desk.npm.count(NAME) == 1


def test_a_workspace_is_asked_of_its_own_registry(desk: Desk, package: PublishedPackage) -> None:
    """As its build does: what is proposed has to be there."""
    del desk.variables["npm_config_registry"]
    package.publish("1.0.0")
    package.publish("1.1.0")
    folder = take_package(desk, f"{NAME}@1.0.0", "one")
    (folder / ".npmrc").write_text(
        f"registry={desk.npm.url}\n//{desk.npm.host}/:_authToken=s3cr3t\n"
    )
    desk.npm.authorization = "Bearer s3cr3t"
    (desk.config / ".npmrc").write_text("registry=http://127.0.0.1:9/\n")
    done = desk.update("--verbose")
    assert done.code == 0, done.err
    assert wanted_by(desk, "one") == f"{NAME}@1.1.0"
    assert "s3cr3t" not in done.said


def test_a_registry_that_fails_ends_its_workspaces_only(
    desk: Desk, package: PublishedPackage
) -> None:
    package.publish("1.0.0")
    package.publish("1.1.0")
    desk.npm.answers["/@acme/odd"] = b"<html>"
    take_package(desk, "@acme/odd@1.0.0", "odd")
    take_package(desk, f"{NAME}@1.0.0", "good")
    done = desk.update("--json")
    assert done.code == 11
    assert done.workspace("odd")["error"]["kind"] == "registry"
    assert wanted_by(desk, "good") == f"{NAME}@1.1.0"


def test_patches_have_to_apply_to_what_is_chosen(desk: Desk, package: PublishedPackage) -> None:
    package.publish_archive("1.0.0", {"README.md": "one\n"})
    package.publish_archive("1.1.0", {"README.md": "one\n"})
    package.publish_archive("1.2.0", {"README.md": "two\n"})
    patches = take_package(desk, f"{NAME}@1.0.0") / "patches"
    patches.mkdir()
    (patches / "1-readme.patch").write_text(
        "--- plugin/README.md\n+++ plugin/README.md\n@@ -1 +1 @@\n-one\n+changed\n"
    )
    done = desk.update("--json")
    assert done.code == 0, done.err
    (refused,) = done.workspace()["not-chosen"]
    assert "1-readme.patch" in refused["reasons"][0]
    assert wanted_by(desk) == f"{NAME}@1.1.0"


def test_a_patched_package_is_judged_as_it_is_patched(
    desk: Desk, package: PublishedPackage
) -> None:
    package.publish_archive("1.0.0", {})
    package.publish_archive("1.1.0", {}, role=None)
    overlay = take_package(desk, f"{NAME}@1.0.0") / "plugin/overlay"
    overlay.mkdir(parents=True)
    about = '{"name": "%s", "version": "1.1.0", "main": "dist/index.cjs.js", "backstage": {"role": '
    (overlay / "package.json").write_text(f'{about % NAME}"backend-plugin"}}}}\n')
    done = desk.update("--json")
    assert done.code == 0, done.err
    assert wanted_by(desk) == f"{NAME}@1.1.0"


def test_an_export_that_is_gone_is_a_reason_against(desk: Desk, package: PublishedPackage) -> None:
    package.publish_archive("1.0.0", {})
    package.publish_archive("1.1.0", {"dist/index.cjs.js": f"{MAIN}exports.xPlugin = xPlugin;\n"})
    package.publish_archive("1.2.0", {})
    take_package(desk, f"{NAME}@1.0.0", package_feature="xPlugin")
    done = desk.update("--json")
    assert done.code == 0, done.err
    (refused,) = done.workspace()["not-chosen"]
    assert f"{NAME} has no such export" in refused["reasons"][0]
    assert wanted_by(desk) == f"{NAME}@1.1.0"


def test_an_archive_that_is_not_given_ends_the_workspace(
    desk: Desk, package: PublishedPackage
) -> None:
    package.publish_archive("1.0.0", {})
    package.publish_archive("1.1.0", {})
    desk.npm.answers.pop(f"/{NAME}/-/x-backend-1.1.0.tgz")
    take_package(desk, f"{NAME}@1.0.0", package_feature="default")
    done = desk.update()
    assert done.code == 11
    assert wanted_by(desk) == f"{NAME}@1.0.0"


@pytest.mark.parametrize("failing", ["source.json", "yarn.lock"])
def test_both_files_change_or_neither(
    desk: Desk, package: PublishedPackage, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    package.publish("1.0.0")
    package.publish("1.1.0")
    take_package(desk, f"{NAME}@1.0.0", pin="1.0.0")
    before = desk.files()
    replace = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if failing in (self.name, target.name):
            raise OSError(errno.EIO, "Input/output error")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", fail)
    done = desk.update()
    assert done.code == StorageError.exit_code
    assert "the workspace is as it was" in done.said
    assert desk.files() == before


def test_what_is_removed_comes_back_if_a_later_file_fails(
    desk: Desk, package: PublishedPackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is a link, which is what goes and comes back."""
    outside = desk.root / "kept"
    outside.write_text("text\n")
    link, other = desk.config / "yarn.lock", desk.config / "other"
    link.symlink_to(outside)
    other.write_text("old\n")
    edits = (remove_file(link), FileEdit(file=other, before="old\n", after="new\n"))
    replace = Path.replace

    def fail(self: Path, target: Path) -> Path:
        if target.name == "other":
            raise OSError(errno.EIO, "Input/output error")
        return replace(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", fail)
        with pytest.raises(StorageError):
            write_edits(desk.config, edits)
    assert link.is_symlink()
    assert (link.read_text(), other.read_text()) == ("text\n", "old\n")
    write_edits(desk.config, edits)
    assert not link.is_symlink()
    assert (outside.read_text(), other.read_text()) == ("text\n", "new\n")


@pytest.fixture
def repository(desk: Desk, package: PublishedPackage) -> Repository:
    """A catalogue of one workspace, whose version is a release behind."""
    package.publish("1.0.0")
    package.publish("1.1.0", gitHead="c" * 40)
    package.publish("1.2.0", asks=FITS_NOT)
    take_package(desk, f"{NAME}@1.0.0", pin="1.0.0")
    return desk.make_repository()


def test_a_branch_is_without_the_lockfile(desk: Desk, repository: Repository) -> None:
    before = desk.files()
    done = desk.update("--commit", "branch", "--json")
    assert done.code == 0, done.err
    assert desk.files() == before
    assert repository.git("diff", "--name-status", f"main...{BRANCH}").split() == [
        "M",
        "source.json",
        "D",
        "yarn.lock",
    ]
    message = repository.git("log", "-1", "--format=%B", BRANCH)
    title, _, body = message.partition("\n\n")
    assert title == f"Update config to {NAME} 1.1.0"
    assert "Source: `pkg:npm/%40acme/x-backend`" in body
    assert "From `1.0.0` to `1.1.0`: the newest that fits portal, and 1 newer one does" in body
    assert "yarn.lock was of the former version and is removed" in body
    assert f"Its author says that it was published from commit `{'c' * 40}`." in body
    assert f"- `{NAME} 1.2.0`: `it is on Backstage 1.50.0, portal on 1.45.3" in body
    again = desk.update("--commit", "branch", "--json")
    assert again.workspace()["change-request"]["state"] == "unchanged"


def test_a_long_name_leaves_room_for_the_version(desk: Desk, package: PublishedPackage) -> None:
    package.name = "@acme/plugin-catalog-backend-module-scaffolder-relation-processor"
    package.publish("1.0.0")
    package.publish("1.1.0")
    take_package(desk, f"{package.name}@^1.0.0", pin="1.0.0")
    repository = desk.make_repository()
    assert desk.update("--commit", "branch").code == 0
    message = repository.git("log", "-1", "--format=%B", BRANCH)
    assert message.startswith("Update config to 1.1.0\n\n")
    assert "`^1.0.0` stays, and yarn.lock is removed. ^1.0.0 is a range" in message


def test_a_patch_removes_the_lockfile(desk: Desk, repository: Repository) -> None:
    patches = desk.root / "patches"
    done = desk.update("--commit", "patch", "--patches", str(patches), "--json")
    assert done.code == 0, done.err
    repository.git("am", "--quiet", str(patches / "config.patch"))
    assert not is_held(desk)
    assert wanted_by(desk) == f"{NAME}@1.1.0"
    assert desk.update("--check").code == 0


def test_the_difference_is_one_that_git_applies(desk: Desk, repository: Repository) -> None:
    difference = desk.update("--dry-run", "--json").workspace()["diff"]
    subprocess.run(["git", "apply", "-"], cwd=desk.config, input=difference, text=True, check=True)
    assert repository.git("status", "--short").split() == ["M", "source.json", "D", "yarn.lock"]


def test_a_lockfile_that_nobody_committed_is_not_in_the_branch(
    desk: Desk, package: PublishedPackage
) -> None:
    package.publish("1.0.0")
    package.publish("1.1.0")
    take_package(desk, f"{NAME}@1.0.0", pin="1.0.0")
    (desk.config / ".gitignore").write_text("yarn.lock\n")
    repository = desk.make_repository()
    assert desk.update("--commit", "branch").code == 0
    assert repository.git("diff", "--name-only", f"main...{BRANCH}") == "source.json"
    take_package(desk, f"{NAME}@^1.0.0", pin="1.0.0")
    repository.commit({}, "a range")
    done = desk.update("--commit", "branch")
    assert done.code == 3
    assert "yarn.lock has changes that are not committed" in done.said
