"""Signatures of images as values: the bytes that cosign signs, and what tampering does to them."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from factory.attestation.keys import PrivateKey, read_private_key
from factory.attestation.signature import (
    SignatureImage,
    SignedPayload,
    read_signed_payloads,
    signature_image,
    signature_tag,
    verify_signature,
)
from factory.errors import CheckError

from .key_files import openssl_key, public_half

if TYPE_CHECKING:
    from pathlib import Path

NAME = "registry.example.com/team/plugin"
DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    return openssl_key(tmp_path / "key.pem")


@pytest.fixture
def key(key_file: Path) -> PrivateKey:
    return read_private_key(key_file)


@pytest.fixture
def stranger(tmp_path: Path) -> PrivateKey:
    return read_private_key(openssl_key(tmp_path / "stranger.pem"))


def image(key: PrivateKey, existing: bytes | None = None) -> SignatureImage:
    made = signature_image(NAME, DIGEST, key, existing=existing)
    assert made
    return made


def signed_payload(digest: str, key: PrivateKey) -> SignedPayload:
    made = signature_image(NAME, digest, key)
    assert made
    (one,) = read_signed_payloads(made.manifest, lambda _: made.payload)
    return one


def layers(made: SignatureImage) -> list[dict[str, Any]]:
    return list(json.loads(made.manifest)["layers"])


def test_the_tag_is_made_of_the_images_digest() -> None:
    assert signature_tag(DIGEST) == f"sha256-{'a' * 64}.sig"


def test_the_payload_is_cosigns_byte_for_byte(key: PrivateKey) -> None:
    assert image(key).payload == (
        b'{"critical":{"identity":{"docker-reference":"registry.example.com/team/plugin"},'
        b'"image":{"docker-manifest-digest":"' + DIGEST.encode() + b'"},'
        b'"type":"cosign container image signature"},"optional":null}'
    )


def test_the_signature_is_ecdsa_over_sha256_of_the_payload(key: PrivateKey, key_file: Path) -> None:
    made = image(key)
    (layer,) = layers(made)
    public = serialization.load_pem_public_key(public_half(key_file).read_bytes())
    assert isinstance(public, ec.EllipticCurvePublicKey)

    signature = base64.b64decode(layer["annotations"]["dev.cosignproject.cosign/signature"])

    public.verify(signature, made.payload, ec.ECDSA(hashes.SHA256()))


def test_the_image_that_carries_it(key: PrivateKey) -> None:
    made = image(key)
    manifest = json.loads(made.manifest)

    assert manifest["mediaType"] == "application/vnd.oci.image.manifest.v1+json"
    assert manifest["config"] == {
        "mediaType": "application/vnd.oci.image.config.v1+json",
        "size": len(made.config),
        "digest": f"sha256:{hashlib.sha256(made.config).hexdigest()}",
    }
    (layer,) = manifest["layers"]
    assert layer["mediaType"] == "application/vnd.dev.cosign.simplesigning.v1+json"
    assert layer["size"] == len(made.payload)
    assert layer["digest"] == f"sha256:{hashlib.sha256(made.payload).hexdigest()}"
    assert json.loads(made.config)["rootfs"]["diff_ids"] == [layer["digest"]]


def test_a_second_signer_is_added_to_the_first(key: PrivateKey, stranger: PrivateKey) -> None:
    first = image(stranger)
    both = image(key, existing=first.manifest)

    assert layers(both)[0] == layers(first)[0]
    payloads = read_signed_payloads(both.manifest, lambda _: both.payload)
    assert verify_signature(payloads, key.public, DIGEST).digest == DIGEST
    assert verify_signature(payloads, stranger.public, DIGEST).digest == DIGEST


def test_the_same_signer_signs_once(key: PrivateKey) -> None:
    assert signature_image(NAME, DIGEST, key, existing=image(key).manifest) is None


def test_a_broken_signature_of_the_same_signer_does_not_count_as_one(key: PrivateKey) -> None:
    manifest = json.loads(image(key).manifest)
    for broken in ("AAAA", "no base64!", None):
        annotations = {"dev.cosignproject.cosign/signature": broken} if broken else {}
        manifest["layers"][0]["annotations"] = annotations
        assert len(layers(image(key, existing=json.dumps(manifest).encode()))) == 2


@pytest.mark.parametrize("existing", [b"", b"{}", b"[]", b'{"layers": [1]}'])
def test_what_is_no_image_under_the_tag_is_not_overwritten(
    key: PrivateKey, existing: bytes
) -> None:
    with pytest.raises(CheckError, match="does not hold an image"):
        signature_image(NAME, DIGEST, key, existing=existing)


def test_a_signature_that_holds_says_of_what_it_is(key: PrivateKey) -> None:
    signed = verify_signature([signed_payload(DIGEST, key)], key.public, DIGEST)

    assert (signed.reference, signed.digest) == (NAME, DIGEST)


def test_no_signature_at_all(key: PrivateKey) -> None:
    with pytest.raises(CheckError) as error:
        verify_signature([], key.public, DIGEST)
    assert error.value.problem == "the image is not signed"


def test_a_signature_by_somebody_else(key: PrivateKey, stranger: PrivateKey) -> None:
    with pytest.raises(CheckError, match="not signed with this key") as error:
        verify_signature([signed_payload(DIGEST, stranger)], key.public, DIGEST)
    assert "1 signature," in str(error.value)


def test_a_signature_of_another_image(key: PrivateKey) -> None:
    with pytest.raises(CheckError, match="is for another image") as error:
        verify_signature([signed_payload(OTHER, key)], key.public, DIGEST)
    assert OTHER in str(error.value)
    assert DIGEST in str(error.value)


def test_any_change_of_the_payload_breaks_the_signature(key: PrivateKey) -> None:
    signed = signed_payload(DIGEST, key)
    for at in range(0, len(signed.payload), 7):
        payload = bytearray(signed.payload)
        payload[at] ^= 1
        with pytest.raises(CheckError, match="not signed with this key"):
            verify_signature(
                [SignedPayload(payload=bytes(payload), signature=signed.signature)],
                key.public,
                DIGEST,
            )


@pytest.mark.parametrize(
    "payload",
    [b"", b"[]", b"{}", b'{"critical": {"type": "another", "identity": {}, "image": {}}}'],
)
def test_the_key_signing_something_else_is_no_signature_of_an_image(
    key: PrivateKey, payload: bytes
) -> None:
    signed = SignedPayload(payload=payload, signature=key.sign(payload))
    with pytest.raises(CheckError, match="is for another image"):
        verify_signature([signed], key.public, DIGEST)


def test_a_payload_that_is_not_what_its_digest_says(key: PrivateKey) -> None:
    with pytest.raises(CheckError, match="payload is not the one"):
        read_signed_payloads(image(key).manifest, lambda _: b"{}")


def test_layers_of_other_kinds_are_left_alone(key: PrivateKey) -> None:
    manifest = json.loads(image(key).manifest)
    manifest["layers"][0]["mediaType"] = "application/octet-stream"

    assert read_signed_payloads(json.dumps(manifest).encode(), lambda _: b"") == ()
