"""Horizons and faults as they were written into a result, read back without computing anything again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.faults.extract import FaultSurface
from mtl_seismic.interpret.faults.sticks import Stick
from mtl_seismic.interpret.horizons.extraction import Horizon, extract_horizons
from mtl_seismic.interpret.listing import written
from mtlcore.errors import MtlError
from mtlcore.io.volume import Geometry, Volume

Floats = NDArray[np.float64]


def saved_horizons(result: Path, geometry: Geometry, time: Volume | None) -> list[Horizon]:
    """Those of horizons.json: from their arrays or, of formats without one, extracted again at their time."""
    return [_horizon(entry, result / "horizons", geometry, time) for entry in written(result, "horizons")]


def _horizon(entry: dict[str, Any], folder: Path, geometry: Geometry, time: Volume | None) -> Horizon:
    path = folder / Path(entry.get("files", {}).get("npy", "none.npy")).name
    if path.is_file():
        layers = np.load(path, allow_pickle=False)
        if layers.shape == (3, *geometry.shape[1:]):
            return Horizon(entry["name"], entry["rgt"], layers[0].astype("f4"), layers[2].astype("f4"))
    if time is None or entry.get("picked"):
        raise MtlError(f"{path} is missing: write the horizons again with mtl horizons, npy among the formats.")
    return extract_horizons(time, [entry["rgt"]], names=[entry["name"]])[0]


def saved_faults(result: Path) -> list[FaultSurface]:
    """Those of faults.json."""
    path = result / "faults" / "faults.json"
    try:
        return [_fault(entry) for entry in written(result, "faults")]
    except (KeyError, TypeError, ValueError) as error:
        raise MtlError(f"{path} cannot be used: {error}. Write it again with mtl faults.") from None


def _fault(entry: dict[str, Any]) -> FaultSurface:
    surface = entry["surface"]
    points, normals = (np.array(surface[name], np.float64) for name in ("samples", "normals"))
    sticks = [Stick(np.array(stick["samples"], np.float64), _floats(stick["throw"])) for stick in entry["sticks"]]
    return FaultSurface(
        id=entry["id"],
        dip=_float(entry["dip"]),
        strike=_float(entry["strike"]),
        size=entry["size"],
        probability=_float(entry["probability"]),
        misfit=_float(entry["misfit"]),
        samples=points,
        points=points,
        normals=normals,
        point_probability=_floats(surface["probability"]),
        throw=_floats(surface["throw"]),
        triangles=np.array(surface["cells"], np.intp).reshape(-1, points.shape[1]),
        sticks=sticks,
        label=entry["name"],
    )


def _float(value: Any) -> float:
    return float("nan") if value is None else float(value)


def _floats(values: list[Any]) -> Floats:
    return np.array([_float(value) for value in values], np.float64)
