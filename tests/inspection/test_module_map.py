"""In which file of a package each of its exports is (BEP-0002, "Generate module sharing map")."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from factory.errors import ArtifactError
from factory.frontend.source_tree import MappedScripts
from factory.inspection.module_map import make_module_map

from ..command_line import run_here

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PACKAGE = {"name": "@mui/foo", "module": "dist/index.js"}


def traced(files: Mapping[str, str], package: dict[str, Any] | None = None) -> dict[str, str]:
    texts = {f"dist/{name.replace('__', '/')}.js": text for name, text in files.items()}
    found = make_module_map(MappedScripts(texts=texts), package or PACKAGE)
    return {one["name"]: one["file"] for one in found}


CASES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "its own": ({"index": "export const foo = 1;"}, {"foo": "@mui/foo/dist/index"}),
    "the proposal's own": (
        {
            "index": "export { default as foo } from './foo';\nexport * from './baz';",
            "foo": "export default function foo() {}",
            "baz": "export const baz = 1;\nexport default 2;",
        },
        {"foo": "@mui/foo/dist/foo", "baz": "@mui/foo/dist/baz"},
    ),
    "through folders": (
        {
            "index": "export * from './Button';",
            "Button__index": "export { default as Button } from './Button';",
            "Button__Button": "const Button = 1;\nexport default Button;",
        },
        {"Button": "@mui/foo/dist/Button/Button"},
    ),
    "imported, then exported": (
        {"index": "import { a as b } from './a';\nexport { b };", "a": "export const a = 1;"},
        {"b": "@mui/foo/dist/a"},
    ),
    "another package's": (
        {"index": "export { x } from 'other';\nexport * from 'more';"},
        {"x": "@mui/foo/dist/index"},
    ),
    "in a circle": (
        {"index": "export * from './a';\nexport const i = 1;", "a": "export * from './index';"},
        {"i": "@mui/foo/dist/index"},
    ),
    "by itself": (
        {"index": "export { a } from './b';", "b": "export { a } from './index';"},
        {"a": "@mui/foo/dist/index"},
    ),
    "a module that cannot be read": (
        {"index": "export { a } from './b';\nexport * from './b';", "b": "export const a = `"},
        {"a": "@mui/foo/dist/index"},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_exports_are_traced_to_their_files(case: str) -> None:
    files, expected = CASES[case]
    assert traced(files) == expected


@pytest.mark.parametrize(
    ("package", "script"),
    [(PACKAGE, None), ({"module": "dist/index.js"}, "export const a = 1;"), (PACKAGE, "export {")],
)
def test_what_cannot_be_traced_is_told(package: Any, script: str | None) -> None:
    files = {} if script is None else {"index": script}
    with pytest.raises(ArtifactError, match="entry point"):
        traced(files, package)


def test_the_command_prints_it(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(json.dumps({"name": "foo", "main": "./index.js"}))
    (tmp_path / "index.js").write_text("export const a = 1;")
    ended = run_here({}, "inspect", tmp_path, "--module-map")
    assert ended.code == 0, ended.said
    assert json.loads(ended.stdout) == [{"name": "a", "file": "foo/index"}]
    assert run_here({}, "inspect", tmp_path, "--module-map", "--html", "x").code == 2
