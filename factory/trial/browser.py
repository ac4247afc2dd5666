"""A Chromium that opens pages without a window: where one is, and how it is started."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

from factory.errors import UsageError

if TYPE_CHECKING:
    from factory.config.environment import Environment

# One without windows of its own starts in half the time.
_PROGRAMS = (
    *("chromium-headless-shell", "chrome-headless-shell", "headless-shell"),
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
)
_WORDS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    # Pages are opened by whoever drives it, and nothing else is: no new tab's page, no extension.
    "--no-startup-window",
    "--disable-extensions",
    "--disable-component-extensions-with-background-pages",
    "--disable-breakpad",
    "--mute-audio",
    # Pages of its own beside each window, which cost as much as a page: nobody types an address.
    "--disable-features=WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup",
    # It asks nobody but the page's own server.
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--window-size=1280,800",
)


def find_browser(wanted: str, environment: Environment) -> tuple[str, ...]:
    """Return the words that start a browser, to which a page's address is added; () if none is.

    Args:
        wanted: the program that the user names, by path or by name; "" for any on the PATH.
        environment: has the PATH.

    Raises:
        UsageError: there is no such program.
    """
    path = environment.get("PATH")
    names = (wanted,) if wanted else _PROGRAMS
    program = next(filter(None, (shutil.which(name, path=path) for name in names)), None)
    if program:
        # Chromium's sandbox refuses to start for root.
        return (os.path.abspath(program), *_WORDS, *(() if os.geteuid() else ("--no-sandbox",)))  # noqa: PTH100
    if wanted:
        raise UsageError(
            "there is no such browser",
            found=wanted,
            expected="Chromium or Chrome: a program's path, or its name on the PATH",
            hint="install it, such as Debian's package chromium-headless-shell",
        )
    return ()
