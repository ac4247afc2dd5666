"""A backend's packages against the yarn.lock of its workspace: versions and patches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from factory.analysis.locked_workspace import (
    LockedPatch,
    find_locked_patches,
    read_locked_workspace,
)
from factory.verification.findings import LOCKED, CheckFinding
from factory.verification.plugin_checks import verify_plugin_folder

from .locked_sources import ONCE, PLUGIN, entry, locked_source
from .plugins import HOST, backend, terms, write_folder

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

PATCH = """diff --git a/index.js b/index.js
--- a/index.js
+++ b/index.js
@@ -1,2 +1,3 @@
 first
-second
+second, mended
+third
diff --git a/made.js b/made.js
new file mode 100644
--- /dev/null
+++ b/made.js
@@ -0,0 +1 @@
+made
diff --git a/gone.js b/gone.js
deleted file mode 100644
--- a/gone.js
+++ /dev/null
@@ -1 +0,0 @@
-gone
"""
SECOND_PATCH = """--- a/index.js
+++ b/index.js
@@ -2,2 +2,2 @@
 second, mended
-third
+third, again
"""
PATCHED = entry(
    "once@patch:once@npm%3A^1.0.0#~/fix.patch",
    "1.4.0",
    "once@patch:once@npm%3A1.4.0#~/fix.patch::version=1.4.0&hash=abc",
)
TWICE = entry(
    "once@patch:once@npm%3A^1.0.0#~/fix.patch&~/more.patch",
    "1.4.0",
    "once@patch:once@npm%3A1.4.0#~/fix.patch&~/more.patch::version=1.4.0&hash=abc",
)
FIXED = {"index.js": "first\nsecond, mended\nthird\n", "made.js": "made\n"}


def package(name: str, version: str, **fields: Any) -> str:
    return json.dumps({"name": name, "version": version, **fields})


def compared(
    tmp_path: Path,
    source: Path,
    modules: Mapping[str, str | None],
    dependencies: Mapping[str, str] | None = None,
    **fields: Any,
) -> CheckFinding:
    """The check of a backend with these files in node_modules."""
    files = {f"node_modules/{name}": text for name, text in modules.items()}
    manifest = {"dependencies": dict(dependencies or {"once": "^1.0.0"}), **fields}
    folder = write_folder(tmp_path / "plugin", backend(manifest, files))
    workspaces = (read_locked_workspace(source, HOST),)
    result = verify_plugin_folder(folder, "it", terms(loads=False, workspaces=workspaces))
    return next(one for one in result.findings if one.check == LOCKED)


def test_what_is_locked_passes(tmp_path: Path) -> None:
    found = compared(tmp_path, locked_source(tmp_path / "source"), {})
    assert (found.result, found.detail) == ("passed", "1 package as in yarn.lock")


def test_two_versions_of_one_package_are_told_apart_by_who_needs_them(tmp_path: Path) -> None:
    source = locked_source(
        tmp_path / "source",
        entry("a@npm:^1.0.0", "1.0.0", "a@npm:1.0.0", {"c": "npm:^1.0.0"}),
        entry("b@npm:^1.0.0", "1.0.0", "b@npm:1.0.0", {"c": "npm:^2.0.0"}),
        entry("c@npm:^1.0.0", "1.5.0", "c@npm:1.5.0"),
        entry("c@npm:^2.0.0", "2.5.0", "c@npm:2.5.0"),
        dependencies={"a": "^1.0.0", "b": "^1.0.0"},
    )
    needs = {"a": {"c": "^1.0.0"}, "b": {"c": "^2.0.0"}}
    modules: dict[str, str | None] = {
        "once/package.json": None,
        "once/index.js": None,
        "a/package.json": package("a", "1.0.0", dependencies=needs["a"]),
        "b/package.json": package("b", "1.0.0", dependencies=needs["b"]),
        "c/package.json": package("c", "1.5.0"),
        "b/node_modules/c/package.json": package("c", "2.5.0"),
    }
    asked = {"a": "^1.0.0", "b": "^1.0.0"}
    assert compared(tmp_path, source, modules, asked).result == "passed"
    # Both versions are in the lockfile, and each is at the wrong one's place.
    del modules["b/node_modules/c/package.json"]
    found = compared(tmp_path / "swapped", source, modules, asked)
    assert found.found == "c: 1.5.0 instead of 2.5.0 (for b 1.0.0)"


@pytest.mark.parametrize(
    ("resolutions", "right", "wrong"),
    [
        ({"once": "1.3.0"}, "1.3.0", "1.4.0"),
        ({"once@npm:^1.0.0": "npm:1.3.0"}, "1.3.0", "1.4.0"),
        ({"once@npm:~1.0.0": "npm:1.3.0"}, "1.4.0", "1.3.0"),
        ({f"{PLUGIN}/once": "1.3.0"}, "1.3.0", "1.4.0"),
        ({"other/once": "1.3.0"}, "1.4.0", "1.3.0"),
    ],
)
def test_the_roots_resolutions_say_which_entry_counts(
    resolutions: dict[str, str], right: str, wrong: str, tmp_path: Path
) -> None:
    source = locked_source(
        tmp_path / "source",
        ONCE,
        entry("once@npm:1.3.0", "1.3.0", "once@npm:1.3.0"),
        resolutions=resolutions,
    )
    for version, expected in ((right, "passed"), (wrong, "failed")):
        modules = {"once/package.json": package("once", version)}
        assert compared(tmp_path / version, source, modules).result == expected


def test_an_alias_is_the_package_behind_it(tmp_path: Path) -> None:
    source = locked_source(
        tmp_path / "source",
        entry("once@npm:twice@^2.0.0", "2.0.1", "twice@npm:2.0.1"),
        dependencies={"once": "npm:twice@^2.0.0"},
    )
    right = {"once/package.json": package("twice", "2.0.1")}
    assert compared(tmp_path, source, right).result == "passed"
    wrong = {"once/package.json": package("once", "2.0.1")}
    found = compared(tmp_path / "wrong", source, wrong)
    assert found.found.startswith("twice: once 2.0.1 instead of 2.0.1")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (FIXED, ""),
        # Yarn applies a patch where its lines are.
        (FIXED | {"index.js": f"a line\nmore\n{FIXED['index.js']}"}, ""),
        (FIXED | {"index.js": "first\nsecond\n"}, "1.4.0 without its patch fix.patch"),
        ({"index.js": FIXED["index.js"]}, "1.4.0 without its patch fix.patch"),
        (FIXED | {"gone.js": "gone\n"}, "1.4.0 without its patch fix.patch"),
    ],
)
def test_a_patched_package_has_its_patch(files: dict[str, str], said: str, tmp_path: Path) -> None:
    source = locked_source(
        tmp_path / "source",
        ONCE,
        PATCHED,
        resolutions={"once@npm:^1.0.0": "patch:once@npm%3A^1.0.0#~/fix.patch"},
        files={"fix.patch": PATCH},
    )
    found = compared(tmp_path, source, {f"once/{name}": text for name, text in files.items()})
    assert found.result == ("failed" if said else "passed")
    assert said in found.found
    if said:
        assert "instead of 1.4.0 with its patch" in found.found


def test_of_two_patches_the_first_is_looked_for_below_the_second(tmp_path: Path) -> None:
    source = locked_source(
        tmp_path / "source",
        ONCE,
        TWICE,
        resolutions={"once@npm:^1.0.0": "patch:once@npm%3A^1.0.0#~/fix.patch&~/more.patch"},
        files={"fix.patch": PATCH, "more.patch": SECOND_PATCH},
    )
    both = {
        "once/index.js": "first\nsecond, mended\nthird, again\n",
        "once/made.js": "made\n",
    }
    assert compared(tmp_path, source, both).result == "passed"
    first = {f"once/{name}": text for name, text in FIXED.items()}
    found = compared(tmp_path / "one", source, first)
    assert "without its patch more.patch" in found.found


@pytest.mark.parametrize(
    ("locator", "patches"),
    [
        ("once@npm:1.4.0", ()),
        ("once@patch:once@npm%3A1.4.0#~/.yarn/p.patch::version=1&hash=a", (".yarn/p.patch",)),
        (
            "a@patch:a@npm%3A1.0.0#./p.patch::version=1&hash=a&locator=b%40workspace%3Aplugins%2Fb",
            ("plugins/b/p.patch",),
        ),
        (
            "a@patch:a@npm%3A1.0.0#../p.patch::version=1&locator=b%40workspace%3Aplugins%2Fb",
            ("plugins/p.patch",),
        ),
        (
            "a@patch:a@patch%3Aa@npm%253A1.0.0%23~/one.patch#~/two.patch::version=1&hash=a",
            ("one.patch", "two.patch"),
        ),
        ("a@patch:a@npm%3A1.0.0#~/../../etc/passwd::version=1", ("",)),
        ("a@patch:a@npm%3A1.0.0#/etc/passwd::version=1", ("",)),
    ],
)
def test_patches_are_found_from_the_folder_of_the_lockfile(
    locator: str, patches: tuple[str, ...]
) -> None:
    assert tuple(each.path for each in find_locked_patches(locator)) == patches


def test_what_need_not_apply_is_not_looked_for() -> None:
    locator = "a@patch:a@npm%3A1#optional!builtin<compat/a>&optional!~/p.patch::version=1"
    assert find_locked_patches(locator) == (
        LockedPatch(path="", optional=True),
        LockedPatch(path="p.patch", optional=True),
    )


def test_what_is_in_no_lockfile_is_named(tmp_path: Path) -> None:
    source = locked_source(tmp_path / "source")
    found = compared(tmp_path, source, {"stray/package.json": package("stray", "9.0.0")})
    assert found.found == "stray: 9.0.0 instead of nothing"


def test_what_is_locked_and_not_there_is_named(tmp_path: Path) -> None:
    source = locked_source(
        tmp_path / "source",
        entry("once@npm:^1.0.0", "1.4.0", "once@npm:1.4.0", {"wrappy": "npm:1"}),
        entry("wrappy@npm:1", "1.0.2", "wrappy@npm:1.0.2"),
    )
    assert (
        compared(tmp_path, source, {}).found == "wrappy: nothing instead of 1.0.2 (for once 1.4.0)"
    )


def test_what_comes_within_a_package_is_that_packages(tmp_path: Path) -> None:
    source = locked_source(tmp_path / "source")
    modules = {
        "once/package.json": package("once", "1.4.0", bundleDependencies=["inner"]),
        "once/node_modules/inner/package.json": package("inner", "7.0.0"),
    }
    assert compared(tmp_path, source, modules).result == "passed"


def test_a_stand_in_for_a_suppressed_package_is_no_difference(tmp_path: Path) -> None:
    source = locked_source(tmp_path / "source")
    stub = {"once/package.json": json.dumps({"name": "once", "main": "index.js"})}
    resolutions = {"once": "file:embedded/once"}
    assert compared(tmp_path, source, stub, resolutions=resolutions).result == "passed"
    assert compared(tmp_path / "other", source, stub).result == "failed"


def test_an_embedded_member_is_compared_with_what_is_left_of_its_dependencies(
    tmp_path: Path,
) -> None:
    common = {
        "name": "@scope/common",
        "version": "3.0.0",
        "dependencies": {"once": "^1.0.0", "@backstage/errors": "^1.0.0"},
    }
    source = locked_source(
        tmp_path / "source",
        ONCE,
        entry("@backstage/errors@npm:^1.0.0", "1.2.0", "@backstage/errors@npm:1.2.0"),
        dependencies={"@scope/common": "workspace:^"},
        files={"plugins/common/package.json": json.dumps(common)},
    )
    needs = {"once": "^1.0.0"}
    modules = {
        "@scope/common/package.json": package("@scope/common", "3.0.0+embedded", dependencies=needs)
    }
    asked = {"@scope/common": "3.0.0"}
    assert compared(tmp_path, source, modules, asked).result == "passed"
    older = {
        "@scope/common/package.json": package("@scope/common", "2.0.0+embedded", dependencies=needs)
    }
    found = compared(tmp_path / "older", source, older, asked)
    assert "@scope/common: 2.0.0+embedded instead of 3.0.0" in found.found
    assert "--embed-package @scope/common" in found.hint


def test_another_version_of_the_plugin_is_said_and_nothing_else(tmp_path: Path) -> None:
    source = locked_source(tmp_path / "source")
    found = compared(tmp_path, source, {"stray/package.json": "{}"}, version="1.2.4")
    assert found.found == f"{PLUGIN}: 1.2.4 instead of 1.2.3"


def test_a_plugin_of_another_workspace_is_an_error(tmp_path: Path) -> None:
    source = locked_source(tmp_path / "source")
    found = compared(tmp_path, source, {}, name="@scope/other-dynamic")
    assert "no workspace that was named has the package @scope/other" in found.detail
    assert "--workspace" in found.hint


@pytest.mark.parametrize(
    "text", ["", "[]", "null", '{"name": 5}', '{"dependencies": 7}', "{", '{"version": {}}']
)
def test_hostile_manifests_are_differences(text: str, tmp_path: Path) -> None:
    source = locked_source(tmp_path / "source")
    assert compared(tmp_path, source, {"once/package.json": text}).result == "failed"
