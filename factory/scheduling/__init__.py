"""The machine shared out: how much there is, who goes next, what is in flight."""
