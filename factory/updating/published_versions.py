"""One workspace of a published package: which version fits the portal, and the files that say so.

A version in source.json moves to a newer one. A range or a tag stays, unless it is to be pinned:
builds follow it by themselves, or the yarn.lock beside source.json (:mod:`factory.published.pin`)
holds it at a version until that file goes.

Build arguments follow from what is locked: what is chosen is brought and its dependencies are
resolved, as a build does before it installs.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from semver import Version

from factory.analysis.discovery import BACKEND_ROLES
from factory.config.list_names import PLUGINS_LIST
from factory.config.package_spec import PackageSpec
from factory.errors import (
    ArtifactError,
    DependenciesError,
    PatchError,
    RegistryError,
    SourceError,
)
from factory.published.pin import PIN_FILE, read_pin
from factory.quantities import pluralize
from factory.updating.commit_look import describe_failure
from factory.updating.examination import why_newest, why_none
from factory.updating.file_edits import WantedSourceFields, edit_source, remove_file
from factory.updating.list_arguments import compute_arguments, edit_lists, find_lists
from factory.updating.portal_fit import Fit
from factory.updating.version_fit import make_judge, match_backstage
from factory.updating.workspace_update import Refused, Revision, WorkspaceUpdate
from factory.values import dataclass
from factory.versions import is_in, is_range

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from factory.config.build_plan import BuildPlan
    from factory.published.pin import Pin
    from factory.updating.examination import UpdateWishes
    from factory.updating.file_edits import FileEdit
    from factory.updating.list_arguments import ListArguments
    from factory.updating.npm_releases import PackageHistory, Release, ReleaseBook
    from factory.updating.version_fit import VersionJudge

log = logging.getLogger(__name__)

# Versions that are brought for one workspace; what is older is not an update.
_MOST_BROUGHT = 40
# What is wrong with a version itself, and not with the registry or with this machine.
_UNUSABLE = (ArtifactError, PatchError, SourceError)


def examine_package(
    plan: BuildPlan,
    spec: PackageSpec,
    *,
    book: ReleaseBook,
    wishes: UpdateWishes,
    bring: Callable[[BuildPlan], AbstractContextManager[Path]],
    scratch: Path,
) -> WorkspaceUpdate:
    """Return what becomes of a workspace whose source is a published package.

    Args:
        plan: the workspace.
        spec: what its source.json wants.
        book: the published versions of packages.
        wishes: the portal, and how far to go.
        bring: brings a workspace's source to a folder, with its dependencies resolved.
        scratch: a folder of the workspace's own for archives.

    Raises:
        RegistryError: the npm registry does not answer, or has no such package or version.
        SourceError: the yarn.lock beside source.json is of something else.
        DependenciesError: the registry does not answer when dependencies are resolved.
        ToolchainError: what resolves them cannot be installed.
        ConfigurationError: a file of the workspace cannot be used.
    """
    history = book.history(spec.name)
    if not history.is_published:
        raise RegistryError(
            f"the npm registry has no package {spec.name}",
            hint="check the name, and the registry and the login in .npmrc",
        )
    examination = _PackageExamination(
        plan=plan,
        spec=spec,
        history=history,
        pin=read_pin(plan.source_folder, spec),
        wishes=wishes,
        judge=make_judge(plan, wishes.host, book, scratch),
        bring=bring,
    )
    return examination.update()


@dataclass(frozen=True, kw_only=True, slots=True)
class _AcceptedVersion:
    """A version that fits, and the arguments that change with it."""

    release: Release
    remarks: tuple[str, ...]
    arguments: tuple[ListArguments, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class _PackageExamination:
    """The questions about one workspace's package."""

    plan: BuildPlan
    spec: PackageSpec
    history: PackageHistory
    pin: Pin | None
    wishes: UpdateWishes
    judge: VersionJudge
    bring: Callable[[BuildPlan], AbstractContextManager[Path]]

    @property
    def host(self) -> str:
        return self.wishes.host.name

    def update(self) -> WorkspaceUpdate:
        exact = self.spec.wanted.lstrip("v= ")
        if Version.is_valid(exact):
            return self._move(Version.parse(exact))
        node = self.plan.options.arguments.node or self.wishes.host.profile.node
        meaning = self.history.find_meaning(self.spec.wanted, node=node)
        if meaning is None and self.pin is None:
            raise RegistryError(
                f"the npm registry has no {self.spec}",
                found=pluralize(len(self.history.everything), "version"),
                expected="a version, a range or a tag that exists there",
            )
        if self.wishes.pin:
            return self._settle(meaning)
        if self.pin is None:
            return self._leave(meaning)
        return self._renew(meaning, self.pin)

    def _base(self, version: str) -> WorkspaceUpdate:
        """What is said of the workspace as it is, at a version."""
        release = self.history.find(version)
        deprecated = f"{self.spec.name} {version} is deprecated"
        return WorkspaceUpdate(
            name=self.plan.name or self.plan.config_dir.name,
            config_dir=self.plan.config_dir,
            repo=self.spec.purl,
            present=self._revision(self.spec.wanted, version, release),
            remarks=(deprecated,) if release and release.deprecated else (),
        )

    def _move(self, present: Version) -> WorkspaceUpdate:
        """A version becomes the newest that fits."""
        base = self._base(str(present))
        alike = [
            each
            for each in self.history.releases
            if present.prerelease or not each.version.prerelease
        ]
        newer = [each for each in alike if each.version > present]
        chosen, refused = self._try(newer)
        fit = Fit() if chosen else self._judge_version(str(present))
        if chosen is None and self.wishes.older and fit.reasons:
            chosen, more = self._try(each for each in alike if each.version < present)
            refused += more
        if chosen:
            return self._accept(base, chosen, refused)
        why = why_none(len(newer), self.host) + self._say_unfit(fit)
        return self._keep(base, why, refused, fit)

    def _settle(self, meaning: Release | None) -> WorkspaceUpdate:
        """A range or a tag becomes the newest version in it that fits."""
        held = Version.parse(self.pin.version) if self.pin else None
        inside = [each for each in self.history.releases if self._is_meant(each, meaning)]
        chosen, refused = self._try(e for e in inside if held is None or e.version >= held)
        fit = Fit() if chosen or held is None else self._judge_version(str(held))
        if chosen is None and held and self.wishes.older and fit.reasons:
            chosen, more = self._try(each for each in inside if each.version < held)
            refused += more
        now = str(meaning.version) if meaning else ""
        base = self._base(self.pin.version if self.pin else now)
        if chosen:
            return self._accept(base, chosen, refused)
        since = f" from {held} on" if held and not self.wishes.older else ""
        why = f"no version of {self.spec.wanted}{since} fits {self.host}"
        kept = self._keep(base, why + self._say_unfit(fit), refused, fit)
        return replace(kept, stays=True)

    def _is_meant(self, release: Release, meaning: Release | None) -> bool:
        """Whether a version may take the place of the range or the tag.

        A tag means what its author takes for good: that version, and the ones before it.
        """
        if self._is_range:
            return is_in(str(release.version), self.spec.wanted)
        return meaning is not None and (
            release.version <= meaning.version
            and (bool(meaning.version.prerelease) or not release.version.prerelease)
        )

    @property
    def _is_range(self) -> bool:
        return self.spec.wanted not in self.history.tags and is_range(self.spec.wanted)

    @property
    def _called(self) -> str:
        return f"{self.spec.wanted} is a {'range' if self._is_range else 'tag'}"

    def _leave(self, meaning: Release | None) -> WorkspaceUpdate:
        """A range or a tag that builds follow by themselves."""
        version = str(meaning.version) if meaning else ""
        base, fit = self._base(version), self._judge_version(version)
        why = f"{self._called}, which each build resolves: to {version} now "
        if fit.reasons and meaning:
            why += f"(--pin makes it the newest version that fits {self.host})"
            return replace(self._keep(base, why, [_refuse(meaning, fit)], fit), stays=True)
        return replace(self._keep(base, f"{why}(--pin makes it a version)", [], fit), stays=True)

    def _renew(self, meaning: Release | None, pin: Pin) -> WorkspaceUpdate:
        """A range or a tag that yarn.lock holds: it goes where a build would then take a newer."""
        held = Version.parse(pin.version)
        base, fit = self._base(pin.version), self._judge_version(pin.version)
        said = f"{self._called}, which {PIN_FILE} holds at {pin.version}: "
        if meaning is None or meaning.version == held:
            now = "it means no other now" if meaning else "the registry has no version of it now"
            return replace(self._keep(base, f"{said}{now}", [], fit), stays=True)
        new = self.judge.judge(meaning)
        goes_back = meaning.version < held
        if not new.reasons and (not goes_back or (self.wishes.older and fit.reasons)):
            accepted = self._settle_arguments(meaning, new, self.spec)
            if isinstance(accepted, _AcceptedVersion):
                return self._remove_pin(base, accepted, said)
            new = accepted
        why = f"{said}it means {meaning.version} now, which "
        if goes_back:
            why += "is older" + self._say_unfit(fit)
            return replace(self._keep(base, why, [], fit), stays=True)
        inside = (
            each
            for each in self.history.releases
            if held < each.version < meaning.version and self._is_meant(each, meaning)
        )
        between, refused = self._try(inside)
        why += f"does not fit {self.host}"
        if between:
            why += f"; {between.release.version} does, and --pin takes it"
        kept = self._keep(base, why + self._say_unfit(fit), [_refuse(meaning, new), *refused], fit)
        return replace(kept, stays=True)

    def _remove_pin(
        self, base: WorkspaceUpdate, accepted: _AcceptedVersion, said: str
    ) -> WorkspaceUpdate:
        """The next build resolves the range anew, and writes another yarn.lock."""
        version = accepted.release.version
        in_lists, changes = edit_lists(accepted.arguments)
        return replace(
            base,
            chosen=self._choice(self.spec.wanted, accepted.release),
            why=f"{said}without that file the next build takes {version}, which fits {self.host}",
            remarks=accepted.remarks,
            arguments=changes,
            edits=_edits_of(*in_lists, remove_file(self.plan.source_folder / PIN_FILE)),
        )

    def _accept(
        self, base: WorkspaceUpdate, accepted: _AcceptedVersion, refused: list[Refused]
    ) -> WorkspaceUpdate:
        version = str(accepted.release.version)
        folder = self.plan.source_folder
        wanted = WantedSourceFields(package=str(self._exactly(accepted.release)))
        in_lists, changes = edit_lists(accepted.arguments)
        stale = self.pin is not None and self.pin.version != version
        return replace(
            base,
            chosen=self._choice(version, accepted.release),
            why=why_newest(len(refused), self.host),
            refused=tuple(refused),
            remarks=accepted.remarks,
            arguments=changes,
            edits=_edits_of(
                edit_source(folder, wanted),
                *in_lists,
                remove_file(folder / PIN_FILE) if stale else None,
            ),
        )

    def _keep(
        self, base: WorkspaceUpdate, why: str, refused: list[Refused], fit: Fit
    ) -> WorkspaceUpdate:
        remarks = (*base.remarks, *fit.remarks)
        return replace(base, why=why, refused=tuple(refused), remarks=remarks)

    def _try(self, candidates: Iterable[Release]) -> tuple[_AcceptedVersion | None, list[Refused]]:
        """The newest that fits, and what is newer and does not."""
        refused: list[Refused] = []
        newest_first = sorted(candidates, key=lambda each: each.version, reverse=True)
        for number, release in enumerate(newest_first):
            if self.judge.needs_archive and number == _MOST_BROUGHT:
                log.warning(
                    "%s: none of the newest %d versions fits, and older ones are not examined",
                    self.spec.name,
                    _MOST_BROUGHT,
                )
                break
            fit = self.judge.judge(release)
            if not fit.reasons:
                accepted = self._settle_arguments(release, fit, self._exactly(release))
                if isinstance(accepted, _AcceptedVersion):
                    return accepted, refused
                fit = accepted
            refused.append(_refuse(release, fit))
        return None, refused

    def _exactly(self, release: Release) -> PackageSpec:
        return PackageSpec(name=self.spec.name, wanted=str(release.version))

    def _settle_arguments(
        self, release: Release, fit: Fit, spec: PackageSpec
    ) -> _AcceptedVersion | Fit:
        """What a version that fits brings along, or why it does not fit after all.

        ``spec`` is what source.json is to say of it.
        """
        role = release.manifest.role if release.manifest else ""
        lists = find_lists(self.plan, self.wishes.host, self.wishes.portals)
        source = self.plan.source
        if not lists or source is None or role not in BACKEND_ROLES:
            return _AcceptedVersion(release=release, remarks=fit.remarks)
        is_held = self.pin is not None and self.pin.version == str(release.version)
        source = replace(source, package=spec, ref=spec.wanted, is_held=is_held)
        log.info("%s: resolving the dependencies of %s", self.plan.config_dir.name, release)
        try:
            with self.bring(replace(self.plan, source=source)) as folder:
                found = compute_arguments(lists, folder)
        except (*_UNUSABLE, DependenciesError) as error:
            if isinstance(error, DependenciesError) and not error.is_lasting:
                raise
            unknown = f"its build arguments for {PLUGINS_LIST} are not known"
            return Fit(reasons=(f"{unknown}: {describe_failure(error)}",))
        return _AcceptedVersion(release=release, remarks=fit.remarks, arguments=found)

    def _judge_version(self, version: str) -> Fit:
        release = self.history.find(version)
        if release is None:
            return Fit(reasons=(f"the npm registry does not have {self.spec.name} {version}",))
        return self.judge.judge(release)

    def _say_unfit(self, fit: Fit) -> str:
        if not fit.reasons:
            return ""
        said = f"; the present version does not fit either ({fit.reasons[0]})"
        return said if self.wishes.older else f"{said}: --older looks for one that does"

    def _choice(self, ref: str, release: Release) -> Revision:
        return replace(self._revision(ref, str(release.version), release), label=str(release))

    def _revision(self, ref: str, version: str, release: Release | None) -> Revision:
        match = match_backstage(release.manifest) if release and release.manifest else None
        return Revision(
            ref=ref,
            commit=release.commit if release else "",
            version=version,
            backstage=(match.version if match else None) or "",
            versions={self.spec.name: version} if version else {},
        )


def _edits_of(*edits: FileEdit | None) -> tuple[FileEdit, ...]:
    return tuple(edit for edit in edits if edit)


def _refuse(release: Release, fit: Fit) -> Refused:
    return Refused(
        ref=str(release.version), label=str(release), commit=release.commit, reasons=fit.reasons
    )
