"""Which variables installs get because settings of npm and yarn name them: by whose file it is."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest

from factory.config.environment import Environment, layer_environment, names_to_pass
from factory.errors import ConfigurationError, UsageError
from factory.toolchain.node_environment import node_environment
from factory.toolchain.registry_variables import (
    RegistryVariables,
    refuse_missing,
    registry_variables,
)
from factory.toolchain.runner import ProcessFailed, Runner
from factory.toolchain.settings_references import references_in
from factory.toolchain.yarn import WantedYarn

from .installed_tools import installed_yarn, some_node

if TYPE_CHECKING:
    from pathlib import Path

# A file's name, its text, the variables that it refers to, and those of them that it needs.
REFERENCES = [
    (".yarnrc.yml", 'npmAuthToken: "${A}"', {"A"}, {"A"}),
    (".yarnrc.yml", "npmAuthToken: ${A:-}\nnpmAuthIdent: ${B-x}", {"A", "B"}, set()),
    (".yarnrc.yml", "npmAuthToken: ${A:}", {"A"}, {"A"}),
    (".yarnrc.yml", "# ${A}\nnpmAuthToken: x # ${B}", set(), set()),
    (".yarnrc.yml", "npmAuthToken: 'x # ${A}'", {"A"}, {"A"}),
    (".yarnrc.yml", "npmAuthToken: |\n  # ${A}\n", {"A"}, {"A"}),
    (".yarnrc.yml", r"npmAuthToken: \${A}", set(), set()),
    (".yarnrc.yml", "npmAuthToken: $A ${A.B} ${} ${A", set(), set()),
    (".yarnrc.yml", "a: &x ${A}\nb: [*x, *x]\nc:\n  d: ${B}", {"A", "B"}, {"A", "B"}),
    (".yarnrc.yml", "a: [${A}", set(), set()),
    (".yarnrc.yml", "", set(), set()),
    (".npmrc", "//r/:_authToken=${A}", {"A"}, {"A"}),
    (".npmrc", "//${HOSTED}/:_authToken=${A?}", {"HOSTED", "A"}, {"HOSTED"}),
    (".npmrc", "; ${A}\n# ${B}\n  ;${C}", set(), set()),
    (".npmrc", "//r/:_authToken=x ; ${A}\n//s/:_authToken=x#${B}", set(), set()),
    (".npmrc", r"a=x\;${A}", {"A"}, {"A"}),
    (".npmrc", 'a="x ; ${A}"', {"A"}, {"A"}),
    (".npmrc", r"a=\${A}", set(), set()),
    (".npmrc", r"a=\\${A}", set(), set()),  # ini takes one of the two
    (".npmrc", r"a=\\\\${A}", {"A"}, {"A"}),
    (".npmrc", "a='\"${A}\"'", {"A"}, {"A"}),
    (".npmrc", "a=${A:-b}", {"A:-b"}, {"A:-b"}),  # npm knows no other default than none
    (".yarnrc", 'registry "${A}"', set(), set()),
]


def written(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(("name", "text", "names", "needed"), REFERENCES)
def test_references_are_what_the_programs_replace(
    tmp_path: Path, name: str, text: str, names: set[str], needed: set[str]
) -> None:
    if name == ".yarnrc":
        assert (
            registry_variables(layer_environment({}), written(tmp_path, name, text)).withheld == ()
        )
        return
    found = references_in(written(tmp_path, name, text) / name)
    assert {each.name for each in found} == names
    assert {each.name for each in found if not each.optional} == needed


@pytest.mark.parametrize(
    "text", ["&a [" * 2000, "a: &a [x]\n" + "b: [*a, *a]\n" * 999, "\0", "[" * 9]
)
def test_a_hostile_file_refers_to_nothing(tmp_path: Path, text: str) -> None:
    assert references_in(written(tmp_path, ".yarnrc.yml", text) / ".yarnrc.yml") == ()


SECRETS = {
    name: f"secret of {name}"
    for name in ("ACME_TOKEN", "REGISTRY_PASSWORD", "COSIGN_PASSWORD", "GH_TOKEN", "GITHUB_TOKEN")
}
ASKED = "\n".join(f"//r/{name}/:_authToken=${{{name}}}" for name in SECRETS)


def seen(variables: RegistryVariables, environment: Environment, folder: Path) -> set[str]:
    """The secrets that an install sees."""
    child = node_environment(
        environment, tools=(), temporary=folder, registry_variables=variables, installs=True
    )
    return {value for value in child.values() if value.startswith("secret of")}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (".npmrc", ASKED),
        (".yarnrc.yml", "npmScopes:\n" + "".join(
            f"  s{n}:\n    npmAuthToken: ${{{name}}}\n" for n, name in enumerate(SECRETS))),
    ],
)  # fmt: skip
@pytest.mark.parametrize("where", [".", "packages/nested"])
def test_a_source_gets_nothing_that_the_user_has_not_named(
    tmp_path: Path, name: str, text: str, where: str
) -> None:
    workspace = tmp_path / "source/workspaces/todo"
    written(workspace / where, name, text)
    written(tmp_path / "source", name, text)
    environment = layer_environment(SECRETS | {"HOME": str(tmp_path / "home")})
    assert seen(registry_variables(environment, workspace), environment, tmp_path) == set()


@pytest.mark.parametrize("how", [".env", "--pass-env", "the user's own file"])
def test_a_source_gets_what_the_user_has_named_and_never_the_factorys_own(
    tmp_path: Path, how: str
) -> None:
    workspace = written(tmp_path / "source", ".npmrc", ASKED)
    (tmp_path / ".env").write_text(
        "".join(f"{n}='{v}'\n" for n, v in SECRETS.items()) if how == ".env" else ""
    )
    if how == "the user's own file":
        written(tmp_path / "home", ".npmrc", ASKED)
    environment = layer_environment(
        SECRETS | {"HOME": str(tmp_path / "home")},
        (tmp_path / ".env",),
        passed=frozenset(SECRETS if how == "--pass-env" else ()) & {"ACME_TOKEN"},
    )
    found = registry_variables(environment, workspace)
    assert seen(found, environment, tmp_path) == {"secret of ACME_TOKEN"}


def test_a_file_in_the_source_is_not_the_users_because_it_is_in_the_home_folder(
    tmp_path: Path,
) -> None:
    workspace = written(tmp_path, ".npmrc", ASKED)
    environment = layer_environment(SECRETS | {"HOME": str(tmp_path)})
    assert seen(registry_variables(environment, workspace), environment, tmp_path) == set()


def test_a_user_config_that_is_named_is_the_users_own(tmp_path: Path) -> None:
    written(tmp_path, "npmrc", "//example.com/:_authToken=${CI_TOKEN}\n")
    environment = layer_environment(
        {"npm_config_userconfig": str(tmp_path / "npmrc"), "CI_TOKEN": "x"}
    )
    assert registry_variables(environment).passed == {"CI_TOKEN"}


@pytest.mark.parametrize(
    "name", ["GITHUB_TOKEN", "REGISTRY_PASSWORD", "COSIGN_PASSWORD", "A=b", """ """]
)
def test_what_the_factory_logs_in_with_cannot_be_named(name: str) -> None:
    if not name.strip():
        assert names_to_pass([name]) == frozenset()
        return
    with pytest.raises(UsageError) as caught:
        names_to_pass([f"FINE, {name}"])
    assert "=b" not in str(caught.value)


def test_what_is_named_and_no_secret_reaches_every_program(tmp_path: Path) -> None:
    environment = layer_environment(
        {"FLAVOUR": "dark", "A_TOKEN": "t"}, passed=frozenset({"FLAVOUR", "A_TOKEN"})
    )
    for installs in (True, False):
        child = node_environment(environment, tools=(), temporary=tmp_path, installs=installs)
        assert child["FLAVOUR"] == "dark"
        assert ("A_TOKEN" in child) is installs


def test_a_login_that_is_not_passed_on_is_a_warning_with_the_way_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    workspace = written(tmp_path / "w", ".yarnrc.yml", "npmAuthToken: ${ACME_TOKEN}\n")
    environment = layer_environment(SECRETS)
    with caplog.at_level(logging.WARNING):
        refuse_missing(registry_variables(environment, workspace), environment)
    [record] = caplog.records
    assert "npmAuthToken" in record.getMessage()
    assert "--pass-env ACME_TOKEN" in record.getMessage()


@pytest.mark.parametrize("there", [True, False])
def test_a_setting_that_is_no_login_is_an_error_with_the_way_out(
    tmp_path: Path, there: bool
) -> None:
    workspace = written(tmp_path / "w", ".yarnrc.yml", "npmRegistryServer: ${ACME_URL}\n")
    environment = layer_environment({"ACME_URL": "https://acme.example.com"} if there else {})
    with pytest.raises(ConfigurationError) as caught:
        refuse_missing(registry_variables(environment, workspace), environment)
    assert str(workspace / ".yarnrc.yml") in str(caught.value)
    assert "--pass-env ACME_URL" in str(caught.value)


def test_a_default_of_the_files_own_stays_in_force(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    text = "npmRegistryServer: ${ACME_URL-https://registry.example.com}\n"
    workspace = written(tmp_path / "w", ".yarnrc.yml", text)
    environment = layer_environment({"ACME_URL": "https://other.example.com"})
    found = registry_variables(environment, workspace)
    refuse_missing(found, environment)
    assert found == RegistryVariables()
    assert caplog.records == []


def test_yarn_starts_and_sees_what_is_meant(process: dict[str, str], tmp_path: Path) -> None:
    """Compared with yarn itself: what it needs is there, and defaults are its own."""
    settings = {
        "npmAuthToken": ("${ACME_TOKEN}", ""),
        "npmAuthIdent": ("${SET_TOKEN}:x", "set:x"),
        "npmRegistryServer": ("${ACME_URL-https://registry.example.com}", "https://registry.example.com"),
        "npmPublishRegistry": ("${ACME_URL:-https://publish.example.com}", "https://publish.example.com"),
        "patchFolder": (r"./\${ACME_URL}", str(tmp_path / "w" / "${ACME_URL}")),
    }  # fmt: skip
    text = "".join(f"{name}: '{written}'\n" for name, (written, _) in settings.items())
    workspace = written(tmp_path / "w", ".yarnrc.yml", text + "# ${NEVER_TOKEN}\n")
    (workspace / "package.json").write_text(json.dumps({"name": "w"}))
    (workspace / "yarn.lock").touch()
    node = some_node(process, tmp_path / "node")
    yarn = installed_yarn(
        WantedYarn(version="4.12.0", reason="r"), process, node, tmp_path / "yarn"
    )
    environment = layer_environment(
        process | {"SET_TOKEN": "set", "ACME_TOKEN": "never", "ACME_URL": "https://never"},
        passed=frozenset({"SET_TOKEN"}),
    )
    found = registry_variables(environment, workspace)
    runner = Runner()
    for name, (_, value) in settings.items():
        child = node_environment(
            environment, tools=(yarn.bin_dir, node.bin_dir), temporary=tmp_path,
            registry_variables=found, installs=True,
        )  # fmt: skip
        ask = (yarn.bin_dir / "yarn", "config", "get", "--no-redacted", name)
        assert runner.run(ask, cwd=workspace, env=child).stdout.strip() == value
    child.pop("ACME_TOKEN")
    with pytest.raises(ProcessFailed):  # which is why it is there, and empty
        runner.run(ask, cwd=workspace, env=child)


def test_npm_replaces_what_is_taken_for_a_reference(
    process: dict[str, str], tmp_path: Path
) -> None:
    """Compared with npm itself, over the table above."""
    texts = [text for name, text, _, _ in REFERENCES if name == ".npmrc" and "_auth" not in text]
    node = some_node(process, tmp_path / "node")
    for text in texts:
        workspace = written(tmp_path / "w", ".npmrc", text.replace("a=", "init-author-name=", 1))
        (workspace / "package.json").write_text(json.dumps({"name": "w"}))
        env = process | {"PATH": f"{node.bin_dir}:{process['PATH']}", "A": "REPLACED"}
        ask = (node.bin_dir / "npm", "config", "get", "init-author-name")
        said = Runner().run(ask, cwd=workspace, env=env).stdout
        names = {each.name for each in references_in(workspace / ".npmrc")}
        assert ("REPLACED" in said) is ("A" in names), text
