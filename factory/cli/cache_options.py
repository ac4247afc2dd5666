"""The options on the cache that commands have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

CACHE = "Cache"

CacheDir: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="Where node, yarn, rhdh-cli and finished plugins are kept between runs. "
        "Without it, your cache folder (~/.cache/plugin-factory).",
        rich_help_panel=CACHE,
    ),
]
NoCache: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--no-cache",
        help="Build every plugin, whether or not it was built before, and keep none of them.",
        rich_help_panel=CACHE,
    ),
]
CacheFrom: TypeAlias = Annotated[
    list[str] | None,
    typer.Option(
        metavar="oci://REPOSITORY",
        help="Also take finished plugins from this repository of a container registry, such as "
        "oci://quay.io/team/plugin-cache. Repeat it for several.",
        rich_help_panel=CACHE,
    ),
]
CacheTo: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="oci://REPOSITORY",
        help="Also store the plugins that were built in this repository, for other machines.",
        rich_help_panel=CACHE,
    ),
]
CacheKey: TypeAlias = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Take only finished plugins that are signed with this key, a public one such as "
        "cosign.pub; builds with --sign-key sign what they keep. An empty value is an error.",
        rich_help_panel=CACHE,
    ),
]
CacheMaxSize: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="SIZE",
        help="How much space finished plugins may use, such as 50G: a build that adds to the cache "
        "removes the least recently used.",
        rich_help_panel=CACHE,
    ),
]
CacheMaxAge: TypeAlias = Annotated[
    str,
    typer.Option(
        metavar="AGE",
        help="How long to keep a finished plugin that no build uses, such as 90d, 12h or 2w.",
        rich_help_panel=CACHE,
    ),
]
