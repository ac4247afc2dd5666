"""What is said of artifacts, written beside them: what they are made of, and where they come from.

The bill of materials follows from the artifact and is kept with it. The provenance follows from
what the report says, so that it is written anew by each run, whether or not it built anything.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from factory import __version__
from factory.analysis.lockfile_parser import LOCKFILE
from factory.attestation.provenance import (
    PROVENANCE_SUFFIX,
    BuiltFrom,
    BuiltWith,
    Material,
    Subject,
    provenance,
)
from factory.attestation.sbom import SBOM_SUFFIX, file_digests, sbom
from factory.export.packing import Artifact
from factory.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from factory.pipeline.report import PluginReport, SourceReport, ToolVersions


def write_sbom(tgz: Path, built_in: Path | None) -> Artifact:
    """Write the bill of materials beside an artifact: ``NAME.tgz.cdx.json``.

    Args:
        tgz: the artifact.
        built_in: the plugin's folder in its installed workspace, where versions of what scripts
            were made of are looked up.

    Raises:
        PackError: the artifact is damaged.
        OSError: the folder cannot be written, or the disk is full.
    """
    return _written(
        tgz.with_name(f"{tgz.name}{SBOM_SUFFIX}"),
        sbom(tgz, tool_version=__version__, built_in=built_in),
    )


def configured_materials(
    config_dir: Path, *, patches: Iterable[Path], overlays: Iterable[Path], files: Iterable[Path]
) -> tuple[Material, ...]:
    """Return the digests of what a configuration directory changes in a workspace.

    Args:
        config_dir: names are relative to it.
        patches: the patches' files.
        overlays: the overlays' folders: each of their files counts.
        files: further files that decide what comes out, such as ``backstage.json``; those that do
            not exist are left out.
    """
    named = [*patches, *(one for folder in overlays for one in _files(folder)), *files]
    return tuple(
        Material(name=os.path.relpath(one, config_dir), sha256=_sha256(one))
        for one in sorted(set(named))
        if one.is_symlink() or one.is_file()
    )


def lockfile_material(workspace: Path, root: Path) -> tuple[Material, ...]:
    """Return the digest of the lockfile that a workspace is installed by: the next on the way up.

    Args:
        workspace: its folder.
        root: the repository's root, which the name is relative to.
    """
    for folder in (workspace, *workspace.parents):
        file = folder / LOCKFILE
        if file.is_file():
            return (Material(name=os.path.relpath(file, root), sha256=_sha256(file)),)
        if folder == root:
            break
    return ()


def write_provenance(
    report: PluginReport,
    *,
    source: SourceReport,
    materials: Sequence[Material],
    tools: ToolVersions,
    output_dir: Path,
    redact: Callable[[str], str],
) -> PluginReport:
    """Write ``NAME.tgz.provenance.json`` beside a plugin's artifact and add it to the report.

    A plugin that has no artifact is left as it is.

    Raises:
        OSError: the folder cannot be written, or the disk is full.
    """
    if report.outcome != "done" or not report.files:
        return report
    tgz = output_dir / report.files[0].name
    digests = file_digests(tgz)
    text = provenance(
        [Subject(name=tgz.name, sha256=digests.sha256, sha512=digests.sha512)],
        BuiltFrom(
            repository=redact(source.repo),
            ref=source.ref,
            commit=source.commit,
            workspace_path=source.workspace_path,
            modified=source.modified,
            materials=tuple(materials),
        ),
        BuiltWith(
            plugin_path=report.path,
            arguments=tuple(redact(word) for word in shlex.split(report.arguments)),
            tools=_versions(tools),
        ),
    )
    written = _written(tgz.with_name(f"{tgz.name}{PROVENANCE_SUFFIX}"), text)
    others = tuple(one for one in report.files if one.name != written.name)
    return replace(report, files=(*others, written))


def _written(file: Path, text: str) -> Artifact:
    write_whole(file, text)
    return Artifact(name=file.name, size=file.stat().st_size)


def _versions(tools: ToolVersions) -> Mapping[str, str]:
    """Of what decides the artifact's bytes; Python runs the factory and touches none of them."""
    versions = {
        "plugin-factory": tools.factory,
        "node": tools.node,
        "yarn": tools.yarn,
        "rhdh-cli": tools.rhdh_cli,
    }
    return {name: version for name, version in versions.items() if version}


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        here = Path(parent)
        yield from (here / name for name in names)
        yield from (here / name for name in folders if (here / name).is_symlink())


def _sha256(file: Path) -> str:
    """The digest of a file's bytes, or of where a symbolic link points."""
    content = os.fsencode(file.readlink()) if file.is_symlink() else file.read_bytes()
    return hashlib.sha256(content).hexdigest()
