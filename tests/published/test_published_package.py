"""A published package found and fetched over a registry's protocol, and pinned."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from factory.archives.limits import DEFAULT_LIMITS
from factory.config.environment import Environment
from factory.config.package_spec import PackageSpec
from factory.errors import ArtifactError, DependenciesError, FactoryError, SourceError
from factory.installation.connections import ConnectionOptions, Connections
from factory.installation.npmrc import read_npmrc
from factory.published.locking import gate_minutes, refuse_other_sources
from factory.published.pin import PIN_FILE, Pin, read_pin, write_pin
from factory.published.published_package import (
    PublishedPackage,
    fetch_published,
    find_published,
)
from tests.installation.npm_server import NpmServer
from tests.published.packages import NAME, VERSION, packed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SPEC = PackageSpec(name=NAME, wanted="^1.0.0")
FILES = {"package.json": json.dumps({"name": NAME, "version": VERSION}), "dist/index.js": ""}
PUBLISHED = "2026-05-01T10:00:00.000Z"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NpmServer]:
    running = NpmServer()
    running.publish(NAME, VERSION, packed(tmp_path / "x.tgz", FILES))
    running.packages[NAME]["time"] = {VERSION: PUBLISHED}
    yield running
    running.close()


@pytest.fixture
def connections(server: NpmServer, tmp_path: Path) -> Iterator[Connections]:
    variables = {"npm_config_registry": server.url, "HOME": str(tmp_path)}
    options = ConnectionOptions(
        environment=Environment(variables=variables),
        npmrc=read_npmrc(tmp_path, variables),
        limits=DEFAULT_LIMITS,
        skip_integrity=False,
        checkpoint=lambda: None,
    )
    with Connections(options, tmp_path) as opened:
        yield opened


def find(connections: Connections, pin: Pin | None = None) -> PublishedPackage:
    return find_published(SPEC, connections.options.npmrc, connections.web(), pin=pin)


def fetch(package: PublishedPackage, into: Path, connections: Connections) -> str:
    return fetch_published(
        package,
        into,
        connections.options.npmrc,
        connections.web(),
        on_progress=lambda *_: None,
    )


def test_a_version_is_found_with_its_day_and_unpacked(
    connections: Connections, tmp_path: Path
) -> None:
    package = find(connections)
    assert str(package) == f"{NAME}@{VERSION}"
    assert package.published == datetime(2026, 5, 1, 10, tzinfo=UTC)
    integrity = fetch(package, tmp_path / "plugin", connections)
    assert integrity == package.integrity
    assert (tmp_path / "plugin/dist/index.js").is_file()
    assert not list(tmp_path.glob(".*.tgz"))


def test_other_bytes_than_the_registry_promises_are_refused(
    connections: Connections, server: NpmServer, tmp_path: Path
) -> None:
    package = find(connections)
    path = next(path for path in server.answers)
    server.answers[path] = packed(tmp_path / "y.tgz", {"package.json": "{}"}).read_bytes()
    with pytest.raises(ArtifactError, match="does not match its integrity"):
        fetch(package, tmp_path / "plugin", connections)
    assert not (tmp_path / "plugin").exists()


@pytest.mark.parametrize("name", ["../../evil.js", "a/../../../b"])
def test_an_archive_that_leads_out_is_refused(
    connections: Connections, server: NpmServer, tmp_path: Path, name: str
) -> None:
    server.publish(NAME, VERSION, packed(tmp_path / "y.tgz", {name: "evil"}))
    (tmp_path / "in").mkdir()
    with pytest.raises(ArtifactError):
        fetch(find(connections), tmp_path / "in/plugin", connections)
    assert list((tmp_path / "in").iterdir()) == []


def test_an_archive_without_a_package_is_refused(
    connections: Connections, server: NpmServer, tmp_path: Path
) -> None:
    server.publish(NAME, VERSION, packed(tmp_path / "y.tgz", FILES, root="other"))
    with pytest.raises(ArtifactError, match="contains no package"):
        fetch(find(connections), tmp_path / "plugin", connections)


@pytest.mark.parametrize("time", [None, {VERSION: 7}, {VERSION: "yesterday"}, [VERSION], "x"])
def test_a_registry_need_not_say_when(
    connections: Connections, server: NpmServer, time: object
) -> None:
    server.packages[NAME]["time"] = time
    package = find(connections)
    assert package.published is None
    assert gate_minutes(package, None) == 0


def test_the_gate_is_a_day_after_the_publication_or_the_day_that_is_said(
    connections: Connections,
) -> None:
    package = find(connections)
    now = datetime(2026, 5, 4, 10, tzinfo=UTC)
    assert gate_minutes(package, None, now=now) == 2 * 24 * 60
    assert gate_minutes(package, "2026-05-02", now=now) == (24 + 10) * 60
    assert gate_minutes(package, "now", now=now) == 0
    assert gate_minutes(package, "2030-01-01", now=now) == 0
    assert gate_minutes(package, "9999-12-31", now=now) == 0
    latest = replace(package, published=datetime(9999, 12, 31, 23, tzinfo=UTC))
    assert gate_minutes(latest, None, now=now) == 0


def test_a_pin_is_what_later_builds_take(
    connections: Connections, server: NpmServer, tmp_path: Path
) -> None:
    first = find(connections)
    write_pin(tmp_path, NAME, VERSION, first.integrity, "__metadata:\n  version: 8\n")
    server.publish(NAME, "1.9.0", packed(tmp_path / "z.tgz", FILES))
    assert find(connections).version == "1.9.0"
    pin = read_pin(tmp_path, SPEC)
    assert pin is not None
    assert pin.lockfile == "__metadata:\n  version: 8\n"
    assert find(connections, pin).version == VERSION
    server.publish(NAME, VERSION, packed(tmp_path / "w.tgz", {"package.json": "{}"}))
    with pytest.raises(SourceError, match="not the archive that was built before") as caught:
        find(connections, pin)
    assert PIN_FILE in (caught.value.hint or "")


def test_the_pin_counts_where_the_registry_says_no_integrity(
    connections: Connections, server: NpmServer, tmp_path: Path
) -> None:
    write_pin(tmp_path, NAME, VERSION, find(connections).integrity, "")
    pin = read_pin(tmp_path, SPEC)
    server.publish(NAME, VERSION, packed(tmp_path / "w.tgz", {"package.json": "{}"}))
    server.packages[NAME]["versions"][VERSION]["dist"]["integrity"] = ""
    with pytest.raises(SourceError, match="not the archive that was built before"):
        fetch(find(connections, pin), tmp_path / "plugin", connections)
    assert not (tmp_path / "plugin").exists()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# yarn lockfile v1\n",
        f"# Written by plugin-factory for @acme/other@{VERSION} sha512-x\n",
        f"# Written by plugin-factory for {NAME}@2.0.0 sha512-x\n",
        f"# Written by plugin-factory for {NAME}@../x sha512-x\n",
    ],
)
def test_a_lockfile_of_something_else_is_no_pin(tmp_path: Path, text: str) -> None:
    (tmp_path / PIN_FILE).write_text(text, encoding="utf-8")
    with pytest.raises(SourceError) as caught:
        read_pin(tmp_path, SPEC)
    assert "remove the file" in (caught.value.hint or "")


def test_without_a_pin_there_is_none(tmp_path: Path) -> None:
    assert read_pin(tmp_path, SPEC) is None


def test_a_directory_that_cannot_be_written_gets_no_pin(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_pin(tmp_path / "none", NAME, VERSION, "sha512-x", "")
    assert "resolved again by each build" in caplog.text


def test_an_unknown_package_says_so(server: NpmServer, connections: Connections) -> None:
    server.packages.clear()
    with pytest.raises(FactoryError, match="has no package"):
        find(connections)


def test_a_login_is_sent_where_the_npmrc_has_one(
    connections: Connections, server: NpmServer, tmp_path: Path
) -> None:
    server.authorization = "Bearer token"
    address = server.url.partition(":")[2]
    text = f"registry={server.url}\n{address}:_authToken=token\n"
    (tmp_path / ".npmrc").write_text(text, encoding="utf-8")
    npmrc = read_npmrc(tmp_path, {})
    assert find_published(SPEC, npmrc, connections.web()).version == VERSION
    assert server.seen[-1] == (f"/{NAME}", "Bearer token")


def lockfile(*resolutions: str) -> str:
    entries = (
        f'"x{n}@npm:^1":\n  version: 1\n  resolution: "{r}"\n' for n, r in enumerate(resolutions)
    )
    return "\n".join(entries)


def test_what_comes_from_registries_may_be_locked(connections: Connections, tmp_path: Path) -> None:
    text = lockfile(
        "@acme/plugin-x@workspace:plugin",
        "published-plugin@workspace:.",
        "@types/node@npm:20.1.0",
        "a_b.c@npm:1.0.0-rc.1+x",
        "a@npm:1.0.0::__archiveUrl=https%3A%2F%2Fnpm.pkg.github.com%2Fa.tgz",
        "resolve@patch:resolve@npm%3A1.22.8#optional!builtin<compat/resolve>::version=1.22.8&hash=c3",
    )
    refuse_other_sources(text, tmp_path / "yarn.lock", find(connections))


@pytest.mark.parametrize(
    "resolution",
    [
        "evil@exec:./evil.js#./evil.js::hash=1&locator=x",
        "evil@https://github.com/a/b.git#commit=0123",
        "evil@git@github.com:a/b.git#commit=0123",
        "evil@https://example.com/evil.tgz",
        "evil@file:../../etc#../../etc::hash=1",
        "evil@link:../x::locator=y",
        "evil@workspace:plugin/evil",
        "evil@patch:evil@https%3A//x/y.tgz#optional!builtin<compat/resolve>",
        "evil@patch:evil@npm%3A1#./my.patch::version=1",
    ],
)
def test_nothing_else_may(connections: Connections, tmp_path: Path, resolution: str) -> None:
    with pytest.raises(DependenciesError, match="not in a registry"):
        refuse_other_sources(lockfile(resolution), tmp_path / "yarn.lock", find(connections))
