"""Which packages the scripts of a published plugin import, and what is said of them nowhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from factory.folders import entries_in
from factory.patterns import lazy_pattern

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SCRIPTS = (".js", ".cjs", ".mjs")
_LARGEST = 40_000_000
# What authors publish without meaning to: what it imports is not needed to run the plugin.
_ASIDE = frozenset({"node_modules", "__tests__", "__mocks__", "__fixtures__", "e2e-tests"})
_ASIDE_FILE = lazy_pattern(r"\.(?:test|spec|stories|config)\.[cm]?js$", re.IGNORECASE)
_FORMS = lazy_pattern(
    rb"""(?:\brequire(?:\.resolve)?\s*\(\s*|\bfrom\s*|\bimport\s*\(?\s*)["']([^"'\s]{1,214})["']"""
)
_PACKAGE = lazy_pattern(r"(?:@[a-z0-9~-][a-z0-9._~-]*/)?[a-z0-9~-][A-Za-z0-9._~-]*(?=/|$)")
# `node -p "require('module').builtinModules"`, of Node.js 24, without those with an underscore.
_BUILT_IN = """
assert async_hooks buffer child_process cluster console constants crypto dgram
diagnostics_channel dns domain events fs http http2 https inspector module net os path
perf_hooks process punycode querystring readline repl stream string_decoder sys timers tls
trace_events tty url util v8 vm wasi worker_threads zlib
"""
BUILT_IN = frozenset(_BUILT_IN.split())


def find_imports(folder: Path) -> frozenset[str]:
    """Return the names of the packages that the scripts below a folder import.

    By the form of the words, as bundlers write them: a text that looks like an import counts, too.

    Raises:
        OSError: a file cannot be read.
    """
    found: set[str] = set()
    for script in _scripts(folder):
        for match in _FORMS.finditer(script.read_bytes()):
            name = _package_of(match[1].decode("ascii", "replace"))
            if name:
                found.add(name)
    return frozenset(found)


def _package_of(specifier: str) -> str:
    if specifier.startswith("node:"):
        return ""
    match = _PACKAGE.match(specifier)
    return match[0] if match and match[0] not in BUILT_IN else ""


def _scripts(folder: Path) -> Iterator[Path]:
    for entry in entries_in(folder):
        if entry.is_symlink():
            continue
        if entry.is_dir():
            if entry.name not in _ASIDE:
                yield from _scripts(entry)
        elif _ASIDE_FILE.search(entry.name):
            continue
        elif entry.suffix in _SCRIPTS and entry.stat().st_size <= _LARGEST:
            yield entry
