"""The catalogue's files as they are to be: generated fields brought up to date, all else kept."""

from __future__ import annotations

import difflib
from dataclasses import field
from typing import TYPE_CHECKING, Any

from factory.catalogue.entities import (
    ENTITIES,
    FOLDERS,
    LOCATION_FILE,
    LONGEST_NAME,
    METADATA,
    PACKAGE,
    PLUGIN,
    entity_name,
    is_entity_name,
    workspace_folder,
)
from factory.catalogue.generation import (
    group_plugins,
    new_package,
    new_plugin,
    package_changes,
    plugin_changes,
)
from factory.errors import ConfigurationError, Place
from factory.files import read_text
from factory.notation.limits import DocumentError
from factory.notation.yaml_edit import AddItems, edit_yaml
from factory.notation.yaml_text import yaml_text
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from factory.catalogue.entities import EntityFile
    from factory.catalogue.published_plugins import CataloguedPlugin
    from factory.notation.yaml_edit import YamlChange


@dataclass(frozen=True, kw_only=True, slots=True)
class MetadataRequest:
    """What entities are to say.

    ``namespace`` is that of new ones. ``backstage`` is the portal's, for plugins that do not say
    which they are for. ``pinned`` names artifacts by digest whatever a file has.
    """

    config_dir: Path
    entities: tuple[EntityFile, ...] = field(repr=False)
    plugins: tuple[CataloguedPlugin, ...] = field(repr=False)
    namespace: str = ""
    backstage: str = ""
    pinned: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class EntityText:
    """An entity's file as it is to be; ``before`` is "" for one that is not there yet."""

    file: Path
    kind: str
    name: str
    before: str = field(repr=False)
    after: str = field(repr=False)

    @property
    def is_new(self) -> bool:
        """Whether there is no such file yet."""
        return not self.before

    @property
    def changes(self) -> bool:
        """Whether the file is to be written."""
        return self.before != self.after

    def diff(self) -> str:
        """Return the change as a unified diff."""
        before, after = (text.splitlines(keepends=True) for text in (self.before, self.after))
        old = "/dev/null" if self.is_new else str(self.file)
        return "".join(difflib.unified_diff(before, after, fromfile=old, tofile=str(self.file)))


def plan_metadata(request: MetadataRequest) -> tuple[EntityText, ...]:
    """Return every file that describes the plugins, whether or not it changes. Nothing is written.

    Raises:
        ConfigurationError: a file has a form that cannot be edited, two describe one package, or a
            new one would have the name of another.
    """
    namespace = request.namespace or _usual_namespace(request.entities)
    known = _by_package(request.entities)
    owners = _owners(request, known)
    planned = [
        _package_text(request, plugin, known.get(plugin.package), owners[plugin.folder], namespace)
        for plugin in request.plugins
    ]
    names = {
        plugin.folder: text.name for plugin, text in zip(request.plugins, planned, strict=True)
    }
    planned += _plugin_texts(request, owners, names, namespace)
    files: dict[Path, EntityText] = {}
    for text in planned:
        other = files.setdefault(text.file, text)
        if other is not text or (text.is_new and text.file.exists()):
            raise ConfigurationError(
                f"the file for {text.kind} {text.name} is another's",
                place=Place(file=text.file),
                found=f"{other.kind} {other.name}" if other is not text else "another entity",
                expected="a file for each entity",
                hint="rename the file, or the entity in it",
            )
    return (*planned, *_locations(request.config_dir, planned))


def _package_text(
    request: MetadataRequest,
    plugin: CataloguedPlugin,
    known: EntityFile | None,
    owner: str,
    namespace: str,
) -> EntityText:
    artifact = _artifact(request, plugin, known)
    changes = package_changes(plugin, artifact=artifact, backstage=request.backstage)
    if known is None:
        value = new_package(plugin, namespace=namespace, part_of=owner, changes=changes)
        folder = workspace_folder(request.config_dir, plugin.workspace) / METADATA
        return _new(folder, value)
    edits: list[YamlChange] = list(changes)
    if not known.texts("partOf"):
        edits.append(AddItems(way=("spec", "partOf"), items=(owner,)))
    return _edit_entity(known, edits)


def _artifact(request: MetadataRequest, plugin: CataloguedPlugin, known: EntityFile | None) -> str:
    """The plugin's image in the form that its entity has: by digest or not, short or not."""
    written = str(known.spec.get("dynamicArtifact") or "") if known else ""
    return plugin.artifact(
        pinned=request.pinned or "@" in written,
        short=not request.pinned and "!" not in written,
    )


