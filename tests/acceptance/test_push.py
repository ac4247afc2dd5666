"""``build --push-images`` against a real registry, read back by skopeo."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from factory.installation.plugin_list import read_plugin_list
from tests.oci.registries import HTPASSWD, PASSWORD, USER, serving

from .example_builds import Tree

MODULE = "plugins/greetings-backend-module-nordic"
REPOSITORY = "team/plugin-factory-example-plugin-greetings-backend-module-nordic"


def registry_variables(address: str, **others: str) -> dict[str, str]:
    return {
        "REGISTRY_URL": address,
        "REGISTRY_NAMESPACE": "team",
        "REGISTRY_INSECURE": "true",
    } | others


def test_built_plugins_are_pushed_and_the_report_has_their_digests(
    worn_tree: Tree, tmp_path: Path
) -> None:
    worn_tree.list_plugins(MODULE)
    (tmp_path / "registry").mkdir()
    with serving(tmp_path / "registry") as server:
        ended = worn_tree.build(
            *("--push-images", "--image-output", "oci-archive"), **registry_variables(server.host)
        )
        assert ended.code == 0, ended.said
        reference = f"{server.host}/{REPOSITORY}:0.1.0"
        seen = subprocess.run(
            ["skopeo", "inspect", "--tls-verify=false", f"docker://{reference}"],
            capture_output=True,
            text=True,
            check=True,
        )
        (plugin,) = worn_tree.report["plugins"]
        assert plugin["image"] == {
            "reference": reference,
            "digest": json.loads(seen.stdout)["Digest"],
        }
        pinned = f"{server.host}/{REPOSITORY}@{plugin['image']['digest']}"
        assert (worn_tree.outputs / "published-images.txt").read_text() == f"{pinned}\n"
        (entry,) = read_plugin_list(worn_tree.outputs / "dynamic-plugins.oci.yaml")
        assert str(entry.package) == f"oci://{pinned}!{REPOSITORY.rpartition('/')[2]}"
        on_disk = subprocess.run(
            ["skopeo", "inspect", f"oci-archive:{worn_tree.outputs / plugin['image-file']}"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(on_disk.stdout)["Digest"] == plugin["image"]["digest"]


def test_missing_registry_variables_are_found_before_anything_is_fetched(sources: Tree) -> None:
    ended = sources.build("--push-images", REGISTRY_NAMESPACE="team")
    assert ended.code == 3
    assert "REGISTRY_URL" in ended.stderr
    assert "started" not in ended.stderr


def test_a_wrong_password_is_found_before_anything_is_installed(
    sources: Tree, tmp_path: Path
) -> None:
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "of the test", "path": str(tmp_path / "htpasswd")}}
    (tmp_path / "registry").mkdir()
    with serving(tmp_path / "registry", auth=auth) as server:
        wrong = registry_variables(
            server.host, REGISTRY_USERNAME=USER, REGISTRY_PASSWORD=f"not-{PASSWORD}"
        )
        ended = sources.build("--push-images", **wrong)
    assert ended.code == 11
    assert not (sources.outputs / "logs/install.log").exists()


def test_without_the_option_nothing_is_pushed(worn_tree: Tree) -> None:
    worn_tree.list_plugins(MODULE)
    ended = worn_tree.build(**registry_variables("127.0.0.1:9"))
    assert ended.code == 0, ended.said
    (plugin,) = worn_tree.report["plugins"]
    assert plugin["image"] is None
    assert not (worn_tree.outputs / "published-images.txt").exists()
    (entry,) = read_plugin_list(worn_tree.outputs / "dynamic-plugins.tgz.yaml")
    assert entry.integrity == plugin["integrity"]
