"""What judges by JSON Schema, loaded by the tests that ask it: it takes seconds of any processor.

The library compiles dozens of grammars as it is imported. A test module that imports it makes each
worker wait for that, those included that run none of its tests.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any


@cache
def draft_7() -> Any:
    """Return the reference validator for JSON Schema, draft 7: a class."""
    from jsonschema import Draft7Validator  # type: ignore[import-untyped]  # noqa: PLC0415 - slow

    return Draft7Validator


def draft_7_with(types: Mapping[str, Any]) -> Any:
    """Return that validator with other types: a class."""
    from jsonschema.validators import extend  # type: ignore[import-untyped]  # noqa: PLC0415 - slow

    return extend(draft_7(), type_checker=draft_7().TYPE_CHECKER.redefine_many(dict(types)))


@cache
def kubernetes() -> ModuleType:
    """Return the library that knows the schemas of Kubernetes."""
    import kubernetes_validate  # type: ignore[import-untyped]  # noqa: PLC0415 - slow

    return kubernetes_validate  # type: ignore[no-any-return]


def find_problem_of_bill(text: str) -> object:
    """Return what CycloneDX 1.6, taken strictly, does not allow in a bill of materials; or None."""
    from cyclonedx.schema import SchemaVersion  # noqa: PLC0415 - slow
    from cyclonedx.validation.json import JsonStrictValidator  # noqa: PLC0415 - slow

    return JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
