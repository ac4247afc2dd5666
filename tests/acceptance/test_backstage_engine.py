"""The example by Backstage's own engine: what came out, twice in two folders, in real Backstages.

What the one shares with the plugins is older than they are: its backend-plugin-api is 1.4.1, theirs
1.4.2. The frontends are opened in the Backstage of ``try``.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from factory.installation.plugin_list import read_plugin_list
from tests.attestation.key_files import openssl_key, public_half
from tests.command_line import run_factory
from tests.made_once import made_once
from tests.oci.registries import serving
from tests.slow_libraries import find_problem_of_bill

from . import test_attestations
from .conftest import copied_tree
from .example_builds import EXAMPLE, ITS_RHDH_CLI, Built, build_words, packed_files, reuse_types
from .many_workspaces import link_tools
from .portal import kept_node, portal_of, running_portal
from .test_push import registry_variables

FRONTEND = "plugins/greetings"
BACKEND = "plugins/greetings-backend"
MODULE = "plugins/greetings-backend-module-nordic"
FRONTEND_MODULE = "plugins/greetings-module-page"
MODULE_PACKAGE = "@plugin-factory-example/plugin-greetings-module-page"
# The example is of the old frontend system, and its Backstage has neither createFrontendPlugin()
# nor PageBlueprint: these are what they return.
PAGE = """
const value = (id: string, content: unknown) => ({
  $$type: '@backstage/ExtensionDataValue',
  id,
  value: content,
});
const ref = (id: string) => ({ $$type: '@backstage/ExtensionDataRef', id, config: {} });

const makePage = (id: string, path: string, text: string) => ({
  $$type: '@backstage/Extension',
  version: 'v2',
  id,
  disabled: false,
  attachTo: { id: 'app/routes', input: 'routes' },
  inputs: {},
  output: [ref('core.routing.path'), ref('core.reactElement')],
  factory: () => [
    value('core.routing.path', path),
    value('core.reactElement', createElement('h1', null, text)),
  ],
});
"""
FEATURE = f"""
import {{ createElement }} from 'react';
{PAGE}
type Feature = {{ readonly $$type: '@backstage/FrontendPlugin'; readonly id: string }};

function makeFeature(id: string): Feature {{
  const extensions = [makePage('page:greetings', '/greetings', 'Greetings of the plugin')];
  const routing = {{ routes: {{}}, externalRoutes: {{}} }};
  const known = {{ version: 'v1', pluginId: id, featureFlags: [], extensions, ...routing }};
  return {{ $$type: '@backstage/FrontendPlugin', id, ...known }};
}}

export default makeFeature('greetings');
"""
EXTENDING = f"""import {{ createElement }} from 'react';
{PAGE}
type Feature = {{ readonly $$type: '@backstage/FrontendModule'; readonly pluginId: string }};

function makeModule(pluginId: string): Feature {{
  const extensions = [makePage('page:greetings/nordic', '/nordic', 'Greetings of the module')];
  const known = {{ version: 'v1', featureFlags: [], extensions }};
  return {{ $$type: '@backstage/FrontendModule', pluginId, ...known }};
}}

