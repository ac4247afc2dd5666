"""Of a range that version is taken which npm itself takes: its own npm-pick-manifest is asked."""

from __future__ import annotations

import json
import random
import subprocess
from typing import TYPE_CHECKING, Any, cast

from factory.config.package_spec import PackageSpec
from factory.errors import RegistryError
from factory.installation.npm_registry import find_package
from factory.installation.npmrc import Npmrc
from factory.updating.npm_releases import parse_history
from tests.acceptance.portal import kept_node

if TYPE_CHECKING:
    from pathlib import Path

    from factory.installation.web import Web

ASK = """
const pick = require(process.argv[1]);
const asked = JSON.parse(require('fs').readFileSync(0));
const answer = ([packument, wanted, nodeVersion]) => {
  try { return pick(packument, wanted, {nodeVersion}).version; } catch { return null; }
};
console.log(JSON.stringify(asked.map(answer)));
"""
VERSIONS = (
    *("0.9.0", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.1.0", "1.2.0", "1.2.1-next.0"),
    *("2.0.0-beta.1", "2.0.0", "2.0.1", "2.1.0", "3.0.0-alpha.0"),
)
ENGINES = (
    None,
    None,
    "",
    "*",
    ">=18",
    ">=22",
    "20 || 22",
    "22.x",
    "^24.1.0",
    ">=25",
    "lts/*",
)
WANTED = (
    "*",
    "latest",
    "next",
    "1.0.0",
    "^1.0.0",
    "~2.0.0",
    ">=1",
    "<2",
    "^2.0.0-beta.0",
)
NODES = ("18.20.0", "20.19.0", "22.12.0", "24.1.0")


def a_packument(chance: random.Random) -> dict[str, Any]:
    there = chance.sample(VERSIONS, chance.randint(1, len(VERSIONS)))
    versions: dict[str, dict[str, Any]] = {}
    for version in there:
        tarball = f"https://registry.example/x/-/x-{version}.tgz"
        versions[version] = {"name": "x", "version": version, "dist": {"tarball": tarball}}
        if chance.random() < 0.3:
            versions[version]["deprecated"] = "no longer"
        if (engines := chance.choice(ENGINES)) is not None:
            versions[version]["engines"] = {"node": engines}
    tags = {name: chance.choice(there) for name in ("latest", "next") if chance.random() < 0.8}
    return {"name": "x", "dist-tags": tags, "versions": versions}


class Answering:
    """Connections to a registry that knows one package."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def document(self, _url: str, **_options: object) -> bytes:
        return self.content


def picked(packument: dict[str, Any], wanted: str, node: str) -> str | None:
    web = cast("Web", Answering(json.dumps(packument).encode()))
    try:
        found = find_package(PackageSpec(name="x", wanted=wanted), Npmrc(values={}), web, node=node)
    except RegistryError:
        return None
    return found.version


def test_of_a_range_that_is_taken_what_npm_takes(process: dict[str, str]) -> None:
    chance = random.Random(20261128)
    cases = [
        (a_packument(chance), chance.choice(WANTED), chance.choice(NODES)) for _ in range(3000)
    ]
    bin_dir: Path = kept_node(process).bin_dir
    npm = (bin_dir / "npm").resolve().parent.parent
    ended = subprocess.run(
        [bin_dir / "node", "-e", ASK, npm / "node_modules/npm-pick-manifest"],
        input=json.dumps(cases),
        capture_output=True,
        text=True,
        check=True,
    )
    taken = json.loads(ended.stdout)
    assert sum(version is not None for version in taken) > len(cases) // 2
    for (packument, wanted, node), version in zip(cases, taken, strict=True):
        said = (wanted, node, packument)
        assert picked(packument, wanted, node) == version, said
        history = parse_history(json.dumps(packument).encode(), "x", "https://registry.example/")
        meaning = history.find_meaning(wanted, node=node)
        assert (str(meaning.version) if meaning else None) == version, said
