"""What Node.js finds from a package on: two installations that agree in it are one to code."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

Tree: TypeAlias = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Installed:
    """A package's folder, up to which folder its dependencies are looked for."""

    folder: Path
    top: Path
    seen: frozenset[Path] = field(default_factory=frozenset)

    def tree(self) -> Tree:
        """By dependency, what it is, what its module says, and its own dependencies."""
        package = json.loads((self.folder / "package.json").read_text())
        found: Tree = {}
        for name in sorted(package.get("dependencies", {})):
            if name.startswith("@backstage/"):
                continue  # the portal's
            below = self._resolved(name)
            if below is None:
                found[name] = "missing"
            elif below in self.seen:
                found[name] = "a circle"
            else:
                found[name] = _described(below, self)
        return found

    def _resolved(self, name: str) -> Path | None:
        for above in (self.folder, *self.folder.parents):
            candidate = above / "node_modules" / name
            if (candidate / "package.json").is_file():
                return candidate.resolve()
            if above == self.top:
                break
        return None


def _described(folder: Path, above: Installed) -> Tree:
    package = json.loads((folder / "package.json").read_text())
    module = folder / "index.js"
    return {
        "is": f"{package['name']}@{package['version'].removesuffix('+embedded')}",
        "says": module.read_text() if module.is_file() else "",
        "needs": Installed(folder=folder, top=above.top, seen=above.seen | {folder}).tree(),
    }
