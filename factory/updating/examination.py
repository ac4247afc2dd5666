"""One workspace: what its source's ref could be, what fits the portal, and the files that say so.

Sources are git repositories. A source of another kind is examined by a function beside
:func:`examine`; :mod:`factory.updating.updates` chooses by kind.
"""

from __future__ import annotations

import logging
from dataclasses import field, replace
from itertools import count
from typing import TYPE_CHECKING

from factory.config.list_names import PLUGINS_LIST
from factory.errors import FactoryError, Interrupted, SourceError
from factory.pipeline.checkout import overrides_of
from factory.quantities import pluralize
from factory.sources.commit_store import (
    UnavailableCommitError,
    bring_commit,
    bring_pinned,
    find_default_branch,
)
from factory.sources.git import check_out_git
from factory.sources.overlay import apply_overlays
from factory.sources.patch import apply_patches
from factory.sources.workspace import resolve_workspace
from factory.updating.candidates import (
    Candidate,
    follow_releases,
    follow_tag,
    follow_tags_of_commit,
)
from factory.updating.commit_look import (
    UnfitCommitError,
    describe_failure,
    look_at_commit,
    write_manifests,
)
from factory.updating.file_edits import WantedSourceFields, edit_source
from factory.updating.list_arguments import compute_arguments, edit_lists, find_lists
from factory.updating.portal_fit import judge, judge_ranges
from factory.updating.ref_names import classify, version_tags
from factory.updating.workspace_update import Refused, Revision, WorkspaceUpdate
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from factory.analysis.inventory import HostInventory
    from factory.config.build_plan import BuildPlan
    from factory.sources.commit_store import CommitStore
    from factory.sources.git_refs import Advertised
    from factory.updating.commit_look import CommitLook
    from factory.updating.list_arguments import ListArguments
    from factory.updating.npm_releases import ReleaseBook
    from factory.updating.ref_names import PresentRef

log = logging.getLogger(__name__)

# Commits that are looked at for one workspace; what is older is not an update.
_MOST_EXAMINED = 40
_HEAD = "HEAD"


@dataclass(frozen=True, kw_only=True, slots=True)
class UpdateWishes:
    """What updates are for: the portal, and how far they may go.

    ``portals`` are what ``--host`` and ``portals.yaml`` mean by portals' names. ``pin`` moves
    branches to commits of releases, ``older`` goes back where nothing newer fits and the present
    ref does not either.
    """

    host: HostInventory
    portals: Mapping[str, str] = field(default_factory=dict)
    pin: bool = False
    older: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Accepted:
    """A candidate that fits, what it has, and the arguments that change with it."""

    candidate: Candidate
    look: CommitLook
    arguments: tuple[ListArguments, ...]
    remarks: tuple[str, ...]


