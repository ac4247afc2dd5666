"""What ``.npmrc`` says, in the words of yarn, which does not read that file."""

from __future__ import annotations

from pathlib import Path

import pytest

from factory.analysis.manifest import Manifest
from factory.config.build_plan import BuildPlan, plan_workspace
from factory.config.environment import Environment
from factory.config.options import build_options
from factory.installation.npmrc import read_npmrc
from factory.notation.yaml_text import parse_yaml_1_1
from factory.pipeline.chosen_plugins import ChosenPlugin
from factory.pipeline.published_source import warn_of_scripts, with_registries
from factory.published.registries import YarnRegistries, yarn_registries


def registries(folder: Path, *lines: str, **variables: str) -> YarnRegistries:
    (folder / ".npmrc").write_text("".join(f"{line}\n" for line in lines))
    return yarn_registries(read_npmrc(folder, _alone(folder, variables)))


def _alone(folder: Path, variables: dict[str, str]) -> dict[str, str]:
    """Variables that keep out what the machine has set for everybody."""
    return {"npm_config_globalconfig": str(folder / "none"), **variables}


def planned(folder: Path, *lines: str, **variables: str) -> BuildPlan:
    (folder / ".npmrc").write_text("".join(f"{line}\n" for line in lines))
    (folder / "source.json").write_text('{"package": "@acme/x@1.0.0"}')
    options = build_options(config_dir=folder, repo_path=folder / "r", output_dir=folder / "o")
    environment = Environment(variables=_alone(folder, variables))
    plan = plan_workspace(options, environment, default_jobs=1)
    return with_registries(plan)


def test_of_what_is_not_set_nothing_is_said(tmp_path: Path) -> None:
    found = registries(tmp_path, "save-exact=true", "//npm.example.com/:_authToken=t0ken")
    assert (found.settings, dict(found.variables)) == ("", {})


def test_a_registry_with_a_token(tmp_path: Path) -> None:
    found = registries(
        tmp_path,
        "registry=https://npm.example.com/all/",
        "//npm.example.com/all/:_authToken=${ACME_TOKEN}",
        ACME_TOKEN="t0ken",
    )
    assert parse_yaml_1_1(found.settings) == {
        "npmRegistries": {
            "https://npm.example.com/all": {
                "npmAuthToken": "${NPM_TOKEN_OF_REGISTRY_0-}",
                "npmAlwaysAuth": True,
            }
        }
    }
    assert found.variables == {
        "YARN_NPM_REGISTRY_SERVER": "https://npm.example.com/all",
        "NPM_TOKEN_OF_REGISTRY_0": "t0ken",
    }
    assert "t0ken" not in repr(found)


def test_a_registry_with_a_user_and_without_encryption(tmp_path: Path) -> None:
    found = registries(
        tmp_path,
        "registry=http://10.0.0.1:4873/",
        "cafile=/etc/ca.pem",
        "//10.0.0.1:4873/:_auth=dXNlcjpwYXNz",
    )
    assert found.variables == {
        "YARN_NPM_REGISTRY_SERVER": "http://10.0.0.1:4873",
        "NPM_TOKEN_OF_REGISTRY_0": "dXNlcjpwYXNz",
        "YARN_UNSAFE_HTTP_WHITELIST": "10.0.0.1",
        "YARN_HTTPS_CA_FILE_PATH": "/etc/ca.pem",
    }


def test_scopes_are_settings_and_their_logins_are_not_in_them(tmp_path: Path) -> None:
    found = registries(
        tmp_path,
        "@open:registry=https://open.example.com/",
        "@acme:registry=https://npm.example.com/acme/",
        "//npm.example.com/:_authToken=t0ken",
    )
    assert "t0ken" not in found.settings
    assert parse_yaml_1_1(found.settings) == {
        "npmScopes": {
            "acme": {"npmRegistryServer": "https://npm.example.com/acme"},
            "open": {"npmRegistryServer": "https://open.example.com"},
        },
        "npmRegistries": {
            "https://npm.example.com/acme": {
                "npmAuthToken": "${NPM_TOKEN_OF_REGISTRY_0-}",
                "npmAlwaysAuth": True,
            }
        },
    }
    assert found.variables == {"NPM_TOKEN_OF_REGISTRY_0": "t0ken"}


def test_what_is_needed_is_passed_on_to_what_installs(tmp_path: Path) -> None:
    plan = planned(
        tmp_path,
        "registry=https://npm.example.com/",
        "//npm.example.com/:_authToken=t0ken",
    )
    assert plan.environment.variables["NPM_TOKEN_OF_REGISTRY_0"] == "t0ken"
    assert "NPM_TOKEN_OF_REGISTRY_0" in plan.environment.passed


def test_what_is_named_for_yarn_wins(tmp_path: Path) -> None:
    own = "https://other.example.com"
    plan = planned(
        tmp_path,
        "registry=https://npm.example.com/",
        "//npm.example.com/:_authToken=t0ken",
        YARN_NPM_REGISTRY_SERVER=own,
    )
    assert plan.environment.variables["YARN_NPM_REGISTRY_SERVER"] == own
    assert not [name for name in plan.environment.variables if name.startswith("YARN_NPM_AUTH")]


@pytest.mark.parametrize("allowed", ["", "better-sqlite3", "*"])
def test_a_native_module_that_nothing_compiles_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, allowed: str
) -> None:
    (tmp_path / "source.json").write_text('{"package": "@acme/x@1.0.0"}')
    options = build_options(
        config_dir=tmp_path, output_dir=tmp_path / "o", allow_scripts=(allowed,) if allowed else ()
    )
    plan = plan_workspace(options, Environment(variables={}), default_jobs=1)
    manifest = Manifest(file=tmp_path / "package.json", name="@acme/x")
    plugin = ChosenPlugin(
        path="plugin",
        folder=tmp_path,
        manifest=manifest,
        arguments="--allow-native-package better-sqlite3 --shared-package express",
    )
    warn_of_scripts(plan, [plugin])
    assert ("--allow-scripts better-sqlite3" in caplog.text) is (not allowed)
