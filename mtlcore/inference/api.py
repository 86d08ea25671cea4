"""Inference from Python: predict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mtlcore.config import build
from mtlcore.inference.chain import Chain
from mtlcore.inference.infer import InferOptions
from mtlcore.inference.kinds import plain_array, read_image
from mtlcore.inference.loading import load_chain

SHORT = {"tta": "mirrored_average"}
"""Options under the names of the command line."""


def predict(
    image: Any,
    tasks: Sequence[str] | str | None = None,
    stages: Sequence[str] | str = (),
    model: str | Path | Sequence[str | Path] | None = None,
    device: str = "auto",
    *,
    iterations: int = 1,
    tolerance: float = 0.0,
    fields: Mapping[str, Any] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Infer fields from a seismic image.

    ``image``: a path, a Volume, or an array of numpy, torch or xarray, (depth, x) or (depth, inline, crossline), of any
    amplitude; samples that are not finite and constant traces are dead, and 0 in the results. ``tasks``: None for all
    that the model has. ``model``: a folder or packaged name, or one for each stage; None: the packaged default.
    ``stages``: names in order (empty: those of the models); a refining one runs ``iterations`` times, or until no field
    changes by more than ``tolerance`` (see change.py). ``fields``: an earlier result, where the first stage refines.
    ``options``: those of InferOptions, such as ``tta=True`` (an average over mirrored copies), ``uncertainty=True``,
    ``scale=0.5``, ``precision="bfloat16"``, ``memory=4_000_000_000`` (bytes).

    Returns fields of the image's shape by output name, such as dhr, rgt, fault_probability, fault_dip and in 3D
    fault_strike (degrees), float32, of the image's kind: a path or Volume gives Volumes with its geometry, a DataArray
    gives DataArrays with its coordinates, and a tensor tensors on its device. MtlError where something asked for is not
    to be had.
    """
    given = read_image(image)
    sources = [model] if isinstance(model, str | Path) else list(model or ())
    chain = load_chain(
        (stages,) if isinstance(stages, str) else tuple(stages),
        given.values.ndim,
        sources,
        device,
        has_fields=fields is not None,
        iterations=iterations,
        tolerance=tolerance,
        options=infer_options(options),
    )
    return predict_with(chain, image, (tasks,) if isinstance(tasks, str) else tasks, fields)


def predict_with(
    chain: Chain, image: Any, tasks: Sequence[str] | None = None, fields: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A chain's fields of an image of any kind, as that kind."""
    given = read_image(image)
    before = None if fields is None else {name: plain_array(values) for name, values in fields.items()}
    found = chain.run(given.values, tasks, before).fields
    outputs = {output.name: output for output in chain.outputs(tasks)}
    return {name: given.restore(outputs[name], values) for name, values in found.items()}


def infer_options(options: Mapping[str, Any]) -> InferOptions:
    """Options of inference from keywords; OptionError for one that there is not."""
    return build(InferOptions, {SHORT.get(name, name): value for name, value in options.items()}, "predict")
