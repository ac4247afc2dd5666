"""From source to portal: built, pushed, installed by reference, loaded, and seen in a browser."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from tests.command_line import Ended, run_factory
from tests.oci.registries import serving

from .example_builds import Built
from .portal import portal_of

# Kept for whoever wants to see what the test saw.
SCREENSHOTS = Path(
    os.environ.get("PLUGIN_FACTORY_SCREENSHOTS", Path(__file__).parents[2] / "build/screenshots")
)
PLUGINS = {
    "@plugin-factory-example/plugin-greetings-dynamic",
    "@plugin-factory-example/plugin-greetings-backend-dynamic",
    "@plugin-factory-example/plugin-greetings-backend-module-nordic-dynamic",
}


def pushed(built: Built, registry: str, process: dict[str, str]) -> tuple[Ended, dict[str, str]]:
    """Push what was built; with the variables that reach the registry."""
    variables = {
        **process,
        "REGISTRY_URL": registry,
        "REGISTRY_NAMESPACE": "team",
        "REGISTRY_INSECURE": "true",
    }
    ended = run_factory(variables, "push", built.outputs, "--config-dir", built.config)
    assert ended.code == 0, ended.said
    return ended, variables


@pytest.mark.parametrize("how", ["oci", "tgz"])
def test_what_was_published_installs_loads_and_is_shown(
    how: str, built: Built, process: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "registry").mkdir()
    with serving(tmp_path / "registry") as server:
        ended, variables = pushed(built, server.host, process)
        assert all("@sha256:" in line for line in ended.stdout.split())
        # What a build or a push leaves for the portal is its whole list of plugins.
        plugins = tmp_path / "dynamic-plugins.yaml"
        includes = [str(built.outputs / f"dynamic-plugins.{how}.yaml")]
        plugins.write_text(json.dumps({"includes": includes, "plugins": []}), encoding="utf-8")
        root = tmp_path / "dynamic-plugins-root"
        installed = run_factory(variables, "install", root, "--config", plugins)
        assert installed.code == 0, installed.said
        again = run_factory(variables, "install", root, "--config", plugins, "--json")
        assert again.code == 0, again.said

    config = root / "app-config.dynamic-plugins.yaml"
    merged = yaml.safe_load(config.read_text(encoding="utf-8"))
    assert "plugin-factory-example.greetings" in merged["dynamicPlugins"]["frontend"]
    log = tmp_path / "host.log"
    pictures = SCREENSHOTS if how == "oci" else None
    with portal_of(root, log, process, config=config, screenshots=pictures) as portal:
        assert portal.failures == {}
        assert portal.names == PLUGINS
        answer = json.dumps(portal.answer("/api/greetings/greetings"), ensure_ascii=False)
        # From greetings-common by the patch, from the backend, and from the module that extends it.
        assert "Hello, portal!" in answer
        assert "Hei" in answer
        if how == "oci":
            page = portal.pages["/greetings"]
            text, screenshot = page["text"], Path(page["screenshot"])
            assert screenshot == SCREENSHOTS / "greetings.png"
            assert "In every language that we know" in text
            assert "From the greetings backend" in text
            # From the backend, with the module's languages, through the page's own request.
            for greeting in ("Hello, portal!", "Hej, portal!", "Hei, portal!"):
                assert greeting in text
            assert screenshot.read_bytes().startswith(b"\x89PNG")
            # The card, on the page of an entity of the catalog.
            (card,) = portal.pages["/catalog/default/component/sample-service"]["mounts"]
            assert card["id"] == "entity.page.overview/cards: GreetingsCard"
            assert "Hej, portal!" in card["text"]


def test_the_registry_of_what_was_installed_names_the_frontend_plugin(
    built: Built, process: dict[str, str], tmp_path: Path
) -> None:
    plugins = tmp_path / "dynamic-plugins.yaml"
    includes = [str(built.outputs / "dynamic-plugins.tgz.yaml")]
    plugins.write_text(json.dumps({"includes": includes, "plugins": []}), encoding="utf-8")
    root = tmp_path / "root"
    installed = run_factory(process, "install", root, "--config", plugins)
    assert installed.code == 0, installed.said
    ended = run_factory(process, "registry", root, "--embed")
    assert ended.code == 0, ended.said
    (entry,) = json.loads(ended.stdout).values()
    (script,) = entry["pluginManifest"]["loadScripts"]
    assert list(root.glob(f"*/dist-scalprum/{script}"))
