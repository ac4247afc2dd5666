"""The workspace's files as the tools of a build need them."""
