"""What fails late: each failure says what, where and what next, and stops no more than it must."""

from __future__ import annotations

import json
from pathlib import Path

from .example_builds import Tree, snapshot

BACKEND = "plugins/greetings-backend"
MODULE = "plugins/greetings-backend-module-nordic"


def test_a_plugin_that_rhdh_cli_refuses_does_not_stop_the_others(tree: Tree) -> None:
    overlay = tree.config / MODULE / "overlay/src/index.ts"
    overlay.write_text("export const nothing = 'to load';\n")
    tree.list_plugins(MODULE, BACKEND)
    ended = tree.build()
    assert ended.code == 9
    failed, done = tree.report["plugins"]
    assert (failed["outcome"], done["outcome"]) == ("failed", "done")
    assert (tree.outputs / done["files"][0]["name"]).is_file()
    assert not list(tree.outputs.glob("*nordic*"))
    # rhdh-cli's own message, not only its exit code.
    assert "Backend plugin is not valid for dynamic loading" in failed["error"]["problem"]
    assert Path(failed["error"]["log"]).is_file()
    assert "Backend plugin is not valid for dynamic loading" in ended.stdout
    assert "1 failed" in ended.stdout
    assert "Traceback" not in ended.said


def test_a_type_error_is_shown_with_its_file_and_line(tree: Tree) -> None:
    tree.compile_anew()
    router = tree.source / BACKEND / "src/router.ts"
    lines = router.read_text().count("\n")
    router.write_text(router.read_text() + "export const wrong: number = 'text';\n")
    ended = tree.build()
    assert ended.code == 8
    assert f"{BACKEND}/src/router.ts:{lines + 1}:14" in ended.stderr
    assert "TS2322" in ended.stderr
    assert "tsc.log" in ended.stderr
    assert [plugin["outcome"] for plugin in tree.report["plugins"]] == ["skipped"] * 3
    assert tree.report["error"]["kind"] == "compile"


def test_a_lockfile_that_is_out_of_date_is_an_error_and_stays_as_it_is(sources: Tree) -> None:
    package_json = sources.source / BACKEND / "package.json"
    package = json.loads(package_json.read_text())
    package["dependencies"]["is-odd"] = "^3.0.1"
    package_json.write_text(json.dumps(package))
    before = (sources.source / "yarn.lock").read_bytes()
    ended = sources.build()
    assert ended.code == 7
    assert "yarn.lock is out of date" in ended.stderr
    assert "is-odd" in ended.stderr
    assert (sources.source / "yarn.lock").read_bytes() == before


def test_a_workspace_without_a_lockfile_says_how_to_get_one(sources: Tree) -> None:
    (sources.source / "yarn.lock").unlink()
    ended = sources.build()
    assert ended.code == 7
    assert "no yarn.lock" in ended.stderr
    assert "yarn install" in ended.stderr


def test_a_registry_that_is_dead_ends_the_installation_with_yarns_words(sources: Tree) -> None:
    ended = sources.build(
        YARN_NPM_REGISTRY_SERVER="http://127.0.0.1:9",
        YARN_UNSAFE_HTTP_WHITELIST="127.0.0.1",
        YARN_HTTP_RETRY="0",
        YARN_GLOBAL_FOLDER=str(sources.source / "no-cache"),
    )
    assert ended.code == 7
    assert "yarn install failed" in ended.stderr
    assert "ECONNREFUSED" in ended.stderr
    assert "install.log" in ended.stderr


def test_a_secret_is_in_no_log_report_or_message(tree: Tree) -> None:
    tree.list_plugins(MODULE)
    secret = "s3cr3t-that-nobody-may-see"
    (tree.config / ".env").write_text(f"REGISTRY_PASSWORD={secret}\nMY_TOKEN={secret}\n")
    package_json = tree.source / MODULE / "package.json"
    package = json.loads(package_json.read_text())
    command = package["scripts"]["build"]
    package["scripts"]["build"] = f"env && echo said {secret} && {command}"
    package_json.write_text(json.dumps(package))
    ended = tree.build("--verbose", NPM_TOKEN=secret)
    assert ended.code == 0, ended.said
    assert "said ***" in ended.said
    assert secret not in ended.said
    for name, content in snapshot(tree.outputs).items():
        assert secret.encode() not in content, name
