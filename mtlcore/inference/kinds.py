"""Images as their owners hold them: paths, volumes, arrays of numpy, torch and xarray. Fields come back as the same.

torch tensors and xarray's DataArray are told by what they can do: neither package is imported here.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlcore.errors import MtlError
from mtlcore.io.files import open_volume
from mtlcore.io.volume import ArrayVolume, Volume
from mtlcore.plugin.outputs import Output

DEPTH_NAMES = ("depth", "twt", "time", "t", "z", "samples", "sample")
"""Names that depth has as a dimension of labelled arrays."""


@dataclass(frozen=True)
class Image:
    """An image's samples, depth first, and how a field over them becomes what the image was."""

    values: NDArray[Any]
    restore: Callable[[Output, NDArray[np.float32]], Any]


def read_image(image: Any) -> Image:
    """The samples of an image of any kind; MtlError where it is none, or of a type or shape that no image has."""
    found = _read(image)
    if found.values.dtype.kind not in "fiub":
        raise MtlError(f"The image holds values of type {found.values.dtype}: expected real numbers.")
    if found.values.ndim not in (2, 3):
        raise MtlError(f"The image has the shape {found.values.shape}: expected 2 or 3 axes, depth first.")
    return found


def plain_array(values: Any) -> NDArray[Any]:
    """The samples of a field or image of any kind, depth first."""
    return _read(values).values


def _read(image: Any) -> Image:
    if isinstance(image, str | os.PathLike):
        image = open_volume(Path(image))
    if isinstance(image, Volume):
        geometry = image.geometry
        return Image(image.load(), lambda output, values: ArrayVolume(values, geometry))
    if hasattr(image, "dims") and hasattr(image, "coords"):
        return _labelled(image)
    if hasattr(image, "detach"):
        device = image.device
        return Image(image.detach().cpu().numpy(), lambda output, values: _tensor(values, device))
    if isinstance(image, np.ma.MaskedArray):
        # A masked sample is undefined, as one that is not finite.
        masked: Any = image
        image = masked.astype(np.result_type(masked.dtype, np.float32)).filled(np.nan)
    return Image(np.asarray(image), lambda output, values: values)


def _tensor(values: NDArray[np.float32], device: Any) -> Any:
    import torch

    return torch.from_numpy(np.ascontiguousarray(values)).to(device)


def _labelled(image: Any) -> Image:
    """An xarray DataArray; one whose depth is not its first dimension is turned, and its fields back."""
    names = tuple(image.dims)
    depth = next((name for name in names if str(name).lower() in DEPTH_NAMES), names[0] if names else None)
    order = (depth, *(name for name in names if name != depth))
    turned = image.transpose(*order)

    def restore(output: Output, values: NDArray[np.float32]) -> Any:
        field = turned.copy(data=values).transpose(*names)
        field.name = output.name
        field.attrs = {"long_name": output.description, "units": output.unit}
        return field

    return Image(np.asarray(turned.values), restore)
