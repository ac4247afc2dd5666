"""A registry, or the network before it, that fails midway."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import pytest

from factory.errors import Interrupted, RegistryError
from factory.oci.answers import RetryPolicy
from factory.oci.image import build_image
from factory.oci.push import PushedImage, check_access, push_image
from factory.oci.reference import Reference
from factory.oci.registry import Registry

from .faulty_proxy import Fault, FaultyProxy, faulty
from .plugin_archives import plugin
from .registries import Server

if TYPE_CHECKING:
    from pathlib import Path

    from factory.oci.image import Image

QUICK = RetryPolicy(attempts=3, first_wait=0.02, longest_wish=2.0)
SESSION = "/blobs/uploads/[^?]"
NEW_SESSION = "/blobs/uploads/$"


@pytest.fixture
def image(tmp_path: Path) -> Image:
    archive = plugin(tmp_path / "a.tgz", files={"noise": os.urandom(300_000)})
    return build_image([archive], tmp_path / "layer")


def push(proxy: FaultyProxy, image: Image, name: str, policy: RetryPolicy = QUICK) -> PushedImage:
    server = Server(host=proxy.host, storage=None)  # type: ignore[arg-type]
    reference = Reference(registry=proxy.host, repository=f"team/plugins/{name}", tag="1")
    with Registry(server.target(), policy=policy) as registry:
        return push_image(registry, image, reference)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v2/$", 503),
        ("HEAD", "/blobs/", 500),
        ("POST", NEW_SESSION, 502),
        ("PUT", SESSION, 500),
        ("PUT", SESSION, 504),
        ("PUT", "/manifests/", 429),
        ("PUT", "/manifests/", 503),
        ("GET", "/manifests/", 502),
    ],
)
def test_a_temporary_answer_is_asked_again(
    anonymous: Server, image: Image, method: str, path: str, status: int
) -> None:
    with faulty(anonymous.host, Fault(method=method, path=path, status=status)) as proxy:
        pushed = push(proxy, image, f"temporary-{method.lower()}-{status}")

    assert pushed.digest == image.digest


@pytest.mark.parametrize("cut", [0, 1000, 250_000])
def test_an_upload_that_is_cut_starts_again(anonymous: Server, image: Image, cut: int) -> None:
    fault = Fault(method="PUT", path=SESSION, cut=cut, times=2)
    with faulty(anonymous.host, fault) as proxy:
        pushed = push(proxy, image, f"cut-{cut}")

    assert pushed.digest == image.digest


def test_an_upload_whose_answer_is_lost_is_not_sent_again(anonymous: Server, image: Image) -> None:
    with faulty(anonymous.host, Fault(method="PUT", path=SESSION, lost=True)) as proxy:
        push(proxy, image, "lost")

        assert proxy.count("PUT", SESSION) == 2  # the layer's and the config's, once each


def test_an_upload_session_that_is_gone_is_replaced(anonymous: Server, image: Image) -> None:
    with faulty(anonymous.host, Fault(method="PUT", path=SESSION, status=404)) as proxy:
        push(proxy, image, "gone")

        assert proxy.count("POST", NEW_SESSION) == 3


def test_the_attempts_are_bounded(anonymous: Server, image: Image) -> None:
    fault = Fault(method="PUT", path=SESSION, status=503, times=99)
    with faulty(anonymous.host, fault) as proxy:
        with pytest.raises(RegistryError, match=r"HTTP 503 \(asked 3 times\)"):
            push(proxy, image, "bounded")

        assert proxy.count("PUT", SESSION) == 3


def test_retry_after_is_honoured(anonymous: Server, image: Image) -> None:
    fault = Fault(method="PUT", path="/manifests/", status=429, headers={"Retry-After": "1"})
    with faulty(anonymous.host, fault) as proxy:
        started = time.monotonic()
        push(proxy, image, "patient")

    assert time.monotonic() - started >= 1.0


def test_a_registry_that_asks_to_wait_too_long_is_not_waited_for(
    anonymous: Server, image: Image
) -> None:
    fault = Fault(method="PUT", path="/manifests/", status=429, headers={"Retry-After": "3600"})
    with (
        faulty(anonymous.host, fault) as proxy,
        pytest.raises(RegistryError, match="asks to wait 3600 s"),
    ):
        push(proxy, image, "impatient")


def test_a_slow_registry_is_waited_for(anonymous: Server, image: Image) -> None:
    with faulty(anonymous.host, Fault(method="PUT", path="/manifests/", delay=0.5)) as proxy:
        assert push(proxy, image, "slow").digest == image.digest


def test_a_push_that_is_accepted_and_lost_is_explained(anonymous: Server, image: Image) -> None:
    """As quay.io does when the account has no private repositories left."""
    fault = Fault(method="GET", path="/manifests/", status=404, times=99)
    with (
        faulty(anonymous.host, fault) as proxy,
        pytest.raises(RegistryError, match="accepted the push, but the image is not there") as err,
    ):
        push(proxy, image, "silent")

    assert "create the repository by hand first" in str(err.value)
    assert "private" in str(err.value)


def test_a_manifest_that_takes_a_moment_to_appear_is_waited_for(
    anonymous: Server, image: Image
) -> None:
    with faulty(anonymous.host, Fault(method="GET", path="/manifests/", status=404)) as proxy:
        assert push(proxy, image, "eventually").digest == image.digest


def test_a_tag_that_leads_elsewhere_after_the_push_is_an_error(
    anonymous: Server, image: Image, tmp_path: Path
) -> None:
    other = build_image([plugin(tmp_path / "b.tgz")], tmp_path / "layer2")
    # The other image's manifest goes in; ours is answered 201 and never reaches the registry.
    with faulty(anonymous.host) as proxy:
        push(proxy, other, "raced")
    with (
        faulty(anonymous.host, Fault(method="PUT", path="/manifests/", status=201)) as proxy,
        pytest.raises(RegistryError, match="a different image than the one that was pushed") as err,
    ):
        push(proxy, image, "raced")

    assert other.digest in str(err.value)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "refuses the login"),
        (403, "may not push"),
        (404, "knows no repository"),
        (405, "read-only"),
        (413, "too large"),
        (418, "refuses start an upload"),
    ],
)
def test_a_refusal_is_told_and_not_asked_again(
    anonymous: Server, image: Image, status: int, words: str
) -> None:
    fault = Fault(method="POST", path=NEW_SESSION, status=status, times=99)
    with faulty(anonymous.host, fault) as proxy:
        with pytest.raises(RegistryError, match=words):
            push(proxy, image, "refused")

        assert proxy.count("POST", NEW_SESSION) == 1


def test_what_is_no_registry_is_told(anonymous: Server, image: Image) -> None:
    with (
        faulty(anonymous.host, Fault(method="GET", path="/v2/$", status=404)) as proxy,
        pytest.raises(RegistryError, match="there is no registry at"),
    ):
        push(proxy, image, "nothing")


def test_a_cancelled_run_ends_while_it_waits(anonymous: Server, image: Image) -> None:
    cancelled = threading.Event()

    def checkpoint() -> None:
        if cancelled.is_set():
            raise Interrupted("ended")

    fault = Fault(method="POST", path=NEW_SESSION, status=503, headers={"Retry-After": "60"})
    with faulty(anonymous.host, fault) as proxy:
        server = Server(host=proxy.host, storage=None)  # type: ignore[arg-type]
        threading.Timer(0.3, cancelled.set).start()
        started = time.monotonic()
        with (
            Registry(server.target(), checkpoint=checkpoint) as registry,
            pytest.raises(Interrupted),
        ):
            check_access(registry, ["team/plugins/cancelled"])

    assert time.monotonic() - started < 50
