"""``plugin-factory push --npm``: plugins on an npm registry, and back again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from factory.archives.integrity import integrity_of
from factory.cli.app import run
from tests.installation.npm_server import NpmServer
from tests.published.packages import packed

NAME = "@acme/plugin-x-dynamic"
TOKEN = "token-of-acme"


@dataclass(kw_only=True)
class Desk:
    """Built plugins, a registry, and the command line."""

    root: Path
    npm: NpmServer
    capsys: pytest.CaptureFixture[str]
    process: dict[str, str]

    @property
    def outputs(self) -> Path:
        return self.root / "outputs"

    def built(self, name: str = NAME, version: str = "1.0.0", **fields: Any) -> Path:
        self.outputs.mkdir(exist_ok=True)
        package = {"name": name, "version": version, **fields}
        file = name.removeprefix("@").replace("/", "-")
        tgz = self.outputs / f"{file}-{version}.tgz"
        return packed(tgz, {"package.json": json.dumps(package), "dist/index.cjs.js": "x"})

    def npmrc(self, *lines: str) -> None:
        (self.root / ".npmrc").write_text("".join(f"{line}\n" for line in lines))

    def push(self, *options: str) -> tuple[int, str, str]:
        words = ["push", str(self.outputs), f"--config-dir={self.root}", *options]
        code = run(words, self.process)
        said = self.capsys.readouterr()
        assert "Traceback" not in said.err
        assert "internal error" not in said.err
        return code, said.out, said.err


@pytest.fixture
def desk(
    tmp_path: Path, process: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    npm = NpmServer()
    left_out = {"npm_config_registry", "NPM_CONFIG_REGISTRY", "http_proxy", "HTTP_PROXY"}
    own = {name: value for name, value in process.items() if name not in left_out}
    own |= {"HOME": str(tmp_path), "npm_config_globalconfig": str(tmp_path / "none")}
    desk = Desk(root=tmp_path, npm=npm, capsys=capsys, process=own)
    desk.npmrc(f"registry={npm.url}")
    yield desk
    npm.close()


def test_what_is_published_is_what_was_built(desk: Desk) -> None:
    tgz = desk.built(description="X", backstage={"role": "backend-plugin"})
    code, out, err = desk.push("--npm")
    assert code == 0, err
    assert out == f"{NAME}@1.0.0 {integrity_of(tgz)}\n"
    assert desk.npm.answers[f"/{NAME}/-/{NAME}-1.0.0.tgz"] == tgz.read_bytes()
    (sent,) = desk.npm.sent
    version = sent["versions"]["1.0.0"]
    assert version["backstage"] == {"role": "backend-plugin"}
    assert version["dist"]["integrity"] == str(integrity_of(tgz))
    assert sent["dist-tags"] == {"latest": "1.0.0"}
    assert sent["access"] is None


def test_tag_and_access_are_options(desk: Desk) -> None:
    desk.built()
    assert desk.push("--npm", "--npm-tag=next", "--npm-access=restricted")[0] == 0
    (sent,) = desk.npm.sent
    assert (sent["dist-tags"], sent["access"]) == ({"next": "1.0.0"}, "restricted")


def test_the_same_bytes_are_left_and_others_refused(desk: Desk) -> None:
    desk.built()
    code, first, _ = desk.push("--npm")
    assert code == 0
    code, again, err = desk.push("--npm")
    assert (code, again) == (0, first)
    assert "was there" in err
    assert len(desk.npm.sent) == 1
    desk.built(description="changed")
    code, out, err = desk.push("--npm")
    assert (code, out) == (11, "")
    assert "has other bytes of @acme/plugin-x-dynamic@1.0.0" in err
    assert len(desk.npm.sent) == 1
    desk.built(version="1.0.1")
    (desk.outputs / "acme-plugin-x-dynamic-1.0.0.tgz").unlink()
    assert desk.push("--npm")[0] == 0
    assert set(desk.npm.packages[NAME]["versions"]) == {"1.0.0", "1.0.1"}


def test_one_that_fails_does_not_stop_the_others(desk: Desk) -> None:
    desk.built("@acme/a-dynamic")
    desk.built("@acme/b-dynamic")
    desk.npm.packages["@acme/a-dynamic"] = {
        "versions": {"1.0.0": {"dist": {"integrity": "sha512-x"}}}
    }
    code, out, _ = desk.push("--npm")
    assert code == 11
    assert out.startswith("@acme/b-dynamic@1.0.0 sha512-")


def test_a_scope_goes_to_its_registry_with_its_login(desk: Desk) -> None:
    private = NpmServer(authorization=f"Bearer {TOKEN}")
    desk.npmrc(
        f"registry={desk.npm.url}",
        f"@acme:registry={private.url}",
        f"//{private.host}/:_authToken={TOKEN}",
    )
    desk.built(publishConfig={"registry": desk.npm.url, "access": "public"})
    try:
        code, out, err = desk.push("--npm", "--verbose")
    finally:
        private.close()
    assert code == 0, err
    assert len(private.sent) == 1
    assert private.sent[0]["access"] is None
    assert desk.npm.seen == []
    assert TOKEN not in out + err


@pytest.mark.parametrize("status", [400, 403, 405, 409])
def test_a_registry_that_refuses_is_said(desk: Desk, status: int) -> None:
    desk.built()
    desk.npm.refuses = status
    code, out, err = desk.push("--npm")
    assert (code, out) == (11, "")
    assert f"HTTP {status} from {desk.npm.url}" in err


def test_without_a_login_the_line_of_npmrc_is_named(desk: Desk) -> None:
    desk.built()
    desk.npm.authorization = "Bearer of-somebody"
    code, _, err = desk.push("--npm")
    assert code == 11
    assert f"//{desk.npm.host}/:_authToken=…" in err


def test_a_private_package_is_not_published_where_everybody_reads(desk: Desk) -> None:
    desk.built(private=True)
    assert desk.push("--npm")[0] == 0
    desk.npmrc("registry=https://registry.npmjs.org/")
    code, out, err = desk.push("--npm")
    assert (code, out) == (10, "")
    assert "is private" in err


def test_what_was_taken_although_the_answer_was_another_is_published(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after an attempt whose answer was lost, or where another run was faster."""
    take = desk.npm.take

    def take_and_refuse(body: bytes, given: str) -> int:
        take(body, given)
        return 409

    desk.built()
    monkeypatch.setattr(desk.npm, "take", take_and_refuse)
    code, out, err = desk.push("--npm")
    assert code == 0, err
    assert out.startswith(f"{NAME}@1.0.0 sha512-")


