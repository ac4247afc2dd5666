"""The small rules of HTTP: challenges, proxies, Retry-After."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from factory.oci.answers import RetryPolicy, TemporaryFailure
from factory.oci.authorization import choose_challenge
from factory.oci.transport import seconds_asked
from factory.oci.web_addresses import proxy_for


def test_a_bearer_challenge_is_read_with_its_quoted_commas() -> None:
    found = choose_challenge(
        ['Bearer realm="https://auth.example/token",service="a, b",scope="repository:x:pull,push"']
    )

    assert found
    assert found.scheme == "bearer"
    assert found.parameters == {
        "realm": "https://auth.example/token",
        "service": "a, b",
        "scope": "repository:x:pull,push",
    }


@pytest.mark.parametrize(
    "headers",
    [
        ['Basic realm="x"', 'Bearer realm="y"'],
        ['Basic realm="x", Bearer realm="y"'],
        ['Negotiate, Bearer realm="y", Basic realm="x"'],
    ],
)
def test_a_token_is_preferred_to_a_password(headers: list[str]) -> None:
    found = choose_challenge(headers)

    assert found
    assert (found.scheme, found.parameters["realm"]) == ("bearer", "y")


@pytest.mark.parametrize("headers", [[], ["Negotiate"], [""]])
def test_no_challenge_that_we_know_is_none(headers: list[str]) -> None:
    assert choose_challenge(headers) is None


@pytest.mark.parametrize(
    ("no_proxy", "direct"),
    [
        ("", False),
        ("*", True),
        ("quay.io", True),
        ("io", True),
        (".quay.io", True),
        ("other, cdn.quay.io", False),
        ("ay.io", False),
        ("quay.io:5000", False),
        ("quay.io:443", True),
    ],
)
def test_no_proxy_names_hosts_and_their_subdomains(no_proxy: str, direct: bool) -> None:
    proxies = {"https_proxy": "proxy:3128", "no_proxy": no_proxy}

    assert proxy_for("https://quay.io:443/v2/", proxies) == ("" if direct else "http://proxy:3128")


def test_no_proxy_names_networks() -> None:
    proxies = {"all_proxy": "http://proxy", "no_proxy": "10.0.0.0/8,::1"}

    assert proxy_for("http://10.1.2.3:5000/", proxies) == ""
    assert proxy_for("http://[::1]:5000/", proxies) == ""
    assert proxy_for("http://11.1.2.3/", proxies) == "http://proxy"


def test_retry_after_is_seconds_or_a_date() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)

    assert seconds_asked("7") == 7.0
    assert 25 < (seconds_asked(soon) or 0) <= 30
    assert seconds_asked("soon") is None
    assert seconds_asked(None) is None


def test_waits_grow_up_to_a_bound_and_then_end() -> None:
    policy = RetryPolicy(attempts=8, first_wait=1.0, longest_wait=10.0)
    waits = [policy.wait(attempt, TemporaryFailure("x")) for attempt in range(1, 9)]

    assert waits[-1] is None
    assert all(wait <= 12.5 for wait in waits if wait is not None)
    assert (waits[0] or 0) < (waits[2] or 0)
