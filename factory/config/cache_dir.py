"""Where tools and finished plugins are kept between runs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from factory.config.own_variables import PREFIX

if TYPE_CHECKING:
    from factory.config.environment import Environment

CACHE_VARIABLE = f"{PREFIX}CACHE_DIR"


def cache_dir_of(named: Path | None, environment: Environment) -> Path:
    """Return the cache: what ``--cache-dir`` names, ``$PLUGIN_FACTORY_CACHE_DIR``, or the user's.

    The last is ``$XDG_CACHE_HOME/plugin-factory``, or ``~/.cache/plugin-factory`` (the XDG base
    directory specification).
    """
    if named:
        return named.expanduser().absolute()
    if chosen := environment.get(CACHE_VARIABLE):
        return Path(chosen).expanduser().absolute()
    home = environment.get("HOME")
    user_cache = environment.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else "")
    if user_cache:
        return Path(user_cache, "plugin-factory")
    return Path(tempfile.gettempdir(), f"plugin-factory-{os.getuid()}")
