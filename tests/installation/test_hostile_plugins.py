"""Archives that attack are refused by name, and nothing outside the staging folder changes."""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING

import pytest

from tests.archives.hostile import CORPUS

from .desk import CONFIG, pushed_layers
from .test_staging import snapshot

if TYPE_CHECKING:
    from tests.oci.registries import Server

    from .desk import Desk
    from .npm_server import NpmServer


def staged_before(desk: Desk) -> dict[str, bytes]:
    """A portal's folder with a plugin, and everything around it."""
    desk.packed("good.tgz", name="good")
    desk.listed("./good.tgz")
    desk.report()
    return snapshot(desk.folder)


@pytest.mark.parametrize("name", CORPUS)
def test_an_archive_by_address(desk: Desk, npm: NpmServer, name: str) -> None:
    before = staged_before(desk)
    content = CORPUS[name]()
    npm.answers["/hostile.tgz"] = content
    desk.listed("./good.tgz", f"{npm.url}hostile.tgz")
    before["dynamic-plugins.yaml"] = desk.config.read_bytes()

    done = desk.run("--skip-integrity-check")

    assert done.exit_code == 15
    assert CORPUS[name].names in done.stderr.replace("\n", "")
    assert snapshot(desk.folder) == before


@pytest.mark.parametrize("name", ["traversal", "absolute", "symbolic link out"])
def test_an_archive_by_path(desk: Desk, name: str) -> None:
    hostile = CORPUS.get(name) or CORPUS["traversal"]
    before = staged_before(desk)
    (desk.folder / "hostile.tgz").write_bytes(hostile())
    desk.listed("./good.tgz", "./hostile.tgz")
    before |= {
        "hostile.tgz": (desk.folder / "hostile.tgz").read_bytes(),
        "dynamic-plugins.yaml": desk.config.read_bytes(),
    }
    assert desk.run().exit_code == 15
    assert snapshot(desk.folder) == before


@pytest.mark.parametrize("name", [name for name in CORPUS if "traversal" in name or "link" in name])
def test_the_layer_of_an_image(desk: Desk, images: Server, name: str) -> None:
    before = staged_before(desk)
    content = CORPUS[name]()
    repository = "hostile/" + hashlib.sha256(name.encode()).hexdigest()[:12]
    pushed_layers(images, repository, content)
    desk.listed("./good.tgz", f"oci://{images.host}/{repository}:1!package")
    before["dynamic-plugins.yaml"] = desk.config.read_bytes()

    done = desk.run()

    assert done.exit_code == 15
    assert CORPUS[name].names in done.stderr.replace("\n", "")
    assert snapshot(desk.folder) == before


def test_the_largest_entry_is_the_users_choice(desk: Desk, npm: NpmServer) -> None:
    folder = desk.packed("big.tgz", name="big", description=os.urandom(40_000).hex())
    desk.listed("./big.tgz")
    assert folder.stat().st_size > 30_000
    for words, variables in (
        (("--max-entry-size", "50000"), {}),
        ((), {"MAX_ENTRY_SIZE": "50000"}),
    ):
        done = desk.run(*words, **variables)
        assert done.exit_code == 15
        assert "package/package.json" in done.stderr
    assert desk.run("--max-entry-size", "many").exit_code == 2
    assert desk.outcomes("--max-entry-size", "500000", MAX_ENTRY_SIZE="50") == {
        "big.tgz": "installed"
    }
    assert (desk.root / CONFIG).is_file()
