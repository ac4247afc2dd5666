"""Images and registries, against the real tools."""
