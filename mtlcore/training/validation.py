"""What a run knows of its model after an epoch: losses and metrics on validation items, and pictures of some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from mtlcore.inference.chain import Chain
from mtlcore.inference.infer import InferOptions
from mtlcore.model.model import Model
from mtlcore.pictures import draw
from mtlcore.plugin.interfaces import Task
from mtlcore.plugin.outputs import Output
from mtlcore.training.data import batches
from mtlcore.training.distributed import Ranks
from mtlcore.training.evaluate import figures_of, predicted_fields, summary
from mtlcore.training.optimise import Objective, has_labels
from mtlcore.training.setup import TrainingSetup

PICTURES = "pictures"
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Validator:
    """Validation of a run's models; every process takes its share of the items."""

    setup: TrainingSetup
    group: Ranks
    device: torch.device

    @torch.inference_mode()
    def losses(self, model: Model) -> dict[str, float]:
        """Mean losses by task over the validation items, whole, and their weighted sum as "loss"."""
        setup, samples = self.setup, self.setup.valid_samples
        objective = Objective(model.net, setup.parts.stage, setup.parts.tasks, False, setup.options.precision)
        labelled = [task.name for task in objective.trained if has_labels(task, samples.items[0])]
        sums: dict[str, float] = dict.fromkeys(("loss", *labelled), 0.0)
        for batch in batches(samples, [[(0, index)] for index in self._share(len(samples))], setup.options.workers):
            losses = objective({name: value.to(self.device) for name, value in batch.items()})
            for name, value in losses.items():
                sums[name] += float(value)
        totals = self.group.sum(list(sums.values()))
        return {name: total / len(samples) for name, total in zip(sums, totals, strict=True)}

    def measure(self, model: Model, folder: Path, epoch: int) -> tuple[dict[str, float], list[Path]]:
        """The tasks' own metrics on the first ``metric_items`` validation items, headlines first; pictures of some.

        The leading process draws image, truth and answer of the first ``pictures`` of its items into the run's
        folder, unless matplotlib is missing.
        """
        options, items = self.setup.options, self.setup.valid_samples.items
        # Epochs are compared, so that all see the items as they are.
        chain = Chain.of([model], options=InferOptions(scale=1.0))
        pictures = options.pictures if self.group.leads and draw.available() else 0
        mine: dict[int, dict[str, float]] = {}
        written = []
        for index in self._share(min(options.metric_items, len(items))):
            item = items[index]
            fields = predicted_fields(chain, item, None, np.random.default_rng([options.seed, index]))
            if len(mine) < pictures:
                written.append(_picture_path(folder, epoch, index))
                draw_comparison(written[-1], item, fields, model.outputs, f"Epoch {epoch}, validation item {index}")
            mine[index] = figures_of(chain, item, fields, None)
        every = {index: figures for share in self.group.gather(mine) for index, figures in share.items()}
        mean, _ = summary([every[index] for index in sorted(every)])
        return headlines_first(self.setup.parts.tasks, mean), written

    def _share(self, count: int) -> range:
        return range(self.group.rank, count, self.group.count)


def _picture_path(folder: Path, epoch: int, index: int) -> Path:
    (folder / PICTURES).mkdir(exist_ok=True)
    return folder / PICTURES / f"epoch_{epoch:03}_item_{index}.png"


def headlines_first(tasks: Sequence[Task], figures: Mapping[str, float]) -> dict[str, float]:
    """Short displays show the first few figures of an epoch: those that the tasks think most of."""
    first = [f"{task.name}.{name}" for task in tasks for name in task.headline]
    return {name: figures[name] for name in [*first, *figures] if name in figures}


def draw_comparison(
    path: Path, item: Mapping[str, Array], fields: Mapping[str, Array], outputs: Sequence[Output], title: str
) -> None:
    """Draw an item's image, then each output's label and prediction; of a volume its middle inline.

    Unknown labels are drawn as 0.
    """
    _, index = draw.section_windows(item["image"].shape)[0]
    shown: dict[str, Array] = {}
    panels = []
    for output in outputs:
        for kind, source in (("true", item), ("predicted", fields)):
            if output.name in source:
                shown[f"{output.name} {kind}"] = np.nan_to_num(source[output.name][index])
                panels.append(_labelled(output, kind))
    draw.draw_section(path, np.nan_to_num(item["image"][index]), shown, panels, title)


def _labelled(output: Output, kind: str) -> Output:
    """An output under the name and with the mask of one of two versions."""
    display: Any = output.display
    if display.mask:
        display = replace(display, mask=f"{display.mask} {kind}")
    title = f"{kind} {output.description.split(',')[0].removeprefix('the ')}"
    return replace(output, name=f"{output.name} {kind}", description=title, display=display)
