"""``.npmrc``: which npm registry has a package, and what proves to it who asks.

The files, their order and ``${VARIABLE}`` are those of https://docs.npmjs.com/cli/configuring-npm/npmrc;
logins belong to an address (``//host/path/:_authToken``), never to all registries at once.
"""

from __future__ import annotations

import base64
import binascii
import logging
import re
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from factory.errors import ConfigurationError, Place
from factory.oci.authorization import basic_header
from factory.patterns import lazy_pattern
from factory.toolchain.pinned_install import PUBLIC_REGISTRY
from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

log = logging.getLogger(__name__)

NPMRC = ".npmrc"

_PREFIX = "npm_config_"
_SECRETS = ("_authToken", "_auth", "_password")
_VARIABLE = lazy_pattern(r"(?<!\\)\$\{(?P<name>[^}?]+)(?P<optional>\?)?\}")
_SENDABLE = lazy_pattern(r"[\x21-\x7e]+")
_SECTION = lazy_pattern(r"\[.*\]")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Value:
    text: str
    place: Place


@dataclass(frozen=True, kw_only=True, slots=True)
class Npmrc:
    """The settings of all files, the first file that has one winning; variables expanded."""

    values: Mapping[str, _Value] = field(repr=False)

    def registry(self, scope: str) -> str:
        """Return the address, with a slash at its end, of the registry for a scope or for none."""
        own = self._text(f"{scope}:registry") if scope else ""
        return (own or self._text("registry") or PUBLIC_REGISTRY).rstrip("/") + "/"

    @property
    def names_registry(self) -> bool:
        """Whether a registry is set for packages without one of their scope."""
        return bool(self._text("registry"))

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes, such as ``@acme``, that have a registry of their own, sorted."""
        found = (name.removesuffix(":registry") for name in self.values if name[:1] == "@")
        return tuple(sorted(scope for scope in found if ":" not in scope))

    def authorization(self, url: str, *, registry: str = "") -> str:
        """Return the Authorization header for an address, or nothing.

        The entry whose address is the longest beginning of ``url`` counts. If there is none, that
        of ``registry`` does if both are on one host: some keep archives beside their registry.

        Raises:
            ConfigurationError: the entry needs a variable that is not set, or is not base64.
        """
        for address in _addresses(url):
            if token := self._header_text(f"{address}:_authToken"):
                return f"Bearer {token}"
            if pair := self._header_text(f"{address}:_auth"):
                return f"Basic {pair}"
            user = self._text(f"{address}:username")
            if user and f"{address}:_password" in self.values:
                password = self._decode(f"{address}:_password")
                return basic_header(user, password)
        if registry and urlsplit(url)[:2] == urlsplit(registry)[:2]:
            return self.authorization(registry)
        return ""

    @property
    def cafile(self) -> Path | None:
        """A file of authorities to trust."""
        return Path(text).expanduser() if (text := self._text("cafile")) else None

    @property
    def proxies(self) -> dict[str, str]:
        """Proxies by the names that the variables have in lower case; those that are set."""
        names = {"proxy": "http_proxy", "https-proxy": "https_proxy", "noproxy": "no_proxy"}
        found = {variable: self._text(name) for name, variable in names.items()}
        return {name: text for name, text in found.items() if text and text != "null"}

    @property
    def secrets(self) -> tuple[str, ...]:
        """Everything that no message may show, as it is sent and as it is meant."""
        found = []
        for name, value in self.values.items():
            if name.rpartition(":")[2] in _SECRETS:
                found += [value.text, *_pair_of(value.text)]
        for proxy in self.proxies.values():
            found += [password] if (password := urlsplit(proxy).password) else []
        return tuple(found)

    def _text(self, name: str) -> str:
        value = self.values.get(name)
        if value is None:
            return ""
        unset = _VARIABLE.search(value.text)
        if unset:
            raise ConfigurationError(
                f"a setting of .npmrc needs a variable that is not set: {unset['name']}",
                place=value.place,
                hint=f"set {unset['name']} in the environment",
            )
        return value.text

    def _header_text(self, name: str) -> str:
        """A login as a header carries it: a variable of a CI often ends with a line break."""
        text = self._text(name).strip()
        if text and not _SENDABLE.fullmatch(text):
            raise ConfigurationError(
                "a login in .npmrc cannot be sent",
                place=self.values[name].place,
                expected="one line of ASCII, without blanks",
                hint="set the variable that it comes from, or the entry, again",
            )
        return text

    def _decode(self, name: str) -> str:
        try:
            return base64.b64decode(self._text(name), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise ConfigurationError(
                "a password in .npmrc cannot be read",
                place=self.values[name].place,
                expected="the password in base64, as 'npm login' writes it",
            ) from None


def read_npmrc(project: Path, environment: Mapping[str, str]) -> Npmrc:
    """Return npm's settings for somebody who works in the folder ``project``.

    In order: variables ``npm_config_*``, ``.npmrc`` of the folder, the user's
    (``$NPM_CONFIG_USERCONFIG`` or ``~/.npmrc``), the machine's (``$NPM_CONFIG_GLOBALCONFIG`` or
    ``/etc/npmrc``). Files that are not there are left out.

    Raises:
        ConfigurationError: a file cannot be read.
    """
    named = {name.lower(): value for name, value in environment.items() if value}
    files = [project / NPMRC]
    home = environment.get("HOME", "")
    if user := named.get("npm_config_userconfig") or (home and f"{home}/{NPMRC}"):
        files.append(Path(user))
    files.append(Path(named.get("npm_config_globalconfig") or "/etc/npmrc"))
    values = dict(_of_variables(environment))
    for file in dict.fromkeys(path.absolute() for path in files):
        if file.is_file():
            for name, value in _of_file(file, environment):
                values.setdefault(name, value)
    return Npmrc(values=values)


def warn_of_unused(npmrc: Npmrc) -> None:
    """Say which settings, that somebody may count on, are not followed."""
    for name in _SECRETS:
        if value := npmrc.values.get(name):
            log.warning(
                "%s: %s without an address is not used: write //registry.example/:%s=…",
                value.place.file,
                name,
                name,
            )
    strict = npmrc.values.get("strict-ssl")
    if strict and strict.text.lower() == "false":
        log.warning(
            "%s: strict-ssl=false is ignored: name the authority's file with cafile=…",
            strict.place.file,
        )


def _of_variables(environment: Mapping[str, str]) -> Iterator[tuple[str, _Value]]:
    """Variables such as NPM_CONFIG_REGISTRY and ``npm_config_//host/:_authToken``."""
    for name, text in environment.items():
        if name.lower().startswith(_PREFIX) and text:
            key = name[len(_PREFIX) :]
            key = _normal(key) if key.startswith("//") else key.lower().replace("_", "-")
            yield key, _Value(text=text, place=Place(file=Path("the environment"), field=name))


