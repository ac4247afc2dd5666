"""``plugin-factory plan``: what a build would do, with real repositories and nothing written."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from factory.cache.store import Store, store_of
from factory.cli.app import run
from factory.errors import ConfigurationError, SourceError, UsageError
from factory.schemas import find_violation
from tests.reports.test_merge import plugin, several, workspace
from tests.sources.repositories import Repository, new_repository

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/local-workspace"
PINNED = "3fadf6b0595d1d1804f5c7f2690f4db7b81275f1"
# No host has this name (RFC 2606): whoever asks for it fails.
NOWHERE = "https://git.example.invalid/plugins"
FRONT, BACK, MODULE = (
    "plugins/greetings",
    "plugins/greetings-backend",
    "plugins/greetings-backend-module-nordic",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.out)
        assert find_violation(document, "plan") is None
        return document


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A configuration directory, and the command run on it."""

    root: Path
    process: dict[str, str]
    capsys: pytest.CaptureFixture[str]
    variables: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, content: str | dict[str, Any]) -> Path:
        file = self.root / "config" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return file

    def plan(self, *options: str) -> Ended:
        folders = {"config-dir": "config", "repo-path": "source", "output-dir": "outputs"}
        words = [f"--{name}={self.root / folder}" for name, folder in folders.items()]
        cache = {
            "PLUGIN_FACTORY_CACHE_DIR": str(self.root / "cache"),
            "PLUGIN_FACTORY_NO_CACHE": "false",
        }
        process = {**self.process, **cache}
        code = run(["plan", *words, *options], process | self.variables)
        said = self.capsys.readouterr()
        return Ended(code=code, out=said.out, err=said.err)

    def everything(self) -> dict[Path, bytes]:
        """All files but the cache's: a plan must leave them as they are."""
        return {
            path: path.read_bytes() if path.is_file() else b""
            for path in self.root.rglob("*")
            if not path.is_relative_to(self.root / "cache")
        }


@pytest.fixture
def desk(tmp_path: Path, process: dict[str, str], capsys: pytest.CaptureFixture[str]) -> Desk:
    desk = Desk(root=tmp_path, process=process, capsys=capsys)
    desk.write(".env", "RHDH_CLI_VERSION=1.9.1\n")  # its latest version needs no asking then
    return desk


@pytest.fixture
def example(tmp_path: Path) -> Repository:
    """The shipped example's workspace as a repository: main, a tag v1, and main is further."""
    repository = new_repository(tmp_path / "example")
    shutil.copytree(EXAMPLE / "workspace", repository.path, dirs_exist_ok=True)
    repository.commit({})
    repository.git("tag", "--annotate", "v1", "--message", "v1")
    repository.commit({"plugins/greetings/src/more.ts": "export {};\n"})
    return repository


def by_name(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in document["workspaces"]}


VALID: dict[str, tuple[dict[str, Any], str | None]] = {
    "pinned": ({"repo": NOWHERE, "repo-ref": PINNED}, f"{FRONT}:\n"),
    "branch": ({"repo": NOWHERE, "repo-ref": "main"}, f"{FRONT}: --embed-package x\n"),
    "default": ({"repo": NOWHERE}, f"{FRONT}:\n"),
    "scanned": ({"repo": NOWHERE}, None),
    "ssh": ({"repo": "git@git.example.invalid:a/b"}, f"{FRONT}:\n"),
    "catalogue": ({"repo": NOWHERE, "repo-flat": False, "repo-backstage-version": "1.2.3"}, None),
}


@pytest.mark.parametrize("name", VALID)
def test_every_valid_configuration_can_be_planned_offline(desk: Desk, name: str) -> None:
    source, plugins = VALID[name]
    desk.write("source.json", source)
    if plugins:
        desk.write("plugins-list.yaml", plugins)
    before = desk.everything()
    ended = desk.plan("--offline", "--json")
    assert ended.code == 0, ended.err
    (workspace,) = ended.json["workspaces"]
    assert workspace["name"] == ""
    assert (workspace["plugins"] is None) == (plugins is None)
    assert desk.everything() == before


