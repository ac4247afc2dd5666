"""How the program's own variables are called."""

from __future__ import annotations

PREFIX = "PLUGIN_FACTORY_"
"""What the variables of options begin with."""
OWN_PREFIXES = (PREFIX, "REGISTRY_", "RHDH_CLI_")
"""What all variables that are the program's own begin with."""

TRUSTED_CACHE = f"{PREFIX}TRUSTED_CACHE"
WITHOUT_OPTION = frozenset({TRUSTED_CACHE})
"""Those of them that no option has."""
