"""Servers that send what they should not: every end is an error of ours, soon, in little memory."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory.errors import ConfigurationError, FactoryError, RegistryError
from factory.notation.json_text import parse_json
from factory.oci.answers import RetryPolicy
from factory.oci.authorization import choose_challenge
from factory.oci.descriptor import (
    CONFIG_TYPE,
    DOCKER_LIST_TYPE,
    INDEX_TYPE,
    MANIFEST_TYPE,
    Descriptor,
    blob_of,
    descriptors_in,
    digest_of,
)
from factory.oci.logins import (
    inline_credentials,
    read_auth_file,
)
from factory.oci.names import is_host
from factory.oci.packed_plugin import is_plugin_folder
from factory.oci.platforms import choose_manifest, image_platform
from factory.oci.pull import fetch_blob, pull_manifest
from factory.oci.push import push_blob
from factory.oci.referrers import list_referrers
from factory.oci.registry import Registry
from factory.oci.target import HostLogin, RegistryTarget
from factory.oci.transport import seconds_asked
from factory.oci.web_addresses import proxy_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from .registries import Server

QUICK = RetryPolicy(
    attempts=2, first_wait=0.01, read_seconds=5.0, rest_seconds=1.0, least_content=1000
)
DIGEST = "sha256:" + "a" * 64


@contextlib.contextmanager
def server(answer: Callable[[str], bytes | Iterator[bytes]]) -> Iterator[str]:
    """A server whose answers are bytes as they are; yields its host."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                threading.Thread(target=talk, args=(connection,), daemon=True).start()

    def talk(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), connection, connection.makefile("rb") as lines:
            first = lines.readline(10_000)
            if not first.startswith((b"GET ", b"HEAD ")):
                return  # TLS, which is tried first
            path = first.split(b" ")[1].decode("latin-1")
            while lines.readline().strip():
                pass
            parts = (
                b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n" if path == "/v2/" else answer(path)
            )
            for part in [parts] if isinstance(parts, bytes) else parts:
                connection.sendall(part)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        # A thread that still waits here would take connections of whoever gets this file's number.
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()
        listening.close()


def reached(host: str) -> Registry:
    target = RegistryTarget(registry=host, namespace="", login=HostLogin(files=()), insecure=True)
    return Registry(target, policy=QUICK, reads_only=True)


def whole(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def chunked(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n" + body


def dripping(start: bytes, part: bytes, pause: float) -> Iterator[bytes]:
    yield start
    while True:
        yield part
        time.sleep(pause)


def refused(answer: Callable[[str], bytes | Iterator[bytes]]) -> FactoryError:
    """The error of asking for a manifest."""
    with server(answer) as host, reached(host) as registry, pytest.raises(FactoryError) as error:
        pull_manifest(registry, "team/x", "1")
    return error.value


@pytest.mark.parametrize(
    "drip",
    [
        (b"HTTP/1.1 200", b" ", 0.05),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", 0.05),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", 0.01),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", b"x", 0.05),
        (chunked(b""), b"1\r\nx\r\n", 0.05),
        (chunked(b"1\r\nx\r\n0\r\n"), b"X: y\r\n", 0.05),
    ],
)
def test_an_answer_that_trickles_ends(drip: tuple[bytes, bytes, float]) -> None:
    started = time.monotonic()
    error = refused(lambda _: dripping(*drip))
    assert isinstance(error, RegistryError)
    assert time.monotonic() - started < 20


def test_a_blob_that_trickles_ends_with_what_is_the_matter(tmp_path: Path) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    wanted = Descriptor(media_type="x", digest=DIGEST, size=100_000)
    with (
        server(lambda _: dripping(head, b"x", 0.05)) as host,
        reached(host) as registry,
        pytest.raises(RegistryError, match="too slowly"),
    ):
        fetch_blob(registry, "team/x", wanted, tmp_path / "blob")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "body",
    [b"-5\r\nhello", b"-1\r\nhello", b"0x5\r\nhello\r\n0\r\n\r\n", b"zz\r\n", b"1" * 5000, b""],
)
def test_chunk_sizes_that_are_none(body: bytes) -> None:
    assert isinstance(refused(lambda _: chunked(body)), RegistryError)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"[" * 1000 + b"]" * 1000, "nested"),
        (b'{"layers": [], "config": {}, "manifests": []}', "config, layers, manifests"),
        (b'{"layers": [], "Manifests": []}', "Manifests"),
        (b'{"layers": [], "layers": []}', "twice"),
        (b'{"layers": [], "mediaType": "%s"}' % INDEX_TYPE.encode(), INDEX_TYPE),
        (b'{"manifests": [], "mediaType": 5}', "5"),
        (b'{"layers": "\\ud800"}', "surrogate"),
        (b'{"layers": [NaN]}', "NaN"),
        (b"null", "not an object"),
        (b"\xff", "UTF-8"),
    ],
)
def test_manifests_that_are_none(body: bytes, found: str) -> None:
    assert found in (refused(lambda _: whole(body)).found or "")


