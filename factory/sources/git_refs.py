"""Which commit of a remote a user means by a branch, a tag, a commit id, or nothing at all."""

from __future__ import annotations

import difflib
import logging
from typing import TYPE_CHECKING

from factory.errors import SourceError
from factory.patterns import lazy_pattern
from factory.quantities import join_names
from factory.sources.source import BAD_REF, without_credentials
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from git.cmd import Git

    from factory.sources.source import GitRemote

log = logging.getLogger(__name__)

FULL_ID = lazy_pattern(r"^([0-9a-f]{40}|[0-9a-f]{64})$")
SHORT_ID = lazy_pattern(r"^[0-9a-f]{4,63}$")
_SUGGESTIONS = 5
_BRANCH, _TAG = "refs/heads/", "refs/tags/"
# git-ls-remote(1) lists what an annotated tag is of under the tag's name with this at its end.
_PEELED = "^{}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Advertised:
    """What a remote says that it has: object ids by full ref name, and its default branch."""

    ids: Mapping[str, str]
    default: str | None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all branches and tags, without their prefixes."""
        return tuple(
            full.removeprefix(_BRANCH).removeprefix(_TAG)
            for full in self.ids
            if full.startswith((_BRANCH, _TAG)) and not full.endswith(_PEELED)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """What to fetch: a full ref name, or a commit id (perhaps abbreviated).

    ``name`` is what the user would call it; ``tip`` is the id that the remote has for the ref,
    ``commit`` the full id of the commit, where the remote tells it: for an annotated tag, the tip
    is the tag.
    """

    name: str
    full_ref: str | None = None
    commit_id: str | None = None
    tip: str | None = None
    commit: str | None = None


def ask_for_refs(command: Git, remote: GitRemote, *patterns: str) -> Advertised:
    """Ask a remote for its refs: those of the given full names, or all branches and tags."""
    options = ["--symref", *([] if patterns else ["--heads", "--tags"])]
    text = str(command.ls_remote(*options, "--", remote.url, *patterns))
    ids: dict[str, str] = {}
    default = None
    for line in text.splitlines():
        value, _, name = line.partition("\t")
        if value.startswith("ref: ") and name == "HEAD":
            # A server may say anything; a name goes onto git's command line.
            target = value.removeprefix("ref: ")
            default = target if is_ref_name(target) else None
        elif is_ref_name(name.removesuffix(_PEELED)):
            ids[name] = value
    return Advertised(ids=ids, default=default)


def is_ref_name(name: str) -> bool:
    """Whether a name is a ref's full name, as git-check-ref-format(1) has it."""
    return name == "HEAD" or (name.startswith("refs/") and not BAD_REF.search(name))


def names_to_ask(ref: str | None) -> tuple[str, ...]:
    """Return the full names that a remote is asked for to know what ``ref`` means there.

    Empty for a full commit id, which is taken for one without asking.
    """
    if ref is None or ref == "HEAD":
        return ("HEAD",)
    if FULL_ID.match(ref.lower()):
        return ()
    spellings = _spellings(ref)
    return (*spellings, *(full + _PEELED for full in spellings))


def _spellings(ref: str) -> tuple[str, ...]:
    return (ref,) if ref.startswith("refs/") else (_BRANCH + ref, _TAG + ref, f"refs/{ref}")


def resolve(
    command: Git, remote: GitRemote, ref: str | None, there: Advertised | None = None
) -> Wanted:
    """Return what ``ref`` means at a remote; ``None`` is its default branch.

    A branch goes before a tag of the same name, as with ``git clone --branch``. A full commit id is
    taken for one without asking. With ``there``, which is what the remote has answered for
    :func:`names_to_ask` at least, it is asked again only to say what else there is.

    Raises:
        SourceError: there is no such ref; the message suggests near ones.
    """
    if ref is not None and FULL_ID.match(ref.lower()):
        return Wanted(name=ref.lower(), commit_id=ref.lower(), commit=ref.lower())
    there = there or ask_for_refs(command, remote, *names_to_ask(ref))
    if ref is None or ref == "HEAD":
        return _default(command, remote, there)
    found = [full for full in _spellings(ref) if full in there.ids]
    if found:
        if len(found) > 1 and there.ids[found[0]] != there.ids[found[1]]:
            log.warning(
                "%r is a branch and a tag of %s; the branch is used. Write %s for the tag.",
                ref,
                without_credentials(remote.url),
                found[1],
            )
        tip = there.ids[found[0]]
        commit = there.ids.get(found[0] + _PEELED, tip)
        return Wanted(name=ref, full_ref=found[0], tip=tip, commit=commit)
    if SHORT_ID.match(ref):
        return Wanted(name=ref, commit_id=ref)
    raise unknown_ref_error(command, remote, ref)


def _default(command: Git, remote: GitRemote, there: Advertised) -> Wanted:
    if there.default and "HEAD" in there.ids:
        name = there.default.removeprefix(_BRANCH)
        tip = there.ids["HEAD"]
        return Wanted(name=name, full_ref=there.default, tip=tip, commit=tip)
    if commit := there.ids.get("HEAD"):
        # A detached HEAD, or a server too old to tell the branch's name.
        return Wanted(name=commit, full_ref="HEAD", tip=commit, commit=commit)
    everything = ask_for_refs(command, remote)
    raise SourceError(
        f"the repository {without_credentials(remote.url)} has no default branch"
        if everything.ids
        else f"the repository {without_credentials(remote.url)} is empty",
        found=_list_names(everything.names),
        hint="name a branch, tag or commit as ref" if everything.ids else None,
    )


def unknown_ref_error(command: Git, remote: GitRemote, ref: str) -> SourceError:
    """Return the error for a ref that a remote does not have, with near names if there are any."""
    names = ask_for_refs(command, remote).names
    near = difflib.get_close_matches(ref, names, n=_SUGGESTIONS, cutoff=0.6)
    near += [name for name in names if ref.lower() in name.lower() and name not in near]
    near = near[:_SUGGESTIONS]
    what = "commit" if SHORT_ID.match(ref) else "branch, tag or commit"
    return SourceError(
        f"the repository {without_credentials(remote.url)} has no {what} {ref!r}",
        found=None if near else _list_names(names),
        hint=f"did you mean {' or '.join(near)}?"
        if near
        else f"git ls-remote {without_credentials(remote.url)}",
    )


def _list_names(names: tuple[str, ...]) -> str:
    return join_names(names, _SUGGESTIONS) or "no branch and no tag"
