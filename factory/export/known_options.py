"""Build arguments as the version of rhdh-cli that runs takes them.

From 1.8.0 on it makes two kinds of assets of a frontend plugin, and has an option to switch each
off; the versions before make those for Scalprum alone, and end with "unknown option". All other
options of ``plugin export`` are the same from 1.7 to 2.0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.errors import ExportError
from factory.toolchain.wanted_tools import VARIABLE
from factory.versions import release_of, satisfies

if TYPE_CHECKING:
    from collections.abc import Sequence

_BOTH_KINDS = ">=1.8.0"
# What versions before do anyway, and what they cannot do.
_DONE_ANYWAY = frozenset({"--generate-scalprum-assets", "--no-generate-module-federation-assets"})
_IMPOSSIBLE = frozenset({"--generate-module-federation-assets", "--no-generate-scalprum-assets"})


def fit_arguments(arguments: Sequence[str], version: str) -> tuple[str, ...]:
    """Return the arguments without those that mean nothing to a version of rhdh-cli.

    Raises:
        ExportError: one asks for something that this version cannot do.
    """
    if satisfies(release_of(version), _BOTH_KINDS):
        return tuple(arguments)
    for word in arguments:
        if word in _IMPOSSIBLE:
            raise ExportError(
                f"rhdh-cli {version} makes no assets for module federation",
                found=f"the build argument {word}",
                expected=f"rhdh-cli {_BOTH_KINDS}, or assets for Scalprum",
                hint=f"set {VARIABLE} to a newer version, or remove the argument from "
                "plugins-list.yaml",
            )
    return tuple(word for word in arguments if word not in _DONE_ANYWAY)
