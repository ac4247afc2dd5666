"""Whether the manifests by which a portal finds a frontend's files are whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.frontend.bundle_manifests import (
    FEDERATION,
    SCALPRUM,
    BrokenManifestError,
    read_federation,
    read_scalprum,
)
from factory.verification.findings import MANIFESTS, CheckFinding, failed_finding, passed_finding

if TYPE_CHECKING:
    from factory.verification.plugin_folder import PluginFolder


def check_manifests(plugin: PluginFolder) -> CheckFinding:
    """Return whether the frontend has a manifest, and every file that its manifests name.

    What a portal leaves out of the page with nothing but a line in its log fails here.
    """
    counts = []
    try:
        if scalprum := read_scalprum(plugin.root):
            counts.append(f"Scalprum ({len(scalprum.files)} files)")
        if federation := read_federation(plugin.root):
            counts.append(f"module federation ({len(federation.files)} files)")
    except BrokenManifestError as broken:
        return failed_finding(
            MANIFESTS,
            broken.problem,
            found=broken.found,
            expected=broken.expected,
            hint="build the plugin again; nothing may be left out of dist and dist-scalprum",
        )
    if not counts:
        return failed_finding(
            MANIFESTS,
            "the frontend has no manifest that a portal could find it by",
            found=f"neither {SCALPRUM} nor {FEDERATION}",
            expected="at least one of them",
            hint="export it without --no-generate-scalprum-assets",
        )
    return passed_finding(MANIFESTS, ", ".join(counts))
