"""npm's registry protocol, as much of it as finds an archive: a package's versions and tags.

The answers are described at https://github.com/npm/registry (package metadata); which version a
range means is npm-pick-manifest's rule.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

from factory.archives.integrity import ALGORITHMS
from factory.config.package_spec import LATEST
from factory.errors import ConfigurationError, RegistryError
from factory.notation.json_text import parse_object
from factory.oci.web_addresses import is_web_address, web_address
from factory.quantities import pluralize
from factory.values import dataclass
from factory.versions import (
    highest,
    is_range,
    is_version,
    ranges_meet,
    satisfies,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.config.package_spec import PackageSpec
    from factory.installation.npmrc import Npmrc
    from factory.installation.web import Web
    from factory.oci.answers import Answer

_FULL = "application/json"  # has times, and is several times as long
_ACCEPT = "application/vnd.npm.install-v1+json; q=1.0, application/json; q=0.8, */*"
# Addresses of this host in a mirror's answers mean the mirror (npm's replace-registry-host).
_PUBLIC_HOST = "registry.npmjs.org"
_SHOWN_VERSIONS = 5
_LONGEST_VERSION = 256  # npm's own limit (node-semver, MAX_LENGTH)
_MOST_COMPARED = 2000
_ANY = "*"
_BEST = (True, True, True)


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundPackage:
    """A version, its archive's address, and the integrity that ``registry`` says (or nothing).

    That integrity tells that a transfer went well; it proves nothing, as it comes from the very
    registry that gives the archive. ``published`` is when that was, as the registry writes it;
    nothing where it was not asked, or does not say.
    """

    version: str
    url: str
    integrity: str = ""
    registry: str = ""
    published: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionStanding:
    """What npm goes by to prefer one version to another of a range, beside their order."""

    deprecated: bool = False
    runs: bool = True


def find_package(
    package: PackageSpec, npmrc: Npmrc, web: Web, *, dated: bool = False, node: str = ""
) -> FoundPackage:
    """Return the version of a package that is wanted, as its registry has it now.

    Args:
        package: its name, and what is wanted of it.
        npmrc: says which registry is asked, with which login.
        web: the connections.
        dated: whether to ask when it was published.
        node: the range of the Node.js that is to run it; "" for any.

    Raises:
        RegistryError: the registry refuses, or has no such package or version.
        ConfigurationError: a setting of .npmrc cannot be used.
    """
    registry = npmrc.registry(package.scope)
    if not is_web_address(registry):
        raise ConfigurationError(
            "the npm registry's address cannot be used",
            found=registry,
            expected="an http or https address",
            hint="correct registry= in .npmrc",
        )
    url = f"{registry}{quote(package.name, safe='@')}"

    def refusal(answer: Answer) -> RegistryError:
        return _refusal(answer, package, registry, logged_in=bool(npmrc.authorization(url)))

    accept = _FULL if dated else _ACCEPT
    content = web.document(url, accept=accept, authorize=npmrc.authorization, refusal=refusal)
    try:
        document = parse_object(content)
        versions: dict[str, dict[str, Any]] = {
            version: fields
            for version, fields in document["versions"].items()
            if len(version) <= _LONGEST_VERSION and isinstance(fields, dict)
        }
        tags = _texts(document.get("dist-tags"))
        standings = {name: _standing_of(fields, node) for name, fields in versions.items()}
        version = pick_version(package.wanted, standings, tags)
        dist = versions[version]["dist"] if version else {}
        tarball = str(dist["tarball"]) if version else ""
        times = _texts(document.get("time"))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise RegistryError(
            f"the registry's answer about {package.name} cannot be read",
            found=content[:100].decode("utf-8", "replace"),
            expected="a package's metadata, as npm registries give it",
            hint=f"check that {registry} is an npm registry",
        ) from None
    if not version:
        raise _no_version(package, versions, tags, registry)
    return FoundPackage(
        version=version,
        url=_reachable(tarball, registry),
        integrity=_keep_strong_digests(str(dist.get("integrity") or "")),
        registry=registry,
        published=times.get(version, ""),
    )


def pick_version(
    wanted: str, versions: Mapping[str, VersionStanding], tags: Mapping[str, str]
) -> str:
    """Return a version or a tag of that name, or the best in the range; nothing without one.

    As npm does (https://github.com/npm/npm-pick-manifest): of a range the one that is tagged
    ``latest``, if it runs and is not deprecated; else first what runs and is not deprecated, then
    what runs, then what is not deprecated; of these the newest. What is not a semantic version, as
    old packages have (``express`` 1.0.0beta), is in no range.

    Args:
        wanted: a version, a tag or a range.
        versions: the versions that there are, and how each stands.
        tags: the version of each tag.
    """
    if wanted in versions:
        return wanted
    if wanted in tags:
        return tags[wanted] if tags[wanted] in versions else ""
    if not is_range(wanted):
        return ""
    latest = tags.get(LATEST, "")
    # For '*' npm takes even a prerelease that is tagged so, which is in no range that names none.
    fits = wanted == _ANY or (is_version(latest) and satisfies(latest, wanted))
    if fits and latest in versions and _merits(versions[latest]) == _BEST:
        return latest
    known = filter(is_version, versions)
    fitting = [version for version in known if satisfies(version, wanted)]
    best = max((_merits(versions[version]) for version in fitting), default=_BEST)
    return highest(each for each in fitting if _merits(versions[each]) == best) or ""


def fits_node(engines: object, node: str) -> bool:
    """Return whether a package says that it runs on some Node.js of a range; "" is any range.

    Args:
        engines: ``engines.node`` as its package.json has it; one that says nothing runs anywhere.
        node: the range, or a version.
    """
    return not node or not engines or (isinstance(engines, str) and ranges_meet(engines, node))


def _standing_of(fields: Mapping[str, Any], node: str) -> VersionStanding:
    engines = fields.get("engines")
    return VersionStanding(
        deprecated=bool(fields.get("deprecated")),
        runs=fits_node(engines.get("node") if isinstance(engines, dict) else None, node),
    )


def _merits(standing: VersionStanding) -> tuple[bool, bool, bool]:
    current = not standing.deprecated
    return (current and standing.runs, standing.runs, current)


def _texts(value: object) -> dict[str, str]:
    fields = value if isinstance(value, dict) else {}
    return {name: text for name, text in fields.items() if isinstance(text, str)}


def _keep_strong_digests(integrity: str) -> str:
    """Without digests that are too weak to tell anything, which old packages have."""
    return " ".join(word for word in integrity.split() if word.partition("-")[0] in ALGORITHMS)


def _reachable(tarball: str, registry: str) -> str:
    tarball = web_address(tarball, base=registry, what="the archive's address")
    parts, own = urlsplit(tarball), urlsplit(registry)
    if parts.hostname == _PUBLIC_HOST and own.hostname != _PUBLIC_HOST:
        return registry.rstrip("/") + parts.path
    if parts.scheme == "http" and own.scheme == "https" and parts.hostname == own.hostname:
        return parts._replace(scheme="https", netloc=own.netloc).geturl()
    return tarball


def _refusal(
    answer: Answer, package: PackageSpec, registry: str, *, logged_in: bool
) -> RegistryError:
    scope = f"{package.scope}:" if package.scope else ""
    address = registry.partition(":")[2]
    login = f"{address}:_authToken=…"
    match answer.status:
        case 401 | 403:
            problem = f"the npm registry does not show {package.name} to this login"
            hint = (
                "check the token in .npmrc: it may have expired"
                if logged_in
                else f"write {login} into .npmrc"
            )
        case 404:
            problem = f"the npm registry has no package {package.name}"
            hint = (
                f"check the name; for another registry write {scope}registry=https://… into .npmrc"
                + ("" if logged_in else f", and {login} if it is private")
            )
        case _:
            problem = f"the npm registry refuses to answer about {package.name}"
            hint = "try again later, or ask its operator"
    return RegistryError(problem, found=f"HTTP {answer.status} from {registry}", hint=hint)


def _no_version(
    package: PackageSpec,
    versions: Mapping[str, object],
    tags: Mapping[str, str],
    registry: str,
) -> RegistryError:
    near = difflib.get_close_matches(
        package.wanted, list(versions)[-_MOST_COMPARED:], n=_SHOWN_VERSIONS, cutoff=0.5
    )
    shown = [*(f"{version} ({tag})" for tag, version in tags.items()), *near]
    return RegistryError(
        f"the npm registry has no {package}",
        found=f"{pluralize(len(versions), 'version')} at {registry}, among them "
        + ", ".join(list(dict.fromkeys(shown))[: 2 * _SHOWN_VERSIONS]),
        expected="a version, a range or a tag that exists there",
    )
