"""NumPy: one float64 array of 3 x inlines x crosslines (2D: 3 x traces).

Its layers are depth in samples, depth or time in the file's own unit with the sign asked for, and quality;
NaN, or ``Style.undefined``, where the horizon is undefined.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mtl_seismic.interpret.horizons.exports.surface import Surface
from mtlcore.io.atomic import atomic_path

LAYERS = ("sample", "z", "quality")


def write(path: Path, surface: Surface) -> None:
    """Write the three layers."""
    layers = np.stack([surface.horizon.depth, surface.z, surface.horizon.quality]).astype(np.float64)
    if surface.style.undefined is not None:
        layers[np.isnan(layers)] = surface.style.undefined
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        np.save(file, layers)
