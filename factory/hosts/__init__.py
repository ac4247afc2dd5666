"""Data: the inventory of each RHDH release, written by ``plugin-factory host import``."""
