"""The names of the variables that the factory itself reads."""

from __future__ import annotations

PREFIX = "PLUGIN_FACTORY_"
OWN_PREFIXES = (PREFIX, "REGISTRY_", "RHDH_CLI_")
