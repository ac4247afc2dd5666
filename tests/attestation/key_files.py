"""Keys in files, in every form that cosign and openssl write."""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from nacl.secret import SecretBox

if TYPE_CHECKING:
    from pathlib import Path

PASSPHRASE = "a passphrase of the test"


def openssl(*arguments: str) -> None:
    """Run openssl."""
    subprocess.run(["openssl", *arguments], capture_output=True, check=True)


def openssl_key(file: Path, *options: str, encrypted: bool = False) -> Path:
    """A private key that openssl makes, as PKCS #8; an elliptic curve's unless said otherwise."""
    kind = options or ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    cipher = ("-aes-256-cbc", "-pass", f"pass:{PASSPHRASE}") if encrypted else ()
    openssl("genpkey", *kind, *cipher, "-out", str(file))
    return file


def public_half(private: Path) -> Path:
    """The public key of a private one, by openssl."""
    file = private.with_suffix(".pub")
    openssl(
        "pkey", "-in", str(private), "-passin", f"pass:{PASSPHRASE}", "-pubout", "-out", str(file)
    )
    return file


def cosign_key(file: Path, *, name: str = "SIGSTORE", **changes: Any) -> Path:
    """A private key as ``cosign generate-key-pair`` writes it, and its public half beside it.

    ``changes`` go into the document that is in the PEM block.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    secret = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    salt, nonce = b"s" * 32, b"n" * 24
    box = SecretBox(
        hashlib.scrypt(PASSPHRASE.encode(), salt=salt, n=32768, r=8, p=1, maxmem=1 << 26, dklen=32)
    )
    document = {
        "kdf": {
            "name": "scrypt",
            "params": {"N": 32768, "r": 8, "p": 1},
            "salt": base64.b64encode(salt).decode(),
        },
        "cipher": {"name": "nacl/secretbox", "nonce": base64.b64encode(nonce).decode()},
        "ciphertext": base64.b64encode(box.encrypt(secret, nonce).ciphertext).decode(),
    } | changes
    body = base64.encodebytes(json.dumps(document).encode()).decode()
    file.write_text(
        f"-----BEGIN ENCRYPTED {name} PRIVATE KEY-----\n{body}"
        f"-----END ENCRYPTED {name} PRIVATE KEY-----\n"
    )
    file.with_suffix(".pub").write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return file