def test_annotations_are_text() -> None:
    body = b'{"layers": [], "config": {}, "annotations": {"io.backstage.dynamic-packages": 5}}'
    with server(lambda _: whole(body)) as host, reached(host) as registry:
        manifest = pull_manifest(registry, "team/x", "1")
        with pytest.raises(RegistryError, match="not text"):
            _ = manifest.annotations


def test_a_manifest_of_40000_layers_is_refused() -> None:
    layer = {"mediaType": "x", "digest": DIGEST, "size": 1}
    body = json.dumps({"layers": [layer] * 40_000, "config": layer}).encode()
    with server(lambda _: whole(body)) as host, reached(host) as registry:
        manifest = pull_manifest(registry, "team/x", "1")
        with pytest.raises(RegistryError, match="too many"):
            _ = manifest.layers


def test_pages_of_referrers_have_an_end() -> None:
    asked: list[str] = []
    body = json.dumps({"schemaVersion": 2, "manifests": []}).encode()

    def page(path: str) -> bytes:
        asked.append(path)
        return whole(body, f"Link: </v2/team/x/referrers/{DIGEST}?n={len(asked)}>; rel=next")

    with (
        server(page) as host,
        reached(host) as registry,
        pytest.raises(RegistryError, match="too many pages"),
    ):
        list_referrers(registry, "team/x", DIGEST)
    assert len(asked) <= 101


def test_a_page_of_referrers_that_leads_to_itself() -> None:
    body = json.dumps({"schemaVersion": 2, "manifests": []}).encode()
    link = f"Link: </v2/team/x/referrers/{DIGEST}>; rel=next"
    with (
        server(lambda _: whole(body, link)) as host,
        reached(host) as registry,
        pytest.raises(RegistryError, match="too many pages"),
    ):
        list_referrers(registry, "team/x", DIGEST)


@pytest.mark.parametrize(
    "location",
    ["http://[::1", "http://x:99999/", "file:///etc/passwd", "http://" + "a" * 70 + "/", "//"],
)
def test_redirects_to_nowhere(location: str) -> None:
    error = refused(lambda _: whole(b"", f"Location: {location}", status="307 Temporary Redirect"))
    assert isinstance(error, RegistryError)


@pytest.mark.parametrize(
    "token",
    [
        {"token": "a\r\nX: y"},
        {"token": 5},
        {"token": "ü"},
        {"token": "x", "expires_in": 10**390},
        {"token": "x", "expires_in": []},
        [],
    ],
)
def test_tokens_that_are_none(token: object) -> None:
    def answer(path: str) -> bytes:
        if path.startswith("/token"):
            return whole(json.dumps(token).encode())
        challenge = f'WWW-Authenticate: Bearer realm="http://{host}/token",service="x"'
        return whole(b"", challenge, status="401 Unauthorized")

    with server(answer) as host, reached(host) as registry, pytest.raises(RegistryError):
        pull_manifest(registry, "team/x", "1")


def test_a_run_that_is_ended_does_not_wait_for_a_silent_server() -> None:
    class EndedError(Exception):
        pass

    started = time.monotonic()

    def checkpoint() -> None:
        if time.monotonic() - started > 0.5:
            raise EndedError

    target = RegistryTarget(registry="", namespace="", login=HostLogin(files=()), insecure=True)
    with server(lambda _: dripping(b"", b"", 1)) as host:
        to = RegistryTarget(registry=host, namespace="", login=target.login, insecure=True)
        with Registry(to, checkpoint=checkpoint) as registry, pytest.raises(EndedError):
            pull_manifest(registry, "team/x", "1")
    assert time.monotonic() - started < 4


