"""The package.json of a published plugin, each field checked before anything is made of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from factory.analysis.discovery import BACKEND_ROLES, PLUGIN_ROLES
from factory.archives.npm_package import LARGEST_PACKAGE_JSON, PACKAGE_JSON
from factory.errors import Place, SourceError
from factory.notation.json_text import parse_object
from factory.patterns import lazy_pattern
from factory.values import dataclass
from factory.versions import is_range

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

_DYNAMIC = "-dynamic"
DEPENDENCIES = ("dependencies", "optionalDependencies", "peerDependencies")
_TAG = lazy_pattern(r"[A-Za-z][\w.-]*", re.ASCII)
_ALIAS = lazy_pattern(r"npm:(?P<name>(?:@[\w.~-]+/)?[\w.~-]+)(?:@(?P<wanted>.+))?", re.ASCII)
_LEAKED = lazy_pattern(r"workspace:(?P<wanted>.*)")
_OF_BACKSTAGE = "backstage:"
_OF_CATALOG = "catalog:"
_NAME = lazy_pattern(r"(?:@[A-Za-z0-9~-][\w.~-]*/)?[A-Za-z0-9~_-][\w.~-]*", re.ASCII)


@dataclass(frozen=True, kw_only=True, slots=True)
class PublishedManifest:
    """What was published: all fields, and those that everything depends on."""

    file: Path
    fields: Mapping[str, Any]
    name: str
    version: str
    role: str

    @property
    def is_backend(self) -> bool:
        """Whether it is a plugin, or a module, of a backend."""
        return self.role in BACKEND_ROLES

    def place(self, field: str) -> Place:
        """Return where a field is."""
        return Place(file=self.file, field=field)

    def text(self, field: str) -> str:
        """Return a field that is to be text, and "" if it is not."""
        value = self.fields.get(field)
        return value if isinstance(value, str) else ""

    def mapping(self, field: str) -> Mapping[str, Any]:
        """Return a field that is to be an object, and an empty one if it is not."""
        value = self.fields.get(field)
        return value if isinstance(value, dict) else {}


def read_published_manifest(folder: Path, *, name: str, version: str) -> PublishedManifest:
    """Return the package.json of an unpacked package.

    Args:
        folder: the package's.
        name: what the registry calls it.
        version: the version that the registry calls it.

    Raises:
        SourceError: it cannot be read, is of another package, or is not a plugin that can be built.
    """
    file = folder / PACKAGE_JSON
    fields = _read_fields(file)
    if fields.get("name") != name or fields.get("version") != version:
        raise SourceError(
            "the package is not what its registry calls it",
            place=Place(file=file, field="name"),
            found=ascii(f"{fields.get('name')}@{fields.get('version')}")[:300],
            expected=f"{name}@{version}",
            hint="do not use the package: its registry, or who published it, is not reliable",
        )
    if name.endswith(_DYNAMIC):
        raise SourceError(
            f"{name} is a dynamic plugin already",
            place=Place(file=file, field="name"),
            expected="the package that it was made from",
            hint=f"list it in dynamic-plugins.yaml as it is, or build {name[: -len(_DYNAMIC)]}",
        )
    backstage = fields.get("backstage")
    role = backstage.get("role") if isinstance(backstage, dict) else None
    if role not in PLUGIN_ROLES:
        raise SourceError(
            f"{name} is not a plugin that can be made dynamic",
            place=Place(file=file, field="backstage.role"),
            found=f"the role {ascii(role)[:100]}" if role else "no backstage.role",
            expected="one of " + ", ".join(PLUGIN_ROLES),
            hint="name the plugin itself: -common and -node packages are embedded in it; a plugin "
            "from before roles can be built from its repository, where a patch adds one",
        )
    return PublishedManifest(file=file, fields=fields, name=name, version=version, role=str(role))


def _read_fields(file: Path) -> dict[str, Any]:
    if not file.is_file() or file.is_symlink() or file.stat().st_size > LARGEST_PACKAGE_JSON:
        raise SourceError(
            "the package has no usable package.json",
            place=Place(file=file),
            expected=f"a file of at most {LARGEST_PACKAGE_JSON} bytes",
        )
    try:
        return dict(parse_object(file.read_bytes()))
    except ValueError as error:
        raise SourceError(
            "the package.json of the package cannot be read",
            place=Place(file=file),
            found=str(error),
            hint="a patch can correct it: its path is plugin/package.json",
        ) from error


def settle_ranges(
    manifest: PublishedManifest, field: str, version_in_portal: Callable[[str], str | None]
) -> dict[str, str]:
    """Return what ``field`` asks for, in ranges that a registry answers.

    ``backstage:^`` that has leaked becomes the portal's version, ``workspace:^`` the newest of the
    time. What is not from a registry is refused: yarn would run its scripts, or read this machine.

    Args:
        manifest: the plugin's.
        field: one of :data:`DEPENDENCIES`.
        version_in_portal: returns the version of a package in the portal, None if there is none.

    Raises:
        SourceError: with the dependency, and what to do.
    """
    settled: dict[str, str] = {}
    value = manifest.fields.get(field)
    if value is not None and not isinstance(value, dict):
        raise _unusable(manifest, field, value, "an object with names and ranges")
    for name, wanted in (value or {}).items():
        where = f"{field}.{name}"
        if not _NAME.fullmatch(name) or not isinstance(wanted, str):
            raise _unusable(manifest, where, wanted, "a package's name and a range")
        settled[name] = _settle(manifest, where, name, wanted.strip(), version_in_portal)
    return settled


def _settle(
    manifest: PublishedManifest,
    where: str,
    name: str,
    wanted: str,
    version_in_portal: Callable[[str], str | None],
) -> str:
    if leaked := _LEAKED.fullmatch(wanted):
        inner = leaked["wanted"]
        wanted = "*" if inner in {"^", "~", "*", ""} else inner
    elif wanted.startswith(_OF_CATALOG):
        version = version_in_portal(name)
        wanted = f"^{version}" if version else "*"
    elif wanted.startswith(_OF_BACKSTAGE):
        version = version_in_portal(name)
        if version is None:
            raise SourceError(
                f"{manifest.name} was published with a range that only its repository understands",
                place=manifest.place(where),
                found=wanted,
                expected=f"a range of versions of {name}, which the portal does not have either",
                hint="write one with a patch of plugin/package.json, or name a portal that has "
                "the package: --host",
            )
        return f"^{version}"
    if alias := _ALIAS.fullmatch(wanted):
        inner = alias["wanted"] or "*"
        if is_range(inner) or _TAG.fullmatch(inner):
            return wanted
    elif not wanted or is_range(wanted) or _TAG.fullmatch(wanted):
        return wanted or "*"
    raise SourceError(
        f"{manifest.name} depends on something that is not in a registry",
        place=manifest.place(where),
        found=ascii(wanted[:200]),
        expected="a version, a range or a tag",
        hint="replace it with a patch of plugin/package.json, or build the plugin from its "
        "repository",
    )


def _unusable(manifest: PublishedManifest, field: str, value: object, expected: str) -> SourceError:
    return SourceError(
        f"a field of the package.json of {manifest.name} cannot be used",
        place=manifest.place(field[:200]),
        found=ascii(value)[:200],
        expected=expected,
        hint="a patch can correct it: its path is plugin/package.json",
    )
