"""Of a repository with many workspaces only the wanted one is fetched and checked out."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory.cache.inputs import NamedTools, PluginToName, workspace_inputs
from factory.config.environment import layer_environment
from factory.errors import SourceError
from factory.pipeline.source_part import bring_what_is_reached, is_by_itself, wanted_part
from factory.sources.asked_remotes import AskedRemotes
from factory.sources.clones import add_worktree, clones_for, normalise
from factory.sources.git import check_out_git
from factory.sources.git_access import with_access
from factory.sources.partial import bring_the_rest
from factory.sources.source import Checkout, GitRemote, Source, locate

from .repositories import Repository, new_repository, tree
from .servers import ServerLog, dumb_http, smart_http

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory.sources.git_process import GitSession

WORKSPACE = "workspaces/w3"
FILTERS = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "uploadpack.allowFilter",
    "GIT_CONFIG_VALUE_0": "true",
}
REFUSES = {
    **FILTERS,
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_1": "uploadpackfilter.blob:none.allow",
    "GIT_CONFIG_VALUE_1": "false",
}
SERVERS = {"filters": FILTERS, "no filters": {}, "refuses": REFUSES}
PLUGIN = {
    "name": "a",
    "version": "1.0.0",
    "backstage": {"role": "backend-plugin"},
    "dependencies": {
        "vendored": "file:../../../../vendor/thing",
        "ported": "portal:../../../../ported",
    },
}
PROJECT = {
    "workspaces": ["plugins/*"],
    "scripts": {"tsc": "node ../../scripts/tsc.js --all"},
    "resolutions": {"left-pad": "patch:left-pad@npm:1.0.0#../../mended/left-pad.patch"},
}
CODE = """import y from '../../../../w1/shared/y';
import z from "../../../../../shortcut/z";
const everything = path.resolve(__dirname, '../../../../');
"""
LOCKFILE = """__metadata:
  version: 8

"a@workspace:plugins/a":
  version: 0.0.0-use.local
  resolution: "a@workspace:plugins/a"
  languageName: unknown
  linkType: soft
