"""`yarn install` with shared caches and linked packages, and with registries that fail."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from factory.config.environment import layer_environment
from factory.errors import DependenciesError
from factory.export.dependencies import install_dependencies
from factory.toolchain import linking, registry_patience
from factory.toolchain.assembled import Toolchain
from factory.toolchain.linking import linking_variables
from factory.toolchain.runner import LoggedRunner, Runner
from factory.toolchain.yarn import Yarn

from .npm_registry import Fault, NpmRegistry
from .real_installs import NAMES, Install, NewWorkspace, installed, written_workspace


class TestSharedCaches:
    def test_three_at_once_with_empty_caches(
        self, registry: NpmRegistry, install: Install, new_workspace: NewWorkspace
    ) -> None:
        workspaces = [new_workspace(f"w{number}") for number in range(3)]
        with ThreadPoolExecutor(3) as pool:
            list(pool.map(install, workspaces))
        wanted = {name: registry.packages[name]["big.txt"] for name in NAMES}
        for workspace in workspaces:
            assert installed(workspace) == wanted

    def test_what_one_has_brought_the_next_does_not_fetch(
        self, registry: NpmRegistry, install: Install, new_workspace: NewWorkspace
    ) -> None:
        install(new_workspace("first"))
        fetched = registry.count(".tgz")
        install(new_workspace("second"))
        assert registry.count(".tgz") == fetched == len(NAMES)

    def test_packages_are_links_to_one_store(
        self, install: Install, new_workspace: NewWorkspace
    ) -> None:
        first = new_workspace("first")
        second = new_workspace("second")
        install(first)
        install(second)
        for name in NAMES:
            files = [each / f"node_modules/{name}/big.txt" for each in (first, second)]
            assert files[0].samefile(files[1])

    def test_the_first_that_is_kept_as_it_is_gets_copies_and_the_next_links(
        self, toolchain: Toolchain, new_workspace: NewWorkspace, runner: Runner, tmp_path: Path
    ) -> None:
        kept, second, third = map(new_workspace, ("kept", "second", "third"))
        for workspace, is_kept in ((kept, True), (second, False), (third, True)):
            logged = LoggedRunner(runner, log=tmp_path / "log", on_line=lambda _: None)
            install_dependencies(workspace, toolchain=toolchain, runner=logged, is_kept=is_kept)
        inside = f"node_modules/{NAMES[0]}/big.txt"
        assert (kept / inside).stat().st_nlink == 1
        assert (second / inside).samefile(third / inside)
        assert installed(kept) == installed(second) == installed(third)

    def test_a_workspace_that_writes_into_packages_gets_copies_and_harms_nobody(
        self, registry: NpmRegistry, install: Install, new_workspace: NewWorkspace
    ) -> None:
        good = new_workspace("good")
        install(good)
        mends = "echo mended > node_modules/part-a/big.txt"
        bad = new_workspace("bad", scripts={"postinstall": mends})
        install(bad)
        assert installed(bad)["part-a"] == b"mended\n"
        assert installed(good)["part-a"] == registry.packages["part-a"]["big.txt"]

    def test_a_store_that_somebody_wrote_into_is_mended(
        self, registry: NpmRegistry, install: Install, new_workspace: NewWorkspace
    ) -> None:
        first = new_workspace("first")
        install(first)
        (first / "node_modules/part-a/big.txt").write_text("written in place")
        second = new_workspace("second")
        install(second)
        assert installed(second)["part-a"] == registry.packages["part-a"]["big.txt"]

    def test_what_another_run_is_writing_into_the_store_is_left_alone(
        self, install: Install, new_workspace: NewWorkspace, tmp_path: Path
    ) -> None:
        first = new_workspace("first")
        install(first)
        (store,) = tmp_path.rglob("store/v1")
        (store / "0123456789abcdef.tmp").write_text("half a fi")
        install(new_workspace("second"))
        assert installed(tmp_path / "second") == installed(first)
        assert (store / "0123456789abcdef.tmp").read_text() == "half a fi"

    def test_when_links_run_out_no_file_is_missing(
        self,
        install: Install,
        new_workspace: NewWorkspace,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        first = new_workspace("first")
        install(first)
        use_up(first / "node_modules/part-a/big.txt", tmp_path / "links", number=70_000)
        monkeypatch.setattr(linking, "_WORN", 2)
        install(new_workspace("second"))
        assert installed(tmp_path / "second") == installed(first)

    def test_before_that_the_worn_file_of_the_store_is_replaced(
        self, install: Install, new_workspace: NewWorkspace, tmp_path: Path
    ) -> None:
        first = new_workspace("first")
        install(first)
        worn = first / "node_modules/part-a/big.txt"
        use_up(worn, tmp_path / "links", number=15_000)
        for name in ("second", "third"):
            install(new_workspace(name))
        files = [tmp_path / name / "node_modules/part-a/big.txt" for name in ("second", "third")]
        assert files[0].samefile(files[1])
        assert installed(tmp_path / "third") == installed(first)
        if (linking._most_links(tmp_path) or 0) < 100_000:
            assert not files[0].samefile(worn)


def use_up(file: Path, folder: Path, number: int) -> None:
    """Give a file so many links, or all that it can have."""
    folder.mkdir()
    with contextlib.suppress(OSError):
        for count in range(number):
            os.link(file, folder / str(count))


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A workspace whose packages would be linked."""
    return written_workspace(tmp_path / "plain", "__metadata:\n  version: 8\n")


