"""What the checks ask npm, with the Node.js that is here: nothing is installed for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.toolchain.cache_folder import ToolCache
from factory.toolchain.node import (
    PYPI_NODE,
    SUPPORTED_NODE,
    find_installed_nodes,
    find_node,
    node_version,
)
from factory.toolchain.node_environment import tool_environment
from factory.toolchain.runner import ProcessFailed
from factory.versions import satisfies

if TYPE_CHECKING:
    from factory.doctor.context import DoctorContext
    from factory.toolchain.node import Node


def npm_answer(
    about: DoctorContext, node: Node, *words: str, registry: str = ""
) -> tuple[str, str]:
    """Return what ``npm view`` says, and "" or why it says nothing; it is not patient."""
    if about.temporary is None:
        return "", "there is no folder for temporary files"
    env = tool_environment(
        about.environment, tools=(node.bin_dir,), temporary=about.temporary, headers=node.headers
    )
    # One attempt: a doctor tells what is, and does not wait until it is better.
    env |= {
        "npm_config_fetch_retries": "0",
        "npm_config_fetch_timeout": str(int(about.seconds * 1000)),
        "npm_config_cache": str(about.temporary / "npm"),
    }
    options = (f"--registry={registry}",) if registry else ()
    try:
        answer = about.runner.run(
            (node.bin_dir / "npm", *words, *options),
            cwd=about.temporary,
            env=env,
            timeout=about.seconds,
        )
    except ProcessFailed as failure:
        return "", _npm_reason(failure)
    return answer.stdout.strip(), ""


def node_here(about: DoctorContext) -> Node | None:
    """Return the Node that the factory's own npm runs on; None if it had to be installed."""
    here = any(
        satisfies(node_version(program, about.environment, about.runner), SUPPORTED_NODE)
        for program in find_installed_nodes(about.environment)
    )
    if not here and not node_is_cached(about):
        return None
    cache = ToolCache(folder=about.cache_dir, environment=about.environment, runner=about.runner)
    return find_node(None, cache)


def node_is_cached(about: DoctorContext) -> bool:
    """Whether a Node.js from PyPI is in the cache."""
    return (about.cache_dir / "node" / PYPI_NODE[0]).is_dir()


def _npm_reason(failure: ProcessFailed) -> str:
    """What npm says went wrong, its code first: "E404 Not Found - GET https://…"."""
    if failure.timed_out:
        return "no answer in time"
    lines = [
        line.partition("npm error")[2].strip() or line.partition("npm ERR!")[2].strip()
        for line in failure.completed.tail.splitlines()
    ]
    said = [line for line in lines if line and not line.startswith(("A complete log", "Log files"))]
    return " ".join(said[:3]).removeprefix("code ") or failure.reason
