"""An npm registry of the one package that the workspace needs, which fails when it is told to.

It is a program of its own: what other tests leave behind in a process is nothing to it.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.acceptance.portal import kept_node
from tests.command_line import ROOT
from tests.toolchain.npm_registry import Fault, NpmRegistry, serving

PACKAGE, VERSION = "ms", "2.1.3"
ARCHIVE = f"{PACKAGE}-{VERSION}.tgz"


@dataclass(frozen=True, kw_only=True)
class Mirror:
    """A registry that is at work; ``log`` has a line for each request."""

    url: str
    log: Path

    def count(self, path: str) -> int:
        """How often something was asked for."""
        return sum(line.endswith(path) for line in self.log.read_text().splitlines())

    @property
    def variables(self) -> dict[str, str]:
        """What makes yarn ask this registry, and not for long."""
        return {
            "YARN_NPM_REGISTRY_SERVER": self.url,
            "YARN_UNSAFE_HTTP_WHITELIST": "127.0.0.1",
            "YARN_HTTP_RETRY": "1",
            "no_proxy": "127.0.0.1",
        }


@contextlib.contextmanager
def mirroring(published: bytes, folder: Path, *faults: Fault) -> Iterator[Mirror]:
    """A mirror that gives out a package as it was published elsewhere, but for the faults."""
    archive, log = folder / ARCHIVE, folder / "requests.log"
    archive.write_bytes(published)
    log.touch()
    command = [sys.executable, "-m", __name__, str(archive), str(log)]
    with subprocess.Popen(
        [*command, json.dumps([asdict(fault) for fault in faults])],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdin
        assert server.stdout
        try:
            yield Mirror(url=server.stdout.readline().strip(), log=log)
        finally:
            server.stdin.close()  # which ends it


def published_package(process: Mapping[str, str], folder: Path) -> bytes:
    """The package's archive, from the registry that npm is configured with."""
    node = kept_node(process)
    subprocess.run(
        ("npm", "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", str(folder)),
        cwd=folder,
        env={**process, "PATH": f"{node.bin_dir}:{process['PATH']}"},
        check=True,
        capture_output=True,
    )
    return (folder / ARCHIVE).read_bytes()


class _Seen(list[str]):
    """The requests, written down as they come."""

    def __init__(self, log: Path) -> None:
        super().__init__()
        self._log = log

    def append(self, path: str) -> None:
        super().append(path)
        with self._log.open("a") as file:
            file.write(f"{path}\n")


@dataclass(kw_only=True)
class _Published(NpmRegistry):
    published: bytes

    def archive(self, name: str) -> bytes:
        assert name == PACKAGE
        return self.published


def _serve(archive: str, log: str, faults: str) -> None:
    registry = _Published(
        packages={PACKAGE: {}},
        published=Path(archive).read_bytes(),
        faults=[Fault(**fault) for fault in json.loads(faults)],
        seen=_Seen(Path(log)),
    )
    with serving(registry):
        print(registry.url, flush=True)  # noqa: T201 - whoever has started this waits for it
        sys.stdin.read()


if __name__ == "__main__":
    _serve(*sys.argv[1:])
