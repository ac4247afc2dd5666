"""The frontend plugin registry: what a portal's app has to know of staged frontend plugins."""
