"""Whether an artifact is one that a portal can load: every check is a value in, a finding out."""
