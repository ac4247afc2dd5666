"""What is inspected, unpacked: an archive, an image in a registry, or a folder as it is."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from factory.archives.npm_package import PACKAGE_FOLDER
from factory.archives.safe_folder import walk_safely
from factory.archives.unpack import unpack
from factory.errors import Place, UsageError
from factory.installation.connections import Connections
from factory.installation.obtain import obtain
from factory.installation.package_reference import parse_image
from factory.installation.plugin_list import ListedPlugin
from factory.scratch_folder import scratch_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from factory.installation.connections import ConnectionOptions

_IMAGE = "oci://"


@contextlib.contextmanager
def open_artifact(
    artifact: str, options: ConnectionOptions, on_progress: Callable[[int, int], None]
) -> Iterator[Path]:
    """Yield the folder of a plugin, which is gone afterwards unless it is the user's own.

    Args:
        artifact: a ``.tgz``, a folder, or ``oci://REGISTRY/REPOSITORY:TAG``, with ``!FOLDER`` for
            one plugin of several.
        options: how registries are reached, and what an archive may hold.
        on_progress: called with the bytes that are there, and with all that there will be.

    Raises:
        UsageError: there is no such file or folder, or the image has no version.
        ArtifactError: it is not safe to unpack, or the image has several plugins.
        RegistryError: the registry does not give it.
    """
    with scratch_folder("inspect") as scratch:
        folder = scratch / "plugin"
        if artifact.startswith(_IMAGE):
            entry = ListedPlugin(package=parse_image(artifact), place=Place(file=Path(artifact)))
            with Connections(options, scratch) as connections:
                obtain(entry, folder, connections, on_progress)
            yield folder
            return
        path = Path(artifact)
        if path.is_dir():
            for _ in walk_safely(path):
                pass
            yield path
            return
        if not path.is_file():
            raise UsageError(
                "there is no plugin here",
                found=artifact,
                expected="a .tgz, the folder of an unpacked plugin, or an image, oci://…",
                hint="build first: plugin-factory build --output-dir ./outputs",
            )
        unpack(path, folder, select=PACKAGE_FOLDER, limits=options.limits)
        yield folder
