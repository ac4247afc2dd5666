"""What ``package`` of an entry names: an image, an npm package, an archive, or a folder.

The forms are those of RHDH's ``dynamic-plugins.yaml``. Each has an identity that does not change
with its version: by it one file's entry overrides another's.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import urlsplit

from factory.config.package_spec import LATEST, PackageSpec
from factory.errors import ConfigurationError, UsageError
from factory.oci.names import (
    HOST,
    REPOSITORY,
    TAG,
    is_host,
)
from factory.oci.packed_plugin import is_plugin_folder
from factory.oci.web_addresses import is_web_address
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from factory.errors import Place

INHERIT = "{{inherit}}"
BY_NAME = "ref://"
FORMS = (
    "oci://registry/repository:tag!plugin-path, name@version of an npm package, "
    "https://…/plugin.tgz, ./plugin.tgz or ./folder"
)

_OCI = "oci://"
_ARCHIVES = (".tgz", ".tar.gz")
_IMAGE = lazy_pattern(
    rf"(?P<registry>{HOST})/(?P<repository>{REPOSITORY})"
    rf"(?::(?P<tag>{TAG}|\{{\{{inherit\}}\}}))?(?:@(?P<digest>sha256:[0-9a-f]{{64}}))?"
)
_NPM = lazy_pattern(
    r"(?P<name>(?:@[a-z0-9~-][\w.~-]*/)?[A-Za-z0-9~-][\w.~-]*)(?:@(?P<wanted>[^/:]+))?", re.ASCII
)
_GIT = lazy_pattern(r"(?:git[+:]|github:|gitlab:|bitbucket:|gist:)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class OciPackage:
    """A plugin in an image; ``tag`` may be ``{{inherit}}``, ``plugin_path`` empty (the only one).

    A digest wins over a tag.
    """

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""
    plugin_path: str = ""

    def __str__(self) -> str:
        path = f"!{self.plugin_path}" if self.plugin_path else ""
        return f"{_OCI}{self.image}{path}"

    @property
    def name(self) -> str:
        """The image without tag and digest."""
        return f"{self.registry}/{self.repository}"

    @property
    def last_part(self) -> str:
        """The last part of the image's name: what it is called in every registry."""
        return self.repository.rpartition("/")[2]

    @property
    def image(self) -> str:
        """The image as it is pulled."""
        if self.digest:
            return f"{self.name}@{self.digest}"
        return f"{self.name}:{self.tag}" if self.tag else self.name

    @property
    def identity(self) -> str:
        """Registry, repository and plugin path."""
        path = f"!{self.plugin_path}" if self.plugin_path else ""
        return f"{_OCI}{self.name}{path}"

    @property
    def inherits(self) -> bool:
        """Whether the version is that of an included file."""
        return self.tag == INHERIT


@dataclass(frozen=True, kw_only=True, slots=True)
class NpmPackage(PackageSpec):
    """A package of an npm registry, as an entry names it."""

    @property
    def identity(self) -> str:
        """The name."""
        return self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class RemoteArchive:
    """A `.tgz` at an address."""

    url: str

    def __str__(self) -> str:
        return self.url

    @property
    def identity(self) -> str:
        """The address: a file's name has its version in no fixed place."""
        return self.url


@dataclass(frozen=True, kw_only=True, slots=True)
class _OnThisMachine:
    path: Path
    written: str

    def __str__(self) -> str:
        return self.written

    @property
    def identity(self) -> str:
        """The absolute path."""
        return os.fspath(self.path)


class LocalArchive(_OnThisMachine):
    """A `.tgz` on this machine."""

    __slots__ = ()


class LocalFolder(_OnThisMachine):
    """An exported plugin's folder on this machine."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class IncludedByName:
    """``ref://name``: the image of an included file whose repository's last part is ``name``."""

    name: str

    def __str__(self) -> str:
        return f"{BY_NAME}{self.name}"

    @property
    def identity(self) -> str:
        """As written."""
        return str(self)


Package: TypeAlias = OciPackage | NpmPackage | RemoteArchive | LocalArchive | LocalFolder
WrittenPackage: TypeAlias = Package | IncludedByName


