"""A change request a workspace: a branch with one commit, or a patch, and the message of both.

Commits are made beside the working tree, by git's own parts (git-commit-tree(1) and a separate
index): the folder, its index and the branch that is checked out stay as they are.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Literal, TypeAlias

from factory.errors import ConfigurationError, Place, StorageError, os_errors_as
from factory.files import write_whole
from factory.patterns import lazy_pattern
from factory.sources.git_process import GitSession, open_git
from factory.sources.source import repository_around
from factory.toolchain.runner import ProcessFailed
from factory.updating.update_message import Message, message_of
from factory.values import dataclass

if TYPE_CHECKING:
    from pathlib import Path

    from factory.sources.session_git import SessionGit
    from factory.updating.file_edits import FileEdit
    from factory.updating.workspace_update import WorkspaceUpdate

BRANCHES = "plugin-factory/update"
_MARK = "Plugin-Factory-Update"
_NEW_FILE = "100644"
# As git am reads it, whatever the user's configuration makes of mails and differences.
_FOR_GIT_AM = (
    "--no-attach",
    "--no-color",
    "--no-ext-diff",
    "--no-numbered",
    "--encoding=UTF-8",
    "--subject-prefix=PATCH",
    "--src-prefix=a/",
    "--dst-prefix=b/",
)
_NOT_IN_REFS = lazy_pattern(r"[^A-Za-z0-9_-]+")
_NO_IDENTITY = lazy_pattern(
    r"tell me who you are|empty ident|no email was given|unable to auto-detect"
)

State: TypeAlias = Literal["created", "replaced", "unchanged"]


class CommitForm(StrEnum):
    """What ``--commit`` takes."""

    BRANCH = "branch"
    PATCH = "patch"


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeRequest:
    """A branch of the configuration's repository, or a patch for ``git am``, and its message."""

    title: str
    body: str
    commit: str
    state: State
    branch: str = ""
    patch: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigurationRepository:
    """The git repository that holds the configuration directory, and how git is run in it."""

    root: Path
    session: GitSession
    scratch: Path

    @property
    def git(self) -> SessionGit:
        """git, in the repository's own folder."""
        return open_git(self.root, self.session)


def find_configuration_repository(
    config_dir: Path, session: GitSession, scratch: Path
) -> ConfigurationRepository:
    """Return the repository that a configuration directory is in.

    Raises:
        ConfigurationError: it is in none, or the repository has no commit yet.
    """
    root = repository_around(config_dir.resolve())
    if root is None:
        raise ConfigurationError(
            "--commit needs a git repository around the configuration directory",
            place=Place(file=config_dir),
            hint="run 'git init' there and commit the files, or leave out --commit",
        )
    found = ConfigurationRepository(root=root, session=session, scratch=scratch)
    if not _ask(found, "rev-parse", "--verify", "--quiet", "HEAD^{commit}"):
        raise ConfigurationError(
            "the repository of the configuration directory has no commit yet",
            place=Place(file=root),
            hint="commit the files as they are first",
        )
    return found


def make_branch(update: WorkspaceUpdate, repository: ConfigurationRepository) -> ChangeRequest:
    """Make, or replace, the branch of a workspace's update: one commit on what is checked out.

    A branch is replaced only if its last commit was made here.

    Raises:
        ConfigurationError: a file has changes that are not committed, the branch is somebody's, or
            git does not know who commits.
    """
    branch = f"{BRANCHES}/{_NOT_IN_REFS.sub('-', update.name).strip('-') or 'workspace'}"
    full = f"refs/heads/{branch}"
    message = message_of(update)
    tree, changes = _write_tree(update, repository)
    former = _ask(repository, "rev-parse", "--verify", "--quiet", f"{full}^{{commit}}")
    if former:
        _refuse_foreign(branch, former, update, repository)
        # Whatever else has been merged meanwhile: it still makes the same of the same files.
        made = _ask(repository, "diff-tree", "-r", "-z", "--no-commit-id", "--full-index", former)
        parts = made.split("\0")
        if set(zip(parts[::2], parts[1::2], strict=False)) == changes:
            return _request(message, former, "unchanged", branch=branch)
    commit = _commit(tree, message, update, repository)
    _run(repository, "update-ref", "-m", "plugin-factory update", full, commit, former)
    return _request(message, commit, "replaced" if former else "created", branch=branch)


def make_patch(
    update: WorkspaceUpdate, repository: ConfigurationRepository, folder: Path
) -> ChangeRequest:
    """Write the patch of a workspace's update, as ``git am`` takes it; an earlier one is replaced.

    Raises:
        ConfigurationError: as for :func:`make_branch`.
        StorageError: the folder cannot be written.
    """
    message = message_of(update)
    tree, _ = _write_tree(update, repository)
    commit = _commit(tree, message, update, repository)
    name = _name_file(update)
    made = repository.scratch / f"patch-{name}"
    options = ("--quiet", "--numbered-files", "--output-directory", str(made))
    _run(repository, "format-patch", *options, *_FOR_GIT_AM, "-1", commit)
    text = (made / "1").read_bytes().decode("utf-8")
    file = folder / f"{name}.patch"
    existed = file.exists()
    with os_errors_as(StorageError("the patch cannot be written", place=Place(file=file))):
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(file, text)
    return _request(message, commit, "replaced" if existed else "created", patch=file)


