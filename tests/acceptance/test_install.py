"""The example's artifacts, installed by reference, in a real Backstage backend."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import yaml

from tests.command_line import run_factory
from tests.oci.registries import serving

from .example_builds import Built
from .portal import portal_of

BACKEND = "plugins/greetings-backend"
MODULE = "plugins/greetings-backend-module-nordic"
FRONTEND = "plugins/greetings"
FOLDER = "plugin-factory-example-plugin-greetings-backend"


def test_plugins_from_an_image_an_archive_and_a_folder_load_and_answer(
    built: Built, process: Mapping[str, str], tmp_path: Path
) -> None:
    registry = tmp_path / "registry"
    registry.mkdir()
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    backend = built.tgz(BACKEND)
    (outputs / backend.name).write_bytes(backend.read_bytes())
    module = built.tgz(MODULE)
    integrity = Path(f"{module}.integrity").read_text(encoding="utf-8").strip()
    root = tmp_path / "dynamic-plugins-root"
    with serving(registry) as server:
        variables = dict(process) | {
            "REGISTRY_URL": server.host,
            "REGISTRY_NAMESPACE": "team",
            "REGISTRY_INSECURE": "true",
        }
        pushed = run_factory(variables, "push", outputs, "--config-dir", tmp_path)
        assert pushed.code == 0, pushed.said
        listed = [
            {"package": f"oci://{server.host}/team/{FOLDER}:{built.plugin(BACKEND)['version']}"},
            {"package": str(module), "integrity": integrity},
            {
                "package": str(built.source / FRONTEND / "dist-dynamic"),
                "pluginConfig": {"dynamicPlugins": {"frontend": {"greetings": {"shown": True}}}},
            },
        ]
        config = tmp_path / "dynamic-plugins.yaml"
        config.write_text(yaml.safe_dump({"plugins": listed}), encoding="utf-8")
        words = ("install", root, "--config", config, "--json")

        first, second = (run_factory(variables, *words) for _ in range(2))

    assert first.code == 0, first.said
    outcomes = [
        [one["outcome"] for one in json.loads(each.stdout)["plugins"]] for each in (first, second)
    ]
    assert outcomes == [["installed"] * 3, ["kept"] * 3]
    with portal_of(
        root, tmp_path / "host.log", process, config=root / "app-config.dynamic-plugins.yaml"
    ) as portal:
        assert len(portal.names) == 3
        assert portal.failures == {}
        text = json.dumps(portal.answer("/api/greetings/greetings"), ensure_ascii=False)
    assert "Hello" in text
    assert "Hei" in text


def test_the_list_that_a_build_leaves_installs_as_it_is(
    built: Built, process: Mapping[str, str], tmp_path: Path
) -> None:
    root = tmp_path / "dynamic-plugins-root"
    config = built.outputs / "dynamic-plugins.tgz.yaml"

    ended = run_factory(process, "install", root, "--config", config, "--json")

    assert ended.code == 0, ended.said
    plugins = json.loads(ended.stdout)["plugins"]
    assert [one["outcome"] for one in plugins] == ["installed"] * 3
    assert {one["source"] for one in plugins} == {
        built.plugin(path)["integrity"] for path in (FRONTEND, BACKEND, MODULE)
    }
