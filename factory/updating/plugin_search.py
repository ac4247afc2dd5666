"""Published plugins that npm's search finds, and which version of each fits which portal.

The search is ``GET /-/v1/search`` of the npm registry's API (https://github.com/npm/registry);
what it finds is a plugin if a version's package.json has the role of one.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING
from urllib.parse import quote

from factory.analysis.discovery import PLUGIN_ROLES
from factory.archives.npm_package import is_package_name
from factory.errors import RegistryError
from factory.notation.json_text import parse_object
from factory.outside_text import clean
from factory.threads import InheritingPool
from factory.toolchain.pinned_install import PUBLIC_REGISTRY
from factory.updating.portal_fit import join_fits, judge_ranges
from factory.updating.version_fit import judge_computed_backstage, match_backstage
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from factory.analysis.inventory import HostInventory
    from factory.installation.npmrc import Npmrc
    from factory.installation.web import Web
    from factory.oci.answers import Answer
    from factory.updating.npm_releases import PackageHistory, Release, ReleaseBook

_ECOSYSTEM = "backstage"
# Not everything that is found is a plugin; npm gives at most 250 at once.
_ASKED_PER_WANTED, _MOST_ASKED = 4, 250
# Versions of one package that are held against a portal; who wants older ones knows their numbers.
_MOST_JUDGED = 40
_AT_ONCE = 8
_NO_SEARCH = frozenset({400, 404, 405, 501})
_LONGEST_DESCRIPTION = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class PortalChoice:
    """The newest version that fits a portal, or "" and why the newest of all does not."""

    portal: str
    version: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundPlugin:
    """A published plugin: the version that ``latest`` means, and what portals can take of it.

    ``backstage`` is the release that it was built with, as its dependencies tell, or "".
    """

    release: Release
    role: str
    description: str = field(repr=False)
    backstage: str
    choices: tuple[PortalChoice, ...]

    @property
    def name(self) -> str:
        """The package's name."""
        return self.release.package

    def choose(self, preferred: str) -> PortalChoice | None:
        """Return the portal to build for: of those of the newest version, the preferred or last."""
        fitting = [each for each in self.choices if each.version]
        newest = [each for each in fitting if each.version == str(self.release.version)]
        there = newest or fitting
        return next((e for e in there if e.portal == preferred), there[-1] if there else None)


def search_plugins(
    text: str,
    *,
    most: int,
    npmrc: Npmrc,
    web: Web,
    book: ReleaseBook,
    hosts: Sequence[HostInventory],
) -> tuple[FoundPlugin, ...]:
    """Return the plugins that a text finds, best first as the registry has it.

    Args:
        text: what is searched for.
        most: how many plugins at most.
        npmrc: which registry is asked.
        web: speaks with it.
        book: the versions of what is found.
        hosts: the portals that they are held against, oldest first.

    Raises:
        RegistryError: the registry has no search, refuses, or does not answer.
        ConfigurationError: a setting of .npmrc cannot be used.
    """
    names = _ask(text, most, npmrc, web)
    found: list[FoundPlugin] = []
    with InheritingPool(max_workers=_AT_ONCE, thread_name_prefix="search") as pool:
        for start in range(0, len(names), most):
            some = list(names.items())[start : start + most]
            tasks = [pool.submit(_look_at, name, said, book, hosts) for name, said in some]
            found += [plugin for task in tasks if (plugin := task.result())]
            if len(found) >= most:
                break
    return tuple(found[:most])


def _ask(text: str, most: int, npmrc: Npmrc, web: Web) -> dict[str, str]:
    """The names that are found, with their descriptions."""
    registry = npmrc.registry("")
    words = text if _ECOSYSTEM in text.lower() else f"{text} {_ECOSYSTEM}"
    size = min(_ASKED_PER_WANTED * most, _MOST_ASKED)
    content = web.document(
        f"{registry}-/v1/search?text={quote(words, safe='')}&size={size}",
        accept="application/json",
        authorize=npmrc.authorization,
        refusal=lambda answer: _refusal(answer, registry),
    )
    try:
        objects = parse_object(content)["objects"]
        packages = [each["package"] for each in objects]
        given = {each["name"]: each.get("description") for each in packages}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise RegistryError(
            "the registry's answer to a search cannot be read",
            found=ascii(content[:100].decode("utf-8", "replace")),
            expected="a list of packages, as npm's search gives it",
            hint=f"check that {registry} is an npm registry",
        ) from None
    return {
        name: clean(said)[:_LONGEST_DESCRIPTION] if isinstance(said, str) else ""
        for name, said in given.items()
        if isinstance(name, str) and is_package_name(name)
    }


def _refusal(answer: Answer, registry: str) -> RegistryError:
    has_none = answer.status in _NO_SEARCH
    other = "name another registry in .npmrc"
    if registry != PUBLIC_REGISTRY:
        other = f"npm_config_registry={PUBLIC_REGISTRY} asks the public one"
    return RegistryError(
        "the npm registry has no search" if has_none else "the npm registry refuses to search",
        found=f"HTTP {answer.status} from {registry}",
        hint=other if has_none else f"check the login for {registry} in .npmrc, or try again later",
    )


def _look_at(
    name: str, description: str, book: ReleaseBook, hosts: Sequence[HostInventory]
) -> FoundPlugin | None:
    """What is to be known of a package; None if it is not a plugin."""
    history = book.history(name)
    release = history.find_meaning("latest")
    manifest = release.manifest if release else None
    if release is None or manifest is None or manifest.role not in PLUGIN_ROLES:
        return None
    match = match_backstage(manifest)
    return FoundPlugin(
        release=release,
        role=manifest.role,
        description=description,
        backstage=(match.version if match else None) or "",
        choices=tuple(_choose(history, release, host) for host in hosts),
    )


def _choose(history: PackageHistory, latest: Release, host: HostInventory) -> PortalChoice:
    older = [
        each
        for each in history.releases
        if each.version < latest.version and not each.version.prerelease
    ]
    older.sort(key=lambda each: each.version, reverse=True)
    why = ""
    for release in [latest, *older[:_MOST_JUDGED]]:
        manifest = release.manifest
        if manifest is None or manifest.role not in PLUGIN_ROLES:
            continue
        fit = join_fits(judge_computed_backstage(manifest, host), judge_ranges(manifest, host))
        if not fit.reasons:
            return PortalChoice(portal=host.name, version=str(release.version))
        why = why or fit.reasons[0]
    return PortalChoice(portal=host.name, reason=why)