def _request(
    message: Message, commit: str, state: State, *, branch: str = "", patch: Path | None = None
) -> ChangeRequest:
    return ChangeRequest(
        title=message.title,
        body=message.body,
        commit=commit,
        state=state,
        branch=branch,
        patch=patch,
    )


def _write_tree(
    update: WorkspaceUpdate, repository: ConfigurationRepository
) -> tuple[str, set[tuple[str, str]]]:
    """The tree that is checked out with the update's files; what git-diff-tree(1) says of each."""
    index = repository.scratch / f"index-{_name_file(update)}"
    own = repository.session.with_variables({"GIT_INDEX_FILE": str(index)})
    apart = ConfigurationRepository(root=repository.root, session=own, scratch=repository.scratch)
    _run(apart, "read-tree", "HEAD")
    changes: set[tuple[str, str]] = set()
    for number, edit in enumerate(update.edits):
        name = _name_in(repository, edit.file)
        committed = _ask(repository, "ls-tree", "HEAD", "--", name).split()
        if edit.after is None and not committed and len(update.edits) > 1:
            continue  # What is not committed is nothing that a commit removes.
        if not _is_committed(repository, edit, name, committed):
            raise ConfigurationError(
                f"{edit.file.name} has changes that are not committed",
                place=Place(file=edit.file),
                hint="commit or undo them first, or leave out --commit",
            )
        mode, former = (committed[0], committed[2]) if committed else (_NEW_FILE, "")
        if edit.after is None:
            _run(apart, "update-index", "--force-remove", "--", name)
            changes.add((f":{mode} 000000 {former} {'0' * len(former)} D", name))
            continue
        text = repository.scratch / f"text-{_name_file(update)}-{number}"
        text.write_text(edit.after, encoding="utf-8", newline="")
        blob = _run(repository, "hash-object", "-w", "--path", name, "--", str(text))
        _run(apart, "update-index", "--add", "--cacheinfo", f"{mode},{blob},{name}")
        before = f":{mode} {mode} {former}" if former else f":000000 {mode} {'0' * len(blob)}"
        changes.add((f"{before} {blob} {'M' if former else 'A'}", name))
    return _run(apart, "write-tree"), changes


def _is_committed(
    repository: ConfigurationRepository, edit: FileEdit, name: str, committed: list[str]
) -> bool:
    """Whether a file is as git-ls-tree(1) says: mode, kind and id, or nothing of a new one."""
    if edit.before is None:
        return not committed
    if len(committed) < 3:  # noqa: PLR2004 - mode, kind, id
        return False
    return committed[2] == _run(repository, "hash-object", "--", name)


def _name_file(update: WorkspaceUpdate) -> str:
    """What files of an update are called after; with a portal, its name has a slash in it."""
    return update.name.replace("/", "-")


def _name_in(repository: ConfigurationRepository, file: Path) -> str:
    root, target = repository.root.resolve(), file.resolve()
    if not target.is_relative_to(root):
        raise ConfigurationError(
            f"{file.name} is a link to a file outside of the repository",
            place=Place(file=file),
            found=str(target),
            expected=f"a file in {root}",
            hint="commit the file itself, or leave out --commit",
        )
    return target.relative_to(root).as_posix()


def _commit(
    tree: str, message: Message, update: WorkspaceUpdate, repository: ConfigurationRepository
) -> str:
    file = repository.scratch / f"message-{_name_file(update)}"
    text = f"{message.title}\n\n{message.body}\n\n{_MARK}: {update.name}\n"
    file.write_text(text, encoding="utf-8", newline="")
    return _run(repository, "commit-tree", tree, "-p", "HEAD", "-F", str(file))


def _refuse_foreign(
    branch: str, commit: str, update: WorkspaceUpdate, repository: ConfigurationRepository
) -> None:
    said = _ask(repository, "log", "-1", "--encoding=UTF-8", "--format=%B", commit).splitlines()
    used = _ask(repository, "for-each-ref", "--format=%(worktreepath)", f"refs/heads/{branch}")
    if f"{_MARK}: {update.name}" not in said or used:
        raise ConfigurationError(
            f"the branch {branch} is not replaced",
            found="it is checked out" if used else "its last commit was not made by this command",
            hint=f"merge it, or remove it: git branch -D {branch}",
        )


def _ask(repository: ConfigurationRepository, *words: str) -> str:
    """What git answers; nothing where it has no answer."""
    try:
        return _run(repository, *words)
    except ConfigurationError:
        return ""


def _run(repository: ConfigurationRepository, *words: str) -> str:
    try:
        return str(repository.git.execute(["git", *words])).strip()
    except ProcessFailed as failure:
        unknown = _NO_IDENTITY.search(failure.completed.tail)
        raise ConfigurationError(
            "git does not know who commits"
            if unknown
            else f"git {words[0]} failed in the repository of the configuration directory",
            place=Place(file=repository.root),
            found=None if unknown else failure.reason,
            hint="git config user.name NAME && git config user.email ADDRESS" if unknown else None,
            details=None if unknown else failure.completed.last_words,
        ) from failure
