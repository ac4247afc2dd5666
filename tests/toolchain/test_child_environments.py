"""What each kind of child sees of the environment, seen from inside real children of real yarn."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from factory.config.environment import layer_environment
from factory.export.compilation import compile_package, compile_types
from factory.export.dependencies import install_dependencies
from factory.toolchain.assembled import Toolchain
from factory.toolchain.child_environment import git_environment, pip_environment
from factory.toolchain.registry_variables import registry_variables
from factory.toolchain.rhdh_cli import RhdhCli
from factory.toolchain.runner import LoggedRunner, Runner
from factory.toolchain.yarn import WantedYarn

from .installed_tools import installed_yarn, some_node

if TYPE_CHECKING:
    from pathlib import Path

# In the shell that starts the factory, or in the CI: not meant for the plugins' build scripts.
SECRETS = {
    "REGISTRY_PASSWORD": "secret-of-the-registry",
    "AWS_SECRET_ACCESS_KEY": "secret-of-aws",
    "AWS_SESSION_TOKEN": "secret-of-the-session",
    "GITHUB_TOKEN": "secret-of-github",
    "PRIVATE_TOKEN": "secret-of-npm",
    "COSIGN_PASSWORD": "secret-of-signing",
    "OTHER_TOKEN": "secret-of-others",
    "MY_OWN_THING": "of-no-concern",
}
NETWORK = {
    "HTTPS_PROXY": "http://127.0.0.1:3128",
    "no_proxy": "localhost",
    "SSL_CERT_FILE": "/etc/ssl/company.pem",
    "NODE_EXTRA_CA_CERTS": "/etc/ssl/company.pem",
    "npm_config_cafile": "/etc/ssl/company.pem",
}
DOT_ENV = (
    "BUILD_FLAVOUR=dark\nNODE_OPTIONS=--max-old-space-size=2048\n"
    "REGISTRY_URL=quay.example.com\nMY_API_KEY=secret-of-the-file\n"
)
# Each script writes down the environment that it runs in.
SCRIPTS = {name: f"env > {name}.env" for name in ("postinstall", "tsc", "build")}


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """The variables that a workspace's scripts saw, by the name of the script."""

    workspace: Path

    def __getitem__(self, script: str) -> dict[str, str]:
        text = (self.workspace / f"{script}.env").read_text()
        pairs = (line.partition("=") for line in text.splitlines())
        return {name: value for name, _, value in pairs}


@pytest.fixture(scope="module")
def seen(process: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """A workspace that has been installed, type-checked and built; its registry needs a token."""
    folder = tmp_path_factory.mktemp("environments")
    workspace = folder / "workspace"
    workspace.mkdir()
    (workspace / "package.json").write_text(
        json.dumps({"name": "w", "packageManager": "yarn@4.12.0", "scripts": SCRIPTS})
    )
    (workspace / ".yarnrc.yml").write_text(
        'npmScopes:\n  acme:\n    npmAuthToken: "${PRIVATE_TOKEN}"\n'
        '  other:\n    npmAuthToken: "${OTHER_TOKEN}"\n'
        '  greedy:\n    npmAuthToken: "${REGISTRY_PASSWORD}${GITHUB_TOKEN}${COSIGN_PASSWORD}"\n'
        "# ${AWS_SECRET_ACCESS_KEY}\n"
    )
    (workspace / "yarn.lock").touch()
    (folder / ".env").write_text(DOT_ENV)
    environment = layer_environment(
        process | SECRETS | NETWORK, (folder / ".env",), passed=frozenset({"PRIVATE_TOKEN"})
    )
    node = some_node(process, folder / "node")
    yarn = installed_yarn(WantedYarn(version="4.12.0", reason="r"), process, node, folder / "yarn")
    toolchain = Toolchain(
        node=node,
        yarn=yarn,
        rhdh_cli=RhdhCli(version="0", command=folder / "none"),
        environment=environment,
        registry_variables=registry_variables(environment, workspace),
        temporary=folder / "run",
    )
    runner = Runner()
    # Once without --immutable, for the lockfile.
    runner.run(
        (toolchain.yarn_command, "install"),
        cwd=workspace,
        env=toolchain.child_environment(installs=True),
    )
    (workspace / "postinstall.env").unlink()
    (workspace / ".yarn/install-state.gz").unlink()
    log = folder / "log"
    logged = LoggedRunner(runner, log=log, on_line=lambda _: None)
    install_dependencies(workspace, toolchain=toolchain, runner=logged)
    compile_types(workspace, toolchain=toolchain, runner=logged)
    compile_package(workspace, "w", toolchain=toolchain, runner=logged)
    return Seen(workspace=workspace)


@pytest.mark.parametrize("script", ["tsc", "build"])
def test_no_secret_reaches_a_build(seen: Seen, script: str) -> None:
    assert [value for value in seen[script].values() if "secret-of" in value] == []


def test_a_token_that_the_source_asks_for_and_the_user_names_reaches_the_install(
    seen: Seen,
) -> None:
    assert seen["postinstall"]["PRIVATE_TOKEN"] == "secret-of-npm"


def test_no_other_secret_reaches_the_install(seen: Seen) -> None:
    secrets = [value for value in seen["postinstall"].values() if "secret-of" in value]
    assert secrets == ["secret-of-npm"]


@pytest.mark.parametrize("script", ["tsc", "build"])
def test_such_a_token_is_empty_elsewhere_so_that_yarn_starts(seen: Seen, script: str) -> None:
    assert seen[script]["PRIVATE_TOKEN"] == ""


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_the_configuration_sets_reaches_every_script(seen: Seen, script: str) -> None:
    assert seen[script]["BUILD_FLAVOUR"] == "dark"
    assert "--max-old-space-size=2048" in seen[script]["NODE_OPTIONS"]


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_merely_is_in_the_shell_reaches_no_script(seen: Seen, script: str) -> None:
    assert "MY_OWN_THING" not in seen[script]


@pytest.mark.parametrize("script", SCRIPTS)
def test_what_concerns_images_reaches_no_script(seen: Seen, script: str) -> None:
    own = ("REGISTRY_", "PLUGIN_FACTORY_")
    assert not [name for name, value in seen[script].items() if name.startswith(own) and value]


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("name", NETWORK)
def test_proxies_and_certificates_reach_every_script(seen: Seen, script: str, name: str) -> None:
    assert seen[script][name] == NETWORK[name]


@pytest.mark.parametrize("script", SCRIPTS)
def test_output_is_plain_wherever_a_build_runs(seen: Seen, script: str) -> None:
    assert seen[script]["NO_COLOR"] == "1"


def test_git_gets_its_own_credentials_and_no_others() -> None:
    child = git_environment(
        layer_environment(SECRETS | {"PATH": "/bin", "GIT_SSL_CAINFO": "/ca.pem"})
    )
    assert child["GITHUB_TOKEN"] == "secret-of-github"
    assert child["GIT_SSL_CAINFO"] == "/ca.pem"
    assert [value for value in child.values() if "secret-of" in value] == ["secret-of-github"]


def test_pip_gets_its_own_settings_and_no_secrets() -> None:
    child = pip_environment(
        layer_environment(SECRETS | NETWORK | {"PIP_INDEX_URL": "https://example.com"})
    )
    assert child["PIP_INDEX_URL"] == "https://example.com"
    assert child["HTTPS_PROXY"] == NETWORK["HTTPS_PROXY"]
    assert [value for value in child.values() if "secret-of" in value] == []
