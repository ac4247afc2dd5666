"""``--fail-fast``: the first failure of a run ends the run."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from factory.errors import Interrupted

if TYPE_CHECKING:
    from factory.toolchain.runner import Runner


@dataclass(frozen=True, kw_only=True, slots=True)
class FirstFailure:
    """Told of every failure; where one ``ends_run``, whatever still runs is ended at the first."""

    runner: Runner
    ends_run: bool
    _reason: list[Interrupted] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def happened(self, what: str) -> None:
        """Take note that ``what`` has failed."""
        with self._lock:
            if not self.ends_run or self._reason:
                return
            reason = Interrupted(f"not finished, since {what} failed and --fail-fast is given")
            self._reason.append(reason)
        self.runner.cancel(reason)

    def is_reason(self, error: BaseException | None) -> bool:
        """Whether an error only says that something else has ended the run."""
        return error is not None and any(error is reason for reason in self._reason)
