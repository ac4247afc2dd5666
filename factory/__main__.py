"""``python -m factory`` is ``plugin-factory``."""

from factory.cli.app import main

main()
