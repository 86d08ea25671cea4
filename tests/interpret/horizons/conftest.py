"""A small survey with a geometry of its own, and result folders as mtl run writes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtl_seismic.formats.npy import Npy
from mtl_seismic.interpret.horizons import Horizon
from mtlcore.io.volume import Axis, Geometry
from mtlcore.plugin.outputs import IMAGE

Layers = tuple[Any, Any]
TILT = (0.5, -0.25)
"""Samples by which layers sink from trace to trace."""


@pytest.fixture
def survey() -> Geometry:
    """50 x 4 inlines x 6 crosslines; inlines run along X, 4 ms samples from 1000 ms."""
    axes = (
        Axis("time", 50, 1000.0, 4.0, "ms"),
        Axis("inline", 4, 100.0, 2.0, "line"),
        Axis("crossline", 6, 200.0, 1.0, "line"),
    )
    # X = 500000 + 25 (XL - 200), Y = 6000000 + 10 (IL - 100).
    return Geometry(axes, coordinates=((495_000.0, 0.0, 25.0), (5_999_000.0, 10.0, 0.0)))


@pytest.fixture
def rotated(survey: Geometry) -> Geometry:
    """The same survey turned by 30 degrees, with square bins of 20 m."""
    cosine, sine = 10 * np.cos(np.pi / 6), 10 * np.sin(np.pi / 6)
    return survey.like(
        coordinates=((500_000.0, float(-sine), float(2 * cosine)), (6_000_000.0, float(cosine), float(2 * sine)))
    )


@pytest.fixture
def layers() -> Callable[[tuple[int, ...]], Layers]:
    """Time and image of tilted plane layers: layers(shape); time is depth less the tilt, scaled into 0..1."""

    def make(shape: tuple[int, ...]) -> Layers:
        index = np.indices(shape).astype(float)
        depth = index[0] - sum(tilt * position for tilt, position in zip(TILT, index[1:], strict=False))
        rgt = (depth + 10) / (shape[0] + 20)
        return rgt.astype(np.float32), np.sin(depth * 0.8).astype(np.float32)

    return make


@pytest.fixture
def ramp(survey: Geometry) -> Horizon:
    """No two picks are alike; node (inline 102, crossline 203) is undefined."""
    depth = (10 + 2 * np.arange(4)[:, None] + 0.25 * np.arange(6)).astype(np.float32)
    depth[1, 3] = np.nan
    quality = np.where(np.isnan(depth), np.nan, 0.75).astype(np.float32)
    return Horizon("TOP_A", 0.5, depth, quality)


@pytest.fixture
def write_result(tmp_path: Path) -> Callable[..., Path]:
    """Write a result folder: write_result(geometry, image=..., rgt=..., dhr=...)."""

    def write(geometry: Geometry, image: Any, **fields: Any) -> Path:
        folder = tmp_path / "result"
        folder.mkdir()
        for name, values in {"input": image, **fields}.items():
            with Npy().create(folder / f"{name}.npy", geometry, IMAGE) as writer:
                writer.write(tuple(slice(0, size) for size in values.shape), values)
        record = {
            "input": {"path": str(folder / "input.npy"), "shape": list(image.shape)},
            "config": {"run": {}},
            "format": {"name": "npy", "options": {}},
            "outputs": {name: {"file": f"{name}.npy", "unit": "1"} for name in fields},
        }
        (folder / "run.json").write_text(json.dumps(record))
        return folder

    return write
