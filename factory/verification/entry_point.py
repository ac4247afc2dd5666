"""A backend's entry point: loaded by Node.js as a portal does it, and looked at.

What a plugin shares with its host is not in its artifact. It comes from the node_modules of a real
host where one is given; otherwise stand-ins take its place, which tells a broken artifact from a
whole one, but not whether the plugin gets along with a host's versions.

The plugin's code runs: with an empty environment, in a folder of its own, and for a limited time.
"""

from __future__ import annotations

import json
import re
import secrets
from importlib import resources
from typing import TYPE_CHECKING, Any

from factory.archives.npm_package import PACKAGE_JSON
from factory.notation.json_text import parse_json, parse_object
from factory.patterns import lazy_pattern
from factory.quantities import join_names
from factory.scratch_folder import scratch_folder
from factory.toolchain.runner import ProcessFailed
from factory.values import dataclass
from factory.verification.findings import (
    ENTRY_POINT,
    CheckFinding,
    failed_finding,
    passed_finding,
    skipped_finding,
)

if TYPE_CHECKING:
    from pathlib import Path

    from factory.analysis.inventory import HostInventory
    from factory.toolchain.runner import Completed, Runner
    from factory.verification.plugin_folder import PluginFolder

SCRIPT = "load_plugin.cjs"
SECONDS = 60
_RESULT = lazy_pattern(r"^plugin-factory-load-result ([0-9a-f]{32}) (\{.*\})$", re.MULTILINE)
# Faults of the artifact whatever its host: a file or package is missing, or is not JavaScript.
_OF_THE_ARTIFACT = {
    "MODULE_NOT_FOUND",
    "ERR_MODULE_NOT_FOUND",
    "ERR_DLOPEN_FAILED",
    "ERR_REQUIRE_ESM",
    "ERR_UNKNOWN_FILE_EXTENSION",
    "ERR_PACKAGE_PATH_NOT_EXPORTED",
}
_ALPHA = f"alpha/{PACKAGE_JSON}"
_EXPECTED = (
    "a default export that is a backend feature or a feature factory, or a dynamicPluginInstaller"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Loader:
    """What loads a plugin: Node.js, and the node_modules folders of a real host, if there is one.

    ``host`` tells which packages the host provides where there is none.
    """

    node: Path
    runner: Runner
    host: HostInventory
    host_modules: tuple[Path, ...] = ()


def check_entry_point(plugin: PluginFolder, loader: Loader) -> CheckFinding:
    """Load a backend plugin and return whether a portal would take what it exports.

    Raises:
        ToolchainError: Node.js cannot be started.
        Interrupted: the run was cancelled.
    """
    main = plugin.entry(str(plugin.package.get("main") or ""))
    if main is None:
        return skipped_finding(ENTRY_POINT, "there is no entry point to load")
    peers = plugin.texts("peerDependencies")
    request = {
        "folder": str(plugin.root),
        "main": main,
        "alpha": _alpha(plugin),
        "hostModules": [str(folder.resolve()) for folder in loader.host_modules],
        "provided": sorted({*peers, *loader.host.packages}),
        # What the plugin prints is beside what our script does: only the latter knows this.
        "nonce": secrets.token_hex(16),
    }
    script = resources.files("factory.verification").joinpath(SCRIPT)
    with (
        resources.as_file(script) as file,
        scratch_folder("load") as work,
    ):
        try:
            completed = loader.runner.run(
                (loader.node, "--no-warnings", file),
                cwd=work,
                env={"HOME": str(work), "TMPDIR": str(work), "NODE_ENV": "production"},
                stdin=json.dumps(request),
                timeout=SECONDS,
            )
        except ProcessFailed as failure:
            if failure.timed_out:
                return _failed_finding(
                    "the plugin does not finish loading", f"{SECONDS} seconds went by"
                )
            completed = failure.completed
    return _finding(plugin, completed, str(request["nonce"]))


def _finding(plugin: PluginFolder, completed: Completed, nonce: str) -> CheckFinding:
    lines = [text for known, text in _RESULT.findall(completed.output) if known == nonce]
    if len(lines) != 1:
        return _failed_finding(
            "Node.js ended while it loaded the plugin", completed.tail[-300:].strip()
        )
    try:
        result = parse_object(lines[0])
    except ValueError as fault:
        return _failed_finding("what the plugin exports cannot be determined", str(fault))
    stand_ins = [str(name) for name in result.get("standIns", ())]
    if error := result.get("error"):
        return _of_error(plugin, error, stand_ins)
    found = result.get("found") or {"kind": None, "exports": []}
    note = f"with stand-ins for {join_names(stand_ins, most=2)}" if stand_ins else ""
    if found.get("kind") == "stand-in":
        made_by = f"made by {join_names(stand_ins, most=2)}"
        return skipped_finding(
            ENTRY_POINT,
            f"{found['format']} loads; the default export is {made_by}, which is the host's",
            hint="give the node_modules of a real host with --host-modules",
        )
    if not found.get("kind"):
        return _failed_finding(
            "the plugin exports nothing that a portal could start",
            join_names(found["exports"]) or "no exports",
            expected=_EXPECTED,
            hint="export the plugin as default from its index.ts, or add an overlay that does",
        )
    loaded = f"{found['format']} loads, {found['kind']}"
    return passed_finding(ENTRY_POINT, f"{loaded} ({note})" if note else loaded)


def _of_error(plugin: PluginFolder, error: dict[str, Any], stand_ins: list[str]) -> CheckFinding:
    message = str(error.get("message", "")).replace(f"{plugin.root}/", "")
    at = str(error.get("at") or "").replace(f"{plugin.root}/", "")
    found = f"{message} ({at})" if at and message not in at else message
    is_fault = error.get("code") in _OF_THE_ARTIFACT or error.get("name") == "SyntaxError"
    is_certain = is_fault and bool(error.get("isOfPlugin"))
    if stand_ins and not is_certain:
        return skipped_finding(
            ENTRY_POINT,
            f"with stand-ins for {join_names(stand_ins, most=2)} it does not load: {found}",
            hint="give the node_modules of a real host with --host-modules",
        )
    return _failed_finding("the plugin does not load", found)


def _failed_finding(
    problem: str,
    found: str,
    *,
    expected: str = "a module that Node.js loads",
    hint: str = "export the plugin again; for a missing package see its build arguments",
) -> CheckFinding:
    return failed_finding(ENTRY_POINT, problem, found=found, expected=expected, hint=hint)


def _alpha(plugin: PluginFolder) -> str | None:
    """The entry point of ``alpha/package.json``, which portals prefer if they are told to."""
    try:
        main = parse_json((plugin.root / _ALPHA).read_bytes())["main"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return plugin.entry(f"alpha/{main}".replace("alpha/../", "").replace("alpha/./", "alpha/"))
