"""Digests of a package's files: what git and sha256sum say of the same files."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from factory.attestation.file_tree import FileTree, file_tree
from factory.attestation.packed_files import read_packed_files
from tests.oci.plugin_archives import member, write_tgz

if TYPE_CHECKING:
    from pathlib import Path

CONTENTS = {
    "index.js": b"module.exports = 1;\n",
    "lib/deep/er/file.js": b"",
    "lib-a": b"sorts between lib and lib/\n",
    "lib.js": b"x" * 700_000,
    "bin/run": b"#!/bin/sh\n",
    "\u00fcmlaut.txt": b"\xff\x00",
}


def tree_of(tgz: Path) -> FileTree:
    return file_tree({file.path: file for file in read_packed_files(tgz, wanted=lambda _: False)})


def packed(tgz: Path, contents: dict[str, bytes]) -> Path:
    members = [
        (member(f"package/{name}", len(content), mode=0o755 if "bin/" in name else 0o644), content)
        for name, content in contents.items()
    ]
    return write_tgz(tgz, members)


def unpacked(folder: Path) -> Path:
    for name, content in CONTENTS.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        file.chmod(0o755 if "bin/" in name else 0o644)
    return folder


def output(folder: Path, *command: str) -> str:
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(folder.parent)}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_swhid_is_the_id_of_gits_tree(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "files")
    output(folder, "git", "init", "--quiet")
    output(folder, "git", "-c", "core.autocrlf=false", "add", "--all")
    tree = output(folder, "git", "write-tree")

    assert tree_of(packed(tmp_path / "a.tgz", CONTENTS)).swhid == f"swh:1:dir:{tree}"


def test_a_link_is_in_the_swhid_as_git_has_it(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "link").symlink_to("lib/index.js")
    output(folder, "git", "init", "--quiet")
    output(folder, "git", "add", "--all")
    link = member("package/link")
    link.type, link.linkname = b"2", "lib/index.js"

    tree = tree_of(write_tgz(tmp_path / "a.tgz", [(link, b"")]))

    assert tree.swhid == f"swh:1:dir:{output(folder, 'git', 'write-tree')}"


def test_the_sha256_is_of_what_sha256sum_writes(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "files")
    script = r"find . -type f -printf '%P\0' | sort -z | xargs -0 sha256sum | sha256sum"
    said = output(folder, "sh", "-c", script)

    assert said == f"{tree_of(packed(tmp_path / 'a.tgz', CONTENTS)).sha256}  -"


def test_neither_depends_on_the_archives_order(tmp_path: Path) -> None:
    backwards = dict(reversed(CONTENTS.items()))

    assert tree_of(packed(tmp_path / "a.tgz", CONTENTS)) == tree_of(
        packed(tmp_path / "b.tgz", backwards)
    )


def test_another_byte_another_name_and_another_mode_are_other_trees(tmp_path: Path) -> None:
    variants: list[dict[str, bytes]] = [
        {"index.js": b"1"},
        {"index.js": b"2"},
        {"index.mjs": b"1"},
        {"bin/index.js": b"1"},
    ]
    trees = [tree_of(packed(tmp_path / f"{n}.tgz", one)) for n, one in enumerate(variants)]

    assert len({tree.swhid for tree in trees}) == len({tree.sha256 for tree in trees}) == 4
