"""What exports the plugins of a workspace: fetched while the workspace is installed.

rhdh-cli is some 1,900 packages, which take as long to install as a workspace's own, and nothing but
an export waits for them. What is in the cache is found at once; only what is missing is fetched
meanwhile, in a thread of its own with a turn of its own in the budget. Whichever of the two fails
ends the other.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from factory.engines import Engine
from factory.errors import FactoryError, Interrupted
from factory.export.bundling import place_rhdh_cli
from factory.threads import InheritingPool
from factory.toolchain.backstage_bundler import PINNED as PINNED_BUNDLER
from factory.toolchain.backstage_bundler import find_cached_bundler, is_bundler_cached
from factory.toolchain.rhdh_cli import find_rhdh_cli, is_rhdh_cli_installed
from factory.toolchain.rhdh_cli_node import warn_of_other_node
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from concurrent.futures import Future
    from pathlib import Path

    from factory.pipeline.workspace_context import WorkspaceContext
    from factory.toolchain.assembled import Toolchain
    from factory.toolchain.backstage_bundler import BackstageBundler
    from factory.toolchain.node import Npm
    from factory.toolchain.rhdh_cli import RhdhCli
    from factory.toolchain.runner import Runner


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportTools:
    """What exports plugins; None what no plugin of the workspace needs, or is not looked for yet.

    Of bundlers it is the cache's. The workspace's own is there once its packages are installed.
    """

    rhdh_cli: RhdhCli | None = None
    bundler: BackstageBundler | None = None

    def __str__(self) -> str:
        named = (("rhdh-cli", self.rhdh_cli), ("cli-module-build", self.bundler))
        return ", ".join(f"{name} {tool.version}" for name, tool in named if tool)

    def give_to(self, toolchain: Toolchain) -> Toolchain:
        """Return a toolchain with these in it; a bundler that it has already stays."""
        return replace(toolchain, rhdh_cli=self.rhdh_cli, bundler=toolchain.bundler or self.bundler)


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedExportTools:
    """Which of them a workspace's plugins need."""

    build: WorkspaceContext
    engines: Collection[Engine]
    own_bundler: bool

    def find(self, toolchain: Toolchain, npm: Npm) -> ExportTools:
        """Return them, installed where the cache lacks them.

        Raises:
            ConfigurationError: RHDH_CLI_VERSION is neither a version, nor a range, nor a tag.
            ToolchainError: one can neither be found nor installed.
        """
        rhdh_cli = bundler = None
        if Engine.RHDH in self.engines:
            rhdh_cli = find_rhdh_cli(self.build.wanted.rhdh_cli, npm)
            warn_of_other_node(rhdh_cli, toolchain.node)
        if self._takes_cached_bundler:
            bundler = find_cached_bundler(npm)
        return ExportTools(rhdh_cli=rhdh_cli, bundler=bundler)

    def are_here(self, npm: Npm) -> bool:
        """Whether nothing has to be asked or installed.

        Raises:
            ConfigurationError: RHDH_CLI_VERSION is neither a version, nor a range, nor a tag.
        """
        here = Engine.RHDH not in self.engines or is_rhdh_cli_installed(
            self.build.wanted.rhdh_cli, npm
        )
        return here and (not self._takes_cached_bundler or is_bundler_cached(npm.cache.folder))

    def fetch(self, toolchain: Toolchain, npm: Npm, runner: Runner) -> ExportTools:
        """Return them, as a stage of its own; what another workspace is fetching is waited for.

        Args:
            toolchain: with the Node.js that they run on.
            npm: what installs them, but for the runner.
            runner: starts the processes.

        Raises:
            FactoryError: as :meth:`find` does, or the run was cancelled.
        """
        in_flight, name = self.build.run_context.in_flight, self._name
        with in_flight.claim([name]) as mine:
            if not mine:
                in_flight.wait([name], runner.raise_if_cancelled)
            with self.build.stages.stage("toolchain") as stage:
                cache = replace(npm.cache, runner=stage.bind(runner))
                found = self.find(toolchain, replace(npm, cache=cache))
                stage.note = str(found)
        return found

    @property
    def _name(self) -> str:
        """What tells them from others that a run may be fetching just now."""
        rhdh_cli = self.build.wanted.rhdh_cli if Engine.RHDH in self.engines else None
        return f"what exports: {rhdh_cli}, {self._takes_cached_bundler and PINNED_BUNDLER}"

    @property
    def _takes_cached_bundler(self) -> bool:
        return Engine.BACKSTAGE in self.engines and not self.own_bundler


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchedTools:
    """Tools that are on their way, or here.

    ``runner`` starts the children of what else is done for the workspace, and is cancelled when
    the tools are not available.
    """

    runner: Runner
    tools: Future[ExportTools]

    @property
    def here(self) -> ExportTools | None:
        """The tools, as far as they are here by now."""
        is_here = self.tools.done() and self.tools.exception() is None
        return self.tools.result() if is_here else None

    def give_to(self, toolchain: Toolchain) -> Toolchain:
        """Wait for the tools, and return a toolchain that has them.

        Not to be called inside a stage: it holds what the fetching may be waiting for.

        Raises:
            Interrupted: they are not available, or the run was cancelled.
        """
        try:
            tools = self.tools.result()
        except FactoryError:
            self.runner.raise_if_cancelled()
            raise
        return tools.give_to(toolchain)


@contextlib.contextmanager
def placed_meanwhile(tools: ExportTools | None, workspace: Path, runner: Runner) -> Iterator[None]:
    """Put rhdh-cli into its place in a workspace, for its frontends, while something else is done.

    What goes wrong is told by the export that needs it there.

    Args:
        tools: those that are here.
        workspace: the folder of the yarn workspace.
        runner: is cancelled when the run ends.
    """
    if tools is None or tools.rhdh_cli is None:
        yield
        return
    rhdh_cli = tools.rhdh_cli
    with InheritingPool(max_workers=1, thread_name_prefix="placing") as pool:
        pool.submit(place_rhdh_cli, rhdh_cli, workspace, checkpoint=runner.raise_if_cancelled)
        yield


@contextlib.contextmanager
def fetched_meanwhile(
    runner: Runner, fetch: Callable[[Runner], ExportTools]
) -> Iterator[FetchedTools]:
    """Fetch tools in a thread for as long as the context is open.

    Args:
        runner: the run's.
        fetch: returns the tools; its children are started with the runner that it is given.

    Raises:
        FactoryError: what ``fetch`` has raised, in place of whatever that has ended here.
    """
    without_tools = Interrupted("not finished, because what exports plugins is not available")
    with (
        runner.branch() as ours,
        runner.branch() as theirs,
        InheritingPool(max_workers=1, thread_name_prefix="tools") as pool,
    ):

        def fetch_or_end() -> ExportTools:
            try:
                return fetch(theirs)
            except BaseException:
                ours.cancel(without_tools)
                raise

        tools = pool.submit(fetch_or_end)
        try:
            yield FetchedTools(runner=ours, tools=tools)
        except BaseException as error:
            failure = tools.exception() if error is without_tools else None
            if failure is None:
                raise
            raise failure from None
        finally:
            if not tools.done():
                theirs.cancel(Interrupted("not finished, because nothing waits for it any more"))