@pytest.mark.parametrize("option", ["--bundle=x", "--sign-key=key.pem", "--tag-template=x"])
def test_options_of_images_are_refused(desk: Desk, option: str) -> None:
    desk.built()
    code, _, err = desk.push("--npm", option)
    assert code == 2
    assert "has no effect with --npm" in err
    assert desk.npm.seen == []


@pytest.mark.parametrize("tag", ["1.0.0", "^1", "*", "a b", "a/b"])
def test_a_tag_is_a_word(desk: Desk, tag: str) -> None:
    desk.built()
    code, _, err = desk.push("--npm", f"--npm-tag={tag}")
    assert code == 2
    assert "cannot be an npm tag" in err
    assert desk.npm.sent == []


@pytest.mark.parametrize("option", ["--npm-tag=next", "--npm-access=public"])
def test_what_has_no_effect_is_refused(desk: Desk, option: str) -> None:
    desk.built()
    code, _, err = desk.push(option)
    assert code == 2
    assert "has no effect without --npm" in err


@pytest.mark.parametrize("name", ["../../x", "@acme/..", "a b", "x/../y", "@acme/x?a=1"])
def test_a_name_that_is_none_goes_nowhere(desk: Desk, name: str) -> None:
    package = {"name": name, "version": "1.0.0"}
    desk.outputs.mkdir()
    packed(desk.outputs / "x.tgz", {"package.json": json.dumps(package)})
    code, out, _ = desk.push("--npm")
    assert (code, out) == (10, "")
    assert desk.npm.seen == []
