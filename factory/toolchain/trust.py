"""Whether a program in the cache can only have been put there by who may run it.

A cache folder may be shared. What others may write there would be run with our rights, so a tool is
run only if it, and every folder from the cache on that leads to it, belongs to us or to root and
may be written by nobody else: the rule of git's ``safe.directory`` and of pip's cache. The cache
folder itself may be anybody's where it is a mount, such as a volume of a CI system or of a
container: who may write there can put tools there, but not ours.
"""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from factory.config.own_variables import TRUSTED_CACHE
from factory.errors import Place, ToolchainError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from factory.config.environment import Environment

_ROOT = 0


def is_trusted(cache: Path, environment: Environment) -> bool:
    """Return whether the user says that the cache may be trusted, whoever may write there.

    The variable holds the folder's path: of no other folder is anything said.
    """
    named = environment.get(TRUSTED_CACHE)
    return bool(named) and os.path.realpath(named) == os.path.realpath(cache)


def refuse_planted(program: Path, *, cache: Path, trusted: bool = False) -> Path:
    """Return a program in the cache, if nobody else can have put it there.

    Args:
        program: its path; one outside of the cache, of a spare folder or of the machine, is not the
            cache's affair.
        cache: the cache folder.
        trusted: what :func:`is_trusted` says of the cache.

    Raises:
        ToolchainError: somebody else may have put it there.
    """
    if trusted:
        return program
    root = Path(os.path.realpath(cache))
    for path in _leading_to(program, root):
        wrong = _fault(path, is_root=path == root)
        if wrong:
            raise ToolchainError(
                "a tool in the cache is not run: others may have put it there",
                place=Place(file=path),
                found=wrong,
                expected="a file, and folders around it, that are yours or root's, and that nobody "
                "else may write",
                hint=f"remove {root} and let the tools be installed again, name another folder "
                f"with --cache-dir, or, if you trust whoever may write there, set "
                f"{TRUSTED_CACHE}={root}",
            )
    return program


def _leading_to(program: Path, root: Path) -> Iterator[Path]:
    """The cache, and what is below it on the way to a program: as it is written, and as it is."""
    written = Path(os.path.realpath(program.parent), program.name)
    seen = {written, Path(os.path.realpath(program))}
    below = {each for path in seen if path.is_relative_to(root) for each in _below(path, root)}
    # A link on the way that leads out of the cache is somebody's, too.
    below |= set(_below(Path(os.path.abspath(program)), root))  # noqa: PTH100 - links stay
    yield from sorted(below)


def _below(path: Path, root: Path) -> Iterator[Path]:
    if path.is_relative_to(root):
        yield path
        yield from (each for each in path.parents if each.is_relative_to(root))


def _fault(path: Path, *, is_root: bool) -> str:
    """What lets somebody else write to a path; "" if nobody can."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return ""
    is_mount = is_root and path.is_mount()
    if status.st_uid not in (os.geteuid(), _ROOT) and not is_mount:
        return f"it belongs to {_user(status.st_uid)}"
    if stat.S_ISLNK(status.st_mode):
        return ""
    if status.st_mode & stat.S_IWOTH and not (is_mount or _is_sticky(status)):
        return f"everyone can write to it (mode {stat.S_IMODE(status.st_mode):04o})"
    if status.st_mode & stat.S_IWGRP and not is_mount and not _is_own_group(status.st_gid):
        return f"the group {_group(status.st_gid)} may write to it"
    return ""


def _is_sticky(status: os.stat_result) -> bool:
    """Whether it is a folder in which each may change only what is their own."""
    return stat.S_ISDIR(status.st_mode) and bool(status.st_mode & stat.S_ISVTX)


def _is_own_group(gid: int) -> bool:
    """Whether only we, and root, are in a group: root's own, or one that a user has alone."""
    if gid == _ROOT:
        return True
    try:
        user = pwd.getpwuid(os.geteuid()).pw_name
        group = grp.getgrgid(gid)
    except KeyError:
        return False
    return group.gr_name == user and set(group.gr_mem) <= {user}


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)
