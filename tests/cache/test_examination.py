"""Poisoned entries: whatever somebody puts into a cache, it is the plugin's own files or a miss.

What an entry may be follows from what a build writes (:mod:`factory.pipeline.plugin_builds`), what
an archive may be from what ``install`` takes (:mod:`factory.archives.members`).
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tarfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factory.archives.limits import ArchiveLimits
from factory.cache import examination
from factory.cache.entry import BadEntry, is_plain_name, parse_entry
from factory.cache.examination import ExpectedPlugin, archive_names, examine
from factory.cache.key import digest_of_value
from factory.cache.remote import remote_cache
from factory.cache.store import Store
from factory.config.environment import Environment

from ..oci.registries import Server
from .plugins import (
    EXPECTED,
    KEY,
    PARTS,
    TGZ,
    Finished,
    Member,
    code,
    described_anew,
    finished,
    package_json,
    write_archive,
)
from .test_remote import published, warnings

Spoil = Callable[[Path], Finished]
CONFIG = ".app-config.dynamic.yaml"


def with_members(*members: Member) -> Spoil:
    return lambda folder: finished(folder, *members)


def with_file(name: str, content: bytes = b"planted\n") -> Spoil:
    return lambda folder: finished(folder).with_file(name, content)


def with_record(**fields: Any) -> Spoil:
    return lambda folder: finished(folder).with_record(**fields)


def with_parts(parts: object) -> Spoil:
    return lambda folder: replace(finished(folder), parts=parts)


def under_another_name(folder: Path) -> Finished:
    return finished(folder, name="acme-other-dynamic-1.2.3.tgz")


def no_archive(folder: Path) -> Finished:
    folder.mkdir()
    (folder / TGZ).write_bytes(b"no archive")
    return described_anew(folder, folder / TGZ)


def cut_short(folder: Path) -> Finished:
    tgz = finished(folder).files[0]
    tgz.write_bytes(tgz.read_bytes()[:-20])
    return described_anew(folder, tgz)


def stale_integrity(folder: Path) -> Finished:
    good = finished(folder)
    write_archive(good.files[0], package_json(), Member(name="package/evil.js", content=b"evil"))
    return good


def without_integrity(folder: Path) -> Finished:
    good = finished(folder)
    return replace(good, names=tuple(n for n in good.names if not n.endswith(".integrity")))


def other_sbom(folder: Path) -> Finished:
    good = finished(folder)
    other = finished(folder.with_name("other"), package_json(), code(), code_of("b"))
    (folder / f"{TGZ}.cdx.json").write_bytes((other.folder / f"{TGZ}.cdx.json").read_bytes())
    return good


def code_of(name: str) -> Member:
    return Member(name=f"package/{name}.js", content=name.encode())


POISONED: dict[str, Spoil] = {
    "another plugin's archive": under_another_name,
    "another plugin's package": with_members(package_json(name="@acme/other-dynamic"), code()),
    "another version's package": with_members(package_json(version="9.9.9"), code()),
    "no name": with_members(package_json(name=None), code()),
    "no package.json": with_members(code()),
    "a package.json that is deep": with_members(
        Member(name="package/package.json", content=b"[" * 100_000)
    ),
    "no archive": no_archive,
    "an archive that is cut short": cut_short,
    "a stale integrity": stale_integrity,
    "no integrity": without_integrity,
    "an integrity in words": lambda folder: finished(folder).with_file(
        f"{TGZ}.integrity", b"sha512-of-something-else\n"
    ),
    "a record of another integrity": with_record(integrity="sha512-AAAA"),
    "another archive's bill of materials": other_sbom,
    "a bill of materials that is none": with_file(f"{TGZ}.cdx.json", b"[]"),
    "a deep bill of materials": with_file(f"{TGZ}.cdx.json", b"[" * 100_000),
    "a link out": with_members(
        package_json(),
        Member(name="package/out", type=tarfile.SYMTYPE, target="../../etc/passwd"),
    ),
    "an absolute link": with_members(
        package_json(), Member(name="package/out", type=tarfile.SYMTYPE, target="/etc/passwd")
    ),
    "a hard link out": with_members(
        package_json(), Member(name="package/out", type=tarfile.LNKTYPE, target="/etc/passwd")
    ),
    "a name that climbs": with_members(package_json(), Member(name="package/../../evil.js")),
    "a device": with_members(package_json(), Member(name="package/dev", type=tarfile.CHRTYPE)),
    "a pipe": with_members(package_json(), Member(name="package/fifo", type=tarfile.FIFOTYPE)),
    "a name with ESC": with_members(package_json(), Member(name="package/\x1b[31mred")),
    "a list of images": with_file("published-images.txt"),
    "another plugin's file": with_file("acme-other-dynamic-1.0.0.tgz"),
    "a report": with_file("build-report.json"),
    "a portal's list": with_file("dynamic-plugins.oci.yaml"),
    "an app-config that nobody has": with_file(f"{TGZ}{CONFIG}"),
    "a provenance": with_file(f"{TGZ}.provenance.json"),
    "a record without a name": with_record(name=None),
    "a record with a number": with_record(version=7),
    "a record of another plugin": with_record(name="@acme/other"),
    "other build arguments": with_record(arguments="--embed-package evil"),
    "arguments with a line break": with_record(
        repairs=["because"], arguments="--embed-package a\nevil: true"
    ),
    "arguments that are no words": with_record(repairs=["because"], arguments="'"),
    "arguments that are a list": with_record(repairs=["because"], arguments=["a"]),
    "repairs that are text": with_record(repairs="because"),
    "repairs with ESC": with_record(repairs=["\x1b[2J"], arguments="a"),
    "repairs that are numbers": with_record(repairs=[1], arguments="a"),
    "other parts": with_parts({"source": {"plugins/todo-backend": "bb"}}),
    "parts that are a list": with_parts([]),
    "parts of numbers": with_parts({"source": {"a": 1}}),
}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(folder=tmp_path / "plugins")


LOOK = partial(examine, expected=EXPECTED)


def test_what_a_build_leaves_is_taken(tmp_path: Path) -> None:
    examine(finished(tmp_path / "made").entry(), EXPECTED)


def test_a_plugin_that_is_called_as_its_source_is_taken(tmp_path: Path) -> None:
    plain = "@acme/todo-backend"
    made = finished(
        tmp_path / "made", package_json(name=plain), code(), name="acme-todo-backend-1.2.3.tgz"
    )
    examine(made.with_record(name=plain).entry(), EXPECTED)


def test_a_plugin_with_its_own_configuration_is_taken(tmp_path: Path) -> None:
    config = tmp_path / "app-config.dynamic.yaml"
    config.write_text("a: 1\n")
    expected = replace(EXPECTED, app_config=config)
    made = finished(tmp_path / "made")
    examine(made.with_file(f"{TGZ}{CONFIG}", b"a: 1\n").entry(), expected)
    with pytest.raises(BadEntry, match="not the plugin's configuration"):
        examine(made.with_file(f"{TGZ}{CONFIG}", b"a: 2\n").entry(), expected)
    with pytest.raises(BadEntry, match="files that this plugin has"):
        examine(finished(tmp_path / "without").entry(), expected)


def test_mended_arguments_are_taken(tmp_path: Path) -> None:
    made = finished(tmp_path / "made")
    mended = made.with_record(repairs=["--embed-package a: because"], arguments="--embed-package a")
    examine(mended.entry(), EXPECTED)


@pytest.mark.parametrize("case", POISONED)
def test_a_poisoned_entry_of_this_machine_is_a_miss(
    store: Store, tmp_path: Path, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = POISONED[case](tmp_path / "made")
    made.entry()
    store.path(KEY).parent.mkdir(parents=True)
    made.folder.rename(store.path(KEY))
    assert store.get(KEY, LOOK) is None
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage().isprintable()
    assert not store.has(KEY)


@pytest.mark.parametrize("case", POISONED)
def test_a_poisoned_entry_of_a_registry_is_a_miss_and_is_replaced(
    registry: Server, store: Store, tmp_path: Path, case: str, caplog: pytest.LogCaptureFixture
) -> None:
    made = POISONED[case](tmp_path / "made")
    names = (*made.names, "parts.json")
    document = made.document()
    layers = {name: (made.folder / name).read_bytes() for name in names}
    published(registry, KEY, {"entry.json": document, **layers})
    name = f"oci://{registry.host}/team/cache"
    with remote_cache(
        Environment(variables={"REGISTRY_INSECURE": "true"}),
        sources=(name,),
        destination=name,
        checkpoint=lambda: None,
    ) as remote:
        assert remote.fetch(KEY, store, LOOK) is None
        (said,) = warnings(caplog)
        assert said.isprintable()
        assert not store.has(KEY)
        good = finished(tmp_path / "good")
        entry = store.put(KEY, good.files, parts=PARTS, record=good.record, examine=LOOK)
        assert entry
        assert remote.send(entry)
    with remote_cache(
        Environment(variables={"REGISTRY_INSECURE": "true"}),
        sources=(name,),
        destination=None,
        checkpoint=lambda: None,
    ) as remote:
        assert remote.fetch(KEY, Store(folder=tmp_path / "third/plugins"), LOOK)


def test_what_is_built_takes_the_place_of_a_poisoned_entry(store: Store, tmp_path: Path) -> None:
    POISONED["another plugin's package"](tmp_path / "bad").entry()
    store.path(KEY).parent.mkdir(parents=True)
    (tmp_path / "bad").rename(store.path(KEY))
    good = finished(tmp_path / "good")
    assert store.put(KEY, good.files, parts=PARTS, record=good.record, examine=LOOK)
    assert store.get(KEY, LOOK)


@pytest.mark.parametrize(
    "name",
    ["\x1b[31m.tgz", "a\nb.tgz", "a b.tgz", "ä.tgz", "\ud800.tgz", "a\u202eb.tgz", "x" * 256],
)
def test_names_that_a_terminal_would_obey_are_no_names(name: str) -> None:
    assert not is_plain_name(name)


@pytest.mark.parametrize("kind", ["pipe", "link"])
def test_what_is_no_file_is_not_waited_for(store: Store, tmp_path: Path, kind: str) -> None:
    made = finished(tmp_path / "made")
    made.entry()
    file = made.files[0]
    file.unlink()
    if kind == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to("/dev/zero")
    store.path(KEY).parent.mkdir(parents=True)
    made.folder.rename(store.path(KEY))
    assert store.get(KEY, LOOK) is None


@pytest.mark.parametrize(
    ("version", "names"),
    [
        ("1.2.3", {"acme-x-1.2.3.tgz", "acme-x-dynamic-1.2.3.tgz"}),
        ("v1.2.3", {"acme-x-1.2.3.tgz", "acme-x-dynamic-1.2.3.tgz"}),
    ],
)
def test_archives_are_called_as_npm_calls_them(version: str, names: set[str]) -> None:
    expected = ExpectedPlugin(name="@acme/x", version=version, arguments="")
    assert names <= archive_names(expected)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(value=JSON)
def test_no_document_ends_in_anything_but_a_bad_entry(value: object) -> None:
    body = {"format": 1, "key": KEY, "files": value, "parts": value, "record": value}
    for document in (value, {"entry": value, "digest": value}, _vouched(body)):
        with pytest.raises(BadEntry):
            parse_entry(json.dumps(document).encode(), Path("nowhere"), KEY)


@given(text=st.binary(max_size=200))
def test_no_bytes_end_in_anything_but_a_bad_entry(text: bytes) -> None:
    with pytest.raises(BadEntry):
        parse_entry(text, Path("nowhere"), KEY)


@settings(max_examples=60, deadline=None)
@given(record=st.dictionaries(st.sampled_from(["name", "version", "arguments", "repairs"]), JSON))
def test_no_record_ends_in_anything_but_a_hit_or_a_miss(
    tmp_path_factory: pytest.TempPathFactory, record: dict[str, Any]
) -> None:
    made = finished(tmp_path_factory.getbasetemp() / "fuzzed")
    entry = replace(made.entry(), record={**made.record, **record})
    try:
        examine(entry, EXPECTED)
    except BadEntry:
        return
    assert isinstance(entry.record.get("repairs"), list)


def _vouched(body: dict[str, Any]) -> dict[str, Any]:
    return {"entry": body, "digest": digest_of_value(body)}


class TestWhatWasExaminedBefore:
    @pytest.fixture
    def reads(self, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
        """The archives that are read to their end."""
        seen: list[Path] = []

        def noting(archive: Path, expected: ExpectedPlugin) -> None:
            seen.append(archive)
            refuse_unsafe(archive, expected)

        refuse_unsafe = examination._refuse_unsafe
        monkeypatch.setattr(examination, "_refuse_unsafe", noting)
        return seen

    def test_is_not_examined_again(self, tmp_path: Path, reads: list[Path]) -> None:
        entry = finished(tmp_path / "entry").entry()
        for _ in range(3):
            examine(entry, EXPECTED)
        assert len(reads) == 1

    def test_is_another_file_when_it_was_written_or_copied(
        self, tmp_path: Path, reads: list[Path]
    ) -> None:
        entry = finished(tmp_path / "entry").entry()
        examine(entry, EXPECTED)
        # A cache that came from elsewhere: all bytes and times are the same.
        shutil.copytree(entry.folder, tmp_path / "restored")
        restored = replace(entry, folder=tmp_path / "restored")
        examine(restored, EXPECTED)
        examine(restored, EXPECTED)
        assert len(reads) == 2
        tgz = restored.folder / TGZ
        times = (tgz.stat().st_atime_ns, tgz.stat().st_mtime_ns)
        tgz.write_bytes(tgz.read_bytes())
        os.utime(tgz, ns=times)
        examine(restored, EXPECTED)
        assert len(reads) == 3

    def test_is_examined_again_for_other_limits_or_another_plugin(
        self, tmp_path: Path, reads: list[Path]
    ) -> None:
        entry = finished(tmp_path / "entry").entry()
        examine(entry, EXPECTED)
        with pytest.raises(BadEntry):
            examine(entry, replace(EXPECTED, limits=ArchiveLimits(entry=1)))
        assert len(reads) == 2

    def test_is_examined_again_by_other_code(
        self, tmp_path: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        entry = finished(tmp_path / "entry").entry()
        examine(entry, EXPECTED)
        monkeypatch.setattr(examination, "code_digest", lambda: "other")
        examine(entry, EXPECTED)
        assert len(reads) == 2

    @pytest.mark.parametrize("mode", [0o666, 0o620])
    def test_a_note_that_others_may_write_does_not_count(
        self, tmp_path: Path, reads: list[Path], mode: int
    ) -> None:
        entry = finished(tmp_path / "entry").entry()
        examine(entry, EXPECTED)
        (entry.folder / "examined").chmod(mode)
        examine(entry, EXPECTED)
        assert len(reads) == 2

    @pytest.mark.parametrize("what", ["a link", "a folder", "a pipe", "other text", "nothing"])
    def test_a_note_that_is_none_does_not_count(
        self, tmp_path: Path, reads: list[Path], what: str
    ) -> None:
        entry = finished(tmp_path / "entry").entry()
        examine(entry, EXPECTED)
        note = entry.folder / "examined"
        said = note.read_bytes()
        note.unlink()
        if what == "a link":
            (tmp_path / "elsewhere").write_bytes(said)
            note.symlink_to(tmp_path / "elsewhere")
        elif what == "a folder":
            note.mkdir()
        elif what == "a pipe":
            os.mkfifo(note)
        elif what == "other text":
            note.write_bytes(said[:-1] + b"x")
        examine(entry, EXPECTED)
        assert len(reads) == 2

    @pytest.mark.parametrize("name", list(POISONED))
    def test_no_note_makes_anything_else_good(self, tmp_path: Path, name: str) -> None:
        made = POISONED[name](tmp_path / "entry")
        entry = made.entry()
        for _ in range(2):
            with pytest.raises(BadEntry):
                examine(entry, EXPECTED)
