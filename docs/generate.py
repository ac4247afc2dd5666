"""Write the parts of the documentation that follow from the code: ``python docs/generate.py``.

And ``factory/cli/option_variables.txt``, the names of the options' variables, which ships.

A generated part stands between two comments, ``<!-- generated: NAME -->`` and ``<!-- end -->``; all
else on a page is written by hand and left alone. With ``--check`` nothing is written, and the exit
code is 1 if a page is not current.
"""

from __future__ import annotations

import argparse
import inspect
import re
import sys
import textwrap
import typing
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from error_messages import messages
from typer.main import get_command

from factory.analysis.inventory import DEFAULT_HOST, find_host, host_names
from factory.cli.application import application
from factory.cli.command_table import PROGRAM
from factory.cli.option_variables import NAMES_FILE, find_variables, variable_of
from factory.config.environment import default_environment
from factory.errors import every_error_class
from factory.schemas import SchemaName, schema
from factory.toolchain import child_environment
from factory.toolchain.rhdh_cli import list_known_versions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from factory.toolchain.child_environment import Allowance

DOCS = Path(__file__).resolve().parent
_PART = re.compile(
    r"(?P<start><!-- generated: (?P<name>[a-z-]+) -->\n).*?(?P<end><!-- end -->)", re.DOTALL
)
_MARKUP = re.compile(r"\[/?[a-z]+\]")
_PLACEHOLDERS = {Path: "PATH", int: "N", str: "TEXT"}


def command_pages() -> str:
    """Return every command: usage, what it does, arguments, options, examples."""
    return "\n\n".join(_command(path, command) for path, command in _commands())


def variable_names() -> list[str]:
    """Return the variables of all options, which ship so that no command is loaded to know them."""
    return sorted(find_variables(get_command(application())))


def option_variables() -> str:
    """Return the table of the options' variables, each with the commands that read it."""
    readers: dict[str, tuple[str, list[str]]] = {}
    for path, command in _commands():
        for parameter in command.params:
            variable = variable_of(parameter)
            if variable:
                readers.setdefault(variable, (parameter.opts[0], []))[1].append(path)
    rows = [
        (f"`{variable}`", f"`{option}`", ", ".join(p.removeprefix(f"{PROGRAM} ") for p in paths))
        for variable, (option, paths) in readers.items()
    ]
    return _table(("Variable", "Option", "Commands"), rows)


def default_variables() -> str:
    """Return the table of the defaults that ship with the package."""
    rows = [(f"`{name}`", f"`{value}`") for name, value in default_environment().items()]
    return _table(("Variable", "Default"), rows)


def child_variables() -> str:
    """Return which variables of the environment each kind of child process may see."""
    kinds = {
        "git": child_environment.GIT_CHILD,
        "pip": child_environment.PIP_CHILD,
        "Node's programs": child_environment.NODE_CHILD,
    }
    groups: dict[int, tuple[Allowance, list[str]]] = {}
    for allowance in child_environment.BASE_CHILD:
        groups[id(allowance)] = (allowance, ["all"])
    for kind, allowances in kinds.items():
        for allowance in allowances:
            if allowance not in child_environment.BASE_CHILD:
                groups.setdefault(id(allowance), (allowance, []))[1].append(kind)
    rows = [
        (", ".join(seen_by), _names(allowance), allowance.why)
        for allowance, seen_by in groups.values()
    ]
    return _table(("Seen by", "Variables", "For"), rows)


def exit_codes() -> str:
    """Return the table of exit codes, one class of failure each."""
    rows = [("0", "", "everything that was asked for exists")]
    rows += [(str(error.exit_code), error.kind, error.meaning) for error in every_error_class()]
    return _table(("Code", "Kind", "Meaning"), rows)


def error_messages() -> str:
    """Return every error's message and advice, a table a kind."""
    said = messages(DOCS.parent / "factory")
    parts = []
    for error in every_error_class():
        rows = [
            (_prose(each.problem), _prose(each.expected), _prose(each.hint))
            for each in said
            if each.error == error.__name__
        ]
        if rows:
            parts.append(f"## {error.exit_code}: {error.kind}\n\nFor: {error.meaning}.")
            parts.append(_table(("Message", "Expected", "Try"), rows))
    return "\n\n".join(parts)