# Platforms, as skopeo takes them

PLATFORMS: dict[str, dict[str, str] | None] = {
    "unnamed": None,
    "amd64": {"os": "linux", "architecture": "amd64"},
    "arm64": {"os": "linux", "architecture": "arm64"},
    "arm64v8": {"os": "linux", "architecture": "arm64", "variant": "v8"},
    "amd64v2": {"os": "linux", "architecture": "amd64", "variant": "v2"},
    "windows": {"os": "windows", "architecture": "amd64"},
    "unknown": {"os": "unknown", "architecture": "unknown"},
}


@pytest.mark.parametrize("media_type", [INDEX_TYPE, DOCKER_LIST_TYPE])
def test_of_an_index_what_skopeo_takes_is_taken(
    media_type: str, anonymous: Server, skopeo: Callable[..., str], tmp_path: Path
) -> None:
    names = list(PLATFORMS)
    orders = [[name] for name in names] + [
        [one, two] for one in names for two in names if one < two
    ]
    repository = "team/platforms"
    with Registry(anonymous.target()) as registry:
        config = blob_of(b'{"os":"linux","architecture":"amd64"}', CONFIG_TYPE)
        push_blob(registry, repository, config)
        manifests = {}
        for name in names:
            document = {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": config.descriptor,
                "layers": [],
                "annotations": {"name": name},
            }
            manifests[name] = blob_of(json.dumps(document).encode(), MANIFEST_TYPE)
            registry.put_manifest(repository, manifests[name].digest, manifests[name])
        by_digest = {blob.digest: name for name, blob in manifests.items()}
        for order in orders:
            entries: list[dict[str, Any]] = [
                manifests[name].descriptor
                | ({"platform": PLATFORMS[name]} if PLATFORMS[name] else {})
                for name in order
            ]
            index = {"schemaVersion": 2, "mediaType": media_type, "manifests": entries}
            content = json.dumps(index).encode()
            registry.put_manifest(repository, "index", blob_of(content, media_type))
            for processor in ("x64", "arm64"):
                platform = image_platform(f"linux-{processor}")
                taken = choose_manifest(
                    descriptors_in(content, where="the index"),
                    platform,
                    takes_unnamed=media_type == INDEX_TYPE,
                )
                folder = tmp_path / f"{digest_of(content)[7:20]}-{processor}"
                options = ["--override-os", "linux", "--override-arch", platform.split("/")[1]]
                source = f"docker://{anonymous.host}/{repository}:index"
                expected = None
                with contextlib.suppress(AssertionError):  # skopeo finds none
                    skopeo(*options, "copy", "--src-tls-verify=false", source, f"dir:{folder}")
                    document = json.loads((folder / "manifest.json").read_text())
                    expected = document["annotations"]["name"]
                assert (by_digest[taken.digest] if taken else None) == expected, (order, platform)


# Files and variables


@pytest.mark.parametrize("joint", ["\n", "\r\n"])
def test_line_breaks_in_a_login_are_passed_over(joint: str, tmp_path: Path) -> None:
    encoded = joint.join(["cm9ib3Q6", "Y29ycmVjdA=="])
    file = tmp_path / "config.json"
    file.write_text(json.dumps({"auths": {"quay.io": {"auth": encoded}}}))
    found = inline_credentials(read_auth_file(file), "quay.io")
    assert found
    assert (found.username, found.password) == ("robot", "correct")


@pytest.mark.parametrize(
    "proxy", ["socks5://127.0.0.1:1080", "http://x:99999", "http://[", "http://"]
)
def test_a_proxy_that_cannot_be_used_is_named(proxy: str) -> None:
    with pytest.raises(ConfigurationError, match="proxy") as error:
        proxy_for("https://quay.io/v2/", {"all_proxy": proxy})
    assert "all_proxy" in str(error.value)


