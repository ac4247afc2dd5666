"""``plugin-factory inspect``: sizes, packages, limits and the page, on small real bundles."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factory.inspection.inspect_bundle import inspect_bundles
from factory.inspection.mapped_weights import BUNDLER, OWN, UNMAPPED, find_package, weigh_packages
from factory.inspection.treemap import lay_out, treemap_page
from factory.schemas import find_violation

from ..archives.hostile import CORPUS
from ..command_line import Ended, run_here
from ..frontend.bundles import EXPOSED, federated, scalprum, write_bundle
from ..verification.plugins import write_tgz

if TYPE_CHECKING:
    from pathlib import Path

DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def vlq(value: int) -> str:
    """A number as source maps write it: https://tc39.es/ecma426/#sec-base64-vlq."""
    rest = (abs(value) << 1) | (value < 0)
    text = ""
    while True:
        digit, rest = rest & 31, rest >> 5
        text += DIGITS[digit | (32 if rest else 0)]
        if not rest:
            return text


def mapped(lines: list[list[tuple[int, int]]], sources: list[str]) -> bytes:
    """A source map whose segments are (column, source's number), line by line."""
    source, written = 0, []
    for line in lines:
        column, segments = 0, []
        for at, of in line:
            fields = [at - column] if of < 0 else [at - column, of - source, 0, 0]
            segments.append("".join(map(vlq, fields)))
            column, source = at, source if of < 0 else of
        written.append(",".join(segments))
    document = {"version": 3, "sources": sources, "mappings": ";".join(written)}
    return json.dumps(document).encode()


SOURCES = [
    "webpack://x/./src/index.ts",
    "webpack://x/../node_modules/react-dom/cjs/a.js",
    "webpack://x/javascript/node_modules/@mui/material/Button.js",
    "webpack/runtime/global",
]


@pytest.mark.parametrize(
    ("source", "package"),
    [
        (SOURCES[0], OWN),
        (SOURCES[1], "react-dom"),
        (SOURCES[2], "@mui/material"),
        (SOURCES[3], BUNDLER),
        ("webpack://x/../node_modules/a/node_modules/b/index.js", "b"),
        ("", BUNDLER),
    ],
)
def test_a_module_is_of_a_package(source: str, package: str) -> None:
    assert find_package(source) == package


def test_a_script_is_weighed_by_its_segments() -> None:
    script = "0123456789\nabcde\n\nxyz"
    lines = [[(0, 0), (4, 1), (6, -1), (8, 2)], [(1, 3)], []]
    assert weigh_packages(script, mapped(lines, SOURCES)) == {
        OWN: 4, "react-dom": 2, "@mui/material": 2, BUNDLER: 4, UNMAPPED: 2 + 1 + 3,
    }  # fmt: skip


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 40), st.integers(-1, 5)), max_size=6), max_size=4)
)
def test_all_of_a_script_is_weighed_once(lines: list[list[tuple[int, int]]]) -> None:
    script = "\n".join("x" * 30 for _ in range(4))
    in_order = [sorted(line) for line in lines]
    assert sum(weigh_packages(script, mapped(in_order, SOURCES)).values()) == 120


@pytest.mark.parametrize("text", ["", "[]", '{"mappings": 5}', '{"sources": [], "mappings": "é"}'])
def test_what_is_no_source_map_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        weigh_packages("x", text.encode())


def bundle(root: Path, **package: Any) -> Path:
    script = "a" * 4000 + "b" * 6000
    files = federated(".", script=script, shared=("react", "@material-ui/core"))
    files[f"dist/{EXPOSED}.map"] = mapped([[(0, 0), (4000, 1)]], SOURCES).decode()
    files |= scalprum(PluginRoot="c" * 500)
    write_bundle(root, files, **package)
    return root


def test_files_packages_and_what_is_shared_are_told(tmp_path: Path) -> None:
    new, old = inspect_bundles(bundle(tmp_path))
    assert (new.system, new.name, old.system, old.name) == ("new", "team__todo", "old", "team.todo")
    (entry,) = new.files["entry"]
    (exposed,) = new.files["at once"]
    assert (entry.name, entry.size) == ("remoteEntry.js", 2)
    assert exposed.size == 10_000
    assert exposed.gzipped == len(gzip.compress(b"a" * 4000 + b"b" * 6000, 6, mtime=0))
    assert [(one.name, one.at_once) for one in new.packages[:2]] == [
        ("react-dom", 6000),
        (OWN, 4000),
    ]
    assert new.unmapped == ("remoteEntry.js",)
    assert new.bundled_though_shared == ("react-dom",)
    assert new.shared_libraries == ("@material-ui/core",)
    assert [one.name for one in old.files["at once"]] == ["static/exposed-PluginRoot.1234.chunk.js"]


