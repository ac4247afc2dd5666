"""Which variables hold secrets: told by the words of their names.

What counts as a secret is masked in everything that is shown, and held back from child processes,
so both mistakes cost: one too few shows a password, one too many keeps a setting from a build.
"""

from __future__ import annotations

import re

from factory.patterns import lazy_pattern

# A name is cut at what is neither letter nor digit, and where capitals begin: `myApi_KEY` has the
# words MY, API and KEY.
_WORD = lazy_pattern(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_WORDS = frozenset(
    {
        "PASSWORD", "PASSWORDS", "PASSWD", "PASSPHRASE", "PASSCODE", "PASS", "PASSES", "PW", "PWD",
        "PSW", "PSWD", "SECRET", "SECRETS", "TOKEN", "TOKENS", "KEY", "KEYS", "APIKEY", "JWT",
        "CRED", "CREDS", "CREDENTIAL", "CREDENTIALS", "AUTH", "AUTHTOKEN", "AUTHORIZATION", "PAT",
        "BEARER", "COOKIE", "COOKIES", "SAS", "SALT", "OTP", "TOTP", "MNEMONIC", "NETRC", "PEM",
        "WEBHOOK", "IDENT", "SIGNATURE", "DSN",
    }
)  # fmt: skip
# Words that people write in one with another: PGPASS, DBPASSWORD, ACCESSTOKEN, SSHKEY.
_ENDINGS = lazy_pattern(
    r".(?:PASS(?:WORD|WD|PHRASE)?|PWD|SECRET|TOKEN|CREDENTIALS?|CREDS|OAUTH|AUTH|JWT|PAT|KEY)S?$"
)
_BEGINNINGS = lazy_pattern(r"^(?:PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|APIKEY|AUTHTOKEN|OAUTH).")
_ORDINARY = frozenset(
    {
        "BYPASS", "COMPASS", "TRESPASS", "UNDERPASS", "OVERPASS", "ENCOMPASS", "SURPASS",
        "MONKEY", "DONKEY", "TURKEY", "HOCKEY", "JOCKEY", "WHISKEY", "HOTKEY", "HOTKEYS", "KEYPASS",
        "OLDPWD", "TOKENIZE", "TOKENIZER", "TOKENIZERS", "TOKENIZATION", "SECRETARY",
        "SPAT", "COMPAT", "PUBKEY", "PUBLICKEY", "PASSTHROUGH",
    }
)  # fmt: skip
# The last word of a name that looks like a secret, and is not one: REGISTRY_AUTH_FILE, TOKEN_URL.
_ABOUT_ONE = frozenset(
    {
        "FILE", "FILES", "PATH", "DIR", "FOLDER", "URL", "URI", "SOCK", "SOCKET", "ID", "NAME",
        "TYPE", "METHOD", "MODE", "TTL", "EXPIRY", "EXPIRES", "LENGTH", "SIZE", "LIMIT", "COUNT",
        "HOST", "PORT", "ENABLED", "DISABLED", "REQUIRED", "ALGORITHM", "VERSION", "ALIAS",
        "TIMEOUT", "PROVIDER", "ISSUER", "AUDIENCE", "SCOPE", "SCOPES", "REALM", "REQUIRE",
    }
)  # fmt: skip
# Secrets whatever their last word is: who knows the address may write, or is half of the login.
_ALWAYS = lazy_pattern(r"WEBHOOK|(?:^|_)SECRET_ID$|CONN(?:ECTION)?_?STR(?:ING)?$", re.IGNORECASE)
# The folder that a shell is in; and the options --sign-key and --key, which name files.
_NEVER = frozenset(
    {"PWD", "PLUGIN_FACTORY_KEY", "PLUGIN_FACTORY_SIGN_KEY", "PLUGIN_FACTORY_PASS_ENV"}
)


def looks_secret(name: str) -> bool:
    """Whether such a variable holds a secret: NPM_TOKEN and PGPASS do, REGISTRY_AUTH_FILE not."""
    if name.upper() in _NEVER:
        return False
    if _ALWAYS.search(name):
        return True
    words = [word.upper() for word in _WORD.findall(name)]
    if not words or words[-1] in _ABOUT_ONE:
        return False
    return any(
        _is_secret_word(word) and (before not in ("PUBLIC", "PUB") or word not in ("KEY", "KEYS"))
        for before, word in zip(("", *words), words, strict=False)
    )


def _is_secret_word(word: str) -> bool:
    if word in _WORDS:
        return True
    if word in _ORDINARY:
        return False
    return bool(_ENDINGS.search(word) or _BEGINNINGS.search(word))