def source_fields() -> str:
    """Return the fields of ``source.json``."""
    return _fields(schema("source"))


def plugins_list_form() -> str:
    """Return what ``plugins-list.yaml`` holds."""
    document = schema("plugins-list")
    value = document["additionalProperties"]
    return (
        f"{_sentence(document['description'])} A value is {value['description']} "
        f"({_type(value, document)})."
    )


def portals_fields() -> str:
    """Return the fields of ``portals.yaml``."""
    return _fields(schema("portals"))


def report_fields() -> str:
    """Return the fields of ``build-report.json``, a table an object."""
    document = schema("build-report")
    tables = [_fields(document)]
    for title, part in _objects(document, document):
        tables += [f"### {title}", _fields(part, document)]
    return "\n\n".join(tables)


def dynamic_plugins_fields() -> str:
    """Return the fields of ``dynamic-plugins.yaml``, a table an object."""
    document = schema("dynamic-plugins")
    tables = [_fields(document)]
    for title, part in _objects(document, document):
        tables += [f"Each of {title}:", _fields(part, document)]
    return "\n\n".join(tables)


def entity_fields() -> str:
    """Return the fields of ``spec`` in the entities of a catalogue, a table a kind."""
    tables = []
    for name in ("extensions-package", "extensions-plugin", "extensions-collection"):
        document = schema(name)
        fields = document["properties"]
        title = f"### {fields['kind']['const']}\n\n{_sentence(fields['spec']['description'])}"
        tables += [title, _fields(fields["spec"], document)]
    return "\n\n".join(tables)


def run_report_fields() -> str:
    """Return the fields of ``build-report.json`` of several workspaces."""
    return _fields(schema("run-report"))


def plan_fields() -> str:
    """Return the fields of ``plugin-factory plan --json``, a table an object."""
    return _tables("plan", without="`error`")


def updates_fields() -> str:
    """Return the fields of ``plugin-factory update --json``, a table an object."""
    return _tables("updates", without="`error`")


def affected_fields() -> str:
    """Return the fields of ``plugin-factory affected --json``, a table an object."""
    return _tables("affected", without="`problem`")


def search_fields() -> str:
    """Return the fields of ``plugin-factory search --json``, a table an object."""
    return _tables("search")


def upgrade_fields() -> str:
    """Return the fields of ``plugin-factory upgrade --json``, a table an object."""
    return _tables("upgrade")


def _tables(name: SchemaName, *, without: str = "") -> str:
    """The fields of a document, a table an object, but for one that the report has."""
    document = schema(name)
    tables = [_fields(document)]
    for title, part in _objects(document, document):
        if title != without:
            tables += [f"### {title}", _fields(part, document)]
    return "\n\n".join(tables)


def inspection_fields() -> str:
    """Return the fields of ``plugin-factory inspect --json``, a table an object."""
    return _tables("inspection")


def inspect_limits_fields() -> str:
    """Return the fields of the limits that ``plugin-factory inspect`` takes."""
    return _fields(schema("inspect-limits"))


def trial_fields() -> str:
    """Return the fields of ``plugin-factory try --json``, a table an object."""
    return _tables("trial")


def hosts() -> str:
    """Return the table of the portals that ship with the package, plain Backstage left out."""
    rows = []
    for name in host_names():
        host = find_host(name)
        default = "default" if name == DEFAULT_HOST else ""
        rhdh_cli = host.profile.engine_versions["rhdh"]
        cells = (host.release, host.backstage, host.profile.node or "any", rhdh_cli.version)
        accepts = rhdh_cli.accepts.replace("<", "&lt;").replace(">", "&gt;")
        packages = f"{len(host.packages):,}"
        rows.append((f"`{name}`", *cells, accepts, packages, default))
    head = ("Host", "Release", "Backstage", "Node", "rhdh-cli", "Or", "Packages", "")
    return _table(head, rows)


