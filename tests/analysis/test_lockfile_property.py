"""Our parser and PyYAML read the same from any berry lockfile: real ones, and generated ones.

The lockfiles of real hosts are not part of the repository. They are looked for in the folder that
PLUGIN_FACTORY_HOST_LOCKFILES names, or beside the repository; where there are none, lockfiles of
their size are made from the inventories, so that big input is always read.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.analysis.inventory import find_host, host_names
from factory.analysis.lockfile_parser import parse_lockfile

ROOT = Path(__file__).resolve().parents[2]


def real_lockfiles() -> list[Path]:
    named = os.environ.get("PLUGIN_FACTORY_HOST_LOCKFILES")
    folder = Path(named) if named else ROOT.parent / "shared" / "hosts"
    hosts = sorted(folder.glob("*/yarn.lock"))
    examples = sorted((ROOT / "examples").glob("**/yarn.lock"))
    return [*hosts, *examples]


REAL = real_lockfiles()


def expected(text: str) -> list[dict[str, Any]]:
    """What PyYAML reads, every value as text."""
    document = yaml.load(text, Loader=yaml.CBaseLoader)
    document.pop("__metadata")
    return [
        {
            "descriptors": tuple(key.split(", ")),
            "version": entry["version"],
            "resolution": entry["resolution"],
            "dependencies": entry.get("dependencies", {}),
            "optional": optional_names(entry.get("dependenciesMeta", {})),
            "peer_dependencies": entry.get("peerDependencies", {}),
            "optional_peers": optional_names(entry.get("peerDependenciesMeta", {})),
            "conditions": entry.get("conditions", ""),
        }
        for key, entry in document.items()
    ]


def optional_names(metas: dict[str, dict[str, str]]) -> set[str]:
    return {name for name, meta in metas.items() if meta.get("optional") == "true"}


def check(text: str) -> None:
    lockfile = parse_lockfile(text, Path("yarn.lock"))
    wanted = expected(text)
    assert len(lockfile.entries) == len(wanted)
    lines = text.split("\n")
    for entry, other in zip(lockfile.entries, wanted, strict=True):
        assert {name: getattr(entry, name) for name in other} == other
        assert entry.descriptors[0] in lines[entry.line - 1]
        for descriptor in entry.descriptors:
            name, _, asked = descriptor[1:].partition("@")
            found = lockfile.resolve(descriptor[0] + name, asked, locator="")
            assert found is not None


@pytest.mark.skipif(not REAL, reason="generated lockfiles of the same size are read instead")
@pytest.mark.parametrize("file", REAL, ids=lambda file: file.parent.name)
def test_real_lockfiles_are_read_as_pyyaml_reads_them(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    if "__metadata:" in text:
        check(text)


@pytest.mark.parametrize("shape", ["bare", "protocols"])
@pytest.mark.parametrize("name", host_names())
def test_lockfiles_made_from_the_inventories_are_read_as_pyyaml_reads_them(
    name: str, shape: str
) -> None:
    text = made_from_inventory(name, shape)
    assert len(text) > 1_000_000
    check(text)


def made_from_inventory(host: str, shape: str) -> str:
    """A lockfile of a real one's size with the host's packages; each depends on those before it."""
    inventory = find_host(host)
    packages = [(n, version) for n in inventory.packages for version in inventory.versions(n)]
    protocol = '"npm:^{}"' if shape == "protocols" else "^{}"
    entries = []
    for number, (name, version) in enumerate(packages):
        before = dict(packages[max(0, number - 6) : number])
        text = f'"{name}@npm:^{version}, {name}@npm:~{version}":\n  version: {version}\n'
        text += f'  resolution: "{name}@npm:{version}"\n'
        if before:
            text += "  dependencies:\n"
            text += "".join(
                f"    {json.dumps(n) if n[0] == '@' else n}: {protocol.format(v)}\n"
                for n, v in before.items()
            )
        text += f"  checksum: {'0' * 128}\n  languageName: node\n  linkType: hard\n"
        entries.append(text)
    return "__metadata:\n  version: 8\n\n" + "\n".join(entries)


idents = st.from_regex(r"(@[a-z][a-z0-9-]{0,8}/)?[a-z][a-z0-9._-]{0,12}", fullmatch=True)
versions = st.from_regex(r"[0-9]{1,2}\.[0-9]{1,2}\.[0-9]{1,2}(-next\.[0-9])?", fullmatch=True)
ranges = st.one_of(
    versions.map("^{}".format),
    versions.map("~{}".format),
    st.tuples(versions, versions).map(lambda pair: f">={pair[0]} <{pair[1]} || *"),
    st.just("latest"),
    st.just('a "quoted" \\ range'),
)
entries = st.fixed_dictionaries(
    {
        "version": versions,
        "asked": st.lists(ranges.filter(lambda r: '"' not in r), min_size=1, max_size=3),
        "dependencies": st.dictionaries(idents, ranges, max_size=4),
        "peers": st.dictionaries(idents, ranges.filter(lambda r: '"' not in r), max_size=2),
        "conditions": st.sampled_from(["", "os=linux & cpu=x64", "(os=darwin | os=linux)"]),
    }
)


@settings(deadline=None)
@given(st.dictionaries(idents, entries, min_size=1, max_size=8))
def test_any_lockfile_is_read_as_pyyaml_reads_it(packages: dict[str, dict[str, Any]]) -> None:
    text = "__metadata:\n  version: 8\n\n"
    for name, package in sorted(packages.items()):
        keys = ", ".join(dict.fromkeys(f"{name}@npm:{asked}" for asked in package["asked"]))
        text += f'"{keys}":\n  version: {package["version"]}\n'
        text += f'  resolution: "{name}@npm:{package["version"]}"\n'
        for section, pairs in (
            ("dependencies", package["dependencies"]),
            ("peerDependencies", package["peers"]),
        ):
            if pairs:
                text += f"  {section}:\n"
                text += "".join(f"    {json.dumps(n)}: {json.dumps(r)}\n" for n, r in pairs.items())
        if package["dependencies"]:
            text += "  dependenciesMeta:\n"
            text += "".join(
                f"    {json.dumps(n)}:\n      optional: true\n" for n in package["dependencies"]
            )
        if package["conditions"]:
            text += f"  conditions: {package['conditions']}\n"
        text += "  languageName: node\n  linkType: hard\n\n"
    check(text)
