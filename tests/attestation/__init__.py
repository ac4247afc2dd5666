"""Tests of what is said of artifacts."""
