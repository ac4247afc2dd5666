"""``plugin-factory affected``: which published plugins hold a package that an advisory is about."""

from __future__ import annotations

import logging
import os
from typing import Annotated

import typer

from factory.advisories.advisory import Advisory, parse_query
from factory.advisories.examination import examination_document, examine, exit_code_of
from factory.advisories.osv import STDIN, read_record
from factory.advisories.published import find_published, read_published
from factory.cli.affected_view import show
from factory.cli.log_level import LogLevel
from factory.cli.options import AsJson, LeastUrgent, RegistryConfigDir, Verbose
from factory.cli.session import session
from factory.config.default_folders import CONFIG_DIR
from factory.config.environment import ENV_FILE, layer_environment
from factory.oci.platforms import check_platform

log = logging.getLogger(__name__)

EXAMPLES = """Examples:

\b
  # Does anything that the last build left hold an old lodash?
  plugin-factory affected 'lodash@<4.17.21' ./outputs

\b
  # An advisory of osv.dev, and published images.
  plugin-factory affected GHSA-35jh-r3h4-6jhm.json oci://quay.io/team/plugin-todo:1.2.3

\b
  # The same from another program, for a system of tickets.
  curl --silent https://api.osv.dev/v1/vulns/GHSA-35jh-r3h4-6jhm |
    plugin-factory affected - ./outputs --json > tickets.json
"""


def find_affected(
    ctx: typer.Context,
    query: Annotated[
        str,
        typer.Argument(
            metavar="PACKAGE@RANGE|FILE",
            help="An npm package with a range of its versions, or an advisory: the file of an OSV "
            "record in JSON, - for the standard input.",
            show_default=False,
        ),
    ],
    targets: Annotated[
        list[str],
        typer.Argument(
            metavar="TARGET...",
            help="A folder that builds left plugins in, a .tgz with its .cdx.json beside it, a "
            ".cdx.json, or oci://REGISTRY/REPOSITORY:TAG, with !FOLDER for one plugin of several.",
            show_default=False,
        ),
    ],
    *,
    platform: Annotated[
        str,
        typer.Option(
            "--platform",
            help="Which image of an index to take, as Node.js calls the platform, such as "
            "linux-x64. Without it, Linux and this machine's processor.",
            show_default=False,
        ),
    ] = "",
    config_dir: RegistryConfigDir = CONFIG_DIR,
    log_level: LeastUrgent = LogLevel.INFO,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Find the published plugins that hold a package, by their bills of materials.

    Says by which chain of dependencies each holds it, and which workspace, ref and commit it was
    built from. Versions are compared as advisories mean them: a prerelease of a fixed version is
    affected.

    The exit code is 14 if a plugin is affected, and not 0 either if that cannot be told of one,
    because its bill of materials is missing or cannot be read.
    """
    env_file = config_dir / ENV_FILE
    with session(ctx, env_files=(env_file,), log_level=log_level, verbose=verbose) as this:
        advisory = _advisory(query)
        if advisory.withdrawn:
            log.warning("%s was withdrawn at %s", advisory.id, advisory.withdrawn)
        found = find_published(targets)
        environment = layer_environment(this.process, (env_file,))
        published = read_published(
            found,
            environment,
            checkpoint=this.runner.raise_if_cancelled,
            platform=check_platform(platform),
        )
        examined = examine(advisory, published)
    if as_json:
        this.out.document(examination_document(advisory, examined, this.runner.redact))
    else:
        show(advisory, examined, this.out)
    if code := exit_code_of(examined):
        raise typer.Exit(code)


def _advisory(query: str) -> Advisory:
    """What was asked: a file is read, and so is what cannot be a package for its name."""
    is_record = query == STDIN or os.path.isfile(query)  # noqa: PTH113 - never raises
    if is_record or (query.endswith(".json") and "@" not in query[1:]):
        return read_record(query)
    return parse_query(query)
