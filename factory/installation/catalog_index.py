"""Catalogues' indexes: images with a portal's default list of plugins and a catalogue's entities.

``CATALOG_INDEX_IMAGE`` names the one whose ``dynamic-plugins.default.yaml`` takes the place of the
file of that name among a list's includes; ``EXTRA_CATALOG_INDEX_IMAGES`` further ones, for their
entities alone. Both are variables of RHDH's installer, as are the places that entities go to. They
are extracted only where ``CATALOG_ENTITIES_EXTRACT_DIR`` says where to.
"""

from __future__ import annotations

import contextlib
import logging
import re
import shutil
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from factory.archives.safe_folder import walk_safely
from factory.archives.unpack import unpack
from factory.errors import ConfigurationError, Place, StorageError, UsageError, os_errors_as
from factory.files import replace_folder
from factory.installation.connections import Connections
from factory.installation.package_reference import OciPackage
from factory.installation.plugin_list import DEFAULT_LIST, DefaultList
from factory.oci.names import image_name
from factory.oci.pull import pull_manifest
from factory.patterns import lazy_pattern
from factory.scratch_folder import scratch_folder
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from factory.config.environment import Environment
    from factory.installation.connections import ConnectionOptions

log = logging.getLogger(__name__)

INDEX_IMAGE = "CATALOG_INDEX_IMAGE"
EXTRA_IMAGES = "EXTRA_CATALOG_INDEX_IMAGES"
EXTRACT_DIR = "CATALOG_ENTITIES_EXTRACT_DIR"
_ENTITIES = "catalog-entities"
# The newer name before the older one.
_ENTITY_FOLDERS = (f"{_ENTITIES}/extensions", f"{_ENTITIES}/marketplace")
_NAME = lazy_pattern(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_LATEST = "latest"


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedIndex:
    """An index to fetch; ``name`` is the folder of its entities, "" for the portal's own."""

    image: OciPackage
    name: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class FetchedIndex:
    """An index, each of its layers unpacked in a folder, the lowest first."""

    wanted: WantedIndex
    layers: tuple[Path, ...]

    @property
    def default_list(self) -> DefaultList | None:
        """The list of plugins in it, if there is one."""
        for layer in reversed(self.layers):
            file = layer / DEFAULT_LIST
            if file.is_file() and not file.is_symlink():
                return DefaultList(file=file, shown=Path(self.wanted.image.image, DEFAULT_LIST))
        return None


def find_wanted_indexes(environment: Environment) -> tuple[WantedIndex, ...]:
    """Return the indexes that the environment names, the portal's own first.

    Raises:
        ConfigurationError: a variable names no image, or two indexes have one name.
    """
    found: dict[str, WantedIndex] = {}
    if own := environment.get(INDEX_IMAGE).strip():
        found[""] = WantedIndex(image=_image(own, INDEX_IMAGE))
    for part in filter(None, map(str.strip, environment.get(EXTRA_IMAGES).split(","))):
        name, equals, reference = part.partition("=")
        if not equals:
            name, reference = re.sub(r"[/:@]", "_", part), part
        if not _NAME.fullmatch(name) or name in found:
            raise ConfigurationError(
                "the index has a name that is not a valid folder name, or is not unique",
                place=_variable(EXTRA_IMAGES),
                found=part,
                expected="NAME=registry/repository:tag, or the image alone, separated by commas",
                hint=f"correct {EXTRA_IMAGES}",
            )
        found[name] = WantedIndex(image=_image(reference.strip(), EXTRA_IMAGES), name=name)
    return tuple(found.values())


def fetch_index(wanted: WantedIndex, connections: Connections, scratch: Path) -> FetchedIndex:
    """Fetch an index and unpack it below ``scratch``.

    Raises:
        RegistryError: it is not available.
        ArtifactError: it is not safe to unpack.
        StorageError: it cannot be written.
    """
    image = connections.locate(wanted.image)
    registry = connections.registry(image.registry)
    manifest = pull_manifest(
        registry,
        image.repository,
        connections.digest(image),
        platform=connections.options.platform,
    )
    layers = []
    for layer in manifest.layers:
        blob = connections.layer(image, layer, lambda _there, _total: None)
        folder = Path(tempfile.mkdtemp(prefix="index-", dir=scratch)) / "layer"
        unpack(blob, folder, archive=str(wanted.image), limits=connections.options.limits)
        layers.append(folder)
    return FetchedIndex(wanted=wanted, layers=tuple(layers))


@contextlib.contextmanager
def open_indexes(options: ConnectionOptions) -> Iterator[tuple[FetchedIndex, ...]]:
    """Fetch the indexes that the environment names, and give them for as long as they are read.

    Raises:
        FactoryError: as :func:`find_wanted_indexes` and :func:`fetch_index`.
    """
    wanted = find_wanted_indexes(options.environment)
    if not wanted:
        yield ()
        return
    with scratch_folder("catalog-index") as scratch:
        with Connections(options, scratch) as connections:
            indexes = tuple(fetch_index(one, connections, scratch) for one in wanted)
        yield indexes


def choose_default_list(indexes: Sequence[FetchedIndex]) -> DefaultList | None:
    """Return the default list of the portal's own index, None without such an index.

    Raises:
        ConfigurationError: that index has none.
    """
    for index in indexes:
        if not index.wanted.name:
            found = index.default_list
            if found is None:
                raise ConfigurationError(
                    f"the catalogue's index has no {DEFAULT_LIST}",
                    place=_variable(INDEX_IMAGE),
                    found=index.wanted.image.image,
                    expected=f"an image with {DEFAULT_LIST} at its root",
                    hint=f"check {INDEX_IMAGE}; unset it to include the file beside the list",
                )
            return found
    return None


def extract_entities(indexes: Sequence[FetchedIndex], environment: Environment) -> None:
    """Put the indexes' entities where a portal's catalogue reads them, replacing earlier ones.

    Raises:
        StorageError: they cannot be written.
        ArtifactError: there is something other than files and folders among them.
    """
    destination = environment.get(EXTRACT_DIR)
    if indexes and not destination:
        log.info("entities of the catalogue's index are not extracted: %s is not set", EXTRACT_DIR)
        return
    for index in indexes:
        name = index.wanted.name
        folder = Path(destination, "extra", name) if name else Path(destination)
        files = list(_entity_files(index))
        if not files:
            log.warning("%s has no catalogue entities", index.wanted.image.image)
            continue
        unwritable = StorageError(
            "the catalogue's entities cannot be written",
            place=Place(file=folder),
            hint=f"check the free disk space and {EXTRACT_DIR}",
        )
        with os_errors_as(unwritable):
            _place(files, folder / _ENTITIES)


def _entity_files(index: FetchedIndex) -> Iterator[tuple[Path, Path]]:
    """The files of the entities, with their paths below ``catalog-entities``."""
    for layer in index.layers:
        folders = [layer / name for name in _ENTITY_FOLDERS]
        folder = next((one for one in folders if one.is_dir() and not one.is_symlink()), None)
        for path, status in walk_safely(folder) if folder else ():
            if folder and stat.S_ISREG(status.st_mode):
                yield path, path.relative_to(folder)


def _place(files: Sequence[tuple[Path, Path]], destination: Path) -> None:
    destination.parent.mkdir(parents=True, exist_ok=True)
    with replace_folder(destination) as fresh:
        for path, name in files:
            (fresh / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, fresh / name)


def _image(text: str, variable: str) -> OciPackage:
    last = text.rpartition("/")[2]
    complete = text if ":" in last or "@" in last else f"{text}:{_LATEST}"
    try:
        name = image_name(complete)
    except UsageError as error:
        raise ConfigurationError(
            f"{variable} does not name an image: {error.problem}",
            place=_variable(variable),
            found=text,
            expected=error.expected,
        ) from error
    return OciPackage(
        registry=name.registry, repository=name.repository, tag=name.tag, digest=name.digest
    )


def _variable(name: str) -> Place:
    return Place(file=Path("the environment"), field=name)
