"""A trial: the backend started with staged plugins, until it has said what became of them.

Plugins' code runs in it, with the rights of the user. It gets an environment that holds nothing of
the user's, a HOME and a temporary folder that are gone afterwards, and its whole process group is
ended with the trial. It listens on this machine's loopback alone.
"""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING

from factory.errors import CheckError
from factory.frontend.verdict import NEW_SYSTEM
from factory.scratch_folder import scratch_folder
from factory.threads import InheritingPool
from factory.toolchain.runner import ProcessFailed
from factory.trial.host_report import read_report
from factory.trial.verdicts import judge_bundles, judge_trial
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from factory.frontend.verdict import System
    from factory.toolchain.node import Node
    from factory.toolchain.runner import Runner
    from factory.trial.host_report import HostReport
    from factory.trial.verdicts import TrialResult

# Node starts, and Backstage's packages are read: on a slow disk that takes longer than a plugin.
_SLACK_SECONDS = 60.0
_TOLD = "plugin-factory-trial"
_REPORT = "report.json"
_LARGEST_REPORT = 1 << 24
# A page is given up after two minutes, and opened once more by itself; not more than twenty are
# opened beside the first.
_BROWSER_SECONDS = 5040.0


@dataclass(frozen=True, kw_only=True, slots=True)
class TrialRequest:
    """What is tried, and how.

    ``script`` starts the backend, on ``node``. ``folders`` are the staged plugins, all of them in
    ``root``. ``configs`` are app-config files, later ones over earlier ones. ``port`` 0 takes a
    free one. ``seconds`` is how long plugins may take to initialise. ``routes`` must answer.
    ``app`` is the folder of an app to serve, ``system`` its frontend system, and ``browser`` the
    words that start what opens it, with pictures of the pages in ``screenshots``. ``modules`` are
    folders of packages that plugins may share beside the backend's own. With ``serves`` the backend
    goes on until it is ended. ``log`` gets what it prints.
    """

    script: Path
    node: Node
    root: Path
    folders: tuple[Path, ...]
    configs: tuple[Path, ...] = ()
    port: int = 0
    seconds: float = 60.0
    routes: tuple[str, ...] = ()
    app: Path | None = None
    system: System = NEW_SYSTEM
    modules: tuple[Path, ...] = ()
    browser: tuple[str, ...] = ()
    screenshots: Path | None = None
    serves: bool = False
    log: Path | None = None


def run_trial(
    request: TrialRequest,
    runner: Runner,
    *,
    on_result: Callable[[TrialResult], None],
    on_line: Callable[[str], None] | None = None,
) -> TrialResult:
    """Start the backend, and return what became of the plugins once it has ended.

    Args:
        request: what is tried.
        runner: starts the process, and ends it upon a signal.
        on_result: called as soon as all is known; the backend may go on serving.
        on_line: called with each line that the backend prints.

    Raises:
        CheckError: the backend ended, or did nothing more, before it could say anything.
        ToolchainError: Node.js cannot be started.
        Interrupted: the run was cancelled; that is how serving ends.
    """
    nonce = secrets.token_hex(16)
    began = time.monotonic()
    found: list[TrialResult] = []

    with scratch_folder("trial") as work, InheritingPool(1) as pool:
        # Of large bundles it takes a while, which Backstage takes to start anyway.
        bundles = pool.submit(judge_bundles, request.folders)

        def hear(line: str) -> None:
            if line.strip() != f"{_TOLD} {nonce}":
                if on_line and line.strip():
                    on_line(line)
                return
            report = _read_written(work / _REPORT)
            if report and not found:
                seconds = time.monotonic() - began
                found.append(
                    judge_trial(
                        report,
                        request.folders,
                        seconds,
                        bundles=bundles.result(),
                        system=request.system,
                    )
                )
                on_result(found[0])

        try:
            runner.run(
                (request.node.bin_dir / "node", "--no-warnings", request.script),
                cwd=work,
                env=_environment(request.node, work),
                stdin=_standard_input(request, nonce, work / _REPORT),
                log=request.log,
                on_line=hear,
                timeout=None if request.serves else _limit(request),
            )
        except ProcessFailed as failure:
            if not found:
                raise _ended_early(failure, request) from failure
    if not found:
        raise CheckError(
            "Backstage ended before it had said what became of the plugins",
            expected="that no plugin ends the process",
            hint="try the plugins one by one",
            log=request.log,
        )
    return found[0]


def _limit(request: TrialRequest) -> float:
    browsing = _BROWSER_SECONDS if request.app and request.browser else 0.0
    return request.seconds + _SLACK_SECONDS + browsing


def _read_written(file: Path) -> HostReport | None:
    try:
        with file.open("rb") as opened:
            return read_report(opened.read(_LARGEST_REPORT))
    except OSError:
        return None


def _environment(node: Node, work: Path) -> dict[str, str]:
    return {
        "PATH": f"{node.bin_dir}:/usr/bin:/bin",
        "HOME": str(work),
        "TMPDIR": str(work),
        "LANG": "C.UTF-8",
        "NODE_ENV": "development",
    }


def _standard_input(request: TrialRequest, nonce: str, report: Path) -> str:
    return json.dumps(
        {
            "nonce": nonce,
            "report": str(report),
            "pluginsRoot": str(request.root),
            "configs": [str(file) for file in request.configs],
            "port": request.port,
            "seconds": request.seconds,
            "routes": list(request.routes),
            "app": str(request.app or ""),
            "system": request.system,
            "modules": [str(folder) for folder in request.modules],
            "browser": list(request.browser),
            "screenshots": str(request.screenshots or ""),
            "serve": request.serves,
            "logLevel": "info" if request.log else "warn",
        }
    )


def _ended_early(failure: ProcessFailed, request: TrialRequest) -> CheckError:
    if failure.timed_out:
        return CheckError(
            "Backstage did nothing more: a plugin keeps its process busy",
            found=f"no word for {_limit(request):.0f} seconds",
            hint="try the plugins one by one; --initialise-within gives them longer",
            log=request.log,
        )
    return CheckError(
        "Backstage ended before it had said what became of the plugins",
        found=failure.reason,
        details=failure.completed.last_words,
        hint="try the plugins one by one",
        log=request.log,
    )
