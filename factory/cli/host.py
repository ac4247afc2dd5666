"""``plugin-factory host``: the portals that plugins are built for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from factory.analysis.inventory import (
    DEFAULT_HOST,
    HOSTS,
    find_host,
    host_names,
    inventory_of_lockfile,
    inventory_text,
    is_host_name,
    plain_host_names,
)
from factory.analysis.portal_profile import (
    FRONTEND_SYSTEMS,
    PortalProfile,
    profile_fields,
    read_profile,
)
from factory.cli.help_text import GroupedCommand
from factory.cli.option_groups import with_option_groups
from factory.cli.options import AsJson
from factory.config.options import Option
from factory.engines import Engine
from factory.errors import Place, StorageError, UsageError, os_errors_as
from factory.files import write_whole
from factory.installation.default_plugins import read_default_plugins
from factory.ui.printing import OUT
from factory.ui.text import Span
from factory.values import dataclass

if TYPE_CHECKING:
    from factory.analysis.inventory import HostInventory

PROFILE = "How plugins are made for it"

host_app = typer.Typer(
    name="host",
    help="The portals that plugins are built for.",
    no_args_is_help=True,
)

IMPORT_EXAMPLES = """Examples:

\b
  # A portal on plain Backstage, of which nothing else is to be said.
  plugin-factory host import --name acme-portal-3.2 --lockfile ../portal/yarn.lock --into hosts

\b
  # One that loads frontends by module federation, and was released with an rhdh-cli of its own.
  plugin-factory host import --name acme-portal-3.2 --lockfile ../portal/yarn.lock --into hosts \\
    --node 24 --rhdh-cli 1.10.8 --frontend-systems module-federation --shares react,react-dom

\b
  # With the plugins that it brings itself, which 'upgrade' tells of.
  plugin-factory host import --name acme-portal-3.2 --lockfile ../portal/yarn.lock --into hosts \\
    --default-plugins ../portal/dynamic-plugins.default.yaml
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileOptions:
    """What is said of a portal that is imported, beside its lockfile."""

    node: Annotated[
        str,
        Option(
            help="The npm range of the Node.js that it runs on, such as 24.",
            panel=PROFILE,
            metavar="RANGE",
        ),
    ] = ""
    frontend_engine: Annotated[
        str,
        Option(
            help=f"What exports its frontend plugins: {' or '.join(Engine)}.",
            panel=PROFILE,
            metavar="ENGINE",
        ),
    ] = "rhdh"
    backend_engine: Annotated[
        str,
        Option(
            help=f"What exports its backend plugins: {' or '.join(Engine)}.",
            panel=PROFILE,
            metavar="ENGINE",
        ),
    ] = "rhdh"
    rhdh_cli: Annotated[
        str,
        Option(
            help="The version of rhdh-cli that it was released with. Without it, that of the RHDH "
            "with this Backstage.",
            panel=PROFILE,
            metavar="VERSION",
        ),
    ] = ""
    accepts: Annotated[
        str,
        Option(
            help="The npm range of the versions of rhdh-cli that serve as well. Without it, what "
            "follows from the version.",
            panel=PROFILE,
            metavar="RANGE",
        ),
    ] = ""
    frontend_systems: Annotated[
        str,
        Option(
            help=f"By what it loads frontend plugins, with commas: {', '.join(FRONTEND_SYSTEMS)}. "
            "Without it, what its packages tell.",
            panel=PROFILE,
            metavar="SYSTEMS",
        ),
    ] = ""
    shares: Annotated[
        str,
        Option(
            help="The modules that its page has once for all frontends, with commas.",
            panel=PROFILE,
            metavar="MODULES",
        ),
    ] = ""
    mount_points: Annotated[
        str,
        Option(
            help="Where its old frontend system lets plugins put something, with commas: "
            "entity.page.ci stands for entity.page.ci/cards and /context.",
            panel=PROFILE,
            metavar="NAMES",
        ),
    ] = ""
    plugins_folder: Annotated[
        str,
        Option(
            help="The folder that it looks for plugins in.",
            panel=PROFILE,
            metavar="DIR",
        ),
    ] = ""
    default_plugins: Annotated[
        Path | None,
        Option(
            help="Its dynamic-plugins.default.yaml, which lists the plugins that it brings itself.",
            panel=PROFILE,
            metavar="FILE",
        ),
    ] = None
    note: Annotated[
        str, Option(help="What else is to be known of it.", panel=PROFILE, metavar="TEXT")
    ] = ""


@host_app.command("import", cls=GroupedCommand, epilog=IMPORT_EXAMPLES)
@with_option_groups
def import_host(
    *,
    name: Annotated[str, typer.Option("--name", help="The host's name, such as rhdh-1.11.")],
    lockfile: Annotated[Path, typer.Option("--lockfile", help="The host's yarn.lock.")],
    backstage: Annotated[
        str,
        typer.Option(
            "--backstage",
            help="Its Backstage version. Default: that of the backstage.json beside the lockfile, "
            "or of most of its @backstage packages.",
        ),
    ] = "",
    release: Annotated[str, typer.Option("--release", help="Its release, such as 1.11.2.")] = "",
    into: Annotated[
        Path | None,
        typer.Option("--into", help="The folder to write to. Default: plugin-factory's own."),
    ] = None,
    profile: ProfileOptions,
) -> None:
    """Write the profile of a portal: packages of its yarn.lock, and how plugins are made for it."""
    if not is_host_name(name):
        raise UsageError(
            "this is not a valid name of a host",
            found=name,
            expected="letters, digits, '.', '-' and '_', for example rhdh-1.11",
        )
    host = inventory_of_lockfile(lockfile, name=name, release=release, backstage=backstage)
    host = replace(host, profile=_profile(profile, host))
    folder = into or HOSTS
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


