"""What a ref in source.json is, and which other tags are of its kind.

A tag's kind is what is before its version: ``v`` of ``v1.2.3``, ``@acme/plugin-todo@`` of
``@acme/plugin-todo@1.2.3``. A tag is only ever replaced by one of its own kind.
"""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Literal, TypeAlias

from semver import Version

from factory.errors import SourceError
from factory.patterns import lazy_pattern
from factory.sources.git_refs import FULL_ID, SHORT_ID
from factory.values import dataclass

if TYPE_CHECKING:
    from factory.sources.git_refs import Advertised

RefKind: TypeAlias = Literal["commit", "tag", "branch", "default"]

_BRANCH, _TAG, _PEELED = "refs/heads/", "refs/tags/", "^{}"
_NUMBER = r"(?:0|[1-9]\d{0,14})"
_VERSION = lazy_pattern(
    rf"(?P<prefix>(?:.*?[^\d.])??)(?P<version>{_NUMBER}\.{_NUMBER}(?:\.{_NUMBER}"
    r"(?:-[0-9A-Za-z.-]+)?)?)"
)
_NEAR = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class PresentRef:
    """The ref of a source.json: what it is at the remote, and its commit.

    ``name`` is as written, None where there is no ref; ``full_ref`` is None for a commit; an
    abbreviated ``commit`` is as written.
    """

    kind: RefKind
    name: str | None
    commit: str
    full_ref: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class VersionTag:
    """A tag with a version in its name, and the commit that it is of."""

    name: str
    prefix: str
    version: Version
    parts: int
    commit: str

    @property
    def full_ref(self) -> str:
        """The tag's full name."""
        return f"{_TAG}{self.name}"


def classify(ref: str | None, refs: Advertised, default: tuple[str, str] | None) -> PresentRef:
    """Return what a ref is at a remote; a branch goes before a tag of the same name.

    Args:
        ref: as source.json has it.
        refs: all branches and tags of the remote.
        default: the full name and the commit of its default branch, needed where there is no ref.

    Raises:
        SourceError: the remote has no such ref.
    """
    if ref is None:
        if default is None:
            raise SourceError(
                "the repository does not say what its default branch is",
                hint="name a branch, tag or commit as repo-ref in source.json",
            )
        return PresentRef(kind="default", name=None, commit=default[1], full_ref=default[0])
    if FULL_ID.match(ref.lower()):
        return PresentRef(kind="commit", name=ref, commit=ref.lower())
    spellings = [ref] if ref.startswith("refs/") else [_BRANCH + ref, _TAG + ref]
    for full in spellings:
        if full in refs.ids:
            kind: RefKind = "tag" if full.startswith(_TAG) else "branch"
            return PresentRef(kind=kind, name=ref, commit=_commit_of(full, refs), full_ref=full)
    if SHORT_ID.match(ref):
        return PresentRef(kind="commit", name=ref, commit=ref)
    near = difflib.get_close_matches(ref, refs.names, n=_NEAR)
    raise SourceError(
        f"the repository has no branch, tag or commit {ref!r}",
        hint=f"did you mean {' or '.join(near)}?" if near else "correct repo-ref in source.json",
    )


def version_tags(refs: Advertised) -> tuple[VersionTag, ...]:
    """Return every tag of a remote that has a version at the end of its name."""
    names = (
        full.removeprefix(_TAG)
        for full in refs.ids
        if full.startswith(_TAG) and not full.endswith(_PEELED)
    )
    return tuple(tag for name in names if (tag := version_tag(name, refs)))


def version_tag(name: str, refs: Advertised) -> VersionTag | None:
    """Return a tag of a remote as a version, or None if its name does not end in one."""
    found = _VERSION.fullmatch(name)
    if not found:
        return None
    version = found["version"]
    parts = version.partition("-")[0].count(".") + 1
    try:
        known = Version.parse(version, optional_minor_and_patch=True)
    except ValueError:
        return None
    commit = _commit_of(f"{_TAG}{name}", refs)
    if not FULL_ID.match(commit):
        return None
    return VersionTag(name=name, prefix=found["prefix"], version=known, parts=parts, commit=commit)


def _commit_of(full: str, refs: Advertised) -> str:
    return refs.ids.get(full + _PEELED, refs.ids[full])
