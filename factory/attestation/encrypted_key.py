"""The file in which cosign keeps a private key: PKCS #8 in a NaCl secretbox, its key from scrypt.

The form is that of go-securesystemslib's package ``encrypted``, in a PEM block named after cosign
or sigstore: JSON with ``kdf`` (scrypt, its N, r, p and salt), ``cipher`` (nacl/secretbox, its
nonce) and ``ciphertext``; bytes in base64.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import field
from typing import TYPE_CHECKING, Any

from nacl.exceptions import CryptoError
from nacl.secret import SecretBox

from factory.errors import ConfigurationError, Place
from factory.notation.json_text import parse_json
from factory.patterns import lazy_pattern
from factory.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = lazy_pattern(
    rb"-----BEGIN ENCRYPTED (?P<name>COSIGN|SIGSTORE) PRIVATE KEY-----"
    rb"(?P<body>[A-Za-z0-9+/=\s]+)"
    rb"-----END ENCRYPTED (?P=name) PRIVATE KEY-----"
)
_KEY_BYTES = 32
# What sigstore's tools write is 2**15 or 2**16; more than this would need gigabytes.
_LARGEST_N = 1 << 20
_LARGEST_R, _LARGEST_P = 32, 16


@dataclass(frozen=True, kw_only=True, slots=True)
class _Box:
    n: int
    r: int
    p: int
    salt: bytes
    nonce: bytes
    ciphertext: bytes = field(repr=False)


def is_encrypted(content: bytes) -> bool:
    """Whether a file's content is such a key."""
    return _BLOCK.search(content) is not None


def decrypt(content: bytes, passphrase: str, file: Path) -> bytes:
    """Return the private key, PKCS #8 in DER.

    An empty passphrase is one: cosign takes it too.

    Raises:
        ConfigurationError: the passphrase is wrong, or the file is damaged.
    """
    box = _box(content, file)
    key = hashlib.scrypt(
        passphrase.encode("utf-8"),
        salt=box.salt,
        n=box.n,
        r=box.r,
        p=box.p,
        # What scrypt itself takes (RFC 7914, section 2), and OpenSSL's margin.
        maxmem=128 * box.r * (box.n + box.p + 2) + (1 << 20),
        dklen=_KEY_BYTES,
    )
    try:
        return bytes(SecretBox(key).decrypt(box.ciphertext, box.nonce))
    except CryptoError as error:
        raise ConfigurationError(
            "the signing key cannot be decrypted",
            place=Place(file=file),
            found="a passphrase that is not the key's" if passphrase else "no passphrase",
            expected="the key's passphrase in the variable COSIGN_PASSWORD",
        ) from error


def _box(content: bytes, file: Path) -> _Box:
    block = _BLOCK.search(content)
    try:
        document: Any = parse_json(base64.b64decode(block["body"])) if block else None
        kdf, cipher = document["kdf"], document["cipher"]
        names = (kdf["name"], cipher["name"])
        box = _Box(
            n=int(kdf["params"]["N"]),
            r=int(kdf["params"]["r"]),
            p=int(kdf["params"]["p"]),
            salt=base64.b64decode(kdf["salt"]),
            nonce=base64.b64decode(cipher["nonce"]),
            ciphertext=base64.b64decode(document["ciphertext"]),
        )
    except (ValueError, KeyError, TypeError, OverflowError) as error:
        raise _damaged_error(file) from error
    power_of_two = box.n > 1 and box.n & (box.n - 1) == 0
    bounded = box.n <= _LARGEST_N and 0 < box.r <= _LARGEST_R and 0 < box.p <= _LARGEST_P
    if names != ("scrypt", "nacl/secretbox") or not power_of_two or not bounded:
        raise _damaged_error(file)
    return box


def _damaged_error(file: Path) -> ConfigurationError:
    return ConfigurationError(
        "the signing key has an unknown format",
        place=Place(file=file),
        expected="a key as 'cosign generate-key-pair' writes it: scrypt and nacl/secretbox",
        hint="provide the file again, or make a key: openssl genpkey -algorithm EC "
        "-pkeyopt ec_paramgen_curve:P-256 -out key.pem",
    )
