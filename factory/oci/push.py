"""Images to a registry: what it lacks is sent, and what it then has is read back and compared."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Literal, TypeAlias

from factory.config.options import (
    ImageOutput,
)
from factory.errors import FactoryError, Interrupted
from factory.oci.answers import CHUNK, TemporaryFailure
from factory.oci.descriptor import digest_of
from factory.oci.image import build_image
from factory.oci.layout import write_archive, write_layout
from factory.oci.registry import (
    Registry,
    changed_error,
    vanished_error,
)
from factory.scratch_folder import scratch_folder
from factory.threads import InheritingPool
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from factory.oci.descriptor import Blob
    from factory.oci.image import Image
    from factory.oci.planned_images import PlannedImage
    from factory.oci.reference import Reference
    from factory.oci.target import RegistryTarget


# Registries with several servers may take a moment until all of them know a manifest; seconds.
READ_BACK_WAITS = (0.0, 0.5, 1.0, 2.0)
PARALLEL_PUSHES = 4

BlobState: TypeAlias = Literal["sending", "sent", "present"]


@dataclass(frozen=True, kw_only=True, slots=True)
class BlobProgress:
    """How far a blob of an image is: ``sent`` of ``total`` bytes."""

    reference: Reference
    digest: str
    state: BlobState
    sent: int
    total: int


OnProgress: TypeAlias = "Callable[[BlobProgress], None]"
OnState: TypeAlias = "Callable[[BlobState, int], None]"


@dataclass(frozen=True, kw_only=True, slots=True)
class PushedImage:
    """An image that a registry has, as read back from it. Sizes in bytes.

    ``bytes_sent`` counts blobs that were uploaded; what the registry had already is not in it.
    """

    reference: Reference
    digest: str
    size: int
    bytes_sent: int
    folders: tuple[str, ...]

    @property
    def pinned(self) -> str:
        """The image by digest: ``registry/namespace/name@sha256:…``."""
        return self.reference.with_digest(self.digest)

    @property
    def packages(self) -> tuple[str, ...]:
        """What a ``dynamic-plugins.yaml`` names as ``package``, one for each plugin inside."""
        return tuple(f"oci://{self.pinned}!{folder}" for folder in self.folders)


OnEnd: TypeAlias = "Callable[[Reference, PushedImage | FactoryError], None]"


def check_access(registry: Registry, repositories: Iterable[str]) -> None:
    """Make sure that images can be pushed to ``repositories``, before anything is built.

    An upload session is opened in each and ended at once: only that tells whether a login may
    write, and it transfers nothing. A registry that makes missing repositories makes them here.

    Raises:
        RegistryError: the registry cannot be reached, refuses the login or lets it only read.
        ConfigurationError: REGISTRY_AUTH_FILE or a file of authorities cannot be used.
    """
    for repository in dict.fromkeys(repositories):
        location = registry.start_upload(repository)
        try:
            registry.cancel_upload(repository, location)
        except TemporaryFailure:
            continue  # registries drop forgotten sessions by themselves


def check_target(
    target: RegistryTarget,
    repositories: Iterable[str],
    *,
    checkpoint: Callable[[], None] = lambda: None,
) -> None:
    """As :func:`check_access`, over a conversation of its own; ``checkpoint`` raises to end it."""
    with Registry(target, checkpoint=checkpoint) as registry:
        check_access(registry, repositories)


def push_image(
    registry: Registry,
    image: Image,
    reference: Reference,
    *,
    on_progress: OnProgress | None = None,
) -> PushedImage:
    """Push ``image`` as ``reference`` and return what the registry has of it afterwards.

    Args:
        registry: the conversation; its target's host is the reference's.
        image: what to push.
        reference: its name and tag; a tag that exists is moved.
        on_progress: called from the pushing thread, for each part that was sent.

    Raises:
        RegistryError: the registry cannot be reached, refuses, or does not have the image
            afterwards although it accepted it.
    """
    sent = 0
    for blob in image.blobs:
        sent += push_blob(
            registry,
            reference.repository,
            blob,
            tell=_telling(reference, blob, on_progress) if on_progress else None,
        )
    registry.put_manifest(reference.repository, reference.tag, image.manifest)
    _compare(registry, image, reference)
    return PushedImage(
        reference=reference,
        digest=image.digest,
        size=image.size,
        bytes_sent=sent,
        folders=tuple(plugin.folder for plugin in image.plugins),
    )


def push_images(
    registry: Registry,
    images: Sequence[tuple[Image, Reference]],
    *,
    on_progress: OnProgress | None = None,
    on_end: OnEnd | None = None,
) -> tuple[PushedImage | FactoryError, ...]:
    """Push several images at once; return, in their order, what became of each.

    One that fails does not stop the others. ``on_progress`` and ``on_end``, which is told what
    became of an image as soon as that is known, are called from several threads.

    Raises:
        Interrupted: the conversation's checkpoint ended the run.
    """

    def one(image: Image, reference: Reference) -> PushedImage | FactoryError:
        end: PushedImage | FactoryError
        try:
            end = push_image(registry, image, reference, on_progress=on_progress)
        except Interrupted:
            raise
        except FactoryError as error:
            end = error
        if on_end:
            on_end(reference, end)
        return end

    with InheritingPool(max_workers=PARALLEL_PUSHES) as pool:
        return tuple(pool.map(lambda pair: one(*pair), images))


def push_blob(
    registry: Registry,
    repository: str,
    blob: Blob,
    *,
    tell: OnState | None = None,
) -> int:
    """Make sure that a repository has a blob; return how many bytes had to be sent for that.

    Args:
        registry: the conversation.
        repository: where the blob is to be.
        blob: what is sent, unless the registry has it.
        tell: is told what happens, and how many bytes the registry has.

    Raises:
        RegistryError: the registry cannot be reached, or refuses.
    """
    tell = tell or _untold
    if registry.has_blob(repository, blob.digest):
        tell("present", blob.size)
        return 0
    _upload(registry, blob, repository, tell)
    tell("sent", blob.size)
    return blob.size


def _upload(
    registry: Registry,
    blob: Blob,
    repository: str,
    tell: OnState,
) -> None:
    tries = 0

    def parts() -> Iterator[bytes]:
        sent = 0
        with blob.open() as stream:
            while data := stream.read(CHUNK):
                registry.transport.checkpoint()
                yield data
                sent += len(data)
                tell("sending", sent)

    def attempt() -> None:
        nonlocal tries
        tries += 1
        # The answer to an upload may be lost although the registry has stored it.
        if tries > 1 and registry.has_blob(repository, blob.digest):
            return
        location = registry.start_upload(repository)
        registry.upload(repository, blob, location, parts)

    registry.transport.retry(attempt, registry.base_url())


def _compare(registry: Registry, image: Image, reference: Reference) -> None:
    """Read back what was pushed. Of a tag that is moved a server may have the old image a while."""
    found = None
    for wait in READ_BACK_WAITS:
        registry.transport.pause(wait)
        found = registry.get_manifest(reference.repository, reference.tag)
        if found is not None and digest_of(found) == image.digest:
            return
    if found is None:
        raise vanished_error(str(reference), image.digest)
    raise changed_error(str(reference), image.digest, digest_of(found))


def _telling(reference: Reference, blob: Blob, on_progress: OnProgress) -> OnState:
    def tell(state: BlobState, sent: int) -> None:
        on_progress(
            BlobProgress(
                reference=reference, digest=blob.digest, state=state, sent=sent, total=blob.size
            )
        )

    return tell


def _untold(state: BlobState, sent: int) -> None:
    """Progress that nobody watches."""


@contextlib.contextmanager
def make_images(
    planned: Sequence[PlannedImage], *, jobs: int, checkpoint: Callable[[], None]
) -> Iterator[Mapping[PlannedImage, Image]]:
    """Make the planned images, several at once; they are there until the block ends.

    Layers are in a temporary folder for as long as that.

    Args:
        planned: the images.
        jobs: how many are made at once; each takes a core.
        checkpoint: called before each; raises to end the work.

    Raises:
        Interrupted: ``checkpoint`` ended the run.
        PackError: an archive cannot be made an image of; nothing is made of the others then.
        StorageError: the temporary folder has no space left.
    """
    with scratch_folder("images") as work:

        def made(number: int, one: PlannedImage) -> Image:
            checkpoint()
            return build_image(one.plugins, work / f"{number}.tar.gz", facts=one.facts)

        with InheritingPool(max_workers=jobs) as pool:
            images = list(pool.map(made, range(len(planned)), planned))
        yield dict(zip(planned, images, strict=True))


def write_images(
    images: Mapping[PlannedImage, Image], form: ImageOutput
) -> dict[PlannedImage, Path]:
    """Leave each image beside its plugins, and return where.

    A plugin's image is called like its ``.tgz``, a bundle's by its name and tag, with ``.oci`` (a
    layout folder) or ``.oci.tar`` (an archive) at the end. An earlier one is replaced.

    Raises:
        StorageError: the disk is full, or something else has the name.
    """
    write = write_layout if form is ImageOutput.LAYOUT else write_archive
    return {
        planned: write(
            [(image, str(planned.reference))],
            planned.plugins[0].tgz.with_name(f"{planned.stem}{form.suffix}"),
        )
        for planned, image in images.items()
    }


def publish(
    registry: Registry,
    images: Mapping[PlannedImage, Image],
    *,
    on_progress: OnProgress | None = None,
    on_end: OnEnd | None = None,
) -> dict[PlannedImage, PushedImage | FactoryError]:
    """Push images, several at once; return what became of each.

    Raises:
        Interrupted: the conversation's checkpoint ended the run.
    """
    named = [(image, planned.reference) for planned, image in images.items()]
    ends = push_images(registry, named, on_progress=on_progress, on_end=on_end)
    return dict(zip(images, ends, strict=True))
