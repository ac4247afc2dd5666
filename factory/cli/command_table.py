"""The commands by name: where each is, and what it does in a line.

The line stands here, and again as the first line of the command's docstring, which its own
``--help`` shows; a test compares the two. Nothing is loaded for the table: the program's help is
made of it alone.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


PROGRAM = "plugin-factory"


class CommandPlace(NamedTuple):
    """Where a command is: ``name`` in ``module``, a function, or a Typer with further commands."""

    module: str
    name: str
    summary: str


def _place(module: str, summary: str, name: str | None = None) -> CommandPlace:
    return CommandPlace(module=f"factory.cli.{module}", name=name or module, summary=summary)


# In the order in which --help lists them.
COMMANDS: Mapping[str, CommandPlace] = MappingProxyType(
    {
        "init": _place(
            "init", "Start a configuration: source.json, plugins-list.yaml and an example of .env."
        ),
        "search": _place(
            "search", "Find plugins that are published on npm, and the portals that they fit."
        ),
        "build": _place("build", "Build the plugins of a workspace, or of several."),
        "plan": _place("plan", "Show what a build would do, without doing it."),
        "analyze": _place("analyze", "Show the build arguments that plugins need, and why."),
        "bridge": _place(
            "bridge", "Bring frontend plugins of the old system to the new one, by overlays."
        ),
        "update": _place(
            "update",
            "Find the newest refs and versions that fit a portal, and write them into source.json.",
        ),
        "push": _place(
            "push", "Push images of plugins that were built earlier, or publish them on npm."
        ),
        "verify": _place("verify", "Verify that a portal can load what was built or published."),
        "upgrade": _place(
            "upgrade",
            "Show what becomes of a portal's list of plugins when the portal moves to another "
            "release.",
        ),
        "inspect": _place(
            "inspect",
            "Show what a frontend plugin adds to a page, and of what it is made.",
            "inspect_artifact",
        ),
        "affected": _place(
            "affected",
            "Find the published plugins that hold a package, by their bills of materials.",
            "find_affected",
        ),
        "install": _place(
            "install",
            "Install the plugins of a dynamic-plugins.yaml, as a portal does when it starts.",
        ),
        "try": _place(
            "trial",
            "Try plugins in a real Backstage, and say what became of each.",
            "try_in_backstage",
        ),
        "dev": _place(
            "dev",
            "Show plugins of a workspace in a real Backstage, and build them again when they are "
            "saved.",
            "develop",
        ),
        "catalogue": _place(
            "catalogue",
            "The entities that describe plugins, and the index that portals read.",
            "catalogue_app",
        ),
        "registry": _place("registry", "Write the frontend plugin registry of staged plugins."),
        "doctor": _place("doctor", "Check what a build needs, and say how to fix what is missing."),
        "host": _place("host", "The portals that plugins are built for.", "host_app"),
        "cache": _place(
            "cache",
            "The finished plugins that builds keep, so that nothing is built twice.",
            "cache_app",
        ),
        "tools": _place(
            "tools", "Node, yarn and rhdh-cli, which builds install by themselves.", "tools_app"
        ),
        "report": _place("report", "The reports of finished runs.", "report_app"),
    }
)
