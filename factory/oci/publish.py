"""Planned images, made: for as long as they are pushed, and left on disk where that is wanted."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from factory.config.image_output import ImageOutput
from factory.oci.image import build_image
from factory.oci.layout import write_archive, write_layout
from factory.oci.push import push_images
from factory.scratch_folder import scratch_folder
from factory.threads import InheritingPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from factory.errors import FactoryError
    from factory.oci.image import Image
    from factory.oci.planned_images import PlannedImage
    from factory.oci.push import OnEnd, OnProgress, PushedImage
    from factory.oci.registry import Registry


@contextlib.contextmanager
def made_images(
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