def _plugin_texts(
    request: MetadataRequest,
    owners: Mapping[str, str],
    names: Mapping[str, str],
    namespace: str,
) -> Iterator[EntityText]:
    known = {each.name: each for each in request.entities if each.kind == PLUGIN}
    for owner in dict.fromkeys(owners.values()):
        its = [one for one in request.plugins if owners[one.folder] == owner]
        if owner in known:
            yield _edit_entity(known[owner], plugin_changes([names[one.folder] for one in its]))
            continue
        value = new_plugin(owner, its, namespace=namespace)
        value["spec"]["packages"] = [names[one.folder] for one in its]
        yield _new(request.config_dir / ENTITIES / FOLDERS[PLUGIN], value)


def _owners(request: MetadataRequest, known: Mapping[str, EntityFile]) -> dict[str, str]:
    """The plugin that each package is part of: as people have it, or else as it is called."""
    listing = {
        package: each.name
        for each in request.entities
        if each.kind == PLUGIN
        for package in each.texts("packages")
    }
    owners: dict[str, str] = {}
    for name, plugins in group_plugins(request.plugins).items():
        said = {}
        for plugin in plugins:
            entity = known.get(plugin.package)
            part_of = entity.texts("partOf") if entity else ()
            entity_is = entity.name if entity else entity_name(plugin.folder)
            said[plugin.folder] = part_of[0] if part_of else listing.get(entity_is, "")
        # A new package goes where its siblings are.
        siblings = next(filter(None, said.values()), name)
        owners |= {folder: owner or siblings for folder, owner in said.items()}
    return owners


def _by_package(entities: Sequence[EntityFile]) -> dict[str, EntityFile]:
    found: dict[str, EntityFile] = {}
    for entity in entities:
        name = entity.spec.get("packageName")
        if entity.kind != PACKAGE or not isinstance(name, str):
            continue
        other = found.setdefault(name, entity)
        if other is not entity:
            raise ConfigurationError(
                f"two entities describe {name}",
                place=entity.place("spec", "packageName"),
                found=str(other.file),
                expected="one Package for each package",
                hint="remove one of the files",
            )
    return found


def _usual_namespace(entities: Sequence[EntityFile]) -> str:
    """The namespace that all entities have; "" where they differ, or there are none."""
    found = {each.namespace for each in entities}
    return found.pop() if len(found) == 1 else ""


def _new(folder: Path, value: Mapping[str, Any]) -> EntityText:
    name = str(value["metadata"]["name"])
    if not is_entity_name(name):  # of the entity that names it, which people have written
        raise ConfigurationError(
            f"a {value['kind']} cannot have the name that another entity gives it",
            place=Place(file=folder),
            found=name,
            expected=f"letters and digits, with '-', '_' and '.' between, at most {LONGEST_NAME}",
            hint="correct spec.partOf of its packages: plugin-factory catalogue check",
        )
    file = folder / f"{name}.yaml"
    return EntityText(
        file=file, kind=str(value["kind"]), name=name, before="", after=yaml_text(value)
    )


def _edit_entity(entity: EntityFile, changes: Sequence[YamlChange]) -> EntityText:
    return EntityText(
        file=entity.file,
        kind=entity.kind,
        name=entity.name,
        before=entity.text,
        after=_edit(entity.text, changes, entity.file),
    )


def _edit(text: str, changes: Sequence[YamlChange], file: Path) -> str:
    try:
        return edit_yaml(text, changes)
    except DocumentError as error:
        raise ConfigurationError(
            f"{file.name} cannot be brought up to date",
            place=Place(file=file, line=error.line, column=error.column, field=error.field),
            found=error.problem,
            expected=error.expected,
            hint="correct the field by hand",
        ) from error


def _locations(config_dir: Path, planned: Sequence[EntityText]) -> Iterator[EntityText]:
    """A ``Location`` that lists the others, where somebody keeps one: it lists new ones too."""
    folder = config_dir / ENTITIES / FOLDERS[PLUGIN]
    file = folder / LOCATION_FILE
    targets = tuple(
        f"./{text.file.name}" for text in planned if text.is_new and text.file.parent == folder
    )
    if targets and file.is_file():
        before = read_text(file, exactly=True)
        after = _edit(before, [AddItems(way=("spec", "targets"), items=targets)], file)
        yield EntityText(file=file, kind="Location", name="plugins", before=before, after=after)
