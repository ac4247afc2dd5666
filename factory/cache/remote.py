"""The cache in a container registry, so that machines with empty disks share it.

An entry is an artifact of OCI's image-spec 1.1 (``manifest.md``, "Guidelines for Artifact Usage"):
its tag is the key, each of its files is a layer with the file's name as title. What is pulled is
checked by digest and becomes an entry of the store on this machine.

A registry that fails is told once and then left alone for the rest of the run: nothing of it stops
a build. Whoever may write to the repository decides what is shipped from it.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import field, replace
from functools import partial
from typing import TYPE_CHECKING, Self, TypeVar

from factory.archives.limits import DEFAULT_LIMITS
from factory.cache.entry import (
    ENTRY_FILE,
    LARGEST_DOCUMENT,
    SIGNATURE_FILE,
    BadEntry,
    is_key,
    parse_entry,
)
from factory.errors import FactoryError, Interrupted, RegistryError, UsageError
from factory.notation.json_text import parse_object
from factory.oci.answers import RetryPolicy
from factory.oci.descriptor import (
    EMPTY,
    TITLE,
    Blob,
    artifact_manifest,
    blob_of,
    descriptor_of,
    matches,
)
from factory.oci.names import image_name
from factory.oci.pull import fetch_blob, read_blob
from factory.oci.push import push_blob
from factory.oci.registry import Registry
from factory.oci.target import pull_target
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from factory.cache.entry import CachedFile, Entry
    from factory.cache.store import Examiner, Store
    from factory.config.environment import Environment
    from factory.oci.descriptor import Descriptor
    from factory.oci.names import ImageName

log = logging.getLogger(__name__)

T = TypeVar("T")

SCHEME = "oci://"
ARTIFACT_TYPE = "application/vnd.plugin-factory.cache.v1"
FILE_TYPE = "application/vnd.plugin-factory.cache.file.v1"
# A cache that makes builds wait is useless: a build is seldom longer than a few of these.
_ATTEMPTS = 3
_CONNECT_SECONDS = 5.0
_READ_SECONDS = 60.0


@dataclass(slots=True)
class _Switch:
    """Whether a registry is still used in this run; safe to use from many threads.

    With ``reading`` it is one for writing, and off too when that one is: a registry that is down is
    told once. One that may be read and not written is still read.
    """

    reading: _Switch | None = None
    _off: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    @property
    def off(self) -> bool:
        """Whether the registry has failed."""
        return self._off or bool(self.reading and self.reading.off)

    def turn_off(self) -> bool:
        """Turn it off; whether it was on."""
        with self._lock:
            was_on, self._off = not self.off, True
            return was_on

    def refuse_off(self) -> None:
        """End a conversation with a registry that is no longer used: none waits for another."""
        if self.off:
            raise RegistryError("the registry is no longer used in this run")


@dataclass(frozen=True, kw_only=True, slots=True)
class _RemotePlace:
    """A repository that entries are read from or written to.

    ``bad`` are the keys whose entries in a registry were found to be other than they should be.
    """

    name: ImageName
    registry: Registry
    option: str
    switch: _Switch
    bad: set[tuple[ImageName, str]]

    @property
    def repository(self) -> str:
        """The repository in the registry."""
        return self.name.repository

    def fail(self, error: FactoryError) -> None:
        """Leave the registry alone from now on, and say so; once, whoever comes first."""
        if not self.switch.turn_off():
            return
        log.warning(
            "the cache %s%s/%s (%s) is no longer used in this run, and the build continues: %s%s",
            SCHEME,
            self.name.registry,
            self.repository,
            self.option,
            error.problem,
            f" ({error.found})" if error.found else "",
        )


class RemoteCache:
    """Caches in registries; a context manager that closes them. Safe to use from many threads."""

    def __init__(self, sources: Sequence[_RemotePlace], destination: _RemotePlace | None) -> None:
        self._sources = tuple(sources)
        self._destination = destination

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for place in (*self._sources, self._destination):
            if place:
                place.registry.transport.close()

    def has(self, key: str, *, signed: bool = False) -> bool:
        """Whether a registry has an entry of ``key``; of its files, nothing is pulled.

        Args:
            key: the plugin's.
            signed: whether only an entry counts that has a signature, whosever it is.

        Raises:
            Interrupted: the run was ended.
        """
        look = _digest_of_signed if signed else _digest
        return any(_guard(place, partial(look, place, key)) for place in self._used)

    def fetch(self, key: str, store: Store, examine: Examiner | None = None) -> Entry | None:
        """Pull the entry of ``key`` into ``store`` and return it, or None: no registry gives it.

        Args:
            key: the plugin's.
            store: where it becomes an entry.
            examine: raises BadEntry for an entry that is not to become one.

        Raises:
            Interrupted: the run was ended.
        """
        if not is_key(key):
            return None
        for place in self._used:
            entry = _guard(place, partial(_fetch, place, key, store, examine))
            if entry:
                return entry
        return None

    def send(self, entry: Entry) -> bool:
        """Push an entry, unless the registry has one of its key; return whether it has it now.

        One that was fetched in this run and was not what it should be is replaced.

        Raises:
            Interrupted: the run was ended.
        """
        place = self._destination
        if place is None or place.switch.off:
            return False
        return bool(_guard(place, partial(_send, place, entry)))

    @property
    def _used(self) -> tuple[_RemotePlace, ...]:
        return tuple(place for place in self._sources if not place.switch.off)


def remote_cache(
    environment: Environment,
    *,
    sources: Sequence[str],
    destination: str | None,
    checkpoint: Callable[[], None],
) -> RemoteCache:
    """Return the caches that ``--cache-from`` and ``--cache-to`` name; none is asked yet.

    Logins are those for these registries, as for images: REGISTRY_USERNAME and REGISTRY_PASSWORD
    where it is REGISTRY_URL's, REGISTRY_AUTH_FILE, what the host is logged in with.

    Args:
        environment: the run's.
        sources: ``oci://registry/repository``, each.
        destination: the same, or None to write nowhere.
        checkpoint: called often while waiting; raises to end the work.

    Raises:
        UsageError: one of them is not such a name.
        ConfigurationError: a REGISTRY_ variable cannot be used.
    """
    switches: dict[str, _Switch] = {}
    bad: set[tuple[ImageName, str]] = set()

    def place(text: str, option: str) -> _RemotePlace:
        name = repository_name(text, option)
        if option == "--cache-from":
            switch = switches.setdefault(name.registry, _Switch())
        else:
            switch = _Switch(reading=switches.get(name.registry))

        def check() -> None:
            checkpoint()
            switch.refuse_off()

        policy = RetryPolicy(
            attempts=_ATTEMPTS,
            first_wait=0.3,
            longest_wait=2.0,
            longest_wish=5.0,
            connect_seconds=_CONNECT_SECONDS,
            read_seconds=_READ_SECONDS,
        )
        registry = Registry(
            pull_target(environment, name.registry),
            policy=policy,
            checkpoint=check,
            reads_only=option == "--cache-from",
        )
        return _RemotePlace(name=name, registry=registry, option=option, switch=switch, bad=bad)

    return RemoteCache(
        [place(text, "--cache-from") for text in dict.fromkeys(sources)],
        place(destination, "--cache-to") if destination else None,
    )


def repository_name(text: str, option: str) -> ImageName:
    """Return the repository that ``oci://registry/repository`` names.

    Raises:
        UsageError: it names none.
    """
    try:
        return image_name(f"{text}:key" if text.startswith(SCHEME) else "")
    except UsageError as error:
        raise UsageError(
            f"{option} does not name a repository of a registry",
            found=text,
            expected="oci://registry/repository, without a tag, for example "
            "oci://quay.io/my-team/plugin-cache",
        ) from error


def _guard(place: _RemotePlace, ask: Callable[[], T]) -> T | None:
    try:
        return ask()
    except Interrupted:
        raise
    except BadEntry as problem:
        log.warning(
            "an entry of the cache %s%s/%s is not used: %s",
            SCHEME,
            place.name.registry,
            place.repository,
            problem,
        )
    except FactoryError as error:
        place.fail(error)
    except OSError as error:
        log.warning("an entry of the cache of finished plugins cannot be shared: %s", error)
    return None


def _digest(place: _RemotePlace, key: str) -> str | None:
    return place.registry.manifest_digest(place.repository, key)


def _digest_of_signed(place: _RemotePlace, key: str) -> str | None:
    digest = _digest(place, key)
    return digest if digest and SIGNATURE_FILE in _layers(place, digest) else None


def _fetch(place: _RemotePlace, key: str, store: Store, examine: Examiner | None) -> Entry | None:
    digest = _digest(place, key)
    if digest is None:
        return None
    try:
        return _pull(place, digest, key, store, examine)
    except BadEntry as problem:
        place.bad.add((place.name, key))
        raise BadEntry(f"{problem} ({key})") from problem


def _pull(
    place: _RemotePlace, digest: str, key: str, store: Store, examine: Examiner | None
) -> Entry | None:
    layers = _layers(place, digest)
    text = read_blob(place.registry, place.repository, layers[ENTRY_FILE])
    signature = b""
    if SIGNATURE_FILE in layers:
        signature = read_blob(place.registry, place.repository, layers[SIGNATURE_FILE])
    described = parse_entry(text, store.path(key), key, signature=signature)
    wanted = {file.name: _same_layer(layers, file) for file in described.files}
    parts = described.parts_file
    wanted[parts.name] = _same_layer(layers, parts)
    if sum(layer.size for layer in wanted.values()) > DEFAULT_LIMITS.total:
        raise BadEntry("it is larger than any plugin")

    def fill(making: Path) -> None:
        (making / ENTRY_FILE).write_bytes(text)
        if signature:
            (making / SIGNATURE_FILE).write_bytes(signature)
        for name, layer in wanted.items():
            fetch_blob(place.registry, place.repository, layer, making / name)
        if examine:
            examine(replace(described, folder=making))

    return store.place(key, fill, examine)


def _layers(place: _RemotePlace, digest: str) -> dict[str, Descriptor]:
    """The files of an entry's artifact by their names."""
    content = place.registry.get_manifest(place.repository, digest)
    if content is None or not matches(content, digest):
        raise BadEntry("its manifest is not the one that its tag names")
    try:
        manifest = parse_object(content)
        if manifest["artifactType"] != ARTIFACT_TYPE:
            raise BadEntry("its tag belongs to something other than a cache entry")
        described = [descriptor_of(layer, where="the entry") for layer in manifest["layers"]]
        layers = {str(layer.annotations.get(TITLE, "")): layer for layer in described}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BadEntry("its manifest cannot be read") from error
    except RegistryError as error:
        raise BadEntry(error.problem) from error
    if ENTRY_FILE not in layers or layers[ENTRY_FILE].size > LARGEST_DOCUMENT:
        raise BadEntry(f"it has no {ENTRY_FILE}, or one that is too long")
    if SIGNATURE_FILE in layers and layers[SIGNATURE_FILE].size > LARGEST_DOCUMENT:
        raise BadEntry(f"its {SIGNATURE_FILE} is too long")
    return layers


