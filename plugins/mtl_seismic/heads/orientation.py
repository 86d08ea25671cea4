"""Plane orientations as axial quantities: the tensor n nᵀ of the unit normal n, free of its sign.

Strike and dip wrap together: (strike, dip) and (strike ± 180, 180 - dip) are one plane and have one tensor,
so learning and averaging tensors needs no care at 0° and 180° (Knutsson 1989, "Representing local
structure using tensors"). The same code serves 2D, where there is only a dip.

Dip is 0..180 degrees. In 2D below 90 dips towards low x. In 3D strike is measured from the last axis
towards the second one, and dip is that of rgm's planes: normal (-cos d, sin d cos s, -sin d sin s).
"""

from __future__ import annotations

import torch
from torch import Tensor

CELL = 2
"""Samples along each axis for which the structure tensor has one value."""
GRADIENT, SMOOTHING = 1.5, 3.0
"""Standard deviations, in samples, of the Gaussians that take gradients and smooth their products."""
DIAGONAL = [0, 3, 5]
"""Of the upper triangle in 3D, row by row."""
FAINT = 1e-8
"""Squared gradients of a probability below which no plane is worth a direction."""


def components(ndim: int) -> int:
    """How many numbers a symmetric tensor has."""
    return ndim * (ndim + 1) // 2


def normal(dip: Tensor, strike: Tensor | None) -> Tensor:
    """Unit normals N x (2 or 3) x ... from degrees, N x 1 x ...: on the axes depth, (second,) last.

    In 2D the plane's trace goes down-dip to x -= cot(dip), so its normal is (cos d, sin d).
    """
    angle = torch.deg2rad(dip)
    if strike is None:
        return torch.cat([torch.cos(angle), torch.sin(angle)], 1)
    azimuth = torch.deg2rad(strike)
    return torch.cat(
        [-torch.cos(angle), torch.sin(angle) * torch.cos(azimuth), -torch.sin(angle) * torch.sin(azimuth)], 1
    )


def to_tensor(dip: Tensor, strike: Tensor | None) -> Tensor:
    """The upper triangle of n nᵀ, row by row: N x components x ... ."""
    n = normal(dip, strike)
    rows, columns = torch.triu_indices(n.shape[1], n.shape[1])
    return n[:, rows] * n[:, columns]


def principal_axis(tensor: Tensor, squarings: int = 4) -> Tensor:
    """In 3D, the unit eigenvector of the eigenvalue largest in size, N x 3 x ..., by squaring the matrix.

    After k squarings the other eigenvectors have shrunk to the power 2^k of the eigenvalues' ratio, and
    every column is a multiple of the one sought; the longest column is taken.
    """
    rows, columns = torch.triu_indices(3, 3).tolist()
    cells = dict(zip(zip(rows, columns, strict=True), tensor.float().unbind(1), strict=True))
    for _ in range(squarings):
        trace = torch.stack([cells[i, i] ** 2 for i in range(3)]).sum(0)
        scale = torch.rsqrt(trace + 1e-30)
        cells = {cell: value * scale for cell, value in cells.items()}
        cells = {(i, j): _product(cells, i, j) for i, j in cells}
    lengths = torch.stack([cells[i, i] for i in range(3)])
    candidates = torch.stack([torch.stack([_at(cells, i, j) for j in range(3)], 1) for i in range(3)])
    longest = lengths.argmax(0)[None, :, None].expand(1, *candidates.shape[1:])
    return torch.nn.functional.normalize(torch.gather(candidates, 0, longest)[0], dim=1)


def _product(cells: dict[tuple[int, int], Tensor], row: int, column: int) -> Tensor:
    """One cell of the matrix times itself."""
    total = _at(cells, row, 0) * _at(cells, 0, column)
    for k in (1, 2):
        total = torch.addcmul(total, _at(cells, row, k), _at(cells, k, column))
    return total


def _at(cells: dict[tuple[int, int], Tensor], row: int, column: int) -> Tensor:
    return cells[min(row, column), max(row, column)]


