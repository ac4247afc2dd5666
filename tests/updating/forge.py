"""A git server whose repositories get releases, a registry that gains versions, a catalogue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from factory.cli.app import run
from factory.schemas import find_violation
from tests.analysis.tiny_workspace import PLUGIN, TinyWorkspace
from tests.installation.npm_server import NpmServer
from tests.sources.repositories import IDENTITY, Repository, new_repository
from tests.sources.servers import ServerLog

API = "@backstage/backend-plugin-api"
LIST = f"# Why these:\n{PLUGIN}:   # the backend\n"
NAME = "@acme/x-backend"


@dataclass(frozen=True, kw_only=True)
class Ended:
    """A run that has ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.out)
        assert find_violation(document, "updates") is None
        return document

    def workspace(self, name: str = "config") -> dict[str, Any]:
        (found,) = [each for each in self.json["workspaces"] if each["name"] == name]
        assert isinstance(found, dict)
        return found

    @property
    def said(self) -> str:
        assert "Traceback" not in self.out + self.err
        assert "internal error" not in self.out + self.err
        return " ".join((self.out + self.err).split())


@dataclass(kw_only=True)
class Upstream:
    """A repository with one workspace of a backend plugin, and the registry it publishes on."""

    repository: Repository
    npm: NpmServer
    workspace: str = "."
    package: str = NAME
    clock: int = 0

    def commit(
        self,
        version: str,
        *,
        backstage: str = "1.42.0",
        asks: str = "^1.4.0",
        library: bool = False,
    ) -> str:
        """Commit the workspace at a version, with a library of its own if so asked."""
        folder = self.repository.path / self.workspace
        folder.mkdir(parents=True, exist_ok=True)
        further = {"@acme/lib": "workspace:^"} if library else {}
        TinyWorkspace(
            plugin={
                "name": self.package,
                "version": version,
                "dependencies": {API: asks, **further},
            },
            members={"@acme/lib": {"dependencies": {API: asks}}} if library else {},
            published={f"{API}@1.9.0": {}, f"{API}@1.4.3": {}},
        ).write(folder, "protocols")
        (folder / "backstage.json").write_text(json.dumps({"version": backstage}))
        return self.repository.commit({}, f"version {version}")

    def publish(
        self,
        version: str,
        *,
        commit: str = "",
        published: str = "",
        asks: str = "^1.4.0",
        **fields: Any,
    ) -> None:
        """Publish a version on npm, as of a commit."""
        self.clock += 1
        document = self.npm.packages.setdefault(
            self.package, {"name": self.package, "dist-tags": {}, "versions": {}, "time": {}}
        )
        document["versions"][version] = {
            "name": self.package,
            "version": version,
            "backstage": {"role": "backend-plugin"},
            "dependencies": {API: asks},
            **({"gitHead": commit} if commit else {}),
            **fields,
        }
        document["time"][version] = published or f"2026-01-{self.clock:02}T10:00:00.000Z"

    def release(self, version: str, **about: Any) -> str:
        """Commit a version and publish it."""
        commit = self.commit(version, **about)
        self.publish(version, commit=commit, asks=about.get("asks", "^1.4.0"))
        return commit


@dataclass(kw_only=True)
class Desk:
    """A configuration directory, the servers, and the command line."""

    root: Path
    process: dict[str, str]
    capsys: pytest.CaptureFixture[str]
    npm: NpmServer
    url: str
    log: ServerLog
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.root / "config"

    @property
    def portal(self) -> Path:
        return self.root / "portal.json"

    def new_upstream(self, name: str = "upstream", **about: Any) -> Upstream:
        repository = new_repository(self.root / "forge" / name)
        # As git hosts have it.
        repository.git("config", "uploadpack.allowFilter", "true")
        repository.git("config", "uploadpack.allowAnySHA1InWant", "true")
        return Upstream(repository=repository, npm=self.npm, **about)

    def configure(
        self,
        ref: str | None,
        folder: str = "",
        *,
        repo: str = "upstream",
        listed: str | None = LIST,
        fields: Mapping[str, Any] | None = None,
    ) -> Path:
        """Write the files of a workspace, in a form of their own, and return the folder."""
        place = self.config / folder
        place.mkdir(parents=True, exist_ok=True)
        about: dict[str, Any] = {"repo": f"{self.url}/{repo}/.git"}
        about |= {"repo-ref": ref} if ref else {}
        lines = [
            f"   {json.dumps(k)} :  {json.dumps(v)}"
            for k, v in (about | dict(fields or {})).items()
        ]
        (place / "source.json").write_text("{\n" + ",\n".join(lines) + "\n}\n\n")
        if listed is not None:
            (place / "plugins-list.yaml").write_text(listed)
        return place

    def write_portal(
        self, backstage: str = "1.45.3", *, name: str = "portal", **packages: str
    ) -> None:
        there = {API: "1.4.3", "react": "18.3.1"} | packages
        inventory = {"name": name, "release": "", "backstage": backstage, "packages": there}
        self.portal.with_name(f"{name}.json").write_text(json.dumps(inventory))

    def update(self, *options: str) -> Ended:
        words = ["update", f"--config-dir={self.config}", f"--host={self.portal}", *options]
        code = run(words, {**self.process, **self.variables})
        said = self.capsys.readouterr()
        return Ended(code=code, out=said.out, err=said.err)

    def ref(self, folder: str = "") -> str | None:
        source = json.loads((self.config / folder / "source.json").read_text())
        ref: str | None = source.get("repo-ref")
        return ref

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in self.config.rglob("*")
            if path.is_file() and ".git" not in path.parts
        }

    def make_repository(self) -> Repository:
        """Make the configuration directory a git repository with its files committed."""
        repository = Repository(path=self.config)
        repository.git("init", "--quiet", "--initial-branch=main")
        repository.commit({})
        self.variables |= {k: v for k, v in IDENTITY.items() if "DATE" not in k}
        return repository