def test_all_of_them_at_once(desk: Desk) -> None:
    for name, (source, plugins) in VALID.items():
        desk.write(f"{name}/source.json", source)
        if plugins:
            desk.write(f"{name}/plugins-list.yaml", plugins)
    ended = desk.plan("--offline", "--json")
    assert ended.code == 0, ended.err
    found = by_name(ended.json)
    assert list(found) == sorted(VALID)
    assert found["pinned"]["source"]["commit"] == PINNED
    assert found["branch"]["source"]["commit"] is None
    assert found["branch"]["source"]["note"] == "not resolved (--offline)"
    assert found["branch"]["plugins"][0]["arguments"] == "--embed-package x"
    assert found["branch"]["plugins"][0]["arguments-from"] == "plugins-list.yaml"
    assert found["catalogue"]["workspace-path"] == "workspaces/catalogue"


def test_offline_a_tree_that_is_here_tells_its_commit(desk: Desk, example: Repository) -> None:
    (desk.root / "source").symlink_to(example.path)
    ended = desk.plan("--offline", "--json", "--use-local")
    (workspace,) = ended.json["workspaces"]
    assert workspace["source"]["commit"] == example.git("rev-parse", "HEAD")
    assert workspace["source"]["local"] is True


def test_a_part_of_a_repository_is_planned_as_the_whole(desk: Desk, tmp_path: Path) -> None:
    repository = new_repository(tmp_path / "many")
    for name in ("one", "two"):
        workspace = repository.path / "workspaces" / name
        shutil.copytree(EXAMPLE / "workspace", workspace)
    (repository.path / "workspaces/one/tsconfig.json").rename(repository.path / "workspaces/base")
    repository.commit({"elsewhere/tsconfig.json": "{}", "elsewhere/more/x.json": "{}"})
    desk.write("source.json", {"repo": str(repository.path), "workspace-path": "workspaces/one"})
    desk.write(
        "patches/1.patch",
        "--- /dev/null\n+++ b/tsconfig.json\n@@ -0,0 +1 @@\n"
        '+{"extends": "../../elsewhere/tsconfig.json"}\n',
    )

    part, whole = desk.plan("--json"), desk.plan("--json", "--whole-repository")

    assert part.code == 0, part.err
    assert part.json["workspaces"] == whole.json["workspaces"]
    keys = [plugin["key"] for plugin in part.json["workspaces"][0]["plugins"]]
    assert len(keys) > 1
    assert all(keys)


def test_offline_a_repository_that_is_here_is_asked(desk: Desk, example: Repository) -> None:
    desk.write("source.json", {"repo": str(example.path), "repo-ref": "v1"})
    ended = desk.plan("--offline", "--json")
    assert ended.code == 0, ended.err
    (workspace,) = ended.json["workspaces"]
    assert workspace["source"]["commit"] == example.git("rev-parse", "v1^{commit}")


def test_offline_computed_arguments_are_not_known(desk: Desk) -> None:
    desk.write("source.json", {"repo": NOWHERE})
    desk.write("plugins-list.yaml", f"{FRONT}: --embed-package x\n")
    (workspace,) = desk.plan("--offline", "--json", "--generate-build-args").json["workspaces"]
    assert workspace["plugins"][0]["arguments"] is None


def test_a_broken_workspace_is_told_and_the_others_too(desk: Desk) -> None:
    desk.write("good/source.json", {"repo": NOWHERE})
    desk.write("bad/source.json", "{")
    ended = desk.plan("--offline", "--json")
    assert ended.code == ConfigurationError.exit_code
    assert "source.json is not valid JSON" in ended.err
    found = by_name(ended.json)
    assert found["bad"]["error"]["exit-code"] == ended.code
    assert found["good"]["error"] is None


def test_arguments_that_cannot_be_read_are_found_offline(desk: Desk) -> None:
    desk.write("source.json", {"repo": NOWHERE})
    desk.write("plugins-list.yaml", f"{FRONT}: --embed-package 'x\n")
    ended = desk.plan("--offline")
    assert ended.code == ConfigurationError.exit_code
    assert "plugins-list.yaml:1" in ended.err


