"""Whether a plugin was built for a Backstage that the host is, or has grown out of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.analysis.release_match import lowest_versions, match_release
from factory.verification.findings import (
    HOST,
    CheckFinding,
    failed_finding,
    passed_finding,
    skipped_finding,
)
from factory.versions import (
    is_range,
    is_version,
    release_of,
    satisfies,
)

if TYPE_CHECKING:
    from factory.analysis.inventory import HostInventory
    from factory.verification.plugin_folder import PluginFolder

FIELD = "supported-versions"


def check_supported_versions(plugin: PluginFolder, host: HostInventory) -> CheckFinding:
    """Return whether ``backstage.supported-versions`` fits the host's Backstage.

    A plain version says what the plugin was built for: hosts of the same minor release and later
    ones take it. A range is taken at its word. Several are separated by commas. Where there is no
    such field, it is the release that the plugin's ``@backstage/`` packages belong to.
    """
    text = plugin.backstage.get(FIELD)
    if not is_version(host.backstage):
        return skipped_finding(HOST, f"the Backstage version of {host.name} is not known")
    if text is None or text == "":
        return _check_computed(plugin, host)
    wanted = [part.strip() for part in str(text).split(",") if part.strip()]
    if not isinstance(text, str) or not wanted or not all(is_range(one) for one in wanted):
        return failed_finding(
            HOST,
            f"backstage.{FIELD} is not a version",
            found=str(text),
            expected="a Backstage version such as 1.42.0, or a range of them",
            hint="correct backstage.json beside source.json, or the plugin's package.json",
        )
    if any(_fits(one, host.backstage) for one in wanted):
        return passed_finding(HOST, f"built for {text}, {host.name} is {host.backstage}")
    return failed_finding(
        HOST,
        f"the plugin is not for the Backstage of {host.name}",
        found=f"backstage.{FIELD} {text}",
        expected=f"what fits Backstage {host.backstage}",
        hint="build the plugin from a release for this Backstage, or verify against another --host",
    )


def _check_computed(plugin: PluginFolder, host: HostInventory) -> CheckFinding:
    asked = {**plugin.texts("dependencies"), **plugin.texts("peerDependencies")}
    match = match_release(lowest_versions(asked))
    unsaid = f"package.json has no backstage.{FIELD}"
    if match is None or match.version is None:
        told = f": {match}" if match else ""
        return skipped_finding(HOST, f"{unsaid}, and its packages tell no release{told}")
    if _fits(match.version, host.backstage):
        return passed_finding(HOST, f"{match}, {host.name} is {host.backstage}; {unsaid}")
    return failed_finding(
        HOST,
        f"the plugin is not for the Backstage of {host.name}",
        found=f"{match}; {unsaid}",
        expected=f"what fits Backstage {host.backstage}",
        hint="build the plugin from a release for this Backstage; if it is for this one too, say "
        f"so in its package.json: backstage.{FIELD}",
    )


def _fits(wanted: str, host: str) -> bool:
    numbers = wanted.split(".")
    is_plain = len(numbers) >= 2 and numbers[0].isdigit() and numbers[1].isdigit()  # noqa: PLR2004
    if is_plain and "x" not in wanted and " " not in wanted:
        return satisfies(release_of(host), f">={int(numbers[0])}.{int(numbers[1])}.0")
    return satisfies(host, wanted)
