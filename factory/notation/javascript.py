"""Numbers and keys as JavaScript has them: what a portal makes of a document is an object of it."""

from __future__ import annotations

import math
from typing import TypeAlias

Scalar: TypeAlias = "str | int | float | bool | None"

# From these powers of ten on JavaScript writes an exponent (ECMA-262, Number::toString).
_LARGE, _SMALL = 21, -6


def key_text(key: Scalar) -> str:
    """Return the key of an object that a scalar of YAML becomes: "1", "true", "" of null."""
    if key is None:
        return ""
    if isinstance(key, bool):
        return "true" if key else "false"
    return key if isinstance(key, str) else number_text(key)


def number_text(number: float) -> str:
    """Return a number as JavaScript's ``String(number)`` writes it, in double precision."""
    try:
        double = float(number)
    except OverflowError:
        double = math.copysign(math.inf, number)
    if math.isnan(double):
        return "NaN"
    sign = "-" if double < 0 else ""
    if math.isinf(double):
        return f"{sign}Infinity"
    if double == 0:
        return "0"
    return sign + _positive_text(abs(double))


def _positive_text(double: float) -> str:
    # Python and JavaScript both write the fewest digits that lead back to the number.
    mantissa, _, exponent = f"{double!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    fraction = "" if fraction == "0" else fraction
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if _SMALL < point <= _LARGE:
        if point >= len(digits):
            return digits + "0" * (point - len(digits))
        return f"{digits[:point]}.{digits[point:]}" if point > 0 else f"0.{'0' * -point}{digits}"
    power = point - 1
    rest = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{rest}e{'+' if power > 0 else '-'}{abs(power)}"
