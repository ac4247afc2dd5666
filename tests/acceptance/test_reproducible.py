"""The same inputs give the same bytes: in another folder, of another user, at another time.

One of the two builds makes its plugins at once, the other one after another.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from factory.toolchain.link_tree import link_tree

from .example_builds import EXAMPLE, KEPT_TOOLS, Built, build_example

LONG_AGO = 1_000_000_000


@pytest.fixture(scope="module")
def built_elsewhere(
    built: Built, process: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Built:
    """The example again, with everything around it different, and as good as nothing shared."""
    folder = tmp_path_factory.mktemp("elsewhere") / "far deeper" / "in another/place"
    folder.mkdir(parents=True)
    shutil.copytree(EXAMPLE, folder / "config")
    for parent, folders, files in os.walk(folder / "config"):
        for name in folders + files:
            os.utime(Path(parent, name), (LONG_AGO, LONG_AGO))
    tools = folder / "cache of tools"
    for name in ("rhdh-cli", "yarn", "node"):
        if (KEPT_TOOLS / name).is_dir():
            (tools / name).mkdir(parents=True)
            # What begins with a dot another test may just be making.
            link_tree(KEPT_TOOLS / name, tools / name, wanted=lambda entry: entry[0] != ".")
    home = folder / "home"
    home.mkdir()
    for name in (".yarn", ".npm"):  # what has been downloaded; nothing is written into it
        (home / name).symlink_to(Path(process["HOME"], name))
    other = process | {
        "HOME": str(home),
        "PLUGIN_FACTORY_CACHE_DIR": str(tools),
        "USER": "somebody",
        "TZ": "Pacific/Kiritimati",
        "LANG": "tr_TR.UTF-8",
    }
    return build_example(other, folder, "--jobs", "1", umask=0o077)


def test_every_archive_is_the_same(built: Built, built_elsewhere: Built) -> None:
    names = {tgz.name for tgz in built.outputs.glob("*.tgz")}
    assert len(names) == 3
    assert {tgz.name for tgz in built_elsewhere.outputs.glob("*.tgz")} == names
    # What is in them first, since it tells more when it differs.
    for name in sorted(names):
        one, other = (contents(each.outputs / name) for each in (built, built_elsewhere))
        assert sorted(one) == sorted(other), name
        assert [file for file in one if one[file] != other[file]] == [], name
    for name in sorted(names):
        files = [each.outputs / name for each in (built, built_elsewhere)]
        assert files[0].read_bytes() == files[1].read_bytes(), name
        integrities = [Path(f"{file}.integrity").read_text() for file in files]
        assert integrities[0] == integrities[1]


def test_no_archive_knows_where_it_was_built(built_elsewhere: Built) -> None:
    for tgz in built_elsewhere.outputs.glob("*.tgz"):
        for name, content in contents(tgz).items():
            assert b"far deeper" not in content, f"{tgz.name}: {name}"


def test_every_file_that_a_bundle_loads_is_there(built: Built) -> None:
    files = contents(built.tgz("plugins/greetings"))
    manifest = files["package/dist/mf-manifest.json"].decode()
    loaded = {word for word in manifest.split('"') if word.startswith("static/")}
    assert loaded
    assert {f"package/dist/{name}" for name in loaded} <= files.keys()
    for name, content in files.items():
        folder = name.rpartition("/")[0]
        _, found, source_map = content.decode().rpartition("sourceMappingURL=")
        if found and name.endswith(".js"):
            assert f"{folder}/{source_map.split()[0]}" in files


def contents(tgz: Path) -> dict[str, bytes]:
    with tarfile.open(tgz) as archive:
        return {
            entry.name: (archive.extractfile(entry) or io.BytesIO()).read() for entry in archive
        }


def test_a_build_writes_nothing_into_the_store_that_its_packages_are_links_to(
    built: Built, process: dict[str, str]
) -> None:
    store = Path(process["HOME"], ".yarn/berry/store/v1")
    linked = built.source / "node_modules/react/package.json"
    assert linked.stat().st_nlink > 1
    # A file of the store is called after its content.
    files = list(store.glob("*/*.dat"))
    assert len(files) > 1000
    changed = [
        file
        for file in files
        if hashlib.sha1(file.read_bytes(), usedforsecurity=False).hexdigest()
        != file.parent.name + file.stem
    ]
    assert changed == []