@pytest.mark.parametrize(
    ("host", "right"),
    [("quay.io:99999", False), ("quay.io:0", False), ("quay.io:65535", True), ("[::1]:5000", True)],
)
def test_ports_that_there_are(host: str, right: bool) -> None:
    assert is_host(host) is right


@pytest.mark.parametrize(
    "name",
    ["node_modules", "Node_Modules", "package.json", "App-Config.dynamic-plugins.YAML", ".x"],
)
def test_names_that_no_plugins_folder_has(name: str) -> None:
    assert not is_plugin_folder(name)


# Whatever is sent

texts = st.text(max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)
descriptors = st.fixed_dictionaries(
    {},
    optional={
        "mediaType": st.sampled_from([MANIFEST_TYPE, INDEX_TYPE]) | values,
        "digest": st.just(DIGEST) | values,
        "size": st.integers() | values,
        "platform": st.sampled_from(list(PLATFORMS.values())) | values,
        "annotations": st.dictionaries(texts, texts, max_size=2) | values,
    },
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "mediaType": st.sampled_from([MANIFEST_TYPE, INDEX_TYPE]) | values,
        "config": descriptors | values,
        "layers": st.lists(descriptors, max_size=2) | values,
        "manifests": st.lists(descriptors, max_size=2) | values,
        "annotations": values,
    },
)
headers = st.lists(
    st.tuples(
        st.sampled_from(
            [
                *("Content-Length", "Transfer-Encoding", "Location", "Link", "Retry-After"),
                *("WWW-Authenticate", "Docker-Content-Digest", "Content-Range", "Connection"),
            ]
        ),
        st.sampled_from(["chunked", "5", "-5", "close", '</v2/x>; rel="next"', "Bearer realm=x"])
        | st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=30),
    ),
    max_size=3,
)


@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(
    documents.map(json.dumps).map(str.encode) | st.binary(max_size=60),
    headers,
    st.sampled_from(["200 OK", "206 Partial", "307 Moved", "401 No", "404 No", "429 Slow", "x y"]),
)
def test_whatever_a_registry_sends_is_used_or_refused(
    body: bytes, extra: list[tuple[str, str]], status: str
) -> None:
    lines = [
        f"HTTP/1.1 {status}",
        "Connection: close",
        *(f"{name}: {text}" for name, text in extra),
    ]
    answer = "\r\n".join([*lines, "", ""]).encode("latin-1") + body
    policy = RetryPolicy(attempts=1, read_seconds=1.0, rest_seconds=0.5)
    with server(lambda _: answer) as host:
        target = RegistryTarget(
            registry=host, namespace="", login=HostLogin(files=()), insecure=True
        )
        with Registry(target, policy=policy, reads_only=True) as registry:
            with contextlib.suppress(FactoryError):
                manifest = pull_manifest(registry, "team/x", "1")
                _ = (manifest.annotations, manifest.layers, manifest.config)
            with contextlib.suppress(FactoryError):
                list_referrers(registry, "team/x", DIGEST)
            with contextlib.suppress(FactoryError):
                registry.manifest_digest("team/x", "1")


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=200) | st.from_regex(r'(Bearer|Basic)( \w+="?[^"]*"?,?)*'), texts)
def test_whatever_challenges_and_waits_say(challenge: str, wait: str) -> None:
    choose_challenge([challenge])
    seconds_asked(wait)


@settings(deadline=None, max_examples=100, suppress_health_check=list(HealthCheck))
@given(
    st.dictionaries(
        st.sampled_from(["auths", "credHelpers", "credsStore"]),
        st.dictionaries(st.sampled_from(["quay.io", "https://quay.io/v2/"]), values) | values,
    )
)
def test_whatever_an_auth_file_holds(tmp_path: Path, document: dict[str, Any]) -> None:
    file = tmp_path / "auth.json"
    file.write_text(json.dumps(document))
    with contextlib.suppress(FactoryError):
        inline_credentials(read_auth_file(file), "quay.io")


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=200) | values.map(json.dumps).map(str.encode))
def test_json_is_a_value_that_can_be_written_again_or_a_value_error(content: bytes) -> None:
    with contextlib.suppress(ValueError):
        json.dumps(parse_json(content), ensure_ascii=False).encode()
