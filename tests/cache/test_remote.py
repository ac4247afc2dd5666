"""The cache in a registry: a second machine gets the first one's plugins bit for bit."""

from __future__ import annotations

import base64
import json
import logging
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from factory.cache.remote import ARTIFACT_TYPE, RemoteCache, remote_cache, repository_name
from factory.cache.store import Store
from factory.config.environment import Environment
from factory.errors import Interrupted, UsageError
from factory.oci.descriptor import (
    MANIFEST_TYPE,
    blob_of,
)
from factory.oci.push import push_blob
from factory.oci.registry import Registry
from factory.oci.target import pull_target

from ..oci.faulty_proxy import Fault, faulty
from ..oci.registries import PASSWORD, USER, Server, free_port, serving
from . import worker
from .worker import PARTS, key_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from factory.cache.entry import Entry

INSECURE = Environment(variables={"REGISTRY_INSECURE": "true"})
REPOSITORY = "team/cache"


def go_on() -> None:
    """Nobody ends the run."""


def cache(
    host: str,
    *,
    environment: Environment = INSECURE,
    checkpoint: Callable[[], None] = go_on,
    reads: bool = True,
    writes: bool = True,
) -> RemoteCache:
    name = f"oci://{host}/{REPOSITORY}"
    return remote_cache(
        environment,
        sources=(name,) if reads else (),
        destination=name if writes else None,
        checkpoint=checkpoint,
    )


@pytest.fixture
def first(tmp_path: Path) -> Store:
    return Store(folder=tmp_path / "first/plugins")


@pytest.fixture
def second(tmp_path: Path) -> Store:
    return Store(folder=tmp_path / "second/plugins")


def entry_in(store: Store, number: int, size: int = 200_000) -> Entry:
    assert worker.put(store, number, size)
    entry = store.get(key_of(number))
    assert entry
    return entry


def files_of(entry: Entry) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in entry.folder.iterdir() if file.name != "used"}


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What was said about the cache."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.levelno >= logging.WARNING and record.name.startswith("factory.cache")
    ]


def test_a_second_machine_restores_the_first_ones_plugins(
    registry: Server, first: Store, second: Store, tmp_path: Path
) -> None:
    sent = [entry_in(first, number) for number in range(5)]
    with cache(registry.host) as remote:
        assert all(remote.send(entry) for entry in sent)
    with cache(registry.host, writes=False) as remote:
        for entry in sent:
            assert remote.has(entry.key)
            fetched = remote.fetch(entry.key, second)
            assert fetched
            assert files_of(fetched) == files_of(entry)
            assert (fetched.record, fetched.parts()) == (entry.record, PARTS)
    assert all(worker.restored(second, number, tmp_path) for number in range(5))


