"""Plugins tried in a real Backstage: staged, started, and what came of each."""
