"""What is said of artifacts, attached to their images; and images signed."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from factory.attestation.provenance import (
    PROVENANCE_SUFFIX,
    STATEMENT_TYPE,
    Subject,
    with_subject,
)
from factory.attestation.sbom import SBOM_SUFFIX, SBOM_TYPE
from factory.attestation.signature import (
    CONFIG_TYPE,
    MANIFEST_TYPE,
    SIMPLE_SIGNING_TYPE,
    signature_image,
    signature_tag,
)
from factory.errors import FactoryError, Interrupted
from factory.threads import InheritingPool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from factory.attestation.keys import PrivateKey
    from factory.config.environment import Environment
    from factory.oci.planned_images import PlannedImage
    from factory.oci.push import PushedImage
    from factory.oci.registry import Registry

    _End: TypeAlias = PushedImage | FactoryError

_AT_ONCE = 4


def signing_key(file: Path | None, environment: Environment) -> PrivateKey | None:
    """Return the key that ``--sign-key`` names; its passphrase is in COSIGN_PASSWORD.

    Raises:
        ConfigurationError: the file holds no usable key, or the passphrase is not the key's.
    """
    from factory.attestation.keys import PASSPHRASE_VARIABLE, read_private_key  # noqa: PLC0415 - late

    if file is None:
        return None
    return read_private_key(file, passphrase=environment.get(PASSPHRASE_VARIABLE))


def attest_images(
    registry: Registry, ends: Mapping[PlannedImage, _End], *, key: PrivateKey | None
) -> dict[PlannedImage, _End]:
    """Attach what is beside artifacts to their images, sign them; return what became of each.

    Args:
        registry: the conversation that the images were pushed over.
        ends: the images, with the artifacts that each holds, and what became of each.
        key: what to sign with; None to sign nothing.

    Raises:
        Interrupted: the conversation's checkpoint ended the run.
    """

    def attested(image: PlannedImage, end: _End) -> _End:
        if isinstance(end, FactoryError):
            return end
        try:
            attach_statements(registry, end, [plugin.tgz for plugin in image.plugins])
            if key:
                sign_image(registry, end.reference.repository, end.reference.name, end.digest, key)
        except Interrupted:
            raise
        except FactoryError as error:
            return error
        return end

    with InheritingPool(max_workers=_AT_ONCE) as pool:
        return dict(zip(ends, pool.map(attested, ends, ends.values()), strict=True))


def attach_statements(registry: Registry, image: PushedImage, artifacts: Sequence[Path]) -> None:
    """Attach the bills of materials and the provenance of an image's plugins, where they exist.

    The provenance that is attached is about the image too.

    Raises:
        RegistryError: the registry refuses.
        CheckError: a file that should be a provenance statement is none.
    """
    from factory.oci.artifact_manifest import TITLE  # noqa: PLC0415 - late: only of pushes
    from factory.oci.blob import blob_of  # noqa: PLC0415
    from factory.oci.pull import pull_document  # noqa: PLC0415
    from factory.oci.referrers import attach  # noqa: PLC0415

    repository = image.reference.repository
    contents = list(_statements(image, artifacts))
    if not contents:
        return
    subject = pull_document(registry, repository, image.digest).descriptor
    for name, media_type, content in contents:
        registry.transport.checkpoint()
        attach(
            registry,
            repository,
            subject,
            artifact_type=media_type,
            blobs=[blob_of(content, media_type)],
            titles=[name],
            annotations={TITLE: name},
        )


def sign_image(
    registry: Registry, repository: str, name: str, digest: str, key: PrivateKey
) -> None:
    """Sign an image as cosign does; signatures by others stay, and one by this key is not repeated.

    Args:
        registry: the conversation.
        repository: the image's.
        name: the image's name with the registry, without a tag: what the signature says it is of.
        digest: the image's digest.
        key: what to sign with.

    Raises:
        RegistryError: the registry refuses.
        CheckError: what is under the signatures' tag is no image.
    """
    from factory.oci.blob import blob_of  # noqa: PLC0415 - late: only pushes speak to registries
    from factory.oci.push import push_blob  # noqa: PLC0415

    tag = signature_tag(digest)
    made = signature_image(name, digest, key, existing=registry.get_manifest(repository, tag))
    if made is None:
        return
    push_blob(registry, repository, blob_of(made.payload, SIMPLE_SIGNING_TYPE))
    push_blob(registry, repository, blob_of(made.config, CONFIG_TYPE))
    registry.put_manifest(repository, tag, blob_of(made.manifest, MANIFEST_TYPE))


def _statements(image: PushedImage, artifacts: Sequence[Path]) -> Iterator[tuple[str, str, bytes]]:
    for tgz in artifacts:
        materials = tgz.with_name(f"{tgz.name}{SBOM_SUFFIX}")
        if materials.is_file():
            yield materials.name, SBOM_TYPE, materials.read_bytes()
        statement = tgz.with_name(f"{tgz.name}{PROVENANCE_SUFFIX}")
        if statement.is_file():
            about = Subject(name=image.reference.name, sha256=image.digest.partition(":")[2])
            text = with_subject(statement.read_text(encoding="utf-8"), about)
            yield statement.name, STATEMENT_TYPE, text.encode("utf-8")
