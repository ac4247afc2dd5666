"""Advisories, and which of the published plugins they are about."""