def test_what_nobody_has_is_a_miss_without_a_word(
    registry: Server, second: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with cache(registry.host) as remote:
        assert not remote.has(key_of(999))
        assert remote.fetch(key_of(999), second) is None
    assert warnings(caplog) == []
    assert not second.folder.exists()


def test_it_is_an_artifact_that_other_tools_can_read(registry: Server, first: Store) -> None:
    entry = entry_in(first, 10)
    with cache(registry.host) as remote:
        remote.send(entry)
    with Registry(pull_target(INSECURE, registry.host)) as conversation:
        found = conversation.get_manifest(REPOSITORY, entry.key)
    assert found
    manifest = json.loads(found)
    assert manifest["artifactType"] == ARTIFACT_TYPE
    title = "org.opencontainers.image.title"
    titles = [layer["annotations"][title] for layer in manifest["layers"]]
    assert titles == ["entry.json", "plugin-10.tgz", "parts.json"]


def test_what_the_registry_has_is_not_sent_again(registry: Server, first: Store) -> None:
    entry = entry_in(first, 11)
    with faulty(registry.host) as proxy, cache(proxy.host) as remote:
        assert remote.send(entry)
        sent = proxy.count("PUT", "/blobs/")
        assert sent
        assert remote.send(entry)
        assert proxy.count("PUT", "") == sent + 1  # the manifest, once


def test_without_a_destination_nothing_is_sent(registry: Server, first: Store) -> None:
    with faulty(registry.host) as proxy, cache(proxy.host, writes=False) as remote:
        assert not remote.send(entry_in(first, 12))
        assert proxy.seen == []


def test_several_sources_are_asked_in_their_order(
    registry: Server, first: Store, second: Store, tmp_path: Path
) -> None:
    entry = entry_in(first, 13)
    names = [f"oci://{registry.host}/{repository}" for repository in ("empty/one", "full/two")]
    with remote_cache(INSECURE, sources=(), destination=names[1], checkpoint=go_on) as remote:
        assert remote.send(entry)
    with remote_cache(INSECURE, sources=names, destination=None, checkpoint=go_on) as remote:
        assert remote.fetch(entry.key, second)


def test_a_login_is_that_of_the_registry(
    locked_registry: Server, first: Store, second: Store, tmp_path: Path
) -> None:
    entry = entry_in(first, 14)
    host = locked_registry.host
    token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (tmp_path / "auth.json").write_text(json.dumps({"auths": {host: {"auth": token}}}))
    logged_in = [
        {"REGISTRY_AUTH_FILE": str(tmp_path / "auth.json")},
        {"REGISTRY_URL": host, "REGISTRY_USERNAME": USER, "REGISTRY_PASSWORD": PASSWORD},
    ]
    for variables in logged_in:
        environment = Environment(variables={"REGISTRY_INSECURE": "true", **variables})
        with cache(host, environment=environment) as remote:
            assert remote.send(entry)
            assert remote.fetch(entry.key, second)


def test_a_login_of_another_registry_is_not_told(
    locked_registry: Server, first: Store, caplog: pytest.LogCaptureFixture
) -> None:
    environment = Environment(
        variables={
            "REGISTRY_URL": "other.example",
            "REGISTRY_USERNAME": USER,
            "REGISTRY_PASSWORD": PASSWORD,
        }
    )
    entry = entry_in(first, 15)
    with cache(locked_registry.host, environment=environment) as remote:
        assert not remote.send(entry)
    assert len(warnings(caplog)) == 1
    assert PASSWORD not in caplog.text


def test_a_registry_that_is_down_is_told_once_and_left_alone(
    first: Store, second: Store, caplog: pytest.LogCaptureFixture
) -> None:
    entry = entry_in(first, 16)
    with cache(f"127.0.0.1:{free_port()}") as remote:
        for _ in range(3):
            assert remote.fetch(entry.key, second) is None
            assert not remote.has(entry.key)
            assert not remote.send(entry)
    (said,) = warnings(caplog)
    assert "the build continues" in said


def test_a_registry_that_may_only_be_read_is_still_read(
    registry: Server, first: Store, second: Store, caplog: pytest.LogCaptureFixture
) -> None:
    entry, other = entry_in(first, 30), entry_in(first, 31)
    with cache(registry.host) as remote:
        assert remote.send(entry)
    refused = Fault(method="POST", path="/blobs/uploads/", status=403, times=100)
    with faulty(registry.host, refused) as proxy, cache(proxy.host) as remote:
        assert not remote.send(other)
        assert not remote.send(other)
        assert remote.fetch(entry.key, second)
    assert len(warnings(caplog)) == 1


def test_many_threads_tell_it_once_too(second: Store, caplog: pytest.LogCaptureFixture) -> None:
    with cache(f"127.0.0.1:{free_port()}", writes=False) as remote, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: remote.fetch(key_of(number), second), range(16)))
    assert found == [None] * 16
    assert len(warnings(caplog)) == 1


def test_a_registry_that_answers_500_and_then_works(
    registry: Server, first: Store, second: Store, caplog: pytest.LogCaptureFixture
) -> None:
    entry = entry_in(first, 17)
    faults = (
        Fault(method="HEAD", path="/manifests/", status=500),
        Fault(method="PUT", path="/blobs/", status=503),
        Fault(method="GET", path="/blobs/", status=502),
    )
    with faulty(registry.host, *faults) as proxy, cache(proxy.host) as remote:
        assert remote.send(entry)
        assert remote.fetch(entry.key, second)
    assert warnings(caplog) == []


def test_a_connection_that_breaks_midway_is_taken_up_again(
    registry: Server, first: Store, second: Store, caplog: pytest.LogCaptureFixture
) -> None:
    entry = entry_in(first, 18, 3_000_000)
    faults = (
        Fault(method="PUT", path="/blobs/", cut=1_000, after=2),
        Fault(method="GET", path="/blobs/", lost=True, after=1),
    )
    with faulty(registry.host, *faults) as proxy, cache(proxy.host) as remote:
        assert remote.send(entry)
        fetched = remote.fetch(entry.key, second)
    assert fetched
    assert files_of(fetched) == files_of(entry)
    assert warnings(caplog) == []


def test_a_registry_that_breaks_for_good_midway_leaves_nothing(
    registry: Server, first: Store, second: Store, caplog: pytest.LogCaptureFixture
) -> None:
    entry = entry_in(first, 19)
    with cache(registry.host) as remote:
        assert remote.send(entry)
    fault = Fault(method="GET", path="/blobs/", lost=True, after=1, times=100)
    with faulty(registry.host, fault) as proxy, cache(proxy.host) as remote:
        assert remote.fetch(entry.key, second) is None
    assert not second.has(entry.key)
    assert not list((second.folder / "making").iterdir())
    assert len(warnings(caplog)) == 1


def test_an_upload_that_breaks_off_leaves_no_entry(
    registry: Server, first: Store, caplog: pytest.LogCaptureFixture
) -> None:
    entry = entry_in(first, 20)
    fault = Fault(method="PUT", path="/blobs/", cut=100, times=100, after=1)
    with faulty(registry.host, fault) as proxy, cache(proxy.host) as remote:
        assert not remote.send(entry)
    with cache(registry.host) as remote:
        assert not remote.has(entry.key)
    assert len(warnings(caplog)) == 1


