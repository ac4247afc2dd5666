"""A bill of materials of a packed plugin: CycloneDX 1.6, JSON (ECMA-424).

The same artifact gives the same bytes: there is no time in it, and the serial number follows from
the artifact's digest. Hashes are given where they are of something that the reader can hash too:
the artifact itself, and the files of a package inside it (:mod:`factory.attestation.file_tree`).
The checksums of a yarn.lock are not used: yarn's are of its own cache's archives.
"""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType, Swhid
from cyclonedx.model.component_evidence import ComponentEvidence, Occurrence
from cyclonedx.model.dependency import Dependency
from cyclonedx.model.tool import ToolRepository
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.spdx import is_supported_id
from packageurl import PackageURL

from factory.archives.npm_package import PACKAGE_FOLDER, PACKAGE_JSON
from factory.attestation.bill import PROPERTY
from factory.attestation.bundled import BundledPackage, bundle_contents
from factory.attestation.packed_files import Digests, file_digests

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from cyclonedx.model.license import License

    from factory.attestation.bundled import ContentsReader

# rhdh-cli's mark on the version of what it embeds; databases know the package without it.
_EMBEDDED_MARK = "+embedded"


def sbom(
    tgz: Path,
    *,
    tool_version: str,
    built_in: Path | None = None,
    read: ContentsReader | None = None,
) -> str:
    """Return the bill of materials of a packed plugin as JSON text.

    Args:
        tgz: the artifact.
        tool_version: the factory's version, which is named as the tool that made it.
        built_in: as for :meth:`factory.attestation.bundled.ContentsReader.contents`.
        read: what has read the archive to its end; None to read it here.

    Raises:
        PackError: the archive is damaged.
    """
    digests = file_digests(tgz)
    contents = read.contents(built_in) if read else bundle_contents(tgz, built_in=built_in)
    tool = Component(
        name="plugin-factory",
        version=tool_version,
        type=ComponentType.APPLICATION,
        bom_ref=f"plugin-factory@{tool_version}",
    )
    plugin = _plugin_component(contents.plugin.name, contents.plugin.version, digests)
    plugin.licenses.update(_licenses(contents.plugin.licenses))
    components = _components(contents.packages)
    bom = Bom(
        serial_number=uuid.uuid5(uuid.NAMESPACE_URL, f"urn:sha256:{digests.sha256}"),
        metadata=BomMetaData(component=plugin, tools=ToolRepository(components=[tool])),
        components=components,
    )
    bom.metadata.properties.update(
        Property(name=f"{PROPERTY}components-from", value=origin)
        for origin in {package.origin for package in contents.packages}
    )
    # All at once: the library's register_dependency looks through all others for each.
    bom.dependencies = [
        _dependency(plugin, (components[at] for at in contents.needs)),
        *(
            _dependency(component, (components[at] for at in package.needs))
            for package, component in zip(contents.packages, components, strict=True)
        ),
    ]
    document: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    # The library always sets the time of its run.
    del document["metadata"]["timestamp"]
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _dependency(component: Component, needs: Iterable[Component]) -> Dependency:
    return Dependency(component.bom_ref, (Dependency(need.bom_ref) for need in needs))


def _plugin_component(name: str, version: str, digests: Digests) -> Component:
    purl = _purl(name, version)
    return Component(
        name=purl.name,
        group=purl.namespace,
        version=version,
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=str(purl),
        hashes=[
            HashType(alg=HashAlgorithm.SHA_256, content=digests.sha256),
            HashType(alg=HashAlgorithm.SHA_512, content=digests.sha512),
        ],
    )


def _components(packages: Sequence[BundledPackage]) -> list[Component]:
    """A component a package; the second of the same name and version is known by its folder too."""
    made: list[Component] = []
    references: set[str] = set()
    for package in packages:
        reference = str(_purl(package.name, package.version))
        if reference in references:
            reference = f"{reference}#{package.locations[0] if package.locations else 'bundled'}"
        references.add(reference)
        made.append(_component(package, reference))
    return made


def _component(package: BundledPackage, reference: str) -> Component:
    purl = _purl(package.name, package.version)
    component = Component(
        name=purl.name,
        group=purl.namespace,
        version=package.version or None,
        type=ComponentType.LIBRARY,
        purl=purl,
        bom_ref=reference,
        licenses=_licenses(package.licenses),
        properties=[
            Property(name=f"{PROPERTY}{name}", value=value) for name, value in _notes(package)
        ],
    )
    if package.files:
        component.swhids.add(Swhid(package.files.swhid))
    if package.locations:
        component.evidence = ComponentEvidence(
            occurrences=[
                Occurrence(
                    location=f"{PACKAGE_FOLDER}/{place}/{PACKAGE_JSON}",
                    bom_ref=f"{reference}@{place}",
                )
                for place in package.locations
            ]
        )
    return component


def _notes(package: BundledPackage) -> Iterator[tuple[str, str]]:
    yield "origin", package.origin
    if package.shared:
        yield "shared-with-host", "true"
    if package.files:
        yield "files-sha256", package.files.sha256


def _licenses(texts: Sequence[str]) -> list[License]:
    """SPDX ids and expressions as such, everything else as a name."""
    factory = LicenseFactory()
    if len(texts) == 1:
        return [factory.make_from_string(texts[0])]
    # An expression has to stand alone (schema, licenseChoice).
    return [factory.make_with_id(t) if _is_id(t) else factory.make_with_name(t) for t in texts]


def _is_id(text: str) -> bool:
    return is_supported_id(text)


def _purl(name: str, version: str) -> PackageURL:
    """The package-url type npm: a scope is the namespace, with its ``@``."""
    scope, _, short = name.rpartition("/")
    version = version.removesuffix(_EMBEDDED_MARK)
    return PackageURL(type="npm", namespace=scope or None, name=short, version=version or None)
