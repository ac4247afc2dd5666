"""A catalogue: entities that describe plugins, their checks, and the index that portals read."""
