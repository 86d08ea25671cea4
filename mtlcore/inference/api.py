"""Inference from Python: predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mtlcore.errors import MtlError
from mtlcore.inference.infer import InferOptions
from mtlcore.inference.loading import load_chain

Array = NDArray[np.float32]


def predict(
    image: Array,
    tasks: Sequence[str] | None = None,
    stages: Sequence[str] = ("mti",),
    model: str | Path | Sequence[str | Path] | None = None,
    device: str = "auto",
    *,
    iterations: int = 1,
    tolerance: float = 0.0,
    fields: Mapping[str, Array] | None = None,
    options: InferOptions | None = None,
) -> dict[str, Array]:
    """Infer fields from a seismic image.

    ``image``: (depth, x) or (depth, inline, crossline), any amplitude; samples that are not finite and
    constant traces are dead, and 0 in the results. ``tasks``: None for all that the model has. ``stages``:
    names in order; a refining one runs ``iterations`` times, or until no field changes by more than
    ``tolerance`` (see change). ``model``: a folder or packaged name, or one for each stage; None: the packaged
    default. ``fields``: an earlier result, where the first stage refines.

    Returns float32 arrays of the image's shape by output name, such as dhr, rgt, fault_probability, fault_dip
    and in 3D fault_strike (degrees). MtlError where something asked for is not to be had.
    """
    values = np.asarray(image)
    sources = [model] if isinstance(model, str | Path) else list(model or ())
    if values.dtype.kind not in "fiub":
        raise MtlError(f"The image holds values of type {values.dtype}: expected real numbers.")
    if values.ndim not in (2, 3):
        raise MtlError(f"The image has the shape {values.shape}: expected 2 or 3 axes, depth first.")
    chain = load_chain(
        (stages,) if isinstance(stages, str) else tuple(stages),
        values.ndim,
        sources,
        device,
        iterations=iterations,
        tolerance=tolerance,
        options=options or InferOptions(),
    )
    return chain.run(values, (tasks,) if isinstance(tasks, str) else tasks, fields).fields
