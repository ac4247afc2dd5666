"""The packages of a workspace, packed once for all backends that Backstage's engine bundles."""

from __future__ import annotations

import logging
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from factory.errors import FactoryError, Interrupted
from factory.export.backstage_bundle import (
    bundler_environment,
    find_installed_bundler,
    forget_bundle,
)
from factory.toolchain.runner import ProcessFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.toolchain.assembled import Toolchain
    from factory.toolchain.runner import LoggedRunner

log = logging.getLogger(__name__)


class SharedPacking:
    """Packs what several plugins need when the first of them is bundled; used by many threads.

    ``alone`` is held while the bundler runs in the workspace: packing rewrites a package.json for a
    moment, which another that runs would read.
    """

    def __init__(
        self,
        plugins: Sequence[ChosenPlugin],
        find_toolchain: Callable[[], Toolchain],
        root: Path,
    ) -> None:
        """Take the plugins that share; of fewer than two nothing is packed beforehand."""
        self.alone = threading.Lock()
        self._plugins = tuple(plugins)
        self._find_toolchain = find_toolchain
        self._root = root
        self._once = threading.Lock()
        self._done = False
        self._folder: Path | None = None

    def compile(self, ensure: Callable[[ChosenPlugin], None]) -> None:
        """Compile what the plugins need, since packing takes what is compiled.

        A plugin that does not compile is left out: it fails by itself.
        """
        if len(self._plugins) < 2:  # noqa: PLR2004 - two share, one does not
            return
        for plugin in self._plugins:
            try:
                ensure(plugin)
            except Interrupted:
                raise
            except FactoryError:
                with self._once:
                    self._plugins = tuple(one for one in self._plugins if one is not plugin)

    def find_packed(self, runner: LoggedRunner) -> Path | None:
        """Return the folder with the packed workspace; None where each plugin packs for itself."""
        with self._once:
            if not self._done:
                self._done = True
                self._folder = self._pack(runner) if len(self._plugins) > 1 else None
            return self._folder

    def _pack(self, runner: LoggedRunner) -> Path | None:
        toolchain = self._find_toolchain()
        folder = Path(tempfile.mkdtemp(prefix="packed-workspace-", dir=toolchain.temporary))
        names = [plugin.manifest.name for plugin in self._plugins]
        for plugin in self._plugins:
            forget_bundle(plugin.folder)
        bundler = find_installed_bundler(toolchain)
        node = toolchain.node.bin_dir / "node"
        env = bundler_environment(toolchain, "pack-workspace", folder)
        words: list[str | Path] = [node, bundler.command, "build-workspace"]
        words += ["--alwaysPack", folder, *names]
        try:
            with self.alone:
                runner.run(words, cwd=self._root, env=env)
        except ProcessFailed as failure:
            log.warning(
                "the workspace's packages cannot be packed once for all plugins (%s); each plugin "
                "packs them again: see %s",
                failure.reason,
                runner.log,
            )
            return None
        return folder
