"""Secrets taken out of every text that leaves the process: logs, reports, screens, errors."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

MASK = "***"
SHORTEST_SECRET = 4

_SECRET_WORD = re.compile(
    r"(^|_)(PASSWORD|PASSWD|PASSPHRASE|SECRET|TOKEN|CREDENTIALS?|AUTH|AUTHTOKEN|KEY|PAT)(_|$)",
    re.IGNORECASE,
)
# The options --sign-key and --key name files.
_NOT_SECRET = re.compile(r"_(FILE|PATH|URL|SOCK|ID)$|^PLUGIN_FACTORY_(SIGN_)?KEY$", re.IGNORECASE)
_URL_USER = re.compile(r"(?<=://)[^/\s@'\"]+(?=@)")


def looks_secret(name: str) -> bool:
    """Whether such a variable holds a secret: NPM_TOKEN does, REGISTRY_AUTH_FILE does not."""
    return bool(_SECRET_WORD.search(name)) and not _NOT_SECRET.search(name)


@dataclass(frozen=True, kw_only=True, slots=True)
class Redactor:
    """Masks known secret values, and the user part of any URL, in texts.

    ``secrets`` is in descending order of length, so that a secret that contains another is masked
    whole. Values shorter than four characters are not masked: they would hide ordinary words.
    """

    secrets: tuple[str, ...] = field(default=(), repr=False)

    def __call__(self, text: str) -> str:
        """Return ``text`` with every secret replaced by ``***``."""
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return _URL_USER.sub(_masked_user, text) if "@" in text else text


def _masked_user(match: re.Match[str]) -> str:
    """``git@host`` tells nothing secret and stays; ``user:password@`` and ``token@`` do not."""
    return match[0] if match[0] in {"git", "ssh"} else MASK


def redactor_for(*layers: Mapping[str, str]) -> Redactor:
    """Return a redactor for the values of all variables whose names say that they are secret.

    Several layers may give one name several values: all of them are masked.
    """
    values = {
        value.strip("'\"")
        for variables in layers
        for name, value in variables.items()
        if looks_secret(name)
    }
    known = (value for value in values if len(value) >= SHORTEST_SECRET)
    return Redactor(secrets=tuple(sorted(known, key=len, reverse=True)))
