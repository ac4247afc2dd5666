"""Every error a user can meet: one class a way to fail, each with its own exit code.

An error names the file, the field, what was found, what was expected and what to type next. The
exit codes are part of the command line's contract: a pipeline may branch on them.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, ClassVar

from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """Where in a user's file something is: a path, and from there a line, column and field.

    Lines and columns count from 1, as editors do.
    """

    file: Path
    line: int | None = None
    column: int | None = None
    field: str | None = None

    def __str__(self) -> str:
        numbers = [str(n) for n in (self.line, self.column) if n is not None]
        text = ":".join([str(self.file), *numbers])
        return f"{text} ({self.field})" if self.field else text


class FactoryError(Exception):
    """An error to show to the user, and the exit code that the run ends with.

    Args:
        problem: one sentence, what went wrong.
        place: the file (and line, column, field) that it is about.
        found: what is there.
        expected: what should be there.
        hint: what to do next, best a command to type.
        details: further lines, shown as they are (a tool's own message, a hunk).
        log: the file that holds the failed tool's full output.
    """

    exit_code: ClassVar[int] = 1
    kind: ClassVar[str] = "error"
    meaning: ClassVar[str] = "an error in plugin-factory itself; please report it"

    def __init__(
        self,
        problem: str,
        *,
        place: Place | None = None,
        found: str | None = None,
        expected: str | None = None,
        hint: str | None = None,
        details: str | None = None,
        log: Path | None = None,
    ) -> None:
        super().__init__(problem)
        self.problem = problem
        self.place = place
        self.found = found
        self.expected = expected
        self.hint = hint
        self.details = details
        self.log = log

    def __str__(self) -> str:
        """The whole message as plain text, one fact a line."""
        facts = [
            ("in", str(self.place) if self.place else None),
            ("found", self.found),
            ("expected", self.expected),
            ("log", str(self.log) if self.log else None),
            ("try", self.hint),
        ]
        lines = [self.problem]
        lines += [f"  {name}: {value}" for name, value in facts if value]
        if self.details:
            lines += [f"  | {line}" for line in self.details.splitlines()]
        return "\n".join(lines)


class UsageError(FactoryError):
    """Options that do not go together, or a value that no option takes."""

    exit_code = 2
    kind = "usage"
    meaning = "the command line: an unknown option, a bad value, options that exclude each other"


class ConfigurationError(FactoryError):
    """A file of the configuration directory, or a variable, that cannot be used."""

    exit_code = 3
    kind = "configuration"
    meaning = "source.json, plugins-list.yaml, .env or another configuration file"


class SourceError(FactoryError):
    """The plugins' source cannot be brought: unknown repository, ref or workspace, no access."""

    exit_code = 4
    kind = "source"
    meaning = "the repository, ref or workspace path is not available"


class PatchError(FactoryError):
    """A patch or an overlay cannot be applied."""

    exit_code = 5
    kind = "patch"
    meaning = "a patch does not apply, or an overlay cannot be copied"


class ToolchainError(FactoryError):
    """Node, yarn or rhdh-cli in the wanted version can neither be found nor installed."""

    exit_code = 6
    kind = "toolchain"
    meaning = "node, yarn or rhdh-cli is missing and cannot be installed"


class DependenciesError(FactoryError):
    """The workspace's dependencies cannot be installed, or its lockfile cannot be used."""

    exit_code = 7
    kind = "dependencies"
    meaning = "yarn install failed, or yarn.lock cannot be used"
    is_lasting = False
    """Whether every attempt ends alike, since something is not there, or not allowed."""


class CompileError(FactoryError):
    """TypeScript, or the build of a package, reports errors."""

    exit_code = 8
    kind = "compile"
    meaning = "yarn tsc, or yarn build of a package, failed"


class ExportError(FactoryError):
    """rhdh-cli refuses to export a plugin."""

    exit_code = 9
    kind = "export"
    meaning = "rhdh-cli plugin export failed for at least one plugin"


class PackError(FactoryError):
    """An exported plugin cannot be packed."""

    exit_code = 10
    kind = "packing"
    meaning = "npm pack failed, or its result is not valid"


class RegistryError(FactoryError):
    """A container registry refuses, or cannot be reached."""

    exit_code = 11
    kind = "registry"
    meaning = "a container registry refused or could not be reached"


class StorageError(FactoryError):
    """The disk is full, or a folder cannot be written."""

    exit_code = 12
    kind = "storage"
    meaning = "no space left, or a folder that cannot be written"


class BusyError(FactoryError):
    """Another run holds the same folder."""

    exit_code = 13
    kind = "busy"
    meaning = "another run uses the same folder"


class CheckError(FactoryError):
    """A check was asked for and did not hold."""

    exit_code = 14
    kind = "check"
    meaning = "a check that was requested (--check, verify, upgrade) failed"


class ArtifactError(FactoryError):
    """An artifact is damaged, not safe to unpack, or does not match its integrity."""

    exit_code = 15
    kind = "artifact"
    meaning = "an archive is damaged, not safe to unpack, or does not match its integrity"


class Interrupted(FactoryError):  # noqa: N818 - the word for it; it is not a fault
    """Ctrl-C: the run was ended by its user."""

    exit_code = 130
    kind = "interrupted"
    meaning = "ended by Ctrl-C (SIGINT); no partial results are left"


class Terminated(Interrupted):
    """SIGTERM: the run was ended by the system, a container runtime or a CI."""

    exit_code = 143
    kind = "terminated"
    meaning = "ended by SIGTERM; no partial results are left"


@contextlib.contextmanager
def os_errors_as(error: FactoryError) -> Iterator[None]:
    """Raise ``error``, with the system's own words as what was found, where the block fails.

    Raises:
        FactoryError: ``error``, if the block raises an OSError.
    """
    try:
        yield
    except OSError as cause:
        error.found = cause.strerror or str(cause)
        raise error from cause


def every_error_class() -> tuple[type[FactoryError], ...]:
    """All error classes in the order of their exit codes, for the documentation and the tests."""
    found: list[type[FactoryError]] = [FactoryError]
    for known in found:
        found.extend(known.__subclasses__())
    return tuple(sorted(found, key=lambda error: error.exit_code))
