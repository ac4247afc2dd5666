"""A catalogue's index as an image: on disk, or in a registry and signed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.config.options import ImageOutput
from factory.errors import Place, StorageError, os_errors_as
from factory.files import replace_folder
from factory.installation.plugin_list import DEFAULT_LIST
from factory.oci.image import INDEX_FILE, ImageFacts, build_files_image
from factory.oci.layout import write_archive, write_layout
from factory.oci.push import check_access, push_image
from factory.oci.registry import Registry
from factory.pipeline.attestations import sign_image

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from factory.attestation.keys import PrivateKey
    from factory.catalogue.index_files import CatalogueIndex
    from factory.oci.image import Image
    from factory.oci.push import PushedImage
    from factory.oci.reference import Reference
    from factory.oci.target import RegistryTarget

INDEX_NAME = "plugin-catalog-index"
"""What RHDH's own index images are called."""


def build_index_image(index: CatalogueIndex, reference: Reference, scratch: Path) -> Image:
    """Return an index as an image, usable as long as the folder ``scratch`` is there.

    Raises:
        StorageError: the disk is full.
    """
    facts = ImageFacts(
        title=reference.repository.rpartition("/")[2],
        version=reference.tag,
        created=index.created,
    )
    return build_files_image(index.files, scratch / "index.tar.gz", facts=facts)


def write_index_image(image: Image, reference: Reference, folder: Path, form: ImageOutput) -> Path:
    """Leave an index's image in a folder, as ``NAME-TAG.oci`` or ``.oci.tar``, and return where.

    Raises:
        StorageError: it cannot be written, or something else has the name.
    """
    unwritable = StorageError(
        "the image's folder cannot be made",
        place=Place(file=folder),
        hint="name another with --output-dir",
    )
    with os_errors_as(unwritable):
        folder.mkdir(parents=True, exist_ok=True)
    stem = f"{reference.repository.rpartition('/')[2]}-{reference.tag}"
    write = write_layout if form is ImageOutput.LAYOUT else write_archive
    return write([(image, str(reference))], folder / f"{stem}{form.suffix}")


def write_index_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write the files of an index into a folder of their own, replacing an earlier index alone.

    Raises:
        StorageError: they cannot be written, or the folder holds something else.
    """
    is_index = (folder / DEFAULT_LIST).is_file() and (folder / INDEX_FILE).is_file()
    if folder.exists() and not is_index:
        raise StorageError(
            "the index's files would replace something that is not an index",
            place=Place(file=folder),
            expected=f"a folder that is not there yet, or has {DEFAULT_LIST} and {INDEX_FILE}",
            hint="name another folder with --files",
        )
    unwritable = StorageError(
        "the index's files cannot be written",
        place=Place(file=folder),
        hint="check the folder's permissions and the free disk space",
    )
    with os_errors_as(unwritable):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with replace_folder(folder) as fresh:
            for name, content in files.items():
                (fresh / name).parent.mkdir(parents=True, exist_ok=True)
                (fresh / name).write_bytes(content)


def push_index(
    image: Image,
    reference: Reference,
    target: RegistryTarget,
    *,
    key: PrivateKey | None,
    checkpoint: Callable[[], None],
) -> PushedImage:
    """Push an index's image, sign it where there is a key, and return what the registry has.

    Raises:
        RegistryError: the registry cannot be reached, or refuses.
    """
    with Registry(target, checkpoint=checkpoint) as registry:
        check_access(registry, [reference.repository])
        pushed = push_image(registry, image, reference)
        if key:
            sign_image(registry, reference.repository, reference.name, pushed.digest, key)
    return pushed
