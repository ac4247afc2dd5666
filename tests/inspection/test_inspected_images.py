"""``plugin-factory inspect`` of an image in a real registry: what its archive would say."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from factory.oci.image import ImageFacts, build_image
from factory.oci.push import push_image
from factory.oci.reference import Reference
from factory.oci.registry import Registry
from factory.schemas import find_violation
from tests.command_line import Ended, run_factory
from tests.frontend.bundles import federated
from tests.oci.plugin_archives import FRONTEND, plugin
from tests.oci.registries import Server, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUNDLE = {name: text.encode() for name, text in federated(".", shared=("react",)).items()}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("images")) as server:
        folder = tmp_path_factory.mktemp("plugins")
        one = plugin(folder / "one.tgz", package=FRONTEND, files=BUNDLE)
        other = plugin(folder / "other.tgz", package={**FRONTEND, "name": "other"}, files=BUNDLE)
        with Registry(server.target()) as registry:
            for name, plugins in (("one", [one]), ("two", [one, other])):
                image = build_image(plugins, folder / name, facts=ImageFacts(title=name))
                to = Reference(registry=server.host, repository=f"team/{name}", tag="1")
                push_image(registry, image, to)
        yield server


def inspected(artifact: str, *options: str, **variables: str) -> Ended:
    return run_factory({"REGISTRY_INSECURE": "true", **variables}, "inspect", artifact, *options)


def document(ended: Ended) -> dict[str, Any]:
    assert ended.code == 0, ended.said
    told: dict[str, Any] = json.loads(ended.stdout)
    assert find_violation(told, "inspection") is None
    return told


def test_an_image_says_what_its_archive_says(server: Server, tmp_path: Path) -> None:
    archive = plugin(tmp_path / "one.tgz", package=FRONTEND, files=BUNDLE).tgz
    name = f"oci://{server.host}/team/one:1"
    of_image, of_archive = (
        document(inspected(name, "--json")),
        document(inspected(str(archive), "--json")),
    )
    assert of_image.pop("artifact") == name
    of_archive.pop("artifact")
    assert of_image == of_archive


def test_of_several_plugins_one_is_named(server: Server) -> None:
    name = f"oci://{server.host}/team/two:1"
    ended = inspected(name)
    assert ended.code == 15
    ended.assert_says("the image contains several plugins", f"{name}!other")
    assert document(inspected(f"{name}!other", "--json"))["name"] == "other"


@pytest.mark.parametrize("wrong", ["team/none:1", "team/one:2"])
def test_an_image_that_is_not_there_is_told(server: Server, wrong: str) -> None:
    ended = inspected(f"oci://{server.host}/{wrong}")
    assert ended.code == 11
    ended.assert_says(wrong)


@pytest.mark.parametrize(
    "wrong", ["oci://", "oci://host/x", "oci://host/x:{{inherit}}", "oci://a b"]
)
def test_a_name_of_no_image_is_told(wrong: str) -> None:
    ended = inspected(wrong)
    assert ended.code in {2, 3}
    ended.assert_says(wrong)
