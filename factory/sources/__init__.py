"""Bringing the code: git and plain folders, then patches and overlays onto it."""