"""
# What the workspace refers to, one way each, and what that refers to.
REACHED = {
    "vendor/thing/package.json": '{"name": "vendored"}',
    "vendor/thing/index.js": "require('../../deep/er/x')",
    "deep/er/x.js": "1",
    "configs/tsconfig.base.json": "{}",
    "linked/there.txt": "there",
    "workspaces/w1/shared/y.ts": "export const y = 1",
    ".yarn/releases/yarn.cjs": "//",
    "patched/by/name.txt": "old\n",
    "ported/package.json": '{"name": "ported"}',
    "scripts/tsc.js": "//",
    "mended/left-pad.patch": "",
    "rooted/base.json": "{}",
    "tools/yarn/yarn.cjs": "//",
    "short/z.ts": "export const z = 1",
    "far/away.txt": "away",
}
PATCH = """--- a/patched/by/name.txt
+++ b/patched/by/name.txt
@@ -1 +1 @@
-old
+new
"""


@dataclass(frozen=True, kw_only=True)
class Forge:
    """A repository with twenty workspaces behind a server."""

    repository: Repository
    remote: GitRemote
    log: ServerLog


@pytest.fixture(scope="module")
def workspaces(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """The repository that each ``forge`` gets a copy of."""
    chance = random.Random(3)
    files = {
        "package.json": '{"main": "./workspaces/w4"}',
        "tsconfig.json": '{"extends": "./rooted/base"}',
        ".yarnrc.yml": "yarnPath: tools/yarn/yarn.cjs\n",
        **REACHED,
    }
    for number in range(20):
        here = f"workspaces/w{number}"
        files[f"{here}/package.json"] = json.dumps(PROJECT)
        files[f"{here}/yarn.lock"] = LOCKFILE
        files[f"{here}/plugins/a/package.json"] = json.dumps(PLUGIN)
        files[f"{here}/assets/large.txt"] = chance.randbytes(40_000).hex()
    files[f"{WORKSPACE}/tsconfig.json"] = '{"extends": "../../configs/tsconfig.base.json"}'
    files[f"{WORKSPACE}/plugins/a/src/index.ts"] = CODE
    repository = new_repository(tmp_path_factory.mktemp("forge") / "plugins")
    (repository.path / WORKSPACE).mkdir(parents=True)
    (repository.path / WORKSPACE / "link").symlink_to("../../linked")
    (repository.path / WORKSPACE / "hop").symlink_to("../../hop")
    for name, target in {"shortcut": "short", "hop": "far", "everything": "/"}.items():
        (repository.path / name).symlink_to(target)
    repository.commit(files)
    return repository


@pytest.fixture(params=SERVERS)
def forge(
    request: pytest.FixtureRequest, tmp_path: Path, workspaces: Repository
) -> Iterator[Forge]:
    """The server knows how to leave files out, does not, or will not."""
    repository = workspaces.copy(tmp_path / "served" / "plugins")
    log = ServerLog()
    log.git_settings = SERVERS[request.param]
    with ExitStack() as stack:
        url = stack.enter_context(smart_http(repository.path.parent, log))
        found = locate(Source(repo=f"{url}/plugins", relative_to=tmp_path))
        assert isinstance(found, GitRemote)
        yield Forge(repository=repository, remote=found, log=log)


def bring(
    forge: Forge,
    into: Path,
    session: GitSession,
    *,
    workspace: str = WORKSPACE,
    ref: str | None = None,
    whole: bool = False,
) -> Checkout:
    """Check a workspace out as a run of several does."""
    clone = clones_for([forge.remote], into.parent)[normalise(forge.remote)]
    patches = into.parent / "patches"
    patches.mkdir(parents=True, exist_ok=True)
    (patches / "1.patch").write_text(PATCH)
    part = None if whole else wanted_part(workspace, (patches / "1.patch",), session)
    checkout = add_worktree(clone, forge.remote, ref, into, session, part=part)
    if part and is_by_itself(into, workspace):
        bring_what_is_reached(into, part, workspace, with_access(session, forge.remote))
    elif part:
        bring_the_rest(into, with_access(session, forge.remote))
    return checkout


def test_the_workspace_is_there_and_what_it_reaches(
    forge: Forge, tmp_path: Path, session: GitSession
) -> None:
    bring(forge, tmp_path / "one", session)

    there = tree(tmp_path / "one")
    whole = tree(forge.repository.path)
    inside = {name for name in whole if name.startswith(f"{WORKSPACE}/")}
    assert inside | REACHED.keys() | {"package.json", ".yarnrc.yml"} <= there.keys()
    assert all(whole[name] == there[name] for name in there if not name.startswith(".git/"))
    others = {name for name in there if name.startswith("workspaces/")} - inside
    assert not any("assets" in name for name in others)
    assert Repository(path=tmp_path / "one").git("status", "--porcelain") == ""


def test_a_single_checkout_is_as_narrow(forge: Forge, tmp_path: Path, session: GitSession) -> None:
    part = wanted_part(WORKSPACE, (), session)
    (tmp_path / "one").mkdir()
    check_out_git(forge.remote, None, tmp_path / "one", session, part=part)

    assert (tmp_path / "one" / WORKSPACE / "yarn.lock").is_file()
    assert not (tmp_path / "one/workspaces/w5").exists()


def test_few_bytes_are_fetched_where_the_server_can(
    forge: Forge, tmp_path: Path, session: GitSession
) -> None:
    bring(forge, tmp_path / "a" / "whole", session, whole=True)
    whole, forge.log.bytes_sent = forge.log.bytes_sent, 0
    bring(forge, tmp_path / "b" / "part", session)

    if forge.log.git_settings == FILTERS:
        assert forge.log.bytes_sent < whole / 10
    else:
        assert forge.log.bytes_sent <= whole * 1.1


def test_another_commit_costs_what_is_new_of_it(
    forge: Forge, tmp_path: Path, session: GitSession
) -> None:
    first = bring(forge, tmp_path / "one", session)
    after = forge.repository.commit(
        {f"{WORKSPACE}/plugins/a/x.ts": "1", "workspaces/w5/assets/large.txt": "y" * 100_000}
    )
    bring(forge, tmp_path / "two", session, ref=after)
    forge.log.requests.clear()
    again = bring(forge, tmp_path / "three", session, ref=first.commit)

    assert (tmp_path / "two" / WORKSPACE / "plugins/a/x.ts").read_text() == "1"
    assert again.commit == first.commit
    assert not (tmp_path / "three" / WORKSPACE / "plugins/a/x.ts").exists()
    assert forge.log.requests == []  # all of it is in the clone


def test_workspaces_of_one_clone_do_not_narrow_each_other(
    forge: Forge, tmp_path: Path, session: GitSession
) -> None:
    bring(forge, tmp_path / "one", session)
    bring(forge, tmp_path / "two", session, workspace="workspaces/w7")
    bring(forge, tmp_path / "all", session, whole=True)

    assert (tmp_path / "one" / WORKSPACE / "assets/large.txt").is_file()
    assert not (tmp_path / "two" / WORKSPACE / "assets").exists()
    assert (tmp_path / "two/workspaces/w7/assets/large.txt").is_file()
    whole = tree(forge.repository.path)
    assert tree(tmp_path / "all").keys() >= {name for name in whole if ".git/" not in name}


@pytest.mark.parametrize("workspace", ["workspaces", "workspaces/w33", "workspaces/w3/plugins/a"])
def test_what_is_no_workspace_by_itself_is_brought_whole(
    forge: Forge, tmp_path: Path, session: GitSession, workspace: str
) -> None:
    bring(forge, tmp_path / "one", session, workspace=workspace)

    assert (tmp_path / "one/workspaces/w19/yarn.lock").is_file()


def test_the_credentials_of_the_url_fetch_the_files_too(
    forge: Forge, tmp_path: Path, session: GitSession
) -> None:
    forge.log.password = "somebody:secret"
    url = forge.remote.url.replace("//", "//somebody:secret@")
    found = locate(Source(repo=url, relative_to=tmp_path))
    assert isinstance(found, GitRemote)

    bring(Forge(repository=forge.repository, remote=found, log=forge.log), tmp_path / "x", session)

    assert (tmp_path / "x/deep/er/x.js").read_text() == "1"
    assert "secret" not in (tmp_path / ".clones/plugins/config").read_text()


def test_lfs_settings_that_are_not_here_yet_are_read(
    forge: Forge, tmp_path: Path, session: GitSession, caplog: pytest.LogCaptureFixture
) -> None:
    forge.repository.commit({".lfsconfig": "[lfs]\n\turl = https://elsewhere.example/lfs\n"})

    bring(forge, tmp_path / "one", session)

    assert "sends git-lfs to another server, https://elsewhere.example/lfs" in caplog.text


def test_the_name_in_the_cache_is_that_of_the_whole(
    forge: Forge, tmp_path: Path, session: GitSession
) -> None:
    def name(root: Path) -> object:
        inputs = workspace_inputs(root / WORKSPACE, root)
        plugin = PluginToName(
            path="plugins/a",
            arguments="",
            scalprum_config=None,
            app_config=None,
            supported_versions=None,
        )
        tools = NamedTools(node="22.0.0", yarn="4.12.0", rhdh_cli="1.9.1")
        return inputs.of(plugin, tools=tools, environment=layer_environment({}))

    bring(forge, tmp_path / "part", session)
    bring(forge, tmp_path / "whole", session, whole=True)

    assert name(tmp_path / "part") == name(tmp_path / "whole")


def test_where_files_stay_away_is_said_once(
    forge: Forge, tmp_path: Path, session: GitSession, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        bring(forge, tmp_path / "one", session)

    said = caplog.text.count("the server cannot send a part, so that all of the commit comes")
    assert said == (0 if forge.log.git_settings == FILTERS else 1)


def test_no_file_is_fetched_in_passing(forge: Forge, tmp_path: Path, session: GitSession) -> None:
    trace = tmp_path / "trace"
    traced = session.with_variables({"GIT_TRACE2": str(trace)})

    bring(forge, tmp_path / "one", traced)
    bring(forge, tmp_path / "all", traced, whole=True)

    started = [line for line in trace.read_text().splitlines() if "child_start" in line]
    assert not [line for line in started if "fetch origin" in line]
    assert (tmp_path / "all" / "workspaces/w9/assets/large.txt").is_file()


@pytest.mark.parametrize("forge", ["filters"], indirect=True)
def test_a_server_that_gives_nothing_without_a_name_sends_all(
    forge: Forge, tmp_path: Path, session: GitSession
) -> None:
    bring(forge, tmp_path / "one", session.with_settings([("protocol.version", "0")]))

    assert (tmp_path / "one/deep/er/x.js").read_text() == "1"


@pytest.mark.parametrize("forge", ["filters"], indirect=True)
def test_what_is_changed_afterwards_may_refer_to_more(
    forge: Forge, tmp_path: Path, session: GitSession
) -> None:
    root = tmp_path / "one"
    bring(forge, root, session)
    (root / WORKSPACE / "added.json").write_text('{"extends": "../w8/assets/large.txt"}')
    part = wanted_part(WORKSPACE, (), session)
    assert part

    bring_what_is_reached(root, part, WORKSPACE, session)

    assert (root / "workspaces/w8/assets/large.txt").is_file()
    assert (root / WORKSPACE / "added.json").is_file()


@pytest.mark.parametrize("forge", ["filters"], indirect=True)
def test_names_that_are_no_paths_lead_nowhere(
    forge: Forge, tmp_path: Path, session: GitSession
) -> None:
    inside = forge.repository.path / WORKSPACE
    (inside / "lines").symlink_to("../../a\n!/*\n/b")
    (inside / "out").symlink_to("../../../../../../etc")
    (inside / "round").symlink_to("../w4/round")
    (forge.repository.path / "workspaces/w4/round").symlink_to("../w3/round")
    long, through = "../" * 2 + "x/" * 100_000, "../../everything/proc/self"
    git, option = "../../.git/config", "../../--upload-pack=x/y"
    forge.repository.commit(
        {f"{WORKSPACE}/n.ts": "\n".join(f"'{name}'" for name in (long, through, git, option))}
    )
    bring(forge, tmp_path / "one", session)

    assert (tmp_path / "one" / WORKSPACE / "n.ts").is_file()
    assert not (tmp_path / "one/workspaces/w7/assets").exists()
    assert Repository(path=tmp_path / "one").git("status", "--porcelain") == ""


@pytest.mark.parametrize("forge", ["filters"], indirect=True)
def test_very_many_folders_are_brought_as_the_whole(
    forge: Forge, tmp_path: Path, session: GitSession
) -> None:
    names = [f"many/{number}/x" for number in range(600)]
    forge.repository.commit(
        {f"{name}.ts": "" for name in names}
        | {f"{WORKSPACE}/n.ts": "\n".join(f"'../../{name}'" for name in names)}
    )
    bring(forge, tmp_path / "one", session)

    assert (tmp_path / "one/workspaces/w7/assets/large.txt").is_file()


@pytest.mark.parametrize("forge", ["filters"], indirect=True)
def test_a_submodule_of_the_workspace_is_told_of(
    forge: Forge, tmp_path: Path, session: GitSession, caplog: pytest.LogCaptureFixture
) -> None:
    link = f"160000,{'1' * 40},{WORKSPACE}/sub"
    forge.repository.git("update-index", "--add", "--cacheinfo", link)
    forge.repository.write({".gitmodules": f'[submodule "s"]\n\tpath = {WORKSPACE}/sub\n'})
    forge.repository.git("add", ".gitmodules")
    forge.repository.git("commit", "--quiet", "--message", "a submodule")

    bring(forge, tmp_path / "one", session)

    assert "the repository has submodules" in caplog.text
    assert (tmp_path / "one" / WORKSPACE / "yarn.lock").is_file()


@pytest.mark.parametrize("forge", ["no filters"], indirect=True)
@pytest.mark.parametrize("kind", ["folder", "file", "dumb"])
def test_where_no_server_can_filter_a_part_is_checked_out(
    forge: Forge, tmp_path: Path, session: GitSession, kind: str
) -> None:
    forge.repository.git("update-server-info")
    folder = forge.repository.path
    with dumb_http(folder.parent) as dumb:
        repo = {"folder": str(folder), "file": f"file://{folder}", "dumb": f"{dumb}/plugins/.git"}
        found = locate(Source(repo=repo[kind], relative_to=tmp_path))
        assert isinstance(found, GitRemote)
        other = Forge(repository=forge.repository, remote=found, log=forge.log)
        bring(other, tmp_path / "one", session)

    assert (tmp_path / "one/deep/er/x.js").read_text() == "1"
    assert not (tmp_path / "one/workspaces/w7/assets").exists()
    promised = "promisor" in next((tmp_path / ".clones").glob("*/config")).read_text()
    assert promised == (kind == "dumb")


def test_a_git_that_knows_no_parts_checks_all_out(tmp_path: Path, session: GitSession) -> None:
    old = tmp_path / "bin/git"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho git version 2.36.1\n")
    old.chmod(0o755)

    path = f"{old.parent}:{session.env['PATH']}"
    assert wanted_part(WORKSPACE, (), session) is not None
    assert wanted_part(WORKSPACE, (), session.with_variables({"PATH": path})) is None


@pytest.mark.parametrize("workspace", [".", "", "../x", "/x", "a/../b", "a\nb"])
def test_of_some_paths_there_is_no_part(session: GitSession, workspace: str) -> None:
    assert wanted_part(workspace, (), session) is None


class TestRefs:
    """What refs mean is asked for once, whatever number of workspaces there is."""

    @pytest.mark.parametrize("forge", ["filters"], indirect=True)
    def test_all_that_a_run_wants_are_asked_for_at_once(
        self, forge: Forge, tmp_path: Path, session: GitSession
    ) -> None:
        first = forge.repository.git("rev-parse", "HEAD")
        forge.repository.git("tag", "--annotate", "v1", "--message", "v1")
        forge.repository.git("branch", "old")
        second = forge.repository.commit({"new.txt": "new"})
        refs = {"v1": first, "old": first, "main": second, None: second, first: first}
        remotes = AskedRemotes(refs={forge.remote: frozenset(refs)})

        with ThreadPoolExecutor(8) as pool:
            found = {
                ref: pool.submit(remotes.find_commit, forge.remote, ref, session, tmp_path)
                for ref in refs
            }
            assert {ref: each.result().commit for ref, each in found.items()} == refs
        assert len([r for r in forge.log.requests if "git-upload-pack" not in r.split("?")[0]]) == 1

    @pytest.mark.parametrize("forge", ["filters"], indirect=True)
    def test_a_ref_that_is_not_there_is_an_error_of_its_own(
        self, forge: Forge, tmp_path: Path, session: GitSession
    ) -> None:
        remotes = AskedRemotes(refs={forge.remote: frozenset({"main", "mian"})})

        assert remotes.find_commit(forge.remote, "main", session, tmp_path).commit
        with pytest.raises(SourceError) as caught:
            remotes.find_commit(forge.remote, "mian", session, tmp_path)
        assert "no branch, tag or commit 'mian'" in str(caught.value)
        assert "did you mean main" in str(caught.value.hint)

    @pytest.mark.parametrize("forge", ["filters"], indirect=True)
    def test_a_refusal_is_asked_for_once_and_told_to_each(
        self, forge: Forge, tmp_path: Path, session: GitSession
    ) -> None:
        forge.log.password = "somebody:secret"
        remotes = AskedRemotes(refs={})
        errors = []
        for ref in ("main", "main", None):
            with pytest.raises(SourceError) as caught:
                remotes.find_commit(forge.remote, ref, session, tmp_path)
            errors.append(caught.value)

        assert len(forge.log.requests) == 1
        assert len({id(error) for error in errors}) == len(errors)

    @pytest.mark.parametrize("forge", ["filters"], indirect=True)
    def test_other_credentials_ask_anew(
        self, forge: Forge, tmp_path: Path, session: GitSession
    ) -> None:
        forge.log.password = "somebody:secret"
        remotes = AskedRemotes(refs={})
        with pytest.raises(SourceError):
            remotes.find_commit(forge.remote, "main", session, tmp_path)

        knowing = replace(forge.remote, username="somebody", password="secret")
        access = with_access(session, knowing)
        assert remotes.find_commit(knowing, "main", access, tmp_path).commit
