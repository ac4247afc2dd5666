"""``plugin-factory host``: the inventories that build arguments are computed against."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from factory.analysis.inventory import (
    find_host,
    host_names,
    inventory_of_lockfile,
    inventory_text,
    is_host_name,
)
from factory.cli.help_text import GroupedCommand
from factory.cli.options import AsJson
from factory.errors import Place, StorageError, UsageError, os_errors_as
from factory.files import write_whole
from factory.ui.printing import OUT
from factory.ui.text import Span

host_app = typer.Typer(
    name="host",
    help="The portals that plugins are built for.",
    no_args_is_help=True,
)


@host_app.command("import", cls=GroupedCommand)
def import_host(
    name: Annotated[str, typer.Option("--name", help="The host's name, such as rhdh-1.11.")],
    lockfile: Annotated[Path, typer.Option("--lockfile", help="The host's yarn.lock.")],
    backstage: Annotated[
        str,
        typer.Option(
            "--backstage",
            help="Its Backstage version. Default: that of the backstage.json beside the lockfile.",
        ),
    ] = "",
    release: Annotated[str, typer.Option("--release", help="Its release, such as 1.11.2.")] = "",
    into: Annotated[
        Path | None,
        typer.Option("--into", help="The folder to write to. Default: plugin-factory's own."),
    ] = None,
) -> None:
    """Write the inventory of a host, package names and versions, from its yarn.lock."""
    if not is_host_name(name):
        raise UsageError(
            "this is not a valid name of a host",
            found=name,
            expected="letters, digits, '.', '-' and '_', for example rhdh-1.11",
        )
    host = inventory_of_lockfile(lockfile, name=name, release=release, backstage=backstage)
    folder = into or Path(str(resources.files("factory.hosts")))
    file = folder / f"{name}.json"
    unwritable = StorageError(
        "the inventory cannot be written",
        place=Place(file=file),
        hint="name a folder of yours with --into, and use the file with --host",
    )
    with os_errors_as(unwritable):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(file, inventory_text(host))
    version = host.backstage or "unknown (give it with --backstage)"
    OUT.lines(f"{file}: {len(host.packages)} packages, Backstage {version}")


@host_app.command("list", cls=GroupedCommand)
def list_hosts(
    as_json: AsJson = False,
) -> None:
    """List the inventories, oldest release first; the last is the default host."""
    hosts = [find_host(name) for name in host_names()]
    if as_json:
        rows = [
            {
                "name": host.name,
                "release": host.release,
                "backstage": host.backstage,
                "packages": len(host.packages),
                "default": host is hosts[-1],
            }
            for host in hosts
        ]
        OUT.document(rows)
        return
    _show_table(
        ("host", "release", "Backstage", "packages", ""),
        [
            (
                host.name,
                host.release,
                host.backstage,
                str(len(host.packages)),
                "default" if host is hosts[-1] else "",
            )
            for host in hosts
        ],
    )


@host_app.command("show", cls=GroupedCommand)
def show_host(
    name: Annotated[str, typer.Argument(help="A host's name, or the path of a yarn.lock.")],
    package: Annotated[
        str, typer.Argument(help="A package's name, or the beginning of several names.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show the packages of a host with their versions."""
    host = find_host(name)
    names = [package] if package in host else [n for n in host.packages if n.startswith(package)]
    if package and not names:
        raise UsageError(
            f"{host.name} has no such package",
            found=package,
            hint=f"'plugin-factory host show {name}' lists what it has",
        )
    if as_json:
        OUT.document(
            {
                "name": host.name,
                "release": host.release,
                "backstage": host.backstage,
                "packages": {n: list(host.versions(n)) for n in names},
            }
        )
        return
    _show_table(("package", "versions"), [(n, ", ".join(host.versions(n))) for n in names])


def _show_table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    if OUT.is_terminal:
        OUT.table([[(Span(cell),) for cell in row] for row in rows], head=head)
    else:
        OUT.tabs(rows)
