"""Packages of a workspace compiled once: side by side where that is safe, else in their order."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from factory.analysis.discovery import WorkspacePackage
from factory.analysis.manifest import Manifest
from factory.errors import CompileError
from factory.export.compilation import is_built_alone
from factory.pipeline.plugin_builds import Compilations

OWN = "backstage-cli package build"


def packages(folder: Path, *builds: str) -> list[WorkspacePackage]:
    found = []
    for number, build in enumerate(builds):
        path = f"plugins/p{number}"
        (folder / path).mkdir(parents=True)
        text = json.dumps({"name": f"p{number}", "scripts": {"build": build}})
        (folder / path / "package.json").write_text(text)
        file = folder / path / "package.json"
        manifest = Manifest(file=file, name=f"p{number}", version="1.0.0")
        found.append(WorkspacePackage(path=path, folder=folder / path, manifest=manifest))
    return found


def test_what_backstages_tool_builds_is_built_side_by_side(tmp_path: Path) -> None:
    both = threading.Barrier(2, timeout=30)

    def compile_one(_: WorkspacePackage) -> None:
        both.wait()

    chosen = packages(tmp_path, OWN, f"{OWN} --minify")
    Compilations(compile_one, jobs=2).ensure(chosen)


@pytest.mark.parametrize("build", ["node build.js", f"{OWN} && cp a b", f"tsc; {OWN}", ""])
def test_what_another_builds_is_built_in_order(tmp_path: Path, build: str) -> None:
    seen: list[str] = []
    running = threading.Lock()

    def compile_one(package: WorkspacePackage) -> None:
        assert running.acquire(blocking=False)
        seen.append(package.path)
        running.release()

    chosen = packages(tmp_path, OWN, build, OWN, OWN)
    Compilations(compile_one, jobs=4).ensure(chosen)
    assert seen == [package.path for package in chosen]


def test_each_is_built_once_for_all_that_wait(tmp_path: Path) -> None:
    seen: list[str] = []
    compilations = Compilations(lambda package: seen.append(package.path), jobs=3)
    chosen = packages(tmp_path, OWN, OWN, OWN)
    threads = [threading.Thread(target=compilations.ensure, args=(chosen,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seen) == [package.path for package in chosen]


def test_one_that_fails_fails_for_those_that_need_it_alone(tmp_path: Path) -> None:
    bad, good = packages(tmp_path, OWN, OWN)

    def compile_one(package: WorkspacePackage) -> None:
        if package is bad:
            raise CompileError("it does not compile")

    compilations = Compilations(compile_one, jobs=2)
    for _ in range(2):
        with pytest.raises(CompileError, match="it does not compile"):
            compilations.ensure([bad, good])
    compilations.ensure([good])


@pytest.mark.parametrize(
    "manifest",
    [
        "no JSON",
        "[]",
        "{}",
        '{"scripts": 1}',
        '{"scripts": {"build": 1}}',
        f'{{"scripts": {{"build": "{OWN}", "prebuild": "node make.js"}}}}',
    ],
)
def test_what_is_not_known_is_not_taken_for_backstages(tmp_path: Path, manifest: str) -> None:
    assert not is_built_alone(tmp_path)
    (tmp_path / "package.json").write_text(manifest)
    assert not is_built_alone(tmp_path)