def test_wrong_bytes_are_refused(
    tmp_path: Path, first: Store, second: Store, caplog: pytest.LogCaptureFixture
) -> None:
    entry = entry_in(first, 21)
    archive = entry.files[0]
    with serving(tmp_path) as server:
        with cache(server.host) as remote:
            assert remote.send(entry)
        blob = server.storage / "docker/registry/v2/blobs/sha256"
        data = blob / archive.sha256[:2] / archive.sha256 / "data"
        content = bytearray(data.read_bytes())
        content[100] ^= 1
        data.write_bytes(content)
        with cache(server.host) as remote:
            assert remote.fetch(entry.key, second) is None
    assert not second.has(entry.key)
    assert len(warnings(caplog)) == 1


def published(
    server: Server, tag: str, layers: dict[str, bytes], artifact_type: str = ARTIFACT_TYPE
) -> None:
    """Put an artifact with these files under a tag, as anybody who may write can."""
    with Registry(pull_target(INSECURE, server.host)) as conversation:
        blobs = {name: blob_of(content, "text/plain") for name, content in layers.items()}
        config = blob_of(b"{}", "application/vnd.oci.empty.v1+json")
        for blob in (config, *blobs.values()):
            push_blob(conversation, REPOSITORY, blob)
        document = {
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "artifactType": artifact_type,
            "config": config.descriptor,
            "layers": [
                {
                    **blob.descriptor,
                    "annotations": {"org.opencontainers.image.title": name},
                }
                for name, blob in blobs.items()
            ],
        }
        manifest = blob_of(json.dumps(document).encode(), MANIFEST_TYPE)
        conversation.put_manifest(REPOSITORY, tag, manifest)


@pytest.mark.parametrize("case", ["another key", "changed", "other files", "no entry", "no cache"])
def test_an_artifact_that_is_no_entry_of_this_key(
    registry: Server,
    first: Store,
    second: Store,
    case: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    entry = entry_in(first, 22)
    layers = files_of(entry)
    key = key_of(1000)
    match case:
        case "another key":
            published(registry, key, layers)
        case "changed":
            key = entry.key
            document = layers["entry.json"].replace(b'"n": 22', b'"n": 23')
            assert document != layers["entry.json"]
            published(registry, key, {**layers, "entry.json": document})
        case "other files":
            key = entry.key
            published(registry, key, {**layers, "plugin-22.tgz": b"other"})
        case "no entry":
            published(registry, key, {"plugin-22.tgz": b"other"})
        case _:
            published(registry, key, layers, artifact_type="application/vnd.other")
    with cache(registry.host, writes=False) as remote:
        assert remote.fetch(key, second) is None
        assert not second.has(key)
        assert len(warnings(caplog)) == 1
        other = entry_in(first, 23)
        with cache(registry.host) as writer:
            assert writer.send(other)
        assert remote.fetch(other.key, second), "one bad entry does not spoil the others"


def test_a_run_that_is_ended_ends_the_wait(first: Store) -> None:
    def ended() -> None:
        raise Interrupted("ended")

    host = f"127.0.0.1:{free_port()}"
    with cache(host, checkpoint=ended) as remote, pytest.raises(Interrupted):
        remote.fetch(key_of(1), first)


def test_a_registry_that_never_answers_is_given_up(
    second: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for limit in ("_CONNECT_SECONDS", "_READ_SECONDS"):
        monkeypatch.setattr(f"factory.cache.remote.{limit}", 0.2)
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as silent:

        def accept() -> None:
            while True:
                try:
                    held.append(silent.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        with cache(f"127.0.0.1:{silent.getsockname()[1]}", writes=False) as remote:
            assert remote.fetch(key_of(1), second) is None
        silent.shutdown(socket.SHUT_RDWR)
    thread.join()
    for connection in held:
        connection.close()
    assert len(warnings(caplog)) == 1


def test_a_store_that_cannot_be_written_makes_a_miss(
    registry: Server, first: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entry = entry_in(first, 24)
    (tmp_path / "file").write_text("in the way")
    with cache(registry.host) as remote:
        assert remote.send(entry)
        assert remote.fetch(entry.key, Store(folder=tmp_path / "file")) is None
    assert len(warnings(caplog)) == 1


def test_an_entry_that_goes_while_it_is_sent(
    registry: Server, first: Store, caplog: pytest.LogCaptureFixture
) -> None:
    entry = entry_in(first, 25)
    first.remove(entry.folder)
    with cache(registry.host) as remote:
        assert not remote.send(entry)
        assert remote.send(entry_in(first, 26)), "the registry is not to blame"


@pytest.mark.parametrize(
    "text", ["", "quay.io/team/cache", "oci://cache", "oci://quay.io", "oci://quay.io/team/c:tag"]
)
def test_what_names_no_repository(text: str) -> None:
    with pytest.raises(UsageError, match="--cache-from does not name a repository"):
        repository_name(text, "--cache-from")
