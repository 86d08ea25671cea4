"""SEG-Y files made byte by byte, without the code under test."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

# Bytes (from 1) and kind of the words that the tests set.
BINARY = {"interval": (3217, "H"), "samples": (3221, "H"), "code": (3225, "h"), "measure": (3255, "h")}
BINARY |= {"long_samples": (3269, "i"), "long_interval": (3273, "d"), "mark": (3297, "i"), "revision": (3501, "H")}
BINARY |= {"fixed": (3503, "h"), "texts": (3505, "h"), "first": (3521, "Q"), "trailers": (3529, "i")}
SHORT = {29, 71, 89, 109, 115, 117, 169, 215}


def ibm_bytes(value: float) -> int:
    """One IBM float, by the definition."""
    if value == 0:
        return 0
    sign, value, exponent = int(value < 0) << 31, abs(value), 64
    while value >= 1:
        value, exponent = value / 16, exponent + 1
    while value < 1 / 16:
        value, exponent = value * 16, exponent - 1
    return sign | exponent << 24 | int(value * 2**24)


def encode(samples: np.ndarray, code: int, order: str) -> bytes:
    if code == 1:
        words = [ibm_bytes(float(value)) for value in samples.ravel()]
        return struct.pack(f"{order}{len(words)}I", *words)
    if code in (7, 15):
        name = "big" if order == ">" else "little"
        return b"".join(int(value).to_bytes(3, name, signed=code == 7) for value in samples.ravel())
    kinds = {2: "i4", 3: "i2", 5: "f4", 6: "f8", 8: "i1", 9: "i8", 10: "u4", 11: "u2", 12: "u8", 16: "u1"}
    return samples.astype(order + kinds[code]).tobytes()


def cards(lines: Sequence[str] = ("A SURVEY",), coding: str = "cp037") -> bytes:
    text = "".join(f"C{n:2d} {lines[n - 1] if n <= len(lines) else ''}".ljust(80) for n in range(1, 41))
    return text.encode(coding)


@pytest.fixture
def make_segy(tmp_path: Path) -> Callable[..., Path]:
    """Make a file of traces (traces x samples) whose headers hold ``words`` (first byte: value or values)."""

    def make(
        traces: np.ndarray,
        words: Mapping[int, Any],
        name: str = "survey.sgy",
        code: int = 5,
        order: str = ">",
        text: bytes | None = None,
        extended: Sequence[bytes] = (),
        tail: bytes = b"",
        **binary: float,
    ) -> Path:
        count, samples = traces.shape
        header = bytearray(400)
        values = {"interval": 4000, "samples": samples, "code": code, "revision": 0x100, "fixed": 1}
        for key, value in (values | {"texts": len(extended)} | binary).items():
            start, kind = BINARY[key]
            struct.pack_into(order + kind, header, start - 3201, value)
        parts = [text or cards(), bytes(header), *extended]
        defaults = {1: np.arange(count) + 1, 5: np.arange(count) + 1, 29: 1, 115: samples, 117: 4000}
        columns = {start: np.broadcast_to(value, count) for start, value in (defaults | dict(words)).items()}
        for number, trace in enumerate(traces):
            # Bytes of no meaning to the code under test, which must survive copying all the same.
            head = bytearray((number * 7 + k) % 251 if k >= 220 else 0 for k in range(240))
            for start, column in columns.items():
                kind = "H" if start in (115, 117) else "h" if start in SHORT else "i"
                struct.pack_into(order + kind, head, start - 1, int(column[number]))
            parts += [bytes(head), encode(trace, code, order)]
        path = tmp_path / name
        path.write_bytes(b"".join(parts) + tail)
        return path

    return make


@pytest.fixture
def make_cube(make_segy: Callable[..., Path]) -> Callable[..., tuple[Path, np.ndarray, np.ndarray]]:
    """A 3D file with missing traces, the array that it holds (0 where dead) and its live traces."""

    def make(
        sorting: str = "inline",
        positions: tuple[int, int] = (189, 193),
        size: tuple[int, int, int] = (20, 6, 7),
        words: Mapping[int, Any] | None = None,
        scale: float = 100.0,
        **options: Any,
    ) -> tuple[Path, np.ndarray, np.ndarray]:
        random = np.random.default_rng(3)
        array = np.rint(random.standard_normal(size) * scale).astype(np.float32)
        live = np.ones(size[1:], bool)
        live[0, :3] = live[-1, 4:] = live[2, 3] = False  # ragged edges and a hole
        array[:, ~live] = 0
        places = np.argwhere(live)
        if sorting == "crossline":
            places = places[np.lexsort((places[:, 0], places[:, 1]))]
        elif sorting == "random":
            places = random.permutation(places)
        row, column = places.T
        inline, crossline = 1000 + 2 * row, 300 + 4 * column
        x = 50_000_000 + 1250 * row - 300 * column
        y = 70_000_000 + 300 * row + 1250 * column
        given = {positions[0]: inline, positions[1]: crossline, 71: -100, 181: x, 185: y, 109: 200}
        path = make_segy(array[:, row, column].T, given | dict(words or {}), **options)
        return path, array, live

    return make


@pytest.fixture
def text_cards() -> Callable[..., bytes]:
    """A text header with these lines: text_cards(["A SURVEY"], "ascii")."""
    return cards


@pytest.fixture
def float_bits() -> Callable[..., np.ndarray]:
    """Numbers as integers of the same bytes as floats of a kind: float_bits([1, 2], "ibm")."""

    def stored(values: Any, kind: str) -> np.ndarray:
        if kind == "ieee":
            return np.asarray(values, np.float32).view(np.int32)
        return np.array([ibm_bytes(float(value)) for value in values]).astype(np.uint32).view(np.int32)

    return stored
