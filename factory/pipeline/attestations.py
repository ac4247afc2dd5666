"""What is said of artifacts, beside them and attached to their images; and images signed."""

from __future__ import annotations

import hashlib
import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from factory import __version__
from factory.analysis.lockfile_parser import LOCKFILE
from factory.archives.integrity import parse_integrity
from factory.attestation.packed_files import Digests, file_digests
from factory.attestation.provenance import (
    PROVENANCE_SUFFIX,
    SBOM_SUFFIX,
    SBOM_TYPE,
    STATEMENT_TYPE,
    BuiltFrom,
    BuiltWith,
    Material,
    ProvenanceSubject,
    provenance,
    with_subject,
)
from factory.attestation.signature import (
    CONFIG_TYPE,
    MANIFEST_TYPE,
    SIMPLE_SIGNING_TYPE,
    signature_image,
    signature_tag,
)
from factory.engines import Engine
from factory.errors import FactoryError, Interrupted
from factory.export.packing import Artifact
from factory.files import write_whole
from factory.oci.descriptor import TITLE, blob_of
from factory.oci.pull import pull_document
from factory.oci.push import push_blob
from factory.oci.referrers import attach
from factory.threads import InheritingPool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from factory.attestation.bundled import ContentsReader
    from factory.attestation.keys import PrivateKey
    from factory.config.environment import Environment
    from factory.oci.planned_images import PlannedImage
    from factory.oci.push import PushedImage
    from factory.oci.registry import Registry
    from factory.reports.build_report import PluginReport, SourceReport, ToolVersions

    _End: TypeAlias = PushedImage | FactoryError


_AT_ONCE = 4


def signing_key(file: Path | None, environment: Environment) -> PrivateKey | None:
    """Return the key that ``--sign-key`` names; its passphrase is in COSIGN_PASSWORD.

    Raises:
        ConfigurationError: the file holds no usable key, or the passphrase is not the key's.
    """
    if file is None:
        return None
    from factory.attestation.keys import (  # noqa: PLC0415 - cryptography loads slowly
        PASSPHRASE_VARIABLE,
        read_private_key,
    )

    return read_private_key(file, passphrase=environment.get(PASSPHRASE_VARIABLE))


def attest_images(
    registry: Registry, ends: Mapping[PlannedImage, _End], *, key: PrivateKey | None
) -> dict[PlannedImage, _End]:
    """Attach what is beside artifacts to their images, sign them; return what became of each.

    Args:
        registry: the conversation that the images were pushed over.
        ends: the images, with the artifacts that each holds, and what became of each.
        key: what to sign with; None to sign nothing.

    Raises:
        Interrupted: the conversation's checkpoint ended the run.
    """

    def attested(image: PlannedImage, end: _End) -> _End:
        if isinstance(end, FactoryError):
            return end
        try:
            attach_statements(registry, end, [plugin.tgz for plugin in image.plugins])
            if key:
                sign_image(registry, end.reference.repository, end.reference.name, end.digest, key)
        except Interrupted:
            raise
        except FactoryError as error:
            return error
        return end

    with InheritingPool(max_workers=_AT_ONCE) as pool:
        return dict(zip(ends, pool.map(attested, ends, ends.values()), strict=True))


def attach_statements(registry: Registry, image: PushedImage, artifacts: Sequence[Path]) -> None:
    """Attach the bills of materials and the provenance of an image's plugins, where they exist.

    The provenance that is attached is about the image too.

    Raises:
        RegistryError: the registry refuses.
        CheckError: a file should be a provenance statement, and is not.
    """
    repository = image.reference.repository
    contents = list(_statements(image, artifacts))
    if not contents:
        return
    subject = pull_document(registry, repository, image.digest).descriptor
    for name, media_type, content in contents:
        registry.transport.checkpoint()
        attach(
            registry,
            repository,
            subject,
            artifact_type=media_type,
            blobs=[blob_of(content, media_type)],
            titles=[name],
            annotations={TITLE: name},
        )


def sign_image(
    registry: Registry, repository: str, name: str, digest: str, key: PrivateKey
) -> None:
    """Sign an image as cosign does; signatures by others stay, and one by this key is not repeated.

    Args:
        registry: the conversation.
        repository: the image's.
        name: the image's name with the registry, without a tag: what the signature says it is of.
        digest: the image's digest.
        key: what to sign with.

    Raises:
        RegistryError: the registry refuses.
        CheckError: what is under the signatures' tag is not an image.
    """
    tag = signature_tag(digest)
    made = signature_image(name, digest, key, existing=registry.get_manifest(repository, tag))
    if made is None:
        return
    push_blob(registry, repository, blob_of(made.payload, SIMPLE_SIGNING_TYPE))
    push_blob(registry, repository, blob_of(made.config, CONFIG_TYPE))
    registry.put_manifest(repository, tag, blob_of(made.manifest, MANIFEST_TYPE))


