"""An npm registry of the one package that the workspace needs, which fails when it is told to."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.acceptance.portal import kept_node
from tests.toolchain.npm_registry import NpmRegistry

PACKAGE, VERSION = "ms", "2.1.3"
ARCHIVE = f"{PACKAGE}-{VERSION}.tgz"


@dataclass(kw_only=True)
class Mirror(NpmRegistry):
    """A registry that gives out a package as it was published elsewhere."""

    published: bytes

    def archive(self, name: str) -> bytes:
        assert name == PACKAGE
        return self.published

    @property
    def variables(self) -> dict[str, str]:
        """What makes yarn ask this registry, and not for long."""
        return {
            "YARN_NPM_REGISTRY_SERVER": self.url,
            "YARN_UNSAFE_HTTP_WHITELIST": "127.0.0.1",
            "YARN_HTTP_RETRY": "1",
            "no_proxy": "127.0.0.1",
        }


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
