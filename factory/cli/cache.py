"""``plugin-factory cache``: the finished plugins that are kept for the next build."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from factory.cache.installations import kept_installations, prune_installations
from factory.cache.pruning import (
    CacheLimits,
    cache_limits,
    clear,
    info,
    prune_or_say,
)
from factory.cache.store import store_of
from factory.cli.help_text import GroupedCommand
from factory.cli.options import AsJson, CacheDir
from factory.cli.session import session
from factory.config.environment import cache_dir_of, layer_environment
from factory.config.options import CACHE_MAX_AGE, CACHE_MAX_SIZE
from factory.errors import Place, StorageError, UsageError, os_errors_as
from factory.quantities import pluralize, size
from factory.ui.printing import OUT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory.cache.installations import KeptInstallation
    from factory.cache.pruning import CacheInfo
    from factory.cache.store import Store

PRUNE_EXAMPLES = """Examples:

\b
  # To the default limits of a build.
  plugin-factory cache prune

\b
  # Less: at most 2 GiB, and nothing that was not used for a week.
  plugin-factory cache prune --max-size 2G --max-age 7d
"""

cache_app = typer.Typer(
    name="cache",
    help="The finished plugins that builds keep, so that nothing is built twice.",
    no_args_is_help=True,
)


@cache_app.command("info", cls=GroupedCommand)
def show_info(
    ctx: typer.Context,
    *,
    cache_dir: CacheDir = None,
    as_json: AsJson = False,
) -> None:
    """Show where the cache is, how much it holds, and how often it was used."""
    store = _store(ctx, cache_dir)
    unreadable = StorageError(
        "the cache of finished plugins cannot be read",
        place=Place(file=store.folder),
        hint="check the folder's permissions, or name another with --cache-dir",
    )
    with os_errors_as(unreadable):
        found = info(store)
        kept = list(kept_installations(store.folder.parent))
    if as_json:
        OUT.document(_as_json(found, kept))
        return
    OUT.lines(*(f"{name + ':':<14} {value}" for name, value in _rows(found, kept)))


@cache_app.command("prune", cls=GroupedCommand, epilog=PRUNE_EXAMPLES)
def prune_cache(
    ctx: typer.Context,
    *,
    cache_dir: CacheDir = None,
    max_size: Annotated[
        str,
        typer.Option(metavar="SIZE", help="How much to keep, such as 10G or 512M; 0 for nothing."),
    ] = CACHE_MAX_SIZE,
    max_age: Annotated[
        str,
        typer.Option(
            metavar="AGE",
            help="Keep what was used within this time, such as 90d, 12h or 2w.",
        ),
    ] = CACHE_MAX_AGE,
) -> None:
    """Remove the least recently used plugins until the rest is within the limits.

    Kept installations are limited in the same way, by themselves. Builds do this automatically,
    with the defaults shown here as limits.
    """
    limits = cache_limits(max_size, max_age)
    with session(ctx) as this:
        store = _store(ctx, cache_dir)
        unprunable = StorageError(
            "the cache of finished plugins cannot be kept within limits",
            place=Place(file=store.folder),
            hint="run it as the owner of the folder, or name another with --cache-dir",
        )
        with os_errors_as(unprunable):
            pruned = prune_or_say(store, limits)
            left = info(store)
            gone = prune_installations(store.folder.parent, limits)
    this.out.lines(
        f"removed {pluralize(pruned.entries, 'plugin')} ({size(pruned.size)}); "
        f"{pluralize(left.entries, 'plugin')} ({size(left.size)}) left",
        *_removed_installations(gone),
    )


@cache_app.command("clear", cls=GroupedCommand)
def clear_cache(
    ctx: typer.Context,
    *,
    cache_dir: CacheDir = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Remove all finished plugins from the cache.

    Kept installations go too. Node, yarn and rhdh-cli, which are in the same folder, stay, and so
    does a cache in a registry.
    """
    with session(ctx) as this:
        store = _store(ctx, cache_dir)
        unclearable = StorageError(
            "the cache of finished plugins cannot be cleared",
            place=Place(file=store.folder),
            hint="check the folder's permissions",
        )
        with os_errors_as(unclearable):
            held = info(store)
            kept = list(kept_installations(store.folder.parent))
            if not yes and (held.size or kept):
                if not this.screen.interactive:
                    raise UsageError(
                        "clearing the cache needs a confirmation, and nobody can be asked",
                        found=f"{pluralize(held.entries, 'plugin')} in {store.folder}"
                        + _and_installations(kept),
                        hint="add --yes",
                    )
                what = f"{pluralize(held.entries, 'finished plugin')} ({size(held.size)})"
                what += _and_installations(kept)
                if not this.screen.confirm(f"Remove {what} from {store.folder}?"):
                    this.out.lines("nothing was removed")
                    return
            pruned = clear(store, checkpoint=this.runner.raise_if_cancelled)
            gone = prune_installations(store.folder.parent, CacheLimits(max_bytes=-1))
    this.out.lines(
        f"removed {pluralize(pruned.entries, 'plugin')} ({size(pruned.size)})",
        *_removed_installations(gone),
    )


def _removed_installations(number: int) -> tuple[str, ...]:
    return (f"removed {pluralize(number, 'installation')}",) if number else ()


def _and_installations(kept: Sequence[KeptInstallation]) -> str:
    return f" and {pluralize(len(kept), 'installation')}" if kept else ""


def _store(ctx: typer.Context, cache_dir: Path | None) -> Store:
    return store_of(cache_dir_of(cache_dir, layer_environment(ctx.obj)))


def _rows(found: CacheInfo, kept: Sequence[KeptInstallation]) -> list[tuple[str, str]]:
    rows = [
        ("folder", found.folder),
        ("plugins", str(found.entries)),
        ("size", size(found.size)),
        ("restored", f"{found.uses} times" if found.uses != 1 else "once"),
        ("oldest use", _time(found.oldest) or "never"),
        ("newest use", _time(found.newest) or "never"),
    ]
    if kept:
        linked = size(sum(one.size for one in kept))
        rows.append(("installations", f"{len(kept)} ({linked}, most of it shared by links)"))
    if found.strange:
        rows.append(("not its own", ", ".join(found.strange)))
    return rows


def _as_json(found: CacheInfo, kept: Sequence[KeptInstallation]) -> dict[str, object]:
    return {
        "folder": found.folder,
        "plugins": found.entries,
        "notes": found.notes,
        "bytes": found.size,
        "installations": len(kept),
        "installation-bytes": sum(one.size for one in kept),
        "restored": found.uses,
        "oldest": _time(found.oldest),
        "newest": _time(found.newest),
        "strange": list(found.strange),
    }


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(max(0.0, seconds), UTC).isoformat(timespec="seconds")