export default makeModule('greetings');
"""
# As yarn writes it, before the package that comes next.
LOCKED = (
    f'\n"{MODULE_PACKAGE}@workspace:{FRONTEND_MODULE}":\n'
    "  version: 0.0.0-use.local\n"
    f'  resolution: "{MODULE_PACKAGE}@workspace:{FRONTEND_MODULE}"\n'
    "  languageName: unknown\n"
    "  linkType: soft\n"
)
ALL = (FRONTEND, FRONTEND_MODULE, BACKEND, MODULE)
NEXT = '\n"@plugin-factory-example/plugin-greetings-node@'


@dataclass(frozen=True, kw_only=True)
class Bundled:
    """The example of the new frontend system, bundled in a folder, and again in another one.

    There the ``backends`` are by themselves, and the ``frontends``: these are for a portal of the
    new system alone, with a ``cache`` that has no rhdh-cli. Types are those of the first build.
    """

    here: Built
    backends: Built
    frontends: Built
    cache: Path

    def elsewhere(self, path: str) -> Built:
        """The build in the other folder that a plugin is of."""
        return self.backends if path in (BACKEND, MODULE) else self.frontends


@pytest.fixture(scope="session")
def bundled(
    built: Built, process: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Bundled:
    def make(folder: Path) -> Bundled:
        config, source = folder / "config", folder / "source"
        shutil.copytree(EXAMPLE, config, ignore=shutil.ignore_patterns("workspace"))
        (config / "source.json").unlink()
        copied_tree(built, source)
        with (source / FRONTEND / "src/index.ts").open("a", encoding="utf-8") as index:
            index.write(FEATURE)
        _add_frontend_module(config, source)
        first = Built(config=config, source=source, outputs=folder / "outputs", ended=built.ended)
        here = _bundle(first, process, "--engine", "backstage")
        moved = replace(first, source=folder / "another place")
        source.rename(moved.source)
        reuse_types(moved.source)
        backends = replace(moved, outputs=folder / "backends")
        frontends = replace(moved, outputs=folder / "frontends")
        cache = folder / "cache"
        link_tools(cache, ("node", "yarn", "cli-module-build"))
        portal = ("--host", "backstage-1.52", "--node", ">=20", "--cache-dir", str(cache))
        return Bundled(
            here=here,
            backends=_bundle(
                backends, process, "--engine", "backstage", "--only", BACKEND, "--only", MODULE
            ),
            frontends=_bundle(
                frontends, process, *portal, "--only", FRONTEND, "--only", FRONTEND_MODULE
            ),
            cache=cache,
        )

    return made_once(tmp_path_factory, "bundled-example", make)


def _add_frontend_module(config: Path, source: Path) -> None:
    folder = source / FRONTEND_MODULE
    (folder / "src").mkdir(parents=True)
    (folder / "src/index.ts").write_text(EXTENDING, encoding="utf-8")
    said = {
        "name": MODULE_PACKAGE,
        "version": "0.1.0",
        "license": "Apache-2.0",
        "main": "src/index.ts",
        "types": "src/index.ts",
        "publishConfig": {"main": "dist/index.esm.js", "types": "dist/index.d.ts"},
        "backstage": {"role": "frontend-plugin-module", "pluginId": "greetings"},
        "scripts": {"build": "backstage-cli package build"},
        "files": ["dist"],
    }
    (folder / "package.json").write_text(json.dumps(said, indent=2), encoding="utf-8")
    lockfile = source / "yarn.lock"
    text = lockfile.read_text(encoding="utf-8")
    assert text.count(NEXT) == 1
    lockfile.write_text(text.replace(NEXT, LOCKED + NEXT), encoding="utf-8")
    with (config / "plugins-list.yaml").open("a", encoding="utf-8") as listed:
        listed.write(f"{FRONTEND_MODULE}:\n")


def _bundle(build: Built, process: dict[str, str], *options: str) -> Built:
    words = build_words(build.config, build.source, build.outputs, "--use-local", "--no-cache")
    ended = run_factory(process, *words, *options)
    assert ended.code == 0, ended.said
    return replace(build, ended=ended)


def manifest(tgz: Path) -> dict[str, Any]:
    return dict(json.loads(packed_files(tgz)["package/package.json"]))


def test_no_rhdh_cli_had_a_hand_in_it(bundled: Bundled) -> None:
    tools = bundled.here.report["tools"]
    assert tools["rhdh-cli"] is None
    assert tools["cli-module-build"] == "0.1.10"
    assert (tools["engine"], tools["why"]["engine"]) == ("backstage", "--engine")
    assert "rhdh-cli" not in bundled.here.ended.said


@pytest.mark.parametrize("path", [FRONTEND, BACKEND, MODULE])
def test_artifacts_are_called_as_those_of_rhdh_cli(
    bundled: Bundled, built: Built, path: str
) -> None:
    names = [one["name"] for one in bundled.here.plugin(path)["files"]]
    assert names == [one["name"] for one in built.plugin(path)["files"]]


@pytest.mark.parametrize("path", ALL)
def test_the_provenance_says_by_which_engine(bundled: Bundled, path: str) -> None:
    statement = json.loads(Path(f"{bundled.here.tgz(path)}.provenance.json").read_text())
    predicate = statement["predicate"]
    assert predicate["buildDefinition"]["internalParameters"]["engine"] == "backstage"
    assert "cli-module-build" in predicate["runDetails"]["builder"]["version"]
    assert "rhdh-cli" not in predicate["runDetails"]["builder"]["version"]


def test_the_portals_packages_are_peers_and_the_workspaces_are_inside(
    bundled: Bundled,
) -> None:
    files = packed_files(bundled.here.tgz(BACKEND))
    said = manifest(bundled.here.tgz(BACKEND))
    assert "@backstage/backend-plugin-api" in said["peerDependencies"]
    assert "@backstage/backend-plugin-api" not in said["dependencies"]
    assert not any("/node_modules/@backstage/" in name for name in files)
    for name in ("common", "node"):
        inside = f"node_modules/@plugin-factory-example/plugin-greetings-{name}/package.json"
        assert f"package/{inside}" in files


@pytest.mark.parametrize("path", ALL)
def test_no_path_of_the_builder_is_inside(bundled: Bundled, path: str) -> None:
    # The folder of the first build has been moved to where the second one was made.
    folder = str(bundled.here.source.parent).encode()
    for build in (bundled.here, bundled.elsewhere(path)):
        files = packed_files(build.tgz(path))
        assert [name for name, content in files.items() if folder in content] == []


@pytest.mark.parametrize("path", ALL)
def test_another_folder_gives_the_same_bytes(bundled: Bundled, path: str) -> None:
    one, other = bundled.here, bundled.elsewhere(path)
    assert one.source != other.source
    assert one.tgz(path).read_bytes() == other.tgz(path).read_bytes()


@pytest.mark.parametrize("path", [FRONTEND, FRONTEND_MODULE])
def test_a_frontend_is_a_remote_of_module_federation_alone(bundled: Bundled, path: str) -> None:
    files = packed_files(bundled.here.tgz(path))
    assert {"package/dist/remoteEntry.js", "package/dist/mf-manifest.json"} <= set(files)
    assert not any("dist-scalprum" in name for name in files)
    exposed = json.loads(files["package/dist/mf-manifest.json"])["exposes"]
    assert [one["path"] for one in exposed] == ["."]


def older_modules(process: dict[str, str], folder: Path) -> Path:
    """A ``node_modules`` with the older package alone; what it needs in turn is the backend's."""
    folder.mkdir()
    node = kept_node(process)
    env = {**process, "PATH": f"{node.bin_dir}:{process['PATH']}"}
    command = ["npm", "pack", "--silent", "@backstage/backend-plugin-api@1.4.1"]
    subprocess.run(command, cwd=folder, env=env, check=True, capture_output=True)
    (tgz,) = folder.glob("*.tgz")
    subprocess.run(["tar", "-xzf", tgz, "-C", folder], check=True)
    (folder / "node_modules/@backstage").mkdir(parents=True)
    (folder / "package").rename(folder / "node_modules/@backstage/backend-plugin-api")
    return folder / "node_modules"


