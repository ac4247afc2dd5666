"""Secrets taken out of every text that leaves the process: logs, reports, screens, errors.

Two kinds are found: the values of variables whose names say that they are secret, in the forms in
which programs print them (a line of several, base64, percent-encoded, in JSON), and what stands
where a secret belongs, whoever's it is (a URL's user, an Authorization header, a token in .npmrc).
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from dataclasses import field
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

from factory.patterns import lazy_pattern
from factory.secret_names import looks_secret
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MASK = "***"
SHORTEST_SECRET = 4
_SHORTEST_ENCODED = 8
# MAX_TOKENS=4096 is not a secret; a number of six digits may be one.
_SHORTEST_NUMBER = 6

# A secret of one of these values would hide ordinary words.
_ORDINARY = frozenset(
    (
        *("true", "false", "yes", "no", "on", "off", "none", "null", "auto", "always", "never"),
        *("enabled", "disabled", "default", "required", "optional", "basic", "bearer", "token"),
        *("password", "secret", "public", "private"),
    )
)
_PEM_BORDER = lazy_pattern(r"-----(?:BEGIN|END) [A-Z0-9 ]+-----")
# The user part of a URL ends at the last @ before the path (RFC 3986, 3.2), which people forget to
# encode: of https://u:p@ss@host it is u:p@ss.
_URL_USER = lazy_pattern(r"(?<=://)[^/\s'\"<>`?#]+(?=@)")
# A password with a slash, not encoded either: what is before the @ is not a host, unless it is a
# port. Bounded, since a hostile line must not take the square of its length.
_URL_PASSWORD = lazy_pattern(
    r"(?<=://)[^/\s'\"<>`@:?#]{0,200}:(?!\d{1,5}/)[^\s'\"<>`@]{1,400}"
    r"(?:@[^\s'\"<>`/@]{1,200}){0,9}(?=@[\w.\[-])"
)
_IN_PLACE = (
    # Authorization and its like (RFC 9110, 11.6.2), as curl -v, git and Node print them.
    re.compile(
        r"(?<=authorization)[\"']?\s*[:=]\s*[\"']?(?:(?:basic|bearer|token|digest|negotiate)\s+)?"
        r"(?P<secret>[^\s\"',;]+)",
        re.IGNORECASE,
    ),
    re.compile(
        r"\b(?:private-token|job-token|x-api-key|x-auth-token|x-access-token|x-jfrog-art-api"
        r"|set-cookie|cookie|x-registry-auth)[\"']?\s*:\s*[\"']?(?P<secret>[^\s\"',]+)",
        re.IGNORECASE,
    ),
    re.compile(r"\bbearer\s+(?P<secret>[A-Za-z0-9._~+/=-]{8,})", re.IGNORECASE),
    # .npmrc and .yarnrc.yml: https://docs.npmjs.com/cli/configuring-npm/npmrc#auth-related-configuration
    re.compile(
        r"(?:_authToken|_auth|_password|npmAuthToken|npmAuthIdent)[\"']?\s*[:=]\s*[\"']?"
        r"(?P<secret>(?!\$\{|…)[^\s\"']+)"
    ),
)
# What a text has that any of these can be found in: most lines have none.
_HINT = lazy_pattern(r"auth|bearer|token|_password|cookie|-api-", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Redactor:
    """Masks known secret values, and what stands where secrets do, in texts.

    ``secrets`` are the forms to look for; where they overlap all of them are masked. A text is best
    given whole or by lines: of a secret that is cut in two, neither half is known.
    """

    secrets: tuple[str, ...] = field(default=(), repr=False)

    def __call__(self, text: str) -> str:
        """Return ``text`` with every secret replaced by ``***``."""
        spans = sorted({*self._find_known(text), *_in_place(text)})
        if not spans:
            return text
        parts: list[str] = []
        end = 0
        for start, stop in _join(spans):
            parts += [text[end:start], MASK]
            end = stop
        return "".join([*parts, text[end:]])

    @property
    def longest(self) -> int:
        """The length of the longest secret: how much of a cut text's end may be a part of one."""
        return max(map(len, self.secrets), default=0)

    def _find_known(self, text: str) -> Iterator[tuple[int, int]]:
        for secret in self.secrets:
            start = text.find(secret)
            while start >= 0:
                yield start, start + len(secret)
                start = text.find(secret, start + 1)


