"""Dependencies installed, packages compiled, plugins exported and packed."""
