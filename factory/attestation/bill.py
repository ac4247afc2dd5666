"""A bill of materials, read: CycloneDX, JSON (ECMA-424), by this program or by another.

It may come from elsewhere, so that nothing in it is believed; and what cannot be read of it makes
all of it unreadable: a package that is passed over would be taken for one that is not there.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Any

from packageurl import PackageURL

from factory.errors import CheckError
from factory.notation.json_text import parse_object
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LARGEST_BILL = 32 * 1024 * 1024
"""Bytes: more than any plugin needs."""
PROPERTY = "plugin-factory:"
"""What the names of this program's own properties begin with."""
_NPM = "npm"
_SHA_256 = "SHA-256"


@dataclass(frozen=True, kw_only=True, slots=True)
class BillComponent:
    """A package that a bill lists; ``version`` is "" where it does not say.

    ``reference`` is what the bill's dependencies call it. ``locations`` are files in the artifact,
    ``origin`` is how it is known to be there, and ``shared``: the portal's own may be used instead.
    """

    reference: str
    name: str
    version: str
    locations: tuple[str, ...] = ()
    origin: str = ""
    shared: bool = False

    @property
    def label(self) -> str:
        """Name and version, for people."""
        return f"{self.name} {self.version}" if self.version else self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class BillOfMaterials:
    """What an artifact is made of.

    ``subject`` is the artifact itself, ``sha256`` its digest in hex ("" where the bill has none),
    ``components`` the npm packages in it, and ``needs`` the references of what each needs, by its
    own reference.
    """

    subject: BillComponent
    sha256: str
    components: tuple[BillComponent, ...] = field(repr=False)
    needs: Mapping[str, tuple[str, ...]] = field(repr=False)


def read_bill(text: str | bytes) -> BillOfMaterials:
    """Return a bill of materials; packages of other ecosystems than npm are left out.

    Raises:
        CheckError: it is too large, no CycloneDX bill in JSON, or a part of it cannot be read.
    """
    if len(text) > LARGEST_BILL:
        raise _unreadable(f"more than {LARGEST_BILL} bytes")
    try:
        document = parse_object(text)
    except ValueError as error:
        raise _unreadable(f"no JSON object: {error}") from error
    if document.get("bomFormat") != "CycloneDX":
        raise _unreadable(f"bomFormat {document.get('bomFormat')!r}")
    metadata = _table(document.get("metadata"), "metadata")
    main = metadata.get("component")
    if not isinstance(main, dict):
        raise _unreadable("no metadata.component, which says what it is about")
    # What belongs to the artifact may be listed within it.
    inside = [*_list(main, "components"), *_list(document, "components")]
    found = [one for each in _walk(inside) if (one := _read_component(each)) is not None]
    subject = _read_component(main) or BillComponent(
        reference=_text(main, "bom-ref"), name=_text(main, "name"), version=_text(main, "version")
    )
    return BillOfMaterials(
        subject=subject,
        sha256=_sha256(main),
        components=tuple(found),
        needs=_needs(document),
    )


def _walk(components: list[Any]) -> Iterator[dict[str, Any]]:
    """Every component, those that are listed within others too."""
    waiting = components[::-1]
    while waiting:
        each = _table(waiting.pop(), "component")
        yield each
        waiting += _list(each, "components")[::-1]


def _read_component(component: dict[str, Any]) -> BillComponent | None:
    """A component as an npm package; None if it is one of another ecosystem."""
    name, version = _text(component, "name"), _text(component, "version")
    group = _text(component, "group")
    full = f"{group}/{name}" if group else name
    if purl := _text(component, "purl"):
        try:
            known = PackageURL.from_string(purl)
        except ValueError as error:
            raise _unreadable(f"purl {purl!r}: {error}") from error
        if known.type != _NPM:
            return None
        full = f"{known.namespace}/{known.name}" if known.namespace else known.name
        version = known.version or version
    if not full:
        raise _unreadable("a component without a name")
    notes = {
        _text(one, "name").removeprefix(PROPERTY): _text(one, "value")
        for one in (_table(each, "property") for each in _list(component, "properties"))
    }
    return BillComponent(
        reference=_text(component, "bom-ref"),
        name=full,
        version=version,
        locations=_locations(component),
        origin=notes.get("origin", ""),
        shared=notes.get("shared-with-host") == "true",
    )


def _locations(component: dict[str, Any]) -> tuple[str, ...]:
    evidence = component.get("evidence")
    found = _list(evidence, "occurrences") if isinstance(evidence, dict) else []
    return tuple(_text(_table(each, "occurrence"), "location") for each in found)


def _sha256(main: dict[str, Any]) -> str:
    hashes = (_table(each, "hash") for each in _list(main, "hashes"))
    return next((_text(one, "content") for one in hashes if one.get("alg") == _SHA_256), "").lower()


def _needs(document: dict[str, Any]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for each in _list(document, "dependencies"):
        entry = _table(each, "dependency")
        names = _list(entry, "dependsOn")
        if not all(isinstance(one, str) for one in names):
            raise _unreadable("dependsOn is not a list of texts")
        reference = _text(entry, "ref")
        found[reference] = (*found.get(reference, ()), *names)
    return found


def _table(value: object, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _unreadable(f"{what} is not an object")
    return value


def _list(holder: dict[str, Any], name: str) -> list[Any]:
    value = holder.get(name, [])
    if not isinstance(value, list):
        raise _unreadable(f"{name} is not a list")
    return value


def _text(holder: dict[str, Any], name: str) -> str:
    value = holder.get(name, "")
    if not isinstance(value, str):
        raise _unreadable(f"{name} is not a text")
    return value


def _unreadable(found: str) -> CheckError:
    return CheckError(
        "the bill of materials cannot be read",
        found=found,
        expected="a bill of materials in CycloneDX, JSON",
        hint="build or push the plugin again: plugin-factory writes one beside each .tgz",
    )
