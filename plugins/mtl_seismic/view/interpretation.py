"""Horizons and faults of a result for the page: what was extracted into its folder, and what was picked by hand."""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtl_seismic.interpret.horizons.along import sample_along
from mtl_seismic.interpret.horizons.extraction import extract_horizons
from mtl_seismic.interpret.listing import written
from mtl_seismic.interpret.picks import Store, parse
from mtl_seismic.interpret.picks.horizons import surface_through
from mtl_seismic.view.slices import Slices
from mtlcore.errors import MtlError
from mtlcore.io.volume import Volume

Array = NDArray[np.float32]
KEPT = 64
"""Grids of horizons that are kept."""
TIME = "rgt"


class Interpretation:
    """``folder``: of the result. ``slices``: its volumes, which several threads may read."""

    def __init__(self, folder: Path, slices: Slices) -> None:
        self._slices = slices
        self._folder = folder
        self.store = Store(folder, slices.shape)
        self._grids: OrderedDict[str, Array] = OrderedDict()
        self._lock = threading.Lock()

    def listing(self) -> dict[str, Any]:
        """Names and figures of all horizons and faults, and the picks with their revision."""
        picks, revision = self.store.read()
        return {
            "horizons": [{"name": entry["name"], "rgt": entry["rgt"]} for entry in self._delivered()],
            "faults": [_figures(fault) for fault in self._faults()],
            "picks": picks.document(),
            "revision": revision,
        }

    def save(self, content: bytes) -> dict[str, str]:
        """Replace the picks by those of a request: {"revision": of those before, "picks": ...}."""
        try:
            given = json.loads(content)
            before, document = str(given["revision"]), given["picks"]
        except (ValueError, KeyError, TypeError):
            raise MtlError("The picks that were sent are not JSON with revision and picks.") from None
        return {"revision": self.store.write(parse(document, self._slices.shape, "The picks"), before)}

    def horizon(self, name: str) -> bytes:
        """Depth in samples and quality of an extracted horizon over the horizontal axes, NaN where undefined."""
        return _bytes(self._grid(f"file {name}", lambda: self._extracted(name)))

    def through(self, points: str) -> bytes:
        """The same of the horizon through points, given as JSON: a list of positions in samples."""
        return _bytes(self._through(points))

    def along(self, name: str | None, points: str | None, field: str, statistic: str, half_window: int) -> bytes:
        """A field along a horizon, over the horizontal axes (see ``sample_along``)."""
        layers = self._grid(f"file {name}", lambda: self._extracted(name)) if name else self._through(points or "")
        values = sample_along(self._volume(field), layers[0], statistic, half_window)
        return values.astype("<f4").tobytes()

    def faults(self) -> bytes:
        """Surfaces of the extracted faults as JSON: vertices in samples, triangles (in 2D edges), throw."""
        found = [
            {"name": fault["name"], "points": surface["samples"], "cells": surface["cells"], "throw": surface["throw"]}
            for fault in self._faults()
            if (surface := fault.get("surface"))
        ]
        return json.dumps({"faults": found}).encode()

    def _through(self, points: str) -> Array:
        try:
            document = {"horizons": [{"name": "asked", "points": json.loads(points)}]}
        except (ValueError, RecursionError):
            raise MtlError("The points that were sent are not JSON.") from None
        picked = parse(document, self._slices.shape, "The address").horizons[0]
        volumes = {name: self._volume(name) for name in self._slices.names}
        return self._grid(f"through {picked.points}", lambda: _layers(surface_through(picked, volumes)))

    def _grid(self, key: str, make: Any) -> Array:
        """Layers that were made before, or made now: by one thread, since they may take seconds."""
        with self._lock:
            if key not in self._grids:
                self._grids[key] = make()
                if len(self._grids) > KEPT:
                    self._grids.popitem(last=False)
            self._grids.move_to_end(key)
            return self._grids[key]

    def _extracted(self, name: str) -> Array:
        entry = next((entry for entry in self._delivered() if entry["name"] == name), None)
        if entry is None:
            raise MtlError(f"There is no horizon '{name}' in {self._folder / 'horizons'}.")
        # Without its array (another format was asked for) it is extracted again.
        path = self._folder / "horizons" / Path(entry.get("files", {}).get("npy", "none.npy")).name
        if path.is_file():
            layers = np.load(path, allow_pickle=False)
            if layers.shape == (3, *self._slices.shape[1:]):
                return np.asarray(layers[[0, 2]], dtype=np.float32)
        found = extract_horizons(self._volume(TIME), [entry["rgt"]])[0]
        return _layers(found)

    def _volume(self, name: str) -> Volume:
        return self._slices.volume(name)

    def _delivered(self) -> list[dict[str, Any]]:
        # Picked ones are shown as the picks that they are.
        return [entry for entry in written(self._folder, "horizons") if not entry.get("picked")]

    def _faults(self) -> list[dict[str, Any]]:
        return [entry for entry in written(self._folder, "faults") if not entry.get("drawn")]


def _layers(horizon: Any) -> Array:
    return np.stack([horizon.depth, horizon.quality]).astype(np.float32)


def _bytes(layers: Array) -> bytes:
    return layers.astype("<f4", copy=False).tobytes()


def _figures(fault: dict[str, Any]) -> dict[str, Any]:
    """What the list of faults shows."""
    return {name: value for name, value in fault.items() if isinstance(value, str | int | float | None)}
