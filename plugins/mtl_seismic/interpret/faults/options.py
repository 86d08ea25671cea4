"""How faults are extracted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Range = tuple[float, float]


@dataclass(frozen=True)
class ExtractOptions:
    """Options of ``extract_faults``; lengths are in samples, angles in degrees of the grid of samples.

    ``threshold``: least probability of a fault sample; "auto": found from the probabilities (see threshold.py).
    ``density``: the share of samples that are faults, instead of a threshold.
    ``min_size``: least number of thinned samples of a fault; None: 16 in 2D, 256 in 3D.
    ``dip``: limits of the angle from the horizontal, 0..90. ``strike``: limits from the last axis towards
    the second, 0..180; (170, 10) is the range through 0.
    ``spacing``: between sticks and between their nodes. ``cell``: between vertices of surfaces.
    ``smoothing``: standard deviation of the Gaussian that smooths the probability along the normal.
    ``link_distance``, ``link_angle``, ``link_offset``: neighbouring samples are of one fault if they are not
    farther apart, their normals not at a larger angle, and each not farther off the other's plane.
    ``merge_distance``, ``merge_angle``, ``merge_offset``: the same for pieces of one fault, edge to edge.
    ``throw_reach``: how far from the fault the relative time is read, beyond its smear.
    ``throw_limit``: no throw beyond it is found.
    """

    threshold: float | Literal["auto"] = 0.5
    density: float | None = None
    min_size: int | None = None
    dip: Range | None = None
    strike: Range | None = None
    spacing: int = 8
    cell: int = 4
    smoothing: float = 1.5
    link_distance: float = 2.3
    link_angle: float = 8.0
    link_offset: float = 1.0
    merge_distance: float = 10.0
    merge_angle: float = 10.0
    merge_offset: float = 1.2
    throw_reach: float = 4.0
    throw_limit: float = 60.0

    def __post_init__(self) -> None:
        if self.threshold != "auto" and not 0 < self.threshold <= 1:
            raise ValueError(f"threshold is {self.threshold:g}: expected above 0 and at most 1, or auto")
        if self.density is not None and not 0 < self.density < 1:
            raise ValueError(f"density is {self.density:g}: expected a share of the samples between 0 and 1, as 0.05")
        if self.min_size is not None and self.min_size < 1:
            raise ValueError(f"min_size is {self.min_size}: expected at least 1")
        for name, top in (("dip", 90), ("strike", 180)):
            limits = getattr(self, name)
            if limits and not all(0 <= limit <= top for limit in limits):
                raise ValueError(f"{name} is {limits[0]:g},{limits[1]:g}: expected two angles from 0 to {top}")
        if self.dip and self.dip[0] > self.dip[1]:
            raise ValueError(f"dip is {self.dip[0]:g},{self.dip[1]:g}: expected the lower limit first")
        for name in ("spacing", "cell"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}: expected at least 1 sample")
        for name in ("smoothing", "link_distance", "merge_distance", "throw_reach", "throw_limit"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name):g}: expected a positive number")

    def least(self, ndim: int) -> int:
        """The least size of a fault in so many dimensions."""
        return self.min_size if self.min_size is not None else (16 if ndim == 2 else 256)
