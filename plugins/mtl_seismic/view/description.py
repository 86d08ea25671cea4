"""What the page is told of a result before it asks for slices: plain JSON values."""

from __future__ import annotations

import math
from typing import Any

from mtl_seismic.formats.crooked import trace_points
from mtl_seismic.report.opened import OpenResult, title_of, unit_text
from mtl_seismic.view.slices import amplitude_limit
from mtlcore.plugin.outputs import IMAGE, Output

UNCERTAINTY = "_uncertainty"


def describe(result: OpenResult) -> dict[str, Any]:
    """Axes, coordinates and fields; the image is the first field."""
    limit = amplitude_limit(result.image)
    course = trace_points(result.geometry)
    outputs = [IMAGE, *result.outputs.values()]
    models = result.record.get("models", [])
    return {
        "name": result.name,
        "folder": str(result.folder.resolve()),
        "input": result.record.get("input", {}),
        "started": result.record.get("started"),
        "notes": sorted({model["note"] for model in models if model.get("note")}),
        "axes": [
            {"name": axis.name, "size": axis.size, "origin": axis.origin, "step": axis.step, "unit": axis.unit}
            for axis in result.geometry.axes
        ],
        "coordinates": result.geometry.coordinates,
        "course": None if course is None else course.tolist(),
        "fields": [_field(output, result, limit) for output in outputs],
    }


def _field(output: Output, result: OpenResult, limit: float) -> dict[str, Any]:
    entry = result.record["outputs"].get(output.name, {})
    mask = output.display.mask
    return {
        "name": output.name,
        "title": title_of(output),
        "description": output.description,
        "unit": unit_text(output.unit) if output.unit != "amplitude" else "",
        "kind": _kind(output),
        "colormap": output.display.colormap,
        "limits": _limits(output, entry, limit),
        "mask": mask if mask in result.fields else None,
        "masked": mask is not None,
        "is_mask": any(other.display.mask == output.name for other in result.outputs.values()),
        "uncertainty": output.name.endswith(UNCERTAINTY),
        "axial": output.merge == "axial",
        "amplitude": output.amplitude,
    }


def _kind(output: Output) -> str:
    """An uncertainty lies over the image, as strong as it is large."""
    if output is IMAGE:
        return "image"
    return "overlay" if output.name.endswith(UNCERTAINTY) else output.display.kind


def _limits(output: Output, entry: dict[str, Any], amplitude: float) -> tuple[float, float]:
    """As the pictures have them: declared, else the image's, else the range, else what there is."""
    if output.display.limits is not None:
        return output.display.limits
    if output.amplitude and not output.name.endswith(UNCERTAINTY):
        return -amplitude, amplitude
    if output.range is not None:
        return output.range
    lowest, highest = (float(entry.get(end, math.nan)) for end in ("minimum", "maximum"))
    return (lowest, highest) if lowest < highest else (0.0, 1.0)
