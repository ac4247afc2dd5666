"""Whether the configuration that is given to a plugin is one that it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from factory.config.build_plan import APP_CONFIG
from factory.config.documents import field_name, read_app_config
from factory.errors import ConfigurationError
from factory.plugin_config.proof import ProvedConfig, prove_config
from factory.plugin_config.shipped import ShippedConfig, read_shipped_config
from factory.quantities import join_names, pluralize
from factory.values import dataclass
from factory.verification.findings import (
    CONFIGURATION,
    CheckFinding,
    failed_finding,
    finding_of_error,
    passed_finding,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from factory.plugin_config.mount_points import PortalMounts
    from factory.verification.plugin_folder import PluginFolder

_MOST_FINDINGS = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenConfig:
    """Configuration that a portal is given for a plugin; ``place`` is where it stands."""

    place: str
    config: Mapping[str, Any]


def read_sidecar_config(tgz: Path) -> GivenConfig | CheckFinding | None:
    """Return the ``.app-config.dynamic.yaml`` beside a packed plugin, as a build leaves it.

    None if there is none, and a finding if it cannot be read.
    """
    file = tgz.with_name(f"{tgz.name}.{APP_CONFIG}")
    if not file.is_file():
        return None
    try:
        value = read_app_config(file).value
    except ConfigurationError as error:
        return finding_of_error(CONFIGURATION, error)
    if isinstance(value, dict):
        return GivenConfig(place=file.name, config=value)
    return failed_finding(
        CONFIGURATION,
        f"{file.name} is not a map",
        found=type(value).__name__,
        expected="a map of a portal's configuration",
    )


def check_configs(
    plugin: PluginFolder,
    given: tuple[GivenConfig, ...],
    *,
    variables: frozenset[str],
    mounts: PortalMounts | None,
) -> Iterator[CheckFinding]:
    """Yield what is found of each configuration that a plugin is given.

    Args:
        plugin: the unpacked plugin.
        given: what it is given.
        variables: the names of the environment variables that are set.
        mounts: the mount points of the portal; None if it is not known which one that is.
    """
    if not given:
        return
    shipped = read_shipped_config(plugin.root, plugin.package)
    for one in given:
        proved = prove_config(one.config, shipped, mounts)
        for problem in proved.problems[:_MOST_FINDINGS]:
            yield failed_finding(
                CONFIGURATION,
                f"{one.place} does not fit the plugin",
                found=f"{field_name(problem.way)}: {problem.found}"
                if problem.way
                else problem.found,
                expected=problem.expected,
                hint="correct the configuration; the plugin's documentation has its fields",
            )
        if not proved.problems:
            detail = "; ".join(_details(one, proved, shipped, variables))
            yield passed_finding(CONFIGURATION, detail)


def _details(
    given: GivenConfig, proved: ProvedConfig, shipped: ShippedConfig, variables: frozenset[str]
) -> Iterator[str]:
    yield f"{given.place}: {pluralize(len(given.config), 'key')}"
    if shipped.note:
        yield f"not held against a schema: {shipped.note}"
    if proved.undescribed:
        names = join_names(field_name(way) for way in proved.undescribed)
        yield f"the schema does not describe {names}"
    yield from proved.untold
    unset = [name for name in proved.variables if name not in variables]
    if unset:
        yield f"not set here, to be set for the portal: {join_names(unset)}"
