"""How files with lists of plugins are called."""

from __future__ import annotations

PLUGINS_LIST = "plugins-list.yaml"
DISABLED_LIST = "plugins-list.yaml.disabled"
"""What catalogues rename a list to, to switch its workspace off."""
MISNAMED_LIST = "plugins-list.yml"
