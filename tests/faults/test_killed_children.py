"""kill -9 of one of the factory's tools: a clear error, nothing half-made, and the next run works.

How a tool of a tool has ended, only the tool between knows: rhdh-cli does not say it of its yarn.
"""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from .processes import kill_first
from .tiny_workspace import PING, Desk


@pytest.mark.parametrize(
    ("command", "below", "code", "says"),
    [
        (r"yarn\S* install", ".", 7, "yarn install failed"),
        (r"yarn\S* build", PING, 8, "yarn build of @acme/ping-backend failed"),
        (r"rhdh-cli plugin export", PING, 9, f"rhdh-cli could not export {PING}"),
        (r"yarn\S* install", f"{PING}/dist-dynamic", 9, "Command failed: yarn install"),
        (r"npm pack", PING, 10, "npm pack of"),
    ],
    ids=["install", "compile", "export", "install-of-the-export", "pack"],
)
def test_a_tool_that_is_killed(  # noqa: PLR0917 - parameters
    half_built: Desk, undisturbed: dict[str, bytes], command: str, below: str, code: int, says: str
) -> None:
    desk = half_built
    over = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        killing = pool.submit(
            kill_first, re.compile(rf"{command}\b"), desk.source / below, over=over
        )
        ended = desk.build("--only", PING)
        over.set()
        assert killing.result(), ended.said
    assert ended.code == code, ended.said
    assert says in ended.said
    assert "killed by SIGKILL" in ended.said or "dist-dynamic" in below
    assert "Traceback" not in ended.said
    assert desk.artifacts() == {}
    assert desk.left_over() == []
    again = desk.build()
    assert again.code == 0, again.said
    assert desk.artifacts() == undisturbed
