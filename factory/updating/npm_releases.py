"""The published versions of a package: which commit each is of, when, and what it needs.

The registry's full document has what the abbreviated one has not: ``gitHead`` and ``time``
("Package Metadata" in the documents of https://github.com/npm/registry). Which registry is asked,
and with which login, says npm's own configuration.
"""

from __future__ import annotations

import json
import re
import threading
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from semver import Version

from factory.analysis.manifest import Manifest, parse_manifest
from factory.config.package_spec import PackageSpec
from factory.errors import RegistryError, SourceError
from factory.installation.npm_registry import VersionStanding, fits_node, pick_version
from factory.notation.json_text import parse_object
from factory.patterns import lazy_pattern
from factory.published.published_package import fetch_published, find_published
from factory.sources.git_refs import FULL_ID
from factory.values import dataclass
from factory.versions import is_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from factory.installation.npmrc import Npmrc
    from factory.installation.web import Web
    from factory.oci.answers import Answer

_MISSING = 404
_NO_LOGIN = frozenset({401, 403})
_LONGEST_VERSION = 256
_NAME = lazy_pattern(r"(?:@[a-z0-9~-][\w.~-]*/)?[A-Za-z0-9~-][\w.~-]*", re.ASCII)
_TIME = lazy_pattern(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """A published version.

    ``commit`` is what its author's npm said that it was published from, "" where it did not.
    ``published`` is an ISO 8601 time in UTC, which sorts as text, or "".
    """

    package: str
    version: Version
    commit: str = ""
    published: str = ""
    deprecated: bool = False
    manifest: Manifest | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return f"{self.package} {self.version}"

    def standing(self, node: str) -> VersionStanding:
        """Return how it stands among those of a range, for a Node.js of a range; "" is any."""
        engines = self.manifest.engines_node if self.manifest else ""
        return VersionStanding(deprecated=self.deprecated, runs=fits_node(engines, node))


@dataclass(frozen=True, kw_only=True, slots=True)
class PackageHistory:
    """All versions that a registry has of a package, deprecated ones too, and what its tags mean.

    ``is_published`` is whether the registry knows the package at all.
    """

    package: str
    everything: tuple[Release, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    is_published: bool = True

    @property
    def releases(self) -> tuple[Release, ...]:
        """The versions that are not deprecated."""
        return tuple(each for each in self.everything if not each.deprecated)

    def find(self, version: str) -> Release | None:
        """Return a version, or None if the registry does not have it."""
        return next((each for each in self.everything if str(each.version) == version), None)

    def find_meaning(self, wanted: str, *, node: str = "") -> Release | None:
        """Return the version that a build takes for a range or a tag; None if there is none.

        ``node`` is the range of the Node.js that is to run it, "" for any.
        """
        known = {str(each.version): each.standing(node) for each in self.everything}
        return self.find(pick_version(wanted, known, self.tags))


class ReleaseBook:
    """The releases of packages, each asked for once. Thread-safe.

    A registry that has given up to answer is not asked again for the next package: it would be as
    patient with each of them.
    """

    def __init__(self, npmrc: Npmrc, web: Web) -> None:
        self._npmrc = npmrc
        self._web = web
        self._lock = threading.Lock()
        self._known: dict[str, PackageHistory] = {}
        self._silent: dict[str, RegistryError] = {}

    def releases(self, package: str) -> tuple[Release, ...]:
        """Return the versions of a package that are not deprecated; none if it is not published.

        Raises:
            RegistryError: the registry refuses, or does not answer.
            ConfigurationError: a setting of .npmrc cannot be used.
        """
        return self.history(package).releases

    def history(self, package: str) -> PackageHistory:
        """Return everything that the registry has of a package.

        Raises:
            RegistryError: the registry refuses, or does not answer.
            ConfigurationError: a setting of .npmrc cannot be used.
        """
        if not _NAME.fullmatch(package):
            return PackageHistory(package=package, is_published=False)
        with self._lock:
            if package in self._known:
                return self._known[package]
        found = self._ask(package)
        with self._lock:
            return self._known.setdefault(package, found)

    def unpack(self, release: Release, into: Path) -> None:
        """Unpack a version's archive as ``into``, which is not there yet.

        Raises:
            FactoryError: it is not given, is not what the registry says, or unsafe to unpack.
        """
        spec = PackageSpec(name=release.package, wanted=str(release.version))
        found = find_published(spec, self._npmrc, self._web)
        fetch_published(found, into, self._npmrc, self._web, on_progress=lambda *_: None)

    def _ask(self, package: str) -> PackageHistory:
        scope = package.partition("/")[0] if package.startswith("@") else ""
        registry = self._npmrc.registry(scope)
        with self._lock:
            if earlier := self._silent.get(registry):
                raise _not_asked_again(earlier, package)
        try:
            content = self._web.document(
                f"{registry}{quote(package, safe='@')}",
                accept="application/json",
                authorize=self._npmrc.authorization,
                refusal=lambda answer: _refusal(answer, package, registry),
            )
        except _NotPublishedError:
            return PackageHistory(package=package, is_published=False)
        except _RefusedError as refused:
            raise refused.error from None
        except RegistryError as error:
            with self._lock:
                self._silent.setdefault(registry, error)
            raise
        return parse_history(content, package, registry)


class _NotPublishedError(Exception):
    pass


class _RefusedError(Exception):
    """An answer about one package, which says nothing of the others."""

    def __init__(self, error: RegistryError) -> None:
        super().__init__(error.problem)
        self.error = error


def parse_history(content: bytes, package: str, registry: str) -> PackageHistory:
    """Return the versions and the tags that a registry's document tells of.

    What is wrong with one version leaves out that version.

    Raises:
        RegistryError: it is not the metadata of a package.
    """
    try:
        document = parse_object(content)
        versions = dict(document["versions"].items())
    except (ValueError, KeyError, AttributeError):
        raise RegistryError(
            f"the registry's answer about {package} cannot be read",
            found=content[:100].decode("utf-8", "replace"),
            expected="a package's metadata, as npm registries give it",
            hint=f"check that {registry} is an npm registry",
        ) from None
    times = document.get("time")
    times = times if isinstance(times, dict) else {}
    tags = document.get("dist-tags")
    tags = tags if isinstance(tags, dict) else {}
    found = (_release(package, text, fields, times) for text, fields in versions.items())
    return PackageHistory(
        package=package,
        everything=tuple(release for release in found if release),
        tags={name: version for name, version in tags.items() if isinstance(version, str)},
    )


def _release(package: str, text: str, fields: object, times: Mapping[str, Any]) -> Release | None:
    if len(text) > _LONGEST_VERSION or not isinstance(fields, dict) or not is_version(text):
        return None
    try:
        version = Version.parse(text)
        manifest = parse_manifest(json.dumps(fields), Path(f"{package}@{text}/package.json"))
    except (ValueError, SourceError):
        return None
    commit, published = str(fields.get("gitHead") or "").lower(), str(times.get(text) or "")
    return Release(
        package=package,
        version=version,
        commit=commit if FULL_ID.match(commit) else "",
        published=published if _TIME.fullmatch(published) else "",
        deprecated=bool(fields.get("deprecated")),
        # What the registry lists as this package is judged as it, whatever its fields say.
        manifest=replace(manifest, name=package),
    )


def _refusal(answer: Answer, package: str, registry: str) -> Exception:
    if answer.status == _MISSING:
        return _NotPublishedError()
    login = f"{registry.partition(':')[2]}:_authToken=…"
    no_login = answer.status in _NO_LOGIN
    return _RefusedError(
        RegistryError(
            f"the npm registry does not show {package}"
            if no_login
            else f"the npm registry refuses to answer about {package}",
            found=f"HTTP {answer.status} from {registry}",
            hint=f"write {login} into .npmrc" if no_login else "try again later",
        )
    )


def _not_asked_again(earlier: RegistryError, package: str) -> RegistryError:
    return RegistryError(
        f"the npm registry was not asked about {package}, since it did not answer before",
        found=earlier.problem,
        hint="run the same command again later, or choose workspaces with --only",
    )
