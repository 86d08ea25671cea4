"""Where VTK's points lie, and how they are a volume's samples."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from mtlcore.io.volume import Axis, Geometry

Z = Literal["up", "down"]


@dataclass(frozen=True)
class Grid:
    """Points along z, y and x, in this order: as the samples lie in the file, x fastest."""

    sizes: tuple[int, ...]
    origins: tuple[float, ...]
    spacings: tuple[float, ...]
    flipped: tuple[bool, ...]
    """Whether the volume's axis runs against VTK's."""

    @classmethod
    def of(cls, geometry: Geometry, z: Z) -> Grid:
        """The points of a volume; a section stands upright, with one point along y."""
        depth, *lines = geometry.axes
        axes = (depth, *lines) if len(lines) == 2 else (depth, Axis("y", 1), *lines)
        signs = (-1 if z == "up" else 1, 1, 1)
        steps = [sign * axis.step for sign, axis in zip(signs, axes, strict=True)]
        ends = [
            (sign * axis.origin, sign * axis.origin + (axis.size - 1) * step)
            for sign, axis, step in zip(signs, axes, steps, strict=True)
        ]
        return cls(
            tuple(axis.size for axis in axes),
            tuple(float(min(pair)) for pair in ends),
            tuple(abs(float(step)) or 1.0 for step in steps),
            tuple(step < 0 for step in steps),
        )

    def agrees(self, other: Grid) -> bool:
        """Whether the points are the same but for rounding in a file."""
        near = [
            abs(one - two) <= 1e-3 * space and abs(space - wide) * size <= 1e-3 * space
            for one, two, space, wide, size in zip(
                self.origins, other.origins, self.spacings, other.spacings, self.sizes, strict=True
            )
        ]
        return self.sizes == other.sizes and all(near)


def seen_from_depth(stored: Any, grid: Grid, shape: tuple[int, ...]) -> Any:
    """The file's array as a volume of a shape, depth first: a view."""
    view = stored[tuple(slice(None, None, -1 if flip else 1) for flip in grid.flipped)]
    return view[:, 0, :] if len(shape) == 2 else view


def plain_geometry(grid: Grid, z: Z) -> tuple[Geometry, Grid]:
    """The geometry of another program's points, all positions increasing, and the grid as it runs through them."""
    signs = (-1 if z == "up" else 1, 1, 1)
    starts = [sign * origin for sign, origin in zip(signs, grid.origins, strict=True)]
    steps = [sign * spacing for sign, spacing in zip(signs, grid.spacings, strict=True)]
    ends = [start + (size - 1) * step for start, step, size in zip(starts, steps, grid.sizes, strict=True)]
    kept = (0, 2) if grid.sizes[1] == 1 else (0, 1, 2)
    plain = Geometry.of_shape(tuple(grid.sizes[number] for number in kept))
    axes = tuple(
        Axis(axis.name, axis.size, min(starts[number], ends[number]), abs(steps[number]) or 1.0, "1")
        for axis, number in zip(plain.axes, kept, strict=True)
    )
    return plain.like(axes=axes), replace(grid, flipped=tuple(step < 0 for step in steps))
