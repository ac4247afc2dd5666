"""Whatever an outside file holds, its reader answers, or says in its own words what is wrong.

Of each format a valid document is mutated: a value is replaced by one of another kind, a piece of
the text is cut out, doubled or overwritten. Formats that have such a test beside their other tests
(source.json, plugins-list.yaml, dynamic-plugins.yaml, reports, cache entries, packuments, what
registries of images say) are not repeated here.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import itertools
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from factory.analysis.catalogs import read_catalogs, read_yarn_settings
from factory.analysis.inventory import backstage_version, find_host
from factory.analysis.lockfile_parser import read_lockfile
from factory.analysis.manifest import read_manifest
from factory.attestation.bundled import bundle_contents
from factory.attestation.encrypted_key import decrypt
from factory.attestation.keys import read_private_key, read_public_key
from factory.attestation.package_manifest import read_package_manifest
from factory.attestation.provenance import check_statement, read_statement
from factory.attestation.signature import SignedPayload, read_signed_payloads, verify_signature
from factory.attestation.source_maps import sources_of
from factory.cache.entry import PARTS_FILE, read_parts
from factory.cache.key import digest_of_value
from factory.cache.memo import recall
from factory.cache.store import MEMO, note_file, store_of
from factory.config.documents import read_app_config
from factory.config.environment import Environment
from factory.errors import FactoryError
from factory.installation.npmrc import read_npmrc
from factory.installation.staged import MARKER, read_staged
from factory.oci.logins import read_auth_file
from factory.oci.packed_plugin import folders_in, read_plugin_archive
from factory.reports.durations import expect_durations
from factory.sources.earlier_run import earlier_run
from factory.sources.replacement import JOURNAL, take_back
from factory.sources.workspace import has_workspaces
from factory.toolchain.linking import may_lack_files, refuse_other_linker, settings_of
from factory.toolchain.settings_references import references_in
from factory.toolchain.yarn import find_wanted_yarn
from factory.verification.frontend_manifests import check_manifests
from factory.verification.plugin_folder import PluginFolder, check_package, read_plugin_folder
from tests.light import examples
from tests.oci.plugin_archives import pack

if TYPE_CHECKING:
    from collections.abc import Callable

# What has ended in mistakes elsewhere.
ODD_TEXTS = (
    "",
    "\0",
    "\x1b[2J",
    "a\nb",
    "../..",
    "/",
    "=",
    "@",
    "1e999",
    "%",
    "💥",
    "\ufeff",
    "x" * 5000,
)
ODD_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1e308, 10**30, [], {}, [[]], {"": ""}, [None], {"a": {"b": []}}, *ODD_TEXTS,
)  # fmt: skip
DEEP = 1100
"""Deeper than Python's readers go by themselves."""
BOMB = "a: &a [x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, name in itertools.pairwise("abcdefghijklmnopqrstuvw")
)
ODD_DOCUMENTS = (
    *(
        text.encode("utf-8", "surrogatepass")
        for text in (
            "", " ", "null", "[]", "{}", '""', "1", "NaN", "-Infinity", "1e999", "9" * 5000,
            "[" * DEEP, '{"a":' * DEEP, "[" * 150 + "]" * 150, '{"a":' * 150 + "1" + "}" * 150,
            '"\\ud800"', '{"name": "\\udfff"}', '{"\\ud800": 1}', "\ufeff{}", "\ud800",
            "- " * DEEP, "a: " * 300, BOMB, "a: &a {b: *a}\n", "? [a]\n: b\n",
            "!!python/object:os.system {}\n", "%YAML 9.9\n---\n", "a: 2024-13-45\n",
            "a: !!int x\n", "a: !!binary =\n", "\t- a", "{a: b", "a: |\n", "<<: 1\n",
            "<<<<<<< HEAD\n", "# yarn lockfile v1\n\n", "__metadata:\n  version: 8\n", '"a\\', "'",
        )
    ),
    b"\xff\xfe{}", b"\x80", b"\0" * 20,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format: a valid document, and what reads one that lies in a folder under a name."""

    name: str
    valid: Any
    read: Callable[[Path, bytes], object]
    allowed: type[Exception] = FactoryError

    @property
    def text(self) -> bytes:
        if isinstance(self.valid, str):
            return self.valid.encode()
        return json.dumps(self.valid, indent=1).encode()


def mutated(valid: Any, data: st.DataObject) -> Any:
    """The value with one place in it changed for something odd, under its name or another."""
    value = copy.deepcopy(valid)
    holder = value
    while isinstance(holder, dict | list) and holder:
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(holder[key], dict | list) or data.draw(st.booleans()):
            if data.draw(st.integers(0, 4)) == 0:
                del holder[key]
            else:
                holder[key] = data.draw(st.sampled_from(ODD_VALUES))
            break
        holder = holder[key]
    return value


def damaged(text: bytes, data: st.DataObject) -> bytes:
    """The text with a piece of it cut out, doubled or overwritten."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 40)))
    piece = data.draw(
        st.sampled_from(
            [b"", text[start:end] * 2, b'"', b"\\", b"\0", b"\xff", b"{", b"[" * 40, b":", b"\n"]
        )
        | st.binary(max_size=6)
    )
    return text[:start] + piece + text[end:]


def document(of: Format, data: st.DataObject) -> bytes:
    way = data.draw(st.sampled_from(["value", "text", "odd"]))
    if way == "odd":
        return data.draw(st.sampled_from(ODD_DOCUMENTS))
    if way == "value" and not isinstance(of.valid, str):
        return json.dumps(mutated(of.valid, data)).encode()
    return damaged(of.text, data)


def beside(folder: Path, name: str, content: bytes) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def in_folder(name: str, read: Callable[[Path], object]) -> Callable[[Path, bytes], object]:
    """What reads a file that lies under this name, given its folder."""

    def look(folder: Path, content: bytes) -> object:
        beside(folder, name, content)
        return read(folder)

    return look


def as_file(name: str, read: Callable[[Path], object]) -> Callable[[Path, bytes], object]:
    return lambda folder, content: read(beside(folder, name, content))


def environment(folder: Path) -> Environment:
    return Environment(variables={"HOME": str(folder / "home")})


def yarn_settings(folder: Path) -> None:
    """Everything that reads a ``.yarnrc.yml``; what one refuses, the next may take."""
    around = environment(folder)
    settings_of(folder, around)
    references_in(folder / ".yarnrc.yml")
    for read in (
        lambda: read_yarn_settings(folder / ".yarnrc.yml"),
        lambda: read_catalogs(folder),
        lambda: refuse_other_linker(folder, around),
        lambda: may_lack_files(folder, around),
        lambda: find_wanted_yarn(folder, folder),
    ):
        try:
            read()
        except FactoryError:
            continue


def workspace_manifest(folder: Path) -> None:
    has_workspaces(folder / "package.json")
    read_package_manifest((folder / "package.json").read_bytes())
    with contextlib.suppress(FactoryError):
        find_wanted_yarn(folder, folder)
    read_manifest(folder / "package.json")


def plugin_folder(folder: Path) -> None:
    plugin = read_plugin_folder(folder)
    if isinstance(plugin, PluginFolder):
        check_package(plugin)


def packed(name: str) -> Callable[[Path, bytes], object]:
    """What takes a plugin apart that has this in a file; the archive itself is sound."""

    def look(folder: Path, content: bytes) -> None:
        files = {"dist/index.js": b"", name: content}
        package = None
        if name == "package.json":
            files.pop(name)
            try:
                package = json.loads(content)
            except (ValueError, RecursionError):
                return
            json.dumps(package).encode()
        tgz = pack(folder / "a.tgz", package, files)
        bundle_contents(tgz)
        read_plugin_archive(tgz)

    return look


def frontend_manifests(name: str, other: str, valid: Any) -> Callable[[Path, bytes], object]:
    def look(folder: Path, content: bytes) -> None:
        beside(folder, other, json.dumps(valid).encode())
        beside(folder, name, content)
        check_manifests(PluginFolder(root=folder, package={"name": "a", "version": "1"}))

    return look


class AnyKey:
    """A key that vouches for everything, so that what is signed is read."""

    def verify(self, _signature: bytes, _payload: bytes) -> bool:
        return True


def signed_payload(_: Path, content: bytes) -> None:
    one = SignedPayload(payload=content, signature=b"")
    verify_signature([one], AnyKey(), DIGEST)  # type: ignore[arg-type]


def signatures(_: Path, content: bytes) -> None:
    read_signed_payloads(content, lambda _digest: b"{}")


def provenance_statement(_: Path, content: bytes) -> None:
    check_statement(read_statement(content), sha256="0" * 64)


def cosign_key(folder: Path, content: bytes) -> None:
    body = base64.encodebytes(content).decode()
    kind = "ENCRYPTED COSIGN PRIVATE KEY"
    text = f"-----BEGIN {kind}-----\n{body}-----END {kind}-----\n".encode()
    decrypt(text, "", folder / "cosign.key")


def memo(folder: Path, content: bytes) -> None:
    store = store_of(folder / "cache")
    file = note_file(store, MEMO, KEY)
    file.parent.mkdir(parents=True)
    file.write_bytes(content)
    recall(store, KEY)


def vouched_memo(folder: Path, content: bytes) -> None:
    """A memo of which the digest is right, as of one who knows the form would write it."""
    try:
        body = json.loads(content)
        digest = digest_of_value([KEY, body])
    except (ValueError, RecursionError):
        return
    memo(folder, json.dumps({"digest": digest, "memo": body}).encode())


def mark_of_a_run(folder: Path, content: bytes) -> None:
    source = folder / "clones/source"
    source.mkdir(parents=True)
    (source / "a").write_text("")
    run = earlier_run(source, folder / "clones")
    run.begins()
    run.mark.write_bytes(content)
    run.changes()


def staged(folder: Path, content: bytes) -> None:
    beside(folder, f"acme-a/{MARKER}", content)
    beside(folder, "acme-a/package.json", content)
    read_staged(folder)


def host_inventory(folder: Path, content: bytes) -> None:
    find_host.cache_clear()
    find_host(str(beside(folder, "host.json", content)))


def host_lockfile(folder: Path, content: bytes) -> None:
    find_host.cache_clear()
    find_host(str(beside(folder, "yarn.lock", content)))


KEY = "a" * 64
DIGEST = f"sha256:{'0' * 64}"
MANIFEST = {
    "name": "@acme/plugin-a", "version": "1.0.0", "license": "MIT", "main": "dist/index.js",
    "backstage": {"role": "backend-plugin", "supported-versions": "1.42.0"},
    "workspaces": {"packages": ["plugins/*"]}, "scripts": {"tsc": "tsc"},
    "packageManager": "yarn@4.12.0+sha224.953c8233f7a92884eee2de69a1b92d1f2ec1655e66d08071ba9a02fa",
    "dependencies": {"b": "^1.0.0"}, "peerDependencies": {"c": "*"}, "engines": {"node": "22"},
    "peerDependenciesMeta": {"c": {"optional": True}}, "resolutions": {"b": "file:./embedded/b"},
}  # fmt: skip
SCALPRUM = {"name": "acme.a", "version": "1", "loadScripts": ["a.js"], "baseURL": "auto"}
FEDERATION = {
    "id": "a", "metaData": {"remoteEntry": {"name": "remoteEntry.js", "path": "", "type": "x"}},
    "shared": [
        {"name": "react", "version": "18.3.1", "assets": {"js": {"sync": ["a.js"], "async": []}}}
    ],
    "exposes": [{"path": ".", "assets": {"js": {"sync": [], "async": []}, "css": {"sync": []}}}],
}  # fmt: skip
SETTINGS = """\
nodeLinker: node-modules
yarnPath: .yarn/releases/yarn.cjs
npmAuthToken: "${TOKEN-x}"
catalog: {react: ^18.0.0}
catalogs: {next: {react: "^19"}}
npmScopes:
  acme:
    npmRegistryServer: https://npm.example.com
"""
BERRY = """\
__metadata:
  version: 8
  cacheKey: 10c0

"a@npm:^1.0.0, a@npm:~1.0.1":
  version: 1.0.2
  resolution: "a@npm:1.0.2"
  dependencies:
    b: "npm:^2.0.0"
  peerDependencies:
    c: "*"
  dependenciesMeta:
    b:
      optional: true
  checksum: 10c0/abcdef
  languageName: node
  linkType: hard

"b@npm:^2.0.0":
  version: 2.0.0
  resolution: "b@npm:2.0.0"
  checksum: 10c0/abcdef
  languageName: node
  linkType: hard
"""
CLASSIC = """\
# THIS IS AN AUTOGENERATED FILE. DO NOT EDIT THIS FILE DIRECTLY.
# yarn lockfile v1


"@acme/a@^1.0.0", a@~1.0.1:
  version "1.0.2"
  resolved "https://registry.yarnpkg.com/a/-/a-1.0.2.tgz#abc"
  integrity sha512-abc==
  dependencies:
    b "^2.0.0"

b@^2.0.0:
  version "2.0.0"
  resolved "https://registry.yarnpkg.com/b/-/b-2.0.0.tgz#abc"
"""
STATEMENT = {
    "_type": "https://in-toto.io/Statement/v1", "predicateType": "https://slsa.dev/provenance/v1",
    "subject": [{"name": "a.tgz", "digest": {"sha256": "0" * 64, "sha512": "1" * 128}}],
    "predicate": {"buildDefinition": {"resolvedDependencies": [{"name": "x", "digest": {}}]}},
}  # fmt: skip
PAYLOAD = {
    "critical": {
        "identity": {"docker-reference": "quay.io/acme/a"},
        "image": {"docker-manifest-digest": DIGEST},
        "type": "cosign container image signature",
    },
    "optional": None,
}
SIGNATURES = {
    "schemaVersion": 2, "config": {}, "layers": [{
        "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json", "size": 2,
        "digest": "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "annotations": {"dev.cosignproject.cosign/signature": "AAAA"},
    }],
}  # fmt: skip
BOX = {
    "kdf": {"name": "scrypt", "params": {"N": 2, "r": 1, "p": 1}, "salt": "AAAA"},
    "cipher": {"name": "nacl/secretbox", "nonce": "A" * 32}, "ciphertext": "A" * 64,
}  # fmt: skip
MEMO_BODY = {
    "plugins": [{
        "path": "plugins/a", "name": "a", "version": "1", "role": "backend-plugin", "arguments": "",
        "written": "", "key": KEY,
    }],
    "facts": {"committed-at": 1, "yarn": "4.12.0", "lockfile": ["yarn.lock", "0" * 64]},
}  # fmt: skip
HOST = {
    "name": "mine",
    "release": "1",
    "backstage": "1.42.0",
    "packages": {"react": "18.3.1 17.0.2"},
}
AUTH = {
    "auths": {"quay.io": {"auth": "dXNlcjpwYXNz"}},
    "credHelpers": {"ghcr.io": "pass"},
    "credsStore": "x",
}
FOLDERS = [{"acme-a": {"name": "@acme/a-dynamic", "backstage": {"role": "backend-plugin"}}}]
TIMES = {
    "plugins": [{"path": "a", "seconds": {"export": 1.5}, "outcome": "done", "cached": False}],
    "stages": {"install": 3},
}  # fmt: skip
MOVES = {
    "phase": "moving",
    "moves": [{"target": "a", "new": "b", "old": "c", "identity": "1", "folders": ["d"]}],
}
PEM = "-----BEGIN {0} KEY-----\nAAAA\n-----END {0} KEY-----\n"
S_FILE, F_FILE = "dist-scalprum/plugin-manifest.json", "dist/mf-manifest.json"

FORMATS = (
    Format(name="package.json of a workspace", valid=MANIFEST,
           read=in_folder("package.json", workspace_manifest)),
    Format(name="package.json of an artifact", valid=MANIFEST,
           read=in_folder("package.json", plugin_folder)),
    Format(name="package.json in an archive", valid=MANIFEST, read=packed("package.json")),
    Format(name="package.json in node_modules", valid=MANIFEST,
           read=packed("node_modules/b/package.json")),
    Format(name="yarn.lock of yarn 4", valid=BERRY, read=as_file("yarn.lock", read_lockfile)),
    Format(name="yarn.lock of yarn 1", valid=CLASSIC, read=as_file("yarn.lock", read_lockfile)),
    Format(name="yarn.lock of a host", valid=BERRY, read=host_lockfile),
    Format(name="yarnrc.yml", valid=SETTINGS, read=in_folder(".yarnrc.yml", yarn_settings)),
    Format(name="npmrc of a source", valid='//r.example.com/:_authToken="${T}" ; x\na[]=\'b\'\n',
           read=as_file(".npmrc", references_in)),
    Format(name="npmrc of a portal", valid="registry=https://r.example.com\n_auth=${T}\n[a]\n",
           read=in_folder(".npmrc", lambda folder: read_npmrc(folder, {"HOME": str(folder)}))),
    Format(name="backstage.json", valid={"version": "1.42.0"},
           read=in_folder("backstage.json", backstage_version)),
    Format(name="host inventory", valid=HOST, read=host_inventory),
    Format(name="app-config", valid="app:\n  a: [1, {b: c}]\n  d: &x 1\n  e: *x\n",
           read=as_file("app-config.dynamic.yaml", read_app_config)),
    Format(name="docker's logins", valid=AUTH, read=as_file("auth.json", read_auth_file)),
    Format(name="annotation of an image", valid=FOLDERS, allowed=ValueError,
           read=lambda _, content: folders_in(base64.b64encode(content).decode())),
    Format(name="cosign payload", valid=PAYLOAD, read=signed_payload),
    Format(name="cosign signatures", valid=SIGNATURES, read=signatures),
    Format(name="cosign key", valid=BOX, read=cosign_key),
    Format(name="private key", valid=PEM.format("PRIVATE"),
           read=as_file("key.pem", read_private_key)),
    Format(name="public key", valid=PEM.format("PUBLIC"),
           read=as_file("key.pub", read_public_key)),
    Format(name="provenance", valid=STATEMENT, read=provenance_statement),
    Format(name="parts of an entry", valid={"tools": {"node": "22"}},
           read=in_folder(PARTS_FILE, read_parts)),
    Format(name="memo", valid={"digest": "x", "memo": MEMO_BODY}, read=memo),
    Format(name="memo that is vouched for", valid=MEMO_BODY, read=vouched_memo),
    Format(name="times of an earlier run", valid=TIMES,
           read=in_folder("build-report.json", lambda folder: expect_durations(folder, ""))),
    Format(name="journal of a source", valid=MOVES, read=in_folder(JOURNAL, take_back)),
    Format(name="mark of a run", valid={"inode": 1, "changed": 2, "ended": True},
           read=mark_of_a_run),
    Format(name="staged plugin", valid={"package": "./a.tgz", "integrity": "x"}, read=staged),
    Format(name="source map",
           valid={"version": 3, "sources": ["webpack://a/./node_modules/b/c.js"]},
           read=lambda _, content: sources_of(content)),
    Format(name="source map in an archive",
           valid={"version": 3, "sources": ["webpack://a/./node_modules/b/c.js"]},
           read=packed("dist/index.js.map")),
    Format(name="mf-manifest.json in an archive", valid=FEDERATION, read=packed(F_FILE)),
    Format(name="plugin-manifest.json", valid=SCALPRUM,
           read=frontend_manifests(S_FILE, F_FILE, FEDERATION)),
    Format(name="mf-manifest.json", valid=FEDERATION,
           read=frontend_manifests(F_FILE, S_FILE, SCALPRUM)),
)  # fmt: skip
by_name = pytest.mark.parametrize("of", FORMATS, ids=lambda of: of.name.replace(" ", "-"))


def read_somewhere(of: Format, content: bytes) -> None:
    """Read a document; what is wrong with it may only be said as the reader's own error."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            of.read(Path(folder), content)
        except of.allowed as error:
            str(error).encode()  # it can be shown


@by_name
def test_an_odd_document_ends_in_no_mistake(of: Format) -> None:
    for content in ODD_DOCUMENTS:
        read_somewhere(of, content)


@by_name
@settings(max_examples=examples(40), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_mutated_document_ends_in_no_mistake(of: Format, data: st.DataObject) -> None:
    read_somewhere(of, document(of, data))
