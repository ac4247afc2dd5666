"""Whether one may push, found out before anything is built."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from factory.errors import ConfigurationError, RegistryError
from factory.oci.answers import RetryPolicy
from factory.oci.authorization import Challenge, fetch_token
from factory.oci.logins import find_credentials
from factory.oci.push import check_access, check_target
from factory.oci.registry import Registry

from .registries import Server, TokenServer, free_port

if TYPE_CHECKING:
    from pathlib import Path

REPOSITORY = "team/plugins/todo"
QUICK = RetryPolicy(attempts=2, first_wait=0.01)


def test_a_good_login_passes_and_leaves_nothing_behind(protected: Server) -> None:
    check_target(protected.target(), ["team/plugins/access", "team/plugins/access"])

    uploads = protected.storage / "docker/registry/v2/repositories/team/plugins/access/_uploads"
    assert not [path for path in uploads.rglob("*") if path.name in ("data", "startedat")]


def test_a_wrong_password_is_refused_with_what_to_check(protected: Server) -> None:
    with pytest.raises(RegistryError) as caught:
        check_target(protected.target(REGISTRY_PASSWORD="geheim"), [REPOSITORY])

    assert "refuses the login" in str(caught.value)
    assert "REGISTRY_USERNAME and REGISTRY_PASSWORD" in str(caught.value)
    assert "geheim" not in str(caught.value)


def test_no_login_is_refused_with_where_it_was_looked_for(protected: Server) -> None:
    target = protected.target(
        REGISTRY_USERNAME=None, REGISTRY_PASSWORD=None, HOME="/nonexistent", XDG_RUNTIME_DIR=""
    )

    with pytest.raises(RegistryError, match=r"/nonexistent/\.docker/config\.json"):
        check_target(target, [REPOSITORY])


def test_an_auth_file_without_the_registry_is_refused_with_its_name(
    protected: Server, tmp_path: Path
) -> None:
    (tmp_path / "auth.json").write_text('{"auths": {}}')
    target = protected.target(REGISTRY_AUTH_FILE=str(tmp_path / "auth.json"))

    with pytest.raises(RegistryError, match=r"REGISTRY_AUTH_FILE \(.*auth\.json\)"):
        check_target(target, [REPOSITORY])


def test_a_token_server_that_refuses_is_named(tokened: Server, tokens: TokenServer) -> None:
    tokens.refuse_everybody = True

    with pytest.raises(RegistryError, match="token server refuses the login") as caught:
        check_target(tokened.target(), [REPOSITORY])

    assert tokens.realm in str(caught.value)


def test_a_login_that_may_only_read_is_told_so(tokened: Server, tokens: TokenServer) -> None:
    tokens.reads_only = True

    with pytest.raises(RegistryError, match="the login may not push to"):
        check_target(tokened.target(), [REPOSITORY])


def test_a_token_that_the_registry_takes_as_ended_is_asked_for_anew(
    tokened: Server, tokens: TokenServer
) -> None:
    tokens.expired = 1

    with Registry(tokened.target()) as registry:
        registry.start_upload(REPOSITORY)

    assert len(tokens.asked) == 2


def test_tokens_that_have_always_ended_are_refused(tokened: Server, tokens: TokenServer) -> None:
    tokens.expired = 1000

    with pytest.raises(RegistryError, match="refuses the login") as caught:
        check_target(tokened.target(), [REPOSITORY])

    assert "may have expired" in str(caught.value)


def test_a_registry_token_that_has_ended_is_refused_with_the_file_that_holds_it(
    tokened: Server, tokens: TokenServer, tmp_path: Path
) -> None:
    tokens.expired = 1
    token = tokens.grant([f"repository:{REPOSITORY}:pull,push"], "registry of the test")
    file = tmp_path / "auth.json"
    file.write_text(json.dumps({"auths": {tokened.host: {"registrytoken": token}}}))

    with pytest.raises(RegistryError, match="refuses the login") as caught:
        check_target(tokened.target(REGISTRY_AUTH_FILE=str(file)), [REPOSITORY])

    assert str(file) in str(caught.value)
    assert token not in str(caught.value)


def test_a_registry_token_opens_it(tokened: Server, tokens: TokenServer, tmp_path: Path) -> None:
    token = tokens.grant([f"repository:{REPOSITORY}:pull,push"], "registry of the test")
    file = tmp_path / "auth.json"
    file.write_text(json.dumps({"auths": {tokened.host: {"registrytoken": token}}}))

    check_target(tokened.target(REGISTRY_AUTH_FILE=str(file)), [REPOSITORY])

    assert tokens.asked == []


def test_a_password_is_not_told_to_a_token_server_in_the_clear(
    tokened: Server, tokens: TokenServer
) -> None:
    target = tokened.target()
    challenge = Challenge(scheme="bearer", parameters={"realm": tokens.realm, "service": "x"})

    with Registry(target) as registry, pytest.raises(RegistryError, match="unencrypted"):
        fetch_token(
            registry.transport,
            challenge,
            ["repository:x:pull"],
            find_credentials(target, "x"),
            plain_http_allowed=False,
        )

    assert not tokens.asked


def test_a_certificate_of_an_unknown_authority_is_refused(encrypted: Server) -> None:
    with pytest.raises(RegistryError, match="not trusted") as caught:
        check_target(encrypted.target(REGISTRY_INSECURE="false"), [REPOSITORY])

    assert "REGISTRY_CA_FILE" in str(caught.value)


def test_a_registry_without_tls_is_refused_unless_insecure(anonymous: Server) -> None:
    with pytest.raises(RegistryError, match="does not speak TLS") as caught:
        check_target(anonymous.target(REGISTRY_INSECURE="false"), [REPOSITORY])

    assert "REGISTRY_INSECURE=true" in str(caught.value)


def test_a_registry_that_nobody_runs_is_an_error_after_some_attempts() -> None:
    server = Server(host=f"127.0.0.1:{free_port()}", storage=None)  # type: ignore[arg-type]

    with (
        Registry(server.target(), policy=QUICK) as registry,
        pytest.raises(RegistryError, match=r"asked 2 times"),
    ):
        check_access(registry, [REPOSITORY])


def test_a_file_that_is_no_authority_is_refused(anonymous: Server, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nothing")

    with pytest.raises(ConfigurationError, match="certificate authorities"):
        check_target(anonymous.target(REGISTRY_CA_FILE=str(tmp_path / "ca.pem")), [REPOSITORY])


def test_the_process_environment_decides_nothing(
    anonymous: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setitem(os.environ, name, "http://127.0.0.1:1")

    check_target(anonymous.target(), [REPOSITORY])


def test_the_proxy_of_the_environment_given_is_used(anonymous: Server) -> None:
    target = anonymous.target(http_proxy="http://127.0.0.1:1", https_proxy="http://127.0.0.1:1")

    with (
        Registry(target, policy=QUICK) as registry,
        pytest.raises(RegistryError, match="ProxyError"),
    ):
        check_access(registry, [REPOSITORY])


def test_a_registry_in_no_proxy_is_asked_directly(anonymous: Server) -> None:
    target = anonymous.target(http_proxy="http://127.0.0.1:1", no_proxy="127.0.0.0/8")

    check_target(target, [REPOSITORY])
