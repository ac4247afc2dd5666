"""The documentation is true: it is current, its links lead somewhere, its commands work."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.main import get_command

from factory.analysis.arguments import parse_arguments
from factory.cli.app import run, with_command
from factory.cli.application import application
from factory.config.environment import layer_environment
from factory.config.options import build_options
from factory.config.plugins_list import read_plugins_list
from factory.config.run_plan import plan_run
from factory.config.source_file import read_source_file
from factory.errors import every_error_class
from factory.installation.plugin_list import read_plugin_list
from factory.oci.target import registry_target

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *(
        ROOT / name
        for name in (
            *("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "CODE_OF_CONDUCT.md"),
            "changelog.d/README.md",
        )
    ),
    *sorted((ROOT / "docs").rglob("*.md")),
]
EXAMPLE = ROOT / "examples/local-workspace"
PROGRAM = "plugin-factory"
# What stands in the documentation for something of the reader's, and what there is here.
STANDS_FOR = {
    "path/to/workspace": str(EXAMPLE / "workspace"),
    "./source": str(EXAMPLE / "workspace"),
    "./config": str(EXAMPLE),
    "../portal/yarn.lock": str(EXAMPLE / "workspace/yarn.lock"),
}
BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<head>[^\n`]*)\n(?P<text>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE
)
TITLE = re.compile(r'title="([^"]+)"')
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
INLINE = re.compile(rf"`({PROGRAM} [^`]+)`")
# A command among a line's words, after variables that are set for it, or in a container.
COMMAND = re.compile(
    r"^(?:[A-Za-z_]\w*=\S* )*(?:podman run .* localhost/|[~.\w/]+/)?"
    rf"{PROGRAM}(?= |$)(?P<words>.*)"
)


@dataclass(frozen=True)
class Block:
    """A block of code; ``head`` is its language and title."""

    where: str
    head: str
    text: str


@dataclass(frozen=True)
class Command:
    """A documented command line, without the program's name."""

    where: str
    words: tuple[str, ...]
    whole: bool = True

    def __str__(self) -> str:
        return f"{self.where}: {shlex.join(self.words)}"


def blocks() -> Iterator[Block]:
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in BLOCK.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            indent = match["indent"]
            lines = (each.removeprefix(indent) for each in match["text"].splitlines(keepends=True))
            where = f"{page.relative_to(ROOT).as_posix()}:{line}"
            yield Block(where=where, head=match["head"], text="".join(lines))


def titled(name: str) -> list[Block]:
    found = [block for block in blocks() if name in TITLE.findall(block.head)]
    assert found, f"no block has the title {name}"
    return found


def commands() -> Iterator[Command]:
    for block in blocks():
        if block.head.partition(" ")[0] == "sh":
            for line in block.text.replace("\\\n", " ").splitlines():
                if match := COMMAND.match(line.strip()):
                    # A container without words has a /config, and so builds it.
                    words = shlex.split(match["words"], comments=True) or ["build"]
                    yield Command(where=block.where, words=tuple(words))
    for page in PAGES:
        for span in INLINE.findall(without_blocks(page)):
            words = shlex.split(span)[1:]
            if "COMMAND" not in words:
                where = page.relative_to(ROOT).as_posix()
                yield Command(where=where, words=tuple(words), whole=False)


def without_blocks(page: Path) -> str:
    return BLOCK.sub("", page.read_text(encoding="utf-8"))


def anchors(page: Path) -> set[str]:
    found = set()
    for heading in re.findall(r"^#+ (.+)$", without_blocks(page), re.MULTILINE):
        text = re.sub(r"[^\w\s-]", "", heading.lower())
        found.add(re.sub(r"\s", "-", text.strip()))
    return found


def parsed(words: Sequence[str], *, whole: bool = True) -> dict[str, Any]:
    """The parameters that the real command line makes of the words; none for help and version.

    Unless it is the ``whole`` command, its name alone will do.
    """
    command: Any = get_command(application())
    rest = with_command(words, {})
    if rest and rest[0] in {"--help", *(flag for each in command.params for flag in each.opts)}:
        return {}
    while (below := getattr(command, "commands", None)) is not None:
        assert rest, "a command is missing"
        assert rest[0] in below, f"{rest[0]!r} is none of the commands {', '.join(below)}"
        command, rest = below[rest[0]], rest[1:]
    if "--help" in rest or (not rest and not whole):
        return {}
    context = command.make_context(command.name, list(rest))
    return dict(context.params)