def examine(
    plan: BuildPlan,
    store: CommitStore,
    refs: Advertised,
    *,
    book: ReleaseBook,
    wishes: UpdateWishes,
    scratch: Path,
) -> WorkspaceUpdate:
    """Return what becomes of a workspace whose source is a git repository.

    Args:
        plan: the workspace.
        store: the commits of its repository.
        refs: its branches and tags.
        book: the published versions of packages.
        wishes: the portal, and how far to go.
        scratch: a folder of the workspace's own for files of commits.

    Raises:
        SourceError: the repository, its present ref or workspace is not available.
        RegistryError: the npm registry does not answer.
        ConfigurationError: a file of the workspace cannot be used.
    """
    examination = _Examination(
        plan=plan, store=store, refs=refs, book=book, wishes=wishes, scratch=scratch
    )
    return examination.update()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Examination:
    """The questions about one workspace, each asked once."""

    plan: BuildPlan
    store: CommitStore
    refs: Advertised
    book: ReleaseBook
    wishes: UpdateWishes
    scratch: Path
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def listed(self) -> list[str] | None:
        plugins = self.plan.plugins
        return [each.path for each in plugins.entries] if plugins else None

    def update(self) -> WorkspaceUpdate:
        ref = self.plan.source.ref if self.plan.source else None
        ref = None if ref == _HEAD else ref
        default = find_default_branch(self.store) if ref is None else None
        present = self._bring(classify(ref, self.refs, default))
        now = self._look_at_present(present)
        base = WorkspaceUpdate(
            name=self.plan.name or self.plan.config_dir.name,
            config_dir=self.plan.config_dir,
            repo=self.store.address,
            present=_revision(present.name, now),
        )
        candidates, stays = self._candidates(present, now)
        if candidates is None:
            edit = edit_source(self.plan.source_folder, WantedSourceFields(backstage=now.backstage))
            return replace(base, why=stays, stays=True, edits=(edit,) if edit else ())
        return self._choose(base, present, now, candidates)

    def _bring(self, present: PresentRef) -> PresentRef:
        try:
            bring_commit(self.store, present.commit, present.full_ref)
        except UnavailableCommitError:
            commit = bring_pinned(self.store, present.name or present.commit)
            return replace(present, commit=commit)
        return present

    def _look_at_present(self, present: PresentRef) -> CommitLook:
        try:
            return self._look(present.commit)
        except UnfitCommitError as error:
            raise SourceError(
                f"the present ref of the workspace cannot be used: {error}",
                found=f"{present.name or 'the default branch'} of {self.store.address}",
                hint="correct repo-ref or workspace-path in source.json",
            ) from error

    def _look(self, commit: str) -> CommitLook:
        into = self.scratch / f"look-{next(self.numbers)}"
        return look_at_commit(self.store, commit, self.plan.workspace_path, self.listed, into)

    def _candidates(
        self, present: PresentRef, now: CommitLook
    ) -> tuple[tuple[Candidate, ...] | None, str]:
        """What may take the present ref's place; None, with the reason, where it stays."""
        tags = version_tags(self.refs)
        if present.kind == "tag":
            found = follow_tag(present, tags)
            why = "the name of the tag has no version in it: it stays"
            return found, "" if found is not None else why
        if present.kind != "commit" and not self.wishes.pin:
            name = present.name or "the default branch"
            return None, f"{name} is a branch, which moves by itself (--pin makes it a commit)"
        releases = [each for name in now.versions for each in self.book.releases(name)]
        candidates = follow_releases(now.versions, releases, tags)
        candidates = candidates or follow_tags_of_commit(present, now.versions, tags)
        return candidates or self._branch_tip(), ""

    def _branch_tip(self) -> tuple[Candidate, ...]:
        """The default branch, which is all there is where nobody makes releases."""
        told = find_default_branch(self.store)
        if told is None:
            return ()
        full, commit = told
        branch = full.removeprefix("refs/heads/")
        label = f"the tip of {branch}, since there is no release"
        return (
            Candidate(
                ref=commit,
                label=label,
                commit=commit,
                full_ref=full,
            ),
        )

    def _choose(
        self,
        base: WorkspaceUpdate,
        present: PresentRef,
        now: CommitLook,
        candidates: tuple[Candidate, ...],
    ) -> WorkspaceUpdate:
        fit = judge(now.backstage, now.plugins.values(), self.wishes.host)
        reasons = (*fit.reasons, *now.missing.values())
        is_pinned = present.kind in {"commit", "tag"}
        others = [each for each in candidates if each.commit != present.commit or not is_pinned]
        # What takes a branch's place is a release, which the branch may be ahead of.
        newer = [each for each in others if each.is_newer or not is_pinned]
        accepted, refused = self._try(newer, now, back=not is_pinned)
        if accepted is None and is_pinned and self.wishes.older and reasons:
            older = [each for each in others if not each.is_newer]
            accepted, more = self._try(older, now, back=True)
            refused += more
        if accepted is None:
            why = why_none(len(newer), self.wishes.host.name)
            if reasons:
                why += f"; the present ref does not fit either ({reasons[0]})"
                why += "" if self.wishes.older else ": --older looks for one that does"
            edit = edit_source(self.plan.source_folder, WantedSourceFields(backstage=now.backstage))
            return replace(
                base,
                why=why,
                refused=tuple(refused),
                remarks=fit.remarks,
                edits=(edit,) if edit else (),
            )
        return self._accept(base, accepted, refused)

    def _accept(
        self, base: WorkspaceUpdate, accepted: _Accepted, refused: list[Refused]
    ) -> WorkspaceUpdate:
        candidate, look = accepted.candidate, accepted.look
        wanted = WantedSourceFields(
            ref=candidate.ref, ref_name=candidate.label, backstage=look.backstage
        )
        in_source = edit_source(self.plan.source_folder, wanted)
        in_lists, changes = edit_lists(accepted.arguments)
        return replace(
            base,
            chosen=replace(_revision(candidate.ref, look), label=candidate.label),
            why=why_newest(len(refused), self.wishes.host.name),
            refused=tuple(refused),
            remarks=accepted.remarks,
            arguments=changes,
            edits=tuple(edit for edit in (in_source, *in_lists) if edit),
        )

    def _try(
        self, candidates: Iterable[Candidate], now: CommitLook, *, back: bool
    ) -> tuple[_Accepted | None, list[Refused]]:
        refused: list[Refused] = []
        for number, candidate in enumerate(candidates):
            if number == _MOST_EXAMINED:
                log.warning(
                    "%s: none of the newest %d refs fits, and older ones are not examined",
                    self.store.address,
                    _MOST_EXAMINED,
                )
                break
            result = self._examine(candidate, now, back=back)
            if isinstance(result, _Accepted):
                return result, refused
            refused.append(
                Refused(
                    ref=candidate.ref,
                    label=candidate.label,
                    commit=candidate.commit,
                    reasons=result,
                )
            )
        return None, refused

    def _examine(
        self, candidate: Candidate, now: CommitLook, *, back: bool
    ) -> _Accepted | tuple[str, ...]:
        """The candidate, if it fits, or else the reasons why it does not."""
        host = self.wishes.host
        # What the registry has told needs no fetching.
        published = (each.manifest for each in candidate.releases if each.manifest)
        told = [reason for each in published for reason in judge_ranges(each, host).reasons]
        if told:
            return tuple(dict.fromkeys(told))
        try:
            bring_commit(self.store, candidate.commit, candidate.full_ref)
            look = self._look(candidate.commit)
        except UnavailableCommitError:
            return ("the repository does not give this commit",)
        except UnfitCommitError as error:
            return (str(error),)
        fit = judge(look.backstage, look.plugins.values(), host)
        reasons = [*fit.reasons, *look.missing.values(), *_differences(candidate, look)]
        if not back:
            reasons += _steps_back(candidate, look, now)
        if reasons:
            return tuple(reasons)
        try:
            arguments = self._arguments(candidate)
        except UnfitCommitError as error:
            return (str(error),)
        return _Accepted(candidate=candidate, look=look, arguments=arguments, remarks=fit.remarks)

    def _arguments(self, candidate: Candidate) -> tuple[ListArguments, ...]:
        """The build arguments that change."""
        overrides = overrides_of(self.plan)
        into = self.scratch / f"tree-{next(self.numbers)}"
        patched = bool(overrides.patches or overrides.overlays)
        if patched:
            into.mkdir(parents=True)
            ref = candidate.full_ref or candidate.commit
            check_out_git(self.store.remote, ref, into, self.store.session)
            folder = into / self.plan.workspace_path
        else:
            path = self.plan.workspace_path
            folder = write_manifests(self.store, candidate.commit, path, into)
        lists = find_lists(self.plan, self.wishes.host, self.wishes.portals)
        try:
            if patched:
                folder = resolve_workspace(into, self.plan.workspace_path)
                apply_patches(overrides.patches, root=into, workspace=folder, is_fresh=True)
                apply_overlays(overrides.overlays, folder)
            return compute_arguments(lists, folder)
        except Interrupted:
            raise
        except FactoryError as error:
            raise UnfitCommitError(
                f"its build arguments for {PLUGINS_LIST} are not known: {describe_failure(error)}"
                if not patched
                else describe_failure(error)
            ) from error


