"""plugin-factory: Backstage plugin sources in, dynamic plugins out."""

__version__ = "0.1.0"
