"""What was just built, verified before anybody has it: the checks of ``plugin-factory verify``.

Backend plugins are loaded with stand-ins for what a portal provides: rhdh-cli has loaded them with
the real packages a moment ago, what remains to be seen is whether the artifact is whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.analysis.arguments import parse_arguments
from factory.analysis.written_rules import rules_of
from factory.archives.limits import MAX_ENTRY_SIZE, limits_of
from factory.errors import PackError, Place
from factory.verification.entry_point import Loader
from factory.verification.packed_plugins import verify_packed_file
from factory.verification.plugin_checks import Terms

if TYPE_CHECKING:
    from pathlib import Path

    from factory.analysis.inventory import HostInventory
    from factory.analysis.locked_workspace import LockedWorkspace
    from factory.pipeline.chosen_plugins import ChosenPlugin
    from factory.pipeline.finishing import Step
    from factory.pipeline.report import PluginReport
    from factory.pipeline.stages import Stages
    from factory.toolchain.assembled import Toolchain
    from factory.toolchain.runner import Runner
    from factory.verification.findings import Finding, Verified


def verifying(
    output_dir: Path,
    *,
    host: HostInventory,
    locked: LockedWorkspace,
    toolchain: Toolchain,
    runner: Runner,
    stages: Stages,
) -> Step:
    """Return the step that verifies a packed plugin, in a stage of its own.

    It raises a PackError if a check fails, which names the check; the plugin's files are gone then.

    Args:
        output_dir: where the plugin's files are.
        host: the portal's packages.
        locked: the workspace, whose yarn.lock says what may be bundled.
        toolchain: its Node.js loads the plugin.
        runner: starts it.
        stages: opens the stage.
    """
    loader = Loader(node=toolchain.node.bin_dir / "node", runner=runner, host=host)
    limits = limits_of(toolchain.environment.get(MAX_ENTRY_SIZE, ""))

    def verify(report: PluginReport, plugin: ChosenPlugin) -> PluginReport:
        terms = Terms(
            host=host,
            loader=loader,
            allowed=bundled_by_intent(report.arguments, host),
            workspaces=(locked,),
        )
        with stages.stage("verify", plugin.path) as stage:
            tgz = output_dir / report.files[0].name
            result = verify_packed_file(tgz, terms, limits=limits)
            for finding in result.findings:
                stage.on_line(f"{finding.check}: {finding.result} {finding.detail}".rstrip())
            if result.failures:
                for file in report.files:
                    (output_dir / file.name).unlink(missing_ok=True)
                raise _refused(tgz, result)
            passed = sum(finding.result == "passed" for finding in result.findings)
            stage.note = f"{passed} checks"
        return report

    return verify


def bundled_by_intent(arguments: str, host: HostInventory) -> frozenset[str]:
    """Return the host's packages that build arguments embed, or keep from being shared."""
    rules = rules_of(parse_arguments(arguments))
    matched = (name for name in host.packages if rules.unshared.match(name))
    return rules.embedded | rules.unshared.names | frozenset(matched)


def _refused(tgz: Path, result: Verified) -> PackError:
    first, *others = result.failures
    return PackError(
        f"what was packed is not what portals can load: {first.detail}",
        place=Place(file=tgz, field=first.check),
        found=first.found or None,
        expected=first.expected or None,
        hint=first.hint or None,
        details="\n".join(_in_words(finding) for finding in others) or None,
    )


def _in_words(finding: Finding) -> str:
    found = f" ({finding.found})" if finding.found else ""
    return f"{finding.check}: {finding.detail}{found}"
