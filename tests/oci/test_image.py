"""An image: what it says of its plugins, and that nothing but them decides its digest."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from factory.config.environment import Environment
from factory.errors import PackError
from factory.events import WORKSPACE
from factory.oci.image import Image, ImageFacts, build_image
from factory.oci.packed_plugin import DYNAMIC_PACKAGES, read_plugin_archive
from factory.oci.planned_images import PlannedImage
from factory.oci.push import make_images
from factory.oci.reference import Reference
from factory.toolchain.cache_folder import ToolCache
from factory.toolchain.node import find_node
from factory.toolchain.runner import Runner

from .plugin_archives import FRONTEND, TODO, pack, plugin
from .test_layer import content, entries

FACTS = ImageFacts(
    repository="https://github.com/backstage/community-plugins",
    revision="3fadf6b0595d1d1804f5c7f2690f4db7b81275f1",
    created=datetime(2026, 5, 1, 12, 0, tzinfo=UTC),
)
STANDARD = "org.opencontainers.image."


def manifest(image: Image) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(image.manifest.open().read())
    return found


def config(image: Image) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(image.config.open().read())
    return found


def test_the_annotation_describes_the_plugin(tmp_path: Path) -> None:
    image = build_image([plugin(tmp_path / "a.tgz")], tmp_path / "layer")

    encoded = manifest(image)["annotations"][DYNAMIC_PACKAGES]
    assert json.loads(base64.b64decode(encoded)) == [
        {
            "backstage-community-plugin-todo-backend": {
                "name": TODO["name"],
                "version": TODO["version"],
                "description": TODO["description"],
                "backstage": TODO["backstage"],
                "repository": TODO["repository"],
                "license": TODO["license"],
                "keywords": TODO["keywords"],
            }
        }
    ]


def test_the_root_has_the_same_as_index_json(tmp_path: Path) -> None:
    image = build_image([plugin(tmp_path / "a.tgz")], tmp_path / "layer")

    encoded = manifest(image)["annotations"][DYNAMIC_PACKAGES]
    assert json.loads(content(tmp_path / "layer", "index.json")) == json.loads(
        base64.b64decode(encoded)
    )


def test_the_standard_annotations_come_from_the_package_and_its_source(tmp_path: Path) -> None:
    image = build_image([plugin(tmp_path / "a.tgz")], tmp_path / "layer", facts=FACTS)

    annotations = manifest(image)["annotations"]
    del annotations[DYNAMIC_PACKAGES]
    assert annotations == {
        f"{STANDARD}title": "@backstage-community/plugin-todo-backend",
        f"{STANDARD}version": "0.15.0",
        f"{STANDARD}source": "https://github.com/backstage/community-plugins",
        f"{STANDARD}revision": "3fadf6b0595d1d1804f5c7f2690f4db7b81275f1",
        f"{STANDARD}licenses": "Apache-2.0",
        f"{STANDARD}created": "2026-05-01T12:00:00Z",
    }


def test_what_is_not_known_is_not_said(tmp_path: Path) -> None:
    image = build_image([plugin(tmp_path / "a.tgz")], tmp_path / "layer")

    annotations = manifest(image)["annotations"]
    assert f"{STANDARD}revision" not in annotations
    assert f"{STANDARD}created" not in annotations
    assert annotations[f"{STANDARD}source"] == "https://github.com/backstage/community-plugins"


@pytest.mark.parametrize("license_", ["SEE LICENSE IN LICENSE.txt", "UNLICENSED", {"type": "MIT"}])
def test_a_licence_that_is_no_spdx_expression_is_left_out(tmp_path: Path, license_: object) -> None:
    archive = plugin(tmp_path / "a.tgz", package=TODO | {"license": license_})
    image = build_image([archive], tmp_path / "layer")

    assert f"{STANDARD}licenses" not in manifest(image)["annotations"]


def test_manifest_and_config_refer_to_the_layer(tmp_path: Path) -> None:
    image = build_image([plugin(tmp_path / "a.tgz")], tmp_path / "layer", facts=FACTS)

    assert manifest(image)["layers"] == [image.layer.blob.descriptor]
    assert manifest(image)["config"] == image.config.descriptor
    assert config(image)["rootfs"] == {"type": "layers", "diff_ids": [image.layer.diff_id]}
    assert (config(image)["os"], config(image)["architecture"]) == ("linux", "amd64")


def test_one_image_can_bundle_several_plugins(tmp_path: Path) -> None:
    both = [plugin(tmp_path / "a.tgz"), plugin(tmp_path / "b.tgz", package=FRONTEND)]
    image = build_image(both, tmp_path / "layer", facts=ImageFacts(title="todo", version="1.0"))

    annotations = manifest(image)["annotations"]
    packages = json.loads(base64.b64decode(annotations[DYNAMIC_PACKAGES]))
    assert [list(one) for one in packages] == [
        ["backstage-community-plugin-todo"],
        ["backstage-community-plugin-todo-backend"],
    ]
    assert annotations[f"{STANDARD}title"] == "todo"
    assert annotations[f"{STANDARD}licenses"] == "Apache-2.0 AND MIT"
    assert len(manifest(image)["layers"]) == 1


def test_a_bundle_needs_a_name(tmp_path: Path) -> None:
    both = [plugin(tmp_path / "a.tgz"), plugin(tmp_path / "b.tgz", package=FRONTEND)]

    with pytest.raises(PackError, match="a name of its own"):
        build_image(both, tmp_path / "layer")


def test_two_processes_in_two_places_make_the_same_image(tmp_path: Path) -> None:
    """Another folder, umask, time zone, locale and hash seed change nothing."""
    program = (
        "import os, sys, pathlib; os.umask(int(sys.argv[3], 8))\n"
        "from factory.oci.packed_plugin import read_plugin_archive\n"
        "from factory.oci.image import build_image\n"
        "tgz, layer = map(pathlib.Path, sys.argv[1:3])\n"
        "print(build_image([read_plugin_archive(tgz)], layer).digest)\n"
    )
    digests = set()
    for number, (umask, zone, language) in enumerate(
        [("022", "UTC", "C"), ("077", "Asia/Tokyo", "C.UTF-8")]
    ):
        place = tmp_path / str(number)
        place.mkdir()
        pack(place / "plugin.tgz")
        done = subprocess.run(
            [sys.executable, "-c", program, place / "plugin.tgz", place / "layer", umask],
            env=os.environ | {"TZ": zone, "LC_ALL": language, "PYTHONHASHSEED": str(number)},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(done.stdout)

    assert len(digests) == 1


def test_the_commits_time_is_given_in_utc(tmp_path: Path) -> None:
    zone = timezone(timedelta(hours=2))
    there = ImageFacts(created=datetime(2026, 5, 1, 14, 0, tzinfo=zone))
    image = build_image([plugin(tmp_path / "a.tgz")], tmp_path / "layer", facts=there)

    assert manifest(image)["annotations"][f"{STANDARD}created"] == "2026-05-01T12:00:00Z"


def test_what_npm_itself_packs_is_taken(tmp_path: Path, process: dict[str, str]) -> None:
    node = find_node(
        None,
        ToolCache(
            folder=Path(process["PLUGIN_FACTORY_CACHE_DIR"]),
            environment=Environment(variables=process),
            runner=Runner(),
        ),
    )
    environment = process | {"PATH": f"{node.bin_dir}:{process['PATH']}"}
    npm = node.bin_dir / "npm"
    source = tmp_path / "plugin"
    (source / "dist").mkdir(parents=True)
    (source / "package.json").write_text(json.dumps(TODO))
    (source / "dist" / "index.cjs.js").write_text("exports.default = {};\n")
    subprocess.run(
        [npm, "pack", "--silent"], cwd=source, env=environment, check=True, capture_output=True
    )
    (tgz,) = source.glob("*.tgz")

    build_image([read_plugin_archive(tgz)], tmp_path / "layer")

    assert set(entries(tmp_path / "layer")) == {
        "backstage-community-plugin-todo-backend",
        "backstage-community-plugin-todo-backend/dist",
        "backstage-community-plugin-todo-backend/dist/index.cjs.js",
        "backstage-community-plugin-todo-backend/package.json",
        "index.json",
    }


def test_images_are_made_on_behalf_of_who_asks_for_them(tmp_path: Path) -> None:
    planned = [
        PlannedImage(
            reference=Reference(registry="localhost", repository=name, tag="1"),
            plugins=(plugin(tmp_path / f"{name}.tgz"),),
            facts=ImageFacts(),
        )
        for name in ("a", "b")
    ]
    seen = []
    token = WORKSPACE.set("todo")
    try:
        with make_images(planned, jobs=2, checkpoint=lambda: seen.append(WORKSPACE.get())):
            pass
    finally:
        WORKSPACE.reset(token)
    assert seen == ["todo", "todo"]
