"""Whether a catalogue's entities say what is true: of themselves, of each other, of the plugins.

What is checked of an entity's form follows from Backstage's rules for entities and from the schemas
of the extensions' kinds (https://github.com/redhat-developer/rhdh-plugins, workspaces/extensions).
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from factory.archives.npm_package import is_package_name
from factory.catalogue.entities import (
    COLLECTION,
    FOLDERS,
    LONGEST_NAME,
    PACKAGE,
    PLUGIN,
    EntityFile,
    find_entity_files,
    is_entity_name,
    read_entity,
)
from factory.catalogue.generation import ROLES
from factory.catalogue.published_plugins import describe_archive
from factory.config.documents import field_name
from factory.errors import ConfigurationError, FactoryError, Place
from factory.installation.package_reference import LocalFolder, OciPackage, parse_package
from factory.notation.limits import DocumentError
from factory.notation.yaml_text import parse_yaml
from factory.oci.packed_plugin import plugin_folder
from factory.patterns import lazy_pattern
from factory.plugin_config.config_schema import find_config_problems
from factory.schemas import describe_value, find_violation
from factory.values import dataclass
from factory.versions import is_range, is_version

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from factory.catalogue.published_plugins import CataloguedPlugin, Described
    from factory.schemas import SchemaName

_SCHEMAS: Mapping[str, SchemaName] = {
    PACKAGE: "extensions-package",
    PLUGIN: "extensions-plugin",
    COLLECTION: "extensions-collection",
}
# The tags of the two production catalogues: bs_{Backstage}__{version}, {release}--{version}.
_TAG = lazy_pattern(r"(?:bs_(?P<backstage>[^_]+)__|[^-]+(?:-[^-]+)*--)?(?P<version>.+)")
_PULL_REQUEST = lazy_pattern(r"pr_\d+__")
_EXAMPLES = ("spec", "appConfigExamples")


@dataclass(frozen=True, kw_only=True, slots=True)
class CatalogueFinding:
    """Something that is wrong in a catalogue: where, what is there, what belongs there."""

    place: Place
    problem: str
    found: str = ""
    expected: str = ""
    hint: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckedCatalogue:
    """The entities of a catalogue, and what is wrong with them."""

    entities: tuple[EntityFile, ...]
    findings: tuple[CatalogueFinding, ...]

    def count(self, kind: str) -> int:
        """Return how many entities of a kind there are."""
        return sum(each.kind == kind for each in self.entities)


def check_catalogue(config_dir: Path, plugins: Sequence[CataloguedPlugin] = ()) -> CheckedCatalogue:
    """Check the entities of a catalogue, those of ``plugins`` against what was built, too.

    Raises:
        ConfigurationError: the directory cannot be read.
        PackError: the archive of a plugin is damaged.
    """
    entities: list[EntityFile] = []
    findings: list[CatalogueFinding] = []
    for file in find_entity_files(config_dir):
        try:
            entity = read_entity(file)
        except ConfigurationError as error:
            findings.append(_finding_of(error, Place(file=file)))
            continue
        if entity:
            entities.append(entity)
    findings += find_problems(entities, plugins)
    return CheckedCatalogue(entities=tuple(entities), findings=tuple(findings))


def find_problems(
    entities: Sequence[EntityFile], plugins: Sequence[CataloguedPlugin] = ()
) -> Iterator[CatalogueFinding]:
    """Yield what is wrong with entities, of each in its turn, then between them."""
    built = {plugin.package: plugin for plugin in plugins}
    sound = []
    for entity in entities:
        form = list(_check_form(entity))
        yield from form
        if form:
            continue
        sound.append(entity)
        yield from _check_names(entity)
        if entity.kind == PACKAGE:
            yield from _check_package(entity)
            plugin = built.get(entity.spec["packageName"])
            described = describe_archive(plugin.archive) if plugin else None
            yield from _check_examples(entity, described)
            if plugin:
                yield from _check_built(entity, plugin)
    yield from _check_unique(sound)
    yield from _check_links(sound, entities)


def _finding_of(error: FactoryError, place: Place) -> CatalogueFinding:
    return CatalogueFinding(
        place=error.place or place,
        problem=error.problem,
        found=error.found or "",
        expected=error.expected or "",
        hint=error.hint or "",
    )


def _check_form(entity: EntityFile) -> Iterator[CatalogueFinding]:
    wrong = find_violation(entity.document.value, _SCHEMAS[entity.kind])
    if wrong:
        yield CatalogueFinding(
            place=entity.place(*wrong.path),
            problem=f"the {entity.kind} does not have the expected form",
            found=wrong.found,
            expected=wrong.expected,
        )


def _check_names(entity: EntityFile) -> Iterator[CatalogueFinding]:
    names = [(("metadata", "name"), entity.name)]
    if entity.namespace:
        names.append((("metadata", "namespace"), entity.namespace))
    for way, name in names:
        if not is_entity_name(name):
            yield CatalogueFinding(
                place=entity.place(*way),
                problem="Backstage refuses the name",
                found=name,
                expected=f"letters and digits, with '-', '_' and '.' between, at most "
                f"{LONGEST_NAME}",
            )


def _check_package(entity: EntityFile) -> Iterator[CatalogueFinding]:
    spec = entity.spec
    name = spec["packageName"]
    if not is_package_name(name):
        yield CatalogueFinding(
            place=entity.place("spec", "packageName"),
            problem="the package's name is not that of an npm package",
            found=name,
            expected="name or @scope/name",
        )
    version = spec.get("version")
    if version is not None and not is_version(version):
        yield CatalogueFinding(
            place=entity.place("spec", "version"),
            problem="the version is not one of npm's",
            found=version,
            expected="a version such as 1.2.3",
        )
    backstage = spec.get("backstage") or {}
    if (role := backstage.get("role")) is not None and role not in ROLES:
        yield CatalogueFinding(
            place=entity.place("spec", "backstage", "role"),
            problem="no dynamic plugin has this role",
            found=role,
            expected=", ".join(ROLES),
        )
    supported = backstage.get("supportedVersions")
    parts = [part.strip() for part in supported.split(",")] if supported else []
    if not all(is_range(part) for part in parts):
        yield CatalogueFinding(
            place=entity.place("spec", "backstage", "supportedVersions"),
            problem="the supported versions are not versions of Backstage",
            found=str(supported),
            expected="a Backstage version such as 1.49.4, or several with commas between",
        )
    if artifact := spec.get("dynamicArtifact"):
        yield from _check_artifact(entity, artifact)


def _check_artifact(entity: EntityFile, artifact: str) -> Iterator[CatalogueFinding]:
    place = entity.place("spec", "dynamicArtifact")
    try:
        package = parse_package(artifact, folder=entity.file.parent, place=place)
    except FactoryError as error:
        yield _finding_of(error, place)
        return
    if isinstance(package, LocalFolder):
        return  # in the portal's own image
    if not isinstance(package, OciPackage) or package.inherits:
        yield CatalogueFinding(
            place=place,
            problem="the artifact is not an image's",
            found=artifact,
            expected="oci://registry/repository:tag, or @sha256:… for the tag",
        )
        return
    folder = plugin_folder(entity.spec["packageName"])
    if package.plugin_path and package.plugin_path != folder:
        yield CatalogueFinding(
            place=place,
            problem="the artifact is another package's",
            found=f"!{package.plugin_path}",
            expected=f"!{folder}, the folder of {entity.spec['packageName']}",
        )
    if package.tag:
        yield from _check_tag(entity, package.tag, place)


def _check_tag(entity: EntityFile, tag: str, place: Place) -> Iterator[CatalogueFinding]:
    """A tag that has versions in it has those that the entity has."""
    match = _TAG.fullmatch(_PULL_REQUEST.sub("", tag))
    version = entity.spec.get("version")
    if not match or not is_version(match["version"].replace("_", "+")):
        return
    if not is_version(str(version)):
        return  # what is wrong then is the version
    if match["version"] != str(version).replace("+", "_"):
        yield CatalogueFinding(
            place=place,
            problem="the tag is another version's",
            found=tag,
            expected=f"the version {version}, which the entity has",
            hint="bring the entity up to date: plugin-factory catalogue metadata",
        )
    supported = (entity.spec.get("backstage") or {}).get("supportedVersions")
    if match["backstage"] and is_version(str(supported)) and match["backstage"] != supported:
        yield CatalogueFinding(
            place=place,
            problem="the tag is for another Backstage",
            found=tag,
            expected=f"Backstage {supported}, which the entity has",
            hint="bring the entity up to date: plugin-factory catalogue metadata",
        )


def _check_built(entity: EntityFile, plugin: CataloguedPlugin) -> Iterator[CatalogueFinding]:
    version = entity.spec.get("version")
    if version is not None and version != plugin.archive.version:
        yield CatalogueFinding(
            place=entity.place("spec", "version"),
            problem="another version was built",
            found=version,
            expected=plugin.archive.version,
            hint="bring the entity up to date: plugin-factory catalogue metadata",
        )
    artifact = entity.spec.get("dynamicArtifact")
    allowed = {plugin.artifact(pinned=pinned) for pinned in (True, False)}
    allowed |= {plugin.artifact(pinned=pinned, short=True) for pinned in (True, False)}
    if artifact and plugin.image and artifact not in allowed:
        yield CatalogueFinding(
            place=entity.place("spec", "dynamicArtifact"),
            problem="another image was published",
            found=artifact,
            expected=plugin.artifact(pinned="@" in artifact, short="!" not in artifact),
            hint="bring the entity up to date: plugin-factory catalogue metadata",
        )


def _check_examples(entity: EntityFile, described: Described | None) -> Iterator[CatalogueFinding]:
    for number, example in enumerate(entity.spec.get("appConfigExamples") or ()):
        way = (*_EXAMPLES, str(number), "content")
        content = example["content"]
        if isinstance(content, str):
            try:
                content = parse_yaml(content)
            except DocumentError as error:
                yield CatalogueFinding(
                    place=entity.place(*way),
                    problem="the example is not YAML",
                    found=error.problem,
                    expected="a map of configuration",
                )
                continue
        if not isinstance(content, dict):
            yield CatalogueFinding(
                place=entity.place(*way),
                problem="the example is not a configuration",
                found=describe_value(content),
                expected="a map of configuration",
            )
            continue
        if described:
            yield from _check_example(entity, content, way, described)


def _check_example(
    entity: EntityFile, content: dict[str, Any], way: tuple[str, ...], described: Described
) -> Iterator[CatalogueFinding]:
    if described.schema:
        for problem in find_config_problems(content, described.schema):
            yield CatalogueFinding(
                place=entity.place(*way, *problem.way),
                problem="the example does not fit the plugin's configuration schema",
                found=f"{field_name(problem.way)}: {problem.found}"
                if problem.way
                else problem.found,
                expected=problem.expected,
            )
    portal = content.get("dynamicPlugins")
    frontends = portal.get("frontend") if isinstance(portal, dict) else None
    names = list(frontends) if isinstance(frontends, dict) else []
    if described.scalprum_name and names and described.scalprum_name not in names:
        yield CatalogueFinding(
            place=entity.place(*way, "dynamicPlugins", "frontend", names[0]),
            problem="the example configures another frontend plugin",
            found=", ".join(names),
            expected=f"{described.scalprum_name}, the name in the plugin's manifest",
        )


def _check_unique(entities: Sequence[EntityFile]) -> Iterator[CatalogueFinding]:
    names: dict[tuple[str, str, str], EntityFile] = {}
    packages: dict[str, EntityFile] = {}
    for entity in entities:
        key = (entity.kind, entity.namespace.lower(), entity.name.lower())
        first = names.setdefault(key, entity)
        if first is not entity:
            yield CatalogueFinding(
                place=entity.place("metadata", "name"),
                problem=f"two entities of kind {entity.kind} have one name",
                found=f"{entity.name}, as in {first.file}",
                expected="a name of its own, in whatever case",
            )
        if entity.kind == PACKAGE:
            first = packages.setdefault(entity.spec["packageName"], entity)
            if first is not entity:
                yield CatalogueFinding(
                    place=entity.place("spec", "packageName"),
                    problem="two entities describe one package",
                    found=f"{entity.spec['packageName']}, as in {first.file}",
                    expected="one Package for each package",
                )


def _check_links(
    entities: Sequence[EntityFile], read: Iterable[EntityFile]
) -> Iterator[CatalogueFinding]:
    """What names another entity names one that there is, and is named by it in return."""
    there: dict[str, set[str]] = defaultdict(set)
    for each in read:  # one of a wrong form is there all the same
        there[each.kind].add(each.name)
    listing = {each.name: set(each.texts("packages")) for each in entities if each.kind == PLUGIN}
    part_of = {each.name: set(each.texts("partOf")) for each in entities if each.kind == PACKAGE}
    ways: dict[str, tuple[str, str, dict[str, set[str]], str]] = {
        PACKAGE: ("partOf", PLUGIN, listing, "packages"),
        PLUGIN: ("packages", PACKAGE, part_of, "partOf"),
        COLLECTION: ("plugins", PLUGIN, {}, ""),
    }
    for entity in entities:
        field, other, back, back_field = ways[entity.kind]
        for number, name in enumerate(entity.spec.get(field) or ()):
            place = entity.place("spec", field, str(number))
            if name not in there[other]:
                yield CatalogueFinding(
                    place=place,
                    problem=f"there is no {other} of this name",
                    found=name,
                    expected=f"the name of an entity in {FOLDERS[other]}",
                )
            elif name in back and entity.name not in back[name]:
                yield CatalogueFinding(
                    place=place,
                    problem=f"the {other} does not name the {entity.kind} in return",
                    found=f"{name} without {entity.name} under spec.{back_field}",
                    expected="both to name each other",
                )
