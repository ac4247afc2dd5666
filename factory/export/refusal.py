"""Why rhdh-cli has refused an export: read out of what it printed, and of yarn's log beside it.

rhdh-cli prints ``Error: …``, sometimes over several lines, as the last thing that it does. From
1.10.1 on it prints yarn's log before, with whatever lines there are in it.
"""

from __future__ import annotations

import re

from factory.export.install_log import without_install_log
from factory.patterns import lazy_pattern
from factory.toolchain.last_words import last_words

_ERROR = lazy_pattern(r"^\w*Error: ", re.MULTILINE)
# How it ends when a command of its own has failed: what that command printed stands before it.
_COMMAND_FAILED = lazy_pattern(r"^Error: (?=Failed to execute command ')", re.MULTILINE)
_YARN_FAILED = "yarn install"
_STACK_LINE = lazy_pattern(r"^\s+at .+[:(]\S*:\d+:\d+\)?$|^\s+at async |^Node\.js v")
_SHOWN_LINES = 25


def refusal(output: str, install_log: str) -> str:
    """Return rhdh-cli's error; where yarn has failed, the lines that say why follow it.

    Args:
        output: the end of what rhdh-cli printed.
        install_log: what yarn said of the private dependencies; empty if it was not started.
    """
    message = without_install_log(failure_message(output))
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
