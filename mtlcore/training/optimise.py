"""What changes the weights: optimizer, learning-rate schedule, moving average, task weights."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mtlcore.device import Precision, autocast
from mtlcore.errors import MtlError, OptionError
from mtlcore.model.net import MultiTaskNet, Raw
from mtlcore.plugin.interfaces import Stage, Task
from mtlcore.plugin.outputs import Output
from mtlcore.training.data import Batch, part
from mtlcore.training.distributed import Ranks
from mtlcore.training.job import OptimizerName, TrainOptions
from mtlcore.training.muon import Muon

EPSILON = 1e-6
"""Adam's, above its usual 1e-8: gradients that are rounding alone then move nothing, and 2 ranks follow 1."""


@dataclass
class Plateau:
    """Learning rate times ``factor`` when the validation loss has not fallen for ``patience`` epochs."""

    factor: float
    patience: int
    best: float = math.inf
    waited: int = 0
    scale: float = 1.0

    def update(self, loss: float) -> None:
        """An epoch has ended with this validation loss."""
        self.waited = 0 if loss < self.best else self.waited + 1
        self.best = min(self.best, loss)
        if self.waited > self.patience:
            self.scale, self.waited = self.scale * self.factor, 0


def scheduled_rate(
    schedule: Literal["cosine", "constant", "plateau"], rate: float, step: int, total: int, warmup: int
) -> float:
    """Learning rate at a step: linear warm-up, then constant or down a cosine to 1 % (Loshchilov 2017)."""
    if step < warmup:
        return rate * (step + 1) / warmup
    if schedule != "cosine":
        return rate
    progress = (step - warmup) / max(total - warmup, 1)
    return rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0))))


