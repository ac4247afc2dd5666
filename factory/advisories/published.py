"""Published plugins with their bills of materials: of output directories, and of registries.

A plugin whose bill is missing, cannot be read, or is of something else has ``problem`` in its
place: nobody may take it for one that lacks a package.
"""

from __future__ import annotations

import base64
import logging
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from factory.advisories.origin import (
    PluginOrigin,
    find_report,
    origin_in_report,
    origin_in_statement,
)
from factory.attestation.bill import LARGEST_BILL, BillOfMaterials, read_bill
from factory.attestation.provenance import (
    PROVENANCE_SUFFIX,
    SBOM_SUFFIX,
    SBOM_TYPE,
    STATEMENT_TYPE,
    check_statement,
    read_statement,
)
from factory.errors import ArtifactError, CheckError, FactoryError, Interrupted, Place, UsageError
from factory.folders import entries_in, output_folders
from factory.notation.json_text import parse_json
from factory.oci.descriptor import MOST_ENTRIES
from factory.oci.packed_plugin import DYNAMIC_PACKAGES
from factory.oci.pull import pull_document, read_blob
from factory.oci.referrers import list_referrers
from factory.oci.registry import Registry
from factory.oci.target import pull_target
from factory.threads import InheritingPool
from factory.values import dataclass
from factory.verification.packed_plugins import sha256_of
from factory.verification.remote_images import remote_image
from factory.verification.targets import (
    SCHEMES,
    Layout,
    PackedTarget,
    RemoteImage,
    Target,
    UnpackedFolder,
    find_targets,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from factory.attestation.provenance import Statement
    from factory.config.environment import Environment
    from factory.verification.images import FoundImage

log = logging.getLogger(__name__)

_AT_ONCE = 4
_MOST_ATTACHED = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedPlugin:
    """A plugin that is published: its bill of materials, or the ``problem`` of having none.

    ``artifact`` is what the user calls it, ``image`` the digest of the image that it is in,
    ``bill`` what it is made of, and ``bill_from`` the file or the manifest's digest that says so.
    """

    artifact: str
    name: str = ""
    version: str = ""
    image: str = ""
    bill: BillOfMaterials | None = field(default=None, repr=False)
    bill_from: str = ""
    problem: FactoryError | None = None
    origin: PluginOrigin | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _LoneBill:
    """A bill of materials whose artifact is not beside it."""

    file: Path


def find_published(words: Iterable[str]) -> tuple[Target | _LoneBill, ...]:
    """Return what the words name: packed plugins, images, and bills of materials.

    Raises:
        UsageError: a word names none of these.
    """
    found: list[Target | _LoneBill] = []
    for word in words:
        path = Path(word)
        if not word.startswith(SCHEMES) and path.name.endswith(SBOM_SUFFIX) and path.is_file():
            found.append(_LoneBill(file=path))
            continue
        bills = [] if word.startswith(SCHEMES) else list(_lone_bills(path))
        try:
            found += find_targets([word])
        except UsageError:
            if not bills:
                raise
        found += bills
    return tuple(dict.fromkeys(found))


def read_published(
    targets: Sequence[Target | _LoneBill],
    environment: Environment,
    *,
    checkpoint: Callable[[], None],
    platform: str = "",
) -> tuple[PublishedPlugin, ...]:
    """Return the plugins of what :func:`find_published` has found, in its order.

    Args:
        targets: what to read.
        environment: where a registry's login comes from.
        checkpoint: raises when the run was cancelled.
        platform: of an index of images, which; "" is this machine's.

    Raises:
        Interrupted: the run was cancelled.
    """
    read = partial(_read_target, environment=environment, checkpoint=checkpoint, platform=platform)
    with InheritingPool(max_workers=_AT_ONCE, thread_name_prefix="bills") as pool:
        try:
            several = list(pool.map(read, targets))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return tuple(plugin for plugins in several for plugin in plugins)


def _lone_bills(path: Path) -> Iterator[_LoneBill]:
    if not path.is_dir():
        return
    for folder in output_folders(path):
        for file in entries_in(folder):
            archive = file.with_name(file.name.removesuffix(SBOM_SUFFIX))
            if file.name.endswith(SBOM_SUFFIX) and not archive.is_file():
                yield _LoneBill(file=file)


def _read_target(
    target: Target | _LoneBill,
    *,
    environment: Environment,
    checkpoint: Callable[[], None],
    platform: str,
) -> tuple[PublishedPlugin, ...]:
    checkpoint()
    try:
        if isinstance(target, RemoteImage):
            log.info("reading the bills of materials of oci://%s", target.name)
            reached = pull_target(environment, target.name.registry)
            with Registry(reached, checkpoint=checkpoint, reads_only=True) as registry:
                return tuple(_of_image(registry, target, platform))
        if isinstance(target, PackedTarget):
            return (_beside(target.file),)
        if isinstance(target, _LoneBill):
            return (_alone(target.file),)
        return _without_bill(target)
    except Interrupted:
        raise
    except FactoryError as error:
        return (PublishedPlugin(artifact=_show(target), problem=error),)


def _beside(tgz: Path) -> PublishedPlugin:
    """A packed plugin, and the bill beside it."""
    file = tgz.with_name(f"{tgz.name}{SBOM_SUFFIX}")
    if not file.is_file():
        raise ArtifactError(
            "there is no bill of materials beside the plugin",
            place=Place(file=tgz),
            expected=file.name,
            hint="build the plugin again, or take the folder as the build left it",
        )
    bill = _read_file(file)
    try:
        sha256 = sha256_of(tgz)
    except OSError as error:
        raise ArtifactError(
            "the plugin cannot be read",
            place=Place(file=tgz),
            found=error.strerror or str(error),
        ) from error
    if bill.sha256 != sha256:
        raise CheckError(
            "the bill of materials belongs to another artifact",
            place=Place(file=file),
            found=f"SHA-256 {bill.sha256 or 'not named'}",
            expected=f"{sha256}, which {tgz.name} has",
            hint="build the plugin again, so that both come from one build",
        )
    return _with_bill(bill, str(tgz), str(file), _origin_on_disk(tgz, sha256))


def _alone(file: Path) -> PublishedPlugin:
    bill = _read_file(file)
    archive = file.with_name(file.name.removesuffix(SBOM_SUFFIX))
    return _with_bill(bill, str(file), str(file), _origin_on_disk(archive, bill.sha256))


def _read_file(file: Path) -> BillOfMaterials:
    try:
        with file.open("rb") as stream:
            content = stream.read(LARGEST_BILL + 1)
    except OSError as error:
        raise ArtifactError(
            "the bill of materials cannot be read",
            place=Place(file=file),
            found=error.strerror or str(error),
        ) from error
    try:
        return read_bill(content)
    except CheckError as error:
        error.place = Place(file=file)
        raise


def _with_bill(
    bill: BillOfMaterials, artifact: str, bill_from: str, origin: PluginOrigin | None
) -> PublishedPlugin:
    return PublishedPlugin(
        artifact=artifact,
        name=bill.subject.name,
        version=bill.subject.version,
        bill=bill,
        bill_from=bill_from,
        origin=origin,
    )


def _origin_on_disk(tgz: Path, sha256: str) -> PluginOrigin | None:
    """What the report says, which knows the workspace's name, or else the provenance."""
    report = find_report(tgz.parent)
    if report is not None and (origin := origin_in_report(report, tgz.name)):
        return origin
    file = tgz.with_name(f"{tgz.name}{PROVENANCE_SUFFIX}")
    try:
        statement = read_statement(file.read_bytes())
        check_statement(statement, sha256=sha256)
    except FileNotFoundError:
        return None
    except (OSError, CheckError) as error:
        log.warning("%s tells no origin: %s", file, str(error).splitlines()[0])
        return None
    return origin_in_statement(statement)


def _without_bill(target: Layout | UnpackedFolder) -> tuple[PublishedPlugin, ...]:
    """An image on disk is one of the plugins beside it, as far as the report of its run says so."""
    path = target.path if isinstance(target, Layout) else target.folder
    report = find_report(path.parent) if isinstance(target, Layout) else None
    if report and report.has_layout(path.name, {each.name for each in entries_in(path.parent)}):
        return ()
    raise ArtifactError(
        "there is no bill of materials here",
        place=Place(file=path),
        expected="a .tgz with its .cdx.json beside it, or an image in a registry",
        hint="name the folder that the build left, or the image as it was pushed: oci://…",
    )


def _of_image(registry: Registry, target: RemoteImage, platform: str) -> Iterator[PublishedPlugin]:
    """The plugins of an image: those that it names, and those that further bills are about."""
    image = remote_image(registry, target, platform=platform)
    repository = target.name.repository
    bills: dict[str, BillOfMaterials] = {}
    failures: list[FactoryError] = []
    for digest, content in _read_attached(registry, repository, image, SBOM_TYPE, failures):
        try:
            bills[digest] = read_bill(content)
        except CheckError as error:
            error.found = f"{error.found}, in {digest}"
            failures.append(error)
    for failure in failures:
        log.warning("oci://%s: %s", target.name, str(failure).splitlines()[0])
    unsaid: list[FactoryError] = []
    attached = _read_attached(registry, repository, image, STATEMENT_TYPE, unsaid)
    statements = [one for _, content in attached if (one := _statement(content, image, unsaid))]
    for failure in unsaid:
        log.warning("oci://%s: %s", target.name, str(failure).splitlines()[0])
    named = _named_plugins(image)
    if target.plugin:
        named = {folder: of for folder, of in named.items() if folder == target.plugin}
    rest = dict(bills)
    for folder, (name, version) in named.items():
        artifact = f"{image.name}!{folder}" if len(named) > 1 or target.plugin else image.name
        mine = [
            digest
            for digest, bill in bills.items()
            if (bill.subject.name, bill.subject.version) == (name, version)
        ]
        for digest in mine:
            rest.pop(digest, None)
            yield _in_image(image, artifact, digest, bills[digest], statements)
        if not mine:
            yield PublishedPlugin(
                artifact=artifact,
                name=name,
                version=version,
                image=image.digest,
                problem=failures[0] if failures else _missing(image),
            )
    if not named:
        yield PublishedPlugin(
            artifact=image.name, image=image.digest, problem=_nameless(image, target.plugin)
        )
    for digest, bill in rest.items() if not target.plugin else ():
        yield _in_image(image, image.name, digest, bill, statements)


def _read_attached(
    registry: Registry,
    repository: str,
    image: FoundImage,
    kind: str,
    failures: list[FactoryError],
) -> Iterator[tuple[str, bytes]]:
    """What of a type is attached to the image, or to the index that its name leads to."""
    found = dict.fromkeys(
        one.digest
        for digest in dict.fromkeys((image.named, image.digest))
        for one in list_referrers(registry, repository, digest, artifact_type=kind)
    )
    if len(found) > _MOST_ATTACHED:
        failures.append(
            ArtifactError(
                "too much is attached to the image",
                found=f"{len(found)} of {kind}",
                expected=f"at most {_MOST_ATTACHED}",
            )
        )
    for digest in list(found)[:_MOST_ATTACHED]:
        try:
            manifest = pull_document(registry, repository, digest)
            for layer in manifest.layers:
                yield digest, read_blob(registry, repository, layer, limit=LARGEST_BILL)
        except Interrupted:
            raise
        except FactoryError as error:
            failures.append(error)


def _statement(content: bytes, image: FoundImage, failures: list[FactoryError]) -> Statement | None:
    try:
        statement = read_statement(content)
    except CheckError as error:
        failures.append(error)
        return None
    digests = {one.partition(":")[2] for one in (image.named, image.digest)}
    return statement if digests & {one.sha256 for one in statement.subjects} else None


def _in_image(
    image: FoundImage,
    artifact: str,
    digest: str,
    bill: BillOfMaterials,
    statements: Sequence[Statement],
) -> PublishedPlugin:
    about = (one for one in statements if bill.sha256 in {each.sha256 for each in one.subjects})
    statement = next(about, None) if bill.sha256 else None
    return PublishedPlugin(
        artifact=artifact,
        name=bill.subject.name,
        version=bill.subject.version,
        image=image.digest,
        bill=bill,
        bill_from=digest,
        origin=origin_in_statement(statement) if statement else None,
    )


def _named_plugins(image: FoundImage) -> dict[str, tuple[str, str]]:
    """Name and version of each plugin by its folder, as the image's annotation has them."""
    text = image.annotations.get(DYNAMIC_PACKAGES, "")
    try:
        entries = parse_json(base64.b64decode(text, validate=True)) if text else []
    except ValueError:
        return {}
    found: dict[str, tuple[str, str]] = {}
    for entry in entries[:MOST_ENTRIES] if isinstance(entries, list) else ():
        for folder, facts in entry.items() if isinstance(entry, dict) else ():
            known = facts if isinstance(facts, dict) else {}
            found[folder] = (str(known.get("name", folder)), str(known.get("version", "")))
    return found


def _missing(image: FoundImage) -> ArtifactError:
    return ArtifactError(
        "no bill of materials is attached to the image",
        found=f"none of it among the referrers of {image.digest}",
        expected=f"{SBOM_TYPE}, for each plugin in the image",
        hint="push the image with plugin-factory, which attaches it",
    )


def _nameless(image: FoundImage, plugin: str) -> ArtifactError:
    if plugin:
        return ArtifactError(
            "the image has no plugin of this name", found=image.digest, expected=plugin
        )
    return ArtifactError(
        "the image does not say which plugins are in it",
        found=f"no annotation {DYNAMIC_PACKAGES} that can be read",
        expected="the name of each plugin, so that none lacks its bill of materials",
        hint="push the image with plugin-factory, which names them",
    )


def _show(target: Target | _LoneBill) -> str:
    if isinstance(target, RemoteImage):
        return f"oci://{target.name}"
    if isinstance(target, UnpackedFolder):
        return str(target.folder)
    return str(target.path if isinstance(target, Layout) else target.file)
