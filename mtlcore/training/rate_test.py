"""The learning-rate range test: a short training whose rate rises from step to step (Smith 2017, arXiv:1506.01186)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

from mtlcore.config import build
from mtlcore.device import resolve
from mtlcore.plugin.plugins import Plugins, current
from mtlcore.training.data import EpochOrder, batches
from mtlcore.training.distributed import Ranks
from mtlcore.training.job import Job, TrainOptions
from mtlcore.training.setup import prepare
from mtlcore.training.trainer import Trainer

LOWEST, HIGHEST = 1e-6, 1.0
STEPS = 100
SMOOTHING = 0.9
"""Weight of the past in the moving average of the losses."""
DIVERGED = 3.0
"""The test ends where the loss is this many times the lowest one."""
SAFETY = 10.0
"""The suggested rate is this many times smaller than that of the lowest loss."""


@dataclass(frozen=True)
class RateTest:
    """Learning rates from low to high, and the training loss at each, smoothed."""

    rates: tuple[float, ...]
    losses: tuple[float, ...]

    @property
    def suggested(self) -> float:
        """A tenth of the rate at which the loss is lowest: the network still learns, and far from diverging."""
        return self.rates[self.losses.index(min(self.losses))] / SAFETY


def find_rate(job: Job, plugins: Plugins | None = None, steps: int = STEPS) -> RateTest:
    """Train for some steps, each with a higher rate, until the loss diverges. Nothing is written or kept."""
    registered = plugins or current()
    options = replace(build(TrainOptions, job.train, "train"), processes=1)
    setup = prepare(replace(job, train=asdict(options)), registered, resume=False)
    trainer = Trainer(setup, registered, Ranks(), resolve(job.device))
    trainer.set_training()
    order = EpochOrder(len(setup.train_samples), steps * options.batch_size, options.batch_size, options.seed, 0)
    rates: list[float] = []
    losses: list[float] = []
    registered.hook.stage_started(stage="find-rate", total=steps, folder=None)
    for number, batch in enumerate(batches(setup.train_samples, order, options.workers)):
        rate = LOWEST * (HIGHEST / LOWEST) ** (number / max(steps - 1, 1))
        loss = trainer.objective({name: value.to(trainer.device) for name, value in batch.items()})["loss"]
        if not math.isfinite(float(loss.detach())):
            break
        trainer.updates.take(loss, rate)
        rates.append(rate)
        losses.append(float(loss.detach()))
        values = {"learning_rate": rate, "loss": losses[-1]}
        registered.hook.step_finished(stage="find-rate", step=number + 1, total=steps, values=values)
        if smoothed(losses)[-1] > DIVERGED * min(smoothed(losses)):
            break
    registered.hook.stage_finished(stage="find-rate", values={})
    return RateTest(tuple(rates), tuple(smoothed(losses)))


def smoothed(values: Sequence[float]) -> list[float]:
    """An exponential moving average that does not lag at its beginning."""
    averages = []
    total = weight = 0.0
    for value in values:
        total, weight = SMOOTHING * total + value, SMOOTHING * weight + 1
        averages.append(total / weight)
    return averages
