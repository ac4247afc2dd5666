"""The key as a function of its parts, and folders as digests, for whatever may be in them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from types import MappingProxyType

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from factory.cache.key import PluginInputs, explain, plugin_key
from factory.cache.tree import Tree

TEXTS = st.text(max_size=6)
PARTS = st.dictionaries(
    st.sampled_from(["factory", "source", "workspace", "yarn.lock", "configuration", "tools", "x"]),
    st.dictionaries(TEXTS, TEXTS, max_size=4),
    max_size=5,
)
# Names that a folder may hold, and that neither builds nor tools leave there.
NAMES = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="/\0"),
    min_size=1,
    max_size=8,
).filter(lambda name: name not in (".", "..") and not name.startswith((".", "dist", "cov", "node")))
FILES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=3).map("/".join),
    st.tuples(st.binary(max_size=12), st.booleans()),
    max_size=6,
)


def inputs(parts: dict[str, dict[str, str]]) -> PluginInputs:
    return PluginInputs(parts=MappingProxyType(parts))


@settings(deadline=None)
@given(PARTS, PARTS)
def test_keys_are_equal_exactly_if_the_parts_are(
    first: dict[str, dict[str, str]], second: dict[str, dict[str, str]]
) -> None:
    assert (plugin_key(inputs(first)) == plugin_key(inputs(second))) == (first == second)


@settings(deadline=None)
@given(PARTS, st.randoms())
def test_the_order_of_the_parts_is_no_part(
    parts: dict[str, dict[str, str]], random: object
) -> None:
    shuffled = {
        group: dict(reversed(list(named.items()))) for group, named in reversed(parts.items())
    }
    assert plugin_key(inputs(shuffled)) == plugin_key(inputs(parts))


@settings(deadline=None)
@given(PARTS, PARTS)
def test_what_differs_is_said(
    first: dict[str, dict[str, str]], second: dict[str, dict[str, str]]
) -> None:
    full = [{g: n for g, n in parts.items() if n} for parts in (first, second)]
    assert bool(explain(first, second)) == (full[0] != full[1])


def test_phrases() -> None:
    old = {
        "yarn.lock": {"jose": "5.1.0#aa", "gone": "1.0.0#aa", "same": "2.0.0#aa"},
        "source": {"plugins/todo": "aa"},
        "configuration": {"arguments": "", "scalprum-config.json": "aa"},
        "variables": {"NODE_OPTIONS": "aa"},
    }
    new = {
        "yarn.lock": {"jose": "5.2.0#bb, 6.0.0#cc", "new": "1.0.0#aa", "same": "2.0.0#bb"},
        "source": {"plugins/todo": "bb"},
        "configuration": {"arguments": "--no-build", "scalprum-config.json": "bb"},
    }
    said = explain(old, new)
    assert said == (
        "the source of plugins/todo",
        "yarn.lock: gone is gone",
        "yarn.lock: jose 5.1.0 -> 5.2.0, 6.0.0",
        "yarn.lock: new 1.0.0 is new",
        "yarn.lock: same 2.0.0 with other contents",
        "the build arguments",
        "scalprum-config.json",
        "the variable NODE_OPTIONS is gone",
    )


def written(files: dict[str, tuple[bytes, bool]], folder: Path) -> bool:
    """Whether the files could be written: a name may not be a file's and a folder's at once."""
    try:
        for path, (content, executable) in files.items():
            file = folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            file.chmod(0o755 if executable else 0o644)
    except (FileExistsError, NotADirectoryError, IsADirectoryError):
        return False
    return True


@settings(deadline=None)
@given(FILES, FILES)
def test_folders_have_equal_digests_exactly_if_they_hold_the_same(
    first: dict[str, tuple[bytes, bool]], second: dict[str, tuple[bytes, bool]]
) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        assume(written(first, Path(one)) and written(second, Path(other)))
        digests = [Tree(root=Path(root)).folder(".").digest for root in (one, other)]
    assert (digests[0] == digests[1]) == (first == second)


@settings(deadline=None)
@given(FILES)
def test_a_folder_written_in_another_order_has_the_same_digest(
    files: dict[str, tuple[bytes, bool]],
) -> None:
    with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as other:
        assume(written(files, Path(one)))
        assert written(dict(reversed(files.items())), Path(other))
        for folder, _, names in os.walk(other):
            for name in names:
                os.utime(Path(folder, name), (1, 1))
        digests = {Tree(root=Path(root)).folder(".").digest for root in (one, other)}
    assert len(digests) == 1


def test_what_is_no_file_is_left_out(tmp_path: Path) -> None:
    empty = Tree(root=tmp_path).folder(".").digest
    os.mkfifo(tmp_path / "pipe")
    assert Tree(root=tmp_path).folder(".").digest == empty
    assert Tree(root=tmp_path / "absent").folder(".").digest == empty


def test_a_link_to_itself_ends(tmp_path: Path) -> None:
    (tmp_path / "round").symlink_to("round")
    (tmp_path / "up").symlink_to(".")
    assert Tree(root=tmp_path).folder(".").outward == frozenset()


def test_a_large_file_counts_too(tmp_path: Path) -> None:
    file = tmp_path / "large.bin"
    file.write_bytes(bytes(5 << 20))
    before = Tree(root=tmp_path).folder(".").digest
    with file.open("r+b") as opened:
        opened.seek(4 << 20)
        opened.write(b"1")
    assert Tree(root=tmp_path).folder(".").digest != before
