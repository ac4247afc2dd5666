"""``yarn install``: the workspace's dependencies, exactly as its lockfile says."""

from __future__ import annotations

import logging
import re
import shutil
from typing import TYPE_CHECKING

from factory.errors import DependenciesError, Place
from factory.toolchain.last_words import last_words
from factory.toolchain.linking import has_linked, linking_variables, may_lack_files
from factory.toolchain.registry_patience import patiently
from factory.toolchain.runner import ProcessFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from factory.toolchain.assembled import Toolchain
    from factory.toolchain.runner import LoggedRunner

notices = logging.getLogger(__name__)

# https://yarnpkg.com/advanced/error-codes: the lockfile would have been modified by this install.
_OUT_OF_DATE = ("YN0028", "needs to be updated, but yarn was run with `--frozen-lockfile`")
_SHOWN_LINES = 15


def install_dependencies(
    workspace: Path, *, toolchain: Toolchain, runner: LoggedRunner, is_kept: bool = False
) -> None:
    """Run ``yarn install --immutable`` (``--frozen-lockfile`` for yarn 1) in the workspace.

    Args:
        workspace: its folder.
        toolchain: has yarn.
        runner: starts it; its log takes the output.
        is_kept: whether the installation itself is kept for later runs, and none beside it could
            use yarn's store. Then the first one on a machine does not fill that: to do so takes a
            third longer.

    Raises:
        DependenciesError: there is no yarn.lock, it is out of date, or the installation failed.
    """
    lockfile = workspace / "yarn.lock"
    if not lockfile.is_file():
        raise DependenciesError(
            "the workspace has no yarn.lock",
            place=Place(file=lockfile),
            expected="a lockfile that pins the versions of all packages",
            hint="run 'yarn install' in the workspace once, and commit yarn.lock or add it "
            "with an overlay",
        )
    options = ("--frozen-lockfile",) if toolchain.yarn.is_classic else ("--immutable",)
    env = toolchain.child_environment(installs=True)
    links: Mapping[str, str] = {}
    if not is_kept or has_linked(workspace, toolchain.environment):
        links = linking_variables(workspace, toolchain.yarn, toolchain.environment)

    def install(more: Mapping[str, str]) -> None:
        patiently(
            lambda: runner.run(
                (toolchain.yarn_command, "install", *options),
                cwd=workspace,
                env={**env, **more},
            ),
            runner=runner,
            what="yarn install",
        )

    try:
        install(links)
        if links and may_lack_files(workspace, toolchain.environment):
            notices.warning("yarn's store has run out of links; installing packages as copies")
            shutil.rmtree(workspace / "node_modules")
            install({})
    except ProcessFailed as failure:
        tail = failure.completed.tail
        if any(sign in tail for sign in _OUT_OF_DATE):
            raise DependenciesError(
                "yarn.lock is out of date: package.json asks for something that it does not have",
                place=Place(file=lockfile),
                found=_first_difference(tail),
                hint="run 'yarn install' in the workspace and commit yarn.lock; if a patch or an "
                "overlay changed a package.json, add the new yarn.lock the same way",
                details=_telling_lines(tail),
                log=runner.log,
            ) from failure
        raise DependenciesError(
            "yarn install failed",
            found=failure.reason,
            details=_telling_lines(tail),
            hint="the log has yarn's full output; 'yarn install' in the workspace repeats it",
            log=runner.log,
        ) from failure


def _first_difference(tail: str) -> str | None:
    """Berry prints the change that it would make as a diff: its first added line tells most."""
    match = re.search(r"YN0028: .*?\+\s*(\S.*)$", tail, re.MULTILINE)
    return match[1].strip() if match else None


def _telling_lines(tail: str) -> str | None:
    return last_words(tail, most=_SHOWN_LINES)
