"""The compiled kernel (kernel.c): built once by the machine's C compiler, and kept in the user's cache.

Without a compiler, or with MTL_KERNEL=0, the same is computed by numpy (scores.py, lattice.py), several times more
slowly; results agree to rounding.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.heads.tracking.bands import BAND_ROWS, Bands
from mtl_seismic.heads.tracking.levels import MISSING_STEP
from mtl_seismic.heads.tracking.problem import Alignment, Costs, Neighbours, Traces

Array = NDArray[np.float32]
Indices = NDArray[np.int64]
SOURCE = Path(__file__).with_name("kernel.c")
COMPILERS = ("cc", "gcc", "clang")
FLAGS = ("-O3", "-std=gnu11", "-fPIC", "-shared")
FAST = ("-march=native", "-ffinite-math-only", "-fno-math-errno", "-fno-trapping-math", "-fno-signed-zeros")
"""Left out where the compiler does not know them. None lets sums be taken in another order."""
COMPILING_S = 120
"""Seconds after which compiling is given up."""


def available() -> bool:
    """Whether the kernel can be used; compiles it at the first call where that has not been done."""
    return _library() is not None


def align(traces: Traces, neighbours: Indices, among: Neighbours, bands: Bands, costs: Costs) -> Alignment:
    """See alignment.align."""
    library = _library()
    assert library is not None
    count, rows, channels = traces.query.shape
    found = Alignment(
        np.empty((count, rows), np.int64),
        np.empty((count, rows), np.float32),
        np.empty((count, rows), np.float32),
        np.empty((count, rows), np.bool_),
    )
    sizes = (count, rows, channels, among.row_of_level.shape[1], neighbours.shape[1], bands.first.shape[1], BAND_ROWS)
    given = [
        _contiguous(values, np.float32 if values.dtype.kind == "f" else np.int64)
        for values in (*traces, neighbours, among.keys, among.row_of_level, *bands, parameters(costs, rows))
    ]
    if library.align(*map(ctypes.c_int64, sizes), *map(_pointer, (*given, *found))):
        raise MemoryError(f"Not enough memory to align {count} traces of {rows} rows.")
    return found


def parameters(costs: Costs, rows: int) -> Array:
    """The costs in the order of the C structure."""
    even = costs.wrong / rows
    shape = (costs.jump_per_level, costs.thickness_change, costs.open, costs.inside)
    return np.array([*shape, costs.unmatched, costs.wrong, costs.missing_level, even], np.float32)


def keys_at_levels(key: Array, row_of_level: Array) -> Array:
    """See scores.keys_at_levels."""
    library = _library()
    assert library is not None
    traces, rows, channels = key.shape
    levels = row_of_level.shape[1]
    result = np.empty((traces, channels, levels), np.float32)
    arrays = (_contiguous(key, np.float32), _contiguous(row_of_level, np.float32), result)
    library.keys_at_levels(*map(ctypes.c_int64, (traces, rows, channels, levels)), *map(_pointer, arrays))
    return result


def by_trace(values: Array) -> Array:
    """Channels x rows x traces to traces x rows x channels."""
    library = _library()
    if library is None:
        return np.ascontiguousarray(values.transpose(2, 1, 0))
    result = np.empty(values.shape[::-1], np.float32)
    library.by_trace(*map(ctypes.c_int64, values.shape), *map(_pointer, (_contiguous(values, np.float32), result)))
    return result


def rows_of_levels(levels: Array, count: int) -> Array:
    """See levels.rows_of_levels."""
    library = _library()
    assert library is not None
    result = np.empty((len(levels), count), np.float32)
    arrays: list[NDArray[np.generic]] = [_contiguous(levels, np.float32), np.array([MISSING_STEP], np.float32), result]
    library.rows_of_levels(*map(ctypes.c_int64, (*levels.shape, count)), *map(_pointer, arrays))
    return result


def _contiguous(values: NDArray[np.generic], dtype: type[np.generic]) -> NDArray[np.generic]:
    return np.ascontiguousarray(values, dtype)


def _pointer(values: NDArray[np.generic]) -> ctypes.c_void_p:
    return ctypes.c_void_p(values.ctypes.data)


@functools.cache
def _library() -> ctypes.CDLL | None:
    if os.environ.get("MTL_KERNEL") == "0":
        return None
    compiler = os.environ.get("CC") or next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        return None
    try:
        library = ctypes.CDLL(str(_built(compiler)))
    except (OSError, RuntimeError, subprocess.SubprocessError):  # no home folder is a RuntimeError
        return None
    library.align.restype = ctypes.c_int
    for function in (library.keys_at_levels, library.rows_of_levels, library.by_trace):
        function.restype = None
    return library


def _built(compiler: str) -> Path:
    """The shared library, compiled if it is not in the cache for this source, compiler and processor."""
    what = [SOURCE.read_text(encoding="utf-8"), compiler, *FLAGS, *FAST, platform.machine(), _processor()]
    folder = _cache()
    path = folder / f"kernel-{hashlib.sha256(repr(what).encode()).hexdigest()[:16]}.so"
    if path.is_file():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        built = Path(temporary) / path.name
        try:
            _compile(compiler, [*FLAGS, *FAST], built)
        except subprocess.CalledProcessError:
            _compile(compiler, list(FLAGS), built)
        built.replace(path)
    return path


def _compile(compiler: str, flags: list[str], target: Path) -> None:
    command = [*compiler.split(), *flags, "-o", str(target), str(SOURCE), "-lm"]
    subprocess.run(command, check=True, capture_output=True, timeout=COMPILING_S)


def _processor() -> str:
    """What the processor can do: home folders are shared by machines that differ."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.processor())


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "mtlcore"
