"""``plugin-factory search``: plugins that are published on npm, and how each is built."""

from __future__ import annotations

import logging
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from factory.analysis.inventory import DEFAULT_HOST, find_host, host_names
from factory.cli.log_level import LogLevel
from factory.cli.options import AsJson, Host, LeastUrgent, Verbose
from factory.cli.session import session
from factory.config.environment import layer_environment
from factory.errors import UsageError
from factory.installation.connections import npm_web
from factory.installation.npmrc import read_npmrc, warn_of_unused
from factory.quantities import pluralize
from factory.ui.text import Line, Span
from factory.updating.npm_releases import ReleaseBook
from factory.updating.plugin_search import search_plugins

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory.updating.plugin_search import FoundPlugin

log = logging.getLogger(__name__)

EXAMPLES = """Examples:

\b
  # Is there a plugin for it, and does it fit my portal?
  plugin-factory search todo --host rhdh-1.9

\b
  # The same for a program.
  plugin-factory search "tech radar" --json | jq '.plugins[].name'
"""
_MOST = 50
_INDENT = "  "


def search(
    ctx: typer.Context,
    text: Annotated[
        list[str],
        typer.Argument(metavar="TEXT...", help="What to search for.", show_default=False),
    ],
    *,
    host: Host = None,
    limit: Annotated[
        int,
        typer.Option("--limit", min=1, max=_MOST, help="How many plugins to show at most."),
    ] = 10,
    log_level: LeastUrgent = LogLevel.INFO,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Find plugins that are published on npm, and the portals that they fit.

    The registry and its login are those of the .npmrc of this folder, or else of your home folder.
    Of each plugin the newest version is shown, the newest one for each portal that it does not
    fit, and the command that builds it.
    """
    words = " ".join(text).strip()
    if not words:
        raise UsageError("there is nothing to search for", expected="a word, such as todo")
    environment = layer_environment(ctx.obj)
    npmrc = read_npmrc(Path.cwd(), environment.variables)
    with session(ctx, log_level=log_level, verbose=verbose, secrets=npmrc.secrets) as this:
        warn_of_unused(npmrc)
        hosts = [find_host(host)] if host else [find_host(name) for name in host_names()]
        log.info("searching %s", npmrc.registry(""))
        with npm_web(environment, npmrc, checkpoint=this.runner.raise_if_cancelled) as web:
            found = search_plugins(
                words,
                most=limit,
                npmrc=npmrc,
                web=web,
                book=ReleaseBook(npmrc, web),
                hosts=hosts,
            )
    if as_json:
        this.out.document(_document(words, found))
        return
    for plugin in found:
        this.out.styled_lines([*_block(plugin), ()])
    this.out.lines(pluralize(len(found), "plugin"))


def _command(plugin: FoundPlugin) -> str:
    """What builds it, for a portal that it fits."""
    wanted = plugin.choose(DEFAULT_HOST)
    if wanted is None:
        return ""
    return shlex.join(
        [
            *("plugin-factory", "build", "--package", f"{plugin.name}@{wanted.version}"),
            *("--host", wanted.portal, "--output-dir", "outputs"),
        ]
    )


def _block(plugin: FoundPlugin) -> Iterator[Line]:
    version = str(plugin.release.version)
    on = f"  Backstage {plugin.backstage}" if plugin.backstage else ""
    day = plugin.release.published[:10]
    notes = f"  {plugin.role}{on}{f'  {day}' if day else ''}"
    yield (Span(f"{plugin.name} {version}", "strong"), Span(notes, "dim"))
    if plugin.description:
        yield (Span(f"{_INDENT}{plugin.description}"),)
    fits = [each.portal for each in plugin.choices if each.version == version]
    if fits:
        yield (Span(f"{_INDENT}fits {', '.join(fits)}", "good"),)
    for each in plugin.choices:
        if each.version and each.version != version:
            yield (Span(f"{_INDENT}{each.version} fits {each.portal}"),)
    for each in plugin.choices:
        if not each.version:
            yield (Span(f"{_INDENT}does not fit {each.portal}: {each.reason}", "warn"),)
    if command := _command(plugin):
        yield (Span(f"{_INDENT}{command}"),)


def _document(text: str, found: tuple[FoundPlugin, ...]) -> dict[str, Any]:
    return {
        "format": 1,
        "text": text,
        "plugins": [
            {
                "name": plugin.name,
                "version": str(plugin.release.version),
                "role": plugin.role,
                "description": plugin.description,
                "published": plugin.release.published or None,
                "backstage": plugin.backstage or None,
                "portals": [
                    {
                        "portal": each.portal,
                        "version": each.version or None,
                        "reason": each.reason or None,
                    }
                    for each in plugin.choices
                ],
                "command": _command(plugin) or None,
            }
            for plugin in found
        ],
    }