def make_optimizer(
    name: OptimizerName, parameters: Iterable[nn.Parameter], rate: float, weight_decay: float
) -> torch.optim.Optimizer:
    """An optimizer; weight decay acts on convolutions alone, not on biases and normalisation."""
    every = list(parameters)
    groups: list[dict[str, Any]] = [
        {"params": [p for p in every if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in every if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if name == "adamw":
        return torch.optim.AdamW(groups, lr=rate, eps=EPSILON)
    if name == "muon":
        return Muon(groups, lr=rate, eps=EPSILON)
    if name == "adam":
        return torch.optim.Adam(groups, lr=rate, eps=EPSILON)
    return torch.optim.SGD(groups, lr=rate, momentum=0.9, nesterov=True)


class MovingAverage:
    """Exponential moving average of all weights and buffers, faster in the beginning (as in TensorFlow)."""

    def __init__(self, net: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.state = {name: value.detach().clone() for name, value in net.state_dict().items()}

    @torch.no_grad()
    def update(self, net: nn.Module) -> None:
        """A step has been taken."""
        self.updates += 1
        keep = min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, value in net.state_dict().items():
            if value.is_floating_point():
                self.state[name].lerp_(value, 1 - keep)
            else:
                self.state[name].copy_(value)


class Updates:
    """What follows a loss: gradients of all processes, clipping, the optimizer's step and the moving average."""

    def __init__(self, objective: Objective, options: TrainOptions, device: torch.device, group: Ranks) -> None:
        self.net, self.group = objective.net, group
        self.clip = options.gradient_clip or math.inf
        self.parameters = [parameter for parameter in objective.parameters() if parameter.requires_grad]
        if not self.parameters:
            raise OptionError(f"train.freeze is {', '.join(options.freeze)}: nothing is left to train.")
        self.optimizer = make_optimizer(options.optimizer, self.parameters, options.learning_rate, options.weight_decay)
        self.scaler = torch.amp.GradScaler(device.type, enabled=options.precision == "float16")
        self.average = MovingAverage(objective.net, options.average)

    def take(self, loss: Tensor, rate: float) -> float:
        """Take one step at a learning rate; the norm of the gradient before it was clipped."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        self.group.average_gradients(self.parameters)
        self.scaler.unscale_(self.optimizer)
        norm = torch.nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.average.decay:
            self.average.update(self.net)
        return float(norm)

    @property
    def kept_weights(self) -> Mapping[str, Tensor]:
        """Those that are validated and saved: the moving average where there is one."""
        return self.average.state if self.average.decay else self.net.state_dict()


class Objective(nn.Module):
    """Net and losses in one module, so that distributed training sees all parameters.

    Learned task weights are those of Kendall et al. (2018, arXiv:1705.07115): exp(-s) loss + s.
    """

    def __init__(
        self, net: MultiTaskNet, stage: Stage, tasks: Sequence[Task], learned: bool, precision: Precision
    ) -> None:
        super().__init__()
        self.net, self.stage, self.tasks = net, stage, tuple(tasks)
        self.precision = precision
        self.trained = tuple(task for task in tasks if task.name in net.heads)
        learnt = {task.name: nn.Parameter(torch.zeros(1)) for task in self.trained} if learned else {}
        self.log_variances = nn.ParameterDict(learnt)

    def forward(self, batch: Batch) -> dict[str, Tensor]:
        """Losses by task, and their weighted sum as "loss"."""
        labels = part(batch, "label")
        raw = self._raw(batch["image"], self._refined(batch["image"], part(batch, "field")))
        losses = {task.name: task.loss(raw[task.name], labels) for task in self.trained if has_labels(task, labels)}
        return losses | {"loss": self._sum(losses)}

    def _raw(self, image: Tensor, fields: Batch) -> Raw:
        inputs = self.stage.inputs(self.tasks, image, fields)
        with autocast(image.device, self.precision):
            raw: Raw = self.net(inputs)
        return raw

    @torch.no_grad()
    def _refined(self, image: Tensor, fields: Batch) -> Batch:
        """The fields as the network will read them: of some of the items, those that it has refined itself."""
        before = torch.arange(len(image), device=image.device) % self.stage.rounds  # passes that each item has had
        for number in range(1, self.stage.rounds if self.training else 1):
            some = (before >= number).nonzero()[:, 0]
            if not len(some):
                break
            given = {name: values[some] for name, values in fields.items()}
            raw = self._raw(image[some], given)
            for task in self.trained:
                given |= task.decode(raw[task.name])
            fields = {name: values.index_copy(0, some, given[name].to(values.dtype)) for name, values in fields.items()}
        return fields

    def _sum(self, losses: Mapping[str, Tensor]) -> Tensor:
        weights = {task.name: task.weight for task in self.trained}
        terms = []
        for name, loss in losses.items():
            term = weights[name] * loss
            if name in self.log_variances:
                uncertainty = self.log_variances[name][0]
                term = torch.exp(-uncertainty) * term + uncertainty
            terms.append(term)
        return torch.stack(terms).sum()


def with_labels_of_all(batch: Batch, outputs: Sequence[Output], group: Ranks) -> Batch:
    """A process's part of a batch with every label that the part of another has: unknown here.

    All processes then have losses of the same tasks, as one process would, and gradients of the same weights.
    """
    if group.count == 1:
        return batch
    names = [f"label/{output.name}" for output in outputs]
    known = group.sum([float(name in batch) for name in names])
    unknown = torch.full_like(batch["image"], math.nan)
    return batch | {name: unknown for name, count in zip(names, known, strict=True) if count and name not in batch}


def has_labels(task: Task, names: Container[str]) -> bool:
    """Whether any of a task's outputs is among the names."""
    return any(output.name in names for output in task.outputs)


def check_labels(tasks: Sequence[Task], names: Iterable[str]) -> None:
    """Refuse to train a task for which the data contain no label."""
    have = set(names)
    for task in tasks:
        if not has_labels(task, have):
            wanted = ", ".join(output.name for output in task.outputs)
            raise MtlError(
                f"The training data contain no label for task '{task.name}' ({wanted}): "
                "add them, or leave it out of --tasks."
            )
