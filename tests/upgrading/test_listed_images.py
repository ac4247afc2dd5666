"""``plugin-factory upgrade`` with images of a real registry; a default list out of an index."""

from __future__ import annotations

import io
import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.installation.desk import TODO_FOLDER, pushed, pushed_layers
from tests.oci.plugin_archives import FRONTEND, TODO
from tests.oci.registries import Server, serving

from .moves import Mover, portal
from .test_moved_plugins import CATALOG

if TYPE_CHECKING:
    from collections.abc import Iterator

OLD = portal("old")
NEXT = portal("next", packages={CATALOG: "2.2.2"})
OUTGROWN = {**TODO, "peerDependencies": {CATALOG: "^1.20.0"}}


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("images")) as server:
        yield server


def index_layer(text: str) -> bytes:
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w:gz") as tar:
        info = tarfile.TarInfo("dynamic-plugins.default.yaml")
        info.size = len(text)
        tar.addfile(info, io.BytesIO(text.encode()))
    return layer.getvalue()


def test_images_are_pulled_and_each_plugin_has_its_verdict(mover: Mover, images: Server) -> None:
    name = f"oci://{images.host}/team"
    pushed(images, mover.folder, OUTGROWN, repository="outgrown", tag="1.0")
    pushed(images, mover.folder, OUTGROWN, FRONTEND, repository="two", tag="1.0")
    listed = {
        f"{name}/outgrown:1.0": "rebuild",
        f"{name}/two:1.0!{TODO_FOLDER}": "rebuild",
        f"{name}/gone:1.0!x": "unknown",
    }
    mover.lists(*listed)
    done = mover.moves(OLD, NEXT, "--json", REGISTRY_INSECURE="true")
    assert (done.verdicts, done.code) == (listed, 11)
    # As a portal refuses it: which of the two is meant?
    mover.lists(f"{name}/two:1.0")
    done = mover.moves(OLD, NEXT, "--json", REGISTRY_INSECURE="true")
    (plugin,) = done.document["plugins"]
    assert (plugin["verdict"], done.code) == ("unknown", 15)
    assert plugin["error"]["hint"] == "add !plugin-path to the package"


def test_the_default_list_may_be_that_of_the_new_portals_index(
    mover: Mover, images: Server
) -> None:
    for repository, package in (("on", TODO), ("off", OUTGROWN)):
        pushed(images, mover.folder, package, repository=repository, tag="2.0")
    entries = "".join(
        f"- package: oci://{images.host}/team/{name}:2.0!{TODO_FOLDER}\n  disabled: true\n"
        for name in ("on", "off")
    )
    layer = index_layer(f"plugins:\n{entries}")
    pushed_layers(images, "team/index", layer, tag="2.0")
    mover.lists(
        {"package": "oci://elsewhere.example/on:{{inherit}}", "disabled": False},
        includes=["dynamic-plugins.default.yaml"],
    )
    done = mover.moves(
        OLD,
        NEXT,
        "--json",
        REGISTRY_INSECURE="true",
        CATALOG_INDEX_IMAGE=f"{images.host}/team/index:2.0",
    )
    assert done.verdicts == {f"oci://{images.host}/team/on:2.0!{TODO_FOLDER}": "fits"}
    (off,) = done.document["disabled"]
    assert off["package"] == f"oci://{images.host}/team/off:2.0!{TODO_FOLDER}"
