"""Many workspaces in one run: side by side, apart from one another, and no work done twice."""

from __future__ import annotations

import io
import json
import shutil
import signal
import tarfile
import time
from pathlib import Path

import pytest

from tests.faults.processes import processes_now_in
from tests.faults.tiny_workspace import nothing_half_made
from tests.made_once import made_once
from tests.oci.registries import serving

from .example_builds import allowed
from .many_workspaces import (
    ALPHA,
    BETA,
    SHARED,
    Platform,
    backend,
    copied,
    new_platform,
    recording,
)

ALL = {f"{name}/{plugin}" for name in ("one", "two", "three") for plugin in (ALPHA, BETA)}


@pytest.fixture(scope="session")
def built(process: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Platform:
    """Three workspaces, built once; nobody may change what is in them."""

    def make(folder: Path) -> Platform:
        platform = new_platform(folder, process)
        ended = platform.build()
        assert ended.code == 0, ended.said
        return platform

    return made_once(tmp_path_factory, "many-workspaces", make)


@pytest.fixture
def platform(built: Platform, tmp_path: Path) -> Platform:
    """The same with the cache of the first run, on what might be another machine."""
    return copied(built, tmp_path / "platform")


def source_of(platform: Platform, name: str) -> str:
    """What a packed plugin's entry point says."""
    with tarfile.open(fileobj=io.BytesIO(platform.artifact(name))) as archive:
        file = archive.extractfile("package/dist/index.cjs.js")
        assert file
        return file.read().decode()


# Node is asked for its version, and git what the refs mean.
ASKED_ONLY = {"git", "node"}


def tools_in(log: Path) -> set[str]:
    """The programs that were started, but for the shell that watches over them.

    What is looked for where it cannot be (GitPython's git, as it is imported) is not started.
    """
    return {Path(line).name for line in log.read_text().splitlines() if shutil.which(line)} - {"sh"}


def edit(file: Path) -> None:
    file.write_text(file.read_text() + "// mine\n")


def test_every_workspace_is_built_into_a_folder_of_its_own(built: Platform) -> None:
    assert built.outcomes == {"one": "done", "three": "done", "two": "done"}
    assert set(built.plugins) == ALL
    for name in ("one", "two", "three"):
        assert (built.outputs / name / "build-report.json").is_file()
        assert len(list((built.outputs / name).glob("*.tgz"))) == 2


def test_each_is_built_at_its_own_ref_from_one_clone_a_repository(built: Platform) -> None:
    assert "alpha of a'" in source_of(built, f"one/{ALPHA}")
    assert "alpha of a, later'" in source_of(built, f"two/{ALPHA}")
    assert "alpha of b'" in source_of(built, f"three/{ALPHA}")
    clones = [path.name for path in (built.source / ".clones").glob("plugins*")]
    assert len(clones) == 2
    assert len({name.casefold() for name in clones}) == 2


def test_no_workspace_sees_the_environment_of_another(built: Platform) -> None:
    marks = {name: source_of(built, f"{name}/{BETA}") for name in ("one", "two", "three")}
    for name, mark in (("one", "first"), ("two", "second"), ("three", "third")):
        assert f"// {mark} " in marks[name]


def test_two_registries_and_two_versions_of_rhdh_cli_in_one_run(platform: Platform) -> None:
    with (platform.config / "one/.env").open("a") as file:
        file.write("YARN_NPM_REGISTRY_SERVER=https://one.example/npm\n")
        file.write("YARN_UNSAFE_HTTP_WHITELIST=one.example\nMARK=again\n")
    with (platform.config / "two/.env").open("a") as file:
        file.write("RHDH_CLI_VERSION=0.0.999\nMARK=again\n")
    ended = platform.build()
    assert ended.code == 6, ended.said
    assert platform.outcomes == {"one": "done", "three": "done", "two": "failed"}
    assert "rhdh-cli 0.0.999 cannot be installed" in ended.said
    assert "// again https://one.example/npm" in source_of(platform, f"one/{BETA}")
    assert platform.report["workspaces"][0]["tools"]["rhdh-cli"] == "1.9.1"


def test_a_failure_stops_its_own_workspace_only_and_all_are_in_the_summary(
    platform: Platform,
) -> None:
    (platform.config / "broken").mkdir()
    (platform.config / "broken/source.json").write_text('{"repo": ')
    platform.workspace("lost", "a/plugins", "no-such-ref")
    (platform.config / "notes").mkdir()
    ended = platform.build()
    assert ended.code == 3, ended.said
    assert platform.outcomes == {
        "broken": "failed",
        "lost": "failed",
        "one": "done",
        "three": "done",
        "two": "done",
    }
    assert "no branch, tag or commit 'no-such-ref'" in ended.stdout
    assert "is not valid JSON" in ended.stdout
    for name in platform.outcomes:
        assert f"\n{name}" in ended.stdout
    assert ended.stderr.count("ignored: notes") == 1
    assert "Traceback" not in ended.said
    codes = {each["name"]: each["exit-code"] for each in platform.report["workspaces"]}
    assert codes == {"broken": 3, "lost": 4, "one": 0, "three": 0, "two": 0}


def test_fail_fast_ends_the_run_at_the_first_failure(platform: Platform) -> None:
    (platform.config / "broken").mkdir()
    (platform.config / "broken/source.json").write_text("{}")
    ended = platform.build("--fail-fast")
    assert ended.code == 3, ended.said
    assert platform.outcomes == {
        "broken": "failed",
        "one": "skipped",
        "three": "skipped",
        "two": "skipped",
    }


def test_fail_fast_leaves_the_other_plugins_of_a_workspace_too(platform: Platform) -> None:
    listed = f"{ALPHA}: --no-such-option\n{BETA}:\n"
    (platform.config / "one/plugins-list.yaml").write_text(listed)
    options = ("--fail-fast", "--jobs", "1", "--no-cache", "--exclude", "three")
    ended = platform.build(*options)
    assert ended.code == 9, ended.said
    outcomes = {name: plugin["outcome"] for name, plugin in platform.plugins.items()}
    assert outcomes[f"one/{ALPHA}"] == "failed"
    assert outcomes[f"one/{BETA}"] == "skipped"
    assert platform.outcomes["one"] == "failed"
    assert "Traceback" not in ended.said


def test_a_package_that_does_not_build_fails_the_plugins_that_need_it(platform: Platform) -> None:
    repository = platform.repository("b/plugins")
    package = json.loads((repository.path / SHARED / "package.json").read_text())
    package["scripts"]["build"] = "node -e \"console.error('no luck today'); process.exit(3)\""
    repository.commit({f"{SHARED}/package.json": json.dumps(package)})
    ended = platform.build("--only", "three", "--no-cache")
    assert ended.code == 8, ended.said
    alpha, beta = (platform.plugins[f"three/{plugin}"] for plugin in (ALPHA, BETA))
    assert alpha["error"]["kind"] == "compile"
    assert "no luck today" in alpha["error"]["details"]
    assert beta["outcome"] == "done"


@pytest.mark.parametrize(
    ("options", "plugins"),
    [
        (["--only", "one"], {f"one/{ALPHA}", f"one/{BETA}"}),
        (["--only", "t*", "--exclude", BETA], {f"two/{ALPHA}", f"three/{ALPHA}"}),
        (["--only", f"one/{ALPHA},@acme/plugin-beta-*"], ALL - {f"two/{ALPHA}", f"three/{ALPHA}"}),
        (["--exclude", "one", "--exclude", f"two/{ALPHA}"],
         {f"two/{BETA}", f"three/{ALPHA}", f"three/{BETA}"}),
    ],
)  # fmt: skip
def test_only_what_is_selected_is_built(
    platform: Platform, options: list[str], plugins: set[str]
) -> None:
    ended = platform.build(*options)
    assert ended.code == 0, ended.said
    assert set(platform.plugins) == plugins


def test_selecting_nothing_is_an_error_that_names_what_there_is(platform: Platform) -> None:
    ended = platform.build("--only", "@acme/plugin-gamma")
    assert ended.code == 2
    assert f"one/{ALPHA}" in ended.stderr
    assert platform.report["error"]["kind"] == "usage"


def test_where_nothing_has_changed_no_tool_is_started_and_nothing_is_checked_out(
    built: Platform, platform: Platform, tmp_path: Path
) -> None:
    variables, log = recording(tmp_path / "recording")
    ended = platform.build(**variables)
    assert ended.code == 0, ended.said
    assert tools_in(log) == ASKED_ONLY
    assert platform.built == set()
    assert not platform.source.exists()
    for name in ALL:
        assert platform.artifact(name) == built.artifact(name)
    assert "6 plugins from the cache" in ended.stdout


def test_a_copy_says_where_it_is_from_as_the_first_run_did(
    built: Platform, platform: Platform
) -> None:
    assert platform.build().code == 0
    for name in ("one", "two", "three"):
        for file in (built.outputs / name).glob("*.tgz*"):
            again = platform.outputs / name / file.name
            assert again.read_bytes() == file.read_bytes(), file.name


def test_after_a_change_only_what_is_made_of_it_is_built(platform: Platform) -> None:
    repository = platform.repository("b/plugins")
    repository.commit({f"{BETA}/src/index.js": backend("beta of b, later")})
    assert platform.build().code == 0
    assert platform.built == {f"three/{BETA}"}
    assert "beta of b, later" in source_of(platform, f"three/{BETA}")
    # alpha embeds the shared package, beta does not.
    repository.commit({f"{SHARED}/src/index.js": "exports.shared = 2;\n"})
    assert platform.build().code == 0
    assert platform.built == {f"three/{ALPHA}"}
    because = platform.plugins[f"three/{ALPHA}"]["built-because"]
    assert because == f"changed: the source of {SHARED}"


def test_what_cannot_change_a_plugin_builds_nothing(platform: Platform, tmp_path: Path) -> None:
    platform.repository("b/plugins").commit({"README.md": "Hello.\n", "docs/a.md": "A.\n"})
    variables, log = recording(tmp_path / "recording")
    ended = platform.build(**variables)
    assert ended.code == 0, ended.said
    assert platform.built == set()
    assert tools_in(log) == ASKED_ONLY


def test_two_workspaces_that_want_the_same_plugin_build_it_once(platform: Platform) -> None:
    for name in ("four", "five"):
        platform.workspace(name, "a/plugins", MARK="same")
    ended = platform.build("--only", f"four/{ALPHA}", "--only", f"five/{ALPHA}")
    assert ended.code == 0, ended.said
    assert len(platform.built) == 1
    assert platform.artifact(f"four/{ALPHA}") == platform.artifact(f"five/{ALPHA}")


def test_what_two_would_install_is_installed_once(platform: Platform) -> None:
    for name, ref in (("four", "v1"), ("five", "main")):
        platform.workspace(name, "a/plugins", ref, MARK="same")
    plugins = [f"{name}/{plugin}" for name in ("four", "five") for plugin in (ALPHA, BETA)]
    ended = platform.build("--no-cache", "--only", "four", "--only", "five")
    assert ended.code == 0, ended.said
    assert ended.said.count("the same as in another workspace") == 1
    logs = [platform.outputs / name / "logs/install.log" for name in ("four", "five")]
    assert sum(log.exists() for log in logs) == 1
    together = {name: platform.artifact(name) for name in plugins}
    for name in ("four", "five"):
        ended = platform.build("--no-cache", "--only", name)
        assert ended.code == 0, ended.said
        assert "another workspace" not in ended.said
        for plugin in platform.plugins:
            assert platform.artifact(plugin) == together[plugin]


def test_without_a_cache_everything_is_built(platform: Platform) -> None:
    ended = platform.build("--no-cache", "--only", f"one/{BETA}")
    assert ended.code == 0, ended.said
    assert platform.built == {f"one/{BETA}"}
    assert platform.plugins[f"one/{BETA}"]["built-because"] is None


def test_a_machine_with_an_empty_disk_takes_plugins_from_a_registry(
    built: Platform, platform: Platform, tmp_path: Path
) -> None:
    (tmp_path / "registry").mkdir()
    with serving(tmp_path / "registry") as server:
        repository = f"oci://{server.host}/team/plugin-cache"
        insecure = {"REGISTRY_URL": server.host, "REGISTRY_INSECURE": "true"}
        # What this machine has built before is shared as well as what it builds now.
        ended = platform.build("--cache-to", repository, **insecure)
        assert ended.code == 0, ended.said
        for folder in (platform.root / "cache/plugins", platform.outputs):
            shutil.rmtree(folder)
        ended = platform.build("--cache-from", repository, **insecure)
        assert ended.code == 0, ended.said
        assert platform.built == set()
        for name in ALL:
            assert platform.artifact(name) == built.artifact(name)


def test_a_registry_that_is_down_costs_a_warning_and_the_build_goes_on(platform: Platform) -> None:
    gone = "oci://127.0.0.1:9/team/plugin-cache"
    ended = platform.build("--cache-from", gone, "--cache-to", gone, "--only", "one")
    assert ended.code == 0, ended.said
    assert platform.outcomes == {"one": "done"}
    assert "127.0.0.1:9" in " ".join(platform.report["warnings"])


class TestTheNextRun:
    """What an earlier run has left in the source folder."""

    @pytest.fixture
    def platform(self, platform: Platform) -> Platform:
        """One workspace has been built anew, so that its worktree is there."""
        self.change(platform)
        assert platform.build("--only", "three").code == 0
        return platform

    def change(self, platform: Platform) -> None:
        text = f"beta at {time.monotonic_ns()}"
        platform.repository("b/plugins").commit({f"{BETA}/src/index.js": backend(text)})

    def test_a_worktree_that_nobody_has_touched_is_made_anew(self, platform: Platform) -> None:
        self.change(platform)
        ended = platform.build("--only", "three")
        assert ended.code == 0, ended.said
        assert platform.built == {f"three/{BETA}"}

    def test_the_users_own_work_in_it_stays(self, platform: Platform) -> None:
        file = platform.source / "three" / ALPHA / "src/index.js"
        edit(file)
        self.change(platform)
        ended = platform.build("--only", "three")
        assert ended.code == 4
        assert f"{ALPHA}/src/index.js" in ended.said
        assert "--clean" in ended.said
        assert file.read_text().endswith("// mine\n")
        ended = platform.build("--only", "three", "--clean")
        assert ended.code == 0, ended.said
        assert not file.read_text().endswith("// mine\n")

    def test_a_folder_that_is_no_runs_stays(self, platform: Platform) -> None:
        shutil.rmtree(platform.source / "three")
        (platform.source / "three").mkdir()
        (platform.source / "three/mine.txt").write_text("mine")
        self.change(platform)
        ended = platform.build("--only", "three")
        assert ended.code == 4
        assert (platform.source / "three/mine.txt").read_text() == "mine"

    def test_a_run_that_was_killed_is_no_hindrance(self, platform: Platform) -> None:
        self.change(platform)
        with platform.running("--only", "three") as process:
            assert process.stdout
            for line in process.stdout:
                if "install" in line and "started" in line:
                    process.send_signal(signal.SIGKILL)
                    break
            process.wait(300)
        (platform.source / ".clones" / "plugins.lock").touch()
        for clone in (platform.source / ".clones").glob("plugins-*"):
            (clone / "shallow.lock").touch()
        edit(platform.source / "three" / ALPHA / "src/index.js")
        self.change(platform)
        ended = platform.build("--only", "three")
        assert ended.code == 0, ended.said
        assert platform.built == {f"three/{BETA}"}

    def test_ctrl_c_ends_everything_and_the_next_run_goes_on_from_there(
        self, platform: Platform
    ) -> None:
        for name in ("a", "b"):
            both = {f"{path}/src/index.js": backend(f"{path} of {name}") for path in (ALPHA, BETA)}
            platform.repository(f"{name}/plugins").commit(both)
        with platform.running("--jobs", "1") as process:
            assert process.stdout
            for line in process.stdout:
                if "verify" in line and "done" in line:
                    break
            began = time.monotonic()
            process.send_signal(signal.SIGINT)
            said, _ = process.communicate(timeout=300)
            assert time.monotonic() - began < allowed(5), said
        assert process.returncode == 130
        assert processes_now_in(platform.source) == []
        assert nothing_half_made(platform.outputs)
        assert platform.report["error"]["kind"] == "interrupted"
        finished = platform.built
        ended = platform.build()
        assert ended.code == 0, ended.said
        assert not finished & platform.built
        assert set(platform.plugins) == ALL


def test_trees_of_ones_own_are_expected_by_the_names_of_the_workspaces(platform: Platform) -> None:
    platform.source.mkdir()
    shutil.copytree(platform.repository("b/plugins").path, platform.source / "three")
    ended = platform.build("--use-local", "--only", "three")
    assert ended.code == 0, ended.said
    assert platform.built == set()
    missing = platform.build("--use-local", "--only", "one")
    assert missing.code == 3
    assert str(platform.source / "one") in missing.said


def test_a_run_of_several_refuses_what_is_for_one(platform: Platform) -> None:
    for option in ("--source-repo", "--workspace-path"):
        ended = platform.build(option, "x")
        assert ended.code == 2
        assert option in ended.stderr


def test_plain_lines_and_warnings_name_their_workspace(platform: Platform) -> None:
    (platform.config / "one/plugins-list.yaml").write_text(f"{ALPHA}:\n")
    ended = platform.build("--only", "one")
    assert f"one/{ALPHA}" in ended.stderr
    (own,) = platform.report["workspaces"]
    assert all(not warning.startswith("one: ") for warning in own["warnings"])
    told = [line for line in ended.stderr.splitlines() if "warning: one: " in line]
    assert len(told) == len(own["warnings"]) > 0
