"""Finished plugins as builds leave them, small ones; and entries of the cache that are not."""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from factory.archives.integrity import integrity_of
from factory.attestation.sbom import sbom
from factory.cache.entry import CachedFile, Entry, describe_file, entry_text, parse_entry
from factory.cache.examination import ExpectedPlugin
from factory.cache.key import digest_of_value

PARTS = {"factory": {"code": "0123"}, "source": {"plugins/todo-backend": "aa"}}
KEY = digest_of_value(PARTS)
EXPECTED = ExpectedPlugin(name="@acme/todo-backend", version="1.2.3", arguments="")
TGZ = "acme-todo-backend-dynamic-1.2.3.tgz"


@dataclass(frozen=True, kw_only=True)
class Member:
    """An entry of an archive, good or bad."""

    name: str
    content: bytes = b""
    type: bytes = tarfile.REGTYPE
    target: str = ""


def package_json(**fields: Any) -> Member:
    document = {"name": "@acme/todo-backend-dynamic", "version": "1.2.3", **fields}
    return Member(name="package/package.json", content=json.dumps(document).encode())


def write_archive(file: Path, *members: Member) -> Path:
    with tarfile.open(file, "w:gz") as archive:
        for member in members:
            info = tarfile.TarInfo(member.name)
            info.size, info.type, info.linkname = len(member.content), member.type, member.target
            archive.addfile(info, io.BytesIO(member.content))
    return file


@dataclass(frozen=True, kw_only=True)
class Finished:
    """A finished plugin's files in a folder, and what its entry says."""

    folder: Path
    names: tuple[str, ...]
    record: dict[str, Any] = field(default_factory=dict)
    parts: Any = field(default_factory=lambda: dict(PARTS))

    def with_file(self, name: str, content: bytes) -> Finished:
        (self.folder / name).write_bytes(content)
        return replace(self, names=(*dict.fromkeys((*self.names, name)),))

    def with_record(self, **fields: Any) -> Finished:
        return replace(self, record={**self.record, **fields})

    @property
    def files(self) -> list[Path]:
        return [self.folder / name for name in self.names]

    def document(self, key: str = KEY) -> bytes:
        """The text of entry.json, whatever the files are."""
        (self.folder / "parts.json").write_text(json.dumps(self.parts))
        files = tuple(describe_file(file) for file in self.files)
        return entry_text(key, files, describe_file(self.folder / "parts.json"), self.record)

    def entry(self, key: str = KEY) -> Entry:
        text = self.document(key)
        (self.folder / "entry.json").write_bytes(text)
        return parse_entry(text, self.folder, key)


def finished(folder: Path, *members: Member, name: str = TGZ) -> Finished:
    """A plugin as a build leaves it; ``members`` in place of what its archive holds."""
    folder.mkdir(parents=True, exist_ok=True)
    tgz = write_archive(folder / name, *(members or (package_json(), code())))
    return described_anew(folder, tgz)


def described_anew(folder: Path, tgz: Path) -> Finished:
    """What is said beside an archive, true of it as far as it can be."""
    integrity = integrity_of(tgz)
    (folder / f"{tgz.name}.integrity").write_text(f"{integrity}\n")
    try:
        text = sbom(tgz, tool_version="0")
    except Exception:  # noqa: BLE001 - an archive that is to be refused
        sha256 = describe_file(tgz).sha256
        hashes = [{"alg": "SHA-256", "content": sha256}]
        text = json.dumps({"metadata": {"component": {"hashes": hashes}}})
    (folder / f"{tgz.name}.cdx.json").write_text(text)
    return Finished(
        folder=folder,
        names=(tgz.name, f"{tgz.name}.integrity", f"{tgz.name}.cdx.json"),
        record={
            "name": "@acme/todo-backend-dynamic",
            "version": "1.2.3",
            "repairs": [],
            "integrity": integrity,
        },
    )


def code() -> Member:
    return Member(name="package/dist/index.cjs.js", content=b"module.exports = {};\n")


def file_of(name: str) -> CachedFile:
    return CachedFile(name=name, size=1, sha256="0" * 64)
