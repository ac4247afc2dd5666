"""Why rhdh-cli has refused an export: read out of what it printed, and of yarn's log beside it.

rhdh-cli prints ``Error: …``, sometimes over several lines, as the last thing that it does. Yarn's
output in ``dist-dynamic`` goes into a file. Up to 1.10.0 that is ``yarn-install.log`` in there;
from 1.10.1 on it is a file of a fixed name in the temporary folder, whose text is also printed
before the error, with whatever lines there are in it.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from factory.toolchain.last_words import last_words

if TYPE_CHECKING:
    from collections.abc import Mapping

_INSTALL_LOG = "yarn-install.log"
_LATER_INSTALL_LOG = "rhdh-cli.yarn-install.log"
_ERROR = re.compile(r"^\w*Error: ", re.MULTILINE)
# How it ends when a command of its own has failed: what that command printed stands before it.
_COMMAND_FAILED = re.compile(r"^Error: (?=Failed to execute command ')", re.MULTILINE)
_YARN_FAILED = "yarn install"
_STACK_LINE = re.compile(r"^\s+at .+[:(]\S*:\d+:\d+\)?$|^\s+at async |^Node\.js v")
_SHOWN_LINES = 25


def install_logs(exported: Path, env: Mapping[str, str]) -> tuple[Path, ...]:
    """Return the files that rhdh-cli may have sent yarn's output to, whichever release it is.

    It removes the file when all went well; not that in the temporary folder.

    Args:
        exported: the plugin's ``dist-dynamic``.
        env: the environment of the export; its ``TMPDIR`` is a folder of this process alone.
    """
    return (exported / _INSTALL_LOG, Path(env["TMPDIR"], _LATER_INSTALL_LOG))


def refusal(output: str, install_log: str) -> str:
    """Return rhdh-cli's error; where yarn has failed, the lines that say why follow it.

    Args:
        output: the end of what rhdh-cli printed.
        install_log: what yarn said of the private dependencies; empty if it was not started.
    """
    message = failure_message(output)
    if install_log and (not message or _YARN_FAILED in message.partition("\n")[0]):
        # What follows rhdh-cli's first line are yarn's own words, too: those of its error stream.
        first, _, rest = message.partition("\n")
        reasons = last_words(f"{install_log}\n{rest}", most=_SHOWN_LINES)
        return "\n".join(filter(None, (first, reasons)))
    return message


def failure_message(output: str) -> str:
    """Return the error that rhdh-cli ended with, without its stack; its last lines if it has none.

    A program that it has started may have printed errors of its own before.
    """
    commands = list(_COMMAND_FAILED.finditer(output))
    found = commands[-1] if commands else _ERROR.search(output)
    text = output[found.start() :] if found else output
    lines = [line.rstrip() for line in text.splitlines() if not _STACK_LINE.match(line)]
    if not found:
        lines = [line for line in lines if line.strip()][-_SHOWN_LINES:]
    message = "\n".join(lines).strip()
    return message[len(found[0]) :] if found else message
