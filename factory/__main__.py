"""``python -m factory`` is ``plugin-factory``."""

from factory.cli.program import main

main()
