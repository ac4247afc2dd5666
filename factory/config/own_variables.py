"""The names of the variables that the factory itself reads, and of those that it logs in with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from factory.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

PREFIX = "PLUGIN_FACTORY_"
TRUSTED_CACHE = f"{PREFIX}TRUSTED_CACHE"
WITHOUT_OPTION = frozenset({TRUSTED_CACHE})
"""Those of them that no option has."""
OWN_PREFIXES = (PREFIX, "REGISTRY_", "RHDH_CLI_")

# What images are pushed, signed and sources are cloned with: the business of no build script.
_LOGIN_PREFIXES = (PREFIX, "REGISTRY_", "COSIGN_", "GIT_", "SSH_", "PIP_", "GCM_")
_LOGIN_NAMES = frozenset(
    {
        "GH_TOKEN",
        "GH_ENTERPRISE_TOKEN",
        "GITHUB_TOKEN",
        "GITHUB_ENTERPRISE_TOKEN",
        "GITLAB_TOKEN",
        "KRB5CCNAME",
        "DBUS_SESSION_BUS_ADDRESS",
    }
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def is_own_login(name: str) -> bool:
    """Whether the factory itself logs in with a variable: to a registry, to git, or to sign."""
    return name.startswith(_LOGIN_PREFIXES) or name in _LOGIN_NAMES


def names_to_pass(written: Sequence[str]) -> frozenset[str]:
    """Return the names of ``--pass-env``, which may be repeated and hold several with commas.

    Raises:
        UsageError: one is not a name, or is one that the factory itself logs in with.
    """
    names = [part.strip() for each in written for part in each.split(",") if part.strip()]
    for name in names:
        if not _NAME.fullmatch(name):
            raise UsageError(
                "--pass-env takes the names of variables, without values",
                found=name.partition("=")[0] if "=" in name else name,
                expected="a name such as ACME_NPM_TOKEN, whose value is in the environment or "
                "in the configuration's .env",
            )
        if is_own_login(name):
            raise UsageError(
                f"{name} is what the factory itself logs in with, and is never passed on",
                found=f"--pass-env {name}",
                hint="put what packages need into a variable of another name, such as "
                'ACME_NPM_TOKEN="$' + name + '", and pass that',
            )
    return frozenset(names)
