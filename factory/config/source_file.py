"""``source.json``: where the plugins' source comes from."""

from __future__ import annotations

import logging
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from factory.config.allowed_scripts import NO_SCRIPTS, AllowedScripts, parse_allowed_scripts
from factory.config.documents import read_json, refuse_unprintable, unknown_fields, validate
from factory.config.lenient import read_as_meant
from factory.config.package_spec import AsOf, PackageSpec, parse_as_of, parse_package_spec
from factory.errors import ConfigurationError
from factory.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from factory.config.documents import Document

log = logging.getLogger(__name__)

SOURCE_FILE = "source.json"
_OF_A_REPOSITORY = (
    "repo",
    "repo-ref",
    "repo-ref-name",
    "workspace-path",
    "repo-flat",
    "repo-backstage-version",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SourceFile:
    """What a ``source.json`` says: a repository, or a ``package`` that is published on npm.

    ``resolve_as_of`` is the day on which a package's dependencies are resolved, None for that of
    its publication; ``feature`` is the export of it to load, None for the default or only one;
    ``scripts`` says whose install scripts may run.
    ``workspace_path`` is None when the file does not say; ``repo_backstage_version`` is a note of
    public catalogues about the source, and only that.
    """

    path: Path
    repo: str
    ref: str | None = None
    package: PackageSpec | None = None
    resolve_as_of: AsOf | None = None
    feature: str | None = None
    scripts: AllowedScripts = NO_SCRIPTS
    workspace_path: str | None = None
    repo_backstage_version: str | None = None


def read_source_file(config_dir: Path, layer: Path | None = None) -> SourceFile | None:
    """Return the directory's ``source.json``, or that of its ``layer``; None when there is none.

    The catalogue field ``repo-flat`` is understood: true means the repository's root, false means
    ``workspaces/<name of the configuration directory>``. An explicit ``workspace-path`` wins.

    Raises:
        ConfigurationError: the file is not JSON, not of the form of its schema, or names a
            workspace outside of the repository.
    """
    path = config_dir / SOURCE_FILE
    if layer and (layer / SOURCE_FILE).exists():
        path = layer / SOURCE_FILE
    if not path.exists():
        return None
    document = validate(read_as_meant(read_json(path), "source"), "source")
    unknown = unknown_fields(document, "source")
    if unknown:
        log.warning("%s: unknown fields, ignored: %s", path, ", ".join(map(str, unknown)))
    value = document.value
    for field in ("repo", "repo-ref", "workspace-path", "package", "package-feature"):
        refuse_unprintable(document, field, (value.get(field) or "").strip())
    if value.get("package"):
        return _read_package(document)
    for field in ("resolve-as-of", "package-feature", "allow-scripts"):
        if value.get(field):
            log.warning("%s: %s is for packages, and is ignored", path, field)
    _refuse_outside(document)
    return SourceFile(
        path=path,
        repo=value["repo"].strip(),
        ref=(value.get("repo-ref") or "").strip() or None,
        workspace_path=_write_path(value) or _catalogue_path(value, config_dir),
        repo_backstage_version=value.get("repo-backstage-version") or None,
    )


def _read_package(document: Document) -> SourceFile:
    """The source as a published package, which nothing of a repository goes with."""
    value = document.value
    for field in _OF_A_REPOSITORY:
        if value.get(field) not in (None, "", "."):
            raise ConfigurationError(
                f"'package' and '{field}' exclude each other",
                place=document.place(field),
                found=f"{field}: {value[field]}",
                expected="the package alone, or the repository",
                hint=f"remove '{field}' to build the published package, or 'package' to build "
                "the repository",
            )
    spec = parse_package_spec(value["package"], document.place("package"))
    as_of = value.get("resolve-as-of")
    return SourceFile(
        path=document.path,
        repo=spec.purl,
        ref=spec.wanted,
        package=spec,
        resolve_as_of=parse_as_of(as_of, document.place("resolve-as-of")) if as_of else None,
        feature=(value.get("package-feature") or "").strip() or None,
        scripts=parse_allowed_scripts(
            value.get("allow-scripts") or (), document.place("allow-scripts")
        ),
        workspace_path=".",
    )


def leaves_repository(workspace_path: str) -> bool:
    """Whether a path from the repository's root is not a path, or leads out of it."""
    path = PurePosixPath(workspace_path)
    return path.is_absolute() or ".." in path.parts


def _refuse_outside(document: Document) -> None:
    written = _write_path(document.value)
    if leaves_repository(written):
        raise ConfigurationError(
            "the workspace path points outside the repository",
            place=document.place("workspace-path"),
            found=written,
            expected="a path from the repository's root, such as workspaces/todo",
        )


def _write_path(value: dict[str, Any]) -> str:
    return str(value.get("workspace-path") or "").strip()


def _catalogue_path(value: dict[str, object], config_dir: Path) -> str | None:
    if "repo-flat" not in value:
        return None
    return "." if value["repo-flat"] else f"workspaces/{config_dir.resolve().name}"
