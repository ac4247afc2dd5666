"""The image, for the tests of this folder."""

from .fixtures import engine

__all__ = ["engine"]
