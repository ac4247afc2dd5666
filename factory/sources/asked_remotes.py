"""What the remotes of a run have: each is asked once, for all the refs that the run wants of it."""

from __future__ import annotations

import threading
from dataclasses import field
from typing import TYPE_CHECKING

from factory.sources.git import find_commit, patiently
from factory.sources.git_errors import Translated
from factory.sources.git_process import open_git
from factory.sources.git_refs import ask_for_refs, names_to_ask, resolve
from factory.toolchain.runner import ProcessFailed
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from factory.sources.git_process import GitSession
    from factory.sources.git_refs import Advertised, Wanted
    from factory.sources.source import GitRemote


@dataclass(frozen=True, kw_only=True, slots=True)
class AskedRemotes:
    """The refs that a run wants of each remote, and what these have answered; for many threads.

    ``None`` is the default branch. Whoever asks with other credentials, or another ssh, asks anew.
    """

    refs: Mapping[GitRemote, frozenset[str | None]]
    _questions: dict[tuple[GitRemote, frozenset[tuple[str, str]]], _Question] = field(
        default_factory=dict, repr=False
    )
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def find_commit(
        self, remote: GitRemote, ref: str | None, session: GitSession, where: Path
    ) -> Wanted:
        """Return what a ref means at a remote; see :func:`factory.sources.git.find_commit`.

        Raises:
            SourceError: no such repository or ref, no access, no network.
        """
        if not names_to_ask(ref):
            return find_commit(remote, ref, session, where)
        wanted = {ref, *self.refs.get(remote, ())}
        names = sorted({name for each in wanted for name in names_to_ask(each)})
        command = open_git(where, session)
        with self._lock:
            key = (remote, frozenset(session.env.items()))
            question = self._questions.setdefault(key, _Question())

        def find() -> Wanted:
            there = question.answer(
                lambda: patiently(lambda: ask_for_refs(command, remote, *names), session)
            )
            return patiently(lambda: resolve(command, remote, ref, there), session)

        return Translated(remote, where)(find)


class _Question:
    """Is put once; who comes meanwhile waits. A failure is an answer too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._there: Advertised | None = None
        self._failure: ProcessFailed | None = None

    def answer(self, ask: Callable[[], Advertised]) -> Advertised:
        with self._lock:
            if self._failure:
                raise self._failure
            if self._there is None:
                try:
                    self._there = ask()
                except ProcessFailed as failure:
                    self._failure = failure
                    raise
            return self._there
