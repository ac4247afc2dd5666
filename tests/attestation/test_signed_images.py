"""Images that are signed and attested, in a real registry; read by skopeo, checked by openssl."""

from __future__ import annotations

import base64
import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from factory.attestation.keys import PrivateKey, read_private_key, read_public_key
from factory.attestation.packed_files import file_digests
from factory.attestation.provenance import (
    SBOM_TYPE,
    STATEMENT_TYPE,
    BuiltFrom,
    BuiltWith,
    ProvenanceSubject,
    provenance,
    read_statement,
)
from factory.attestation.signature import (
    SIMPLE_SIGNING_TYPE,
    read_signed_payloads,
    signature_tag,
    verify_signature,
)
from factory.errors import CheckError, RegistryError
from factory.oci.descriptor import (
    MANIFEST_TYPE,
    Descriptor,
    blob_of,
)
from factory.oci.image import ImageFacts
from factory.oci.planned_images import BuiltPlugins, ImageNaming, PlannedImage, plan_images
from factory.oci.pull import pull_manifest, read_blob
from factory.oci.push import (
    PushedImage,
    make_images,
    publish,
    push_blob,
)
from factory.oci.referrers import list_referrers
from factory.oci.registry import Registry
from factory.pipeline.attestations import attest_images, write_sbom
from tests.oci.plugin_archives import plugin

from .key_files import PASSPHRASE, cosign_key, openssl_key, public_half

if TYPE_CHECKING:
    from factory.attestation.signature import SignedPayload
    from tests.oci.registries import Server


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """An image of one plugin in the registry."""

    server: Server
    tgz: Path
    planned: PlannedImage
    image: PushedImage

    @property
    def repository(self) -> str:
        return self.image.reference.repository

    def attest(self, key: PrivateKey | None = None) -> object:
        """Attach and sign; return what became of it."""
        with Registry(self.server.target()) as registry:
            return attest_images(registry, {self.planned: self.image}, key=key)[self.planned]

    def payloads(self) -> tuple[SignedPayload, ...]:
        """The signatures that the registry has."""
        tag = signature_tag(self.image.digest)
        with Registry(self.server.target()) as registry:
            manifest = pull_manifest(registry, self.repository, tag)
            sizes = {layer.digest: layer for layer in manifest.layers}
            return read_signed_payloads(
                manifest.content,
                lambda digest: read_blob(registry, self.repository, sizes[digest]),
            )

    def put_signatures(self, payload: bytes, *layers: dict[str, Any]) -> None:
        """Put an image with signatures where they belong, as somebody else would."""
        with Registry(self.server.target()) as registry:
            config = pull_manifest(registry, self.repository, self.image.digest).config
            push_blob(registry, self.repository, blob_of(payload, SIMPLE_SIGNING_TYPE))
            manifest = {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": config.as_json(),
                "layers": layers,
            }
            registry.put_manifest(
                self.repository,
                signature_tag(self.image.digest),
                blob_of(json.dumps(manifest).encode(), MANIFEST_TYPE),
            )

    def referrers(self, artifact_type: str) -> tuple[Descriptor, ...]:
        """What is attached."""
        with Registry(self.server.target()) as registry:
            return list_referrers(
                registry, self.repository, self.image.digest, artifact_type=artifact_type
            )

    def attached(self, artifact_type: str) -> bytes:
        """The content of the only thing of a type that is attached."""
        (found,) = self.referrers(artifact_type)
        with Registry(self.server.target()) as registry:
            manifest = pull_manifest(registry, self.repository, found.digest)
            return read_blob(registry, self.repository, manifest.layers[0])


