"""One workspace of a published package: which version fits the portal, and the files that say so.

A version in source.json moves to a newer one. A range or a tag stays, unless it is to be pinned:
builds follow it by themselves, or the yarn.lock beside source.json (:mod:`factory.published.pin`)
holds it at a version until that file goes.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from semver import Version

from factory.analysis.discovery import BACKEND_ROLES
from factory.config.plugins_list import PLUGINS_LIST
from factory.errors import RegistryError
from factory.published.pin import PIN_FILE, read_pin
from factory.quantities import pluralize
from factory.updating.examination import why_newest, why_none
from factory.updating.file_edits import WantedSourceFields, edit_source, remove_file
from factory.updating.portal_fit import Fit
from factory.updating.version_fit import make_judge, match_backstage
from factory.updating.workspace_update import Refused, Revision, WorkspaceUpdate
from factory.versions import is_in, is_range

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from factory.config.build_plan import BuildPlan
    from factory.config.package_spec import PackageSpec
    from factory.published.pin import Pin
    from factory.updating.examination import UpdateWishes
    from factory.updating.npm_releases import PackageHistory, Release, ReleaseBook
    from factory.updating.version_fit import VersionJudge

log = logging.getLogger(__name__)

# Archives that are unpacked for one workspace; what is older is not an update.
_MOST_UNPACKED = 40


def examine_package(
    plan: BuildPlan,
    spec: PackageSpec,
    *,
    book: ReleaseBook,
    wishes: UpdateWishes,
    scratch: Path,
) -> WorkspaceUpdate:
    """Return what becomes of a workspace whose source is a published package.

    Args:
        plan: the workspace.
        spec: what its source.json wants.
        book: the published versions of packages.
        wishes: the portal, and how far to go.
        scratch: a folder of the workspace's own for archives.

    Raises:
        RegistryError: the npm registry does not answer, or has no such package or version.
        SourceError: the yarn.lock beside source.json is of something else.
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
        pin=read_pin(plan.config_dir, spec),
        wishes=wishes,
        judge=make_judge(plan, wishes.host, book, scratch),
    )
    return examination.update()


@dataclass(frozen=True, kw_only=True, slots=True)
class _PackageExamination:
    """The questions about one workspace's package."""

    plan: BuildPlan
    spec: PackageSpec
    history: PackageHistory
    pin: Pin | None
    wishes: UpdateWishes
    judge: VersionJudge

    @property
    def host(self) -> str:
        return self.wishes.host.name

    def update(self) -> WorkspaceUpdate:
        exact = self.spec.wanted.lstrip("v= ")
        if Version.is_valid(exact):
            return self._move(Version.parse(exact))
        meaning = self.history.find_meaning(self.spec.wanted)
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
            return self._remove_pin(base, meaning, new, said)
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
            why += f"; {between[0].version} does, and --pin takes it"
        kept = self._keep(base, why + self._say_unfit(fit), [_refuse(meaning, new), *refused], fit)
        return replace(kept, stays=True)

    def _remove_pin(
        self, base: WorkspaceUpdate, meaning: Release, fit: Fit, said: str
    ) -> WorkspaceUpdate:
        """The next build resolves the range anew, and writes another yarn.lock."""
        version = str(meaning.version)
        why = f"{said}without that file the next build takes {version}, which fits {self.host}"
        return replace(
            base,
            chosen=self._choice(self.spec.wanted, meaning),
            why=why,
            remarks=(*fit.remarks, *self._say_list(meaning)),
            edits=(remove_file(self.plan.config_dir / PIN_FILE),),
        )

    def _accept(
        self, base: WorkspaceUpdate, chosen: tuple[Release, Fit], refused: list[Refused]
    ) -> WorkspaceUpdate:
        release, fit = chosen
        version = str(release.version)
        config_dir = self.plan.config_dir
        wanted = WantedSourceFields(package=f"{self.spec.name}@{version}")
        edits = [edit_source(config_dir, wanted)]
        if self.pin and self.pin.version != version:
            edits.append(remove_file(config_dir / PIN_FILE))
        return replace(
            base,
            chosen=self._choice(version, release),
            why=why_newest(len(refused), self.host),
            refused=tuple(refused),
            remarks=(*fit.remarks, *self._say_list(release)),
            edits=tuple(edit for edit in edits if edit),
        )

    def _keep(
        self, base: WorkspaceUpdate, why: str, refused: list[Refused], fit: Fit
    ) -> WorkspaceUpdate:
        remarks = (*base.remarks, *fit.remarks)
        return replace(base, why=why, refused=tuple(refused), remarks=remarks)

    def _try(
        self, candidates: Iterable[Release]
    ) -> tuple[tuple[Release, Fit] | None, list[Refused]]:
        """The newest that fits, and what is newer and does not."""
        refused: list[Refused] = []
        newest_first = sorted(candidates, key=lambda each: each.version, reverse=True)
        for number, release in enumerate(newest_first):
            if self.judge.needs_archive and number == _MOST_UNPACKED:
                log.warning(
                    "%s: none of the newest %d versions fits, and older ones are not examined",
                    self.spec.name,
                    _MOST_UNPACKED,
                )
                break
            fit = self.judge.judge(release)
            if not fit.reasons:
                return (release, fit), refused
            refused.append(_refuse(release, fit))
        return None, refused

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

    def _say_list(self, release: Release) -> tuple[str, ...]:
        """Arguments need what is locked, and that is only known once a build has resolved it."""
        role = release.manifest.role if release.manifest else ""
        if self.plan.plugins is None or role not in BACKEND_ROLES:
            return ()
        command = "plugin-factory build --generate-build-args"
        remark = f"{PLUGINS_LIST} keeps its arguments: '{command}' computes those of"
        return (f"{remark} {release.version}",)

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


def _refuse(release: Release, fit: Fit) -> Refused:
    return Refused(
        ref=str(release.version), label=str(release), commit=release.commit, reasons=fit.reasons
    )
