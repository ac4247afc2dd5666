"""How events look: a live terminal, plain log lines, CI annotations."""
