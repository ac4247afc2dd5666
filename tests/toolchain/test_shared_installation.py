"""An installation that another workspace takes over: what yarn would have made itself."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from factory.cache.installations import InstallationStore, kept_key
from factory.config.environment import layer_environment
from factory.errors import Interrupted
from factory.export import shared_installation
from factory.export.shared_installation import (
    Installation,
    installation_key,
    installation_of,
    take_over,
)
from factory.toolchain.assembled import Toolchain
from factory.toolchain.runner import Runner

from .npm_registry import NpmRegistry
from .real_installs import Install, NewWorkspace

MEMBER = "plugins/member"


@pytest.fixture
def new_monorepo(new_workspace: NewWorkspace, registry: NpmRegistry) -> Callable[[str], Path]:
    """Workspaces with a package of their own, which has something in a folder of its own."""

    def make(name: str) -> Path:
        workspace = new_workspace(name, workspaces=["plugins/*"])
        with (workspace / ".yarnrc.yml").open("a") as file:
            file.write("nmHoistingLimits: workspaces\nenableImmutableInstalls: false\n")
        (workspace / MEMBER).mkdir(parents=True)
        (workspace / MEMBER / "package.json").write_text(
            json.dumps({"name": "member", "version": "1.0.0", "dependencies": {"part-a": "1.0.0"}})
        )
        (workspace / MEMBER / "index.js").write_text(f"exports.source = '{name}';\n")
        return workspace

    return make


@pytest.fixture
def locked(
    new_monorepo: Callable[[str], Path], toolchain: Toolchain, runner: Runner
) -> Callable[[str], Path]:
    """The same with the lockfile that yarn writes for it."""
    first = new_monorepo("locking")
    env = toolchain.child_environment(installs=True)
    runner.run((toolchain.yarn_command, "install", "--no-immutable"), cwd=first, env=env)
    lockfile = first / "yarn.lock"

    def make(name: str) -> Path:
        workspace = new_monorepo(name)
        shutil.copyfile(lockfile, workspace / "yarn.lock")
        return workspace

    return make


@pytest.fixture
def pair(locked: Callable[[str], Path], install: Install) -> tuple[Path, Path]:
    """A workspace that yarn has installed, and one that has nothing yet."""
    one, two = locked("one"), locked("two")
    install(one)
    return one, two


def files(folder: Path) -> dict[str, str | bytes]:
    """Every file and link below a folder, but what yarn and git keep for themselves."""
    found: dict[str, str | bytes] = {}
    for file in sorted(folder.rglob("*")):
        name = str(file.relative_to(folder))
        if file.is_symlink():
            found[name] = str(file.readlink())
        elif file.is_file() and name != ".yarn/install-state.gz":
            found[name] = file.read_bytes()
    return found


def made_in(workspace: Path) -> Installation:
    installation = installation_of(workspace)
    assert installation
    return installation


class TestTakingOver:
    def test_it_is_what_yarn_would_have_made(
        self,
        locked: Callable[[str], Path],
        install: Install,
        toolchain: Toolchain,
        runner: Runner,
    ) -> None:
        one, two, three = (locked(name) for name in ("one", "two", "three"))
        assert installation_key(one, toolchain) == installation_key(two, toolchain) is not None
        install(one)
        install(three)
        take_over(made_in(one), two)
        made, taken = files(three), files(two)
        assert f"{MEMBER}/node_modules/part-a/index.js" in taken
        assert {name for name in made if made[name] != taken.get(name)} == {f"{MEMBER}/index.js"}
        assert set(made) == set(taken)
        one_file, two_file = (each / "node_modules/part-b/big.txt" for each in (one, two))
        assert one_file.samefile(two_file)
        # The workspace's own packages are its own.
        print_source = ("node", "--print", "require('./index').source")
        said = runner.run(
            (toolchain.yarn_command, "workspace", "member", *print_source),
            cwd=two,
            env=toolchain.child_environment(installs=False),
        )
        assert said.tail.strip() == "two"

    def test_yarn_itself_finds_nothing_to_do_there(
        self,
        pair: tuple[Path, Path],
        install: Install,
        registry: NpmRegistry,
    ) -> None:
        one, two = pair
        take_over(made_in(one), two)
        before = {file: file.lstat().st_mtime_ns for file in two.rglob("node_modules/*/*")}
        asked = len(registry.seen)
        install(two)
        assert {file: file.lstat().st_mtime_ns for file in two.rglob("node_modules/*/*")} == before
        assert len(registry.seen) == asked

    def test_an_earlier_run_s_is_as_good_to_yarn(
        self,
        pair: tuple[Path, Path],
        install: Install,
        registry: NpmRegistry,
        toolchain: Toolchain,
        tmp_path: Path,
    ) -> None:
        one, two = pair
        store = InstallationStore(
            cache_dir=tmp_path / "cache", environment=toolchain.environment, checkpoint=lambda: None
        )
        key = kept_key(two, toolchain)
        assert key
        store.keep(key, made_in(one))
        expected = files(one)
        shutil.rmtree(one)
        kept = store.find(key, two)
        assert kept
        take_over(kept, two)
        assert {**files(two), f"{MEMBER}/index.js": b""} == {**expected, f"{MEMBER}/index.js": b""}
        before = {file: file.lstat().st_mtime_ns for file in two.rglob("node_modules/*/*")}
        asked = len(registry.seen)
        install(two)
        assert {file: file.lstat().st_mtime_ns for file in two.rglob("node_modules/*/*")} == before
        assert len(registry.seen) == asked

    def test_what_tools_keep_beside_the_packages_stays_where_it_is(
        self, pair: tuple[Path, Path]
    ) -> None:
        one, two = pair
        installation = made_in(one)
        for name in (".cache", ".plugin-factory/rhdh-cli"):
            (one / "node_modules" / name).mkdir(parents=True)
            (one / "node_modules" / name / "file").touch()
        built = one / "plugins/member/dist-dynamic/node_modules/part-a"
        built.mkdir(parents=True)
        take_over(installation, two)
        hidden = {each.name for each in (two / "node_modules").iterdir() if each.name[0] == "."}
        assert hidden <= {".bin", ".yarn-state.yml"}
        assert not (two / "plugins/member/dist-dynamic").exists()

    def test_where_an_install_script_keeps_something_there_it_is_not_handed_on(
        self, locked: Callable[[str], Path], install: Install
    ) -> None:
        one = locked("one")
        install(one)
        (one / "node_modules/.prisma/client").mkdir(parents=True)
        assert installation_of(one) is None

    def test_if_it_breaks_off_nothing_is_left(
        self,
        pair: tuple[Path, Path],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        one, two = pair
        before = files(two)
        real = os.link
        left = iter(range(10))

        def link(old: str, new: str) -> None:
            if next(left, None) is None:
                raise OSError(28, "No space left on device")
            real(old, new)

        monkeypatch.setattr("os.link", link)
        with pytest.raises(OSError, match="No space left"):
            take_over(made_in(one), two)
        assert files(two) == before
        assert not list(two.rglob("node_modules*"))
        assert not list(two.rglob(".node_modules*"))

    def test_when_the_run_is_ended_it_does_not_go_on(self, pair: tuple[Path, Path]) -> None:
        one, two = pair
        folders = iter(range(2))

        def ended() -> None:
            if next(folders, None) is None:
                raise Interrupted("Ctrl-C")

        with pytest.raises(Interrupted):
            take_over(made_in(one), two, checkpoint=ended)
        assert not (two / "node_modules").exists()

    def test_a_folder_that_has_vanished_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "here").mkdir()
        gone = Installation(workspace=tmp_path / "gone", folders=("node_modules",), manifests={})
        with pytest.raises(FileNotFoundError):
            take_over(gone, tmp_path / "here")
        assert not list((tmp_path / "here").iterdir())

    def test_a_file_with_all_the_links_it_can_have_is_copied(
        self,
        pair: tuple[Path, Path],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        one, two = pair
        real = os.link

        def link(old: str, new: str) -> None:
            if "part-c" in old:
                raise OSError(31, "Too many links")
            real(old, new)

        monkeypatch.setattr("os.link", link)
        take_over(made_in(one), two)
        pairs = {
            name: [each / f"node_modules/{name}/big.txt" for each in (one, two)]
            for name in ("part-b", "part-c", "part-d")
        }
        assert {name for name, pair in pairs.items() if pair[0].samefile(pair[1])} == {
            "part-b",
            "part-d",
        }
        assert len({file.read_bytes() for file in pairs["part-c"]}) == 1


def depend_on(resolution: str, workspace: Path) -> None:
    with (workspace / "yarn.lock").open("a") as file:
        file.write(f'\n"near":\n  version: 1.0.0\n  resolution: "{resolution}"\n')


class TestKey:
    @pytest.fixture
    def workspace(self, new_workspace: NewWorkspace) -> Path:
        return new_workspace("w")

    @pytest.fixture
    def key(self, workspace: Path, toolchain: Toolchain) -> str:
        key = installation_key(workspace, toolchain)
        assert key
        return key

    def test_the_folder_and_the_sources_do_not_matter(
        self, key: str, new_workspace: NewWorkspace, toolchain: Toolchain
    ) -> None:
        other = new_workspace("other")
        (other / "index.ts").write_text("export {};")
        assert installation_key(other, toolchain) == key

    @pytest.mark.parametrize(
        ("file", "text"),
        [
            ("package.json", '{"name": "w", "private": true}'),
            ("plugins/new/package.json", '{"name": "new"}'),
            ("yarn.lock", "__metadata:\n  version: 8\n"),
            (".yarnrc.yml", "nodeLinker: node-modules\nnmHoistingLimits: workspaces\n"),
            ("../.yarnrc.yml", "npmRegistryServer: https://npm.example\n"),
            (".yarn/plugins/mine.cjs", "module.exports = {};"),
            (".yarn/patches/part-a.patch", "diff"),
        ],
    )
    def test_what_yarn_reads_does(
        self, key: str, workspace: Path, toolchain: Toolchain, file: str, text: str
    ) -> None:
        (workspace / file).parent.mkdir(parents=True, exist_ok=True)
        (workspace / file).write_text(text)
        assert installation_key(workspace, toolchain) not in {key, None}

    def test_a_variable_does(self, key: str, workspace: Path, toolchain: Toolchain) -> None:
        more = {"YARN_NPM_AUTH_TOKEN": "of another registry"}
        environment = layer_environment({**toolchain.environment.variables, **more})
        other = replace(toolchain, environment=environment)
        assert installation_key(workspace, other) not in {key, None}

    def test_the_versions_of_node_and_yarn_do(
        self, key: str, workspace: Path, toolchain: Toolchain
    ) -> None:
        for other in (
            replace(toolchain, yarn=replace(toolchain.yarn, version="4.9.9")),
            replace(toolchain, node=replace(toolchain.node, version="18.0.0")),
        ):
            assert installation_key(workspace, other) not in {key, None}

    def test_a_run_s_own_temporary_folder_does_not(
        self, key: str, workspace: Path, toolchain: Toolchain, tmp_path: Path
    ) -> None:
        elsewhere = tmp_path / "another-run"
        yarn = replace(toolchain.yarn, bin_dir=elsewhere / "bin")
        other = replace(toolchain, temporary=elsewhere, yarn=yarn)
        assert installation_key(workspace, other) == key

    @pytest.mark.parametrize(
        "settings",
        [
            "nodeLinker: pnp\n",
            "nodeLinker: node-modules\nnmMode: classic\n",
            "nodeLinker: node-modules\nenableGlobalCache: false\n",
        ],
    )
    def test_there_is_none_where_yarn_makes_no_links(
        self, workspace: Path, toolchain: Toolchain, settings: str
    ) -> None:
        (workspace / ".yarnrc.yml").write_text(settings)
        assert installation_key(workspace, toolchain) is None

    @pytest.mark.parametrize(
        "resolution",
        [
            "near@file:../near::locator=w%40workspace%3A.",
            "@scope/near@portal:../near::locator=w%40workspace%3A.",
            "near@link:./near::locator=w%40workspace%3A.",
            "near@workspace:../near",
            "@scope/near@workspace:../../near",
            "near@patch:near@npm%3A1.0.0#~/fixes/near.patch::version=1.0.0&hash=ab12cd",
            "near@patch:near@npm%3A1.0.0#optional!~/fixes/near.patch::version=1.0.0",
        ],
    )
    def test_there_is_none_where_the_lockfile_does_not_say_all(
        self, workspace: Path, toolchain: Toolchain, resolution: str
    ) -> None:
        depend_on(resolution, workspace)
        assert installation_key(workspace, toolchain) is None

    @pytest.mark.parametrize(
        "resolution",
        [
            "near@npm:1.0.0",
            "near@workspace:near",
            "typescript@patch:typescript@npm%3A5.4.5#optional!builtin<compat/typescript>::v=5",
            "near@patch:near@npm%3A1.0.0#~/.yarn/patches/near-npm-1.0.0.patch::version=1.0.0",
            "near@patch:near@npm%3A1.0.0#./.yarn/patches/near-npm-1.0.0.patch::version=1.0.0",
        ],
    )
    def test_there_is_one_where_it_does(
        self, workspace: Path, toolchain: Toolchain, resolution: str
    ) -> None:
        depend_on(resolution, workspace)
        assert installation_key(workspace, toolchain)

    def test_there_is_none_for_what_is_installed_already(
        self, workspace: Path, toolchain: Toolchain
    ) -> None:
        (workspace / shared_installation.MODULES).mkdir()
        assert installation_key(workspace, toolchain) is None

    def test_a_key_tells_no_secret(self, workspace: Path, toolchain: Toolchain) -> None:
        more = {"YARN_NPM_AUTH_TOKEN": "hush-hush"}
        environment = layer_environment({**toolchain.environment.variables, **more})
        key = installation_key(workspace, replace(toolchain, environment=environment))
        assert key
        assert len(bytes.fromhex(key)) == 32
