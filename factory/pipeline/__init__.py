"""The order of the stages, concurrency and the report."""
