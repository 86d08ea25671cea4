"""Stage mtr: refinement, from fields (and the image) to better fields, as often as one likes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mtlcore.errors import MtlError
from mtlcore.interfaces import Stage, Task

Array = NDArray[np.float32]


@dataclass(frozen=True)
class MTR(Stage):
    """Multi-task refinement (Gao 2024, doi 10.1093/gji/ggad424).

    ``image``: the network also reads the image (the reference's does not).
    ``train_on``: ``labels`` corrupts each item's labels anew every epoch, ``files`` takes the corrupted fields
    that the data set holds, ``model`` takes what the MTI ``model`` (a folder or a name) makes of the image.
    """

    name: ClassVar[str] = "mtr"
    needs_fields: ClassVar[bool] = True
    image: bool = True
    train_on: Literal["labels", "files", "model"] = "labels"
    model: str | None = None

    def __post_init__(self) -> None:
        if self.train_on == "model" and not self.model:
            raise MtlError("stage.train_on is 'model', but stage.model names none: give a model folder or name.")

    def inputs(self, tasks: Sequence[Task], image: Tensor, fields: Mapping[str, Tensor]) -> dict[str, Tensor]:
        read = {"image": image} if self.image else {}
        for task in tasks:
            read.update(task.encode(fields))
        return read

    def training_fields(
        self, tasks: Sequence[Task], item: Mapping[str, Array], random: np.random.Generator
    ) -> dict[str, Array]:
        if self.train_on == "model":
            return _from_model(str(self.model), tasks, item)
        if self.train_on == "files":
            return _from_files(tasks, item)
        return _from_labels(tasks, item, random)


def _from_files(tasks: Sequence[Task], item: Mapping[str, Array]) -> dict[str, Array]:
    names = [output.name for task in tasks for output in task.outputs_in(item["image"].ndim)]
    missing = [name for name in names if f"refinement/{name}" not in item]
    if missing:
        raise MtlError(
            f"stage.train_on is 'files', but the data set holds no refinement input '{missing[0]}': "
            "use train_on = 'labels'."
        )
    return {name: item[f"refinement/{name}"] for name in names}


def _from_labels(tasks: Sequence[Task], item: Mapping[str, Array], random: np.random.Generator) -> dict[str, Array]:
    fields: dict[str, Array] = {}
    for task in tasks:
        names = [output.name for output in task.outputs_in(item["image"].ndim)]
        missing = [name for name in names if name not in item]
        if missing:
            raise MtlError(f"Refinement is trained on corrupted labels, but the data set holds no '{missing[0]}'.")
        fields.update(task.corrupt({name: item[name] for name in names}, random))
    return fields


def _from_model(model: str, tasks: Sequence[Task], item: Mapping[str, Array]) -> dict[str, Array]:
    """What an earlier stage's model makes of the image."""
    image = item["image"]
    return dict(_load(model, image.ndim).predict(image, tasks=[task.name for task in tasks]))


@cache
def _load(model: str, ndim: int) -> Any:
    from mtlcore.checkpoint import load_model

    return load_model(model, stage="mti", ndim=ndim)
