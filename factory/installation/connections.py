"""Conversations with registries and hosts, one for each, shared by all plugins of a run."""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack
from dataclasses import field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Self

from factory.errors import RegistryError
from factory.installation.web import Web
from factory.oci.pull import fetch_blob, missing_error
from factory.oci.registry import Registry
from factory.oci.target import pull_target
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from factory.archives.limits import ArchiveLimits
    from factory.config.environment import Environment
    from factory.installation.npmrc import Npmrc
    from factory.installation.package_reference import OciPackage
    from factory.oci.descriptor import Descriptor
    from factory.oci.pull import OnFetched


@dataclass(frozen=True, kw_only=True, slots=True)
class ConnectionOptions:
    """What is needed to bring plugins, apart from connections.

    ``platform`` is what an index's image is to be for, as Node.js calls it; "" is this machine's.
    ``checkpoint`` is called while something is brought; it raises to end the run.
    """

    environment: Environment
    npmrc: Npmrc
    limits: ArchiveLimits
    skip_integrity: bool
    checkpoint: Callable[[], None] = field(repr=False)
    platform: str = ""


log = logging.getLogger(__name__)

# Plugins that are not released yet, as portals look for them.
_SECOND_PLACE = ("registry.access.redhat.com/rhdh/", "quay.io/rhdh/")


class Connections:
    """Opened when they are first needed; a context manager that closes them. Thread-safe."""

    def __init__(self, options: ConnectionOptions, scratch: Path) -> None:
        """Open nothing yet; ``scratch`` is a folder for the layers of images."""
        self.options = options
        self._scratch = scratch
        self._lock = threading.Lock()
        self._registries: dict[str, Registry] = {}
        self._web: Web | None = None
        self._layers: dict[str, threading.Lock] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def registry(self, host: str) -> Registry:
        """Return the conversation with a registry of images."""
        with self._lock:
            if host not in self._registries:
                target = pull_target(self.options.environment, host)
                self._registries[host] = self._open.enter_context(
                    Registry(target, checkpoint=self.options.checkpoint, reads_only=True)
                )
            return self._registries[host]

    def web(self) -> Web:
        """Return the connections to npm registries and to hosts of archives."""
        with self._lock:
            if self._web is None:
                self._web = self._open.enter_context(
                    npm_web(
                        self.options.environment,
                        self.options.npmrc,
                        checkpoint=self.options.checkpoint,
                    )
                )
            return self._web

    def locate(self, package: OciPackage) -> OciPackage:
        """Return a package where its image is: of some, portals know a second place.

        Raises:
            RegistryError: it is in neither; the first place's error.
        """
        prefix, second = _SECOND_PLACE
        if not package.name.startswith(prefix):
            return package
        try:
            self._find(package)
        except RegistryError as error:
            registry, _, folder = second.partition("/")
            name = package.name.removeprefix(prefix)
            other = replace(package, registry=registry, repository=f"{folder}{name}")
            try:
                self._find(other)
            except RegistryError as second_error:
                error.details = f"nor from {other.name}: {second_error.problem}"
                raise error from second_error
            log.info("%s is taken from %s: %s", package, other.name, error.problem)
            return other
        return package

    def _find(self, package: OciPackage) -> None:
        wanted = package.digest or package.tag
        registry = self.registry(package.registry)
        if registry.manifest_digest(package.repository, wanted) is None:
            raise missing_error(package.image)

    def digest(self, package: OciPackage) -> str:
        """Return the digest that an image has now: of its index, where there is one.

        Raises:
            RegistryError: the registry refuses, or has no such image.
        """
        if package.digest:
            return package.digest
        registry = self.registry(package.registry)
        digest = registry.manifest_digest(package.repository, package.tag)
        if digest is None:
            raise missing_error(package.image)
        return digest

    def layer(self, package: OciPackage, layer: Descriptor, on_progress: OnFetched) -> Path:
        """Return a layer as a file; it is fetched once, however many plugins it holds.

        Raises:
            RegistryError: it is not available, or is not what its digest says.
            StorageError: it cannot be written.
        """
        file = self._scratch / layer.digest.replace(":", "-")
        with self._lock:
            one = self._layers.setdefault(layer.digest, threading.Lock())
        with one:
            if not file.exists():
                registry = self.registry(package.registry)
                fetch_blob(registry, package.repository, layer, file, on_progress)
        return file


def npm_web(environment: Environment, npmrc: Npmrc, *, checkpoint: Callable[[], None]) -> Web:
    """Return connections to npm registries, by the proxies and the authority of ``.npmrc``, too.

    Args:
        environment: has proxies and authorities.
        npmrc: has further ones; its logins are not the connections' business.
        checkpoint: called again and again; whatever it raises ends a transfer.

    Raises:
        ConfigurationError: a file of authorities cannot be used.
    """
    target = pull_target(environment, "")
    authority = (npmrc.cafile,) if npmrc.cafile else ()
    anybody = replace(
        target,
        ca_files=(*target.ca_files, *authority),
        certificate_folders=(),
        proxies=MappingProxyType({**target.proxies, **npmrc.proxies}),
    )
    return Web(anybody, checkpoint=checkpoint)
