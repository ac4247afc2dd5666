"""Keys that images are signed and checked with: those that cosign takes.

Algorithms: ECDSA, RSA (PKCS #1 v1.5), both over SHA-256, and Ed25519, as `cosign sign --key` and
`cosign verify --key` use them. Nothing of a private key or its passphrase is in any message.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from factory.attestation.encrypted_key import decrypt, is_encrypted
from factory.errors import ConfigurationError, Place
from factory.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

    _Private: TypeAlias = EllipticCurvePrivateKey | Ed25519PrivateKey | RSAPrivateKey
    _Public: TypeAlias = EllipticCurvePublicKey | Ed25519PublicKey | RSAPublicKey

PASSPHRASE_VARIABLE = "COSIGN_PASSWORD"  # noqa: S105 - a variable's name
_LARGEST = 64 * 1024
_TYPES = "an ECDSA, Ed25519 or RSA key"
_PRIVATE_FORM = f"{_TYPES} in a PEM file: PKCS #8, or as 'cosign generate-key-pair' writes it"
_MAKE_PRIVATE = (
    "make one: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out key.pem"
)
_MAKE_PUBLIC = "make it from the private key: openssl pkey -in key.pem -pubout -out key.pub"


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicKey:
    """A key that signatures are checked with."""

    key: _Public = field(repr=False)

    def verify(self, signature: bytes, content: bytes) -> bool:
        """Return whether ``signature`` is one of ``content`` by this key."""
        try:
            if isinstance(self.key, ec.EllipticCurvePublicKey):
                self.key.verify(signature, content, ec.ECDSA(hashes.SHA256()))
            elif isinstance(self.key, rsa.RSAPublicKey):
                self.key.verify(signature, content, padding.PKCS1v15(), hashes.SHA256())
            else:
                self.key.verify(signature, content)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, kw_only=True, slots=True)
class PrivateKey:
    """A key that signatures are made with."""

    key: _Private = field(repr=False)

    def sign(self, content: bytes) -> bytes:
        """Return a signature of ``content``: DER of ECDSA, the plain bytes of the others."""
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            return self.key.sign(content, ec.ECDSA(hashes.SHA256()))
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(content, padding.PKCS1v15(), hashes.SHA256())
        return self.key.sign(content)

    @property
    def public(self) -> PublicKey:
        """The key that checks what this one signs."""
        return PublicKey(key=self.key.public_key())


def read_private_key(file: Path, *, passphrase: str = "") -> PrivateKey:
    """Return the private key of a PEM file: PKCS #8 (encrypted or not), or cosign's own form.

    Args:
        file: the key's file.
        passphrase: what decrypts it; cosign's convention is the variable COSIGN_PASSWORD.

    Raises:
        ConfigurationError: there is no such key, or the passphrase is missing or wrong.
    """
    content = _read(file)
    if b"PRIVATE KEY-----" not in content:
        raise _no_key(file, _PRIVATE_FORM, _MAKE_PRIVATE)
    secret = passphrase.encode("utf-8") or None
    try:
        if is_encrypted(content):
            key = serialization.load_der_private_key(
                decrypt(content, passphrase, file), password=None
            )
        elif b"-----BEGIN ENCRYPTED" in content or b"Proc-Type: 4,ENCRYPTED" in content:
            key = serialization.load_pem_private_key(content, secret)
        else:
            key = serialization.load_pem_private_key(content, None)
    except TypeError as error:
        raise _passphrase_needed(file) from error
    except (ValueError, UnsupportedAlgorithm) as error:
        if b"ENCRYPTED" in content and secret:
            raise ConfigurationError(
                "the signing key cannot be decrypted",
                place=Place(file=file),
                expected=f"the key's passphrase in the variable {PASSPHRASE_VARIABLE}",
            ) from error
        raise _no_key(file, _PRIVATE_FORM, _MAKE_PRIVATE) from error
    return PrivateKey(key=_check_private(key, file))


def read_public_key(file: Path) -> PublicKey:
    """Return the public key of a PEM file (``BEGIN PUBLIC KEY``, as in cosign.pub).

    Raises:
        ConfigurationError: there is no such key.
    """
    try:
        key = serialization.load_pem_public_key(_read(file))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise _no_key(file, f"{_TYPES} in a PEM file: BEGIN PUBLIC KEY", _MAKE_PUBLIC) from error
    if not isinstance(key, (ec.EllipticCurvePublicKey, ed25519.Ed25519PublicKey, rsa.RSAPublicKey)):
        raise _no_key(file, _TYPES, _MAKE_PUBLIC)
    return PublicKey(key=key)


def _check_private(key: object, file: Path) -> _Private:
    if isinstance(key, (ec.EllipticCurvePrivateKey, ed25519.Ed25519PrivateKey, rsa.RSAPrivateKey)):
        return key
    raise _no_key(file, _TYPES, _MAKE_PRIVATE)


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as stream:
            return stream.read(_LARGEST)
    except OSError as error:
        raise ConfigurationError(
            f"the key cannot be read: {error.strerror or error}",
            place=Place(file=file),
            hint="name the key's file, and check its permissions",
        ) from error


def _passphrase_needed(file: Path) -> ConfigurationError:
    return ConfigurationError(
        "the signing key is encrypted, and there is no passphrase",
        place=Place(file=file),
        expected=f"the key's passphrase in the variable {PASSPHRASE_VARIABLE}",
    )


def _no_key(file: Path, expected: str, hint: str) -> ConfigurationError:
    return ConfigurationError(
        "the file does not contain a key that can sign or check images",
        place=Place(file=file),
        expected=expected,
        hint=hint,
    )
