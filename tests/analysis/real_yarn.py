"""Real yarns, berry and classic, asked for the members of many workspaces at once."""

from __future__ import annotations

import json
import random
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

BERRY, CLASSIC = "@yarnpkg/cli-dist@4.12.0", "yarn@1.22.22"

_NAMES = ("a", "b", "ab", "abc", "old", "x1", "a-1", "a.b", "@s", "!a", "a+b", ".h", ".a")
_IGNORED = ("node_modules", ".git", ".yarn")
_ATOMS = ("a", "b", "ab", "old", "*", "a*", "*b", "[ab]", "[!a]", "[^a]", "[a-c]", "-", "1", ".h")
_NOT_FOR_BERRY = re.compile(r"\(\?\(")
_NOT_FOR_CLASSIC = re.compile(r"!\([^)]*\)[^/]")


@dataclass(frozen=True, kw_only=True)
class GlobCase:
    """Folders with a package.json each, and the globs of the package.json above them."""

    folders: tuple[str, ...]
    globs: tuple[str, ...]


def glob_cases(seed: int, count: int, *, classic: bool = False) -> list[GlobCase]:
    """Trees and globs of every written form, the same for a seed.

    What neither yarn means to take is left out: a ``?(`` that begins a group (picomatch takes its
    question mark for a letter, or not), and for yarn 1 groups in groups, on which it breaks off,
    what follows a ``!(…)``, and folders in node_modules, which its ``**`` enters at the top alone.
    """
    dice = random.Random(seed)
    deepest = 1 if classic else 2
    left_out = _NOT_FOR_CLASSIC if classic else _NOT_FOR_BERRY
    cases: list[GlobCase] = []
    while len(cases) < count:
        folders = {_folder(dice) for _ in range(dice.randint(4, 9))}
        if classic:
            folders = {folder for folder in folders if "node_modules" not in folder}
        globs = tuple(_glob(dice, deepest) for _ in range(dice.choice((1, 1, 1, 2, 3))))
        if folders and not any(left_out.search(glob) for glob in globs):
            cases.append(GlobCase(folders=tuple(sorted(folders)), globs=globs))
    return cases


def _folder(dice: random.Random) -> str:
    names = (dice.choice((*_NAMES, *_NAMES, *_IGNORED)) for _ in range(dice.randint(1, 4)))
    return "/".join(names)


def _glob(dice: random.Random, deepest: int) -> str:
    kinds = (
        lambda: "**",
        lambda: "*",
        lambda: dice.choice(_NAMES[:9]),
        lambda: _segment(dice, deepest),
    )
    glob = "/".join(dice.choice(kinds)() for _ in range(dice.randint(1, 3)))
    if dice.random() < 0.1:
        glob = f"./{glob}"
    if dice.random() < 0.1:
        glob += "/"
    return f"!{glob}" if dice.random() < 0.2 and not glob.startswith("!") else glob


def _segment(dice: random.Random, depth: int) -> str:
    return "".join(_piece(dice, depth) for _ in range(dice.choice((1, 1, 2))))


def _piece(dice: random.Random, depth: int) -> str:
    kind = dice.random()
    if kind < 0.4 or depth == 0:
        return dice.choice(_ATOMS)
    choices = [_segment(dice, depth - 1) for _ in range(dice.randint(1, 3))]
    if kind < 0.8:
        return f"{dice.choice('!?+*@')}({'|'.join(choices)})"
    return dice.choice(("{1..2}", "{a..c}", f"{{{','.join(choices)}}}"))


def members_by_berry(
    script: Path, folder: Path, cases: Sequence[GlobCase], env: Mapping[str, str]
) -> list[set[str]]:
    """What ``yarn workspaces list`` of yarn 4 says of each case: one process for all of them.

    Each case is a member of one workspace, with ``workspaces`` of its own.
    """
    for number, case in enumerate(cases):
        root = folder / f"t{number}"
        _write(root, {"workspaces": case.globs})
        for path in case.folders:
            _write(root / path, {})
    _write(folder, {"private": True, "workspaces": [f"t{n}" for n in range(len(cases))]})
    (folder / "yarn.lock").touch()
    lines = _run(script, ("workspaces", "list", "--json"), folder, env)
    return _by_case(cases, (json.loads(line)["location"] for line in lines))


def members_by_classic(
    script: Path, folder: Path, cases: Sequence[GlobCase], env: Mapping[str, str]
) -> list[set[str]]:
    """What ``yarn workspaces info`` of yarn 1 says of each case: one process for all of them.

    Classic knows no workspaces of members, so the globs of a case have its folder before them; it
    takes what is found with a ``./`` and without for two members.
    """
    globs = []
    for number, case in enumerate(cases):
        for index, path in enumerate(case.folders):
            manifest = {"name": f"p{number}-{index}", "version": "1.0.0"}
            _write(folder / f"t{number}" / path, manifest)
        globs += [f"t{number}/{glob.removeprefix('./')}" for glob in case.globs]
    _write(folder, {"name": "root", "private": True, "workspaces": globs})
    (folder / "yarn.lock").write_text("# yarn lockfile v1\n")
    lines = _run(script, ("--json", "workspaces", "info"), folder, env)
    said = next(json.loads(line) for line in lines if json.loads(line)["type"] == "log")
    found = json.loads(said["data"]).values()
    return _by_case(cases, (member["location"] for member in found))


def _by_case(cases: Sequence[GlobCase], locations: Iterator[str]) -> list[set[str]]:
    found: list[set[str]] = [set() for _ in cases]
    for location in locations:
        case, _, path = location.partition("/")
        if path:
            found[int(case[1:])].add(path)
    return found


def _write(folder: Path, manifest: Mapping[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text(json.dumps(manifest))


def _run(script: Path, arguments: Sequence[str], folder: Path, env: Mapping[str, str]) -> list[str]:
    ended = subprocess.run(
        ["node", script, *arguments],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-2000:] + ended.stderr[-2000:]
    return [line for line in ended.stdout.splitlines() if line]
