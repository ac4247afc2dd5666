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
from factory.analysis.lockfile_parser import parse_line_by_line, parse_lockfile
from factory.analysis.usual_lockfile import find_usual_entries
from factory.errors import DependenciesError

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


lockfiles = st.dictionaries(idents, entries, min_size=1, max_size=8)


@settings(deadline=None)
@given(lockfiles)
def test_any_lockfile_is_read_as_pyyaml_reads_it(packages: dict[str, dict[str, Any]]) -> None:
    check(written(packages))


def written(packages: dict[str, dict[str, Any]]) -> str:
    """The packages as yarn writes them."""
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
    return text


def check_both_ways(text: str) -> bool:
    """Whether a lockfile is taken for one as yarn writes it; then it is read alike both ways."""
    usual = find_usual_entries(text)
    if usual is None:
        return False
    other = parse_line_by_line(text, Path("yarn.lock"))
    assert tuple(usual[index] for index in range(len(usual))) == other.entries
    assert [tuple(each) for each in usual.descriptors()] == list(other.found.descriptors())
    assert list(usual.packages()) == list(other.found.packages())
    assert list(usual.lines()) == list(other.found.lines())
    return True


@pytest.mark.skipif(not REAL, reason="generated lockfiles of the same size are read instead")
@pytest.mark.parametrize("file", REAL, ids=lambda file: file.parent.name)
def test_real_lockfiles_are_as_yarn_writes_them(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    assert check_both_ways(text) == ("__metadata:" in text)


@pytest.mark.parametrize("shape", ["bare", "protocols"])
def test_lockfiles_made_from_an_inventory_are_as_yarn_writes_them(shape: str) -> None:
    assert check_both_ways(made_from_inventory(host_names()[-1], shape))


@settings(deadline=None)
@given(lockfiles)
def test_a_lockfile_is_read_alike_at_once_and_line_by_line(
    packages: dict[str, dict[str, Any]],
) -> None:
    is_plain = not any("\\" in asked for each in packages.values() for asked in asked_by(each))
    assert check_both_ways(written(packages)) == is_plain


def asked_by(package: dict[str, Any]) -> list[str]:
    return [*package["asked"], *package["dependencies"].values(), *package["peers"].values()]


LONG = ", ".join(f"a@npm:^1.0.{n}" for n in range(120))
WHOLE = f"""\
# This file is generated by running "yarn install" inside your project.

__metadata:
  version: 8
  cacheKey: 10c0

? "{LONG}"
:
  version: 1.0.200
  resolution: "a@npm:1.0.200"
  dependencies:
    "@acme/b": "npm:^1.0.0"
    c: ^2.0.0 || ^3.0.0
  peerDependencies:
    react: "*"
  dependenciesMeta:
    c:
      built: false
      optional: true
  peerDependenciesMeta:
    react:
      optional: true
  bin:
    a: ./bin/a.js
  checksum: 10c0/0123456789abcdef
  conditions: (os=darwin | os=linux) & cpu=x64
  languageName: node
  linkType: hard

"b@workspace:plugins/b":
  version: 0.0.0-use.local
  resolution: "b@workspace:plugins/b"
  languageName: unknown
  linkType: soft
"""
PIECES = ["", '"', ":", ": ", " ", "  ", "    ", "\n", "\n\n", "\\", "\t", "#", "?", "\u00e9", "x"]
PIECES += ["__metadata", "  dependencies:\n", "  linkType: hard\n", '"__metadata":\n', "<<<<<<<\n"]


def test_all_that_yarn_writes_is_read_alike_at_once_and_line_by_line() -> None:
    assert check_both_ways(WHOLE)
    assert check_both_ways(WHOLE.replace('"a@', '"__metadata@'))


@settings(deadline=None, max_examples=1500)
@given(
    st.integers(min_value=0, max_value=len(WHOLE)),
    st.integers(min_value=0, max_value=40),
    st.sampled_from(PIECES),
)
def test_what_is_changed_in_a_lockfile_is_read_or_refused_as_line_by_line(
    place: int, length: int, piece: str
) -> None:
    text = WHOLE[:place] + piece + WHOLE[place + length :]
    assert both_ways(text, parse_lockfile) == both_ways(text, parse_line_by_line)
    check_both_ways(text)


@pytest.mark.parametrize("line", range(len(WHOLE.split("\n"))))
def test_a_lockfile_without_a_line_is_read_or_refused_as_line_by_line(line: int) -> None:
    lines = WHOLE.split("\n")
    for changed in (lines[:line] + lines[line + 1 :], lines[:line] + lines[line - 1 :]):
        text = "\n".join(changed)
        assert both_ways(text, parse_lockfile) == both_ways(text, parse_line_by_line)


def both_ways(text: str, parse: Any) -> object:
    try:
        lockfile = parse(text, Path("yarn.lock"))
    except DependenciesError as error:
        return str(error), error.place
    return lockfile.generation, lockfile.entries
