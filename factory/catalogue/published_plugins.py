"""What builds have left and pushed: each plugin with its source and its image."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from factory.archives.npm_package import PACKAGE_FOLDER, PACKAGE_JSON, packed_entries
from factory.errors import ConfigurationError, Place, UsageError
from factory.folders import output_folders
from factory.installation.package_reference import OciPackage
from factory.installation.plugin_list import read_plugin_list
from factory.notation.json_text import parse_json
from factory.oci.names import image_name
from factory.oci.packed_plugin import source_name
from factory.oci.planned_images import find_supported_backstage
from factory.plugin_config.portal_files import OCI_ENTRIES, PUBLISHED_IMAGES, read_own_config
from factory.plugin_config.shipped import COLLECTED_SCHEMAS, WRITTEN_SCHEMAS
from factory.quantities import join_names
from factory.reports.build_report import REPORT_FILE
from factory.reports.built_plugins import find_built_plugins
from factory.reports.reading import read_report
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from factory.oci.image import ImageFacts
    from factory.oci.packed_plugin import PluginArchive
    from factory.oci.planned_images import BuiltPlugins

# What rhdh-cli writes of a plugin's configuration schema, by its versions.
_SCHEMAS = tuple(f"{PACKAGE_FOLDER}/{name}" for name in (*WRITTEN_SCHEMAS, COLLECTED_SCHEMAS))
_MANIFEST = f"{PACKAGE_FOLDER}/dist-scalprum/plugin-manifest.json"
_PACKAGE_JSON = f"{PACKAGE_FOLDER}/{PACKAGE_JSON}"
_BUNDLED = f"{PACKAGE_FOLDER}/node_modules/"
_LARGEST = 4 << 20
_SHOWN = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class CataloguedPlugin:
    """A packed plugin, and what is known of where it came from and where it is.

    ``workspace`` is the name of its folder in the output directory, "" where there is one
    workspace; ``portal`` is that which it was built for, in a run for several. ``workspace_path``
    and ``path`` lead to it in the source. ``image`` is where it was pushed to, by digest, with the
    tag that it had then. ``config`` is its own app-config.
    """

    archive: PluginArchive
    workspace: str
    portal: str = ""
    facts: ImageFacts
    workspace_path: str = ""
    path: str = ""
    image: OciPackage | None = None
    tag: str = ""
    config: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def package(self) -> str:
        """The npm package that was exported."""
        return source_name(self.archive.name)

    @property
    def folder(self) -> str:
        """Its folder in an image."""
        return self.archive.folder

    @property
    def backstage(self) -> dict[str, Any]:
        """The field of package.json."""
        found = self.archive.package.get("backstage")
        return found if isinstance(found, dict) else {}

    @property
    def supported_backstage(self) -> str:
        """The Backstage version that it was built for, or ""."""
        return find_supported_backstage(self.archive)

    def artifact(self, *, pinned: bool, short: bool = False) -> str:
        """Return ``oci://…`` with the digest, or with the tag where it is known; "" unpublished.

        ``short`` leaves out the plugin's folder where the image is called like it.
        """
        if self.image is None:
            return ""
        name = self.image.name
        is_own = self.image.last_part == self.folder.lower()
        path = "" if is_own and short else f"!{self.folder}"
        if self.tag and not pinned:
            return f"oci://{name}:{self.tag}{path}"
        return f"oci://{name}@{self.image.digest}{path}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Described:
    """What a plugin's archive says of its configuration: its schema, and its name in the portal."""

    schema: Mapping[str, Any] | None = None
    scalprum_name: str = ""


def find_published_plugins(
    output_dirs: Sequence[Path], portal: str = ""
) -> tuple[CataloguedPlugin, ...]:
    """Return the plugins in output directories, in the order of their packages.

    Args:
        output_dirs: the directories.
        portal: of those that a run for several portals has left, which counts; "" for all.

    Raises:
        FactoryError: a directory holds no plugin, or what is there cannot be read.
        ConfigurationError: two directories hold one package, or one lists images alone.
        UsageError: nothing was built for that portal.
    """
    for folder in output_dirs:
        _refuse_images_alone(folder)
    portals = {path: name for folder in output_dirs for path, name in _portals_in(folder).items()}
    if portal and portal not in portals.values():
        raise UsageError(
            f"no output directory holds plugins for the portal {portal} among those of others",
            found=join_names(sorted(set(portals.values())), _SHOWN) or "no folders of portals",
            expected="a portal of a run for several",
            hint="leave out --portal to take everything",
        )
    found: dict[str, CataloguedPlugin] = {}
    for built in find_built_plugins(output_dirs):
        own = portals.get(built.folder, "")
        if portal and own != portal:
            continue
        is_whole = built.folder in output_dirs or (
            built.folder.parent in output_dirs and built.folder.name == own
        )
        for plugin in _plugins_of(built, "" if is_whole else built.folder.name, own):
            other = found.setdefault(plugin.folder, plugin)
            if other is not plugin:
                raise _doubled_error(plugin, other)
    return tuple(found[name] for name in sorted(found))


def _portals_in(output_dir: Path) -> Mapping[Path, str]:
    """The folders of a run for several portals, with their portals."""
    if not (output_dir / REPORT_FILE).is_file():
        return {}
    read = read_report(output_dir)
    return {
        output_dir / name: report["portal"]
        for name, report in read.workspaces
        if read.several and report.get("portal")
    }


