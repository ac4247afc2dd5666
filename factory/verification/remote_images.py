"""Images in a registry, and what is attached to them: signatures and provenance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.attestation.provenance import STATEMENT_TYPE, check_statement, read_statement
from factory.attestation.signature import read_signed_payloads, signature_tag, verify_signature
from factory.errors import CheckError, RegistryError
from factory.oci.pull import fetch_blob, pull_document, pull_manifest, read_blob
from factory.oci.referrers import list_referrers
from factory.values import dataclass
from factory.verification.findings import (
    PROVENANCE,
    SIGNATURE,
    CheckFinding,
    failed_finding,
    finding_of_error,
    passed_finding,
)
from factory.verification.images import FoundImage

if TYPE_CHECKING:
    from pathlib import Path

    from factory.attestation.keys import PublicKey
    from factory.oci.descriptor import Descriptor
    from factory.oci.pull import PulledManifest
    from factory.oci.registry import Registry
    from factory.verification.targets import RemoteImage


_MOST_TRIED = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class RegistryBlobs:
    """The blobs of a repository."""

    registry: Registry
    repository: str

    def blob(self, descriptor: Descriptor, work: Path) -> Path:
        """Fetch the blob into ``work``.

        Raises:
            RegistryError: it is not there, or is another.
            StorageError: the disk is full.
        """
        file = work / descriptor.digest.replace(":", "-")
        fetch_blob(self.registry, self.repository, descriptor, file)
        return file


def remote_image(registry: Registry, target: RemoteImage, *, platform: str = "") -> FoundImage:
    """Return an image of a registry; its manifest is what its digest says.

    Of an index it is the image for ``platform``, as Node.js calls it; "" is this machine's.

    Raises:
        RegistryError: the registry refuses, or has no such image.
    """
    repository = target.name.repository
    named = pull_document(registry, repository, target.name.wanted)
    # By digest from here on: the tag may be moved while we look.
    manifest = pull_manifest(registry, repository, named.digest, platform=platform)
    return FoundImage(
        name=f"oci://{target.name}",
        digest=manifest.digest,
        named=named.digest,
        annotations=manifest.annotations,
        config=manifest.config,
        layers=manifest.layers,
        blobs=RegistryBlobs(registry=registry, repository=repository),
        plugin=target.plugin,
    )


def check_signature(
    registry: Registry, repository: str, digest: str, key: PublicKey
) -> CheckFinding:
    """Return whether the image ``digest`` is signed with the key, as ``cosign verify`` checks it.

    Raises:
        RegistryError: the registry refuses; that there is no signature is a finding.
    """
    tag = signature_tag(digest)
    if registry.get_manifest(repository, tag) is None:
        return failed_finding(
            SIGNATURE,
            "the image is not signed",
            found=f"no {tag}",
            expected="a signature by the key",
            hint="push it with --sign-key, or sign it with 'cosign sign --key'",
        )
    manifest = pull_document(registry, repository, tag)
    if manifest.is_index:
        return failed_finding(
            SIGNATURE,
            "the signatures' tag holds an index",
            found=tag,
            expected="an image whose layers are signatures",
        )
    sizes = {layer.digest: layer for layer in manifest.layers}
    try:
        payloads = read_signed_payloads(
            manifest.content, lambda one: read_blob(registry, repository, sizes[one])
        )
        signed = verify_signature(payloads, key, digest)
    except CheckError as error:
        return finding_of_error(SIGNATURE, error)
    return passed_finding(SIGNATURE, f"as {signed.reference}")


def check_attached_provenance(registry: Registry, repository: str, digest: str) -> CheckFinding:
    """Return whether a provenance statement about the image ``digest`` is attached to it.

    Raises:
        RegistryError: the registry refuses.
    """
    attached = list_referrers(registry, repository, digest, artifact_type=STATEMENT_TYPE)
    if not attached:
        return failed_finding(
            PROVENANCE,
            "no provenance is attached to the image",
            found=f"no {STATEMENT_TYPE} among its referrers",
            expected="a SLSA provenance statement",
            hint="push the image with plugin-factory, which attaches it",
        )
    findings = []
    for one in attached[:_MOST_TRIED]:
        try:
            manifest = pull_document(registry, repository, one.digest)
            return _of_statement(registry, repository, manifest, digest)
        except (CheckError, RegistryError) as error:
            findings.append(finding_of_error(PROVENANCE, error))
    return findings[0]


def _of_statement(
    registry: Registry, repository: str, manifest: PulledManifest, digest: str
) -> CheckFinding:
    if not manifest.layers:
        raise CheckError(
            "the attached provenance is empty",
            found=manifest.digest,
            expected="a SLSA provenance statement as its only layer",
            hint="push the image again with plugin-factory, which attaches it",
        )
    text = read_blob(registry, repository, manifest.layers[0])
    subject = check_statement(read_statement(text), sha256=digest.partition(":")[2])
    return passed_finding(PROVENANCE, f"about {subject.name}")