def pinned_versions() -> str:
    """Return the versions of rhdh-cli whose dependencies are pinned."""
    return ", ".join(f"`{version}`" for version in list_known_versions())


PARTS: dict[str, Callable[[], str]] = {
    "commands": command_pages,
    "option-variables": option_variables,
    "default-variables": default_variables,
    "child-variables": child_variables,
    "exit-codes": exit_codes,
    "error-messages": error_messages,
    "source-fields": source_fields,
    "plugins-list": plugins_list_form,
    "portals-fields": portals_fields,
    "report-fields": report_fields,
    "run-report-fields": run_report_fields,
    "plan-fields": plan_fields,
    "updates-fields": updates_fields,
    "affected-fields": affected_fields,
    "search-fields": search_fields,
    "upgrade-fields": upgrade_fields,
    "inspection-fields": inspection_fields,
    "inspect-limits-fields": inspect_limits_fields,
    "trial-fields": trial_fields,
    "dynamic-plugins-fields": dynamic_plugins_fields,
    "entity-fields": entity_fields,
    "hosts": hosts,
    "pinned-versions": pinned_versions,
}


def generated(page: str) -> str:
    """Return a page's text with its generated parts as the code has them now."""

    def part(match: re.Match[str]) -> str:
        return f"{match['start']}\n{PARTS[match['name']]()}\n\n{match['end']}"

    return _PART.sub(part, page)


