"""What a build tells of its tools, and gives to them: seen by programs that stand in for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from factory.analysis.backstage_releases import packages_of_release
from tests.analysis.test_release_ranges import LOCK, MEMBER
from tests.command_line import Ended, Folders, run_factory

# It writes down the manifest that it is given, and refuses to install.
YARN = """
const fs = require('fs');
if (process.argv.includes('--version')) {
  console.log('4.12.0');
} else {
  fs.copyFileSync(process.env.BACKSTAGE_MANIFEST_FILE, 'manifest-seen.json');
  console.error('that is all');
  process.exit(1);
}
"""
MEMBER_MANIFEST = {
    "name": "x",
    "version": "1.0.0",
    "backstage": {"role": "backend-plugin"},
    "dependencies": {
        "@backstage/config": "backstage:^",
        "@backstage/errors": "backstage:^",
        "@backstage/types": "^1.2.2",
    },
    "peerDependencies": {"@backstage/ui": "backstage:^"},
}


def write(folder: Path, files: dict[str, object]) -> None:
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tools")


@pytest.fixture(scope="module")
def ended(folder: Path, process: dict[str, str]) -> Ended:
    write(
        folder / "config",
        {
            "source.json": {"repo": "./workspace", "workspace-path": "."},
            "plugins-list.yaml": "p/x:",
        },
    )
    write(
        folder / "config/workspace",
        {
            "package.json": {"name": "root", "private": True, "workspaces": ["p/*"]},
            "p/x/package.json": MEMBER_MANIFEST,
            "p/x/src/index.ts": "export default 1;",
            "yarn.lock": LOCK + MEMBER.replace("plugins/x", "p/x"),
            ".yarnrc.yml": "yarnPath: ./yarn.cjs\nnodeLinker: node-modules\n",
            "yarn.cjs": YARN,
            "backstage.json": {"version": "1.49.4"},
        },
    )
    write(
        folder / "cache/rhdh-cli/2.0.1/node_modules",
        {
            ".bin/rhdh-cli": "#!/bin/sh\necho 2.0.1\n",
            ".package-lock.json": {"packages": {"node_modules/a": {"engines": {"node": ">=99"}}}},
        },
    )
    (folder / "cache/rhdh-cli/2.0.1/node_modules/.bin/rhdh-cli").chmod(0o755)
    folders = Folders(root=folder)
    environment = {**process, "RHDH_CLI_VERSION": "2.0.1"}
    return run_factory(environment, *folders.build_words(), cwd=folder)


def test_yarn_is_given_the_manifest_of_the_release(ended: Ended, folder: Path) -> None:
    ended.assert_says("that is all")
    document = json.loads((folder / "source/manifest-seen.json").read_text())
    found = {package["name"]: package["version"] for package in document["packages"]}
    assert found == {**packages_of_release("1.49.4"), "@backstage/config": "1.3.6"}


def test_packages_of_rhdh_cli_that_are_not_for_the_node_are_said(ended: Ended) -> None:
    ended.assert_says("rhdh-cli 2.0.1 has packages that are not for Node.js", "a wants >=99")
