"""No secret of an environment in anything that is shown, in no form in which programs print it."""

from __future__ import annotations

import base64
import json
import shlex
from collections.abc import Callable
from html import escape
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.redaction import redactor_for, redactor_of
from factory.secret_names import looks_secret

_SECRET_NAMES = """
    DB_PASS PGPASS DBPASSWORD MYSQL_PWD REDISCLI_AUTH APIKEY API_KEY X_APIKEY OPENAI_API_KEY
    CI_JOB_JWT CI_JOB_JWT_V2 CI_JOB_TOKEN ID_TOKEN ACCESSTOKEN GITHUB_PAT GHPAT AZURE_DEVOPS_PAT
    NPM_TOKEN NODE_AUTH_TOKEN npm_config__authToken npm_config_//r.example.com/:_authToken
    YARN_NPM_AUTH_IDENT AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN DOCKER_AUTH_CONFIG SSH_PRIVATE_KEY
    SSHKEY SIGNING_KEY COSIGN_PASSWORD REGISTRY_PASSWORD passPhrase dbPassword VAULT_SECRET_ID
    SLACK_WEBHOOK_URL SESSION_COOKIE BASIC_AUTH CREDS GCP_CREDENTIALS SENTRY_DSN PASSWORD1
    AZURE_STORAGE_CONNECTION_STRING SAS_TOKEN TOKEN2 secrets_json
"""
SECRET_NAMES = _SECRET_NAMES.split()
_PLAIN_NAMES = """
    PATH PWD OLDPWD HOME LANG REGISTRY_AUTH_FILE REGISTRY_URL AWS_ACCESS_KEY_ID SSH_AUTH_SOCK
    TOKEN_URL AUTH_TYPE MONKEY_PATCH BYPASS_CACHE GIT_AUTHOR_NAME AUTHOR KEYBOARD_LAYOUT COMPASS
    NODE_OPTIONS PUBLIC_KEY PASSWORD_FILE TOKENIZERS_PARALLELISM COMPAT_MODE CI_COMMIT_SHA
    PLUGIN_FACTORY_PASS_ENV PLUGIN_FACTORY_SIGN_KEY PATTERN SPATIAL AUTHENTICATED_HOST
"""
PLAIN_NAMES = _PLAIN_NAMES.split()
PEM = (
    "-----BEGIN PRIVATE KEY-----\n"
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj\nAgEAAoIBAQC7VJTUt9Us8cKj\n"
    "Ag==\n-----END PRIVATE KEY-----\n"
)


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_these_hold_secrets(name: str) -> None:
    assert looks_secret(name)


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_these_hold_none(name: str) -> None:
    assert not looks_secret(name)


@pytest.mark.parametrize(
    "written", [PEM, PEM.replace("\n", "\r\n"), PEM.strip().replace("\n", "\\n")]
)
def test_of_a_secret_of_several_lines_each_is_masked(written: str) -> None:
    redact = redactor_for({"SIGNING_KEY": written})
    for line in PEM.splitlines()[1:-1]:
        assert redact(f"x {line} y") == "x *** y"
    assert redact("-----BEGIN PRIVATE KEY-----") == "-----BEGIN PRIVATE KEY-----"


def test_secrets_inside_a_document_are_masked() -> None:
    account = json.dumps(
        {"type": "service_account", "private_key": PEM, "n": [{"token": "abcdefg1"}]}
    )
    redact = redactor_for({"GOOGLE_CREDENTIALS": account})
    assert "MIIEv" not in redact(PEM)
    assert redact("abcdefg1 service_account") == "*** service_account"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("https://u:p@ss@host/x", "https://***@host/x"),
        ("https://u:p/a@host/x", "https://***@host/x"),
        ("https://token@host and http://u:p@h:80", "https://***@host and http://***@h:80"),
        ("https://u:p%40ss@[::1]:5000/", "https://***@[::1]:5000/"),
        ("ssh://git@host/x git@host:x", "ssh://git@host/x git@host:x"),
        ("https://h:8080/@scope/x https://h/a@1.0", "https://h:8080/@scope/x https://h/a@1.0"),
        ("Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic ***"),
        ("> authorization: Bearer abc.def-ghi", "> authorization: Bearer ***"),
        ('{"Authorization":"token ghp_1234"}', '{"Authorization":"token ***"}'),
        ("PRIVATE-TOKEN: glpat-1234", "PRIVATE-TOKEN: ***"),
        ("//r/:_authToken=npm_abc", "//r/:_authToken=***"),
        ("//r/:_authToken = npm_abc", "//r/:_authToken = ***"),
        ("//r/:_password=YWJj", "//r/:_password=***"),
        ("_auth=dTpw", "_auth=***"),
        ('npmAuthToken: "abc-def"', 'npmAuthToken: "***"'),
        ("//r/:_authToken=${NPM_TOKEN}", "//r/:_authToken=${NPM_TOKEN}"),
        ("write //r/:_authToken=… into .npmrc", "write //r/:_authToken=… into .npmrc"),
        ("an author's token, authorized", "an author's token, authorized"),
    ],
)
def test_what_stands_where_a_secret_does_is_masked(text: str, masked: str) -> None:
    assert redactor_of(())(text) == masked


@pytest.mark.parametrize("value", ["true", "no", "abc", "4096", "", "none"])
def test_ordinary_words_stay(value: str) -> None:
    assert redactor_for({"USE_AUTH": value})(f"x {value} y") == f"x {value} y"


def test_secrets_that_overlap_are_masked_whole() -> None:
    redact = redactor_for({"A_TOKEN": "abcdef", "B_TOKEN": "defghi"})
    assert redact("abcdefghi!") == "***!"


SECRET = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")),
                 min_size=9, max_size=30)  # fmt: skip
FORMS: list[Callable[[str], str]] = [
    str,
    lambda s: base64.b64encode(s.encode()).decode(),
    lambda s: base64.b64encode(f"user:{s}".encode()).decode(),
    lambda s: base64.b64encode(f"x{s}".encode()).decode(),
    lambda s: base64.urlsafe_b64encode(f"ab{s}c".encode()).decode(),
    lambda s: quote(s, safe=""),
    quote_plus,
    json.dumps,
    shlex.quote,
    lambda s: f"https://user:{quote(s, safe='')}@example.com/x",
    escape,
]


@given(st.dictionaries(st.sampled_from(SECRET_NAMES), SECRET, min_size=1, max_size=3), st.data())
def test_no_secret_of_an_environment_is_shown_in_any_form(
    environment: dict[str, str], data: st.DataObject
) -> None:
    redact = redactor_for(environment)
    for value in environment.values():
        secret = value.strip("'\" ")
        if secret.isdigit() or len(secret) < 9:
            continue
        form = data.draw(st.sampled_from(FORMS))
        before, after = data.draw(st.text(max_size=5)), data.draw(st.text(max_size=5))
        said = redact(f"{before}{form(secret)}{after}")
        core = form(secret)[6:-6] if len(form(secret)) > 20 else form(secret)
        assert secret not in said
        assert core not in said or core in before + after
        assert redact(said) == said