def test_a_backend_that_is_older_than_the_plugins_loads_them(
    bundled: Bundled, process: dict[str, str], tmp_path: Path
) -> None:
    artifacts = bundled.here.outputs.glob("*.tgz")
    modules = older_modules(process, tmp_path / "older")
    with running_portal(artifacts, tmp_path, process, modules=modules) as portal:
        assert portal.failures == {}
        text = json.dumps(portal.answer("/api/greetings/greetings"), ensure_ascii=False)
    # From greetings-common by the patch, from the backend, and from the module that extends it.
    assert "portal" in text
    assert "Hei" in text


@pytest.mark.parametrize("path", ALL)
def test_every_artifact_has_a_valid_bill_of_itself(bundled: Bundled, path: str) -> None:
    tgz = bundled.here.tgz(path)
    bill = tgz.with_name(f"{tgz.name}.cdx.json").read_text(encoding="utf-8")
    assert find_problem_of_bill(bill) is None
    digest = hashlib.sha256(tgz.read_bytes()).hexdigest()
    main = json.loads(bill)["metadata"]["component"]
    assert digest in [one["content"] for one in main["hashes"]]


def test_the_bills_have_what_is_packed_and_what_scripts_were_made_of(
    bundled: Bundled,
) -> None:
    test_attestations.test_a_backends_bill_has_every_package_that_is_packed(bundled.here)
    test_attestations.test_neither_names_a_folder_of_this_machine(bundled.here)
    bill = test_attestations.beside(bundled.here, FRONTEND, ".cdx.json")
    components = {one["purl"].rpartition("@")[0]: one for one in bill["components"]}
    react = components["pkg:npm/react"]
    assert {"name": "plugin-factory:shared-with-host", "value": "true"} in react["properties"]
    assert react["licenses"] == [{"license": {"id": "MIT"}}]
    # What the plugin itself imports; a package of which only constants are left is inlined.
    assert {"pkg:npm/react-use", "pkg:npm/%40backstage/core-components"} <= components.keys()