def _of_file(file: Path, environment: Mapping[str, str]) -> Iterator[tuple[str, _Value]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            "the npm configuration cannot be read",
            place=Place(file=file),
            found=getattr(error, "strerror", None) or "it is not UTF-8 text",
            expected="a readable text file",
        ) from error
    found: dict[str, _Value] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.strip()
        if not bare or bare[0] in ";#":
            continue
        if _SECTION.fullmatch(bare):
            break  # what follows a section's head is not for npm
        name, equals, value = bare.partition("=")
        if equals:
            place = Place(file=file, line=number, field=_expand(name.strip(), environment))
            found[_normal(place.field or "")] = _Value(
                text=_expand(_unquote(value.strip()), environment), place=place
            )
    yield from found.items()


def _normal(name: str) -> str:
    """Addresses with a slash before the colon, as they are looked up."""
    address, colon, setting = name.rpartition(":")
    if colon and address.startswith("//"):
        return f"{address.rstrip('/')}/:{setting}"
    return name


def _unquote(text: str) -> str:
    if len(text) > 1 and text[0] in "\"'" and text[-1] == text[0]:
        return text[1:-1]
    return re.split(r"(?<!\\)[;#]", text, maxsplit=1)[0].strip()


def _expand(text: str, environment: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        default = "" if match["optional"] else match[0]
        return environment.get(match["name"], default)

    return _VARIABLE.sub(value, text)


def _addresses(url: str) -> Iterator[str]:
    """``//host/a/b/``, ``//host/a/``, ``//host/``."""
    parts = urlsplit(url)
    folders = [part for part in parts.path.split("/") if part]
    for length in range(len(folders), -1, -1):
        yield "/".join(["/", parts.netloc.rpartition("@")[2], *folders[:length], ""]).replace(
            "///", "//"
        )


def _pair_of(encoded: str) -> tuple[str, ...]:
    """What a base64 text says: a password, or ``user:password`` and its password."""
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ()
    return (text, text.partition(":")[2]) if text.isprintable() else ()
