"""Images sampled more finely or coarsely than the training's: seen as they are, at the automatic scale, or averaged.

    python tests/benchmarks/scales.py [ITEMS [RECIPE [MODEL]]]

ITEMS (30) of RECIPE (field2d), seed 77, resampled along depth with their labels; of each, the figures of the image seen
as it is, at the scale that is chosen by itself, at that scale with --tta, and averaged over that scale and a fifth more
and less.

Last figures, 12 items, packaged model: DHR in dB, fault F1, horizons within 2

    sampling   as it is             automatic            with --tta           three scales
    0.5       8.4    0.58   0.84    10.5    0.71   0.89    10.7    0.70   0.89    10.6    0.70   0.89
    0.75      9.8    0.82   0.88     9.8    0.82   0.88     9.9    0.82   0.88     9.8    0.81   0.88
    1        10.1    0.85   0.87    10.1    0.85   0.87    10.2    0.84   0.87    10.2    0.84   0.87
    1.5       9.7    0.79   0.81     9.7    0.79   0.81     9.8    0.80   0.81     9.8    0.78   0.81
    2         9.1    0.72   0.75     9.4    0.74   0.76     9.6    0.74   0.76     9.6    0.74   0.76

Three scales cost three times as much and gain no more than mirrored copies, which cost twice: they are no option.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from arguments import ONE_ROW, items_recipe_model
from numpy.typing import NDArray

from mtl_seismic.synth.source import Synthetic
from mtlcore.inference.chain import Chain
from mtlcore.inference.infer import InferOptions
from mtlcore.inference.resampling import resample_fields
from mtlcore.inference.sampling import rows_by_period
from mtlcore.model.checkpoint import load_model
from mtlcore.model.model import Model
from mtlcore.plugin.outputs import IMAGE

Array = NDArray[np.float32]
SAMPLINGS = (0.5, 0.75, 1.0, 1.5, 2.0)
AROUND = (1.0, 0.8, 1.25)
SHOWN = ("dhr.snr", "fault.f1_2", "fault.dip_error", "rgt.horizon_mean", "rgt.horizon_within_2")


def resampled(model: Model, item: Mapping[str, Array], factor: float) -> dict[str, Array]:
    """An item with so many times as many rows of depth; its horizon errors are then in other samples too."""
    rows = round(item["image"].shape[0] * factor)
    outputs = {output.name: output for output in (IMAGE, *model.outputs)}
    known = {name: values for name, values in item.items() if name in outputs}
    found = resample_fields(outputs, known, (rows, *item["image"].shape[1:]))
    found["fault_probability"] = (found["fault_probability"] >= 0.5).astype(np.float32)
    return found


def answers(model: Model, image: Array) -> dict[str, dict[str, Array]]:
    """Fields by each way of looking."""
    chosen = rows_by_period(image, model.config.periods) / image.shape[0]
    several = [_run(model, image, scale=chosen * factor) for factor in AROUND]
    merged: dict[str, Array] = {}
    for task in model.tasks:
        merged |= task.merge(several)
    return {
        "as it is": _run(model, image, scale=1.0),
        "automatic": several[0],
        "with --tta": _run(model, image, scale=chosen, mirrored_average=True),
        "three scales": merged,
    }


def _run(model: Model, image: Array, **options: float | bool) -> dict[str, Array]:
    return Chain.of([model], options=InferOptions(**options)).run(image).fields  # type: ignore[arg-type]


def figures(model: Model, fields: Mapping[str, Array], item: Mapping[str, Array]) -> dict[str, float]:
    """All tasks' metrics."""
    found: dict[str, float] = {}
    for task in model.tasks:
        given = {output.name: fields[output.name] for output in task.outputs_in(model.ndim)}
        found |= {f"{task.name}.{name}": value for name, value in task.metrics(given, item).items()}
    return found


def main(count: int, recipe: str, name: str) -> None:
    """A line for each sampling and way of looking."""
    model = load_model(name, stage="mti", ndim=2)
    items = Synthetic(validation_items=count, seed=77, shape=(360, 256), recipe=ONE_ROW).open(recipe, "valid", ())
    print(f"{recipe}, {count} items\n{'':24}" + "".join(f"{metric:>22}" for metric in SHOWN))
    for factor in SAMPLINGS:
        rows: dict[str, list[Sequence[float]]] = {}
        for index in range(count):
            item = resampled(model, items[index], factor)
            for way, fields in answers(model, item["image"]).items():
                found = figures(model, fields, item)
                rows.setdefault(way, []).append([found.get(metric, np.nan) for metric in SHOWN])
        for way, values in rows.items():
            means = np.nanmean(values, axis=0)
            print(f"{factor:<8}{way:16}" + "".join(f"{mean:22.3f}" for mean in means), flush=True)


if __name__ == "__main__":
    main(*items_recipe_model(30, "field2d"))
