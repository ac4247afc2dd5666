"""Values as YAML that readers of version 1.1 (PyYAML) and 1.2 (npm's ``yaml``) read alike.

A text is written without quotes only where no reader of either takes it for something else; every
alias is written out.
"""

from __future__ import annotations

import re
from typing import Any

# Starts like a word or a path, and has no colon that a blank or the end follows.
_PLAIN = re.compile(r"(?:\./)?[A-Za-z_/](?:[A-Za-z0-9_./@!+~=-]|:(?=[A-Za-z0-9_./@!+~=-]))*")
# https://yaml.org/type/bool.html and null.html, in any case.
_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "y", "n", "null"})
_UNFOLDED = 1_000_000_000


def yaml_text(value: Any) -> str:
    """Return a value of maps, lists, texts, numbers, truth values and None as a YAML document."""
    import yaml  # noqa: PLC0415 - late: --help does not need it

    class Dumper(yaml.SafeDumper):
        """Lists one step further in than what they belong to, as people write these files."""

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002
            super().increase_indent(flow, indentless=False)

        def ignore_aliases(self, _data: Any) -> bool:
            return True

    def text(dumper: yaml.SafeDumper, written: str) -> yaml.ScalarNode:
        style = None if is_plain(written) else '"'
        return dumper.represent_scalar("tag:yaml.org,2002:str", written, style=style)

    Dumper.add_representer(str, text)
    return yaml.dump(
        value,
        Dumper=Dumper,
        sort_keys=False,
        allow_unicode=True,
        default_flow_style=False,
        width=_UNFOLDED,
    )


def is_plain(text: str) -> bool:
    """Whether a text needs no quotes to be the same text for every reader."""
    return bool(_PLAIN.fullmatch(text)) and text.lower() not in _WORDS
