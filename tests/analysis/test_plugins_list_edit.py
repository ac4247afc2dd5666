"""Changing arguments in plugins-list.yaml leaves every other byte as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from factory.config.plugins_list_edit import (
    ListChange,
    edit_plugins_list,
    rewrite_plugins_list,
)
from factory.errors import ConfigurationError

FILE = Path("plugins-list.yaml")
LIST = """\
# The plugins of this workspace

plugins/a:   # needs nothing
# plugins/off: --embed-package x
plugins/b: --embed-package x   # for the portal
"plugins/c": '--embed-package y'

plugins/d: >-
  --embed-package a
  --embed-package b

# behind a block
plugins/e: --embed-package a
  --embed-package b
plugins/f: ~
plugins/g: --embed-package gone
"""


def edited(text: str, **wanted: str) -> str:
    return edit_plugins_list(text, {f"plugins/{k}": v for k, v in wanted.items()}, FILE)[0]


@pytest.mark.parametrize(
    ("plugin", "arguments", "before", "after"),
    [
        ("a", "--embed-package !z", "plugins/a:   # ", "plugins/a: --embed-package !z   # "),
        ("b", "--no-x", "plugins/b: --embed-package x   #", "plugins/b: --no-x   #"),
        ("b", "", "plugins/b: --embed-package x   #", "plugins/b:   #"),
        ("c", "--no-x", "'--embed-package y'", "--no-x"),
        (
            "d",
            "--no-x",
            ">-\n  --embed-package a\n  --embed-package b\n\n# behind",
            "--no-x\n\n# behind",
        ),
        ("e", "--no-x", "e: --embed-package a\n  --embed-package b\n", "e: --no-x\n"),
        ("f", "--no-x", "f: ~", "f: --no-x"),
        ("g", "", "plugins/g: --embed-package gone\n", "plugins/g:\n"),
        ("g", "--x 'a: b'", "--embed-package gone", "'--x ''a: b'''"),
    ],
)
def test_only_the_value_is_replaced(plugin: str, arguments: str, before: str, after: str) -> None:
    assert LIST.count(before) == 1
    text = edited(LIST, **{plugin: arguments})
    assert text == LIST.replace(before, after)
    assert (yaml.safe_load(text)[f"plugins/{plugin}"] or "") == arguments


def test_the_same_arguments_change_nothing() -> None:
    text, changes = edit_plugins_list(LIST, {"plugins/b": "--embed-package x"}, FILE)
    assert text == LIST
    assert changes == ()


def test_changes_say_before_and_after() -> None:
    _, changes = edit_plugins_list(LIST, {"plugins/b": "--no-x", "new": ""}, FILE)
    assert changes == (
        ListChange(path="plugins/b", before="--embed-package x", after="--no-x"),
        ListChange(path="new", before=None, after=""),
    )


def test_a_new_plugin_comes_at_the_end() -> None:
    assert edited(LIST, z="--no-x") == LIST + "plugins/z: --no-x\n"
    assert edited("plugins/a:", z="") == "plugins/a:\nplugins/z:\n"
    assert edited("", z="--no-x") == "plugins/z: --no-x\n"
    assert edited("# only a comment\n", z="") == "# only a comment\nplugins/z:\n"


def test_a_map_in_braces_stays_one() -> None:
    text = edited("{plugins/a: --x, plugins/b: }\n", a="--y", b="--z", c="--w")
    assert yaml.safe_load(text) == {"plugins/a": "--y", "plugins/b": "--z", "plugins/c": "--w"}
    assert edited("{}\n", a="--y") == "plugins/a: --y\n"


def test_windows_line_endings_stay() -> None:
    assert edited("plugins/a:\r\nplugins/b: x\r\n", a="--y", c="") == (
        "plugins/a: --y\r\nplugins/b: x\r\nplugins/c:\r\n"
    )


def test_paths_are_compared_as_paths() -> None:
    assert edited("./plugins/a/: --x\n", a="--y") == "./plugins/a/: --y\n"


@pytest.mark.parametrize(
    "text", ["- a\n", "a: [b]\n", "a: {b: c}\n", "a: 'b\n", "a: &x --b\nc: *x\n"]
)
def test_what_is_no_list_of_plugins_is_an_error(text: str) -> None:
    with pytest.raises(ConfigurationError):
        edit_plugins_list(text, {"a": "--y"}, FILE)


def test_hand_written_arguments_are_kept_in_a_backup(tmp_path: Path) -> None:
    file = tmp_path / "plugins-list.yaml"
    for number, name in enumerate(("plugins-list.yaml.bak", "plugins-list.yaml.bak.2")):
        before = f"plugins/a: --embed-package x{number}\n"
        file.write_text(before)
        backup = rewrite_plugins_list(file, {"plugins/a": "--no-x"}).backup
        assert backup == tmp_path / name
        assert backup.read_text() == before
        assert file.read_text() == "plugins/a: --no-x\n"


def test_filling_in_arguments_needs_no_backup(tmp_path: Path) -> None:
    file = tmp_path / "plugins-list.yaml"
    file.write_text("plugins/a:\n")
    file.chmod(0o600)
    assert rewrite_plugins_list(file, {"plugins/a": "--no-x"}).backup is None
    assert [path.name for path in tmp_path.iterdir()] == ["plugins-list.yaml"]
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_file_keeps_its_line_ends_and_its_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "plugins-list.yaml"
    file.write_bytes(b"\xef\xbb\xbf# mine\r\nplugins/a: --x\r\nplugins/b:\r\n")
    done = rewrite_plugins_list(file, {"plugins/a": "--no-x"})
    assert file.read_bytes() == b"\xef\xbb\xbf# mine\r\nplugins/a: --no-x\r\nplugins/b:\r\n"
    assert done.backup
    assert done.backup.read_bytes() == b"\xef\xbb\xbf# mine\r\nplugins/a: --x\r\nplugins/b:\r\n"


def test_a_file_in_which_nothing_changes_is_not_written(tmp_path: Path) -> None:
    file = tmp_path / "plugins-list.yaml"
    file.write_text("plugins/a: --x\n")
    before = file.stat()
    assert rewrite_plugins_list(file, {"plugins/a": "--x"}).changes == ()
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


words = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30).map(
    lambda text: " ".join(text.split())
)
comments = st.sampled_from(["", "# a comment", "  # another", "# plugins/off: --x"])
maps = st.lists(st.tuples(st.sampled_from("abcdef"), words, comments), unique_by=lambda e: e[0])


def entry_line(path: str, value: str) -> str:
    return yaml.safe_dump({path: value}, width=9999).rstrip() if value else f"{path}:"


@given(maps, st.dictionaries(st.sampled_from("abcdef"), words, max_size=3))
def test_any_list_is_edited_to_what_is_wanted(
    entries: list[tuple[str, str, str]], wanted: dict[str, str]
) -> None:
    text = "".join(f"{comment}\n{entry_line(path, value)}\n" for path, value, comment in entries)
    after, _ = edit_plugins_list(text, wanted, FILE)
    read = {path: value or "" for path, value in (yaml.safe_load(after) or {}).items()}
    assert read == {path: value for path, value, _ in entries} | wanted
    assert [line for line in after.splitlines() if "#" in line.partition(":")[0]] == [
        line for line in text.splitlines() if "#" in line.partition(":")[0]
    ]


def test_an_indented_map_stays_one() -> None:
    assert edited("  plugins/a: x\n  plugins/b:\n", b="--y", c="--z") == (
        "  plugins/a: x\n  plugins/b: --y\n  plugins/c: --z\n"
    )


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("plugins/a:\n...\n", "plugins/a:\nplugins/z: --x\n...\n"),
        (
            "---\nplugins/a: |\n  b\n\n... # end\n",
            "---\nplugins/a: |\n  b\n\nplugins/z: --x\n... # end\n",
        ),
        ("---\n...\n", "---\nplugins/z: --x\n...\n"),
        ("---", "---\nplugins/z: --x\n"),
        ("\ufeffplugins/a:\r\n", "\ufeffplugins/a:\r\nplugins/z: --x\r\n"),
        ("\ufeff", "\ufeffplugins/z: --x\n"),
        (
            "plugins/a: b\n  # indented\n# end",
            "plugins/a: b\n  # indented\n# end\nplugins/z: --x\n",
        ),
        ("{plugins/a: b, # c }\n}\n# }", "{plugins/a: b, 'plugins/z': '--x', # c }\n}\n# }"),
        ("{ # none yet\n}\n", "{ # none yet\n'plugins/z': '--x'}\n"),
        ("--- {plugins/a}\n", "--- {plugins/a, 'plugins/z': '--x'}\n"),
        ("? plugins/a\n: b\n", "? plugins/a\n: b\nplugins/z: --x\n"),
    ],
)
def test_a_plugin_is_added_where_the_list_ends(text: str, after: str) -> None:
    assert edited(text, z="--x") == after
    assert yaml.safe_load(after)["plugins/z"] == "--x"


@pytest.mark.parametrize(
    "text",
    [
        "plugins/a: &x --b\nplugins/c: *x\n",
        "? plugins/a\n? plugins/c\n",
    ],
)
def test_what_cannot_be_edited_is_left_alone_and_the_lines_are_shown(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "plugins-list.yaml"
    file.write_text(text)
    with pytest.raises(ConfigurationError):
        rewrite_plugins_list(file, {"plugins/a": "--new"})
    assert file.read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["plugins-list.yaml"]


# Every way in which a value may be written: the text, and whether a line break is behind it.
values = st.one_of(
    st.sampled_from(["", " ~", " null", " # why", " --x", " '--x y'", ' "--x" # why', " &v --x"]),
    st.sampled_from([" |\n{}  --x\n{}  --y", " >-\n{}  --x # no comment", "\n{}  --x\n{}  --y"]),
    st.sampled_from([" |+\n{}  --x\n", " !!str --x", " --x:y  # c", ' "a\\\n{}  b"']),
)


@st.composite
def written_lists(draw: st.DrawFn) -> str:
    indent = " " * draw(st.sampled_from([0, 0, 2, 3]))
    lines = [draw(st.sampled_from(["", "---\n", "%YAML 1.1\n---\n", "# head\n\n"]))]
    for name in draw(st.lists(st.sampled_from("abcdef"), unique=True, max_size=4)):
        lines.append(draw(st.sampled_from(["", "", "# about\n", "\n", f"{indent}#off: --x\n"])))
        key = draw(st.sampled_from(["{}", "'{}'", '"{}"', "./{}/", "{} "])).format(name)
        lines.append(f"{indent}{key}:{draw(values).replace('{}', indent)}\n")
    lines.append(draw(st.sampled_from(["", "# tail\n", "...\n", "\n\n", "  # tail"])))
    text = "".join(lines)
    bom = draw(st.sampled_from(["", "\ufeff"])) if not text.startswith("%") else ""
    return bom + (text.replace("\n", "\r\n") if draw(st.booleans()) else text)


@st.composite
def braced_lists(draw: st.DrawFn) -> str:
    entries = draw(
        st.lists(
            st.tuples(
                st.sampled_from("abcdef"),
                st.sampled_from(["", ": --x", ": '--x y'", ":", ": null", ': "--x" # c\n']),
            ),
            unique_by=lambda entry: entry[0],
            max_size=4,
        )
    )
    inside = ", ".join(name + value for name, value in entries)
    closing = draw(st.sampled_from(["", " ", ",", "\n", " # }\n"])) if entries else ""
    return draw(st.sampled_from(["{{{}{}}}\n", "---\n{{ {}{}}} # end }}"])).format(inside, closing)


def content(text: str) -> dict[str, str]:
    read = yaml.safe_load(text) or {}
    return {key.strip("./ "): " ".join((value or "").split()) for key, value in read.items()}


@given(
    st.one_of(written_lists(), braced_lists()),
    st.dictionaries(st.sampled_from("abcdefgh"), words, max_size=4),
)
def test_however_a_list_is_written_only_what_is_wanted_changes(
    text: str, wanted: dict[str, str]
) -> None:
    before = content(text)
    after, changes = edit_plugins_list(text, wanted, FILE)
    assert content(after) == before | wanted
    assert {change.path for change in changes} == {
        path for path in wanted if before.get(path) != wanted[path]
    }
    if not changes:
        assert after == text
    untouched = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert [line for line in after.splitlines() if line in untouched] == untouched
    assert ("\r\n" in after) == ("\r\n" in text) or not text.strip()
