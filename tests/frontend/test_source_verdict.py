"""In which frontend systems a plugin will show, from its package.json and its source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from factory.frontend.source_tree import MappedScripts, ScriptFolder
from factory.frontend.source_verdict import find_entry_points, judge_source

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = (
    "import { createFrontendPlugin } from '@backstage/frontend-plugin-api';\n"
    "export default createFrontendPlugin({ pluginId: 'x' });\n"
)
OLD = (
    "import { createPlugin } from '@backstage/core-plugin-api';\n"
    "export const todoPlugin = createPlugin({ id: 'todo' });\n"
)


@pytest.mark.parametrize(
    ("package", "entries"),
    [
        ({}, {".": "src/index"}),
        ({"main": "src/main.tsx"}, {".": "src/main.tsx"}),
        ({"main": "dist/index.esm.js"}, {".": "src/index"}),
        (
            {"exports": {".": "./src/index.ts", "./alpha": "./src/alpha.tsx"}},
            {".": "./src/index.ts", "./alpha": "./src/alpha.tsx"},
        ),
        (
            {"exports": {".": "./src/index.ts", "./package.json": "./package.json"}},
            {".": "./src/index.ts"},
        ),
        ({"exports": {".": {"import": "./src/a.ts", "types": "./a.d.ts"}}}, {".": "./src/a.ts"}),
        ({"exports": "./src/a.ts"}, {".": "./src/a.ts"}),
        ({"exports": [1], "main": 5}, {".": "src/index"}),
    ],
)
def test_entry_points_are_those_of_package_json(package: Any, entries: dict[str, str]) -> None:
    assert find_entry_points(package) == entries


ALPHA = {"exports": {".": "./src/index.ts", "./alpha": "./src/alpha.tsx"}}
CASES: dict[str, tuple[dict[str, str], Any, bool | None, bool | None]] = {
    # the scripts, package.json, whether it shows in the old system, and in the new one
    "old alone": ({"index.ts": OLD}, {}, True, False),
    "old, in another file": (
        {"index.ts": "export { todoPlugin } from './plugin';", "plugin.ts": OLD}, {}, True, False,
    ),
    "new alone": ({"index.tsx": PLUGIN}, {}, False, True),
    "both": ({"index.ts": OLD, "alpha.tsx": PLUGIN}, ALPHA, True, True),
    "new beside named exports": ({"index.ts": PLUGIN + "export const a = 1;"}, {}, None, True),
    "nothing of either": ({"index.ts": "export const Page = () => null;"}, {}, None, False),
    "another package's": ({"index.ts": "export { default } from '@scope/x';"}, {}, None, None),
    "one known, one not": (
        {"index.ts": PLUGIN, "alpha.tsx": "export default make();"}, ALPHA, None, True,
    ),
    "no source": ({}, {}, None, None),
    "unreadable": ({"index.ts": "export default `"}, {}, None, None),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_the_source_says(case: str) -> None:
    files, package, old, new = CASES[case]
    scripts = MappedScripts(texts={f"src/{name}": text for name, text in files.items()})
    verdict = judge_source(scripts, package)
    assert (verdict.old.shows, verdict.new.shows) == (old, new)
    assert all(one.why for one in verdict.systems)


def test_scripts_outside_of_the_package_are_not_there(tmp_path: Path) -> None:
    package = tmp_path / "plugin"
    (package / "src").mkdir(parents=True)
    (tmp_path / "outside.ts").write_text(PLUGIN)
    (package / "src/index.ts").symlink_to(tmp_path / "outside.ts")
    scripts = ScriptFolder(root=package)
    assert scripts.read("src/index.ts") is None
    assert scripts.read("../outside.ts") is None
    (package / "src/a.ts").write_bytes(b"\xff")
    assert scripts.read("src/a.ts") is None
    assert scripts.read("src/\0.ts") is None
    assert scripts.read("src") is None
