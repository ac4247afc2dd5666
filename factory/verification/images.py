"""An image, checked: its blobs, its annotation, and every plugin in it.

The rules are those of published dynamic plugins: one folder a plugin at the root of the layer, and
the annotation ``io.backstage.dynamic-packages``, base64 of a JSON array of ``{folder: facts}``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from factory.archives.limits import DEFAULT_LIMITS, ArchiveLimits, refuse_large_image
from factory.archives.refusal import printable
from factory.archives.unpack import unpack
from factory.errors import ArtifactError, FactoryError, Interrupted
from factory.oci.packed_plugin import (
    DYNAMIC_PACKAGES,
    folders_in,
    is_plugin_folder,
)
from factory.quantities import join_names
from factory.scratch_folder import scratch_folder
from factory.values import dataclass
from factory.verification.findings import (
    ARCHIVE,
    IMAGE,
    INTEGRITY,
    CheckFinding,
    Verified,
    failed_finding,
    finding_of_error,
    passed_finding,
)
from factory.verification.plugin_checks import Terms, verify_plugin_folder
from factory.verification.targets import PLUGIN_PATH

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from factory.oci.descriptor import Descriptor

_SPEC = "an image of dynamic plugins, as 'plugin-factory push' makes it"


class Blobs(Protocol):
    """Where an image's blobs are had from."""

    def blob(self, descriptor: Descriptor, work: Path) -> Path:
        """Return a file with the blob, whose digest has been compared; ``work`` has room for it.

        Raises:
            FactoryError: it is not available, or is another.
        """


@dataclass(frozen=True, kw_only=True, slots=True)
class FoundImage:
    """An image whose manifest has been read; ``name`` is what the user calls it.

    ``named`` is the digest that the name leads to: the image's, or that of an index with it.
    """

    name: str
    digest: str
    named: str
    annotations: Mapping[str, str]
    config: Descriptor
    layers: tuple[Descriptor, ...]
    blobs: Blobs
    plugin: str = ""


def verify_image(
    image: FoundImage,
    terms: Terms,
    *,
    limits: ArchiveLimits = DEFAULT_LIMITS,
    more: tuple[CheckFinding, ...] = (),
) -> tuple[Verified, ...]:
    """Check an image and return a result for each plugin in it; at least one.

    ``more`` are findings about the image from elsewhere.

    Raises:
        ToolchainError: Node.js cannot be started.
        StorageError: there is no space to unpack it.
        Interrupted: the run was cancelled.
    """
    with scratch_folder("verify") as work:
        findings: list[CheckFinding] = []
        roots = _unpack(image, work, limits, findings)
        folders = _plugin_folders(roots)
        if all(finding.result == "passed" for finding in findings):
            findings.append(_check_annotation(image, tuple(folders)))
        findings += more
        wanted = {name: root for name, root in folders.items() if image.plugin in ("", name)}
        several = len(wanted) > 1 or bool(image.plugin)
        results = [
            verify_plugin_folder(
                root, f"{image.name}{PLUGIN_PATH}{name}" if several else image.name, terms
            )
            for name, root in wanted.items()
        ]
    return tuple(
        replace(result, findings=(*findings, *result.findings))
        for result in results or [Verified(artifact=image.name)]
    )


def _unpack(
    image: FoundImage, work: Path, limits: ArchiveLimits, findings: list[CheckFinding]
) -> Sequence[Path]:
    """Each layer in a folder of its own, and what was found on the way."""
    roots: list[Path] = []
    files = 0
    try:
        refuse_large_image([layer.size for layer in image.layers], limits, image.name)
        layers = [image.blobs.blob(one, work) for one in (image.config, *image.layers)][1:]
    except Interrupted:
        raise
    except FactoryError as error:
        findings.append(finding_of_error(INTEGRITY, error))
        return roots
    findings.append(passed_finding(INTEGRITY, image.digest))
    try:
        for number, (descriptor, file) in enumerate(zip(image.layers, layers, strict=True)):
            root = work / f"layer-{number}"
            shown = f"{image.name} ({descriptor.digest})"
            files += unpack(file, root, archive=shown, limits=limits)
            roots.append(root)
            _refuse_links_to_neighbours(root, shown)
    except ArtifactError as error:
        findings.append(finding_of_error(ARCHIVE, error))
        return roots
    findings.append(passed_finding(ARCHIVE, f"{files} files"))
    return roots


def _refuse_links_to_neighbours(root: Path, shown: str) -> None:
    """Links that stay in the image may still leave their plugin for another one's folder."""
    for folder in root.iterdir():
        for path in folder.rglob("*"):
            if path.is_symlink() and not path.resolve().is_relative_to(folder):
                raise ArtifactError(
                    "the image is not safe to install: a link leaves its plugin",
                    found=f"{path.relative_to(root)} -> {path.readlink()}, in {shown}",
                    expected="links that stay within the plugin's folder",
                )


def _plugin_folders(roots: Sequence[Path]) -> dict[str, Path]:
    """The folders with a package.json by name; a later layer's comes instead of an earlier's."""
    return {
        folder.name: folder
        for root in roots
        for folder in sorted(root.iterdir())
        if (folder / "package.json").is_file()
    }


def _check_annotation(image: FoundImage, folders: tuple[str, ...]) -> CheckFinding:
    text = image.annotations.get(DYNAMIC_PACKAGES)
    if fault := _fault_of_folders(image, folders):
        return fault
    if text is None:
        if image.plugin:
            return passed_finding(IMAGE, f"no annotation; {image.plugin} is there")
        return failed_finding(
            IMAGE,
            f"the image has no annotation {DYNAMIC_PACKAGES}",
            found=join_names(image.annotations) or "no annotations",
            expected=_SPEC,
            hint=f"portals then need the folder in their list: {PLUGIN_PATH}{folders[0]}",
        )
    named = _parse_name(text)
    if named is None or sorted(named) != sorted(folders):
        return failed_finding(
            IMAGE,
            f"the annotation {DYNAMIC_PACKAGES} does not name what is in the image",
            found=join_names(named)
            if named is not None
            else "not base64 of a JSON array of objects",
            expected=join_names(folders),
            hint="make the image again",
        )
    return passed_finding(IMAGE, join_names(named))


def _fault_of_folders(image: FoundImage, folders: tuple[str, ...]) -> CheckFinding | None:
    if not folders:
        return failed_finding(
            IMAGE,
            "no plugin is in the image",
            found="no folder with a package.json",
            expected=_SPEC,
        )
    if odd := [name for name in folders if not is_plugin_folder(name)]:
        return failed_finding(
            IMAGE,
            "a plugin's folder has a name that portals do not accept",
            found=", ".join(map(printable, odd)),
            expected="letters, digits, '.', '_' and '-'; none that portals use for something else",
            hint="make the image again with 'plugin-factory push'",
        )
    if image.plugin and image.plugin not in folders:
        return failed_finding(
            IMAGE,
            "the plugin's folder is not in the image",
            found=join_names(folders),
            expected=image.plugin,
            hint=f"name one of them after {PLUGIN_PATH}",
        )
    return None


def _parse_name(text: str) -> tuple[str, ...] | None:
    try:
        return folders_in(text)
    except ValueError:
        return None
