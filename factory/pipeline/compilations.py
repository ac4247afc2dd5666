"""Each workspace package compiled once, by whoever needs it first."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from factory.analysis.discovery import WorkspacePackage


class Compilations:
    """The compilations of one workspace, shared by the threads that build its plugins."""

    def __init__(self, compile_package: Callable[[WorkspacePackage], None]) -> None:
        self._compile = compile_package
        self._started: dict[str, Future[None]] = {}
        self._lock = threading.Lock()

    def ensure(self, packages: Sequence[WorkspacePackage]) -> None:
        """Return when all of ``packages`` are compiled.

        What nobody has begun is compiled here, one after the other; only then is waited for what
        others have begun. So no two threads wait for each other.

        Raises:
            CompileError: one of them does not compile, here or elsewhere.
        """
        for package in packages:
            mine = self._claimed(package)
            if mine is None:
                continue
            try:
                self._compile(package)
            except BaseException as error:
                mine.set_exception(error)
                raise
            mine.set_result(None)
        for package in packages:
            self._started[package.path].result()

    def _claimed(self, package: WorkspacePackage) -> Future[None] | None:
        """A new future for a package that nobody has begun; None if somebody has."""
        with self._lock:
            if package.path in self._started:
                return None
            return self._started.setdefault(package.path, Future())