def from_tensor(tensor: Tensor) -> tuple[Tensor, Tensor | None]:
    """(dip, strike) in degrees, N x 1 x ..., each 0 <= angle < 180; strike is None in 2D."""
    if tensor.shape[1] == components(2):
        zz, zx, xx = tensor.float()[:, :, None].unbind(1)
        return _dip(zz, zx, xx), None
    n = principal_axis(tensor)
    # Of the two signs of the normal, take the one whose strike lies in 0..180: sin d sin s >= 0.
    n = torch.where(n[:, 2:] > 0, -n, n)
    horizontal = torch.linalg.vector_norm(n[:, 1:], dim=1, keepdim=True)
    dip = torch.rad2deg(torch.atan2(horizontal, -n[:, :1]))
    strike = torch.rad2deg(torch.atan2(-n[:, 2:], n[:, 1:2]))
    # A strike of 180 (or of -180: zeros have signs) is a strike of 0 of the plane with the opposite dip.
    wraps = strike.abs() >= 180
    return torch.where(wraps, 180 - dip, dip) % 180, torch.where(wraps, 0.0, strike).clamp(min=0)


def _dip(zz: Tensor, zx: Tensor, xx: Tensor) -> Tensor:
    """The principal axis in 2D, in closed form: that of the eigenvalue largest in size, as in 3D."""
    sign = torch.where(zz + xx < 0, -1.0, 1.0)
    # Float remainder can round up to exactly 180.
    degrees = torch.rad2deg(0.5 * torch.atan2(2 * zx * sign, (zz - xx) * sign)) % 180
    return torch.where(degrees >= 180, 0.0, degrees)


def of_planes(probability: Tensor) -> Tensor:
    """In 3D, orientation tensors of the planes along which a probability is high, N x 1 x ... to N x 6 x size/2... .

    The structure tensor (Bigun and Granlund 1987; Knutsson 1989): products of gradients, at 1.5 samples, smoothed by 3,
    with a trace of 1 where there is any. On cells of 2x2x2 samples: planes turn slowly.
    """
    cells = torch.nn.functional.avg_pool3d(probability.float(), CELL, ceil_mode=True, count_include_pad=False)
    blurred = [_gaussian_kernel(GRADIENT / CELL)] * 3
    gradients = [
        _filtered(cells, [_gaussian_slope(GRADIENT / CELL) if other == axis else blurred[other] for other in range(3)])
        for axis in range(3)
    ]
    products = torch.cat([gradients[i] * gradients[j] for i in range(3) for j in range(i, 3)], 1)
    smooth = _filtered(products, [_gaussian_kernel(SMOOTHING / CELL)] * 3)
    trace = smooth[:, DIAGONAL].sum(1, keepdim=True)
    return smooth / trace.clamp(min=FAINT)


def _gaussian_kernel(sigma: float) -> Tensor:
    places = torch.arange(-round(4 * sigma), round(4 * sigma) + 1, dtype=torch.float32)
    weights = torch.exp(-0.5 * (places / sigma) ** 2)
    return weights / weights.sum()


def _gaussian_slope(sigma: float) -> Tensor:
    weights = _gaussian_kernel(sigma)
    places = torch.arange(len(weights)) - len(weights) // 2
    return places * weights / (places**2 * weights).sum()


def _filtered(values: Tensor, kernels: list[Tensor]) -> Tensor:
    """Each channel filtered along depth and both lateral axes by the axis' kernel; edges are repeated."""
    shape = values.shape
    values = values.reshape(-1, 1, *shape[2:])
    for axis, kernel in enumerate(kernels):
        reach = [0, 0, 0]
        reach[axis] = len(kernel) // 2
        pads = [amount for size in reversed(reach) for amount in (size, size)]
        size = [1, 1, 1, 1, 1]
        size[axis + 2] = len(kernel)
        padded = torch.nn.functional.pad(values, pads, mode="replicate")
        values = torch.nn.functional.conv3d(padded, kernel.to(values).view(size))
    return values.reshape(shape)