def test_images_are_signed_verified_and_installed(
    bundled: Bundled, process: dict[str, str], tmp_path: Path
) -> None:
    """And load as they are installed, in a real backend."""
    key = openssl_key(tmp_path / "release.pem")
    outputs, root = tmp_path / "outputs", tmp_path / "dynamic-plugins-root"
    shutil.copytree(bundled.here.outputs, outputs)
    (tmp_path / "registry").mkdir()
    with serving(tmp_path / "registry") as server:
        own = process | registry_variables(server.host)
        pushed = run_factory(own, "push", outputs, "--config-dir", tmp_path, "--sign-key", key)
        assert pushed.code == 0, pushed.said
        listed = read_plugin_list(outputs / "dynamic-plugins.oci.yaml")
        assert len(listed) == len(ALL)
        checks = ("--key", public_half(key), "--provenance", "--host", "backstage-1.52", "--json")
        verified = run_factory(own, "verify", *(str(one.package) for one in listed), *checks)
        assert verified.code == 0, verified.said
        stranger = public_half(openssl_key(tmp_path / "stranger.pem"))
        refused = run_factory(own, "verify", str(listed[0].package), "--key", stranger)
        assert refused.code == 14, refused.said
        config = outputs / "dynamic-plugins.oci.yaml"
        installed = run_factory(own, "install", root, "--config", config, "--json")
    assert installed.code == 0, installed.said
    found = [one["outcome"] for one in json.loads(installed.stdout)["plugins"]]
    assert found == ["installed"] * len(ALL)
    with portal_of(root, tmp_path / "host.log", process) as portal:
        assert len(portal.names) == len(ALL)
        assert portal.failures == {}
        assert "Hei" in json.dumps(portal.answer("/api/greetings/greetings"))


def test_frontends_are_shown_by_the_new_frontend_system(
    bundled: Bundled, process: dict[str, str]
) -> None:
    archives = [bundled.here.tgz(path) for path in (FRONTEND, FRONTEND_MODULE)]
    ended = run_factory(process, "try", *archives, "--json")
    assert ended.code == 0, ended.said
    plugins = {one["role"]: one for one in json.loads(ended.stdout)["plugins"]}
    shown = {
        role: [(page["path"], page["text"]) for page in plugin["pages"]]
        for role, plugin in plugins.items()
    }
    assert {plugin["state"] for plugin in plugins.values()} == {"shown"}
    for role, path, text in (
        ("frontend-plugin", "/greetings", "Greetings of the plugin"),
        ("frontend-plugin-module", "/nordic", "Greetings of the module"),
    ):
        assert any(each == path and text in there for each, there in shown[role]), shown


def test_so_is_one_that_rhdh_cli_exports(
    bundled: Bundled, process: dict[str, str], tmp_path: Path
) -> None:
    # For a portal that has no Scalprum.
    portal = ("--host", "butler-2026-03", "--node", ">=20", "--engine", "rhdh")
    exported = _bundle(
        replace(bundled.frontends, outputs=tmp_path / "outputs"),
        process | ITS_RHDH_CLI,
        *(*portal, "--only", FRONTEND),
    )
    assert exported.report["tools"]["rhdh-cli"] == "1.9.1"
    tgz = exported.tgz(FRONTEND)
    assert tgz.read_bytes() != bundled.here.tgz(FRONTEND).read_bytes()
    ended = run_factory(process, "try", tgz, "--json")
    assert ended.code == 0, ended.said
    (plugin,) = json.loads(ended.stdout)["plugins"]
    assert plugin["state"] == "shown"
    (page,) = (page for page in plugin["pages"] if page["path"] == "/greetings")
    assert "Greetings of the plugin" in page["text"]


def test_for_a_portal_of_the_new_system_alone_no_rhdh_cli_is_installed(bundled: Bundled) -> None:
    """The portal decides what bundles its frontends; nothing else is looked for."""
    tools = bundled.frontends.report["tools"]
    assert tools["rhdh-cli"] is None
    assert tools["why"]["engine"].startswith("backstage-1.52")
    assert not (bundled.cache / "rhdh-cli").exists()
    for path in (FRONTEND, FRONTEND_MODULE):
        tgz = bundled.frontends.tgz(path)
        assert tgz.read_bytes() == bundled.here.tgz(path).read_bytes()
