"""``plugin-factory affected`` over published images, in a real registry."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from factory.attestation.provenance import SBOM_SUFFIX, SBOM_TYPE
from factory.oci.descriptor import blob_of
from factory.oci.image import ImageFacts
from factory.oci.packed_plugin import read_plugin_archive
from factory.oci.planned_images import BuiltPlugins, ImageNaming, plan_images
from factory.oci.pull import pull_document
from factory.oci.push import PushedImage, make_images, publish
from factory.oci.referrers import attach
from factory.oci.registry import Registry
from factory.pipeline.attestations import attach_statements
from tests.advisories.shelves import COMMIT, NAME, REPOSITORY, shelve
from tests.advisories.test_affected_command import OLD, Desk
from tests.oci.registries import PASSWORD, USER, Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OTHER = "@acme/plugin-other-dynamic"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("registry")) as server:
        yield server


@pytest.fixture
def desk(process: dict[str, str], capsys: pytest.CaptureFixture[str], server: Server) -> Desk:
    login = {"REGISTRY_USERNAME": USER, "REGISTRY_PASSWORD": PASSWORD}
    reached = {"REGISTRY_URL": server.host, "REGISTRY_INSECURE": "true"}
    return Desk(process | reached | login, capsys)


def push(server: Server, *archives: Path, bundle: str = "", attests: bool = True) -> PushedImage:
    """Push an image of these plugins, with what is beside them attached."""
    target = server.target()
    naming = ImageNaming(registry=target.registry, namespace=target.namespace, bundle=bundle)
    plugins = tuple(read_plugin_archive(each) for each in archives)
    built = BuiltPlugins(folder=archives[0].parent, plugins=plugins, facts=ImageFacts())
    with (
        make_images(plan_images([built], naming), jobs=1, checkpoint=lambda: None) as images,
        Registry(target) as registry,
    ):
        (image,) = publish(registry, images).values()
        assert isinstance(image, PushedImage)
        if attests:
            attach_statements(registry, image, archives)
    return image


def attach_bill(server: Server, image: PushedImage, content: bytes) -> None:
    with Registry(server.target()) as registry:
        repository = image.reference.repository
        subject = pull_document(registry, repository, image.digest).descriptor
        blobs = [blob_of(content, SBOM_TYPE)]
        attach(registry, repository, subject, artifact_type=SBOM_TYPE, blobs=blobs)


def address(image: PushedImage) -> str:
    return f"oci://{image.reference.name}@{image.digest}"


def test_an_image_tells_what_it_holds_and_where_it_came_from(
    desk: Desk, server: Server, tmp_path: Path
) -> None:
    image = push(server, shelve(tmp_path / "one"))

    found = desk.plugin(OLD, address(image))

    assert (found["name"], found["image"], found["judgement"]) == (NAME, image.digest, "affected")
    assert [each["name"] for each in found["packages"][0]["chains"][0]] == [
        *(NAME, "express", "lodash")
    ]
    assert found["origin"]["told-by"] == "provenance"
    assert (found["origin"]["repository"], found["origin"]["commit"]) == (REPOSITORY, COMMIT)
    assert desk.code("lodash@>=5", address(image)) == 0
    assert PASSWORD not in desk.said


def test_an_image_without_a_bill_is_not_known(desk: Desk, server: Server, tmp_path: Path) -> None:
    image = push(server, shelve(tmp_path / "bare", "4.17.19"), attests=False)
    assert desk.plugin(OLD, address(image))["problem"]["problem"] == (
        "no bill of materials is attached to the image"
    )
    assert desk.code(OLD, address(image)) == 15


def test_of_several_plugins_each_needs_its_bill(desk: Desk, server: Server, tmp_path: Path) -> None:
    whole = shelve(tmp_path / "both", "4.17.21")
    lacking = shelve(tmp_path / "both", name=OTHER, with_bill=False)
    image = push(server, whole, lacking, bundle="bundle")

    plugins = desk.document(OLD, address(image))["plugins"]

    assert {one["name"]: one["judgement"] for one in plugins} == {
        NAME: "not affected",
        OTHER: "unknown",
    }
    first = f"{address(image)}!acme-plugin-todo-backend"
    assert desk.plugin(OLD, first)["judgement"] == "not affected"
    assert desk.code(OLD, f"{address(image)}!nothing") == 15


def test_one_of_two_bills_that_says_so_is_enough(
    desk: Desk, server: Server, tmp_path: Path
) -> None:
    image = push(server, shelve(tmp_path / "new", "4.17.21"))
    old = shelve(tmp_path / "old", "4.17.20")
    attach_bill(server, image, old.with_name(f"{old.name}{SBOM_SUFFIX}").read_bytes())
    judged = [one["judgement"] for one in desk.document(OLD, address(image))["plugins"]]
    assert sorted(judged) == ["affected", "not affected"]
    assert desk.code(OLD, address(image)) == 14


@pytest.mark.parametrize("content", [b" ", b"[" * 100_000])
def test_what_somebody_has_attached_is_not_believed(
    desk: Desk, server: Server, tmp_path: Path, content: bytes
) -> None:
    # A version of its own: an image with the same digest may have a bill already.
    tgz = shelve(tmp_path / "x", f"4.16.{len(content)}", with_bill=False)
    image = push(server, tgz, attests=False)
    attach_bill(server, image, content)
    found = desk.plugin(OLD, address(image))
    assert (found["judgement"], found["problem"]["problem"]) == (
        "unknown",
        "the bill of materials cannot be read",
    )


def test_bills_by_other_programs_count(desk: Desk, server: Server, tmp_path: Path) -> None:
    image = push(server, shelve(tmp_path / "theirs", "4.17.22"))
    component = {"type": "library", "name": "sax", "version": "1.0.0", "purl": "pkg:npm/sax@1.0.0"}
    bill = {
        "bomFormat": "CycloneDX",
        "metadata": {"component": {"name": "an image", "purl": "pkg:oci/x"}},
        "components": [component],
    }
    attach_bill(server, image, json.dumps(bill).encode())
    assert desk.code("sax@1", address(image)) == 14


def test_a_registry_that_has_no_such_image(desk: Desk, server: Server) -> None:
    assert desk.code(OLD, f"oci://{server.host}/team/nothing:1") == 11
    assert "1 plugin: 0 affected, 1 not known" in desk.said
