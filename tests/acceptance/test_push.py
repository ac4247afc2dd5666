"""``build --push-images`` against a real registry, read back by skopeo."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from factory.installation.plugin_list import read_plugin_list
from tests.attestation.key_files import openssl_key, public_half
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


@dataclass(frozen=True, kw_only=True)
class Pushed:
    """A build that pushed and signed: its tree, the registry that goes on, the key."""

    tree: Tree
    host: str
    key: Path

    @property
    def plugin(self) -> dict[str, Any]:
        """The report of the one plugin."""
        (plugin,) = self.tree.report["plugins"]
        return dict(plugin)


@pytest.fixture(scope="module")
def pushed(module_tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pushed]:
    """A plugin, built, pushed as an image, kept as one, and signed."""
    folder = tmp_path_factory.mktemp("pushed")
    key = openssl_key(folder / "release.pem")
    module_tree.list_plugins(MODULE)
    (folder / "registry").mkdir()
    with serving(folder / "registry") as server:
        ended = module_tree.build(
            *("--push-images", "--image-output", "oci-archive", "--sign-key", key),
            **registry_variables(server.host),
        )
        assert ended.code == 0, ended.said
        yield Pushed(tree=module_tree, host=server.host, key=key)


def test_built_plugins_are_pushed_and_the_report_has_their_digests(pushed: Pushed) -> None:
    outputs, plugin = pushed.tree.outputs, pushed.plugin
    reference = f"{pushed.host}/{REPOSITORY}:0.1.0"
    seen = inspect("--tls-verify=false", f"docker://{reference}")
    assert plugin["image"] == {"reference": reference, "digest": seen["Digest"]}
    pinned = f"{pushed.host}/{REPOSITORY}@{plugin['image']['digest']}"
    assert (outputs / "published-images.txt").read_text() == f"{pinned}\n"
    (entry,) = read_plugin_list(outputs / "dynamic-plugins.oci.yaml")
    assert str(entry.package) == f"oci://{pinned}!{REPOSITORY.rpartition('/')[2]}"
    on_disk = inspect(f"oci-archive:{outputs / plugin['image-file']}")
    assert on_disk["Digest"] == plugin["image"]["digest"]


def test_what_is_pushed_is_signed_with_the_key(pushed: Pushed, tmp_path: Path) -> None:
    digest = pushed.plugin["image"]["digest"]
    signatures = f"docker://{pushed.host}/{REPOSITORY}:{digest.replace(':', '-')}.sig"
    subprocess.run(
        [
            *("skopeo", "--insecure-policy", "copy", "--src-tls-verify=false"),
            *(signatures, f"dir:{tmp_path / 'copied'}"),
        ],
        capture_output=True,
        check=True,
    )
    (layer,) = json.loads((tmp_path / "copied/manifest.json").read_text())["layers"]
    payload = (tmp_path / "copied" / layer["digest"].removeprefix("sha256:")).read_bytes()
    assert json.loads(payload)["critical"]["image"]["docker-manifest-digest"] == digest
    assert public_half(pushed.key).is_file()


def inspect(*words: str) -> dict[str, Any]:
    """What skopeo says of an image."""
    command = ["skopeo", "inspect", *words]
    seen = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(seen.stdout))


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
