"""Fields that a schema does not know, and those that were probably meant."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any

from factory.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# What other tools, and people, call our fields. A name is compared without case, "-" and "_".
_OTHER_NAMES = {
    "repo-ref": "ref branch tag commit revision rev sha version git-ref repo-branch repo-tag "
    "repo-commit source-ref",
    "workspace-path": "path workspace subdir subfolder directory dir folder workspace-dir",
    "repo": "url repository repo-url git source source-repo",
    "repo-flat": "flat is-flat",
    "repo-backstage-version": "backstage-version backstage",
    "package": "name image plugin ref url",
    "pluginConfig": "config app-config configuration plugins-config",
    "disabled": "disable off",
    "enabled": "enable on",
    "integrity": "checksum hash sha sha256 sha512 digest",
    "pullPolicy": "image-pull-policy policy",
    "forceDownload": "force",
    "includes": "include",
    "plugins": "plugin plugins-list dynamic-plugins",
}
_NEAR = 0.7


@dataclass(frozen=True, kw_only=True, slots=True)
class UnknownField:
    """A field that is not used; ``meant`` is the field that it was probably to be, or ""."""

    name: str
    meant: str

    def __str__(self) -> str:
        return f"{self.name} (did you mean {self.meant}?)" if self.meant else self.name


def find_unknown(value: Mapping[str, Any], known: Iterable[str]) -> tuple[UnknownField, ...]:
    """Return the fields of ``value`` that are not among ``known``, in their order.

    A field that ``value`` has already is not suggested.
    """
    names = tuple(known)
    free = [name for name in names if name not in value]
    return tuple(
        UnknownField(name=field, meant=_find_meant(field, free))
        for field in value
        if field not in names
    )


def _find_meant(field: str, known: list[str]) -> str:
    by_form = {_form(name): name for name in known}
    by_other = {_form(o): n for n in known for o in _OTHER_NAMES.get(n, "").split()}
    form = _form(field)
    if exact := by_form.get(form) or by_other.get(form):
        return exact
    near = difflib.get_close_matches(form, by_form, n=1, cutoff=_NEAR)
    return by_form[near[0]] if near else ""


def _form(name: str) -> str:
    return re.sub(r"[-_.\s]", "", name).casefold()