def main(arguments: list[str] | None = None) -> int:
    """Write the pages, or with ``--check`` only tell which are not current."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if not current")
    check = parser.parse_args(arguments).check
    stale = []
    files = {file: generated(file.read_text(encoding="utf-8")) for file in DOCS.rglob("*.md")}
    files[NAMES_FILE] = "".join(f"{name}\n" for name in variable_names())
    for file, wanted in sorted(files.items()):
        if not file.exists() or file.read_text(encoding="utf-8") != wanted:
            stale.append(file.relative_to(DOCS.parent).as_posix())
            if not check:
                file.write_text(wanted, encoding="utf-8")
    for name in stale:
        said = f"{name} is not current: run 'make docs'" if check else f"wrote {name}"
        sys.stdout.write(f"{said}\n")
    return 1 if check and stale else 0


def _commands() -> Iterator[tuple[str, Any]]:
    """The commands that do something, with the words that name each."""
    pending = [(PROGRAM, get_command(application()))]
    while pending:
        path, command = pending.pop(0)
        below = getattr(command, "commands", None)
        if below is None:
            yield path, command
        else:
            pending[:0] = [(f"{path} {name}", one) for name, one in below.items()]


def _command(path: str, command: Any) -> str:
    # A command of option groups says itself what its parameters are.
    said = inspect.unwrap(command.callback, stop=lambda each: hasattr(each, "__signature__"))
    hints = typing.get_type_hints(said)
    positional = [p for p in command.params if not p.opts[0].startswith("-")]
    options = [p for p in command.params if p.opts[0].startswith("-")]
    usage = " ".join([path, *(_positional_usage(p) for p in positional), "[OPTIONS]"])
    parts = [f"## {path}", f"```text\n{usage}\n```", inspect.cleandoc(command.help or "")]
    if positional:
        rows = [(f"`{_positional_usage(p)}`", _cell(p.help or "")) for p in positional]
        parts.append(_table(("Argument", "Meaning"), rows))
    panels: dict[str, list[Any]] = {}
    for option in options:
        panels.setdefault(getattr(option, "rich_help_panel", None) or "Options", []).append(option)
    for panel, members in panels.items():
        table = [
            (_option_usage(p, hints.get(p.name)), _default(p), _cell(p.help or "")) for p in members
        ]
        parts += [f"**{panel}**", _table(("Option", "Default", "Meaning"), table)]
    if command.epilog:
        parts.append(_epilog(command.epilog))
    return "\n\n".join(part for part in parts if part)


def _positional_usage(parameter: Any) -> str:
    name: str = parameter.metavar or parameter.name.upper()
    return name if parameter.required else f"[{name}]"


def _option_usage(parameter: Any, hint: Any) -> str:
    flags = "`, `".join([*parameter.opts, *parameter.secondary_opts])
    if getattr(parameter, "is_flag", False):
        return f"`{flags}`"
    kinds = [kind for kind in (typing.get_args(hint) or (hint,)) if kind is not type(None)]
    kind = kinds[0] if kinds else str
    if inspect.isclass(kind) and issubclass(kind, Enum):
        value = "\\|".join(str(member.value) for member in kind)
    else:
        value = parameter.metavar or _PLACEHOLDERS.get(kind, "TEXT")
    return f"`{flags} {value}`".replace("|", "\\|").replace("\\\\|", "\\|")


def _default(parameter: Any) -> str:
    value = parameter.default
    if parameter.secondary_opts:
        return f"`{(parameter.opts if value else parameter.secondary_opts)[0]}`"
    if parameter.required:
        return "required"
    if value is None or value is False or value == "":
        return ""
    return f"`{value.value if isinstance(value, Enum) else value}`"


def _epilog(text: str) -> str:
    """The help's closing text as Markdown: what is indented there is a command.

    A line that holds only a backspace keeps Typer from filling the lines after it.
    """
    parts = []
    for block in re.split(r"\n\s*\n", _MARKUP.sub("", text).replace("\b\n", "").strip("\n")):
        if all(line.startswith("  ") for line in block.splitlines()):
            lines = textwrap.dedent(block).splitlines()
            parts.append("```sh\n" + "\n".join(lines) + "\n```")
        else:
            said = " ".join(block.split())
            parts.append("**Examples**" if said.rstrip(":") == "Examples" else said)
    return "\n\n".join(parts)


def _names(allowance: Allowance) -> str:
    names = [f"`{name}`" for name in sorted(allowance.names, key=lambda n: (n.lower(), n))]
    return ", ".join([*names, *(f"`{prefix}*`" for prefix in allowance.prefixes)])


def _fields(part: dict[str, Any], document: dict[str, Any] | None = None) -> str:
    required = part.get("required", [])
    rows = [
        (
            f"`{name}`",
            _type(value, document or part),
            "yes" if name in required else "",
            _cell(str(value.get("description", ""))),
        )
        for name, value in part.get("properties", {}).items()
        if name != "$schema"
    ]
    return _table(("Field", "Type", "Required", "Meaning"), rows)


def _objects(part: dict[str, Any], document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Every object below a schema that has fields of its own, in the order of the schema."""
    seen: set[str] = set()
    pending = list(part.get("properties", {}).items())
    while pending:
        name, value = pending.pop(0)
        for inner in _alternatives(value, document):
            below = _resolved(inner.get("items", inner), document)
            title = f"`{below.get('title') or name}`"
            if below.get("properties") and title not in seen:
                seen.add(title)
                yield title, below
                pending += below["properties"].items()


def _alternatives(value: dict[str, Any], document: dict[str, Any]) -> list[dict[str, Any]]:
    value = _resolved(value, document)
    several = value.get("oneOf") or value.get("anyOf") or [value]
    return [_resolved(one, document) for one in several]


def _resolved(value: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    reference = value.get("$ref")
    if not reference:
        return value
    file, _, pointer = reference.partition("#/")
    found: Any = schema(file.removesuffix(".schema.json")) if file else document
    for step in pointer.split("/"):
        found = found[step]
    return {"title": reference.rpartition("/")[2], **found}


def _type(value: dict[str, Any], document: dict[str, Any]) -> str:
    kinds: list[str] = []
    for one in _alternatives(value, document):
        named = one.get("type", "")
        kinds += named if isinstance(named, list) else [named]
        if "enum" in one or "const" in one:
            kinds[-1:] = [f"`{choice}`" for choice in one.get("enum", [one.get("const")])]
    return " or ".join(dict.fromkeys(kind for kind in kinds if kind))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def _prose(text: str) -> str:
    """A message in a table: nothing in it is Markdown."""
    return re.sub(r"([*_`\[\]{}#])", r"\\\1", _cell(text).replace("&lt;", "<")).replace("<", "&lt;")


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}."


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *(list(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    sys.exit(main())
