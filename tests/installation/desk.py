"""Somebody's desk: a list of plugins, a portal's folder, and the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer
import yaml
from typer.testing import CliRunner

from factory.cli.install import install
from factory.oci.descriptor import (
    CONFIG_TYPE,
    INDEX_TYPE,
    LAYER_TYPE,
    MANIFEST_TYPE,
    Blob,
    blob_of,
)
from factory.oci.image import ImageFacts, build_image
from factory.oci.push import push_blob, push_image
from factory.oci.reference import Reference
from factory.oci.registry import Registry
from tests.oci.plugin_archives import TODO, pack, plugin

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

    from tests.oci.registries import Server

MARKER = ".plugin-factory-install.json"
CONFIG = "app-config.dynamic-plugins.yaml"
TODO_FOLDER = "backstage-community-plugin-todo-backend"


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A folder with a list, an empty portal's folder, and who is logged in where."""

    folder: Path
    process: dict[str, str]

    @property
    def root(self) -> Path:
        return self.folder / "dynamic-plugins-root"

    @property
    def config(self) -> Path:
        return self.folder / "dynamic-plugins.yaml"

    def listed(self, *plugins: dict[str, Any] | str, **more: Any) -> None:
        """Write the list: entries, or packages without anything else."""
        entries = [{"package": one} if isinstance(one, str) else one for one in plugins]
        self.written(yaml.safe_dump({"plugins": entries} | more, sort_keys=False))

    def written(self, text: str, name: str = "dynamic-plugins.yaml") -> Path:
        file = self.folder / name
        file.write_text(text, encoding="utf-8")
        return file

    def packed(self, file: str = "todo.tgz", *, version: str = "0.15.0", **fields: Any) -> Path:
        """An archive of a plugin, whose version is in its files, too."""
        package = TODO | {"version": version} | fields
        files = {"dist/index.cjs.js": f"exports.version = '{version}';\n".encode()}
        return pack(self.folder / file, package, files)

    def run(self, *options: str, **variables: str) -> Result:
        """Run the command in this process."""
        app = typer.Typer(pretty_exceptions_enable=False)
        app.command()(install)
        return CliRunner().invoke(
            app, self.words(*options), obj=self.process | variables, catch_exceptions=False
        )

    def words(self, *options: str) -> list[str]:
        return [str(self.root), "--config", str(self.config), *options]

    def started(self, *options: str, **variables: str) -> subprocess.Popen[str]:
        """Run the real command line in a process of its own."""
        return subprocess.Popen(
            [sys.executable, "-m", "factory", "install", *self.words(*options)],
            env=self.process | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def report(self, *options: str, **variables: str) -> dict[str, Any]:
        """What the command says to machines; it must succeed."""
        done = self.run("--json", *options, **variables)
        assert done.exit_code == 0, done.output
        return dict(json.loads(done.stdout))

    def outcomes(self, *options: str, **variables: str) -> dict[str, str]:
        """The outcome of each plugin by its name."""
        plugins = self.report(*options, **variables)["plugins"]
        return {one["name"]: one["outcome"] for one in plugins}

    @property
    def folders(self) -> list[str]:
        """What is in the portal's folder, but for its configuration."""
        return sorted(one.name for one in self.root.iterdir() if one.name != CONFIG)

    @property
    def merged(self) -> dict[str, Any]:
        """The configuration that the portal is started with."""
        return dict(yaml.safe_load((self.root / CONFIG).read_text(encoding="utf-8")))


def pushed(
    server: Server, folder: Path, *packages: dict[str, Any], repository: str = "todo", tag: str
) -> str:
    """Push an image of plugins; return it pinned by digest."""
    made = folder / f"{repository}-{tag}".replace("/", "-")
    made.mkdir()
    plugins = [
        plugin(
            made / f"{number}.tgz",
            package=package,
            files={"dist/index.cjs.js": json.dumps(package).encode()},
        )
        for number, package in enumerate(packages)
    ]
    image = build_image(plugins, made / "layer", facts=ImageFacts(title="of the test"))
    to = Reference(registry=server.host, repository=f"team/{repository}", tag=tag)
    with Registry(server.target()) as registry:
        push_image(registry, image, to)
    return to.with_digest(image.digest)


def pushed_layers(server: Server, repository: str, *layers: bytes, tag: str = "1") -> str:
    """Push an image of layers as they are, without annotations; return its digest."""
    config = blob_of(b"{}", CONFIG_TYPE)
    blobs = [blob_of(layer, LAYER_TYPE) for layer in layers]
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": config.descriptor,
        "layers": [blob.descriptor for blob in blobs],
    }
    return _pushed(server, repository, tag, manifest, config, *blobs)


def pushed_index(server: Server, repository: str, digest: str, *, tag: str) -> str:
    """Push an index that leads to a manifest of the repository; return its digest."""
    with Registry(server.target()) as registry:
        manifest = registry.get_manifest(repository, digest) or b""
    platform = {"os": "linux", "architecture": "amd64"}
    entry = blob_of(manifest, MANIFEST_TYPE).descriptor | {"platform": platform}
    index = {"schemaVersion": 2, "mediaType": INDEX_TYPE, "manifests": [entry]}
    return _pushed(server, repository, tag, index)


def _pushed(
    server: Server, repository: str, tag: str, document: dict[str, Any], *blobs: Blob
) -> str:
    manifest = blob_of(json.dumps(document).encode(), document["mediaType"])
    with Registry(server.target()) as registry:
        for blob in blobs:
            push_blob(registry, repository, blob)
        registry.put_manifest(repository, tag, manifest)
    return manifest.digest