def _doubled_error(plugin: CataloguedPlugin, other: CataloguedPlugin) -> ConfigurationError:
    place, found = Place(file=plugin.archive.tgz), str(other.archive.tgz)
    if plugin.portal != other.portal:
        return ConfigurationError(
            f"{plugin.package} was built for several portals, and a catalogue is for one",
            place=place,
            found=found,
            expected="the plugins of one portal",
            hint=f"say which: --portal {other.portal or plugin.portal}",
        )
    return ConfigurationError(
        f"{plugin.package} is in two output directories",
        place=place,
        found=found,
        expected="each plugin once",
        hint="name the directory whose plugin the catalogue is to have",
    )


def describe_archive(archive: PluginArchive) -> Described:
    """Return what an archive says of its plugin's configuration; reads it as far as needed.

    Raises:
        PackError: it is damaged.
    """
    tgz = archive.tgz
    wanted = {*_SCHEMAS, _MANIFEST}
    found: dict[str, Any] = {}
    before, in_order = "", True
    try:
        for member, stream in packed_entries(tgz):
            name = member.name.removeprefix("./")
            if name in wanted and stream and member.size <= _LARGEST:
                found[name] = parse_json(stream.read())
            if name == _PACKAGE_JSON:
                continue
            # Archives of ours are sorted behind their package.json: nothing comes any more.
            in_order = in_order and name >= before
            before = name
            if in_order and name >= _BUNDLED:
                break
    except ValueError as error:
        raise ConfigurationError(
            "what the plugin says of its configuration is not JSON",
            place=Place(file=tgz),
            found=str(error),
            hint="build the plugin again: rhdh-cli writes the file",
        ) from error
    schemas = (found.get(name) for name in _SCHEMAS)
    manifest = found.get(_MANIFEST)
    scalprum_name = manifest.get("name") if isinstance(manifest, dict) else ""
    return Described(
        schema=next((one for one in schemas if isinstance(one, dict) and one), None),
        scalprum_name=scalprum_name if isinstance(scalprum_name, str) else "",
    )


def _refuse_images_alone(folder: Path) -> None:
    """What an entity says of a plugin stands in its archive, and not in the list of images."""
    lists = [folder / name for name in (PUBLISHED_IMAGES, OCI_ENTRIES)]
    listed = next((file for file in lists if file.is_file()), None)
    if listed and not any(any(here.glob("*.tgz")) for here in output_folders(folder)):
        raise ConfigurationError(
            "the published images are listed, and their plugins are not there",
            place=Place(file=listed),
            expected="the .tgz files that were pushed, beside the list",
            hint="keep the whole output directory of the build and the push, and name it",
        )


def _plugins_of(built: BuiltPlugins, workspace: str, portal: str) -> list[CataloguedPlugin]:
    report = _report_of(built.folder)
    source = report.get("source") or {}
    reported = {source_name(one["exported-name"] or one["name"]): one for one in report["plugins"]}
    listed = _read_listed(built.folder)
    plugins = []
    for archive in built.plugins:
        one = reported.get(source_name(archive.name), {})
        pinned, config = listed.get(archive.folder, (None, {}))
        image, tag = _reported_image(one, archive.folder)
        plugins.append(
            CataloguedPlugin(
                archive=archive,
                workspace=workspace,
                portal=portal,
                facts=built.facts,
                workspace_path=source.get("workspace-path") or "",
                path=one.get("path", ""),
                image=image or pinned or _find_named(built.folder, archive.folder),
                tag=tag,
                config=config or read_own_config(archive.tgz) or {},
            )
        )
    return plugins


def _report_of(folder: Path) -> Mapping[str, Any]:
    """The report of a workspace beside its plugins; without one, nothing is known of the source."""
    if not (folder / REPORT_FILE).is_file():
        return {"plugins": []}
    read = read_report(folder / REPORT_FILE)
    return {"plugins": []} if read.several else read.document


def _reported_image(plugin: Mapping[str, Any], folder: str) -> tuple[OciPackage | None, str]:
    reported = plugin.get("image")
    if not reported:
        return None, ""
    name = image_name(reported["reference"])
    pinned = OciPackage(
        registry=name.registry,
        repository=name.repository,
        digest=image_name(f"{name.registry}/{name.repository}@{reported['digest']}").digest,
        plugin_path=folder,
    )
    return pinned, name.tag


def _read_listed(folder: Path) -> dict[str, tuple[OciPackage, Mapping[str, Any]]]:
    """The pushed plugins by their folders, with their configuration."""
    file = folder / OCI_ENTRIES
    if not file.is_file():
        return {}
    return {
        entry.package.plugin_path: (entry.package, entry.config)
        for entry in read_plugin_list(file)
        if isinstance(entry.package, OciPackage) and entry.package.digest
    }


def _find_named(folder: Path, plugin: str) -> OciPackage | None:
    """The image of a plugin's name among those that were pushed."""
    file = folder / PUBLISHED_IMAGES
    if not file.is_file():
        return None
    for line in file.read_text(encoding="utf-8", errors="replace").split():
        name = image_name(line)
        if name.repository.rpartition("/")[2] == plugin.lower() and name.digest:
            return OciPackage(
                registry=name.registry,
                repository=name.repository,
                digest=name.digest,
                plugin_path=plugin,
            )
    return None
