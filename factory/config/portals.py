"""The portals that a run builds for, and the files that a configuration has for one of them.

``--host`` names them, or ``portals.yaml`` in the configuration directory. A file below
``portals/NAME/`` takes the place of the one of the same path in the configuration directory, for
the portal of that name alone.
"""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from factory.config.documents import read_yaml_map, unknown_fields, validate
from factory.config.source_file import SOURCE_FILE
from factory.errors import Place, UsageError
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from factory.config.options import BuildOptions, ImageOptions

log = logging.getLogger(__name__)

PORTALS_FOLDER = "portals"
PORTALS_FILE = "portals.yaml"
_FOLDER_NAME = lazy_pattern(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_LOCKFILE = "yarn.lock"
_PLAIN_TAG = "{version}"
_TAG_OF_PORTAL = "{version}-{host}"


class PortalScope(Enum):
    """Which portals a command is about: those that a build builds for, none by name, or sources.

    Of ``SOURCES`` there is one without a name for the source.json that all portals have, and each
    that has one of its own.
    """

    WANTED = "wanted"
    NAMELESS = "nameless"
    SOURCES = "sources"


@dataclass(frozen=True, kw_only=True, slots=True)
class WantedPortal:
    """A portal to build for: ``host`` as it was given, "" for the default one.

    ``name`` is what its folders are called, "" where it has no name that a folder can have; only a
    portal that is built for alone may lack one, one that is not ``is_one_of_several``.
    """

    name: str = ""
    host: str = ""
    is_one_of_several: bool = False

    @property
    def of_several(self) -> str:
        """Its name where a run builds for several, "" otherwise."""
        return self.name if self.is_one_of_several else ""

    def layers_of(self, config_dir: Path) -> tuple[Path, ...]:
        """Return the folders of a configuration, those first whose files win."""
        layer = find_layer(config_dir, self.name)
        return (layer, config_dir) if layer else (config_dir,)

    def own_folder(self, config_dir: Path) -> Path:
        """Return where what is found out for this portal is written; it may not be there yet.

        Of several portals each has a folder of its own: build arguments are for one of them.
        """
        layer = find_layer(config_dir, self.name)
        if layer or self.is_one_of_several:
            return config_dir / PORTALS_FOLDER / self.name
        return config_dir

    def options_of(self, options: BuildOptions) -> BuildOptions:
        """Return the options of a run for this portal alone."""
        hosts = (self.host,) if self.host else ()
        return replace(options, arguments=replace(options.arguments, host=hosts))


DEFAULT_PORTAL = WantedPortal()


def read_portals(options: BuildOptions, config_dir: Path) -> tuple[WantedPortal, ...]:
    """Return the portals that a run builds for, in the order in which they are named.

    Args:
        options: those of ``--host`` win over ``portals.yaml``.
        config_dir: where that may be.

    Raises:
        ConfigurationError: ``portals.yaml`` cannot be read.
        UsageError: one is named twice, or, of several, one whose name cannot be that of a folder.
    """
    file = config_dir / PORTALS_FILE
    listed = () if options.arguments.host or not file.is_file() else _read_hosts(file)
    hosts = options.arguments.host or listed
    place = Place(file=file, field="hosts") if listed else None
    if len(hosts) <= 1:
        host = hosts[0] if hosts else ""
        name = name_portal(host)
        return (WantedPortal(name=name if _FOLDER_NAME.fullmatch(name) else "", host=host),)
    portals: dict[str, WantedPortal] = {}
    for host in hosts:
        name = name_portal(host)
        if not _FOLDER_NAME.fullmatch(name):
            raise UsageError(
                "a portal has no name that its folders can have",
                place=place,
                found=host,
                expected="a portal that 'plugin-factory host list' shows, or a file whose name is "
                "made of letters, digits, '.', '-' and '_'",
                hint="name it: plugin-factory host import --name NAME --lockfile yarn.lock",
            )
        portal = WantedPortal(name=name, host=host, is_one_of_several=True)
        first = portals.setdefault(name.casefold(), portal)
        if first is not portal:
            raise UsageError(
                f"two portals are called {name}",
                place=place,
                found=f"{first.host} and {host}",
                expected="each portal once",
            )
    return tuple(portals.values())


def find_nameless_portal(options: BuildOptions) -> WantedPortal:
    """Return the portal of ``--host`` for who takes what a configuration has for all portals."""
    return WantedPortal(host=next(iter(options.arguments.host), ""))


def find_source_portals(
    options: BuildOptions, config_dir: Path, folders: Iterable[Path]
) -> tuple[WantedPortal, ...]:
    """Return the portals that sources are for, the one without a name first.

    Args:
        options: what all portals have is for the portal of ``--host``.
        config_dir: its ``portals.yaml`` may say which file a portal's name means.
        folders: those of the workspaces.

    Raises:
        ConfigurationError: ``portals.yaml`` cannot be read.
    """
    meant = find_named_hosts(options, config_dir)
    names = {name for folder in folders for name in list_layers(folder) if has_source(folder, name)}
    own = (
        WantedPortal(name=name, host=meant.get(name, name), is_one_of_several=True)
        for name in sorted(names)
    )
    return (find_nameless_portal(options), *own)


def has_source(config_dir: Path, portal: str) -> bool:
    """Whether a configuration has a source.json for one portal."""
    layer = find_layer(config_dir, portal)
    return layer is not None and (layer / SOURCE_FILE).is_file()


def find_named_hosts(options: BuildOptions, config_dir: Path) -> Mapping[str, str]:
    """Return the portals of ``--host`` and ``portals.yaml`` by their names.

    Raises:
        ConfigurationError: ``portals.yaml`` cannot be read.
    """
    file = config_dir / PORTALS_FILE
    listed = _read_hosts(file) if file.is_file() else ()
    return {name_portal(host): host for host in (*listed, *options.arguments.host)}


def name_portal(host: str) -> str:
    """Return what a portal's folders are called: its name, or that of its file.

    A file of an inventory is called without ``.json``, a yarn.lock after the folder that it is in.
    """
    if "/" not in host and host != _LOCKFILE:
        return host
    path = Path(os.path.abspath(os.path.expanduser(host)))  # noqa: PTH100, PTH111 - never raise
    return path.parent.name if path.name == _LOCKFILE else path.name.removesuffix(".json")


def name_images(images: ImageOptions) -> ImageOptions:
    """Return how the images of several portals are named: no two may have one name.

    Raises:
        UsageError: the tag says nothing of the portal.
    """
    if images.tag_template == _PLAIN_TAG:
        return replace(images, tag_template=_TAG_OF_PORTAL)
    if "{host" not in images.tag_template:
        raise UsageError(
            "the images of several portals would have the same tag",
            found=f"--tag-template {images.tag_template}",
            expected="{host}, {host_version} or {host_backstage_version} in it",
            hint=f"for example --tag-template '{_TAG_OF_PORTAL}'",
        )
    return images


def find_layer(config_dir: Path, portal: str) -> Path | None:
    """Return the folder of a configuration that is for one portal, if there is one."""
    folder = config_dir / PORTALS_FOLDER / portal
    return folder if portal and folder.is_dir() else None


def list_layers(config_dir: Path) -> tuple[str, ...]:
    """Return the names of the portals that a configuration has files for."""
    folder = config_dir / PORTALS_FOLDER
    if not folder.is_dir():
        return ()
    return tuple(sorted(entry.name for entry in folder.iterdir() if entry.is_dir()))


def _read_hosts(file: Path) -> Sequence[str]:
    """The portals of a file; a path in it counts from the file's own folder."""
    document = validate(read_yaml_map(file), "portals")
    for unknown in unknown_fields(document, "portals"):
        log.warning("%s: %s is not used", file, unknown)
    hosts = (host.strip() for host in document.value["hosts"])
    return tuple(str(file.parent / host) if "/" in host else host for host in hosts)
