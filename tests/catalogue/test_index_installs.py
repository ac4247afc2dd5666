"""An index that was pushed is what a portal's installer takes, and nothing else is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from factory.attestation.keys import read_public_key
from factory.attestation.signature import read_signed_payloads, signature_tag, verify_signature
from factory.cli.catalogue import catalogue_app
from factory.cli.push import push
from factory.errors import CheckError
from factory.oci.pull import pull_manifest, read_blob
from factory.oci.registry import Registry
from tests.attestation.key_files import openssl_key, public_half
from tests.installation.desk import TODO_FOLDER, Desk
from tests.oci.plugin_archives import FRONTEND, pack

if TYPE_CHECKING:
    from pathlib import Path

    from tests.oci.registries import Server


def command(*words: str | Path, host: str) -> Any:
    app: Any = typer.Typer(pretty_exceptions_enable=False)
    app.command("push")(push)
    app.add_typer(catalogue_app)
    process = {
        "REGISTRY_URL": host,
        "REGISTRY_NAMESPACE": "team",
        "REGISTRY_INSECURE": "true",
        "REGISTRY_USERNAME": "x",
        "REGISTRY_PASSWORD": "y",
    }
    done = CliRunner().invoke(app, [str(word) for word in words], obj=process)
    assert done.exit_code == 0, done.output
    return done


def test_a_stock_list_installs_from_an_index_that_was_built(
    anonymous: Server, tmp_path: Path
) -> None:
    desk = Desk(folder=tmp_path, process={"REGISTRY_INSECURE": "true", "HOME": str(tmp_path)})
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    desk.packed("outputs/todo.tgz")
    pack(outputs / "frontend.tgz", FRONTEND)
    (tmp_path / "c").mkdir()
    host = anonymous.host
    command("push", outputs, host=host)
    where = ("--config-dir", tmp_path / "c")
    done = command("catalogue", "build", outputs, *where, "--tag", "1.10", "--push", host=host)
    assert done.stdout.startswith(f"{host}/team/plugin-catalog-index@sha256:")

    # As on another mirror, whose name the list has.
    desk.listed(
        {"package": f"oci://mirror.example.com/x/{TODO_FOLDER}:{{{{inherit}}}}", "disabled": False},
        includes=["dynamic-plugins.default.yaml"],
    )
    outcomes = desk.outcomes(
        CATALOG_INDEX_IMAGE=done.stdout.strip(),
        EXTRA_CATALOG_INDEX_IMAGES=f"more={done.stdout.strip()}",
        CATALOG_ENTITIES_EXTRACT_DIR=str(tmp_path / "extensions"),
    )
    assert outcomes == {
        TODO_FOLDER: "installed",
        "backstage-community-plugin-todo": "disabled",
    }
    for folder in ("catalog-entities", "extra/more/catalog-entities"):
        names = {file.name for file in (tmp_path / "extensions" / folder / "packages").iterdir()}
        assert f"{TODO_FOLDER}.yaml" in names


def test_an_index_is_signed_as_the_other_images_are(anonymous: Server, tmp_path: Path) -> None:
    outputs = tmp_path / "outputs"
    outputs.mkdir()
    pack(outputs / "frontend.tgz", FRONTEND)
    (tmp_path / "c").mkdir()
    key, other = openssl_key(tmp_path / "key.pem"), openssl_key(tmp_path / "other.pem")
    command("push", outputs, host=anonymous.host)
    where = (outputs, "--config-dir", tmp_path / "c", "--name", "signed-index")
    done = command("catalogue", "build", *where, "--push", "--sign-key", key, host=anonymous.host)

    name, _, digest = done.stdout.strip().rpartition("@")
    repository = name.removeprefix(f"{anonymous.host}/")
    with Registry(anonymous.target()) as registry:
        manifest = pull_manifest(registry, repository, signature_tag(digest))
        layers = {layer.digest: layer for layer in manifest.layers}
        payloads = read_signed_payloads(
            manifest.content, lambda digest: read_blob(registry, repository, layers[digest])
        )
    verify_signature(payloads, read_public_key(public_half(key)), digest)
    with pytest.raises(CheckError, match="not signed with this key"):
        verify_signature(payloads, read_public_key(public_half(other)), digest)
