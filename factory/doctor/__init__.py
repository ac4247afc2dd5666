"""What a build needs of a machine, looked at before one is started: ``plugin-factory doctor``."""