def is_cheap(words: Sequence[str]) -> bool:
    """Whether the command needs no network, little time, and changes nothing."""
    if "--help" in words or words[0] == "--version" or words[:2] == ("host", "list"):
        return True
    if words[:2] == ("host", "show"):
        return len(words) > 2
    if words[0] != "analyze" or "--package" in words:
        return False
    return len(words) > 1 and "--write" not in words


COMMANDS = sorted(set(commands()), key=str)
CHEAP = [command for command in COMMANDS if is_cheap(command.words)]
BUILDS = [
    command
    for command in COMMANDS
    if with_command(command.words, {})[0] == "build" and command.whole
]


def test_generated_pages_are_current() -> None:
    check = [sys.executable, str(ROOT / "docs/generate.py"), "--check"]
    done = subprocess.run(check, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    wrong = []
    for link in LINK.findall(without_blocks(page)):
        if re.match(r"https?:|mailto:", link):
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    assert not wrong


def test_every_page_is_reached_from_the_index() -> None:
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    linked = {(ROOT / "docs" / link.partition("#")[0]).resolve() for link in LINK.findall(index)}
    unreached = {page for page in (ROOT / "docs").rglob("*.md") if page.name != "index.md"} - linked
    assert not unreached


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_documented_commands_are_what_the_program_takes(command: Command) -> None:
    parsed(command.words, whole=command.whole)


@pytest.mark.parametrize("command", CHEAP, ids=str)
def test_cheap_commands_work(
    command: Command, process: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    words = [STANDS_FOR.get(word, word) for word in command.words]
    assert run(words, process) == 0, capsys.readouterr().err
    assert capsys.readouterr().out


@pytest.mark.parametrize("command", BUILDS, ids=str)
def test_documented_builds_can_be_planned(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parameters = parsed(command.words)
    here = tmp_path / "here"
    config = here / parameters["config_dir"]
    if parameters["config_dir"].is_absolute():
        config = tmp_path / "config"
        parameters["config_dir"] = config
    config.mkdir(parents=True, exist_ok=True)
    write_documented(config)
    monkeypatch.chdir(here) if here.is_dir() else monkeypatch.chdir(tmp_path)
    groups = (getattr(build_options(), group.name) for group in fields(build_options()))
    known = {field.name for group in groups for field in fields(group)}
    # A selection names workspaces of the page's own example.
    known -= {"only", "exclude"}
    request = build_options(**{name: value for name, value in parameters.items() if name in known})

    planned = plan_run(request, {"HOME": str(tmp_path)}, default_jobs=1)

    assert len(planned.builds) == max(1, len(request.arguments.host))
    assert all(build.plugins for build in planned.builds)


def write_documented(config: Path) -> None:
    """Put the README's own configuration into a directory."""
    for name in ("source.json", "plugins-list.yaml"):
        block = next(each for each in titled(name) if each.where.startswith("README.md"))
        (config / name).write_text(block.text, encoding="utf-8")
    environment = "".join(block.text for block in titled(".env")[:1])
    (config / ".env").write_text(environment, encoding="utf-8")


@pytest.mark.parametrize("block", titled("source.json"), ids=lambda block: block.where)
def test_documented_source_files_are_valid(block: Block, tmp_path: Path) -> None:
    (tmp_path / "source.json").write_text(block.text, encoding="utf-8")
    assert read_source_file(tmp_path)


@pytest.mark.parametrize("block", titled("plugins-list.yaml"), ids=lambda block: block.where)
def test_documented_lists_are_valid(block: Block, tmp_path: Path) -> None:
    file = tmp_path / "plugins-list.yaml"
    file.write_text(block.text, encoding="utf-8")
    listed = read_plugins_list(file)
    assert listed
    for entry in listed.entries:
        parse_arguments(entry.arguments)


@pytest.mark.parametrize("block", titled("dynamic-plugins.yaml"), ids=lambda block: block.where)
def test_documented_lists_of_a_portal_are_valid(block: Block, tmp_path: Path) -> None:
    included = "dynamic-plugins.default.yaml"
    (tmp_path / included).write_text(titled(included)[0].text, encoding="utf-8")
    (tmp_path / "dynamic-plugins.yaml").write_text(block.text, encoding="utf-8")
    assert read_plugin_list(tmp_path / "dynamic-plugins.yaml")


@pytest.mark.parametrize("block", titled(".env"), ids=lambda block: block.where)
def test_documented_env_files_say_where_to_push(block: Block, tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(block.text, encoding="utf-8")
    assert registry_target(layer_environment({}, (file,))).namespace


@pytest.mark.parametrize(
    "block", [each for each in blocks() if each.head.startswith("json")], ids=lambda b: b.where
)
def test_documented_json_is_json(block: Block) -> None:
    json.loads(block.text)


def test_messages_that_are_explained_are_said() -> None:
    page = (ROOT / "docs/troubleshooting.md").read_text(encoding="utf-8")
    sections = re.split(r"^## ", page, flags=re.MULTILINE)[1:]
    own = [text for text in sections if not text.startswith(("Export", "In the portal"))]
    source = "".join(file.read_text(encoding="utf-8") for file in (ROOT / "factory").rglob("*.py"))
    source = re.sub(r'"\s*\n\s*f?"', "", source)  # one text over several lines
    headings = [each for text in own for each in re.findall(r"^### (.+)$", text, re.MULTILINE)]
    assert headings
    unsaid = [
        fragment
        for heading in headings
        for fragment in re.split(r"\s*…\s*| / ", heading)
        if fragment.removeprefix("is ") not in source
    ]
    assert not unsaid


def test_the_drawn_rooms_are_those_of_the_contract() -> None:
    (drawn,) = (each for each in titled("rooms") if each.where.startswith("docs/architecture.md"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = project["tool"]["importlinter"]["contracts"]
    (rooms,) = (each for each in contracts if each["id"] == "rooms")
    layers = [re.findall(r"factory\.(\w+)", layer) for layer in rooms["layers"]]
    assert [line.split(" · ") for line in drawn.text.splitlines()] == layers


def test_every_room_is_described() -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    rooms = {file.parent.name for file in (ROOT / "factory").glob("*/__init__.py")}
    assert not {room for room in rooms if f"`factory/{room}`" not in page}


@pytest.mark.parametrize(
    ("heading", "room"),
    [("Inside the pipeline", "pipeline"), ("Inside the registry's room", "oci")],
)
def test_every_module_of_a_large_room_has_its_place(heading: str, room: str) -> None:
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    table = page.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    rows = [line for line in table.splitlines() if line.startswith("| ")]
    files = {file.stem for file in (ROOT / "factory" / room).glob("[a-z]*.py")}
    assert set(re.findall(r"`(\w+)`", "\n".join(rows))) == files


def test_targets_of_make_exist() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    shown = {
        word
        for block in blocks()
        if block.head == "sh"
        for call in re.findall(r"^(?:\S+=\S+ )*make (.+)$", block.text, re.MULTILINE)
        for word in shlex.split(call)
        if not word.startswith("-") and "=" not in word
    }
    assert shown <= targets


def test_every_dependency_is_explained() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    needed = {
        re.split(r"[<>=~!\[]", requirement)[0]
        for requirement in [*project["dependencies"], *(r for extra in extras for r in extra)]
    }
    page = (ROOT / "docs/libraries.md").read_text(encoding="utf-8")
    explained = set(re.findall(r"^\| \[([\w-]+)\]", page, re.MULTILINE))
    assert explained == needed


def test_every_exit_code_is_listed() -> None:
    page = (ROOT / "docs/reference/exit-codes.md").read_text(encoding="utf-8")
    listed = {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)}
    assert listed == {0, *(error.exit_code for error in every_error_class())}


def test_every_kind_of_error_has_its_messages() -> None:
    page = (ROOT / "docs/reference/errors.md").read_text(encoding="utf-8")
    listed = {int(code) for code in re.findall(r"^## (\d+): ", page, re.MULTILINE)}
    assert listed | {143} == {error.exit_code for error in every_error_class()}
    assert "| the workspace has no yarn.lock |" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_page_names_a_folder_of_a_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert str(ROOT) not in text
    assert not re.findall(r"/(?:home|Users|root)/\w+", text)


def test_pages_that_messages_name_exist() -> None:
    named = {
        page
        for file in (ROOT / "factory").rglob("*")
        if file.suffix in {".py", ".json"} and "hosts" not in file.parts
        for page in re.findall(r"docs/[\w/-]+\.md", file.read_text(encoding="utf-8"))
    }
    assert named
    assert not {page for page in named if not (ROOT / page).is_file()}


def test_commands_that_messages_name_exist() -> None:
    for file in (ROOT / "factory").rglob("*.py"):
        for words in re.findall(rf"'{PROGRAM} ([a-z][^'{{]*)'", file.read_text(encoding="utf-8")):
            first = words.split()[0]
            commands_there = get_command(application()).commands  # type: ignore[attr-defined]
            assert first in commands_there, f"{file.relative_to(ROOT)}: {PROGRAM} {words}"
