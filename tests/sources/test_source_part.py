"""Of a repository with many workspaces only the wanted one is fetched and checked out."""

from __future__ import annotations

import json
import random
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory.cache.inputs import NamedTools, PluginToName, workspace_inputs
from factory.config.environment import layer_environment
from factory.pipeline.source_part import bring_what_is_reached, is_by_itself, wanted_part
from factory.sources.clones import add_worktree, clones_for, normalise
from factory.sources.git import check_out_git
from factory.sources.git_access import with_access
from factory.sources.partial import bring_the_rest
from factory.sources.source import Checkout, GitRemote, Source, locate

from .repositories import Repository, new_repository, tree
from .servers import ServerLog, smart_http

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory.sources.git_process import GitSession

WORKSPACE = "workspaces/w3"
FILTERS = {
    "GIT_CONFIG_COUNT": "1",
    "GIT_CONFIG_KEY_0": "uploadpack.allowFilter",
    "GIT_CONFIG_VALUE_0": "true",
}
PLUGIN = {
    "name": "a",
    "version": "1.0.0",
    "backstage": {"role": "backend-plugin"},
    "dependencies": {"vendored": "file:../../../../vendor/thing"},
}
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


@pytest.fixture(params=["filters", "no filters"])
def forge(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Forge]:
    """The server knows how to leave files out, or does not."""
    chance = random.Random(3)
    files = {"package.json": "{}", ".yarnrc.yml": "yarnPath: .yarn/releases/yarn.cjs\n", **REACHED}
    for number in range(20):
        here = f"workspaces/w{number}"
        files[f"{here}/package.json"] = json.dumps({"workspaces": ["plugins/*"]})
        files[f"{here}/yarn.lock"] = LOCKFILE
        files[f"{here}/plugins/a/package.json"] = json.dumps(PLUGIN)
        files[f"{here}/assets/large.txt"] = chance.randbytes(40_000).hex()
    files[f"{WORKSPACE}/tsconfig.json"] = '{"extends": "../../configs/tsconfig.base.json"}'
    files[f"{WORKSPACE}/plugins/a/src/index.ts"] = "import y from '../../../../w1/shared/y'"
    repository = new_repository(tmp_path / "served" / "plugins")
    (repository.path / WORKSPACE).mkdir(parents=True)
    (repository.path / WORKSPACE / "link").symlink_to("../../linked")
    repository.commit(files)
    log = ServerLog()
    if request.param == "filters":
        log.git_settings = FILTERS
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

    if forge.log.git_settings:
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
