"""What a program said last before it failed, for an error's details: its reasons, not its progress.

git, npm, yarn and pip repaint a line of progress hundreds of times, greet, count and advise; their
own words for what went wrong stand among all that. Those come first here. A log of theirs that is
in a temporary folder is not named: it is gone when somebody looks.
"""

from __future__ import annotations

import re

from factory.outside_text import clean
from factory.patterns import lazy_pattern

_REMOTE = r"(?:remote: +)?"
_NOISE = lazy_pattern(
    "|".join(
        (
            # git: "Receiving objects:  50% (1/2), 1.2 MiB | 3 MiB/s", and how such a line ends.
            rf"{_REMOTE}[A-Z][\w -]*:\s+\d+%.*",
            rf"{_REMOTE}[A-Z][\w -]*:\s+\d+(?:, done\.?)?",
            rf"{_REMOTE}[A-Z][\w ,-]*(?:: \d+)?, done\.",
            r"remote: Total \d+ \(delta.*",
            r"remote:\s*|\s*\d{1,3} ?%.*",
            r"(?:POST|GET) git-(?:upload|receive)-pack \(.*",
            r"Cloning into .*|Initialized empty Git .*|From (?:\w+://|[\w.@-]+:|/).*",
            r"Preparing worktree .*|HEAD is now at .*",
            r" [ *=+t-] (?:\[new .*\]|\[up to date\]|branch|tag|[0-9a-f.]+)\s+.*->.*",
            # npm: its requests, its timings, its advice.
            r"npm (?:http|notice|timing|verbose?|verb|info|silly|sill|WARN|warn)\b.*",
            r"npm (?:ERR!|error)\s*",
            r"npm (?:ERR!|error) A complete log of this run can be found in.*",
            r"npm (?:ERR!|error)\s+\S*-debug-\d+\.log",
            r"[⠀-⣿]+.*|\[[#.⸨⠂ ░-]*\].*",
            # yarn: headings of its steps, what it adds and fetches, and advice.
            r"(?:➤ )?YN00(?:00|13|19|85): (?!.*(?:rror|ailed)).*",
            r"(?:➤ )?YN00(?:02|60|61|68|86): .*",
            r"yarn \w+ v1\..*|\[\d/\d\] .*|info .*|warning .*|Done in .*|\$ .*",
            # pip: downloads.
            r"\s*(?:Downloading|Collecting|Using cached|Looking in indexes)\b.*",
            r"\s*[━╸╺ ]+ *[\d.]+/.*",
            r"(?:WARNING|\[notice\]).*(?:pip version|new release of pip|root user).*",
        )
    )
)
_REASON = lazy_pattern(
    rf"{_REMOTE}(?:fatal|error|ERROR|Error|[A-Za-z]*Error|ERR!)\b:?"
    r"|npm (?:ERR!|error) "
    r"|(?:➤ )?YN\d{4}: .*(?:rror|ailed|annot|an't|ouldn't|not found|candidates found|nauthorized)"
    r"|remote: (?:aborting|fatal|error)|ssh: |Permission denied|Host key verification",
)
_GONE_LOG = lazy_pattern(
    r",? ?\(?(?:logs can be found here|a complete log[^:]*): [^\s)]+", re.IGNORECASE
)
_COLUMNS = 300


def last_words(output: str, *, most: int = 12) -> str | None:
    """Return the lines of a failed program's output that say why; ``None`` if it said nothing.

    Args:
        output: the end of what it printed.
        most: how many lines to return at most; the last ones are kept.
    """
    lines = [_clean(line) for line in output.split("\n")]
    told = [line for line in dict.fromkeys(lines) if line and not _NOISE.fullmatch(line)]
    reasons = [line for line in told if _REASON.match(line)][-most:]
    others = [line for line in told if line not in reasons]
    rest = others[-(most - len(reasons)) :] if len(reasons) < most else []
    return "\n".join([*reasons, *rest]) or None


def _clean(line: str) -> str:
    # When a bundled program breaks, Node shows the line of its source: a megabyte of it.
    return _GONE_LOG.sub("", clean(line)).rstrip()[:_COLUMNS]
