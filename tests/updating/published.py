"""A package whose registry gains versions, and workspaces that take it as their source."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.published.packages import packed
from tests.updating.forge import API, NAME, Desk

FITS, FITS_NOT = "^1.4.3", "^1.9.0"
MAIN = (
    "const a = require('@backstage/backend-plugin-api');\n"
    "const xPlugin = a.createBackendPlugin({ pluginId: 'x' });\n"
)
DEFAULT = f"{MAIN}exports.default = xPlugin;\n"


@dataclass(kw_only=True)
class PublishedPackage:
    """A package on the desk's registry."""

    desk: Desk
    name: str = NAME
    clock: int = 0

    @property
    def document(self) -> dict[str, Any]:
        empty = {"name": self.name, "dist-tags": {}, "versions": {}, "time": {}}
        return self.desk.npm.packages.setdefault(self.name, empty)

    def publish(
        self,
        version: str,
        *,
        asks: str = FITS,
        tag: str = "latest",
        day: str = "",
        role: str | None = "backend-plugin",
        **fields: Any,
    ) -> None:
        """Publish a version that asks for a version of the portal's; a day each, unless said."""
        self.clock += 1
        self.document["versions"][version] = {
            "name": self.name,
            "version": version,
            "dependencies": {API: asks},
            **({"backstage": {"role": role}} if role else {}),
            **fields,
        }
        self.document["time"][version] = f"{day or f'2026-01-{self.clock:02}'}T10:00:00.000Z"
        if tag:
            self.document["dist-tags"][tag] = version

    def publish_archive(self, version: str, files: dict[str, str], **fields: Any) -> None:
        """Publish a version with its archive."""
        self.publish(version, main="dist/index.cjs.js", **fields)
        about = self.document["versions"][version]
        whole = {"dist/index.cjs.js": DEFAULT, "package.json": json.dumps(about), **files}
        with tempfile.TemporaryDirectory() as folder:
            tgz = packed(Path(folder) / "x.tgz", whole)
            self.desk.npm.publish(self.name, version, tgz)
        self.document["versions"][version] |= about


def take_package(
    desk: Desk, wanted: str, folder: str = "", *, pin: str = "", **fields: Any
) -> Path:
    """Write a workspace of a package, in a form of its own, pinned to a version if so asked."""
    place = desk.config / folder
    place.mkdir(parents=True, exist_ok=True)
    about = {"package": wanted, **{name.replace("_", "-"): text for name, text in fields.items()}}
    lines = [f"\t{json.dumps(name)} :  {json.dumps(text)}" for name, text in about.items()]
    (place / "source.json").write_text("{\n" + ",\n".join(lines) + "\n}\n\n")
    if pin:
        first = f"# Written by plugin-factory for {wanted[:1]}{wanted[1:].partition('@')[0]}@{pin}"
        (place / "yarn.lock").write_text(
            f"{first} sha512-AAAA\n# yarn\n\n__metadata:\n  version: 8\n"
        )
    return place


def wanted_by(desk: Desk, folder: str = "") -> str:
    source = json.loads((desk.config / folder / "source.json").read_text())
    return str(source["package"])


def is_held(desk: Desk, folder: str = "") -> bool:
    """Whether a yarn.lock holds the workspace at a version."""
    return (desk.config / folder / "yarn.lock").exists()
