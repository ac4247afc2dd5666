"""The npm library ``yaml``, with which Backstage reads its configuration, as a process to ask."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from factory.locking import exclusive

# What @backstage/config-loader asks for is ^2.0.0.
VERSION = "2.8.3"
_SCRIPT = Path(__file__).with_name("read_yaml.mjs")


@dataclass(frozen=True)
class Answer:
    """What the library makes of a document; ``error`` is empty where it reads it."""

    value: Any = None
    error: str = ""
    warned: bool = False


class NpmYaml:
    """A running node process that reads documents."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def read(self, text: str) -> Answer:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            return Answer(error=answer["error"], warned=answer["warned"])
        return Answer(value=_sorted(answer["value"]), warned=answer["warned"])


@contextmanager
def running(tools: Path, environment: dict[str, str]) -> Iterator[NpmYaml]:
    """Install the library where that has not been done, and run it."""
    folder = tools / f"npm-yaml-{VERSION}"
    with exclusive(tools / f"npm-yaml-{VERSION}.lock", wait=True):
        if not (folder / "node_modules/yaml/package.json").exists():
            _install(folder, environment)
    node = shutil.which("node", path=environment.get("PATH"))
    assert node, "these tests need node"
    command = [node, str(_SCRIPT), str(folder / "package.json")]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    with process:
        yield NpmYaml(process)
        assert process.stdin
        process.stdin.close()


def _install(folder: Path, environment: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}')
    npm = shutil.which("npm", path=environment.get("PATH"))
    assert npm, "these tests need npm"
    subprocess.run(
        [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", f"yaml@{VERSION}"],
        cwd=folder,
        env=environment,
        check=True,
        capture_output=True,
    )


def told(value: Any) -> Any:
    """A value in the form in which the process tells its own: numbers in double precision."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return {"number": _number(value)}
    if isinstance(value, list):
        return {"list": [told(each) for each in value]}
    if isinstance(value, dict):
        return {"map": sorted([key, told(each)] for key, each in value.items())}
    return value


def _number(value: float) -> str:
    """Python's digits: the shortest that lead back to the number are JavaScript's too."""
    try:
        double = float(value)
    except OverflowError:
        double = math.copysign(math.inf, value)
    return repr(double)


def _sorted(value: Any) -> Any:
    """Told values with numbers as Python writes them and maps in one order."""
    if isinstance(value, dict) and "number" in value:
        return {"number": repr(float(value["number"].replace("Infinity", "inf")))}
    if isinstance(value, dict) and "list" in value:
        return {"list": [_sorted(each) for each in value["list"]]}
    if isinstance(value, dict) and "map" in value:
        return {"map": sorted([key, _sorted(each)] for key, each in value["map"])}
    return value
