"""The refs that may take a present one's place, newest first.

A tag is followed by tags of its kind, by version. A commit is followed by the commits of releases:
of published versions (npm's ``gitHead``, or the tag that names package and version), of tags such
as ``v1.2.3`` where nothing is published, of the default branch where there are no tags either.

Releases of several packages are put in one order by time: that of a version is the earliest time
at which it, or a higher version of its package, was published. So a fix of an old line, which comes
out late, does not count as new.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from semver import Version

    from factory.updating.npm_releases import Release
    from factory.updating.ref_names import PresentRef, VersionTag

# Prefixes of tags that mean a whole repository.
_WHOLE = ("v", "", "release-", "release/", "release-v", "release/v")


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A ref that source.json could say, and the commit it is.

    ``label`` is what people call it; ``full_ref`` a tag or branch that leads to it, where one is
    known; ``releases`` the published versions that are of this commit.
    """

    ref: str
    label: str
    commit: str
    full_ref: str | None = None
    releases: tuple[Release, ...] = ()
    is_newer: bool = True


def follow_tag(present: PresentRef, tags: Sequence[VersionTag]) -> tuple[Candidate, ...] | None:
    """Return the tags of a tag's kind, newest first; None if it has no version in its name.

    Prereleases are left out unless the present tag is one.
    """
    name = (present.name or "").removeprefix("refs/tags/")
    own = next((tag for tag in tags if tag.name == name), None)
    if own is None:
        return None
    alike = (
        tag
        for tag in tags
        if (tag.prefix, tag.parts) == (own.prefix, own.parts)
        and (own.version.prerelease or not tag.version.prerelease or tag == own)
    )
    spelled = "refs/tags/" if (present.name or "").startswith("refs/") else ""
    return tuple(
        Candidate(
            ref=f"{spelled}{tag.name}",
            label=tag.name,
            commit=tag.commit,
            full_ref=tag.full_ref,
            is_newer=tag.version > own.version,
        )
        for tag in sorted(alike, key=lambda tag: tag.version, reverse=True)
    )


def follow_releases(
    versions: Mapping[str, Version], releases: Iterable[Release], tags: Sequence[VersionTag]
) -> tuple[Candidate, ...]:
    """Return the commits of published versions, newest first.

    Args:
        versions: the version of each package at the present commit.
        releases: the published versions of these packages.
        tags: the remote's tags; one that names package and version tells the commit, too.
    """
    by_name = {tag.name: tag for tag in tags}
    by_commit: dict[str, list[Release]] = {}
    refs: dict[str, str] = {}
    everything = list(releases)
    for release in everything:
        present = versions.get(release.package)
        if release.version.prerelease and not (present and present.prerelease):
            continue
        tag = next((by_name[n] for n in _tag_names(release) if n in by_name), None)
        commit = release.commit or (tag.commit if tag else "")
        if commit:
            by_commit.setdefault(commit, []).append(release)
            if tag and tag.commit == commit:
                refs[commit] = tag.full_ref
    rank = _ranks(everything)
    order = sorted(
        by_commit,
        key=lambda commit: max(rank[release] for release in by_commit[commit]),
        reverse=True,
    )
    return tuple(
        Candidate(
            ref=commit,
            label=", ".join(map(str, by_commit[commit])),
            commit=commit,
            full_ref=refs.get(commit),
            releases=tuple(by_commit[commit]),
            is_newer=any(
                release.version > versions[release.package]
                for release in by_commit[commit]
                if release.package in versions
            ),
        )
        for commit in order
    )


def follow_tags_of_commit(
    present: PresentRef, versions: Mapping[str, Version], tags: Sequence[VersionTag]
) -> tuple[Candidate, ...]:
    """Return the commits of tags that mean the packages or the whole repository, newest first.

    Of several kinds of tags one counts: that of the present commit, else that of the first package
    which has any, else that of the repository with the most tags.
    """
    here = [tag for tag in tags if tag.commit == present.commit]
    kinds = [tag.prefix for tag in here]
    kinds += [f"{name}@" for name in versions]
    kinds += sorted(_WHOLE, key=lambda kind: -sum(tag.prefix == kind for tag in tags))
    kind = next((each for each in kinds if any(tag.prefix == each for tag in tags)), None)
    if kind is None:
        return ()
    own = next((tag.version for tag in here if tag.prefix == kind), None)
    own = own or versions.get(kind.removesuffix("@")) or max(versions.values(), default=None)
    alike = [
        tag
        for tag in tags
        if tag.prefix == kind and (not tag.version.prerelease or (own and own.prerelease))
    ]
    return tuple(
        Candidate(
            ref=tag.commit,
            label=tag.name,
            commit=tag.commit,
            full_ref=tag.full_ref,
            is_newer=own is None or tag.version > own,
        )
        for tag in sorted(alike, key=lambda tag: tag.version, reverse=True)
    )


def _tag_names(release: Release) -> tuple[str, ...]:
    """How tags call a version of a package: as changesets and lerna do, and without the scope."""
    bare = release.package.rpartition("/")[2]
    version = release.version
    return (f"{release.package}@{version}", f"{bare}@{version}", f"{bare}-v{version}")


def _ranks(releases: Sequence[Release]) -> dict[Release, tuple[str, Version]]:
    """The place of each release in the order of all: its time as the module says, its version."""
    ranks: dict[Release, tuple[str, Version]] = {}
    by_package: dict[str, list[Release]] = {}
    for release in releases:
        by_package.setdefault(release.package, []).append(release)
    for several in by_package.values():
        earliest = ""
        for release in sorted(several, key=lambda each: each.version, reverse=True):
            times = [time for time in (release.published, earliest) if time]
            earliest = min(times, default="")
            ranks[release] = (earliest, release.version)
    return ranks
