"""Default exports whose type nobody can find out, with the TypeScript that rhdh-cli brings.

What Backstage itself takes for a feature is compared with, entry point by entry point.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from factory.export.bundling import SCRIPTS, find_unknown_bundles
from factory.export.feature_types import find_untyped_features, warn_of_untyped_features
from factory.work_tree.export_tree import adapt_tree
from tests.conftest import KEPT
from tests.odd_files import put
from tests.toolchain.installed_tools import some_node
from tests.work_tree.test_export_tree import ranges_of, workspace

__all__ = ["workspace"]

TYPES = """
export interface FrontendPlugin {
  readonly $$type: '@backstage/FrontendPlugin';
  readonly id: string;
}
export interface Unknown { readonly $$type: '@acme/Unknown' }
export declare function createFrontendPlugin(options: { id: string }): FrontendPlugin;
export declare function createUnknown(): Unknown;
"""
SOURCES = {
    # Taken for features.
    "feature": "import { createFrontendPlugin } from './api';\n"
    "export default createFrontendPlugin({ id: 'x' });",
    "again": "export { default } from './feature';",
    # No features, and no mistake either.
    "legacy": "export const plugin = { id: 'x' };",
    "component": "export default function Page() { return null; }",
    "value": "export default { id: 'x' };",
    # Nobody can tell.
    "missing": "import { createFrontendPlugin } from '@acme/missing';\n"
    "export default createFrontendPlugin({ id: 'x' });",
    "broken": "import { createFrontendPlugin } from './api';\n"
    "const plugin = createFrontendPlugin({ id: 'x' }).wrapped();\nexport default plugin;",
    "cast": "import { createFrontendPlugin } from './api';\n"
    "export default createFrontendPlugin({ id: 'x' }) as any;",
    "nowhere": "export { default } from '@acme/missing';",
    "unknown": "import { createUnknown } from './api';\nexport default createUnknown();",
}
FEATURES = {"feature", "again"}
REASONS = {
    "missing": "Cannot find module '@acme/missing'",
    "broken": "Property 'wrapped' does not exist on type 'FrontendPlugin'",
    "cast": "its type is any",
    "nowhere": "Cannot find module '@acme/missing'",
    "unknown": "its $$type is none that the Backstage of rhdh-cli knows",
}
PROGRAM = """
const [, , detection, folder, ...entries] = process.argv;
const { createTypeDistProject, getEntryPointDefaultFeatureType } = require(detection);
createTypeDistProject().then(project => {
  const found = entries.map(each => [
    each,
    getEntryPointDefaultFeatureType('frontend-plugin', folder, project, `src/${each}.ts`),
  ]);
  console.log(JSON.stringify(Object.fromEntries(found)));
});
"""


def test_what_backstage_leaves_out_in_silence_is_noted_with_the_reason(
    workspace: Path,
    process: dict[str, str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    (rhdh_cli,) = (KEPT / "tools/rhdh-cli").glob("1.9.1*")
    (detection,) = (rhdh_cli / "node_modules/@backstage/cli/dist").rglob("typeDistProject.cjs.js")
    plugin = workspace / "plugins/x"
    (plugin / "src").mkdir()
    (plugin / "src/api.ts").write_text(TYPES)
    for name, text in SOURCES.items():
        (plugin / f"src/{name}.ts").write_text(text)
    temporary = tmp_path / "notes"
    temporary.mkdir()
    env = {**process, "TMPDIR": str(temporary)}
    script = temporary / "feature_types.cjs"
    assert script.name in SCRIPTS
    script.write_bytes((Path("factory/export") / script.name).read_bytes())
    (temporary / "program.cjs").write_text(PROGRAM)
    # Without a tsconfig.json at the root it fails.
    with adapt_tree(workspace, ranges_of(workspace), bundles=True):
        said = subprocess.run(
            [
                some_node(process, KEPT / "tools/node").bin_dir / "node",
                *("--require", script, temporary / "program.cjs", detection, plugin),
                *SOURCES,
            ],
            cwd=plugin,
            env=env,
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    assert {name for name, found in json.loads(said).items() if found} == FEATURES
    untyped = find_untyped_features(env)
    assert {each.entry for each in untyped} == {f"src/{name}.ts" for name in REASONS}
    for each in untyped:
        assert each.why.startswith(REASONS[Path(each.entry).stem])
    warn_of_untyped_features(untyped, "plugins/x")
    assert len(caplog.messages) == len(REASONS)
    assert caplog.messages[0].startswith("plugins/x: what src/missing.ts exports by default")


def test_notes_that_a_build_has_made_up_are_passed_over(tmp_path: Path) -> None:
    env = {"TMPDIR": str(tmp_path)}
    assert find_untyped_features(env) == ()
    good = {"entry": "src/a.ts", "why": "x"}
    odd = (
        b"{",
        b"[]",
        b'{"entry": 1, "why": "x"}',
        b'{"entry": "\\ud800", "why": ""}',
        b"\xff",
        b"",
    )
    (tmp_path / "untyped-features.jsonl").write_bytes(
        b"\n".join((*odd, json.dumps(good).encode(), *odd))
    )
    assert [each.entry for each in find_untyped_features(env)] == ["src/a.ts"]


@pytest.mark.parametrize("name", ["untyped-features.jsonl", "reproducible-bundles.txt"])
@pytest.mark.parametrize("kind", ["folder", "pipe", "link"])
def test_what_is_no_file_is_no_note(name: str, kind: str, tmp_path: Path) -> None:
    put(kind, tmp_path / name)
    exported = tmp_path / "dist-dynamic"
    (exported / "dist").mkdir(parents=True)
    (exported / "dist/mf-manifest.json").touch()
    env = {"TMPDIR": str(tmp_path)}
    assert find_untyped_features(env) == ()
    assert [each.name for each in find_unknown_bundles(exported, env)] == ["module federation"]