class TestWhenPackagesAreLinked:
    YARN = Yarn(version="4.12.0", bin_dir=Path("/nowhere"))

    def mode(self, workspace: Path, yarn: Yarn = YARN, **variables: str) -> str | None:
        home = {"HOME": str(workspace.parent / "home")}
        return linking_variables(workspace, yarn, layer_environment(home | variables)).get(
            "YARN_NM_MODE"
        )

    def test_they_are_with_the_node_modules_linker(self, plain: Path) -> None:
        assert self.mode(plain) == "hardlinks-global"

    @pytest.mark.parametrize("version", ["1.22.22", "2.4.3", "3.8.7"])
    def test_not_by_a_yarn_that_may_not_know_how(self, plain: Path, version: str) -> None:
        assert self.mode(plain, Yarn(version=version, bin_dir=Path("/nowhere"))) is None

    @pytest.mark.parametrize(
        "settings", ["nodeLinker: pnp", "nodeLinker: pnpm", "{}", "enableTelemetry: false"]
    )
    def test_not_by_another_linker(self, plain: Path, settings: str) -> None:
        (plain / ".yarnrc.yml").write_text(settings)
        assert self.mode(plain) is None

    def test_not_when_the_repository_says_how(self, plain: Path) -> None:
        (plain / ".yarnrc.yml").write_text("nodeLinker: node-modules\nnmMode: classic\n")
        assert self.mode(plain) is None

    def test_not_when_the_user_says_how(self, plain: Path) -> None:
        assert self.mode(plain, YARN_NM_MODE="classic") is None
        (plain.parent / "home").mkdir()
        (plain.parent / "home/.yarnrc.yml").write_text("nmMode: hardlinks-local\n")
        assert self.mode(plain) is None

    @pytest.mark.parametrize("script", ["preinstall", "install", "postinstall"])
    def test_not_when_the_workspace_has_an_install_script(self, plain: Path, script: str) -> None:
        (plain / "package.json").write_text(json.dumps({"scripts": {script: "true"}}))
        assert self.mode(plain) is None

    def test_not_when_packages_are_patched_in_place(self, plain: Path) -> None:
        with (plain / "yarn.lock").open("a") as file:
            file.write('\n"patch-package@npm:^8.0.0":\n  version: 8.0.0\n')
        assert self.mode(plain) is None


class TestRegistriesThatFail:
    @pytest.fixture(autouse=True)
    def _impatience(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(registry_patience, "RETRY_AFTER_SECONDS", (0.2,))

    @pytest.mark.parametrize("does", ["fails", "breaks off"])
    def test_one_that_fails_for_a_while_is_asked_again(
        self, registry: NpmRegistry, install: Install, new_workspace: NewWorkspace, does: str
    ) -> None:
        # More often than yarn asks by itself.
        registry.faults.append(Fault(path="part-c-1.0.0.tgz", does=does, times=2))  # type: ignore[arg-type]
        workspace = new_workspace("w")
        install(workspace)
        assert installed(workspace)["part-c"] == registry.packages["part-c"]["big.txt"]

    @pytest.mark.parametrize(
        ("does", "says"), [("fails", "Response Code: 500"), ("breaks off", "aborted")]
    )
    def test_one_that_goes_on_failing_is_given_up(  # noqa: PLR0917 - fixtures
        self,
        registry: NpmRegistry,
        install: Install,
        new_workspace: NewWorkspace,
        tmp_path: Path,
        does: str,
        says: str,
    ) -> None:
        registry.faults.append(Fault(path="part-c-1.0.0.tgz", does=does, times=1000))  # type: ignore[arg-type]
        workspace = new_workspace("w")
        with pytest.raises(DependenciesError, match="yarn install failed") as caught:
            install(workspace)
        assert says in str(caught.value.details), (tmp_path / "w.log").read_text()
        assert registry.count("part-c-1.0.0.tgz") < 10

    def test_a_package_that_does_not_exist_is_not_asked_for_again(
        self, registry: NpmRegistry, install: Install, new_workspace: NewWorkspace
    ) -> None:
        registry.faults.append(Fault(path="part-c-1.0.0.tgz", does="has nothing", times=1000))
        with pytest.raises(DependenciesError, match="yarn install failed"):
            install(new_workspace("w"))
        assert registry.count("part-c-1.0.0.tgz") == 1

    class TestSilence:
        @pytest.fixture
        def variables(self) -> dict[str, str]:
            return {"YARN_HTTP_TIMEOUT": "1000"}

        def test_one_that_never_answers_is_given_up(
            self, registry: NpmRegistry, install: Install, new_workspace: NewWorkspace
        ) -> None:
            registry.faults.append(Fault(path=".tgz", does="says nothing", times=1000))
            with pytest.raises(DependenciesError, match="yarn install failed"):
                install(new_workspace("w"))


def test_a_killed_yarn_is_an_error_that_says_so_and_the_next_one_works(
    registry: NpmRegistry, install: Install, new_workspace: NewWorkspace, runner: Runner
) -> None:
    silence = Fault(path="part-d-1.0.0.tgz", does="says nothing", times=1)
    registry.faults.append(silence)
    workspace = new_workspace("w")

    def kill() -> None:
        while silence.times:
            time.sleep(0.02)
        for process in list(runner._live):
            os.kill(process.pid, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(DependenciesError) as caught:
        install(workspace)
    killer.join()
    assert "killed by SIGKILL" in str(caught.value.found)
    install(workspace)
    assert installed(workspace)["part-d"] == registry.packages["part-d"]["big.txt"]
