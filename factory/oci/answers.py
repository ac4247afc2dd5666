"""What a server answers, and how long one tries. The connections themselves are ``transport``'s.

What speaks HTTP is slow to load, and most runs speak to nobody: it comes with the first connection.
"""

from __future__ import annotations

import random
from dataclasses import field
from typing import TYPE_CHECKING

from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from factory.oci.target import RegistryTarget
    from factory.oci.transport import Transport

CHUNK = 256 * 1024
# Manifests may have 4 MiB (distribution-spec, "Pushing Manifests"); nothing longer is read whole.
LARGEST_ANSWER = 8 * 1024 * 1024
# Statuses after which the same request may succeed later.
TEMPORARY_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504})


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A server's answer, read whole. Header names are in lower case."""

    method: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    challenges: tuple[str, ...] = ()


class TemporaryFailure(Exception):  # noqa: N818 - a fact about one attempt, no error for the user
    """One attempt failed in a way that may pass; ``retry_after``: seconds that the server asks."""

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryPolicy:
    """How often a request is tried, and the waits between; times in seconds.

    ``longest_wish`` bounds what a server may ask for in Retry-After: beyond it the run had better
    end with a message than hang. ``connect_seconds`` and ``read_seconds`` bound one attempt: until
    there is a connection, and until the answer begins. From then on a small answer has
    ``rest_seconds``, and a large one as long again for each ``least_content`` bytes of it.
    """

    attempts: int = 5
    first_wait: float = 0.5
    longest_wait: float = 20.0
    longest_wish: float = 120.0
    connect_seconds: float = 15.0
    # A registry hashes and stores a blob before it answers its PUT.
    read_seconds: float = 300.0
    rest_seconds: float = 60.0
    # 70 kbit/s: no network that pulls images is slower, and what it makes of 1 GB is bounded.
    least_content: int = 512 * 1024

    def wait(self, attempt: int, failure: TemporaryFailure) -> float | None:
        """Return the seconds to wait after ``attempt`` (from 1) failed, or None to give up."""
        if attempt >= self.attempts:
            return None
        if failure.retry_after is not None:
            return failure.retry_after if failure.retry_after <= self.longest_wish else None
        wait = min(self.first_wait * 2.0 ** (attempt - 1), self.longest_wait)
        # Spread, so that several plugins that were refused together do not return together.
        return wait * random.uniform(0.75, 1.25)  # noqa: S311 - no secret depends on it


class NotTls(TemporaryFailure):
    """The server does not speak TLS, or nothing listens where TLS was tried."""


def connect(
    target: RegistryTarget, *, policy: RetryPolicy, checkpoint: Callable[[], None]
) -> Transport:
    """Return connections to a registry and to what it refers to; nothing is asked yet.

    Raises:
        ConfigurationError: a file of authorities cannot be used.
    """
    from factory.oci.transport import Transport  # noqa: PLC0415 - urllib3 and TLS load slowly

    return Transport(target, policy=policy, checkpoint=checkpoint)