def test_the_plan_for_people(desk: Desk) -> None:
    desk.write("todo/source.json", {"repo": NOWHERE, "repo-ref": PINNED})
    desk.write("todo/plugins-list.yaml", f"{FRONT}: --embed-package x\n{BACK}:\n")
    desk.write("other/source.json", {"repo": NOWHERE})
    ended = desk.plan("--offline", "--exclude", "other", "--exclude", BACK)
    assert ended.out.splitlines() == [
        f"todo  {NOWHERE}  {PINNED}  .",
        "  for rhdh-1.10, exported by engine rhdh (rhdh-1.10, the default portal)",
        "    rhdh-cli 1.9.1: RHDH_CLI_VERSION; not looked for (--offline)",
        f"  {FRONT}",
        "    arguments: --embed-package x  (plugins-list.yaml)",
        "left out by --only and --exclude: other",
        "1 workspace, 1 plugin: 1 not checked",
    ]


def test_secrets_are_not_shown(desk: Desk) -> None:
    desk.write("todo/.env", "NPM_TOKEN=hunter22\n")
    desk.write("todo/source.json", {"repo": "https://me:hunter33@git.example.invalid/p"})
    desk.write("todo/plugins-list.yaml", f"{FRONT}: --embed-package hunter22\n")
    for options in ((), ("--json",)):
        ended = desk.plan("--offline", *options)
        assert "hunter" not in ended.out + ended.err


def test_the_sources_are_looked_at(desk: Desk, example: Repository) -> None:
    desk.write("listed/source.json", {"repo": str(example.path), "repo-ref": "v1"})
    desk.write("listed/plugins-list.yaml", f"{BACK}: --ignore-version-check x\n")
    desk.write("found/source.json", {"repo": f"file://{example.path}"})
    before = desk.everything()
    ended = desk.plan("--json")
    assert ended.code == 0, ended.err
    assert desk.everything() == before
    found = by_name(ended.json)
    assert found["listed"]["source"]["commit"] == example.git("rev-parse", "v1^{commit}")
    (plugin,) = found["listed"]["plugins"]
    assert plugin["name"] == "@plugin-factory-example/plugin-greetings-backend"
    assert plugin["arguments"] == "--ignore-version-check x"
    assert plugin["arguments-from"] == "plugins-list.yaml"
    assert (plugin["verdict"], plugin["why"]) == ("build", "not built before")
    assert found["found"]["source"]["commit"] == example.git("rev-parse", "main")
    assert [each["path"] for each in found["found"]["plugins"]] == [FRONT, BACK, MODULE]
    assert found["found"]["plugins"][0]["arguments-from"].startswith("computed for rhdh-")


def test_what_a_build_has_fetched_is_not_fetched_again(desk: Desk, example: Repository) -> None:
    desk.write("a/source.json", {"repo": f"file://{example.path}"})
    desk.write("a/plugins-list.yaml", f"{FRONT}:\n")
    clone = new_repository(desk.root / "source/.clones/example")
    clone.git("config", "core.bare", "true")
    for entry in (clone.path / ".git").iterdir():
        entry.rename(clone.path / entry.name)
    (clone.path / ".git").rmdir()
    clone.git("fetch", "--quiet", "--depth=1", f"file://{example.path}", "main")
    (clone.path / "plugin-factory-url").write_text(str(example.path))
    before = desk.everything()
    ended = desk.plan("--json", "--log-level=INFO")
    assert ended.code == 0, ended.err
    assert "main of" in ended.err
    assert "here already" in ended.err
    assert by_name(ended.json)["a"]["plugins"][0]["version"] == "0.1.0"
    assert desk.everything() == before