def _same_layer(layers: Mapping[str, Descriptor], file: CachedFile) -> Descriptor:
    layer = layers.get(file.name)
    if layer is None or layer.digest != f"sha256:{file.sha256}" or layer.size != file.size:
        raise BadEntry(f"{file.name} of the entry is not the file that it describes")
    return layer


def _send(place: _RemotePlace, entry: Entry) -> bool:
    if (place.name, entry.key) not in place.bad and _digest(place, entry.key):
        return True
    blobs = _blobs(entry)
    for blob in (EMPTY, *blobs.values()):
        push_blob(place.registry, place.repository, blob)
    manifest = artifact_manifest(ARTIFACT_TYPE, blobs.items())
    place.registry.put_manifest(place.repository, entry.key, manifest)
    return True


def _blobs(entry: Entry) -> dict[str, Blob]:
    """The entry's files as blobs, by name; the document first."""
    found = {ENTRY_FILE: blob_of(entry.document, FILE_TYPE)}
    if entry.signature:
        found[SIGNATURE_FILE] = blob_of(entry.signature, FILE_TYPE)
    for file in (*entry.files, entry.parts_file):
        (entry.folder / file.name).stat()  # one that has gone is not the registry's fault
        found[file.name] = Blob(
            media_type=FILE_TYPE,
            digest=f"sha256:{file.sha256}",
            size=file.size,
            content=entry.folder / file.name,
        )
    return found
