"""``.npmrc``: files, variables, and which address a login is for."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest

from factory.errors import ConfigurationError
from factory.installation.npmrc import Npmrc, read_npmrc

if TYPE_CHECKING:
    from pathlib import Path


def npmrc(folder: Path, text: str, **variables: str) -> Npmrc:
    (folder / ".npmrc").write_text(text, encoding="utf-8")
    return read_npmrc(folder, {"NPM_CONFIG_GLOBALCONFIG": "/dev/null"} | variables)


def test_without_any_file_it_is_the_public_registry(tmp_path: Path) -> None:
    found = read_npmrc(tmp_path, {"NPM_CONFIG_GLOBALCONFIG": "/dev/null"})
    assert found.registry("") == found.registry("@acme") == "https://registry.npmjs.org/"
    assert found.authorization("https://registry.npmjs.org/x") == ""
    assert found.secrets == ()


def test_the_nearest_file_wins(tmp_path: Path) -> None:
    for name, registry in (("user", "https://user/"), ("global", "https://global/")):
        (tmp_path / name).write_text(f"registry={registry}\n@{name}:registry={registry}\n")
    found = npmrc(
        tmp_path,
        "registry=https://project\n",
        NPM_CONFIG_USERCONFIG=str(tmp_path / "user"),
        NPM_CONFIG_GLOBALCONFIG=str(tmp_path / "global"),
    )
    assert found.registry("") == "https://project/"
    assert found.registry("@user") == "https://user/"
    assert found.registry("@global") == "https://global/"
    variable = npmrc(tmp_path, "registry=https://project\n", npm_config_registry="https://own")
    assert variable.registry("") == "https://own/"


def test_the_users_file_is_in_the_home_folder(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".npmrc").write_text("registry=https://home/\n")
    found = read_npmrc(tmp_path, {"HOME": str(home), "NPM_CONFIG_GLOBALCONFIG": "/dev/null"})
    assert found.registry("") == "https://home/"


@pytest.mark.parametrize(
    ("url", "token"),
    [
        ("https://npm.example/", "host"),
        ("https://npm.example/todo", "host"),
        ("https://npm.example/private/todo", "path"),
        ("https://npm.example/private/todo/-/todo-1.tgz", "path"),
        ("https://npm.example/privates/todo", "host"),
        ("https://npm.example:8443/todo", "port"),
        ("https://other.example/npm.example/", None),
        ("https://npm.example.evil/", None),
        ("https://xnpm.example/", None),
    ],
)
def test_a_login_is_for_the_address_that_it_is_written_for(
    tmp_path: Path, url: str, token: str | None
) -> None:
    found = npmrc(
        tmp_path,
        "//npm.example/:_authToken=host\n"
        "//npm.example/private:_authToken=path\n"
        "//npm.example:8443/:_authToken=port\n",
    )
    assert found.authorization(url) == (f"Bearer {token}" if token else "")


def test_the_ini_form(tmp_path: Path) -> None:
    found = npmrc(
        tmp_path,
        "\ufeff; a comment\n"
        "# another\n"
        "\n"
        '  registry = "https://quoted/"  \n'
        "@acme:registry=https://acme/ ; why\n"
        "//acme/:_authToken = ${TOKEN}\n"
        "//${HOST}/:_authToken = x-${TOKEN}-${NOT_SET?}y\n"
        "a line without a sign\n"
        "[section]\n"
        "@late:registry=https://late/\n",
        TOKEN="t0ken",
        HOST="named.example",
    )
    assert found.registry("") == "https://quoted/"
    assert found.registry("@acme") == "https://acme/"
    assert found.registry("@late") == "https://quoted/"
    assert found.authorization("https://acme/x") == "Bearer t0ken"
    assert found.authorization("https://named.example/x") == "Bearer x-t0ken-y"


def test_a_variable_may_hold_a_whole_login(tmp_path: Path) -> None:
    found = npmrc(tmp_path, "", **{"npm_config_//npm.example/:_authToken": "AbC"})
    assert found.authorization("https://npm.example/x") == "Bearer AbC"


def test_secrets_are_known_in_every_form(tmp_path: Path) -> None:
    pair = base64.b64encode(b"user:one password").decode()
    password = base64.b64encode(b"another password").decode()
    found = npmrc(
        tmp_path,
        f"//a/:_authToken=a-token\n//b/:_auth={pair}\n"
        f"//c/:username=u\n//c/:_password={password}\nhttps-proxy=http://u:proxy-word@proxy:1\n",
    )
    expected = {"a-token", pair, "one password", password, "another password", "proxy-word"}
    assert expected <= set(found.secrets)
    assert found.proxies == {"https_proxy": "http://u:proxy-word@proxy:1"}
    assert "a-token" not in repr(found)


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    found = npmrc(tmp_path, "\n//a/:username=u\n//a/:_password=%%\n")
    with pytest.raises(ConfigurationError) as error:
        found.authorization("https://a/x")
    assert error.value.place
    assert error.value.place.line == 3
    assert "%%" not in str(error.value)

    (tmp_path / ".npmrc").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(ConfigurationError, match="npm configuration cannot be read"):
        read_npmrc(tmp_path, {})