def test_a_finished_plugin_is_cached(desk: Desk, example: Repository) -> None:
    desk.write("a/source.json", {"repo": str(example.path)})
    desk.write("a/plugins-list.yaml", f"{FRONT}:\n{BACK}:\n")
    desk.write("b/source.json", {"repo": str(example.path)})
    desk.write("b/plugins-list.yaml", f"{BACK}:\n")
    first = by_name(desk.plan("--json").json)
    keys = {each["path"]: each["key"] for each in first["a"]["plugins"]}
    archive = desk.root / "x-dynamic-1.0.0.tgz"
    archive.write_bytes(b"finished")
    assert store_of(desk.root / "cache").put(keys[BACK], [archive], parts={}, record={})

    found = by_name(desk.plan("--json").json)
    assert [each["verdict"] for each in found["a"]["plugins"]] == ["build", "cached"]
    assert [each["verdict"] for each in found["b"]["plugins"]] == ["cached"]
    matrix = json.loads(desk.plan("--matrix=github", "--shards=2", "--changed-only").out)
    assert [each["only"] for each in matrix["include"]] == ["a"]


def test_one_whose_arguments_were_mended_is_cached_unless_repairs_are_off(
    desk: Desk, example: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.write("source.json", {"repo": str(example.path)})
    desk.write("plugins-list.yaml", f"{BACK}:\n")
    asked: list[str] = []
    has = Store.has

    def noted(store: Store, key: str) -> bool:
        asked.append(key)
        return has(store, key)

    monkeypatch.setattr(Store, "has", noted)
    plain = desk.plan("--json").json["workspaces"][0]["plugins"][0]["key"]
    (mended,) = set(asked) - {plain}
    archive = desk.root / "x-dynamic-1.0.0.tgz"
    archive.write_bytes(b"finished")
    assert store_of(desk.root / "cache").put(mended, [archive], parts={}, record={})

    (plugin,) = desk.plan("--json").json["workspaces"][0]["plugins"]
    assert (plugin["verdict"], plugin["key"]) == ("cached", mended)
    (plugin,) = desk.plan("--json", "--no-repair").json["workspaces"][0]["plugins"]
    assert (plugin["verdict"], plugin["key"]) == ("build", plain)


def test_what_a_build_would_end_with_is_told(desk: Desk, example: Repository) -> None:
    desk.write("good/source.json", {"repo": str(example.path)})
    desk.write("good/plugins-list.yaml", f"{FRONT}:\n")
    desk.write("ref/source.json", {"repo": str(example.path), "repo-ref": "nowhere"})
    desk.write("list/source.json", {"repo": str(example.path)})
    desk.write("list/plugins-list.yaml", "plugins/nowhere:\n")
    ended = desk.plan("--json")
    found = by_name(ended.json)
    assert found["good"]["error"] is None
    assert found["ref"]["error"]["exit-code"] == SourceError.exit_code
    assert found["list"]["error"]["exit-code"] == ConfigurationError.exit_code
    assert ended.code == min(SourceError.exit_code, ConfigurationError.exit_code)


def test_a_local_tree_is_left_as_it_is_though_patches_change_it(
    desk: Desk, example: Repository
) -> None:
    (desk.root / "source").mkdir()
    example.path.rename(desk.root / "source/todo")
    desk.write("todo/source.json", {"repo": "unused"})
    desk.write(f"todo/{FRONT}/overlay/README.md", "changed\n")
    (desk.root / "source/todo/uncommitted.txt").write_text("x")
    before = desk.everything()
    ended = desk.plan("--use-local", "--json")
    assert ended.code == 0, ended.err
    assert desk.everything() == before
    (workspace,) = ended.json["workspaces"]
    assert workspace["source"]["note"] == "with uncommitted changes"
    plain = {each["path"]: each["key"] for each in workspace["plugins"]}

    shutil.rmtree(desk.root / "config/todo/plugins")
    (workspace,) = desk.plan("--use-local", "--json").json["workspaces"]
    now = {each["path"]: each["key"] for each in workspace["plugins"]}
    assert [path for path in plain if plain[path] != now[path]] == [FRONT]


def test_packages_select_once_the_source_is_there(desk: Desk, example: Repository) -> None:
    for name in ("a", "b"):
        desk.write(f"{name}/source.json", {"repo": str(example.path)})
    desk.write("b/plugins-list.yaml", f"{FRONT}:\n")
    ended = desk.plan("--json", "--only", "@plugin-factory-example/plugin-greetings-backend")
    found = by_name(ended.json)
    assert list(found) == ["a"]
    assert [each["path"] for each in found["a"]["plugins"]] == [BACK]


def test_selecting_nothing_that_is_there_is_refused(desk: Desk, example: Repository) -> None:
    desk.write("source.json", {"repo": str(example.path)})
    ended = desk.plan("--only", "plugins/nowhere")
    assert ended.code == UsageError.exit_code
    assert "leaves nothing to build" in ended.err
    assert BACK in ended.err


def test_a_matrix_is_balanced_by_the_last_run(desk: Desk) -> None:
    for name in ("a", "b", "c"):
        desk.write(f"{name}/source.json", {"repo": NOWHERE})
        desk.write(f"{name}/plugins-list.yaml", f"{FRONT}:\n")
    (desk.root / "outputs").mkdir()
    seconds = {"a": 30.0, "b": 20.0, "c": 10.0}
    report = json.loads(REPORT)
    report["workspaces"] = [
        report["workspaces"][0] | {"name": name, "stages": {"install": taken}}
        for name, taken in seconds.items()
    ]
    (desk.root / "outputs/build-report.json").write_text(json.dumps(report))
    matrix = json.loads(desk.plan("--offline", "--matrix=github", "--shards=2").out)
    assert [(each["only"], each["seconds"]) for each in matrix["include"]] == [
        ("a", 32),
        ("b,c", 34),
    ]
    (desk.root / "outputs").rename(desk.root / "last")
    given = desk.plan(
        "--offline", "--matrix=github", "--shards=2", "--reports", str(desk.root / "last")
    )
    assert json.loads(given.out) == matrix


REPORT = """
{
  "format": 1, "outcome": "done", "exit-code": 0, "started": "2026-07-01T12:00:00+00:00",
  "seconds": 60, "tools": {"factory": "1", "python": "3.11"}, "warnings": [], "error": null,
  "workspaces": [{
    "name": "a", "format": 1, "outcome": "done", "exit-code": 0, "seconds": 60, "source": null,
    "started": "2026-07-01T12:00:00+00:00", "warnings": [], "error": null, "stages": {},
    "tools": {"factory": "1", "python": "3.11", "node": null, "yarn": null, "rhdh-cli": null},
    "plugins": [{
      "path": "plugins/greetings", "outcome": "done", "name": "x", "exported-name": null,
      "version": "1.0.0", "role": "frontend-plugin", "arguments": "", "repairs": [], "files": [],
      "integrity": null, "image": null, "image-file": null, "provenance": null, "sbom": null,
      "cached": false, "verification": null, "seconds": {"export": 2.0}, "error": null
    }]
  }]
}
"""


def test_the_shards_of_a_run_with_a_broken_workspace_tell_it(desk: Desk) -> None:
    desk.write("good/source.json", {"repo": NOWHERE})
    desk.write("bad/source.json", "{")
    ended = desk.plan("--offline", "--matrix=github", "--shards=2")
    assert ended.code == 0
    assert "not valid JSON" in ended.err
    assert {each["only"] for each in json.loads(ended.out)["include"]} == {"good", "bad"}


@pytest.mark.parametrize(
    "options",
    [
        ("--matrix=github",),
        ("--matrix=github", "--shards=2", "--json"),
        ("--shards=2",),
        ("--changed-only",),
        ("--matrix=gitlab", "--shards=2", "--changed-only", "--offline"),
    ],
)
def test_options_that_exclude_each_other(desk: Desk, options: tuple[str, ...]) -> None:
    desk.write("source.json", {"repo": NOWHERE})
    ended = desk.plan(*options)
    assert ended.code == UsageError.exit_code
    assert ended.out == ""


def test_no_log_is_named_that_is_gone(desk: Desk, example: Repository) -> None:
    blob = example.git("rev-parse", "HEAD:package.json")
    (example.path / ".git/objects" / blob[:2] / blob[2:]).unlink()
    desk.write("source.json", {"repo": str(example.path), "workspace-path": "."})
    ended = desk.plan()
    assert ended.code
    said = ended.out + ended.err
    assert "is damaged" in said
    for line in said.splitlines():
        words = line.split()
        assert words[:1] != ["log"] or Path(words[1]).exists()


class TestSeveralPortals:
    """Every workspace for every portal, and plugins by portals."""

    BOTH = ("--host", "rhdh-1.9", "--host", "rhdh-1.10")

    @pytest.fixture
    def two(self, desk: Desk) -> Desk:
        for name in ("todo", "gitlab"):
            desk.write(f"{name}/source.json", {"repo": NOWHERE, "repo-ref": PINNED})
            desk.write(f"{name}/plugins-list.yaml", f"{FRONT}:\n{BACK}: --embed-package x\n")
        desk.write("gitlab/portals/rhdh-1.9/plugins-list.yaml", f"{BACK}: 'unclosed\n")
        return desk

    def test_the_plan_names_the_portals(self, two: Desk) -> None:
        ended = two.plan("--offline", "--json", *self.BOTH)
        assert ended.code == 3
        cells = {each["name"]: each for each in ended.json["workspaces"]}
        assert list(cells) == [
            "rhdh-1.9/gitlab",
            "rhdh-1.9/todo",
            "rhdh-1.10/gitlab",
            "rhdh-1.10/todo",
        ]
        assert {each["portal"] for each in cells.values()} == {"rhdh-1.9", "rhdh-1.10"}
        assert cells["rhdh-1.9/todo"]["tools"]["host"] == "rhdh-1.9"
        assert cells["rhdh-1.9/gitlab"]["error"] is not None

    def test_a_cell_that_is_not_green_says_why(self, two: Desk) -> None:
        lines = two.plan("--offline", *self.BOTH).out.splitlines()
        at = next(n for n, line in enumerate(lines) if line.split() == ["rhdh-1.9", "rhdh-1.10"])
        (gitlab,) = (line for line in lines[at:] if line.startswith("gitlab "))
        assert "fails: plugins-list.yaml" in gitlab
        assert any(line.split() == [f"todo/{FRONT}", "unknown", "unknown"] for line in lines[at:])

    def test_shards_are_of_both(self, two: Desk) -> None:
        ended = two.plan("--offline", "--matrix", "github", "--shards", "4", *self.BOTH)
        shards = json.loads(ended.out)["include"]
        wanted = {pattern for shard in shards for pattern in shard["only"].split(",")}
        assert wanted == {
            f"{portal}/{name}"
            for portal in ("rhdh-1.9", "rhdh-1.10")
            for name in ("todo", "gitlab")
        }
        for shard in shards:
            found = two.plan("--offline", "--json", "--only", shard["only"], *self.BOTH).json
            assert {each["name"] for each in found["workspaces"]} == set(shard["only"].split(","))


class TestMachines:
    """What the run costs on some machines, by what an earlier one took."""

    def test_costs_are_told(self, desk: Desk) -> None:
        for name in ("one", "two"):
            desk.write(f"{name}/source.json", {"repo": NOWHERE, "repo-ref": PINNED})
            desk.write(f"{name}/plugins-list.yaml", f"{FRONT}:\n")
        last = desk.root / "last"
        last.mkdir()
        earlier = several(one=workspace(plugin(FRONT)), two=workspace(plugin(FRONT)))
        (last / "build-report.json").write_text(json.dumps(earlier))
        told = desk.plan("--offline", "--machines", "2", "--reports", str(last))
        assert told.code == 0, told.err
        assert "2 workspaces on 2 machines, by the durations of earlier runs:" in told.out
        assert "nothing changed   not known" in told.out
        costs = desk.plan("--offline", "--machines=2", f"--reports={last}", "--json").json["costs"]
        assert costs["machines"] == 2
        assert costs["cold"] <= costs["work"]

    def test_it_goes_with_no_matrix(self, desk: Desk) -> None:
        desk.write("source.json", {"repo": NOWHERE})
        words = ("--machines", "2", "--matrix", "github", "--shards", "2")
        assert desk.plan(*words).code == UsageError.exit_code
