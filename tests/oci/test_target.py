"""Where images go, as the environment says."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from factory.config.environment import Environment
from factory.errors import ConfigurationError
from factory.oci.target import (
    AuthFileLogin,
    HostLogin,
    RegistryTarget,
    UserLogin,
    registry_target,
)


def target(**variables: str) -> RegistryTarget:
    usual = {"REGISTRY_URL": "quay.io", "REGISTRY_NAMESPACE": "team"}
    return registry_target(Environment(variables=usual | variables))


def test_all_that_is_missing_is_named_at_once_with_where_to_set_it() -> None:
    with pytest.raises(ConfigurationError) as caught:
        registry_target(Environment(variables={}))

    assert "REGISTRY_URL and REGISTRY_NAMESPACE are not set" in str(caught.value)
    assert "configuration directory's .env or in the environment" in str(caught.value)


def test_one_that_is_missing_is_named_alone() -> None:
    with pytest.raises(ConfigurationError, match="REGISTRY_NAMESPACE is not set"):
        registry_target(Environment(variables={"REGISTRY_URL": "quay.io"}))


@pytest.mark.parametrize(
    ("url", "registry", "namespace"),
    [
        ("quay.io", "quay.io", "team"),
        ("https://quay.io/", "quay.io", "team"),
        ("registry.example:5000", "registry.example:5000", "team"),
        ("[::1]:5000", "[::1]:5000", "team"),
        ("https://gitlab.example/group/project", "gitlab.example", "group/project/team"),
    ],
)
def test_the_registrys_address_may_have_a_scheme_and_a_path(
    url: str, registry: str, namespace: str
) -> None:
    found = target(REGISTRY_URL=url)

    assert (found.registry, found.namespace) == (registry, namespace)


@pytest.mark.parametrize(
    "url",
    ["my registry", "quay.io:port", "https://", "user:geheim@quay.io", "quay.io:99999", "[::1]:0"],
)
def test_what_is_no_address_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError, match="not the address") as caught:
        target(REGISTRY_URL=url)

    assert "geheim" not in str(caught.value)


def test_user_and_password_are_a_login(caplog: pytest.LogCaptureFixture) -> None:
    found = target(REGISTRY_USERNAME="me", REGISTRY_PASSWORD="geheim")

    assert found.login == UserLogin(username="me", password="geheim")
    assert "geheim" not in repr(found)
    assert not caplog.records


def test_an_auth_file_wins_over_user_and_password(caplog: pytest.LogCaptureFixture) -> None:
    found = target(
        REGISTRY_AUTH_FILE="/auth.json", REGISTRY_USERNAME="me", REGISTRY_PASSWORD="geheim"
    )

    assert found.login == AuthFileLogin(file=Path("/auth.json"))
    assert "are ignored" in caplog.text


def test_without_either_the_hosts_login_is_used_with_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = target(XDG_RUNTIME_DIR="/run/user/7", HOME="/home/me")

    assert found.login == HostLogin(
        files=(
            Path("/run/user/7/containers/auth.json"),
            Path("/home/me/.config/containers/auth.json"),
            Path("/home/me/.docker/config.json"),
        )
    )
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "REGISTRY_AUTH_FILE" in caplog.text


@pytest.mark.parametrize(
    ("given", "missing"),
    [("REGISTRY_USERNAME", "REGISTRY_PASSWORD"), ("REGISTRY_PASSWORD", "REGISTRY_USERNAME")],
)
def test_half_a_login_is_refused(given: str, missing: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{missing} is not set"):
        target(**{given: "x"})


@pytest.mark.parametrize(
    ("text", "insecure"), [("true", True), ("1", True), ("FALSE", False), ("", False)]
)
def test_insecure_is_a_truth_value(text: str, insecure: bool) -> None:
    assert target(REGISTRY_INSECURE=text).insecure is insecure


def test_insecure_is_nothing_else() -> None:
    with pytest.raises(ConfigurationError, match="REGISTRY_INSECURE is neither true nor false"):
        target(REGISTRY_INSECURE="maybe")


def test_proxies_and_authorities_come_from_the_environment_given() -> None:
    found = target(
        HTTPS_PROXY="http://me:geheim@proxy:3128", no_proxy="localhost", REGISTRY_CA_FILE="/ca.pem"
    )

    assert found.proxies == {
        "https_proxy": "http://me:geheim@proxy:3128",
        "no_proxy": "localhost",
    }
    assert found.ca_files == (Path("/ca.pem"),)
    assert "geheim" not in repr(found)


def test_a_credential_helper_sees_nothing_of_the_build() -> None:
    found = target(PATH="/bin", HOME="/h", AWS_PROFILE="p", NPM_TOKEN="t", REGISTRY_PASSWORD="")

    assert found.helper_environment == {"PATH": "/bin", "HOME": "/h", "AWS_PROFILE": "p"}


@pytest.mark.parametrize("url", ["quay.io:65535", "localhost:1", "[::1]:5000", "[fe80::1234]"])
def test_a_port_that_there_can_be_is_taken(url: str) -> None:
    assert target(REGISTRY_URL=url).registry == url


@pytest.mark.parametrize(
    "given",
    [
        {"REGISTRY_USERNAME": "", "REGISTRY_PASSWORD": ""},
        {"REGISTRY_USERNAME": "robot", "REGISTRY_PASSWORD": " "},
        {"REGISTRY_AUTH_FILE": ""},
        {"REGISTRY_CA_FILE": ""},
    ],
)
def test_a_setting_that_protects_is_not_empty(given: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match="is set but empty"):
        target(**given)