def inspect(*words: object) -> Ended:
    return run_here({}, "inspect", *map(str, words))


def test_the_command_tells_people_and_machines(tmp_path: Path) -> None:
    root = bundle(tmp_path / "plugin")
    told = inspect(root, "--html", tmp_path / "page.html")
    assert told.code == 0, told.said
    told.assert_says("new frontend system: team__todo", "react-dom", "has for itself though")
    assert "team__todo" in (tmp_path / "page.html").read_text()
    document = json.loads(inspect(root, "--json").stdout)
    assert find_violation(document, "inspection") is None
    assert [part["when"] for part in document["bundles"][0]["parts"]] == [
        "entry",
        "at once",
        "later",
    ]


def test_a_packed_plugin_is_unpacked_first(tmp_path: Path) -> None:
    root = bundle(tmp_path / "plugin")
    files = {
        file.relative_to(root).as_posix(): file.read_bytes()
        for file in root.rglob("*")
        if file.is_file()
    }
    assert inspect(write_tgz(tmp_path / "todo.tgz", files)).code == 0


@pytest.mark.parametrize(
    ("limits", "code", "words"),
    [
        ("total: 1MB\n", 0, "team__todo"),
        ("entry: 10\nat-once: 20\n", 14, "beyond the limit: new frontend system: at once"),
        ("refused-packages: [react-dom]\n", 14, "react-dom: 6.0 kB, allowed: none of it"),
        ("totall: 5\n", 3, "totall"),
        ("total: many\n", 3, "a limit is not a size"),
        ("total: -1\n", 3, "total"),
    ],
)
def test_limits_are_held(limits: str, code: int, words: str, tmp_path: Path) -> None:
    root = bundle(tmp_path / "plugin")
    (tmp_path / "limits.yaml").write_text(limits)
    ended = inspect(root, "--limits", tmp_path / "limits.yaml")
    assert ended.code == code, ended.said
    ended.assert_says(words)


@pytest.mark.parametrize("name", ["traversal", "absolute", "control character"])
def test_hostile_archives_are_refused(name: str, tmp_path: Path) -> None:
    tgz = tmp_path / "hostile.tgz"
    tgz.write_bytes(CORPUS[name]())
    ended = inspect(tgz)
    assert ended.code == 15
    ended.assert_says(CORPUS[name].names)


def test_what_is_no_frontend_is_told(tmp_path: Path) -> None:
    write_bundle(tmp_path / "backend", {})
    inspect(tmp_path / "backend").assert_says("there is no frontend bundle in it")
    inspect(tmp_path / "gone").assert_says("there is no plugin here")
    (tmp_path / "empty").mkdir()
    inspect(tmp_path / "empty").assert_says("there is no readable package.json")
    write_bundle(tmp_path / "broken", federated(".") | {"dist/mf-manifest.json": "{}"})
    inspect(tmp_path / "broken").assert_says("has no name", "plugin-factory verify")


@given(st.lists(st.integers(1, 10**7), min_size=1, max_size=60))
def test_the_boxes_fill_the_picture_by_weight(weights: list[int]) -> None:
    in_order = sorted(weights, reverse=True)
    boxes = lay_out(in_order)
    assert [box.of for box in boxes] == list(range(len(in_order)))
    for box in boxes:
        area = box.width * box.height / 100
        assert area == pytest.approx(100 * in_order[box.of] / sum(in_order), rel=1e-6, abs=1e-6)
        assert -1e-6 <= box.x <= box.x + box.width <= 100 + 1e-6
        assert -1e-6 <= box.y <= box.y + box.height <= 100 + 1e-6


def test_a_page_has_no_markup_of_others(tmp_path: Path) -> None:
    root = bundle(tmp_path)
    page = treemap_page("<script>alert(1)</script>\x1b[31m", inspect_bundles(root))
    assert "<script" not in page
    assert "\x1b" not in page
    assert "http" not in page
