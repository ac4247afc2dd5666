"""``plugins-list.yaml``: the plugins to build, and the build arguments of each."""

from __future__ import annotations

import posixpath
import shlex
from pathlib import Path, PurePosixPath

import yaml

from factory.config.documents import Document, read_yaml_map, refuse_unprintable, validate
from factory.config.list_names import MISNAMED_LIST, PLUGINS_LIST
from factory.errors import ConfigurationError, Place
from factory.files import write_new
from factory.values import dataclass

LIST_HEAD = (
    "# The plugins to build, from the workspace's root, each with its build arguments.\n"
    "# Found by plugin-factory; edit as you like, it is not overwritten unless you ask.\n"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginEntry:
    """A line of the list: a plugin's folder from the workspace's root, and its build arguments.

    ``path`` is a normalised POSIX path, "." for a workspace that is itself a plugin. ``arguments``
    is the text as written. ``line`` counts from 1, and is None for an entry that was not read from
    a file.
    """

    path: str
    arguments: str = ""
    line: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginsList:
    """The entries in the order of the file ``path``."""

    path: Path
    entries: tuple[PluginEntry, ...]

    def place(self, entry: PluginEntry) -> Place:
        """Return where an entry stands, for an error about it."""
        return Place(file=self.path, line=entry.line, field=entry.path)


def read_plugins_list(path: Path) -> PluginsList | None:
    """Return the list, or None when there is no such file.

    Raises:
        ConfigurationError: a file ``plugins-list.yml``, invalid YAML, a wrong type, a repeated key,
            a path that is absolute or leaves the workspace, a quote that is not closed, or a list
            without any plugin.
    """
    if not path.exists():
        _refuse_misnamed(path)
        return None
    document = validate(read_yaml_map(path), "plugins-list")
    entries = tuple(
        PluginEntry(
            path=_plugin_path(document, key),
            arguments=_arguments(document, key, arguments),
            line=document.lines[key,][0],
        )
        for key, arguments in document.value.items()
    )
    if not entries:
        raise ConfigurationError(
            f"{path.name} lists no plugins",
            place=Place(file=path),
            expected="at least one line such as 'plugins/todo:'",
            hint=f"remove {path.name} to have every plugin of the workspace found",
        )
    _refuse_same_folder(document, entries)
    return PluginsList(path=path, entries=entries)


def plugins_list_text(entries: tuple[PluginEntry, ...]) -> str:
    """Return the YAML text of a new list, one plugin a line, in the order given."""
    return LIST_HEAD + "".join(plugins_list_line(entry) for entry in entries)


def plugins_list_line(entry: PluginEntry) -> str:
    """Return the line of a plugin, with its line feed."""
    line: str = yaml.safe_dump(
        {entry.path: entry.arguments or None}, default_flow_style=False, width=10_000
    )
    return line.replace(": null\n", ":\n")


def write_new_plugins_list(path: Path, entries: tuple[PluginEntry, ...]) -> None:
    """Write a list where there is none yet, whole or not at all.

    Raises:
        FileExistsError: there is a list already; it is left as it is.
        OSError: the directory cannot be written.
    """
    write_new(path, plugins_list_text(entries))


def _refuse_misnamed(path: Path) -> None:
    misnamed = path.with_name(MISNAMED_LIST)
    if path.name == PLUGINS_LIST and misnamed.exists():
        raise ConfigurationError(
            f"{MISNAMED_LIST} is not read",
            place=Place(file=misnamed),
            expected=PLUGINS_LIST,
            hint=f"rename it to {PLUGINS_LIST}",
        )


def _arguments(document: Document, key: str, written: str | None) -> str:
    arguments = " ".join((written or "").split())
    refuse_unprintable(document, key, arguments)
    try:
        shlex.split(arguments)
    except ValueError as error:
        raise ConfigurationError(
            "the build arguments cannot be split into words as in a shell",
            place=document.place(key),
            found=arguments,
            expected=f"each quote closed ({error})",
        ) from error
    return arguments


def _plugin_path(document: Document, key: str) -> str:
    refuse_unprintable(document, key, key)
    place = document.place(key)
    path = PurePosixPath(key.strip())
    if path.is_absolute():
        raise ConfigurationError(
            "a plugin's path is absolute",
            place=place,
            expected="a path from the workspace's root, such as plugins/todo",
        )
    normal = posixpath.normpath(path.as_posix())
    if normal == ".." or normal.startswith("../"):
        raise ConfigurationError(
            "a plugin's path points outside the workspace",
            place=place,
            expected="a path from the workspace's root, such as plugins/todo",
        )
    return normal


def _refuse_same_folder(document: Document, entries: tuple[PluginEntry, ...]) -> None:
    seen: dict[str, PluginEntry] = {}
    for entry in entries:
        first = seen.setdefault(entry.path, entry)
        if first is not entry:
            raise ConfigurationError(
                f"{entry.path} appears twice in {document.path.name}",
                place=Place(file=document.path, line=entry.line, field=entry.path),
                found=f"the same folder on line {first.line}",
                hint="remove one of the two",
            )