def _differences(candidate: Candidate, look: CommitLook) -> list[str]:
    """Where a commit is not what the registry says that it is."""
    there = look.versions
    return [
        f"the registry says that {release} is of this commit, which has {there[release.package]}"
        for release in candidate.releases
        if release.package in there and there[release.package] != release.version
    ]


def _steps_back(candidate: Candidate, look: CommitLook, now: CommitLook) -> list[str]:
    """Where a commit has older plugins than the present one, whatever it is called."""
    there, here = look.versions, now.versions
    back = [
        f"it has {name} {there[name]}, which is older than the present {here[name]}"
        for name in there
        if name in here and there[name] < here[name]
    ]
    if not back and candidate.releases and there == here:
        return ["its plugins have the versions of the present commit"]
    return back


def _revision(ref: str | None, look: CommitLook) -> Revision:
    versions = {name: str(version) for name, version in look.versions.items()}
    return Revision(ref=ref, commit=look.commit, backstage=look.backstage, versions=versions)


def why_newest(refused: int, host: str) -> str:
    """Return why something is chosen, where so many newer ones do not fit the portal."""
    if not refused:
        return f"the newest that fits {host}"
    does_not = "does not" if refused == 1 else "do not"
    return f"the newest that fits {host}, and {pluralize(refused, 'newer one')} {does_not}"


def why_none(newer: int, host: str) -> str:
    """Return why nothing is chosen of so many releases that are newer."""
    if not newer:
        return "nothing newer is released"
    if newer == 1:
        return f"the only newer release does not fit {host}"
    return f"none of the {pluralize(newer, 'newer release')} fits {host}"
