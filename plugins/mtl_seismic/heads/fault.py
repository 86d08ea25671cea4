"""Task fault: where faults are, and how their planes lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from mtl_seismic.heads import orientation
from mtl_seismic.heads.common import PointwiseHead, on_samples
from mtl_seismic.heads.corruption import corrupt_fault
from mtl_seismic.heads.metrics import (
    average_precision,
    axial_error,
    calibration_error,
    everything_f1,
    plane_angle,
    precision_recall,
    thinned,
    thinned_precision_recall,
)
from mtl_seismic.resunet import reference
from mtlcore.errors import OptionError
from mtlcore.losses import fill_unknown, masked_mean
from mtlcore.plugin.interfaces import Task
from mtlcore.plugin.outputs import Display, Output

Array = NDArray[np.float32]
PROBABILITY, DIP, STRIKE = "fault_probability", "fault_dip", "fault_strike"
BALANCE = 4.0
"""Faults are few samples: without it their gradients in the encoder are a tenth of the other tasks'."""


def _mirror_dip(dip: Any, axis: int, ndim: int) -> Any:
    """Mirroring the second of three axes turns the strike and leaves the dip."""
    return dip if ndim == 3 and axis == 1 else 180 - dip


def _stretch_dip(dip: Any, factors: Sequence[float], fields: Mapping[str, Any]) -> Any:
    """More samples of depth between the same traces make a plane steeper: its cotangent shrinks.

    The normal's components shrink by their axes' factors. Without a strike a plane in 3D is taken to dip along both
    horizontal axes alike.
    """
    angle, strike = np.deg2rad(dip), fields.get(STRIKE)
    if len(factors) == 3 and strike is not None:
        across = np.hypot(np.cos(np.deg2rad(strike)) / factors[1], np.sin(np.deg2rad(strike)) / factors[2])
    else:
        across = float(np.prod(factors[1:])) ** (-1 / len(factors[1:]))
    return np.rad2deg(np.arctan2(factors[0] * across * np.sin(angle), np.cos(angle))) % 180


def _mirror_strike(strike: Any, axis: int, ndim: int) -> Any:
    return strike if axis == 0 else 180 - strike


def _stretch_strike(strike: Any, factors: Sequence[float], fields: Mapping[str, Any]) -> Any:
    """Towards the horizontal axis that is sampled more finely."""
    angle = np.deg2rad(strike)
    return np.rad2deg(np.arctan2(np.sin(angle) / factors[2], np.cos(angle) / factors[1])) % 180


def _angle(name: str, description: str, alias: str, mirror: Any, ndims: tuple[int, ...], stretch: Any) -> Output:
    return Output(
        name,
        description,
        unit="degree",
        range=(0.0, 180.0),
        ndims=ndims,
        mirror=mirror,
        stretch=stretch,
        merge="axial",
        alias=alias,
        alias_unit=1 / 180,
        display=Display("overlay", "hsv", (0.0, 180.0), mask=PROBABILITY),
    )


