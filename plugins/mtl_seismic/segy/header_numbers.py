"""Header words that the standard has as integers, and in which some writers put floats."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.segy.samples import IBM, from_ibm

Kind = Literal["integer", "ieee", "ibm"]
ABSURD = 5e7
"""Numbers beyond this are neither line numbers nor coordinates in metres."""
FLOAT_BITS = (0x3F800000, 0x4C800000)
"""Bytes of floats from 1 to 67 million, of either kind, are integers in this range."""
ZERO_BITS = 4
"""Whole numbers as floats end in zeros, and integers that all end in so many are hardly anything else."""
LARGEST_LINE = 1e7
LOOKED_AT = 4096


def kind_of(values: NDArray[Any], sample_code: int, scale: float = 1.0, prefer: Kind | None = None) -> Kind:
    """How 4-byte words hold their numbers: as integers, unless these are absurd and floats are not.

    ``scale``: the factor of the integers, for coordinates. Where both kinds of float are plausible, ``prefer`` comes
    first, else that of the file's samples.
    """
    some = _some(values)
    if not some.size:
        return "integer"
    absurd = np.median(np.abs(some.astype(np.float64))) * scale > ABSURD
    if not (absurd or (may_be_floats(values) and int(np.bitwise_or.reduce(some)) % (1 << ZERO_BITS) == 0)):
        return "integer"
    order: tuple[Kind, Kind] = ("ibm", "ieee") if (prefer or sample_code) in (IBM, "ibm") else ("ieee", "ibm")
    found = {kind: _roundness(as_numbers(some, kind)) for kind in order}
    best = max(order, key=lambda kind: found[kind])
    return best if found[best] > 0 else "integer"


def may_be_floats(values: NDArray[Any]) -> bool:
    """Whether all numbers but 0 could be floats from 1 to some ten millions."""
    some = _some(values)
    return bool(some.size and ((some >= FLOAT_BITS[0]) & (some <= FLOAT_BITS[1])).all())


def _some(values: NDArray[Any]) -> NDArray[Any]:
    some = values[:: max(1, len(values) // LOOKED_AT)]
    return np.asarray(some[some != 0])


def as_numbers(values: NDArray[Any], kind: Kind) -> NDArray[Any]:
    """4-byte integers as the numbers that their bytes are: the integers themselves, or float64."""
    if kind == "integer":
        return values
    bits = np.ascontiguousarray(values, dtype=np.int32).view(np.uint32)
    with np.errstate(all="ignore"):  # integers make any float
        return (from_ibm(bits) if kind == "ibm" else bits.view(np.float32)).astype(np.float64)


def as_line_numbers(values: NDArray[Any], sample_code: int, prefer: Kind | None) -> tuple[NDArray[Any], Kind]:
    """Line numbers as integers, and what held them; floats only where all are whole."""
    kind = kind_of(values, sample_code, prefer=prefer)
    numbers = as_numbers(values, kind)
    if kind == "integer":
        return values, kind
    if not np.isfinite(numbers).all() or (numbers != np.rint(numbers)).any() or np.abs(numbers).max() > LARGEST_LINE:
        return values, "integer"
    return numbers.astype(np.int32), kind


def _roundness(numbers: NDArray[np.float64]) -> float:
    """0 where numbers are absurd too; else more for those that are whole, or have two digits."""
    if not np.isfinite(numbers).all() or not 1e-2 <= np.median(np.abs(numbers)) <= ABSURD:
        return 0.0
    return 1.0 + float(np.mean(numbers == np.rint(numbers))) + float(np.mean(np.abs(numbers * 100 % 1 - 0.5) > 0.49))
