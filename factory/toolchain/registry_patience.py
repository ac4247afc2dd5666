"""How patient npm and yarn are with a registry, and when a whole command is worth another try.

Both retry a request by themselves. What they do not survive is a connection that breaks in the
middle of an archive, or a registry that stays away for longer than their own attempts take.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from factory.patterns import lazy_pattern
from factory.toolchain.retrying import retry_command

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from factory.config.environment import Environment
    from factory.toolchain.runner import ProcessFailed, Runner

_T = TypeVar("_T")

RETRY_AFTER_SECONDS = (5.0, 15.0)
# npm waits five minutes for an answer, three times. Yarn's own limits (a minute, four times) serve.
_NPM = {
    "fetch-timeout": "60000",
    "fetch-retries": "3",
    "fetch-retry-mintimeout": "1000",
    "fetch-retry-maxtimeout": "20000",
}
# What may go away by itself. A host that is unknown or refuses is an answer, and so is a silence
# that has lasted through all of their attempts.
_PASSING = lazy_pattern(
    r"ECONNRESET|EPIPE|EAI_AGAIN|socket hang up|[Pp]remature close|PREMATURE_CLOSE"
    r"|aborted pending request|network socket disconnected|TAR_BAD_ARCHIVE"
    r"|Response [Cc]ode:? (?:429|5\d\d)|\bE(?:429|5\d\d)\b|\b(?:429|5\d\d) (?:Too Many Requests"
    r"|Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out)"
    r"|unexpected end of (?:file|data)"
)


def npm_patience(environment: Environment, files: Iterable[Path]) -> dict[str, str]:
    """Return variables that bound how long npm waits, without those that the user has set.

    Args:
        environment: the workspace's.
        files: the ``.npmrc`` files in force, whether they exist or not.
    """
    texts = [
        file.read_text(encoding="utf-8", errors="replace")
        for file in files
        if file.name.endswith("npmrc") and file.is_file()
    ]
    set_names = {name.lower().replace("-", "_") for name in environment.variables}
    return {
        variable: value
        for name, value in _NPM.items()
        if (variable := "npm_config_" + name.replace("-", "_")) not in set_names
        and not any(re.search(rf"^\s*{name}\s*=", text, re.MULTILINE) for text in texts)
    }


def may_pass(failure: ProcessFailed) -> bool:
    """Whether the same command may work a little later: the connection or the server broke."""
    return not failure.timed_out and bool(_PASSING.search(failure.completed.tail))


def patiently(action: Callable[[], _T], *, runner: Runner, what: str) -> _T:
    """Run an action again, a bounded number of times, when its failure may pass by itself.

    Raises:
        ProcessFailed: it failed for another reason, or once too often.
        Interrupted: the run was ended meanwhile.
    """
    return retry_command(
        action,
        may_pass=may_pass,
        after=RETRY_AFTER_SECONDS,
        what=f"{what}: the registry closed the connection or failed",
        runner=runner,
    )
