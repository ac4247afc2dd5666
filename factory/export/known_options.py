"""Build arguments as the version of rhdh-cli that runs takes them.

From 1.8.0 on it makes two kinds of assets of a frontend plugin, and has an option to switch each
off; the versions before make those for Scalprum alone, and end with "unknown option". All other
options of ``plugin export`` are the same from 1.7 to 2.0.

Each kind is a run of a bundler, and what no page of the portal loads need not be made: where the
author does not say which kinds there are to be, the portal's profile does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.errors import ExportError
from factory.toolchain.wanted_tools import VARIABLE
from factory.versions import release_of, satisfies

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

_BOTH_KINDS = ">=1.8.0"
# What versions before do anyway, and what they cannot do.
_DONE_ANYWAY = frozenset({"--generate-scalprum-assets", "--no-generate-module-federation-assets"})
_IMPOSSIBLE = frozenset({"--generate-module-federation-assets", "--no-generate-scalprum-assets"})
# What switches a kind off, and the frontend systems of a portal that load it.
_LOADERS = {
    "--no-generate-scalprum-assets": frozenset({"scalprum"}),
    "--no-generate-module-federation-assets": frozenset(
        {"module-federation", "new-frontend-system"}
    ),
}


def asset_options(arguments: Iterable[str], systems: Collection[str]) -> tuple[str, ...]:
    """Return the options that switch off the kinds of assets that a portal does not load.

    Args:
        arguments: the plugin's, as words; where one names a kind, they decide alone.
        systems: the frontend systems of the portal's profile; empty where they are not known.
    """
    if not systems or not (_DONE_ANYWAY | _IMPOSSIBLE).isdisjoint(arguments):
        return ()
    return tuple(each for each, loaders in _LOADERS.items() if loaders.isdisjoint(systems))


def makes_both_kinds(version: str) -> bool:
    """Return whether a version of rhdh-cli makes two kinds of assets, and can leave one out."""
    return satisfies(release_of(version), _BOTH_KINDS)


def fit_arguments(arguments: Sequence[str], version: str) -> tuple[str, ...]:
    """Return the arguments without those that mean nothing to a version of rhdh-cli.

    Raises:
        ExportError: one asks for something that this version cannot do.
    """
    if makes_both_kinds(version):
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
