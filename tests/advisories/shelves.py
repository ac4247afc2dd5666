"""Plugins with their bills of materials and their provenance, as builds leave them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from factory.attestation.provenance import (
    PROVENANCE_SUFFIX,
    SBOM_SUFFIX,
    BuiltFrom,
    BuiltWith,
    ProvenanceSubject,
    provenance,
)
from factory.attestation.sbom import sbom
from tests.oci.plugin_archives import pack
from tests.reports.test_merge import plugin as reported
from tests.reports.test_merge import workspace

if TYPE_CHECKING:
    from pathlib import Path

REPOSITORY = "https://github.com/acme/plugins"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "@acme/plugin-todo-backend-dynamic"


def manifest(name: str, version: str, **fields: Any) -> bytes:
    return json.dumps({"name": name, "version": version} | fields).encode()


def files(lodash: str = "4.17.20") -> dict[str, bytes]:
    """A backend that needs lodash by two ways, and qs not at all by name."""
    return {
        "node_modules/express/package.json": manifest(
            "express", "4.1.0", dependencies={"body": "*", "lodash": "*"}
        ),
        "node_modules/body/package.json": manifest("body", "1.0.0", dependencies={"lodash": "*"}),
        "node_modules/lodash/package.json": manifest("lodash", lodash),
    }


def shelve(
    folder: Path, lodash: str = "4.17.20", name: str = NAME, *, with_bill: bool = True
) -> Path:
    """Put a packed plugin into a folder, with what a build leaves beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    package = {
        "name": name,
        "version": "1.2.3",
        "backstage": {"role": "backend-plugin"},
        "dependencies": {"express": "^4"},
    }
    stem = name.replace("@", "").replace("/", "-")
    tgz = pack(folder / f"{stem}-1.2.3.tgz", package, files(lodash))
    if with_bill:
        tgz.with_name(f"{tgz.name}{SBOM_SUFFIX}").write_text(sbom(tgz, tool_version="1"))
    text = provenance(
        [ProvenanceSubject(name=tgz.name, sha256=hashlib.sha256(tgz.read_bytes()).hexdigest())],
        BuiltFrom(
            repository=REPOSITORY, ref="v1.2", commit=COMMIT, workspace_path="workspaces/todo"
        ),
        BuiltWith(plugin_path="plugins/todo-backend", arguments=()),
    )
    tgz.with_name(f"{tgz.name}{PROVENANCE_SUFFIX}").write_text(text)
    return tgz


def report_of(*archives: Path, **others: Any) -> dict[str, Any]:
    """The report of a run that left these."""
    plugins = [
        reported(
            f"plugins/{number}", files=[{"name": each.name, "size": each.stat().st_size}], **others
        )
        for number, each in enumerate(archives)
    ]
    source = workspace()["source"] | {"repo": REPOSITORY, "ref": "main", "commit": COMMIT}
    return workspace(*plugins, source=source)
