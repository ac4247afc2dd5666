"""Warnings kept for reports and findings."""

from __future__ import annotations

import logging
import os
import threading

from factory.events import WORKSPACE
from factory.said_warnings import LOGGER, collect_warnings

log = logging.getLogger(f"{LOGGER}.of_a_test")


def test_warnings_are_kept_by_the_workspace_that_they_are_about() -> None:
    with collect_warnings() as collected:
        log.warning("of the %s", "run")
        token = WORKSPACE.set("todo")
        log.warning("of the workspace")
        WORKSPACE.reset(token)
        log.info("nothing to keep")
    log.warning("too late")
    assert collected.of("") == ("of the run",)
    assert collected.of("todo") == ("of the workspace",)
    assert collected.messages == ("of the run", "of the workspace")


def test_a_warning_says_the_error_that_it_is_about_and_no_traceback() -> None:
    with collect_warnings() as collected:
        try:
            os.fdopen(-1)
        except ValueError as caught:
            error = str(caught)
            log.warning("cannot be kept", exc_info=True)
    assert collected.messages == (f"cannot be kept: {error}",)


def test_what_another_thread_says_can_be_left_out() -> None:
    own = threading.get_ident()
    with collect_warnings(lambda record: record.thread == own) as collected:
        other = threading.Thread(target=log.warning, args=("elsewhere",))
        other.start()
        other.join()
        log.warning("here")
    assert collected.messages == ("here",)
