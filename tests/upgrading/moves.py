"""Portals that move, their lists, and the command line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from factory.analysis.inventory import HostInventory, inventory_text
from factory.analysis.portal_profile import PortalProfile
from factory.cli.app import run
from factory.schemas import find_violation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PACKAGES = MappingProxyType(
    {
        "@backstage/backend-plugin-api": "1.4.2",
        "@backstage/plugin-catalog-node": "1.20.0",
        "express": "4.21.2",
        "react": "18.3.1",
    }
)
SCALPRUM = ("scalprum",)
NEW = ("new-frontend-system",)


def portal(
    name: str, *, packages: Mapping[str, str | None] | None = None, **fields: Any
) -> HostInventory:
    """A portal with some packages changed; None leaves a package out."""
    there = {**PACKAGES, **(packages or {})}
    systems = fields.pop("systems", SCALPRUM)
    node, shares = fields.pop("node", "22"), fields.pop("shares", ())
    brings = fields.pop("default_plugins", {})
    return HostInventory(
        name=name,
        release="1.0",
        backstage=fields.pop("backstage", "1.42.5"),
        packages={package: version for package, version in there.items() if version},
        profile=PortalProfile(
            node=node, frontend_systems=systems, shares=shares, default_plugins=brings
        ),
    )


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found = dict(json.loads(self.out))
        assert find_violation(found, "upgrade") is None
        assert found["exit-code"] == self.code
        return found

    @property
    def verdicts(self) -> dict[str, str]:
        """By package as the list names it."""
        return {one["package"]: one["verdict"] for one in self.document["plugins"]}


@dataclass(frozen=True, kw_only=True)
class Mover:
    """A folder with a list and two portals' files, which is the working directory."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def lists(self, *plugins: dict[str, Any] | str, **more: Any) -> None:
        """Write the list: entries, or packages without anything else."""
        entries = [{"package": one} if isinstance(one, str) else one for one in plugins]
        text = yaml.safe_dump({"plugins": entries} | more, sort_keys=False)
        (self.folder / "dynamic-plugins.yaml").write_text(text)

    def moves(
        self,
        old: HostInventory | str,
        new: HostInventory | str,
        *words: str,
        **variables: str,
    ) -> Outcome:
        """Run the command."""
        named = [self._name(each) for each in (old, new)]
        process = {
            "HOME": str(self.folder),
            "PATH": "/usr/bin:/bin",
            "NPM_CONFIG_GLOBALCONFIG": "/dev/null",
        }
        line: Sequence[str] = ["upgrade", f"--from={named[0]}", f"--to={named[1]}", *words]
        code = run(line, process | variables)
        said = self.capsys.readouterr()
        return Outcome(code=code, out=said.out, err=said.err)

    def _name(self, host: HostInventory | str) -> str:
        if isinstance(host, str):
            return host
        file = self.folder / f"{host.name}.json"
        file.write_text(inventory_text(host))
        return str(file)
