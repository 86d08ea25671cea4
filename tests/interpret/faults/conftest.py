"""Volumes with known fault planes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from mtl_seismic.interpret.faults.angles import angles_from_normals, normals_from_angles
from mtlcore.io.files import make_format
from mtlcore.io.volume import Geometry
from mtlcore.plugin import plugins
from mtlcore.plugin.outputs import Output

pytest.importorskip("scipy")

Array = NDArray[np.float32]
Fields = dict[str, Array]
Plane = tuple[tuple[float, ...], float, float | None]
"""A point on it, dip and strike (None in 2D)."""


def normal_of(plane: Plane) -> NDArray[np.float64]:
    """The unit normal of a plane."""
    _, dip, strike = plane
    return normals_from_angles(np.array([dip]), None if strike is None else np.array([strike]))[0]


def plane_distance(positions: NDArray[np.float64], plane: Plane) -> NDArray[np.float64]:
    """Distances of N x d positions from a plane, in samples."""
    return np.abs((positions - np.array(plane[0])) @ normal_of(plane))


@pytest.fixture
def make_fields() -> Callable[..., Fields]:
    """Labels of planes: make_fields(shape, planes, thickness, soft, noise, seed); later planes lie over earlier ones.

    ``soft``: a bell across the plane in place of a band. ``noise``: degrees of each angle's error, with a
    tenth of that as the error of probabilities in percent.
    """

    def make(
        shape: tuple[int, ...],
        planes: list[Plane],
        thickness: float = 2.5,
        soft: bool = False,
        noise: float = 0.0,
        seed: int = 0,
    ) -> Fields:
        random = np.random.default_rng(seed)
        places = np.moveaxis(np.indices(shape), 0, -1).reshape(-1, len(shape)).astype(float)
        probability = np.zeros(len(places))
        normals = random.standard_normal(places.shape)
        for plane in planes:
            distance = plane_distance(places, plane)
            own = np.exp(-0.5 * (distance / (thickness / 2.5)) ** 2) if soft else (distance <= thickness / 2) * 1.0
            over = own >= np.maximum(probability, 0.05)
            probability = np.maximum(probability, own)
            normals[over] = normal_of(plane)
        if noise:
            normals += np.tan(np.radians(noise)) * random.standard_normal(normals.shape) / np.sqrt(normals.shape[1] - 1)
            probability = np.clip(probability + 0.01 * noise * random.standard_normal(len(places)), 0, 1)
        dip, strike = angles_from_normals(normals / np.linalg.norm(normals, axis=1, keepdims=True))
        fields = {"fault_probability": probability, "fault_dip": dip}
        if strike is not None:
            fields["fault_strike"] = strike
        return {name: values.reshape(shape).astype(np.float32) for name, values in fields.items()}

    return make


@pytest.fixture
def make_result(tmp_path: Path) -> Callable[..., Path]:
    """A result folder, as mtl run leaves it: make_result(fields, geometry)."""

    def make(fields: Fields, geometry: Geometry | None = None) -> Path:
        folder = tmp_path / f"result_{fields['fault_probability'].ndim}d"
        folder.mkdir()
        shape = fields["fault_probability"].shape
        geometry = geometry or Geometry.of_shape(shape)
        image = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
        for name, values in {**fields, "image": image}.items():
            path = folder / f"{name}.npy"
            with make_format(path, "npy", {}, plugins.current()).create(path, geometry, Output(name)) as writer:
                writer.write(tuple(slice(0, size) for size in shape), values)
        outputs: dict[str, Any] = {name: {"file": f"{name}.npy", "unit": "1"} for name in fields}
        record = {
            "outputs": outputs,
            "format": {"name": "npy", "options": {}},
            "input": {"path": str(folder / "image.npy"), "shape": list(shape)},
            "config": {},
        }
        (folder / "run.json").write_text(json.dumps(record), encoding="utf-8")
        return folder

    return make
