"""Signatures of images, as cosign makes and checks them with a key pair.

Specification: sigstore/cosign, `specs/SIGNATURE_SPEC.md`. What is signed is a small document, the
payload, that names the image's digest. Payloads are the layers of an image of their own, which is
found by its tag; each layer's annotation is its signature.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from typing import TYPE_CHECKING, Any

from factory.errors import CheckError
from factory.notation.json_text import parse_object
from factory.quantities import pluralize
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from factory.attestation.keys import PrivateKey, PublicKey

SIGNATURE_ANNOTATION = "dev.cosignproject.cosign/signature"
SIMPLE_SIGNING_TYPE = "application/vnd.dev.cosign.simplesigning.v1+json"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_PAYLOAD_TYPE = "cosign container image signature"
_NO_TIME = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedPayload:
    """A payload's bytes and a signature of them."""

    payload: bytes
    signature: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Signed:
    """A signature that holds: ``reference`` is the image's name as the signer knew it."""

    reference: str
    digest: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SignatureImage:
    """The image that carries signatures: its manifest, and what must be there before it."""

    manifest: bytes
    config: bytes
    payload: bytes


def signature_tag(digest: str) -> str:
    """Return the tag under which the signatures of an image are: ``sha256-<hex>.sig``."""
    return f"{digest.replace(':', '-')}.sig"


def signature_image(
    name: str, digest: str, key: PrivateKey, *, existing: bytes | None = None
) -> SignatureImage | None:
    """Return the image with a signature by ``key``, and all that were there; None if it was there.

    Args:
        name: the signed image's repository with the registry, without a tag.
        digest: the signed image's digest.
        key: what to sign with.
        existing: the manifest that the signatures' tag has now.

    Raises:
        CheckError: ``existing`` is not a manifest.
    """
    payload = _payload(name, digest)
    layers = _layers(existing) if existing is not None else []
    if any(_is_of(layer, payload, key.public) for layer in layers):
        return None
    layers.append(
        {
            "mediaType": SIMPLE_SIGNING_TYPE,
            "size": len(payload),
            "digest": _digest(payload),
            "annotations": {
                SIGNATURE_ANNOTATION: base64.b64encode(key.sign(payload)).decode("ascii")
            },
        }
    )
    config = _config([str(layer.get("digest")) for layer in layers])
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": CONFIG_TYPE, "size": len(config), "digest": _digest(config)},
        "layers": layers,
    }
    return SignatureImage(manifest=_compact(manifest), config=config, payload=payload)


def read_signed_payloads(
    manifest: bytes, blob: Callable[[str], bytes]
) -> tuple[SignedPayload, ...]:
    """Return the payloads and signatures of a signatures' image.

    Args:
        manifest: the manifest of the signatures' tag.
        blob: gives a layer's bytes by its digest.

    Raises:
        CheckError: it is not a manifest, or a layer is not what its digest says.
    """
    found = []
    for layer in _layers(manifest):
        signature = _signature(layer)
        if layer.get("mediaType") != SIMPLE_SIGNING_TYPE or signature is None:
            continue
        digest = str(layer.get("digest"))
        payload = blob(digest)
        if _digest(payload) != digest:
            raise CheckError(
                "the registry's payload is not the one that the signature's image names",
                found=_digest(payload),
                expected=digest,
            )
        found.append(SignedPayload(payload=payload, signature=signature))
    return tuple(found)


def verify_signature(payloads: Iterable[SignedPayload], key: PublicKey, digest: str) -> Signed:
    """Return the first signature by ``key`` that is of the image ``digest``.

    Raises:
        CheckError: there is none; says whether there are no signatures, none by this key, or only
            of another image.
    """
    several = tuple(payloads)
    if not several:
        raise CheckError(
            "the image is not signed", found=f"no signature of {digest}", expected=_EXPECTED
        )
    by_key = [one.payload for one in several if key.verify(one.signature, one.payload)]
    if not by_key:
        raise CheckError(
            "the image is not signed with this key",
            found=f"{pluralize(len(several), 'signature')}, none of which this key made",
            expected=_EXPECTED,
            hint="check that --key is the signer's public key",
        )
    others = []
    for payload in by_key:
        signed = _read_signed(payload)
        if signed is not None and signed.digest == digest:
            return signed
        others.append(signed.digest if signed else "a payload that does not name an image")
    raise CheckError("the signature is for another image", found=", ".join(others), expected=digest)


_EXPECTED = "a signature by the key, as 'cosign sign --key' or --sign-key makes it"


def _payload(name: str, digest: str) -> bytes:
    """The simple signing document, in the order and form in which cosign writes it."""
    return _compact(
        {
            "critical": {
                "identity": {"docker-reference": name},
                "image": {"docker-manifest-digest": digest},
                "type": _PAYLOAD_TYPE,
            },
            "optional": None,
        }
    )


def _read_signed(payload: bytes) -> Signed | None:
    try:
        critical = parse_object(payload, each_key_once=True)["critical"]
        if critical["type"] != _PAYLOAD_TYPE:
            return None
        return Signed(
            reference=str(critical["identity"]["docker-reference"]),
            digest=str(critical["image"]["docker-manifest-digest"]),
        )
    except (ValueError, KeyError, TypeError):
        return None


def _is_of(layer: dict[str, Any], payload: bytes, key: PublicKey) -> bool:
    """Whether a layer is this payload, signed by this key."""
    signature = _signature(layer)
    same = layer.get("digest") == _digest(payload)
    return same and signature is not None and key.verify(signature, payload)


def _signature(layer: dict[str, Any]) -> bytes | None:
    annotations = layer.get("annotations")
    text = annotations.get(SIGNATURE_ANNOTATION) if isinstance(annotations, dict) else None
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except binascii.Error:
        return None


def _layers(manifest: bytes) -> list[dict[str, Any]]:
    try:
        layers = parse_object(manifest).get("layers")
    except ValueError:
        layers = None
    if not isinstance(layers, list) or not all(isinstance(one, dict) for one in layers):
        raise CheckError(
            "the signatures' tag does not hold an image with signatures",
            expected="an image manifest with layers",
            hint="find out what wrote the tag sha256-….sig, and remove it",
        )
    return layers


def _config(layers: list[str]) -> bytes:
    """An image config as tools for images want it: signatures run nowhere."""
    return _compact(
        {
            "architecture": "",
            "created": _NO_TIME,
            "history": [{"created": _NO_TIME} for _ in layers],
            "os": "",
            "rootfs": {"type": "layers", "diff_ids": layers},
            "config": {},
        }
    )


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
