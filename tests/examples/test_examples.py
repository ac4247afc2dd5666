"""The examples are configuration directories that the factory takes, and their pages are true."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from factory.analysis.arguments import parse_arguments
from factory.cli.app import run, with_command
from factory.config.plugins_list import read_plugins_list
from factory.config.source_file import read_source_file
from factory.sources.overlay import find_overlays
from factory.sources.patch import apply_patches, find_patches
from factory.sources.patch_text import read_patch
from tests.docs.test_docs import BLOCK, COMMAND, LINK, parsed

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
OVERVIEW = EXAMPLES / "README.md"
NAMES = (
    "aws-ecs",
    "backstage-devtools",
    "gitlab",
    "multi-workspace",
    "todo",
    "toolbox",
    "usage-statistics",
)
CONFIGURATIONS = [EXAMPLES / f"example-config-{name}" for name in NAMES]
WORKSPACES = sorted(
    file.parent for folder in CONFIGURATIONS for file in folder.rglob("source.json")
)
PAGES = [OVERVIEW, *(folder / "README.md" for folder in CONFIGURATIONS)]
PINNED = re.compile(r"[0-9a-f]{40}|v\d+\.\d+\.\d+")


def shown(path: Path) -> str:
    return path.relative_to(EXAMPLES).as_posix()


def listed(workspace: Path) -> list[str]:
    found = read_plugins_list(workspace / "plugins-list.yaml")
    assert found
    return [entry.path for entry in found.entries]


def test_every_folder_is_known() -> None:
    there = {folder.name for folder in EXAMPLES.iterdir() if folder.is_dir()}
    assert there == {"local-workspace", *(folder.name for folder in CONFIGURATIONS)}


@pytest.mark.parametrize("folder", CONFIGURATIONS, ids=shown)
def test_an_example_can_be_planned_without_a_network(
    folder: Path, process: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    code = run(["plan", "--offline", "--json", "--config-dir", str(folder)], process)

    said = capsys.readouterr()
    assert code == 0, said.err
    assert "warning" not in said.err
    plan = json.loads(said.out)
    planned = {
        each["name"]: [plugin["path"] for plugin in each["plugins"]] for each in plan["workspaces"]
    }
    several = not (folder / "source.json").is_file()
    assert planned == {
        each.name if several else "": listed(each)
        for each in WORKSPACES
        if each.is_relative_to(folder)
    }


@pytest.mark.parametrize("workspace", WORKSPACES, ids=shown)
def test_the_source_is_pinned(workspace: Path) -> None:
    source = read_source_file(workspace)
    assert source
    assert source.repo.startswith("https://github.com/")
    assert PINNED.fullmatch(source.ref or "")
    assert source.workspace_path


@pytest.mark.parametrize("workspace", WORKSPACES, ids=shown)
def test_the_list_is_explained_and_its_arguments_are_rhdh_clis(workspace: Path) -> None:
    file = workspace / "plugins-list.yaml"
    found = read_plugins_list(file)
    assert found
    for entry in found.entries:
        parse_arguments(entry.arguments)
    assert file.read_text("utf-8").startswith("# ")


@pytest.mark.parametrize("workspace", WORKSPACES, ids=shown)
def test_files_of_plugins_belong_to_listed_plugins(workspace: Path) -> None:
    plugins = set(listed(workspace))
    overlays = {overlay.plugin for overlay in find_overlays(workspace)}
    files = {
        file.parent.relative_to(workspace).as_posix(): file
        for name in ("scalprum-config.json", "app-config.dynamic.yaml")
        for file in workspace.rglob(name)
    }
    assert overlays | set(files) <= plugins


@pytest.mark.parametrize(
    "file",
    sorted(file for each in CONFIGURATIONS for file in each.rglob("scalprum-config.json")),
    ids=shown,
)
def test_a_scalprum_config_names_modules(file: Path) -> None:
    config = json.loads(file.read_text("utf-8"))
    assert "PluginRoot" in config["exposedModules"]
    assert all(
        PurePosixPath(path).suffix and path.startswith("./src/")
        for path in config["exposedModules"].values()
    )


@pytest.mark.parametrize(
    "file",
    sorted(file for each in CONFIGURATIONS for file in each.rglob("app-config.dynamic.yaml")),
    ids=shown,
)
def test_a_portals_configuration_names_what_is_exposed(file: Path) -> None:
    document = yaml.safe_load(file.read_text("utf-8"))
    scalprum = file.with_name("scalprum-config.json")
    for name, wiring in document.get("dynamicPlugins", {}).get("frontend", {}).items():
        exposed = {"PluginRoot"}
        if scalprum.is_file():
            config = json.loads(scalprum.read_text("utf-8"))
            assert name == config["name"]
            exposed = set(config["exposedModules"])
        mounted = [*wiring.get("dynamicRoutes", ()), *wiring.get("mountPoints", ())]
        assert mounted
        assert all(each.get("module", "PluginRoot") in exposed for each in mounted)
        tabs = {f"{tab['mountPoint']}/cards" for tab in wiring.get("entityTabs", ())}
        assert tabs <= {each.get("mountPoint") for each in mounted}


PATCHES = sorted(file for each in CONFIGURATIONS for file in each.rglob("*.patch"))


@pytest.mark.parametrize("patch", PATCHES, ids=shown)
def test_a_patch_is_well_formed_and_says_why(patch: Path) -> None:
    text = patch.read_text("utf-8")
    (file,) = read_patch(text.encode(), 1)
    assert (file.old, file.new) == ("package.json", "package.json")
    assert file.hunks
    assert not text.startswith(("diff", "---"))


@pytest.mark.parametrize("patch", PATCHES, ids=shown)
@pytest.mark.parametrize("indent", [2, 4])
def test_a_patch_makes_the_workspaces_those_of_one_depth(
    patch: Path, indent: int, tmp_path: Path
) -> None:
    """Only the lines that a patch needs are known of the source; they may stand anywhere."""
    toolbox = "toolbox" in shown(patch)
    before = ["plugins/**"] if toolbox else ["packages/*", "plugins/**"]
    manifest = {"name": "root", "workspaces": {"packages": before}, "prettier": "x"}
    (tmp_path / "package.json").write_text(json.dumps(manifest, indent=indent) + "\n")

    result = apply_patches(
        find_patches(patch.parent.parent),
        root=tmp_path,
        workspace=tmp_path,
    )

    assert [each.state for each in result.patches] == ["applied"]
    after = json.loads((tmp_path / "package.json").read_text())["workspaces"]["packages"]
    assert after == (["plugins/*"] if toolbox else ["packages/*", "plugins/*/*"])
    depth = {len(PurePosixPath(path).parts) for path in listed(patch.parent.parent)}
    assert depth == {len(PurePosixPath(after[-1]).parts)}


def test_the_overlay_gives_a_default_export() -> None:
    (overlay,) = find_overlays(EXAMPLES / "example-config-gitlab")
    assert overlay.plugin == "packages/gitlab-backend"
    text = (overlay.folder / "src/index.ts").read_text("utf-8")
    assert "export default createBackendFeatureLoader(" in text


def commands() -> Iterator[tuple[str, tuple[str, ...]]]:
    for page in PAGES:
        for block in BLOCK.finditer(page.read_text("utf-8")):
            if block["head"] == "sh":
                for line in block["text"].replace("\\\n", " ").splitlines():
                    in_container = line.startswith("podman ")
                    if not in_container and (match := COMMAND.match(line.strip())):
                        yield shown(page), tuple(shlex.split(match["words"], comments=True))


COMMANDS = sorted(set(commands()))


@pytest.mark.parametrize(("page", "words"), COMMANDS, ids=str)
def test_commands_are_what_the_program_takes(page: str, words: tuple[str, ...]) -> None:
    parameters: dict[str, Any] = parsed(words)
    if with_command(words, {})[0] in {"build", "plan", "push"}:
        folder = ROOT / parameters["config_dir"]
        assert folder.is_dir(), page
        assert folder.is_relative_to((EXAMPLES / page).parent)


@pytest.mark.parametrize("folder", CONFIGURATIONS, ids=shown)
def test_a_page_builds_its_example_here_and_in_the_container(folder: Path) -> None:
    text = (folder / "README.md").read_text("utf-8").replace("\\\n", " ")
    assert re.search(rf"plugin-factory build --config-dir examples/{folder.name}\s", text)
    assert re.search(rf"podman run .*-v \./examples/{folder.name}:/config:z .*:/outputs:z", text)
    for heading in ("What comes out", "How to check it"):
        assert f"## {heading}" in text


@pytest.mark.parametrize("folder", CONFIGURATIONS, ids=shown)
def test_a_page_names_every_file_of_its_example(folder: Path) -> None:
    if not (folder / "source.json").is_file():
        return
    text = (folder / "README.md").read_text("utf-8")
    files = {
        file.relative_to(folder).as_posix()
        for file in folder.rglob("*")
        if file.is_file() and file.name != "README.md"
    }
    assert not [name for name in sorted(files) if f"| `{name}` |" not in text]


@pytest.mark.parametrize("page", PAGES, ids=shown)
def test_links_lead_somewhere(page: Path) -> None:
    text = BLOCK.sub("", page.read_text("utf-8"))
    links = [link.partition("#")[0] for link in LINK.findall(text) if "://" not in link]
    assert not [link for link in links if not (page.parent / link).exists()]


def test_the_overview_lists_every_example() -> None:
    text = OVERVIEW.read_text("utf-8")
    assert not [each.name for each in CONFIGURATIONS if f"({each.name}/README.md)" not in text]
