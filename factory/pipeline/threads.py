"""The pool of :mod:`factory.threads`, for the modules that still take it from here."""

from __future__ import annotations

from factory.threads import InheritingPool

__all__ = ["InheritingPool"]
