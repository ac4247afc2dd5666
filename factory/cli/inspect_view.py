"""What ``plugin-factory inspect`` has found: lines for people, JSON for machines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from factory.quantities import join_names, pluralize, size
from factory.ui.text import Span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from factory.inspection.inspect_bundle import InspectedBundle, When
    from factory.inspection.size_limits import Excess
    from factory.ui.printing import Printer

FORMAT = 1
_MOST_PACKAGES = 12


def document_of(
    artifact: str,
    package: Mapping[str, Any],
    bundles: Sequence[InspectedBundle],
    excesses: Sequence[Excess],
) -> dict[str, Any]:
    """Return what was found as the schema ``inspection`` has it."""
    return {
        "format": FORMAT,
        "artifact": artifact,
        "name": str(package.get("name", "")),
        "version": str(package.get("version", "")),
        "bundles": [_bundle(one) for one in bundles],
        "excesses": [
            {"system": one.system, "what": one.what, "found": one.found, "allowed": one.allowed}
            for one in excesses
        ],
    }


def _bundle(bundle: InspectedBundle) -> dict[str, Any]:
    return {
        "system": bundle.system,
        "name": bundle.name,
        "parts": [
            {
                "when": when,
                "size": bundle.total(when)[0],
                "gzipped": bundle.total(when)[1],
                "files": [
                    {"name": one.name, "size": one.size, "gzipped": one.gzipped} for one in files
                ],
            }
            for when, files in bundle.files.items()
        ],
        "packages": [
            {"name": one.name, "at-once": one.at_once, "later": one.later}
            for one in bundle.packages
        ],
        "unmapped": list(bundle.unmapped),
        "shared": [
            {
                "name": one.name,
                "version": one.version,
                "required": one.required,
                "singleton": one.singleton,
            }
            for one in bundle.shared
        ],
        "bundled-though-shared": list(bundle.bundled_though_shared),
        "shared-libraries": list(bundle.shared_libraries),
    }


def show(
    title: str, bundles: Sequence[InspectedBundle], excesses: Sequence[Excess], out: Printer
) -> None:
    """Print what was found, a block a bundle."""
    out.styled_lines([(Span(title, "strong"),)])
    for bundle in bundles:
        out.lines("", f"{bundle.system} frontend system: {bundle.name}")
        out.tabs((f"  {when}", _measures(bundle, when)) for when in bundle.files)
        out.lines(*_remarks(bundle))
        if bundle.packages:
            out.lines("  the biggest packages, at once and later:")
            out.tabs(
                (f"    {one.name}", f"{size(one.at_once)}, {size(one.later)}")
                for one in bundle.packages[:_MOST_PACKAGES]
            )
    out.styled_lines((Span(f"beyond the limit: {one}", "bad"),) for one in excesses)


def _measures(bundle: InspectedBundle, when: When) -> str:
    plain, gzipped = bundle.total(when)
    files = pluralize(len(bundle.files[when]), "file")
    return f"{size(gzipped)} with gzip, {size(plain)} plain, {files}"


def _remarks(bundle: InspectedBundle) -> Iterator[str]:
    if bundle.shared:
        named = join_names((f"{one.name} {one.version}" for one in bundle.shared), most=12)
        yield f"  shares with the page: {named}"
    if bundle.bundled_though_shared:
        named = join_names(bundle.bundled_though_shared)
        yield f"  has for itself though portals share it: {named}"
    if bundle.shared_libraries:
        named = join_names(bundle.shared_libraries)
        yield f"  shares as a whole where single modules are meant: {named}"
    if bundle.unmapped:
        yield f"  without a source map: {join_names(bundle.unmapped)}"
