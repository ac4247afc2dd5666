"""What a plugin bundles is what its workspace has locked, whatever the registry has that day.

Real yarn 4.12 and rhdh-cli 1.9.1, on a registry of the test's own that gains newer versions between
two builds. What is right is what yarn itself has installed into the workspace.
"""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from factory.analysis.inventory import HostInventory
from factory.analysis.locked_workspace import read_locked_workspace
from factory.analysis.manifest import read_manifest
from factory.export.locked_install import lock_environment
from factory.export.locked_installs import plan_locked_install
from factory.toolchain.yarn import Yarn
from factory.verification.locked_tree import check_locked
from factory.verification.plugin_folder import PluginFolder, read_plugin_folder
from tests.conftest import KEPT
from tests.toolchain.installed_tools import some_node

from .installed_trees import Installed
from .local_registry import LocalRegistry, local_registry
from .locked_workspaces import ENTRY, PLUGIN, LockedTree, manifest, workspace

COMMON = "@acme/plugin-todo-common"
HOST = HostInventory(name="host", release="1", backstage="1.49.4", packages={})
NAMES = (
    "alpha",
    "beta",
    "gamma",
    "delta",
    "eps",
    "zeta",
    "theta",
    "iota",
    "kappa",
    "mu",
    "nu",
    "listed",
)
NEEDS: Mapping[str, Mapping[str, str]] = {
    "alpha": {"beta": "~1.0.0", "gamma": "^1.0.0", "iota": "^1.0.0"},
    "gamma": {"delta": "^1.0.0"},
    "kappa": {"iota": "^1.0.0", "beta": "^1.0.0"},
    "nu": {"iota": "^1.0.0", "zeta": "^1.0.0"},
}
RESOLUTIONS = {
    "beta": "1.0.0",  # a version
    "gamma@npm:^1.0.0": "npm:other@1.0.0",  # of one descriptor, by an alias
    "delta": "patch:delta@npm%3A1.0.0#~/.yarn/patches/delta.patch",
    "mu": "patch:mu@npm%3A1.0.0#patches/mu.patch",  # relative to the root
    "kappa/iota": "1.0.1",  # of one parent
    "alpha@npm:1.0.2/iota": "1.0.0",  # of one parent in one version
    "nu@npm:1.0.2/iota": "1.0.1",  # the same, and the parent is embedded
    f"{COMMON}/theta": "1.0.0",  # of a member that is embedded
    f"{PLUGIN}/zeta": "1.0.0",  # of the plugin itself
}
DEPENDENCIES = {
    COMMON: "workspace:^",
    "alpha": "^1.0.0",
    "delta": "^1.0.0",
    "kappa": "^1.0.0",
    "mu": "^1.0.0",
    "nu": "^1.0.0",
    "theta": "^1.0.0",
    "zeta": "^1.0.0",
    "eps": "patch:eps@npm%3A^1.0.0#./eps.patch",  # relative to the plugin
    "lent": "file:../../vendor/lent",
    "second": "npm:eps@~1.0.0",
    "listed": "catalog:",
    "@backstage/types": "catalog:portal",
}
SETTINGS = """catalog: {listed: ^1.0.0}
catalogs:
  portal: {"@backstage/types": ~1.0.0}
"""


def patch_of(name: str, version: str) -> str:
    """A patch in the form of ``yarn patch-commit``."""
    said = f"module.exports = '{name} {version}"
    lines = ["@@ -1,3 +1,3 @@", " 'use strict';", " ", f"-{said}';", f"+{said}, patched';"]
    head = ["diff --git a/index.js b/index.js", "--- a/index.js", "+++ b/index.js"]
    return "\n".join([*head, *lines, ""])


def publish(registry: LocalRegistry, *versions: str) -> None:
    for version in versions:
        for name in NAMES:
            registry.publish(name, version, dependencies=dict(NEEDS.get(name, {})))
        registry.publish("other", version)
        registry.publish("@backstage/types", version)


@dataclass(frozen=True, kw_only=True)
class Built:
    """The workspace with yarn's own installation, and the archives of two days."""

    tree: LockedTree
    first: Path
    second: Path


