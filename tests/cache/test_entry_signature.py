"""A key that is demanded of a cache: what is not signed with it is a miss."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from factory.attestation.keys import PrivateKey
from factory.cache.entry import ENTRY_FILE, SIGNATURE_FILE, Entry
from factory.cache.entry_signature import find_demanded_key, sign_entry
from factory.cache.examination import examine
from factory.cache.key import digest_of_value
from factory.cache.pruning import DEFAULT_LIMITS
from factory.cache.remote import remote_cache
from factory.cache.store import Store
from factory.config.environment import Environment
from factory.errors import ConfigurationError, UsageError
from factory.pipeline.plugin_cache import PluginCache

from ..oci.registries import Server
from .plugins import EXPECTED, KEY, PARTS, finished

OURS = PrivateKey(key=ec.generate_private_key(ec.SECP256R1()))
OTHER = PrivateKey(key=ec.generate_private_key(ec.SECP256R1()))
DEMANDING = partial(examine, expected=replace(EXPECTED, key=OURS.public))
NOTHING = Environment(variables={})


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(folder=tmp_path / "plugins")


def go_on() -> None:
    """Nobody ends the test's run."""


def put(store: Store, folder: Path, key: PrivateKey | None) -> Entry:
    made = finished(folder)
    sign = partial(sign_entry, key=key) if key else None
    entry = store.put(KEY, made.files, parts=PARTS, record=made.record, sign=sign)
    assert entry
    return entry


@pytest.mark.parametrize(
    ("key", "demanded", "promised"),
    [(OURS, OURS, True), (OTHER, OURS, False), (None, OURS, False), (None, None, True)],
)
def test_a_plan_promises_no_entry_that_a_build_would_not_take(
    store: Store,
    tmp_path: Path,
    key: PrivateKey | None,
    demanded: PrivateKey | None,
    promised: bool,
) -> None:
    cache = PluginCache(
        store=store, limits=DEFAULT_LIMITS, demanded=demanded.public if demanded else None
    )
    assert not cache.promises(KEY)
    put(store, tmp_path / "made", key)
    assert cache.promises(KEY) is promised


def test_an_entry_that_was_changed_is_not_promised(store: Store, tmp_path: Path) -> None:
    entry = put(store, tmp_path / "made", OURS)
    file = entry.folder / ENTRY_FILE
    document = json.loads(file.read_bytes())
    document["entry"]["record"]["version"] = "6.6.6"
    document["digest"] = digest_of_value(document["entry"])
    file.write_bytes(json.dumps(document).encode())
    assert not PluginCache(store=store, limits=DEFAULT_LIMITS, demanded=OURS.public).promises(KEY)


@pytest.mark.parametrize(("key", "promised"), [(OURS, True), (None, False)])
def test_of_a_registry_only_signed_entries_are_promised_where_a_key_is_demanded(
    store: Store, tmp_path: Path, registry: Server, key: PrivateKey | None, promised: bool
) -> None:
    entry = put(store, tmp_path / "made", key)
    name = f"oci://{registry.host}/team/{'signed' if key else 'plain'}"
    environment = Environment(variables={"REGISTRY_INSECURE": "true"})
    empty = Store(folder=tmp_path / "empty")
    with remote_cache(
        environment, sources=(name,), destination=name, checkpoint=lambda: None
    ) as remote:
        assert remote.send(entry)
        assert remote.has(KEY)
        cache = PluginCache(store=empty, limits=DEFAULT_LIMITS, remote=remote, demanded=OURS.public)
        assert cache.promises(KEY) is promised


def test_what_is_signed_is_taken(store: Store, tmp_path: Path) -> None:
    put(store, tmp_path / "made", OURS)
    assert store.get(KEY, DEMANDING)


@pytest.mark.parametrize("key", [None, OTHER])
def test_what_nobody_vouches_for_is_a_miss_and_stays(
    store: Store, tmp_path: Path, key: PrivateKey | None, caplog: pytest.LogCaptureFixture
) -> None:
    put(store, tmp_path / "made", key)
    assert store.get(KEY, DEMANDING) is None
    assert "not signed" in caplog.text
    assert store.get(KEY, partial(examine, expected=EXPECTED)), "another run may use it"


@pytest.mark.parametrize("text", [b"", b"no base64", b"AAAA", b"\xff" * 9000])
def test_a_signature_that_is_none(store: Store, tmp_path: Path, text: bytes) -> None:
    (put(store, tmp_path / "made", OURS).folder / SIGNATURE_FILE).write_bytes(text)
    assert store.get(KEY, DEMANDING) is None


def test_the_signature_of_another_entry_is_none(store: Store, tmp_path: Path) -> None:
    entry = put(store, tmp_path / "made", None)
    other = finished(tmp_path / "other").with_record(repairs=["a: b"], arguments="a").document()
    (entry.folder / SIGNATURE_FILE).write_bytes(sign_entry(other, OURS))
    assert store.get(KEY, DEMANDING) is None


def test_what_is_built_and_signed_takes_the_place_of_what_is_not(
    store: Store, tmp_path: Path
) -> None:
    put(store, tmp_path / "made", None)
    made = finished(tmp_path / "again")
    sign = partial(sign_entry, key=OURS)
    assert store.put(KEY, made.files, parts=PARTS, record=made.record, examine=DEMANDING, sign=sign)
    assert store.get(KEY, DEMANDING)


def test_signatures_travel_through_a_registry(
    registry: Server, store: Store, tmp_path: Path
) -> None:
    name = f"oci://{registry.host}/team/signed"
    environment = Environment(variables={"REGISTRY_INSECURE": "true"})
    second = Store(folder=tmp_path / "second/plugins")
    with remote_cache(
        environment, sources=(name,), destination=name, checkpoint=lambda: None
    ) as remote:
        assert remote.send(put(store, tmp_path / "made", OURS))
        assert remote.fetch(KEY, second, DEMANDING)
    assert second.get(KEY, DEMANDING)


def test_the_option_names_a_key_and_the_variable_too(tmp_path: Path) -> None:
    file = tmp_path / "cosign.pub"
    pem = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    file.write_bytes(OURS.public.key.public_bytes(*pem))
    by_variable = Environment(variables={"PLUGIN_FACTORY_CACHE_KEY": str(file)})
    assert find_demanded_key(str(file), NOTHING)
    assert find_demanded_key(None, by_variable)
    assert find_demanded_key(None, NOTHING) is None


@pytest.mark.parametrize("value", ["", " "])
def test_an_empty_setting_demands_a_key_that_there_is_not(value: str) -> None:
    with pytest.raises(ConfigurationError, match="PLUGIN_FACTORY_CACHE_KEY is set but empty"):
        find_demanded_key(None, Environment(variables={"PLUGIN_FACTORY_CACHE_KEY": value}))
    with pytest.raises(UsageError, match="--cache-key is set but empty"):
        find_demanded_key(value, NOTHING)
