"""Headless Chromium, which shows a page as a person would see it."""

from __future__ import annotations

import subprocess
import tempfile
from html.parser import HTMLParser
from pathlib import Path

# No sandbox, since tests run as root in containers; nothing that asks Google's servers.
_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1000,500",
    "--hide-scrollbars",
    # The page's own time, in milliseconds: requests do not count.
    "--virtual-time-budget=20000",
)


def rendered(address: str, screenshot: Path) -> str:
    """The text of a web page after its scripts have run; a picture of it is kept."""
    with tempfile.TemporaryDirectory(prefix="chromium-") as profile:
        ended = subprocess.run(
            [
                "chromium",
                *_OPTIONS,
                f"--user-data-dir={profile}",
                f"--screenshot={screenshot}",
                "--dump-dom",
                address,
            ],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert ended.returncode == 0, ended.stderr
    text = _Text()
    text.feed(ended.stdout)
    return " ".join(" ".join(text.parts).split())


class _Text(HTMLParser):
    """What of a document is text that a person reads."""

    def __init__(self) -> None:
        super().__init__()
        self.parts: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, _: object) -> None:
        self._hidden += tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(data)
