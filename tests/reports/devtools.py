"""Chromium, spoken to by its own protocol: a page at the width of a phone, and what it did.

https://chromedevtools.github.io/devtools-protocol/, over pipes. A page's policy does not hold for
what is evaluated so, and a window may be narrower than headless Chromium's own least width.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)


@dataclass
class Browser:
    """A page in a browser: the addresses that it ``asked`` for, and what it ``complained`` of."""

    to: IO[bytes]
    answers: IO[bytes]
    session: str = ""
    asked: list[str] = field(default_factory=list)
    complained: list[str] = field(default_factory=list)
    _number: int = 0
    _read: bytes = b""

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method and return its result; events are noted meanwhile."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        self.to.write(json.dumps(message).encode() + b"\0")
        self.to.flush()
        while (answer := self._message()).get("id") != self._number:
            self._note(answer)
        assert "error" not in answer, answer
        return answer["result"]

    def show(self, address: str, *, width: int, scheme: str = "light") -> None:
        """Open a page at a width, in light or dark colours, and wait until it is there."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=800,
            deviceScaleFactor=1,
            mobile=width < 700,
        )
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])
        self.asked.clear()
        self.complained.clear()
        self.call("Page.navigate", url=address)
        while self.value("document.readyState") != "complete":
            pass

    def value(self, script: str) -> Any:
        """The value of an expression in the page."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._read:
            part = os.read(self.answers.fileno(), 1 << 16)
            assert part, "the browser has ended"
            self._read += part
        text, _, self._read = self._read.partition(b"\0")
        return dict(json.loads(text))

    def _note(self, event: dict[str, Any]) -> None:
        parameters = event.get("params", {})
        if event.get("method") == "Network.requestWillBeSent":
            self.asked.append(parameters["request"]["url"])
        elif event.get("method") == "Log.entryAdded":
            self.complained.append(parameters["entry"]["text"])


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Run Chromium with its profile in a folder."""
    from_us, to_browser = os.pipe()
    from_browser, to_us = os.pipe()
    words = ["chromium", *_OPTIONS, f"--user-data-dir={folder / 'profile'}"]
    # Chromium reads its third and writes its fourth open file.
    shell = f"exec {shlex.join(words)} 3<&{from_us} 4>&{to_us}"
    with (folder / "chromium.log").open("wb") as log:
        process = subprocess.Popen(
            ["bash", "-c", shell], pass_fds=(from_us, to_us), stdout=log, stderr=log
        )
    os.close(from_us)
    os.close(to_us)
    try:
        with os.fdopen(to_browser, "wb") as to, os.fdopen(from_browser, "rb", 0) as answers:
            found = Browser(to=to, answers=answers)
            target = found.call("Target.createTarget", url="about:blank")["targetId"]
            attached = found.call("Target.attachToTarget", targetId=target, flatten=True)
            found.session = attached["sessionId"]
            for domain in ("Page", "Network", "Log", "Runtime"):
                found.call(f"{domain}.enable")
            yield found
    finally:
        process.terminate()
        process.wait(timeout=60)