def redactor_for(*layers: Mapping[str, str]) -> Redactor:
    """Return a redactor for the values of all variables whose names say that they are secret.

    Several layers may give one name several values: all of them are masked.
    """
    values = {
        value.strip("'\" \t\r\n")
        for variables in layers
        for name, value in variables.items()
        if looks_secret(name)
    }
    return redactor_of(values)


def redactor_of(values: Iterable[str]) -> Redactor:
    """Return a redactor for these secrets, in every form in which they are known to be printed.

    Values shorter than four characters are not masked, nor are words such as ``true`` and numbers
    below six digits: they would hide what is ordinary.
    """
    forms = {form for value in values for form in _forms(value)}
    return Redactor(secrets=tuple(sorted(forms, key=lambda form: (-len(form), form))))


def _forms(value: str) -> Iterator[str]:
    """A secret as it is, its lines, the secrets inside a JSON document, and each in encodings."""
    if not _hides(value):
        return
    for part in {value, *_lines(value), *_inside_json(value)}:
        if _hides(part):
            yield part
            yield from _encode(part)


def _hides(part: str) -> bool:
    return (
        len(part) >= SHORTEST_SECRET
        and part.lower() not in _ORDINARY
        and not (part.isdigit() and len(part) < _SHORTEST_NUMBER)
    )


def _lines(value: str) -> Iterator[str]:
    r"""The lines of a secret, also where ``\n`` stands for a line break, as CI systems want."""
    for line in re.split(r"\r\n|\n|\r|\\r\\n|\\n", value):
        text = line.strip()
        if text and not _PEM_BORDER.fullmatch(text):
            yield text


def _inside_json(value: str) -> Iterator[str]:
    """Strings of a JSON document under secret names: a cloud's service account, a login file."""
    if not value.startswith(("{", "[")):
        return
    try:
        document = json.loads(value)
    except (ValueError, RecursionError):
        return
    left: list[tuple[str, object]] = [("", document)]
    while left:
        name, found = left.pop()
        if isinstance(found, dict):
            left += found.items()
        elif isinstance(found, list):
            left += [(name, each) for each in found]
        elif isinstance(found, str) and looks_secret(name):
            yield found
            yield from _lines(found)


def _encode(part: str) -> Iterator[str]:
    """The encodings that GitHub's runner masks: base64 at each offset, URL, JSON, XML, shell."""
    raw = part.encode("utf-8", "surrogateescape")
    for offset in range(3):
        # Of a base64 text that holds the secret somewhere, what does not depend on its neighbours.
        whole = base64.b64encode(b"\0" * offset + raw).decode()
        bits = (offset + len(raw)) * 8
        inner = whole[(0, 2, 3)[offset] : bits // 6]
        if len(inner) >= _SHORTEST_ENCODED:
            yield inner
            yield inner.replace("+", "-").replace("/", "_")
    percent = {quote(raw), quote(raw, safe=""), quote_plus(raw)}
    spelled = {
        *percent,
        *(re.sub(r"%[0-9A-F]{2}", lambda code: code[0].lower(), text) for text in percent),
        json.dumps(part)[1:-1],
        json.dumps(part, ensure_ascii=False)[1:-1],
        escape(part),
        shlex.quote(part)[1:-1] if shlex.quote(part) != part else part,
        repr(part)[1:-1],
    }
    yield from (text for text in spelled if text != part and _hides(text))


def _in_place(text: str) -> Iterator[tuple[int, int]]:
    if "@" in text and "://" in text:
        for pattern in (_URL_USER, _URL_PASSWORD):
            # ``git@host`` tells nothing secret and stays; ``user:password@`` and ``token@`` do not.
            yield from (m.span() for m in pattern.finditer(text) if m[0] not in {"git", "ssh"})
    if _HINT.search(text):
        for pattern in _IN_PLACE:
            yield from (m.span("secret") for m in pattern.finditer(text) if m["secret"] != MASK)


def _join(spans: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Spans in order, those that touch or overlap as one."""
    first: tuple[int, int] | None = None
    for start, stop in spans:
        if first and start <= first[1]:
            first = (first[0], max(first[1], stop))
            continue
        if first:
            yield first
        first = (start, stop)
    if first:
        yield first
