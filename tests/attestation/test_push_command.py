"""``plugin-factory push --sign-key``: earlier artifacts, attested and signed; secrets kept."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory.attestation.keys import read_public_key
from factory.attestation.provenance import SBOM_TYPE
from factory.attestation.signature import read_signed_payloads, signature_tag, verify_signature
from factory.oci.pull import pull_manifest, read_blob
from factory.oci.referrers import list_referrers
from factory.oci.registry import Registry
from factory.pipeline.attestations import write_sbom
from tests.oci.plugin_archives import pack

from .key_files import PASSPHRASE, cosign_key, openssl_key, public_half

if TYPE_CHECKING:
    from tests.oci.registries import Server

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Desk:
    """An output directory and a registry to push it to."""

    server: Server
    outputs: Path
    home: Path
    process: dict[str, str]

    def push(self, *options: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        """Push the output directory."""
        usual = {
            "HOME": str(self.home),
            "REGISTRY_URL": self.server.host,
            "REGISTRY_NAMESPACE": self.home.name.replace("_", "-").lower(),
            "REGISTRY_INSECURE": "true",
            "REGISTRY_USERNAME": "x",
            "REGISTRY_PASSWORD": "anything",
        }
        words = [sys.executable, "-m", "factory", "push", str(self.outputs), *map(str, options)]
        return subprocess.run(
            words,
            env=self.process | usual | variables,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def desk(server: Server, tmp_path: Path, process: dict[str, str]) -> Desk:
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    write_sbom(pack(outputs / "plugin.tgz"), None)
    return Desk(server=server, outputs=outputs, home=tmp_path, process=process)


def pinned(done: subprocess.CompletedProcess[str]) -> tuple[str, str]:
    """The repository and the digest of the one image that was pushed."""
    assert done.returncode == 0, done.stderr
    name, _, digest = done.stdout.strip().partition("@")
    return name.partition("/")[2], digest


@pytest.mark.parametrize("form", ["openssl", "cosign"])
def test_an_encrypted_key_signs_with_the_passphrase_in_cosign_password(
    desk: Desk, form: str, tmp_path: Path
) -> None:
    file = tmp_path / "release.key"
    if form == "cosign":
        cosign_key(file)
    else:
        public_half(openssl_key(file, encrypted=True))

    done = desk.push("--sign-key", file, COSIGN_PASSWORD=PASSPHRASE)

    repository, digest = pinned(done)
    with Registry(desk.server.target()) as registry:
        manifest = pull_manifest(registry, repository, signature_tag(digest))
        layers = {layer.digest: layer for layer in manifest.layers}
        payloads = read_signed_payloads(
            manifest.content, lambda one: read_blob(registry, repository, layers[one])
        )
        attached = list_referrers(registry, repository, digest, artifact_type=SBOM_TYPE)
    signed = verify_signature(payloads, read_public_key(file.with_suffix(".pub")), digest)
    assert signed.reference == f"{desk.server.host}/{repository}"
    assert len(attached) == 1


def test_a_key_that_cannot_be_used_is_found_before_anything_is_pushed(
    desk: Desk, tmp_path: Path
) -> None:
    file = cosign_key(tmp_path / "release.key")

    done = desk.push("--sign-key", file, COSIGN_PASSWORD="not this one")

    assert done.returncode == 3
    assert "COSIGN_PASSWORD" in done.stderr
    assert str(file) in done.stderr
    assert "not this one" not in done.stdout + done.stderr
    assert "started" not in done.stderr


def test_the_option_comes_from_its_variable_too(desk: Desk, tmp_path: Path) -> None:
    done = desk.push(PLUGIN_FACTORY_SIGN_KEY=str(tmp_path / "absent.key"))

    assert done.returncode == 3
    assert str(tmp_path / "absent.key") in done.stderr


def test_nothing_of_the_key_is_said_or_written(desk: Desk, tmp_path: Path) -> None:
    file = openssl_key(tmp_path / "release.key", encrypted=True)
    secrets = [PASSPHRASE, *file.read_text().splitlines()[1:-1]]

    done = desk.push(
        "--sign-key", file, "--log-level", "DEBUG", "--verbose", COSIGN_PASSWORD=PASSPHRASE
    )

    assert done.returncode == 0, done.stderr
    written = "".join(one.read_text(errors="replace") for one in desk.outputs.iterdir())
    said = done.stdout + done.stderr + written
    assert not [secret for secret in secrets if secret in said]


def test_pushing_again_signs_and_attaches_nothing_new(desk: Desk, tmp_path: Path) -> None:
    file = openssl_key(tmp_path / "release.key")
    repository, digest = pinned(desk.push("--sign-key", file))

    def there() -> tuple[bytes, int]:
        with Registry(desk.server.target()) as registry:
            manifest = pull_manifest(registry, repository, signature_tag(digest))
            return manifest.content, len(list_referrers(registry, repository, digest))

    first = there()
    assert pinned(desk.push("--sign-key", file)) == (repository, digest)

    assert there() == first
    assert len(json.loads(first[0])["layers"]) == 1
