"""Where tools are kept between runs."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from factory.config.environment import Environment

CACHE_VARIABLE = "PLUGIN_FACTORY_CACHE_DIR"


def default_cache_dir(environment: Environment) -> Path:
    """Return the cache: ``$PLUGIN_FACTORY_CACHE_DIR``, or the user's cache folder.

    The latter is ``$XDG_CACHE_HOME/plugin-factory``, or ``~/.cache/plugin-factory`` (the XDG base
    directory specification).
    """
    if chosen := environment.get(CACHE_VARIABLE):
        return Path(chosen).expanduser().absolute()
    home = environment.get("HOME")
    user_cache = environment.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else "")
    if user_cache:
        return Path(user_cache, "plugin-factory")
    return Path(tempfile.gettempdir(), f"plugin-factory-{os.getuid()}")
