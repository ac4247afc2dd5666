"""Plugins that are published on npm, as sources: found, unpacked, and made a yarn workspace."""