@dataclass(frozen=True)
class Fault(Task):
    """Fault probability (0..1), dip and, in 3D, strike (degrees, 0..180, meaningful where the probability is high).

    The default variant learns orientations as tensors (see orientation.py) on fault samples only;
    ``reference`` has the heads and loss of Gao (2024, doi 10.1093/gji/ggad424).
    ``dice_weight`` and ``orientation_weight``: what these count beside the binary cross-entropy. ``temperature``: what
    logits are divided by before they become probabilities (Guo et al. 2017), so that these are calibrated: fitted on
    items that training did not see (tests/benchmarks/calibration.py).
    """

    name: ClassVar[str] = "fault"
    outputs: ClassVar[tuple[Output, ...]] = (
        Output(
            PROBABILITY,
            "probability that a sample lies on a fault",
            range=(0.0, 1.0),
            coarsened="maximum",
            alias="fsem",
            display=Display("overlay", "autumn_r", (0.0, 1.0)),
        ),
        _angle(DIP, "dip of the fault plane, below 90 towards low x", "fdip", _mirror_dip, (2, 3), _stretch_dip),
        _angle(STRIKE, "strike, from the last axis to the second", "fstrike", _mirror_strike, (3,), _stretch_strike),
    )
    headline: ClassVar[tuple[str, ...]] = ("f1_2", "dip_error")
    lower_is_better: ClassVar[tuple[str, ...]] = ("calibration_error", "dip_error", "strike_error", "plane_angle")
    variant: Literal["default", "reference"] = "default"
    dice_weight: float = 1.0
    orientation_weight: float = 1.0
    temperature: float = 1.0

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise OptionError(f"task fault has a temperature of {self.temperature}: expected more than 0.")

    @property
    def needs_whole_volume(self) -> bool:
        # The reference's heads normalise by statistics of the whole image.
        return self.variant == "reference"

    def head(self, channels: int, ndim: int) -> nn.Module:
        if self.variant == "reference":
            return reference.ReferenceFaultHead(channels, ndim)
        raw = {"fault_logit": 1, "fault_orientation": orientation.components(ndim)}
        return PointwiseHead(channels, raw, ndim)

    def loss(self, predicted: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
        if self.variant == "reference":
            return reference.reference_fault_loss(predicted, target)
        logit = predicted["fault_logit"].float()
        terms = [0.0 * logit.sum()]
        if PROBABILITY in target:
            truth, known = fill_unknown(target[PROBABILITY])
            entropy = nn.functional.binary_cross_entropy_with_logits(logit, truth, reduction="none")
            terms += [masked_mean(entropy, known), self.dice_weight * _dice(logit, truth, known)]
        # A plane in 3D needs both angles.
        if DIP in target and (logit.ndim == 4 or STRIKE in target):
            terms.append(self.orientation_weight * self._orientation_loss(predicted, target))
        return BALANCE * torch.stack(terms).sum()

    def _orientation_loss(self, predicted: Mapping[str, Tensor], target: Mapping[str, Tensor]) -> Tensor:
        """Distance of orientation tensors on labelled fault samples; without probabilities, on all labelled.

        The distance itself, not its square: where two faults could be meant, one is taken and not their mean.
        """
        dip, labelled = fill_unknown(target[DIP])
        strike = None
        if STRIKE in target:
            strike, strike_known = fill_unknown(target[STRIKE])
            labelled = labelled & strike_known
        truth = orientation.to_tensor(dip, strike)
        if PROBABILITY in target:
            labelled = labelled & (target[PROBABILITY] > 0.5)
        orientations = on_samples(predicted["fault_orientation"].float(), truth)
        squares = (orientations - truth).square().sum(1, keepdim=True)
        return masked_mean((squares + 1e-6).sqrt(), labelled)

    def decode(self, raw: Mapping[str, Tensor]) -> dict[str, Tensor]:
        if self.variant == "reference":
            return reference.decode_reference_fault(raw)
        probability = torch.sigmoid(raw["fault_logit"].float() / self.temperature)
        angles = orientation.from_tensor(raw["fault_orientation"])
        dip, strike = (None if angle is None else on_samples(angle, probability) for angle in angles)
        assert dip is not None
        fields = {PROBABILITY: probability, DIP: dip}
        return fields if strike is None else {**fields, STRIKE: strike}

    @property
    def section_tensors(self) -> tuple[str, ...]:
        return (PROBABILITY,) if self.variant == "reference" else ("fault_logit",)

    def fuse_sections(self, along: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        """The larger probability of each sample: a fault that runs along a section is seen across it alone. Planes from
        how it changes: two apparent dips leave the strike of near-vertical planes open.
        """
        name = self.section_tensors[0]
        found = torch.stack([raw[name].float() for raw in along]).amax(0)
        if self.variant == "reference":
            dip, strike = orientation.from_tensor(orientation.of_planes(found))
            assert strike is not None
            angles = {DIP: dip, STRIKE: strike}
            return {name: found} | {key: on_samples(angle, found) / 180 * found for key, angle in angles.items()}
        return {name: found, "fault_orientation": orientation.of_planes(found.sigmoid())}

    def encode(self, fields: Mapping[str, Tensor]) -> dict[str, Tensor]:
        probability, dip, strike = fields[PROBABILITY], fields[DIP], fields.get(STRIKE)
        if self.variant == "reference":
            angles = {name: fields[name] / 180 * probability for name in (DIP, STRIKE) if name in fields}
            return {PROBABILITY: probability, **angles}
        return {
            PROBABILITY: probability,
            "fault_orientation": orientation.to_tensor(dip, strike) * probability,
        }

    def corrupt(self, labels: Mapping[str, Any], random: np.random.Generator) -> dict[str, Array]:
        probability, dip, strike = corrupt_fault(labels[PROBABILITY], labels[DIP], labels.get(STRIKE), random)
        fields = {PROBABILITY: probability, DIP: dip}
        return fields if strike is None else {**fields, STRIKE: strike}

    def merge(self, variants: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
        """Plain mean of probabilities; orientation tensors averaged with the probabilities as weights."""
        probabilities = np.stack([variant[PROBABILITY] for variant in variants])
        if DIP not in variants[0]:
            return {PROBABILITY: probabilities.mean(0)}
        tensors = []
        for variant in variants:
            dip, strike = (_batched(variant.get(name)) for name in (DIP, STRIKE))
            assert dip is not None
            tensors.append(orientation.to_tensor(dip, strike))
        weights = torch.from_numpy(probabilities + 1e-6)[:, None, None]
        mean_dip, mean_strike = orientation.from_tensor((torch.stack(tensors) * weights).sum(0))
        fields = {PROBABILITY: probabilities.mean(0), DIP: mean_dip[0, 0].numpy()}
        return fields if mean_strike is None else {**fields, STRIKE: mean_strike[0, 0].numpy()}

    def metrics(self, predicted: Mapping[str, Array], target: Mapping[str, Array]) -> dict[str, float]:
        probability, truth = predicted[PROBABILITY], target[PROBABILITY]
        figures: dict[str, float] = {}
        for tolerance in (0, 2):
            found = precision_recall(probability, truth, tolerance)
            for name, value in zip(("precision", "recall", "f1"), found, strict=True):
                figures[f"{name}_{tolerance}"] = value
        figures["everything_f1_2"] = everything_f1(truth, 2)
        figures["average_precision"] = average_precision(probability, truth)
        figures["calibration_error"] = calibration_error(probability, truth)
        on_fault = truth > 0.5
        for name, label in ((DIP, "dip"), (STRIKE, "strike")):
            if name in predicted and name in target:
                error = axial_error(predicted[name], target[name], on_fault)
                figures[f"{label}_error"], figures[f"{label}_within_5"] = error["mean"], error["within_5"]
        if DIP in predicted and DIP in target:
            lines = [thinned(fields[PROBABILITY], fields[DIP], fields.get(STRIKE)) for fields in (predicted, target)]
            found = thinned_precision_recall(lines[0], truth, lines[1], 2)
            for name, value in zip(("precision", "recall", "f1"), found, strict=True):
                figures[f"thinned_{name}_2"] = value
        if STRIKE in predicted and STRIKE in target and on_fault.any():
            planes = [fields[name][on_fault] for fields in (predicted, target) for name in (STRIKE, DIP)]
            figures["plane_angle"] = float(np.nanmean(plane_angle(*planes)))
        return figures


def _dice(logit: Tensor, truth: Tensor, mask: Tensor) -> Tensor:
    """Soft Dice loss (Milletari et al. 2016), each item by itself; none of items without faults.

    There it would be as good as 1 whatever is predicted, and the network would learn to doubt all faults.
    """
    axes = tuple(range(1, logit.ndim))
    probability = torch.sigmoid(logit) * mask
    truth = truth * mask
    overlap = 2 * (probability * truth).sum(axes) + 1
    loss = 1 - overlap / (probability.sum(axes) + truth.sum(axes) + 1)
    return (loss * truth.flatten(1).any(1)).mean()


def _batched(values: Array | None) -> Tensor | None:
    return None if values is None else torch.from_numpy(np.ascontiguousarray(values))[None, None]
