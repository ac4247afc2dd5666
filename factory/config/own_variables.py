"""The names of the variables that the factory itself reads."""

from __future__ import annotations

PREFIX = "PLUGIN_FACTORY_"
TRUSTED_CACHE = f"{PREFIX}TRUSTED_CACHE"
WITHOUT_OPTION = frozenset({TRUSTED_CACHE})
"""Those of them that no option has."""
OWN_PREFIXES = (PREFIX, "REGISTRY_", "RHDH_CLI_")
