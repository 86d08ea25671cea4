"""Raw samples without a header, depth fastest: ``fromfile(f).reshape(shape[::-1]).T``."""

from __future__ import annotations

import warnings
from contextlib import AbstractContextManager
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mtl_seismic.formats.mapped import MappedArrayWriter, MappedFormat, MappedWriter
from mtl_seismic.formats.raw_check import fitting_options, implausible_samples, likely_shapes
from mtl_seismic.formats.sidecar import (
    ByteOrder,
    Dtype,
    read_sidecar,
    sidecar_path,
    sidecar_text,
    with_sidecar,
)
from mtlcore.errors import MtlError, MtlWarning
from mtlcore.io.file_array import FileArray
from mtlcore.io.files import file_size, shape_text
from mtlcore.io.volume import ArrayVolume, Geometry, Volume
from mtlcore.plugin.outputs import Output


@dataclass(frozen=True)
class Raw(MappedFormat):
    """Raw binary samples, depth fastest.

    ``shape`` (depth first), ``dtype`` and ``byte_order`` describe files that are read; where they are not
    given, ``FILE.json`` says them (see sidecar.py), else the type is little-endian float32. New files are
    float32 in ``byte_order``, with such a sidecar.
    """

    name: ClassVar[str] = "raw"
    suffixes: ClassVar[tuple[str, ...]] = (".bin", ".raw", ".dat", ".f32")
    shape: tuple[int, ...] | None = None
    dtype: Dtype | None = None
    byte_order: ByteOrder | None = None

    def open(self, path: Path) -> Volume:
        size = file_size(path)
        sidecar, geometry = read_sidecar(path) or (None, None)
        if self.shape is not None:
            geometry = _geometry_for(self.shape, geometry)
        if geometry is None:
            raise MtlError(
                f"The shape of {path} is not known: it is raw and has no {sidecar_path(path).name}. "
                f"Set --shape DEPTHxTRACES (in 3D DEPTHxINLINESxCROSSLINES).{likely_shapes(path)}"
            )
        kind = self.dtype or (sidecar and sidecar.dtype) or "float32"
        order = self.byte_order or (sidecar and sidecar.byte_order) or "little"
        _check_size(path, size, geometry.shape, kind)
        array = FileArray(path, _numpy_type(kind, order), geometry.shape[::-1])
        # What this package wrote is as its sidecar says.
        told = sidecar is not None and sidecar.dtype == kind and sidecar.byte_order == order
        for note in () if told else implausible_samples(array, order):
            warnings.warn(MtlWarning(note), stacklevel=2)
        return ArrayVolume(array, geometry, _reversed_axes(geometry.shape), path)

    def lay_out(self, file: Path, geometry: Geometry, output: Output) -> None:
        np.memmap(file, self._written, mode="w+", shape=geometry.shape[::-1]).flush()

    def map(self, file: Path, shape: tuple[int, ...]) -> MappedWriter:
        array = np.memmap(file, self._written, mode="r+", shape=shape[::-1])
        return MappedArrayWriter(array, _reversed_axes(shape))

    def published(self, path: Path, geometry: Geometry) -> AbstractContextManager[Path]:
        return with_sidecar(path, sidecar_text(geometry, "float32", self.byte_order or "little"))

    @property
    def _written(self) -> np.dtype[Any]:
        """The type of new files' samples."""
        return _numpy_type("float32", self.byte_order or "little")


def _geometry_for(shape: tuple[int, ...], known: Geometry | None) -> Geometry:
    """The known geometry if it has the given shape, else a plain one."""
    if len(shape) not in (2, 3) or min(shape) < 1:
        raise MtlError(f"Shape {list(shape)} is not one of a volume: expected 2 or 3 sizes, depth first.")
    return known if known and known.shape == shape else Geometry.of_shape(shape)


def _check_size(path: Path, size: int, shape: tuple[int, ...], kind: str) -> None:
    needed = prod(shape) * np.dtype(kind).itemsize
    if size == needed:
        return
    fitting = fitting_options(size, shape, kind)
    raise MtlError(
        f"{path} has {size} bytes, but the shape {shape_text(shape)} of {kind} needs {needed}. "
        + (f"What would fit: {'; '.join(fitting)}. " if fitting else "")
        + "Set --shape DEPTHxTRACES (in 3D DEPTHxINLINESxCROSSLINES), or another element type."
    )


def _numpy_type(kind: str, order: str) -> np.dtype[Any]:
    return np.dtype(kind).newbyteorder("<" if order == "little" else ">")


def _reversed_axes(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(reversed(range(len(shape))))
