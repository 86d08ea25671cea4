"""How finely a network should see traces, found by trying: at which sampling it is surest of what it finds.

Surveys differ in how far apart their traces are for how far apart their rows. A network that knows faults of some
steepness in samples finds steeper ones less surely, and surely again where traces are resampled to the aspect that it
knows. So a few windows are inferred at several samplings; each has the probabilities of thin things (outputs that are
``coarsened`` by their maximum). No label is needed, and no range of the training's: the network's own answer decides.
Sections only: on six volumes of field3d, traces one and three rows apart, twice the traces along both axes were worse
each time, the trial said so each time, and it took as long as the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from mtlcore.inference.resampling import resample
from mtlcore.plugin.interfaces import Task
from mtlcore.plugin.outputs import IMAGE

Array = NDArray[np.float32]
FINER, COARSER = (1.4, 2.0, 2.8), (0.7,)
"""Traces in the place of one that are tried, one after another as long as answers get surer."""
WINDOW, PARTS = 128, 2
"""Edge of a square window in samples; in a section of fewer rows it is so much wider. There is one in the middle of
each of the section's parts, or of the whole if it is small."""
FINER_MARGIN, COARSER_MARGIN = 1.03, 1.1
"""How many times surer an answer must be than that on the image as it is. On 40 sections of the training's own aspect
answers at 1.4 were 0.86 to 1.03 times as sure, with one beyond, and at 0.7 0.93 to 1.095 times."""
AMOUNT_EXPONENT = 0.15
"""How much the amount of what is found counts: else an answer that leaves out all that is doubtful would be best.
This and the margins were chosen on 80 synthetic sections of all aspects (tests/benchmarks/aspects.py)."""
LEAST = 3e-3
"""A share of samples with a probability above one half that an answer has at least: less is not an answer."""


def thin_outputs(task: Task, ndim: int) -> list[str]:
    """Names of a task's outputs that are probabilities of thin things."""
    return [output.name for output in task.outputs_in(ndim) if output.coarsened == "maximum"]


def trace_factor(answer: Callable[[Array], Sequence[Array]], image: Array, rows: int) -> float:
    """How many times more finely a network should see the traces of a normalised section (depth, x); 1: as they are.

    ``answer`` gives a network's probabilities of thin things in a window. ``rows``: on how many rows of depth it will
    see the whole image.
    """
    windows = list(_windows(image))

    def sureness(factor: float) -> float:
        found: list[Array] = []
        for window in windows:
            height, width = window.shape
            shape = max(round(height * rows / image.shape[0]), 2), max(round(width * factor), 2)
            found += [values.ravel() for values in answer(resample(IMAGE, window, shape))]
        return _sureness(np.concatenate(found), factor)

    return _climb(sureness)


def _climb(sureness: Callable[[float], float]) -> float:
    """The factor of the surest answer, of finer or else of coarser ones; 1 unless the first two are both surer.

    Answers that get surer by chance seldom do so at both.
    """
    as_it_is = sureness(1.0)
    for factors, margin in ((FINER, FINER_MARGIN), (COARSER, COARSER_MARGIN)):
        surer: list[tuple[float, float]] = []
        for factor in factors:
            value = sureness(factor)
            if value <= as_it_is * margin or (len(surer) > 1 and value <= surer[-1][0]):
                break
            surer.append((value, factor))
        if len(surer) >= min(2, len(factors)):
            return max(surer)[1]
    return 1.0


def _sureness(probability: Array, factor: float) -> float:
    """The mean probability of what is found, by probability, times a low power of how much that is.

    Faults are as thick in samples however many traces there are: on ``factor`` times as many they are a smaller share.
    """
    total = float(probability.sum(dtype=np.float64))
    if (probability > 0.5).mean() < LEAST:
        return 0.0
    mean = float(np.square(probability, dtype=np.float64).sum()) / total
    return mean * float((factor * total / probability.size) ** AMOUNT_EXPONENT)


def _windows(section: Array) -> Iterator[Array]:
    height = min(WINDOW, section.shape[0])
    width = min(WINDOW**2 // height, section.shape[1])
    top, parts = (section.shape[0] - height) // 2, PARTS if section.shape[1] >= PARTS * width else 1
    for part in range(parts):
        left = int(section.shape[1] * (part + 0.5) / parts - width / 2)
        yield section[top : top + height, left : left + width]
