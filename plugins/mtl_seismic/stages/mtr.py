"""Stage mtr: refinement, from fields (and the image) to better fields, as often as one likes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from mtlcore.errors import MtlError
from mtlcore.io.atomic import atomic_path
from mtlcore.plugin.interfaces import Stage, Task

Array = NDArray[np.float32]


@dataclass(frozen=True)
class MTR(Stage):
    """Multi-task refinement (Gao 2024, doi 10.1093/gji/ggad424).

    ``image``: the network also reads the image (the reference's does not).
    ``train_on``: ``labels`` corrupts each item's labels anew every epoch, ``files`` takes the corrupted fields
    that the data set holds, ``model`` takes what the MTI ``model`` (a folder or a name) makes of the image. ``cache``:
    what it makes is kept on disk until the training ends, for further passes over the same items. ``keeps``: tasks
    whose fields are read and passed on as they are. ``rounds``: in training an item's fields have been refined by the
    network itself 0 to so many times less one.
    """

    name: ClassVar[str] = "mtr"
    refines: ClassVar[bool] = True
    image: bool = True
    train_on: Literal["labels", "files", "model"] = "labels"
    model: str | None = None
    cache: bool = False
    keeps: tuple[str, ...] = ()
    rounds: int = 1

    def __post_init__(self) -> None:
        if self.train_on == "model" and not self.model:
            raise MtlError("stage.train_on is 'model', but stage.model names none: give a model folder or name.")
        if self.train_on != "model" and (self.model or self.cache):
            name = "model" if self.model else "cache"
            raise MtlError(
                f"stage.{name} is given, but stage.train_on is '{self.train_on}': say train_on = 'model', or "
                "stage.model = '' and stage.cache = false."
            )
        if self.rounds < 1:
            raise MtlError(f"stage.rounds is {self.rounds}: expected at least 1.")

    def inputs(self, tasks: Sequence[Task], image: Tensor, fields: Mapping[str, Tensor]) -> dict[str, Tensor]:
        read = {"image": image} if self.image else {}
        known = {**fields, **read}
        for task in tasks:
            read.update(task.encode(known))
        return read

    def training_fields(
        self, tasks: Sequence[Task], item: Mapping[str, Array], random: np.random.Generator
    ) -> dict[str, Array]:
        if self.train_on == "model":
            return (_kept_from_model if self.cache else _from_model)(str(self.model), tasks, item)
        if self.train_on == "files":
            return _from_files(tasks, item)
        return _from_labels(tasks, item, random)


def _from_files(tasks: Sequence[Task], item: Mapping[str, Array]) -> dict[str, Array]:
    names = [output.name for task in tasks for output in task.outputs_in(item["image"].ndim)]
    missing = [name for name in names if f"refinement/{name}" not in item]
    if missing:
        raise MtlError(
            f"stage.train_on is 'files', but the data set has no refinement input '{missing[0]}': "
            "use train_on = 'labels'."
        )
    return {name: item[f"refinement/{name}"] for name in names}


def _from_labels(tasks: Sequence[Task], item: Mapping[str, Array], random: np.random.Generator) -> dict[str, Array]:
    fields: dict[str, Array] = {}
    for task in tasks:
        names = [output.name for output in task.outputs_in(item["image"].ndim)]
        missing = [name for name in names if name not in item]
        if missing:
            raise MtlError(f"Refinement is trained on corrupted labels, but the data set has no '{missing[0]}'.")
        fields.update(task.corrupt({name: item[name] for name in names}, random))
    return fields


def _from_model(model: str, tasks: Sequence[Task], item: Mapping[str, Array]) -> dict[str, Array]:
    """What an earlier stage's model makes of the image."""
    image = item["image"]
    return dict(_load(model, image.ndim).predict(image, tasks=[task.name for task in tasks]))


def _kept_from_model(model: str, tasks: Sequence[Task], item: Mapping[str, Array]) -> dict[str, Array]:
    """The same, kept on disk: the next pass over the items finds it."""
    image = np.ascontiguousarray(item["image"])
    what = repr((model, [task.name for task in tasks], image.shape))
    path = Path(_folder().name, sha256(what.encode() + image.tobytes()).hexdigest()).with_suffix(".npz")
    if not path.exists():
        fields: dict[str, Any] = _from_model(model, tasks, item)
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **fields)
    with np.load(path) as kept:
        return dict(kept)


@cache
def _folder() -> TemporaryDirectory[str]:
    """A folder of this process and those that it forks, removed when it ends."""
    return TemporaryDirectory(prefix="mtl-refinement-")


@cache
def _load(model: str, ndim: int) -> Any:
    from mtlcore.model.checkpoint import load_model

    return load_model(model, stage="mti", ndim=ndim)