def parse_package(text: str, *, folder: Path, place: Place | None = None) -> WrittenPackage:
    """Return what ``text`` names; relative paths count from ``folder``.

    Raises:
        ConfigurationError: it has none of the forms, or is a git repository.
    """
    written = text.strip()
    if written.startswith(_OCI):
        return _image(written, place)
    if written.startswith(BY_NAME):
        return IncludedByName(name=written.removeprefix(BY_NAME))
    if _GIT.match(written) or written.endswith(".git"):
        raise _refusal(
            "plugins cannot be installed from a git repository",
            written,
            place,
            hint="build the plugin and publish the result: 'plugin-factory build --help'",
        )
    if written.startswith(("https://", "http://")):
        return _address(written, place)
    if written.startswith(("./", "../", "/", "file:")) or written in (".", ".."):
        return _path(written, folder, place)
    match = _NPM.fullmatch(written)
    if match is None:
        raise _refusal("the package has an unknown form", written, place)
    return NpmPackage(name=match["name"], wanted=(match["wanted"] or LATEST).strip())


def parse_image(text: str) -> OciPackage:
    """Return the image that a command line names, which has a version.

    Raises:
        UsageError: it has none.
        ConfigurationError: it is not the name of an image.
    """
    package = parse_package(text, folder=Path.cwd())
    if isinstance(package, OciPackage) and not package.inherits:
        return package
    raise UsageError(
        "the image has no version",
        found=text,
        expected="oci://REGISTRY/REPOSITORY:TAG, with !FOLDER for one plugin of several",
    )


def with_version_of(package: OciPackage, included: OciPackage) -> OciPackage:
    """Return the image of ``included``, with its path if none is given.

    It is the included file that knows where the version is: the registry is its, too.
    """
    return replace(included, plugin_path=package.plugin_path or included.plugin_path)


def _image(written: str, place: Place | None) -> OciPackage:
    image, bang, plugin_path = written.removeprefix(_OCI).partition("!")
    match = _IMAGE.fullmatch(image)
    if match is None or not is_host(match["registry"]) or not (match["tag"] or match["digest"]):
        raise _refusal(
            "the image's name cannot be read",
            written,
            place,
            expected="oci://registry/repository:tag, or @sha256:… in place of the tag, "
            "and !plugin-path after it",
        )
    if bang and not is_plugin_folder(plugin_path):
        raise _refusal(
            "the plugin's path in the image is not a valid folder name",
            written,
            place,
            expected="a folder at the image's root, such as !my-org-plugin-todo",
        )
    return OciPackage(
        registry=match["registry"].lower(),
        repository=match["repository"],
        tag=match["tag"] or "",
        digest=match["digest"] or "",
        plugin_path=plugin_path,
    )


def _address(written: str, place: Place | None) -> RemoteArchive:
    if not is_web_address(written) or not written.isprintable():
        raise _refusal("the address cannot be used", _without_user(written), place)
    if not urlsplit(written).path.endswith(_ARCHIVES):
        raise _refusal(
            "the address is not an archive's",
            _without_user(written),
            place,
            expected="an address that ends with .tgz",
        )
    return RemoteArchive(url=written)


def _path(written: str, folder: Path, place: Place | None) -> LocalArchive | LocalFolder:
    bare = written.removeprefix("file://").removeprefix("file:")
    if not written.isprintable():
        raise _refusal("the path has characters that cannot be printed", repr(written), place)
    path = Path(os.path.normpath(folder.absolute() / bare))
    kind = LocalArchive if bare.endswith(_ARCHIVES) and not path.is_dir() else LocalFolder
    return kind(path=path, written=written)


def _without_user(url: str) -> str:
    return re.sub(r"(?<=://)[^/@]*@", "***@", url)


def _refusal(
    problem: str, found: str, place: Place | None, *, expected: str = FORMS, hint: str | None = None
) -> ConfigurationError:
    return ConfigurationError(problem, place=place, found=found, expected=expected, hint=hint)
