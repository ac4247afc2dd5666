"""Which workspaces and plugins of a run are wanted: ``--only`` and ``--exclude``.

A pattern that matches the name of a workspace means that workspace, and ``todo/plugins/*`` means
plugins of the workspace todo. Only a pattern that does neither is looked for in every workspace,
among the plugins' paths and their packages' names. So where to look is known before anything is
fetched.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from factory.errors import UsageError
from factory.quantities import join_names
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_WILD = frozenset("*?[")
_SPECIAL = _WILD | {"/", "@"}
_SHOWN = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class PluginName:
    """What a plugin can be selected by; ``workspace`` is "" where a run has but one.

    ``package`` is "" as long as it is not known.
    """

    workspace: str
    path: str
    package: str = ""

    def __str__(self) -> str:
        return f"{self.workspace}/{self.path}" if self.workspace else self.path


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The patterns of ``--only`` and ``--exclude``, and the names of all workspaces there are.

    Of several ``portals`` these begin with the portal's name, ``rhdh-1.9/todo``, or are that where
    there is but one workspace. A pattern may then name the portal, the workspace, or both.

    Patterns are those of the shell (``*`` also matches ``/``); upper and lower case differ. Without
    any ``only`` everything is wanted; ``exclude`` wins over ``only``.
    """

    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    workspaces: tuple[str, ...] = ()
    portals: tuple[str, ...] = ()

    def wants_workspace(self, name: str, plugins: Iterable[str] | None = None) -> bool:
        """Whether a workspace may hold a wanted plugin.

        Args:
            name: the workspace's name, "" where a run has but one.
            plugins: the paths of its plugins where its list names them; None where the workspace
                has to be looked at first.
        """
        if any(self._names_workspace(pattern, name) for pattern in self.exclude):
            return False
        if plugins is None:
            return not self.only or any(self._may_match(each, name) for each in self.only)
        return any(self.may_want(PluginName(workspace=name, path=path)) for path in plugins)

    def wants(self, plugin: PluginName) -> bool:
        """Whether a plugin is wanted."""
        if any(self._matches(pattern, plugin) for pattern in self.exclude):
            return False
        return not self.only or any(self._matches(pattern, plugin) for pattern in self.only)

    def may_want(self, plugin: PluginName) -> bool:
        """Whether a plugin whose package is not known yet may turn out to be wanted."""
        if any(self._matches(pattern, plugin) for pattern in self.exclude):
            return False
        return not self.only or any(
            self._matches(each, plugin)
            or (_may_be_package(each) and self._may_match(each, plugin.workspace))
            for each in self.only
        )

    def packages_wanted(self) -> tuple[str, ...]:
        """Return the patterns of ``--only`` that are plain words, and no workspace's name."""
        return tuple(
            each
            for each in self.only
            if not _SPECIAL.intersection(each) and not self._means_workspaces(each)
        )

    def find_unmatched(
        self, plugins: Iterable[PluginName], others: Iterable[str] = ()
    ) -> tuple[str, ...]:
        """Return the patterns of ``--only`` that match nothing.

        Args:
            plugins: every plugin of the workspaces that have been looked at.
            others: workspaces that could not be looked at: a pattern may have meant them.
        """
        there = tuple(plugins)
        unseen = tuple(others)
        return tuple(
            pattern
            for pattern in self.only
            if not any(self._matches(pattern, plugin) for plugin in there)
            and not any(self._may_match(pattern, name) for name in unseen)
        )

    def _matches(self, pattern: str, plugin: PluginName) -> bool:
        if self._means_workspaces(pattern):
            return self._names_workspace(pattern, plugin.workspace)
        forms = self._forms_of(plugin.workspace)
        if any(_names(pattern, f"{form}/{plugin.path}") for form in forms):
            return True
        if self._begins_with_workspace(pattern):
            return False
        return _names(pattern, plugin.path) or _names(pattern, plugin.package)

    def _may_match(self, pattern: str, workspace: str) -> bool:
        """Whether a pattern may mean something in a workspace of which only the name is known."""
        if self._means_workspaces(pattern):
            return self._names_workspace(pattern, workspace)
        forms = self._forms_of(workspace)
        return not self._begins_with_workspace(pattern) or _begins_with(pattern, forms)

    def _means_workspaces(self, pattern: str) -> bool:
        return any(self._names_workspace(pattern, name) for name in self.workspaces)

    def _begins_with_workspace(self, pattern: str) -> bool:
        return any(_begins_with(pattern, self._forms_of(name)) for name in self.workspaces)

    def _names_workspace(self, pattern: str, workspace: str) -> bool:
        return any(_names(pattern, form) for form in self._forms_of(workspace))

    def _forms_of(self, workspace: str) -> tuple[str, ...]:
        """How a workspace may be named: ``rhdh-1.9/todo``, ``todo``, and by the portal alone."""
        portal, _, rest = workspace.partition("/")
        return (workspace, rest, portal) if rest and portal in self.portals else (workspace,)


def _begins_with(pattern: str, forms: Iterable[str]) -> bool:
    return any(pattern.startswith(f"{form}/") for form in forms if form)


def patterns(written: Sequence[str]) -> tuple[str, ...]:
    """Return the patterns of an option that may be repeated, and may hold several with commas."""
    return tuple(part.strip() for each in written for part in each.split(",") if part.strip())


def nothing_selected(selection: Selection, there: Sequence[str]) -> UsageError:
    """Return the error for patterns that leave nothing to build; ``there`` is what there is."""
    given = [f"--only {each}" for each in selection.only]
    given += [f"--exclude {each}" for each in selection.exclude]
    return UsageError(
        f"{' '.join(given)} leaves nothing to build",
        found=join_names(there, _SHOWN) or "nothing",
        expected="a pattern of a workspace, a plugin's path, its package's name, or "
        "workspace/plugin-path",
    )


def _names(pattern: str, name: str) -> bool:
    return bool(name) and fnmatchcase(name, pattern)


def _may_be_package(pattern: str) -> bool:
    """Whether a package's name can match: npm's have a slash only after an @scope.

    https://docs.npmjs.com/cli/v10/configuring-npm/package-json#name
    """
    return "/" not in pattern or pattern[0] == "@" or pattern[0] in _WILD