def _profile(options: ProfileOptions, host: HostInventory) -> PortalProfile:
    """What the options say of a portal, and what follows from its lockfile.

    Raises:
        UsageError: an option has a value that it cannot have.
        ConfigurationError: the list of default plugins cannot be used.
    """
    listed = options.default_plugins
    fields: dict[str, Any] = {
        "node": options.node,
        "engine": {"frontend": options.frontend_engine, "backend": options.backend_engine},
        "frontend-systems": _words(options.frontend_systems) or list(host.profile.frontend_systems),
        "shares": _words(options.shares),
        "mount-points": _words(options.mount_points),
        "plugins-folder": options.plugins_folder,
        "default-plugins": dict(read_default_plugins(listed)) if listed else {},
        "note": options.note,
    }
    if options.accepts and not options.rhdh_cli:
        raise UsageError("--accepts works only with --rhdh-cli", expected="--rhdh-cli 1.10.8")
    try:
        if options.rhdh_cli:
            versions = {"version": options.rhdh_cli, "accepts": options.accepts}
            fields["engine-versions"] = {"rhdh": versions}
        return read_profile(fields, host.backstage)
    except ValueError as error:
        raise UsageError(
            "this cannot be said of a portal",
            found=str(error),
            hint="'plugin-factory host import --help' says what each option takes",
        ) from error


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


@host_app.command("list", cls=GroupedCommand)
def list_hosts(
    as_json: AsJson = False,
) -> None:
    """List the portals that are known, and which is the default.

    Of plain Backstage there is a name a minor, backstage-1.52, which means its newest patch;
    backstage-1.52.0 means that one.
    """
    names = (*host_names(), *plain_host_names())
    hosts = {name: find_host(name) for name in names}
    if as_json:
        OUT.document(
            [
                {
                    "name": name,
                    "release": host.release,
                    "backstage": host.backstage,
                    "packages": len(host.packages),
                    "default": name == DEFAULT_HOST,
                    **profile_fields(host.profile),
                }
                for name, host in hosts.items()
            ]
        )
        return
    _show_table(
        ("host", "release", "Backstage", "node", "rhdh-cli", "packages", ""),
        [
            (
                name,
                host.release,
                host.backstage,
                host.profile.node or "any",
                _rhdh_cli(host),
                str(len(host.packages)),
                "default" if name == DEFAULT_HOST else "",
            )
            for name, host in hosts.items()
        ],
    )


def _rhdh_cli(host: HostInventory) -> str:
    versions = host.profile.engine_versions.get("rhdh")
    return versions.version if versions else ""


@host_app.command("show", cls=GroupedCommand)
def show_host(
    name: Annotated[
        str, typer.Argument(help="A portal's name, or the path of a yarn.lock or of its file.")
    ],
    package: Annotated[
        str, typer.Argument(help="A package's name, or the beginning of several names.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show the profile of a portal; with a package, its versions there.

    --json has the profile, and the packages with their versions: all of them where none is named.
    """
    host = find_host(name)
    names = [package] if package in host else [n for n in host.packages if n.startswith(package)]
    if package and not names:
        raise UsageError(
            f"{host.name} has no such package",
            found=package,
            hint=f"'plugin-factory host show {name} @backstage/' lists what it has of Backstage",
        )
    if as_json:
        OUT.document(
            {
                "name": host.name,
                "release": host.release,
                "backstage": host.backstage,
                **profile_fields(host.profile),
                "packages": {n: list(host.versions(n)) for n in names},
            }
        )
        return
    if not package:
        _show_table(("about", host.name), _describe_profile(host))
        return
    _show_table(("package", "versions"), [(n, ", ".join(host.versions(n))) for n in names])


def _describe_profile(host: HostInventory) -> list[tuple[str, ...]]:
    profile = host.profile
    rows = [
        ("release", host.release),
        ("Backstage", host.backstage),
        ("node", profile.node or "any that is supported"),
        ("frontends by", ", ".join(profile.frontend_systems)),
        ("shares", ", ".join(profile.shares)),
        ("mount points", ", ".join(profile.mount_points)),
        ("plugins folder", profile.plugins_folder),
        ("brings plugins", _count_default_plugins(profile)),
        ("frontend engine", profile.engine.frontend),
        ("backend engine", profile.engine.backend),
    ]
    for engine, versions in profile.engine_versions.items():
        said = f"{versions.version}, accepts {versions.accepts}"
        rows.append((f"engine {engine}", said))
    rows += [("packages", str(len(host.packages))), ("note", profile.note)]
    return [(what, value or "not known") for what, value in rows if value or what != "note"]


def _count_default_plugins(profile: PortalProfile) -> str:
    there = profile.default_plugins
    return f"{len(there)}, of which {sum(there.values())} are on" if there else ""


def _show_table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
    if OUT.is_terminal:
        OUT.table([[(Span(cell),) for cell in row] for row in rows], head=head)
    else:
        OUT.tabs(rows)
