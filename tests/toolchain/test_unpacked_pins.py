"""What is installed without npm is what npm installs: the same files, modes, links and programs.

Packages are generated, in every form of archive that the registry has; npm is the judge.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import platform
import random
import stat
import subprocess
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import Any, Literal
from urllib.request import urlopen

import pytest

from factory.toolchain.node import Node
from factory.toolchain.pinned_install import SCRIPT, find_unfit_packages

from .installed_tools import some_node
from .npm_registry import Fault, NpmRegistry
from .real_installs import PACKAGES

FORMATS = (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)
NAMES = (
    "index.js",
    "lib/index.js",
    "./dist/main.mjs",
    "src//twice.js",
    ".gitignore",
    ".npmignore",
    "lib/.gitignore",
    "lib/.npmignore",
    "a.gitignore",
    "möglich.txt",
    "sp ace/and more.txt",
    "long/" + "n" * 95 + ".js",
    "deep/" + "/".join(["folder"] * 30) + "/end.js",
    "empty",
)
OTHER_OS: dict[str, object] = {"os": ["aix"]}
OTHER_CPU: dict[str, object] = {
    "cpu": ["!" + ("x64" if platform.machine() == "x86_64" else "arm64")]
}
OTHER_LIBC: dict[str, object] = {"libc": ["musl" if platform.libc_ver()[0] == "glibc" else "glibc"]}
THIS: dict[str, object] = {"os": ["linux", "darwin"], "cpu": ["!mips"]}
TOO_NEW: dict[str, object] = {"engines": {"node": ">=99"}}


@dataclass
class Pins:
    """A lockfile of generated packages, and their archives."""

    random: random.Random
    url: str
    packages: dict[str, dict[str, Any]] = field(default_factory=dict)
    archives: dict[str, bytes] = field(default_factory=dict)

    def add(self, path: str, **about: Any) -> None:
        name = about.get("name") or path.rpartition("node_modules/")[2]
        programs = {
            f"{name.rpartition('/')[2]}-{number}": self.random.choice(
                ["index.js", "lib/index.js", "bin/run", "not-there.js"]
            )
            for number in range(self.random.randrange(3))
        }
        if self.random.random() < 0.2:
            programs["wanted-by-many"] = "index.js"
        about = {"version": "1.0.0", **({"bin": programs} if programs else {}), **about}
        archive = self.archive({"name": name, **about})
        where = f"/{len(self.archives)}/{name.rpartition('/')[2]}.tgz"
        self.archives[where] = archive
        digest = base64.b64encode(hashlib.sha512(archive).digest()).decode()
        self.packages[path] = {
            **about,
            "resolved": f"{self.url}{where}",
            "integrity": f"sha512-{digest}",
        }

    def archive(self, manifest: Mapping[str, Any]) -> bytes:
        stream = io.BytesIO()
        form = self.random.choice(FORMATS)
        top = self.random.choice(["package", "package", "node", "other name"])
        with tarfile.open(fileobj=stream, mode="w:gz", format=form) as archive:
            names = ["package.json", "bin/run", *self.random.sample(NAMES, 7)]
            if self.random.random() < 0.3:
                self.write(archive, f"{top}/lib", kind=tarfile.DIRTYPE, mode=0o700)
            for name in names:
                if form == tarfile.USTAR_FORMAT and len(name.rpartition("/")[2]) > 90:
                    continue
                self.write(archive, f"{top}/{name}", self.content(name, manifest))
            if self.random.random() < 0.3:
                self.write(archive, f"{top}/link", kind=tarfile.SYMTYPE, target="index.js")
                self.write(archive, f"{top}/hard", kind=tarfile.LNKTYPE, target=f"{top}/bin/run")
        return stream.getvalue()

    def content(self, name: str, manifest: Mapping[str, Any]) -> bytes:
        if name == "package.json":
            return json.dumps(manifest).encode()
        if name == "empty":
            return b""
        end = self.random.choice(["\n", "\r\n"])
        head = f"#!/usr/bin/env node{end}" if self.random.random() < 0.5 else ""
        text = f"{head}// ä {self.random.random()}{end}" * self.random.choice([1, 1, 40])
        return text.encode()

    def write(
        self,
        archive: tarfile.TarFile,
        name: str,
        content: bytes = b"",
        *,
        kind: bytes = tarfile.REGTYPE,
        mode: int | None = None,
        target: str = "",
    ) -> None:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname, entry.size = kind, target, len(content)
        choices = [0o644, 0o600, 0o755, 0o744, 0o666, 0o100]
        entry.mode = self.random.choice(choices) if mode is None else mode
        archive.addfile(entry, io.BytesIO(content))


def generated(pins: Pins) -> None:
    for number in range(25):
        scope = pins.random.choice(["", "@acme/"])
        pins.add(f"node_modules/{scope}part-{number}")
        if pins.random.random() < 0.3:
            pins.add(f"node_modules/{scope}part-{number}/node_modules/part-0")
    pins.add("node_modules/alias", name="@acme/meant")
    # Optional ones: for this platform, for others, too new; with what only they need.
    kinds: list[dict[str, object]] = [THIS, OTHER_OS, OTHER_CPU, OTHER_LIBC, TOO_NEW, {}]
    for number, about in enumerate(kinds):
        needs = {f"of-{number}": "1.0.0", "shared": "1.0.0"}
        pins.add(f"node_modules/maybe-{number}", optional=True, dependencies=needs, **about)
        pins.add(f"node_modules/of-{number}", optional=True)
    pins.add("node_modules/shared", optional=True)
    # The one in the middle is for another platform, which takes the one above along.
    pins.add("node_modules/above", optional=True, dependencies={"middle": "1.0.0"})
    pins.add("node_modules/middle", optional=True, dependencies={"below": "1.0.0"}, **OTHER_OS)
    pins.add("node_modules/below", optional=True)
    pins.add("node_modules/left", extraneous=True)
    pins.add("node_modules/too-new", **TOO_NEW)


def lockfile_of(pins: Pins) -> dict[str, Any]:
    """The lockfile: the root asks for what is at the top, and packages for what is in them."""
    for path in pins.packages:
        around, _, name = path.rpartition("/node_modules/")
        if around:
            pins.packages[around].setdefault("dependencies", {})[name] = "1.0.0"
    optional = ("maybe-", "above")
    asked: dict[str, dict[str, str]] = {"dependencies": {}, "optionalDependencies": {}}
    for path, about in pins.packages.items():
        name = path.removeprefix("node_modules/")
        if "node_modules" in name or about.get("extraneous"):
            continue
        wanted = f"npm:{about['name']}@1.0.0" if "name" in about else "1.0.0"
        if not about.get("optional"):
            asked["dependencies"][name] = wanted
        elif name.startswith(optional):
            asked["optionalDependencies"][name] = wanted
    root = {"name": "root", "version": "1.0.0", **asked}
    head = {"name": "root", "version": "1.0.0", "lockfileVersion": 3, "requires": True}
    return {**head, "packages": {"": root, **pins.packages}}


@contextmanager
def serving(archives: dict[str, bytes]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content = archives.get(self.path)
            self.send_response(200 if content is not None else 404)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def folder_with(folder: Path, lockfile: Mapping[str, Any]) -> Path:
    folder.mkdir()
    (folder / "package.json").write_text(json.dumps(lockfile["packages"][""]))
    (folder / "package-lock.json").write_text(json.dumps(lockfile))
    return folder


@pytest.fixture(scope="module")
def tools(process: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Node:
    return some_node(process, tmp_path_factory.mktemp("tools"))


def bare(tools: Node) -> dict[str, str]:
    return {"PATH": f"{tools.bin_dir}:/usr/local/bin:/usr/bin:/bin"}


def installed_by_npm(folder: Path, tools: Node, *options: str) -> None:
    (folder / "home").mkdir()
    quiet = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
    subprocess.run(
        [str(tools.bin_dir / "npm"), "ci", *quiet, *options],
        cwd=folder,
        env={**bare(tools), "HOME": str(folder / "home")},
        check=True,
        capture_output=True,
    )


def unpacked(
    folder: Path, tools: Node, request: Mapping[str, Any]
) -> subprocess.CompletedProcess[str]:
    script = resources.files("factory.toolchain").joinpath(SCRIPT)
    return subprocess.run(
        [str(tools.bin_dir / "node"), str(script), json.dumps(request)],
        cwd=folder,
        env=bare(tools),
        capture_output=True,
        text=True,
        check=False,
    )


def tree(folder: Path) -> dict[str, tuple[str, object]]:
    """All that is in a folder: its mode and its content, or where it leads."""
    found: dict[str, tuple[str, object]] = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        what: object = None
        if stat.S_ISLNK(status.st_mode):
            what = str(path.readlink())
        elif stat.S_ISREG(status.st_mode):
            what = path.read_bytes()
        if path.name == ".package-lock.json":
            what = json.loads(path.read_text())["packages"].keys()
        found[str(path.relative_to(folder))] = (stat.filemode(status.st_mode), what)
    return found


@pytest.mark.parametrize(("seed", "peers"), [(1, True), (2, False), (3, True)])
def test_it_is_what_npm_installs(tmp_path: Path, tools: Node, seed: int, peers: bool) -> None:
    archives: dict[str, bytes] = {}
    with serving(archives) as url:
        pins = Pins(random=random.Random(seed), url=url, archives=archives)
        generated(pins)
        lockfile = lockfile_of(pins)
        by_npm = folder_with(tmp_path / "npm", lockfile)
        installed_by_npm(by_npm, tools, *(() if peers else ("--legacy-peer-deps",)))
        ours = folder_with(tmp_path / "ours", lockfile)
        unfit = list(find_unfit_packages(lockfile, tools.version))
        done = unpacked(ours, tools, {"authorities": None, "peers": peers, "unfit": unfit})
    assert done.returncode == 0, done.stderr
    assert tree(ours / "node_modules") == tree(by_npm / "node_modules")


LOCKED: dict[str, object] = {"authorities": None, "peers": True, "unfit": []}


def one_package(pins: Pins) -> dict[str, Any]:
    pins.add("node_modules/part")
    return lockfile_of(pins)


def test_what_is_not_pinned_is_not_unpacked(tmp_path: Path, tools: Node) -> None:
    archives: dict[str, bytes] = {}
    with serving(archives) as url:
        pins = Pins(random=random.Random(1), url=url, archives=archives)
        folder = folder_with(tmp_path / "ours", one_package(pins))
        archives["/0/part.tgz"] = pins.archive({"name": "part", "version": "1.0.1"})
        done = unpacked(folder, tools, LOCKED)
    assert done.returncode == 1
    assert f"{url}/0/part.tgz is not what is pinned: sha512-" in done.stderr
    assert not (folder / "node_modules").exists()


@pytest.mark.parametrize("name", ["package/../../out", "/package/out", "package/..", "a\\b/out"])
def test_no_file_is_written_elsewhere(tmp_path: Path, tools: Node, name: str) -> None:
    archives: dict[str, bytes] = {}
    with serving(archives) as url:
        pins = Pins(random=random.Random(1), url=url, archives=archives)
        lockfile = one_package(pins)
        stream = io.BytesIO()
        with tarfile.open(fileobj=stream, mode="w:gz") as archive:
            pins.write(archive, name, b"outside")
        archives["/0/part.tgz"] = stream.getvalue()
        digest = base64.b64encode(hashlib.sha512(stream.getvalue()).digest()).decode()
        lockfile["packages"]["node_modules/part"]["integrity"] = f"sha512-{digest}"
        folder = folder_with(tmp_path / "ours", lockfile)
        done = unpacked(folder, tools, LOCKED)
    assert done.returncode == 1
    assert "an archive has a file" in done.stderr
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "package-lock.json",
        "package.json",
    ]


@pytest.mark.parametrize("about", [{"link": True}, {"inBundle": True}, {"integrity": ""}, OTHER_OS])
def test_what_it_does_not_do_is_refused(
    tmp_path: Path, tools: Node, about: dict[str, object]
) -> None:
    pins = Pins(random=random.Random(1), url="http://127.0.0.1:1")
    lockfile = one_package(pins)
    lockfile["packages"]["node_modules/part"] |= about
    done = unpacked(folder_with(tmp_path / "ours", lockfile), tools, LOCKED)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: node_modules/part is not ")


@pytest.mark.parametrize("does", ["fails", "breaks off"])
def test_a_registry_that_fails_for_a_while_is_asked_again(
    tmp_path: Path, tools: Node, registry: NpmRegistry, does: Literal["fails", "breaks off"]
) -> None:
    registry.faults.append(Fault(path="part-a-1.0.0.tgz", does=does, times=2))
    with urlopen(f"{registry.url}/part-a") as answer:
        document = json.load(answer)
    dist = document["versions"]["1.0.0"]["dist"]
    about = {"version": "1.0.0", "resolved": dist["tarball"], "integrity": dist["integrity"]}
    packages = {"": {"dependencies": {"part-a": "1.0.0"}}, "node_modules/part-a": about}
    folder = folder_with(tmp_path / "ours", {"lockfileVersion": 3, "packages": packages})
    done = unpacked(folder, tools, LOCKED)
    assert done.returncode == 0, done.stderr
    assert (folder / "node_modules/part-a/big.txt").read_bytes() == PACKAGES["part-a"]["big.txt"]
    assert registry.count("part-a-1.0.0.tgz") == 3


def test_one_that_has_nothing_is_not(tmp_path: Path, tools: Node) -> None:
    with serving({}) as url:
        pins = Pins(random=random.Random(1), url=url)
        done = unpacked(folder_with(tmp_path / "ours", one_package(pins)), tools, LOCKED)
    assert done.returncode == 1
    assert done.stderr == f"Error: {url}/0/part.tgz: HTTP 404\n"
