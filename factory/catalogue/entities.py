"""The entities of an extensions catalogue: ``Package``, ``Plugin`` and ``PluginCollection``.

They are files that people edit, below a configuration directory: ``metadata/`` of each workspace,
and ``catalog-entities/extensions/``. Other entities there, such as a ``Location`` that lists the
others, are left alone.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from factory.config.documents import read_app_config
from factory.config.nested_places import place_of
from factory.config.source_file import SOURCE_FILE
from factory.config.workspaces import CATALOGUE_FOLDER
from factory.errors import ConfigurationError, Place, os_errors_as
from factory.files import read_text
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory.config.documents import Document

API_VERSION = "extensions.backstage.io/v1alpha1"
PACKAGE, PLUGIN, COLLECTION = "Package", "Plugin", "PluginCollection"
FOLDERS = {PACKAGE: "packages", PLUGIN: "plugins", COLLECTION: "collections"}
"""The folder of each kind in ``catalog-entities/extensions``."""
ENTITIES = "catalog-entities/extensions"
METADATA = "metadata"
LOCATION_FILE = "all.yaml"
LONGEST_NAME = 63
"""https://backstage.io/docs/features/software-catalog/descriptor-format#name-required"""

_OLD_ENTITIES = "catalog-entities/marketplace"
_NAME = lazy_pattern(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")
_UNUSUAL = lazy_pattern(r"[^A-Za-z0-9._-]+")
_ENDINGS = (".yaml", ".yml")
_DIGITS = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class EntityFile:
    """An entity as a file has it; ``text`` is all of it, to the byte."""

    file: Path
    text: str = field(repr=False)
    document: Document = field(repr=False)

    @property
    def kind(self) -> str:
        """One of the three kinds."""
        return str(self.document.value["kind"])

    @property
    def metadata(self) -> dict[str, Any]:
        """The field, or nothing where it is not a map."""
        return _map(self.document.value.get("metadata"))

    @property
    def spec(self) -> dict[str, Any]:
        """The field, or nothing where it is not a map."""
        return _map(self.document.value.get("spec"))

    @property
    def name(self) -> str:
        """What the entity is called; "" where that is not said."""
        name = self.metadata.get("name")
        return name if isinstance(name, str) else ""

    @property
    def namespace(self) -> str:
        """Where its name counts; "" for the catalogue's default."""
        namespace = self.metadata.get("namespace")
        return namespace if isinstance(namespace, str) else ""

    def texts(self, name: str) -> tuple[str, ...]:
        """Return the texts in a list of the spec."""
        listed = self.spec.get(name)
        texts = listed if isinstance(listed, list) else ()
        return tuple(one for one in texts if isinstance(one, str))

    def place(self, *steps: str) -> Place:
        """Return where a field stands."""
        return place_of(self.document, *steps)


def find_entity_files(config_dir: Path) -> tuple[Path, ...]:
    """Return the files that entities may be in, in the order of their names.

    Raises:
        ConfigurationError: the directory does not exist, or cannot be read.
    """
    unreadable = ConfigurationError(
        "the catalogue's directory cannot be read",
        place=Place(file=config_dir),
        hint="name it with --config-dir",
    )
    with os_errors_as(unreadable):
        folders = [config_dir / METADATA]
        folders += [folder / METADATA for folder in _workspaces(config_dir)]
        folders += [config_dir / name for name in (ENTITIES, _OLD_ENTITIES)]
        found = [file for folder in folders for file in _files_below(folder)]
    return tuple(sorted(dict.fromkeys(found)))


def read_entity(file: Path) -> EntityFile | None:
    """Return the entity in a file; None if it is of none of the three kinds.

    Raises:
        ConfigurationError: the file cannot be read, or is not YAML.
    """
    document = read_app_config(file)
    value = document.value
    if not isinstance(value, dict):
        raise ConfigurationError(
            f"{file.name} is not an entity",
            place=Place(file=file),
            found="no map",
            expected=f"a map with apiVersion: {API_VERSION}, kind, metadata and spec",
        )
    if value.get("kind") not in FOLDERS:
        return None
    return EntityFile(file=file, text=read_text(file, exactly=True), document=document)


def read_entities(config_dir: Path) -> tuple[EntityFile, ...]:
    """Return all entities of a catalogue.

    Raises:
        ConfigurationError: a file cannot be read, or is not YAML.
    """
    found = (read_entity(file) for file in find_entity_files(config_dir))
    return tuple(each for each in found if each)


def is_entity_name(text: str) -> bool:
    """Whether Backstage takes ``text`` as the name of an entity."""
    return len(text) <= LONGEST_NAME and _NAME.fullmatch(text) is not None


def entity_name(folder: str) -> str:
    """Return the name of a package's entity: its image's, changed where Backstage asks for it."""
    name = _UNUSUAL.sub("-", folder).strip("._-") or "unnamed"
    if name == folder and len(name) <= LONGEST_NAME:
        return name
    digits = hashlib.sha256(folder.encode()).hexdigest()[:_DIGITS]
    return f"{name[: LONGEST_NAME - _DIGITS - 1].rstrip('._-')}-{digits}"


def workspace_folder(config_dir: Path, workspace: str) -> Path:
    """Return the folder that configures a workspace: the directory itself, or one in it."""
    places = (config_dir / CATALOGUE_FOLDER / workspace, config_dir / workspace)
    return next((place for place in places if workspace and place.is_dir()), config_dir)


def _workspaces(config_dir: Path) -> Iterator[Path]:
    for parent in (config_dir, config_dir / CATALOGUE_FOLDER):
        if parent == config_dir or parent.is_dir():
            for entry in sorted(parent.iterdir()):
                is_one = parent != config_dir or (entry / SOURCE_FILE).is_file()
                if is_one and (entry / METADATA).is_dir():
                    yield entry


def _files_below(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            file = Path(parent, name)
            if name.endswith(_ENDINGS) and not name.startswith(".") and file.is_file():
                yield file


def _map(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
