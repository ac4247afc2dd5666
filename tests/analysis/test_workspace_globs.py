"""Globs of ``workspaces``, compared with what real yarns make of them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from factory.analysis.workspace_globs import folders_named
from tests.conftest import KEPT

from .real_yarn import (
    BERRY,
    CLASSIC,
    GlobCase,
    glob_cases,
    members_by_berry,
    members_by_classic,
)

FOLDERS = (
    *("a", "b", "ab", ".h", "p", "p/a", "p/b", "p/old", "p/ab", "p/.h", "p/.h/x", "p/a/x", "old"),
    *(
        "p/a/x/y",
        "p/node_modules/z",
        "node_modules/q",
        "old/x",
        "[ab]",
        "p/!a",
        "@s/a",
        "a+b",
        "p/a.b",
    ),
)
# Each written form once. The answers are yarn 4.12's own: the test asks it again.
GLOBS: tuple[tuple[str, ...], ...] = (
    *(("p/@(a|b)",), ("!(old)",), ("p/!(old)",), ("p/!(old|a)",), ("p/!(a)*",), ("p/!(a)b",)),
    *(("p/?(a)b",), ("p/+(a|b)",), ("p/*(a|b)",), ("p/@(*)",), ("p/(a|b)",), ("(a|b)",)),
    *(("p/[ab]",), ("[ab]",), ("p/[!a]",), ("p/[^a]",), ("p/[[:alpha:]]",), ("p/[a.]b",)),
    *(("p/**",), ("**",), ("**/x",), ("p/**/x",), ("p/**/*",), ("**/",), ("p/a/**/",), ("*/**",)),
    *(("**", "!old"), ("old/*", "!old"), ("*", "old/*", "!old"), ("old/x", "!old"), ("!p/*",)),
    *(("p/*", "!p/a/**"), ("!p/a", "p/*"), ("**/a", "!p"), ("p/*", "!**/a"), ("!*", "**/")),
    *(("p/*/",), ("./p/*",), ("./p/a",), ("p/a/",), ("p//a",), ("p/../a",), ("*/../a",)),
    *((".h",), ("p/.*",), ("p/.h",), ("*/.h",), ("?h",), ("p/?(.)h",), ("p/!(.h)",), ("p/[.]h",)),
    *(("p/{a,b}",), ("p/{a..b}",), ("p/{a}",), ("p/{a,}b",), ("{p/a,old/*}",), ("p/@({a,b})",)),
    *(("p/**a",), ("p/a**",), ("p/***",), ("**/**/x",), ("**/p/**",), ("p/!(b)/**",)),
    *(("@s/*",), ("a+b",), ("a+*",), ("p/\\!a",), ("p/!a",), ("p/!*",), ("!!p/a",), ("A",)),
    *(("p/@(a/x|b)",), ("p/@(a|b)@(b|)",), ("p/@(!(a)|b)",), ("node_modules/*",), ("[a",), ("(a",)),
)


@pytest.fixture(scope="module")
def yarns(process: dict[str, str]) -> dict[str, Path]:
    """The scripts of both yarns, from the npm registry; kept for later runs."""
    scripts = {}
    for package in (BERRY, CLASSIC):
        folder = KEPT / "reference-yarn" / package.replace("/", "+")
        if not (folder / "package").is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            packed = subprocess.run(
                ["npm", "pack", "--json", package],
                cwd=folder,
                env=process,
                capture_output=True,
                text=True,
                check=True,
            )
            archive = json.loads(packed.stdout)[0]["filename"]
            subprocess.run(["tar", "xf", archive], cwd=folder, check=True)
        scripts[package] = folder / "package/bin/yarn.js"
    return scripts


def members(root: Path, case: GlobCase, generation: str) -> set[str]:
    found = folders_named(root, case.globs, "classic" if generation == "classic" else "berry")
    return {
        folder.relative_to(root).as_posix()
        for folder in found
        if (folder / "package.json").is_file() and folder != root
    }


def test_every_written_form_means_what_berry_makes_of_it(
    yarns: dict[str, Path], process: dict[str, str], tmp_path: Path
) -> None:
    cases = [GlobCase(folders=FOLDERS, globs=globs) for globs in GLOBS]
    expected = members_by_berry(yarns[BERRY], tmp_path, cases, process)
    found = [members(tmp_path / f"t{n}", case, "berry") for n, case in enumerate(cases)]
    differing = [
        (case.globs, f, e) for case, f, e in zip(cases, found, expected, strict=True) if f != e
    ]
    assert differing == []
    assert sum(map(bool, expected)) > len(cases) / 2


@pytest.mark.parametrize("seed", [1, 2])
def test_generated_globs_mean_what_berry_makes_of_them(
    seed: int, yarns: dict[str, Path], process: dict[str, str], tmp_path: Path
) -> None:
    cases = glob_cases(seed, 400)
    expected = members_by_berry(yarns[BERRY], tmp_path, cases, process)
    found = [members(tmp_path / f"t{n}", case, "berry") for n, case in enumerate(cases)]
    differing = [(case, f, e) for case, f, e in zip(cases, found, expected, strict=True) if f != e]
    assert differing == []
    assert sum(map(bool, expected)) > len(cases) / 4


def test_generated_globs_mean_what_classic_makes_of_them(
    yarns: dict[str, Path], process: dict[str, str], tmp_path: Path
) -> None:
    cases = glob_cases(1, 300, classic=True)
    expected = members_by_classic(yarns[CLASSIC], tmp_path, cases, process)
    found = [members(tmp_path / f"t{n}", case, "classic") for n, case in enumerate(cases)]
    differing = [(case, f, e) for case, f, e in zip(cases, found, expected, strict=True) if f != e]
    assert differing == []
    assert sum(map(bool, expected)) > len(cases) / 4


@pytest.mark.parametrize(
    "glob", ["{1..99999999}", "{a,b}" * 40, "@(" * 60 + ")" * 60, "a" * 2_000, "{1..9}" * 8]
)
def test_a_glob_that_would_keep_us_busy_is_refused(glob: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^its? "):
        folders_named(tmp_path, (glob,))


def test_nested_repetition_takes_no_time(tmp_path: Path) -> None:
    (tmp_path / ("a" * 200 + "b")).mkdir()
    assert folders_named(tmp_path, ("+(+(+(a|aa)|a)|a)",)) == ()


def test_a_link_out_of_the_tree_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "outside/x").mkdir(parents=True)
    root = tmp_path / "root"
    (root / "p/a").mkdir(parents=True)
    (root / "p/out").symlink_to(tmp_path / "outside")
    (root / "p/around").symlink_to(root)
    (root / "p/inside").symlink_to(root / "p/a")
    assert folders_named(root, ("p/*",)) == (root / "p/a", root / "p/inside")
