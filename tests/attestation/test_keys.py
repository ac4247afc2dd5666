"""Keys that images are signed and checked with, in the forms that cosign and openssl write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from factory.attestation.keys import read_private_key, read_public_key
from factory.errors import ConfigurationError

from .key_files import PASSPHRASE, cosign_key, openssl, openssl_key, public_half

if TYPE_CHECKING:
    from pathlib import Path

CONTENT = b"what is signed"
KINDS = {
    "P-256": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"),
    "P-384": ("-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"),
    "RSA": ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
    "Ed25519": ("-algorithm", "ED25519"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("encrypted", [False, True])
def test_a_key_made_by_openssl_signs_what_its_public_half_verifies(
    tmp_path: Path, kind: str, encrypted: bool
) -> None:
    file = openssl_key(tmp_path / "key.pem", *KINDS[kind], encrypted=encrypted)
    public = read_public_key(public_half(file))

    signature = read_private_key(file, passphrase=PASSPHRASE).sign(CONTENT)

    assert public.verify(signature, CONTENT)
    assert not public.verify(signature, CONTENT + b".")
    assert not public.verify(signature[:-1] + bytes([signature[-1] ^ 1]), CONTENT)
    assert not public.verify(b"", CONTENT)


@pytest.mark.parametrize("kind", ["P-256", "RSA"])
def test_openssl_verifies_what_the_key_signs(tmp_path: Path, kind: str) -> None:
    file = openssl_key(tmp_path / "key.pem", *KINDS[kind])
    (tmp_path / "content").write_bytes(CONTENT)
    (tmp_path / "signature").write_bytes(read_private_key(file).sign(CONTENT))

    openssl(
        *("dgst", "-sha256", "-verify", str(public_half(file))),
        *("-signature", str(tmp_path / "signature"), str(tmp_path / "content")),
    )


@pytest.mark.parametrize("name", ["SIGSTORE", "COSIGN"])
def test_cosigns_own_form(tmp_path: Path, name: str) -> None:
    file = cosign_key(tmp_path / "cosign.key", name=name)

    signature = read_private_key(file, passphrase=PASSPHRASE).sign(CONTENT)

    assert read_public_key(tmp_path / "cosign.pub").verify(signature, CONTENT)


def test_the_public_half_of_a_private_key(tmp_path: Path) -> None:
    private = read_private_key(openssl_key(tmp_path / "key.pem"))

    assert private.public.verify(private.sign(CONTENT), CONTENT)


@pytest.mark.parametrize("passphrase", ["", "incorrect horse"])
@pytest.mark.parametrize("form", ["openssl", "cosign"])
def test_a_wrong_or_missing_passphrase_names_the_variable_and_not_itself(
    tmp_path: Path, form: str, passphrase: str
) -> None:
    file = tmp_path / "key"
    if form == "openssl":
        openssl_key(file, encrypted=True)
    else:
        cosign_key(file)

    with pytest.raises(ConfigurationError, match="signing key") as error:
        read_private_key(file, passphrase=passphrase)

    assert "COSIGN_PASSWORD" in str(error.value)
    assert "incorrect horse" not in str(error.value)


def test_a_passphrase_that_is_not_needed_is_not_used(tmp_path: Path) -> None:
    private = read_private_key(openssl_key(tmp_path / "key.pem"), passphrase=PASSPHRASE)

    assert private.sign(CONTENT)


@pytest.mark.parametrize(
    "changes",
    [
        {"kdf": None},
        {"kdf": {"name": "pbkdf2", "params": {"N": 32768, "r": 8, "p": 1}, "salt": ""}},
        {"kdf": {"name": "scrypt", "params": {"N": 1 << 40, "r": 8, "p": 1}, "salt": ""}},
        {"kdf": {"name": "scrypt", "params": {"N": 3, "r": 8, "p": 1}, "salt": ""}},
        {"cipher": {"name": "nacl/secretbox", "nonce": "AAAA"}},
        {"ciphertext": 7},
        {"ciphertext": ""},
    ],
)
def test_a_damaged_cosign_key_is_an_error_with_its_place(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    file = cosign_key(tmp_path / "cosign.key", **changes)

    with pytest.raises(ConfigurationError, match="signing key") as error:
        read_private_key(file, passphrase=PASSPHRASE)

    assert str(file) in str(error.value)


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff\xfe", b"-----BEGIN PRIVATE KEY-----\n"])
def test_what_is_no_key_is_an_error_with_the_command_that_makes_one(
    tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "key"
    file.write_bytes(content)

    with pytest.raises(ConfigurationError, match="does not contain a key") as private:
        read_private_key(file)
    with pytest.raises(ConfigurationError, match="does not contain a key") as public:
        read_public_key(file)

    assert "openssl genpkey" in str(private.value)
    assert "-pubout" in str(public.value)


def test_keys_of_other_kinds_are_refused(tmp_path: Path) -> None:
    file = openssl_key(tmp_path / "key.pem", "-algorithm", "X25519")

    with pytest.raises(ConfigurationError, match="does not contain a key"):
        read_private_key(file)
    with pytest.raises(ConfigurationError, match="does not contain a key"):
        read_public_key(public_half(file))


def test_a_public_key_does_not_sign_and_a_private_one_does_not_check(tmp_path: Path) -> None:
    file = openssl_key(tmp_path / "key.pem")

    with pytest.raises(ConfigurationError, match="does not contain a key"):
        read_private_key(public_half(file))
    with pytest.raises(ConfigurationError, match="does not contain a key"):
        read_public_key(file)


def test_a_key_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read") as error:
        read_private_key(tmp_path / "absent")
    assert str(tmp_path / "absent") in str(error.value)


def test_nothing_of_a_key_is_in_its_text(tmp_path: Path) -> None:
    private = read_private_key(openssl_key(tmp_path / "key.pem"))

    assert repr(private) == "PrivateKey()"
    assert repr(private.public) == "PublicKey()"
