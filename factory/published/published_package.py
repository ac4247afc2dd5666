"""One version of a published plugin: found in its registry, fetched, checked and unpacked."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from factory.archives.integrity import check_integrity, integrity_of
from factory.archives.limits import DEFAULT_LIMITS, ArchiveLimits
from factory.archives.npm_package import PACKAGE_FOLDER
from factory.archives.unpack import unpack
from factory.errors import ArtifactError, Place, SourceError
from factory.installation.npm_registry import find_package
from factory.published.pin import PIN_FILE
from factory.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from factory.config.package_spec import PackageSpec
    from factory.installation.npmrc import Npmrc
    from factory.installation.web import Web
    from factory.oci.pull import OnFetched
    from factory.published.pin import Pin

# A package that is packed is text, mostly; a plugin does not unpack to more than this.
_LIMITS = ArchiveLimits(
    entry=DEFAULT_LIMITS.entry, total=1_000_000_000, entries=50_000, ratio=DEFAULT_LIMITS.ratio
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedPackage:
    """A version of a package: where it is, and when it was published.

    ``integrity`` is the registry's until the archive is here, and may be "" till then;
    ``published`` is None where the registry does not say.
    """

    spec: PackageSpec
    version: str
    url: str
    registry: str
    integrity: str = ""
    published: datetime | None = None
    pin: Pin | None = None

    def __str__(self) -> str:
        return f"{self.spec.name}@{self.version}"


def find_published(
    spec: PackageSpec, npmrc: Npmrc, web: Web, *, pin: Pin | None = None, node: str = ""
) -> PublishedPackage:
    """Return the version that is wanted, or the one that is pinned.

    Of a range those are preferred that run on the Node.js of the range ``node``; "" is any.

    Raises:
        RegistryError: the registry refuses, or has no such package or version.
        SourceError: it has another archive of the pinned version.
        ConfigurationError: a setting of .npmrc cannot be used.
    """
    wanted = replace(spec, wanted=pin.version) if pin else spec
    found = find_package(wanted, npmrc, web, dated=True, node=node)
    same_kind = pin and pin.integrity.partition("-")[0] in found.integrity
    if pin and same_kind and pin.integrity not in found.integrity.split():
        raise _other_bytes(pin, found.integrity, found.registry)
    return PublishedPackage(
        spec=spec,
        version=found.version,
        url=found.url,
        registry=found.registry,
        integrity=found.integrity,
        published=parse_time(found.published),
        pin=pin,
    )


def fetch_published(
    package: PublishedPackage, into: Path, npmrc: Npmrc, web: Web, *, on_progress: OnFetched
) -> str:
    """Unpack a package as ``into``, which is not there yet; return its archive's integrity.

    Raises:
        RegistryError: the archive is not given.
        ArtifactError: it is not the one that the registry or the pin says, or unsafe to unpack.
        SourceError: it is not of a pinned version any more.
        StorageError: it cannot be written.
    """
    archive = into.with_name(f".{into.name}.tgz")
    try:
        web.file(
            package.url,
            archive,
            authorize=lambda url: npmrc.authorization(url, registry=package.registry),
            largest=_LIMITS.total,
            on_progress=on_progress,
        )
        if package.integrity:
            check_integrity(archive, package.integrity, name=str(package))
        integrity = integrity_of(archive)
        if package.pin and package.pin.integrity != integrity:
            raise _other_bytes(package.pin, integrity, package.registry)
        files = unpack(archive, into, select=PACKAGE_FOLDER, archive=str(package), limits=_LIMITS)
    finally:
        archive.unlink(missing_ok=True)
    if not files:
        shutil.rmtree(into, ignore_errors=True)
        raise ArtifactError(
            f"the archive of {package} contains no package",
            expected=f"a folder {PACKAGE_FOLDER}, as 'npm publish' makes it",
        )
    return integrity


def _other_bytes(pin: Pin, found: str, registry: str) -> SourceError:
    return SourceError(
        f"{pin.name} {pin.version} is not the archive that was built before",
        place=Place(file=pin.file, line=1),
        found=f"{found} from {registry}",
        expected=pin.integrity,
        hint=f"a published version never changes: find out why it did; only then remove {PIN_FILE}",
    )


def parse_time(text: str) -> datetime | None:
    """Return when something was published, as a registry writes it; None if it cannot be read."""
    try:
        time = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)