@pytest.fixture
def pushed(server: Server, tmp_path: Path, request: pytest.FixtureRequest) -> Pushed:
    """An image that no other test has."""
    archive = plugin(tmp_path / "outputs.tgz", files={"test": request.node.name.encode()})
    target = server.target()
    naming = ImageNaming(registry=target.registry, namespace=target.namespace)
    built = BuiltPlugins(folder=tmp_path, plugins=(archive,), facts=ImageFacts())
    planned = plan_images([built], naming)
    with (
        make_images(planned, jobs=2, checkpoint=lambda: None) as images,
        Registry(target) as registry,
    ):
        ((one, end),) = publish(registry, images).items()
    assert isinstance(end, PushedImage)
    return Pushed(server=server, tgz=archive.tgz, planned=one, image=end)


def signatures(pushed: Pushed, folder: Path) -> list[tuple[Path, Path]]:
    """The payloads and signatures, as skopeo finds them at the tag where cosign looks."""
    tag = f"sha256-{pushed.image.digest.removeprefix('sha256:')}.sig"
    source = f"docker://{pushed.image.reference.name}:{tag}"
    subprocess.run(
        [
            *("skopeo", "--insecure-policy", "copy", "--src-tls-verify=false"),
            *(source, f"dir:{folder}"),
        ],
        capture_output=True,
        check=True,
    )
    found = []
    for number, layer in enumerate(json.loads((folder / "manifest.json").read_text())["layers"]):
        file = folder / f"{number}.signature"
        text = layer["annotations"]["dev.cosignproject.cosign/signature"]
        file.write_bytes(base64.b64decode(text))
        found.append((folder / layer["digest"].removeprefix("sha256:"), file))
    return found