@pytest.fixture(scope="module")
def built(process: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    root = tmp_path_factory.mktemp("locked")
    with local_registry() as registry:
        publish(registry, "1.0.0", "1.0.1", "1.0.2")
        tree = workspace(
            root,
            registry,
            process,
            dependencies=DEPENDENCIES,
            resolutions=RESOLUTIONS,
            settings=SETTINGS,
            members={
                "plugins/todo-common": manifest(
                    COMMON,
                    dependencies={
                        "theta": "^1.0.0",
                        "alpha": "~1.0.0",
                        "listed": "catalog:",
                        # Compared with the plugin's own, as a peer.
                        "@backstage/types": "^1.0.0",
                    },
                ),
            },
            files={
                ".yarn/patches/delta.patch": patch_of("delta", "1.0.0"),
                "patches/mu.patch": patch_of("mu", "1.0.0"),
                "plugins/todo-backend/eps.patch": patch_of("eps", "1.0.2"),
                "plugins/todo-common/dist/index.cjs.js": "",
                "vendor/lent/package.json": json.dumps(
                    {"name": "lent", "version": "0.1.0", "dependencies": {"beta": "^1.0.0"}}
                ),
            },
        )
        first = tree.build("first", "--embed-package nu")
        assert first.code == 0, first.said
        publish(registry, "1.0.9", "1.9.0")
        second = tree.build("second", "--embed-package nu")
        assert second.code == 0, second.said
        yield Built(tree=tree, first=tree.tgz("first"), second=tree.tgz("second"))


def test_one_source_gives_the_same_bytes_on_two_days(built: Built) -> None:
    assert built.first.read_bytes() == built.second.read_bytes()


def test_everything_bundled_is_what_yarn_has_installed_in_the_workspace(
    built: Built, tmp_path: Path
) -> None:
    plugin = unpacked(built.second, tmp_path)
    source = built.tree.root / "second/source"
    found = Installed(folder=plugin, top=plugin).tree()
    right = Installed(folder=source / "plugins/todo-backend", top=source).tree()
    assert found == right
    # That yarn has put to use what the workspace asks for, so that the comparison means something.
    assert found["delta"]["says"].endswith("'delta 1.0.0, patched';\n")
    assert found["mu"]["says"].endswith("'mu 1.0.0, patched';\n")
    assert found["eps"]["says"].endswith("'eps 1.0.2, patched';\n")
    assert found["alpha"]["needs"]["gamma"]["is"] == "other@1.0.0"
    assert [found[name]["needs"]["iota"]["is"] for name in ("alpha", "kappa", "nu")] == [
        "iota@1.0.0",
        "iota@1.0.1",
        "iota@1.0.1",
    ]
    assert (found["zeta"]["is"], found["nu"]["needs"]["zeta"]["is"]) == (
        "zeta@1.0.0",
        "zeta@1.0.2",
    )
    assert (found["theta"]["is"], found[COMMON]["needs"]["theta"]["is"]) == (
        "theta@1.0.2",
        "theta@1.0.0",
    )


def test_what_is_shipped_is_as_rhdh_cli_wrote_it(built: Built, tmp_path: Path) -> None:
    plugin = unpacked(built.second, tmp_path)
    package = json.loads((plugin / "package.json").read_text())
    assert package["dependencies"]["eps"] == DEPENDENCIES["eps"]
    assert package["dependencies"]["listed"] == "^1.0.0"
    assert package["peerDependencies"] == {"@backstage/types": "~1.0.0"}
    assert package["resolutions"].keys().isdisjoint({"beta", "delta", "mu"})
    assert not list(plugin.rglob("*.patch"))


def test_the_source_is_as_it_was(built: Built) -> None:
    for file in ("package.json", "plugins/todo-backend/package.json", "yarn.lock"):
        left = built.tree.root / "second/source" / file
        assert left.read_bytes() == (built.tree.source / file).read_bytes()


def test_without_the_lockfile_the_newest_of_the_day_would_be_bundled(
    built: Built, process: dict[str, str], tmp_path: Path
) -> None:
    """The plain export of the same source: it says that the registry has gained something."""
    source = built.tree.root / "second/source"
    (tmp_path / "home").mkdir()
    (rhdh_cli,) = (KEPT / "tools/rhdh-cli").glob("1.9.1*")
    folder = source / "plugins/todo-backend"
    package = json.loads((folder / "package.json").read_text())
    for name in ("eps", "lent", "@backstage/types"):  # what it cannot export at all
        del package["dependencies"][name]
    (folder / "package.json").write_text(json.dumps(package))
    ended = subprocess.run(
        [rhdh_cli / "node_modules/.bin/rhdh-cli", "plugin", "export", "--no-build", "--clean"],
        cwd=folder,
        env={
            **process,
            "HOME": str(tmp_path / "home"),
            "PATH": f"{built.tree.bin_dir}:{process['PATH']}",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    exported = folder / "dist-dynamic"
    found = Installed(folder=exported, top=exported).tree()
    assert found["zeta"]["is"] == "zeta@1.0.2"
    assert found["delta"]["is"] == "delta@1.9.0"
    assert found["alpha"]["needs"]["beta"]["is"] == "beta@1.0.9"


def test_yarn_1_installs_what_is_locked_too(process: dict[str, str], tmp_path: Path) -> None:
    with local_registry() as registry:
        publish(registry, "1.0.0", "1.0.2")
        tree = workspace(
            tmp_path,
            registry,
            process,
            yarn="1.22.22",
            dependencies={"alpha": "^1.0.0", "gamma": "^1.0.0"},
            resolutions={"beta": "1.0.0", "**/gamma/delta": "1.0.0"},
        )
        publish(registry, "1.0.9")
        ended = tree.build("first")
        assert ended.code == 0, ended.said
    plugin = unpacked(tree.tgz("first"), tmp_path)
    source = tree.root / "first/source"
    found = Installed(folder=plugin, top=plugin).tree()
    assert found == Installed(folder=source / "plugins/todo-backend", top=source).tree()
    assert found["alpha"]["is"] == "alpha@1.0.2"
    assert found["alpha"]["needs"]["beta"]["is"] == "beta@1.0.0"
    assert found["gamma"]["needs"]["delta"]["is"] == "delta@1.0.0"


def unpacked(tgz: Path, folder: Path) -> Path:
    subprocess.run(["tar", "-xzf", tgz, "-C", folder], check=True)
    return folder / "package"


@pytest.mark.parametrize(("seed", "copies"), [(1, False), (2, True), (3, False)])
def test_generated_resolutions_lead_to_what_yarn_installs_in_the_workspace(
    seed: int, copies: bool, process: dict[str, str], tmp_path: Path
) -> None:
    """The installation alone, with dependencies and patterns by chance; each seed is a case.

    From rhdh-cli 1.11.4 on the root's resolutions are copied, but for those that patch.
    """
    chance = random.Random(seed)
    names = [f"p{number}" for number in range(10)]
    with local_registry() as registry:

        def release(*versions: str) -> None:
            for version in versions:
                for at, name in enumerate(names):
                    below = chance.sample(names[at + 1 :], min(3, len(names) - at - 1))
                    needs = {one: chance.choice(("^1.0.0", "~1.0.0", ">=1.0.0")) for one in below}
                    registry.publish(name, version, dependencies=needs)

        release("1.0.0", "1.0.1", "1.1.0")
        resolutions = dict(generated_resolution(chance, names) for _ in range(8))
        tree = workspace(
            tmp_path,
            registry,
            process,
            dependencies=dict.fromkeys(chance.sample(names, 4), "^1.0.0"),
            resolutions=resolutions,
            files={f".yarn/patches/{name}.patch": patch_of(name, "1.0.0") for name in names},
        )
        release("1.0.9", "1.9.0")
        tree.yarn("install", "--immutable")
        copied = {
            pattern: value
            for pattern, value in resolutions.items()
            if copies and not value.startswith("patch:")
        }
        exported = export_as_rhdh_cli_does(tree, copied)
    right = Installed(folder=tree.source / "plugins/todo-backend", top=tree.source).tree()
    assert Installed(folder=exported, top=exported).tree() == right
    assert "1.9.0" not in json.dumps(right)
    # The check reads the lockfile by itself, and comes to the same.
    plugin = read_plugin_folder(exported)
    assert isinstance(plugin, PluginFolder)
    found = check_locked(plugin, (read_locked_workspace(tree.source, HOST),), HOST)
    assert found.result == "passed", found


def generated_resolution(chance: random.Random, names: list[str]) -> tuple[str, str]:
    """A pattern of any form, and a value of any form."""
    name, parent = chance.choice(names[1:]), chance.choice(names[:4])
    pattern = chance.choice(
        (
            name,
            f"{name}@npm:^1.0.0",
            f"{name}@~1.0.0",
            f"{parent}/{name}",
            f"{parent}@npm:1.1.0/{name}",
            f"{PLUGIN}/{name}",
        )
    )
    other = chance.choice(names[-2:])
    value = chance.choice(
        (
            "1.0.0",
            "npm:1.0.1",
            "~1.0.0",
            f"npm:{other}@1.0.0",
            f"patch:{name}@npm%3A1.0.0#~/.yarn/patches/{name}.patch",
        )
    )
    return pattern, value


def export_as_rhdh_cli_does(tree: LockedTree, resolutions: Mapping[str, str]) -> Path:
    """Write ``dist-dynamic`` as rhdh-cli leaves it before it installs, and install."""
    folder = tree.source / "plugins/todo-backend"
    exported = folder / "dist-dynamic"
    package: dict[str, Any] = json.loads((folder / "package.json").read_text())
    package |= {"name": f"{PLUGIN}-dynamic", "resolutions": dict(resolutions)}
    (exported / "dist").mkdir(parents=True)
    (exported / "package.json").write_text(json.dumps(package))
    (exported / "dist/index.cjs.js").write_text(ENTRY)
    toolchain = SimpleNamespace(
        yarn=Yarn(version="4.12.0", bin_dir=tree.bin_dir),
        yarn_command=tree.bin_dir / "yarn",
        node=some_node(dict(tree.process), KEPT / "tools/node"),
    )
    env = {**tree.process, "HOME": str(tree.root / "home"), "TMPDIR": str(tree.root / "tmp")}
    locked = plan_locked_install(
        read_locked_workspace(tree.source, HOST), read_manifest(folder / "package.json")
    )
    env = lock_environment(locked, exported, env, cast("Any", toolchain))
    subprocess.run(
        ["yarn", "install", "--no-immutable"],
        cwd=exported,
        env=env,
        check=True,
        capture_output=True,
    )
    return exported
