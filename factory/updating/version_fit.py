"""Whether a published version fits a portal, and can be built as its workspace says.

What the registry tells of a version needs no archive. A workspace that changes the package, with
patches or overlays, or names one of its exports, has the archive unpacked and prepared as a build
does, up to where its dependencies would be resolved.
"""

from __future__ import annotations

from dataclasses import field
from itertools import count
from typing import TYPE_CHECKING

from factory.analysis.discovery import PLUGIN_ROLES
from factory.analysis.manifest import MANIFEST_FILE, read_manifest
from factory.analysis.release_match import ReleaseMatch, lowest_versions, match_release
from factory.config.package_spec import NOW
from factory.errors import (
    FactoryError,
    Interrupted,
    Place,
    RegistryError,
    StorageError,
    os_errors_as,
)
from factory.files import remove_tree
from factory.pipeline.checkout import overrides_of
from factory.published.dependencies import settle_dependencies
from factory.published.imports import find_imports
from factory.published.locking import end_of_day
from factory.published.normal_package import normalise_package, remove_untaken
from factory.published.published_manifest import read_published_manifest
from factory.published.published_package import parse_time
from factory.published.workspace import PLUGIN_FOLDER
from factory.sources.overlay import apply_overlays
from factory.sources.patch import apply_patches
from factory.updating.commit_look import describe_failure
from factory.updating.portal_fit import Fit, join_fits, judge_backstage, judge_ranges
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from factory.analysis.inventory import HostInventory
    from factory.analysis.manifest import Manifest
    from factory.config.build_plan import BuildPlan
    from factory.config.package_spec import AsOf
    from factory.pipeline.checkout import Overrides
    from factory.updating.npm_releases import Release, ReleaseBook


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionJudge:
    """What is asked of every version of a workspace's package, and where archives are unpacked."""

    host: HostInventory
    book: ReleaseBook
    scratch: Path
    overrides: Overrides
    as_of: AsOf | None = None
    feature: str | None = None
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def changes_package(self) -> bool:
        """Whether patches or overlays make another package of what is published."""
        return bool(self.overrides.patches or self.overrides.overlays)

    @property
    def needs_archive(self) -> bool:
        """Whether a version is only known once it is unpacked."""
        return self.changes_package or bool(self.feature)

    def judge(self, release: Release) -> Fit:
        """Return how a version fits the portal and its workspace.

        Raises:
            RegistryError: the registry does not give the archive.
            StorageError: it cannot be unpacked here.
        """
        fits = [judge_day(release, self.as_of)]
        if release.manifest:
            fits.append(judge_computed_backstage(release.manifest, self.host))
            if not self.changes_package:
                fits += [judge_role(release.manifest), judge_ranges(release.manifest, self.host)]
        told = join_fits(*fits)
        if told.reasons or not self.needs_archive:
            return told
        return join_fits(told, self._judge_archive(release))

    def _judge_archive(self, release: Release) -> Fit:
        root = self.scratch / f"version-{next(self.numbers)}"
        unwritable = StorageError(
            "a package cannot be unpacked",
            place=Place(file=root),
            hint="df shows which disk is full; TMPDIR names another folder for temporary files",
        )
        try:
            with os_errors_as(unwritable):
                root.mkdir(parents=True)
                manifest = self._prepare(release, root)
        except (Interrupted, RegistryError, StorageError):
            raise
        except FactoryError as error:
            return Fit(reasons=(describe_failure(error),))
        finally:
            if root.is_dir():
                remove_tree(root)
        return judge_ranges(manifest, self.host)

    def _prepare(self, release: Release, root: Path) -> Manifest:
        """Do as a build does before dependencies are locked; return the package's package.json."""
        folder = root / PLUGIN_FOLDER
        self.book.unpack(release, folder)
        apply_patches(self.overrides.patches, root=root, workspace=root, is_fresh=True)
        apply_overlays(self.overrides.overlays, root)
        remove_untaken(folder)
        published = read_published_manifest(
            folder, name=release.package, version=str(release.version)
        )
        manifest = read_manifest(folder / MANIFEST_FILE)
        needed = settle_dependencies(published, find_imports(folder), self.host)
        normalise_package(folder, published, needed, feature=self.feature)
        return manifest


def make_judge(
    plan: BuildPlan, host: HostInventory, book: ReleaseBook, scratch: Path
) -> VersionJudge:
    """Return the judge of a workspace's package.

    Raises:
        PatchError: an overlay cannot be used.
    """
    return VersionJudge(
        host=host,
        book=book,
        scratch=scratch,
        overrides=overrides_of(plan),
        as_of=plan.source.resolve_as_of if plan.source else None,
        feature=plan.source.feature if plan.source else None,
    )


def match_backstage(manifest: Manifest) -> ReleaseMatch | None:
    """Return the release of Backstage that a published package was built with, as it seems."""
    asked = {**manifest.dependencies, **manifest.peer_dependencies}
    return match_release(lowest_versions(asked))


def judge_computed_backstage(manifest: Manifest, host: HostInventory) -> Fit:
    """Return how the Backstage that a package was built with fits a portal, and how that is known.

    Published packages do not say their Backstage version.
    """
    match = match_backstage(manifest)
    if match is None or match.version is None:
        return Fit()
    fit = judge_backstage(match.version, host)
    return Fit(
        reasons=tuple(f"{reason} ({match})" for reason in fit.reasons),
        remarks=tuple(f"{remark} ({match})" for remark in fit.remarks),
    )


def judge_role(manifest: Manifest) -> Fit:
    """Return whether a package is a plugin at all."""
    if manifest.role in PLUGIN_ROLES:
        return Fit()
    role = ascii(manifest.role)[:100] if manifest.role else "not given"
    return Fit(reasons=(f"{manifest.name} is not a plugin: its role is {role}",))


def judge_day(release: Release, as_of: AsOf | None) -> Fit:
    """Return whether a version was there on the day as of which its dependencies are resolved.

    One that came later asks for packages that came later, which that day does not have.
    """
    published = parse_time(release.published)
    if as_of is None or as_of == NOW or published is None or published < end_of_day(as_of):
        return Fit()
    late = f"it was published on {published.date()}, after resolve-as-of {as_of}"
    return Fit(reasons=(f"{late}: change the day in source.json, or remove it",))