def openssl_accepts(public: Path, payload: Path, signature: Path) -> bool:
    """Whether openssl takes a signature for one of the payload."""
    done = subprocess.run(
        [
            *("openssl", "dgst", "-sha256", "-verify", str(public)),
            *("-signature", str(signature), str(payload)),
        ],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


@pytest.mark.parametrize("form", ["openssl", "cosign"])
def test_the_signature_is_where_cosign_looks_and_openssl_accepts_it(
    pushed: Pushed, tmp_path: Path, form: str
) -> None:
    file = tmp_path / "signer.key"
    if form == "cosign":
        cosign_key(file)
    else:
        public_half(openssl_key(file))
    stranger = public_half(openssl_key(tmp_path / "stranger.key"))

    assert pushed.attest(read_private_key(file, passphrase=PASSPHRASE)) is pushed.image

    ((payload, signature),) = signatures(pushed, tmp_path / "copied")
    assert openssl_accepts(tmp_path / "signer.pub", payload, signature)
    assert not openssl_accepts(stranger, payload, signature)
    assert json.loads(payload.read_text()) == {
        "critical": {
            "identity": {"docker-reference": pushed.image.reference.name},
            "image": {"docker-manifest-digest": pushed.image.digest},
            "type": "cosign container image signature",
        },
        "optional": None,
    }


def test_what_others_signed_before_stays_as_it_was(pushed: Pushed, tmp_path: Path) -> None:
    """A signature with more in it than ours: cosign's claims, and its log's bundle."""
    theirs, ours = (openssl_key(tmp_path / f"{name}.key") for name in ("theirs", "ours"))
    critical = {
        "identity": {"docker-reference": ""},
        "image": {"docker-manifest-digest": pushed.image.digest},
        "type": "cosign container image signature",
    }
    payload = json.dumps({"critical": critical, "optional": {"build": "7"}}).encode()
    signed = base64.b64encode(read_private_key(theirs).sign(payload)).decode()
    layer = {
        **blob_of(payload, SIMPLE_SIGNING_TYPE).descriptor,
        "annotations": {
            "dev.cosignproject.cosign/signature": signed,
            "dev.sigstore.cosign/bundle": "{}",
        },
    }
    pushed.put_signatures(payload, layer)

    assert pushed.attest(read_private_key(ours)) is pushed.image

    both = signatures(pushed, tmp_path / "copied")
    publics = [public_half(theirs), public_half(ours)]
    assert [openssl_accepts(public, *one) for public, one in zip(publics, both, strict=True)] == [
        True,
        True,
    ]
    manifest = json.loads((tmp_path / "copied/manifest.json").read_text())
    assert manifest["layers"][0] == layer
    for public in publics:
        key = read_public_key(public)
        verify_signature(pushed.payloads(), key, pushed.image.digest)


def test_signing_again_changes_nothing(pushed: Pushed, tmp_path: Path) -> None:
    key = read_private_key(openssl_key(tmp_path / "key.pem"))

    pushed.attest(key)
    first = pushed.payloads()
    pushed.attest(key)

    assert pushed.payloads() == first


def test_a_key_that_did_not_sign_is_told(pushed: Pushed, tmp_path: Path) -> None:
    pushed.attest(read_private_key(openssl_key(tmp_path / "key.pem")))
    stranger = read_private_key(openssl_key(tmp_path / "stranger.pem"))

    with pytest.raises(CheckError, match="not signed with this key"):
        verify_signature(pushed.payloads(), stranger.public, pushed.image.digest)


def test_without_a_key_nothing_is_signed(pushed: Pushed) -> None:
    assert pushed.attest() is pushed.image

    with pytest.raises(RegistryError):
        pushed.payloads()


def test_the_bill_of_materials_is_attached_as_it_is(pushed: Pushed) -> None:
    written = write_sbom(pushed.tgz, None)

    pushed.attest()

    assert pushed.attached(SBOM_TYPE) == (pushed.tgz.parent / written.name).read_bytes()
    (found,) = pushed.referrers(SBOM_TYPE)
    title = {"org.opencontainers.image.title": written.name}
    assert found.annotations == title
    with Registry(pushed.server.target()) as registry:
        (layer,) = pull_manifest(registry, pushed.repository, found.digest).layers
    assert layer.annotations == title
    assert pushed.referrers(STATEMENT_TYPE) == ()


def statement(tgz: Path) -> Path:
    source = BuiltFrom(repository="", ref=None, commit=None, workspace_path=".")
    build = BuiltWith(plugin_path=".", arguments=())
    subject = ProvenanceSubject(name=tgz.name, sha256=file_digests(tgz).sha256)
    file = tgz.with_name(f"{tgz.name}.provenance.json")
    file.write_text(provenance([subject], source, build))
    return file


def test_the_provenance_that_is_attached_is_about_the_image_too(pushed: Pushed) -> None:
    beside = read_statement(statement(pushed.tgz).read_text())

    pushed.attest()

    attached = read_statement(pushed.attached(STATEMENT_TYPE))
    assert attached.predicate == beside.predicate
    assert attached.subjects == (
        *beside.subjects,
        ProvenanceSubject(
            name=pushed.image.reference.name, sha256=pushed.image.digest.removeprefix("sha256:")
        ),
    )


def test_attaching_again_adds_nothing(pushed: Pushed) -> None:
    statement(pushed.tgz)
    write_sbom(pushed.tgz, None)

    pushed.attest()
    pushed.attest()

    assert len(pushed.referrers(SBOM_TYPE)) == len(pushed.referrers(STATEMENT_TYPE)) == 1


def test_a_statement_that_is_none_is_the_images_error(pushed: Pushed) -> None:
    statement(pushed.tgz).write_text("{}")

    end = pushed.attest()

    assert isinstance(end, CheckError)


def test_what_could_not_be_pushed_is_not_attested(pushed: Pushed) -> None:
    refused = RegistryError("refused")
    with Registry(pushed.server.target()) as registry:
        ends = attest_images(registry, {pushed.planned: refused}, key=None)
    assert ends == {pushed.planned: refused}


def test_an_empty_image_under_the_signatures_tag_is_filled(pushed: Pushed, tmp_path: Path) -> None:
    key = read_private_key(openssl_key(tmp_path / "key.pem"))
    pushed.put_signatures(b"")

    assert pushed.attest(key) is pushed.image

    assert len(pushed.payloads()) == 1
    verify_signature(pushed.payloads(), key.public, pushed.image.digest)
