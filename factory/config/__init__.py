"""What the user wrote: environment, source.json, plugins-list.yaml, workspaces."""
