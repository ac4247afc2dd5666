"""Auth files of containers and of docker, and credential helpers."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from factory.config.environment import Environment
from factory.errors import ConfigurationError, RegistryError
from factory.oci.logins import find_credentials
from factory.oci.target import registry_target

if TYPE_CHECKING:
    from pathlib import Path

    from factory.oci.logins import Credentials


def login(user: str, password: str = "p") -> dict[str, str]:
    return {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}


def found(
    tmp_path: Path,
    document: dict[str, Any] | str,
    repository: str = "team/todo",
    registry: str = "quay.io",
) -> Credentials | None:
    file = tmp_path / "auth.json"
    text = document if isinstance(document, str) else json.dumps(document)
    file.write_text(text)
    file.chmod(0o444)
    variables = {
        "REGISTRY_URL": registry,
        "REGISTRY_NAMESPACE": "team",
        "REGISTRY_AUTH_FILE": str(file),
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "REGISTRY_TOKEN": "not for helpers",
    }
    result = find_credentials(registry_target(Environment(variables=variables)), repository)
    assert file.read_text() == text  # never written to
    return result


def helper(tmp_path: Path, name: str, script: str) -> None:
    program = tmp_path / f"docker-credential-{name}"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    "key",
    ["quay.io", "https://quay.io", "https://quay.io/v1/", "quay.io/team", "quay.io/team/todo"],
)
def test_containers_and_dockers_keys_are_understood(tmp_path: Path, key: str) -> None:
    credentials = found(tmp_path, {"auths": {key: login("me", "ge:heim")}})

    assert credentials
    assert (credentials.username, credentials.password) == ("me", "ge:heim")


def test_the_longest_namespace_counts(tmp_path: Path) -> None:
    auths = {
        "quay.io": login("host"),
        "quay.io/team": login("team"),
        "quay.io/team/todo": login("todo"),
        "quay.io/te": login("no prefix of a name"),
    }

    def user(repository: str) -> str:
        credentials = found(tmp_path, {"auths": auths}, repository)
        (tmp_path / "auth.json").unlink()
        assert credentials
        return credentials.username

    assert [user(name) for name in ("team/todo", "team/other", "else/todo")] == [
        "todo",
        "team",
        "host",
    ]


def test_another_registrys_login_is_not_ours(tmp_path: Path) -> None:
    assert found(tmp_path, {"auths": {"quay.io.example": login("me")}}) is None


def test_docker_hub_has_one_login_under_its_old_address(tmp_path: Path) -> None:
    auths = {"https://index.docker.io/v1/": login("me")}

    credentials = found(tmp_path, {"auths": auths}, registry="docker.io")

    assert credentials
    assert credentials.username == "me"


def test_an_identity_token_is_taken(tmp_path: Path) -> None:
    entry = {"auth": base64.b64encode(b"00000000:").decode(), "identitytoken": "refresh"}

    credentials = found(tmp_path, {"auths": {"quay.io": entry}})

    assert credentials
    assert credentials.identity_token == "refresh"
    assert "refresh" not in repr(credentials)


def test_a_helper_is_asked_for_its_registry(tmp_path: Path) -> None:
    helper(
        tmp_path,
        "mine",
        'read server; env > "$(dirname "$0")/env"; test "$1 $server" = "get quay.io/team" && '
        'echo \'{"ServerURL":"x","Username":"me","Secret":"geheim"}\'',
    )

    credentials = found(tmp_path, {"credHelpers": {"quay.io/team": "mine"}})

    assert credentials
    assert (credentials.username, credentials.password) == ("me", "geheim")
    assert "geheim" not in repr(credentials)
    assert "not for helpers" not in (tmp_path / "env").read_text()


def test_dockers_store_is_asked_when_the_file_has_only_an_empty_entry(tmp_path: Path) -> None:
    helper(tmp_path, "desktop", 'echo \'{"Username":"<token>","Secret":"refresh"}\'')

    credentials = found(tmp_path, {"auths": {"quay.io": {}}, "credsStore": "desktop"})

    assert credentials
    assert credentials.identity_token == "refresh"


def test_a_helper_that_knows_nothing_is_no_error(tmp_path: Path) -> None:
    helper(tmp_path, "mine", "echo credentials not found in native keychain; exit 1")

    assert found(tmp_path, {"credHelpers": {"quay.io": "mine"}}) is None


def test_a_helper_that_fails_is_an_error_with_what_it_says(tmp_path: Path) -> None:
    helper(tmp_path, "mine", "echo the keyring is locked >&2; exit 1")

    with pytest.raises(RegistryError, match="the keyring is locked"):
        found(tmp_path, {"credHelpers": {"quay.io": "mine"}})


def test_a_helper_that_is_not_installed_is_named(tmp_path: Path) -> None:
    with pytest.raises(RegistryError, match="docker-credential-missing is not installed"):
        found(tmp_path, {"credHelpers": {"quay.io": "missing"}})


def test_a_helpers_nonsense_is_an_error_that_does_not_show_it(tmp_path: Path) -> None:
    helper(tmp_path, "mine", 'echo \'{"Secret": "geheim"}\'')

    with pytest.raises(RegistryError, match="returned no login") as caught:
        found(tmp_path, {"credHelpers": {"quay.io": "mine"}})

    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize("document", ["not json", "[]", '{"auths": []}', '{"auths": "x"}'])
def test_what_is_no_auth_file_is_refused(tmp_path: Path, document: str) -> None:
    if document == '{"auths": []}':
        assert found(tmp_path, document) is None  # docker writes no such thing, but means nothing
        return
    with pytest.raises(ConfigurationError, match="auth file"):
        found(tmp_path, document)


def test_an_entry_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"auths\.quay\.io\.auth"):
        found(tmp_path, {"auths": {"quay.io": {"auth": "!!!"}}})


def test_an_auth_file_that_is_missing_is_named(tmp_path: Path) -> None:
    variables = {
        "REGISTRY_URL": "quay.io",
        "REGISTRY_NAMESPACE": "team",
        "REGISTRY_AUTH_FILE": str(tmp_path / "missing.json"),
    }
    target = registry_target(Environment(variables=variables))

    with pytest.raises(ConfigurationError, match=r"missing\.json"):
        find_credentials(target, "team/todo")


def test_of_the_hosts_files_the_first_with_an_entry_counts(tmp_path: Path) -> None:
    containers = tmp_path / "run" / "containers" / "auth.json"
    docker = tmp_path / ".docker" / "config.json"
    for file, document in (
        (containers, {"auths": {"other.example": login("no")}}),
        (docker, {"auths": {"quay.io": login("docker")}}),
    ):
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(document))
    variables = {
        "REGISTRY_URL": "quay.io",
        "REGISTRY_NAMESPACE": "team",
        "XDG_RUNTIME_DIR": str(tmp_path / "run"),
        "HOME": str(tmp_path),
    }

    credentials = find_credentials(registry_target(Environment(variables=variables)), "team/todo")

    assert credentials
    assert credentials.username == "docker"