def _statements(image: PushedImage, artifacts: Sequence[Path]) -> Iterator[tuple[str, str, bytes]]:
    for tgz in artifacts:
        materials = tgz.with_name(f"{tgz.name}{SBOM_SUFFIX}")
        if materials.is_file():
            yield materials.name, SBOM_TYPE, materials.read_bytes()
        statement = tgz.with_name(f"{tgz.name}{PROVENANCE_SUFFIX}")
        if statement.is_file():
            about = ProvenanceSubject(
                name=image.reference.name, sha256=image.digest.partition(":")[2]
            )
            text = with_subject(statement.read_text(encoding="utf-8"), about)
            yield statement.name, STATEMENT_TYPE, text.encode("utf-8")


def write_sbom(tgz: Path, built_in: Path | None, *, read: ContentsReader | None = None) -> Artifact:
    """Write the bill of materials beside an artifact: ``NAME.tgz.cdx.json``.

    Args:
        tgz: the artifact.
        built_in: the plugin's folder in its installed workspace, where versions of what scripts
            were made of are looked up.
        read: what has read the artifact to its end; None to read it here.

    Raises:
        PackError: the artifact is damaged.
        OSError: the folder cannot be written, or the disk is full.
    """
    from factory.attestation.sbom import sbom  # noqa: PLC0415 - cyclonedx loads slowly

    return _write_file(
        tgz.with_name(f"{tgz.name}{SBOM_SUFFIX}"),
        sbom(tgz, tool_version=__version__, built_in=built_in, read=read),
    )


def find_configured_materials(
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
    engine: Engine,
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
    digests = _known_digests(report) or file_digests(tgz)
    text = provenance(
        [ProvenanceSubject(name=tgz.name, sha256=digests.sha256, sha512=digests.sha512)],
        BuiltFrom(
            repository=redact(source.repo),
            ref=source.ref,
            commit=source.commit,
            workspace_path=source.workspace_path,
            modified=source.modified,
            materials=tuple(materials),
            sha512=parse_integrity(source.integrity).digests[0].hex() if source.integrity else "",
        ),
        BuiltWith(
            plugin_path=report.path,
            arguments=tuple(redact(word) for word in shlex.split(report.arguments)),
            tools=_versions(tools, engine),
            chosen=_choices(tools, engine, redact),
        ),
    )
    written = _write_file(tgz.with_name(f"{tgz.name}{PROVENANCE_SUFFIX}"), text)
    others = tuple(one for one in report.files if one.name != written.name)
    return replace(report, files=(*others, written))


def _known_digests(report: PluginReport) -> Digests | None:
    """The digests of an artifact from the cache, which were compared when it was restored."""
    sha256 = report.files[0].sha256
    if not sha256 or not report.integrity:
        return None
    integrity = parse_integrity(report.integrity)
    if integrity.algorithm != "sha512" or len(integrity.digests) != 1:
        return None
    return Digests(sha256=sha256, sha512=integrity.digests[0].hex())


def _write_file(file: Path, text: str) -> Artifact:
    write_whole(file, text)
    return Artifact(name=file.name, size=file.stat().st_size)


def _versions(tools: ToolVersions, engine: Engine) -> Mapping[str, str]:
    """Of what decides the artifact's bytes; Python runs the factory and touches none of them."""
    other = "cli-module-build" if engine is Engine.RHDH else "rhdh-cli"
    versions = {"plugin-factory": tools.factory, **dict(tools.exporting)}
    return {name: version for name, version in versions.items() if name != other}


def _choices(
    tools: ToolVersions, engine: Engine, redact: Callable[[str], str]
) -> Mapping[str, object]:
    """What was built with and for, and who decided it."""
    said = {
        "engine": str(engine),
        "host": tools.host,
        "hostBackstage": tools.host_backstage,
        "chosenBy": {
            name: redact(why)
            for name, why in sorted(tools.why.items())
            if name != "rhdh-cli" or engine is Engine.RHDH
        },
    }
    return {name: value for name, value in said.items() if value}


def _files(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        here = Path(parent)
        yield from (here / name for name in names)
        yield from (here / name for name in folders if (here / name).is_symlink())


def _sha256(file: Path) -> str:
    """The digest of a file's bytes, or of where a symbolic link points."""
    content = os.fsencode(file.readlink()) if file.is_symlink() else file.read_bytes()
    return hashlib.sha256(content).hexdigest()
