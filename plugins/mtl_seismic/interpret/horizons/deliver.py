"""From a result folder to a folder of horizons: what ``mtl horizons`` does."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from mtl_seismic.interpret.horizons import picture
from mtl_seismic.interpret.horizons.crossing import Floats
from mtl_seismic.interpret.horizons.exports.formats import (
    GRIDS,
    WRITERS,
    check_formats,
    check_names,
    check_survey,
    file_name,
)
from mtl_seismic.interpret.horizons.exports.surface import STYLE, Style, Surface
from mtl_seismic.interpret.horizons.extraction import GAP, Horizon, default_names, extract_horizons
from mtl_seismic.interpret.horizons.grids import is_straight
from mtl_seismic.interpret.horizons.mapping import has_map
from mtl_seismic.interpret.horizons.reflectors import snap
from mtl_seismic.interpret.horizons.seeds import Seed, locate, reference_curve, spread, value_at
from mtl_seismic.interpret.horizons.stratal import stratal_axis, write_stratal
from mtlcore.errors import MtlError, OptionError, suggestion
from mtlcore.io import folders
from mtlcore.io.atomic import atomic_write_text
from mtlcore.io.files import make_format
from mtlcore.io.volume import Geometry, Volume
from mtlcore.pictures import draw as pictures
from mtlcore.plugin.outputs import IMAGE, Output
from mtlcore.plugin.plugins import Plugins
from mtlcore.run import results

Say = Callable[[str], None]

RECORD = "horizons.json"
OFF_SEED = 0.5
"""Samples by which a horizon may miss its seed before users are told."""


@dataclass(frozen=True)
class Request:
    """What to deliver. ``seeds`` or ``count`` say which horizons; neither: only stratal volumes.

    ``seeds`` are in the file's own numbers, or sample indexes (``in_samples``). ``spread``: horizons of a
    count are equally spaced in depth on the reference trace, and moved to the strongest reflectors near by
    or not. ``names``: one for each horizon, or one that is numbered. ``reference``: IL,XL (2D: X) of the
    reference trace; None: the live one nearest to the middle. ``stratal_fields``: what to flatten; (): the image
    and dhr, where they are there.
    """

    result: Path
    output: Path
    seeds: tuple[Seed, ...] = ()
    count: int = 0
    spread: Literal["reflectors", "depth"] = "reflectors"
    names: tuple[str, ...] = ()
    formats: tuple[str, ...] = ("xyz", "npy")
    style: Style = STYLE
    in_samples: bool = False
    gap: float = GAP
    min_quality: float = 0.0
    reference: tuple[float, ...] | None = None
    stratal: bool = False
    stratal_fields: tuple[str, ...] = ()
    stratal_axis: Literal["rgt", "depth"] = "rgt"
    stratal_format: str | None = None
    picture: bool = True
    force: bool = False


@dataclass(frozen=True)
class Fields:
    """The volumes of a result."""

    time: Volume
    others: dict[str, Volume]
    format: str

    @property
    def geometry(self) -> Geometry:
        return self.time.geometry

    def close(self) -> None:
        for volume in (self.time, *self.others.values()):
            volume.close()

    @property
    def image(self) -> Volume | None:
        """What reflectors are looked for in."""
        return self.others.get("image") or self.others.get("dhr")


def deliver(request: Request, plugins: Plugins, say: Say = lambda message: None) -> dict[str, Any]:
    """Write the horizons, stratal volumes, a picture and horizons.json; what that holds.

    Everything that can be refused is refused before anything is written. ``say`` gets lines for users, which
    the record holds too.
    """
    notes: list[str] = []

    def note(message: str) -> None:
        notes.append(message)
        say(message)

    fields = open_result(request.result, plugins, note)
    try:
        record = _deliver(request, fields, plugins, note)
    finally:
        fields.close()
    record["notes"] = notes
    atomic_write_text(request.output / RECORD, json.dumps(record, indent=2, allow_nan=False) + "\n")
    return record


def _deliver(request: Request, fields: Fields, plugins: Plugins, say: Say) -> dict[str, Any]:
    geometry = fields.geometry
    check_formats(request.formats, len(geometry.axes))
    check_survey(geometry, request.style, request.formats)
    positions = [locate(seed, geometry, request.in_samples) for seed in request.seeds]
    values = _values(request, fields, positions)
    names = _names(request, len(values))
    check_names(names, request.formats)
    flattened = _stratal_fields(request, fields)
    curve = _curve(request, fields) if flattened else np.empty(0)
    folder = folders.claim(request.output, request.force)
    if len(values):
        _say_about_the_map(request, geometry, say)
    horizons = _extract(request, fields, values, names, positions)
    return {
        "result": str(request.result.resolve()),
        **_conventions(request, geometry),
        "horizons": [_write(horizon, request, geometry, folder, say) for horizon in horizons],
        "stratal": [_write_stratal(field, request, fields, curve, folder, plugins, say) for field in flattened],
        "pictures": _draw(request, fields, horizons, folder, say),
    }


def open_result(folder: Path, plugins: Plugins, say: Say) -> Fields:
    """The volumes of a result, with its image where that is still there."""
    volumes = results.open_fields(folder, plugins)
    if "rgt" not in volumes:
        raise MtlError(f"{folder} holds no rgt, but {', '.join(volumes)}. Make one with: mtl run --tasks rgt.")
    time = volumes.pop("rgt")
    try:
        image = results.open_image(folder, plugins)
        if image.shape == time.shape:
            volumes["image"] = image
    except MtlError as error:
        say(f"Without the image: {error}")
    return Fields(time, volumes, results.read_record(folder)["format"]["name"])


def _values(request: Request, fields: Fields, positions: Sequence[tuple[float, ...]]) -> Floats:
    """The horizons' times."""
    if positions:
        return np.array([value_at(fields.time, position) for position in positions])
    if not request.count:
        return np.empty(0)
    curve = _curve(request, fields)
    values = spread(curve, request.count)
    reflectors = fields.others.get("dhr") or fields.image
    if request.spread == "depth" or reflectors is None:
        return values
    return snap(values, curve, fields.time, reflectors)


def _curve(request: Request, fields: Fields) -> Floats:
    """Time against depth on the reference trace."""
    if request.reference is None:
        return reference_curve(fields.time)
    # Any depth will do.
    top = 0.0 if request.in_samples else fields.geometry.axes[0].origin
    position = locate(Seed((*request.reference, top)), fields.geometry, request.in_samples)
    return reference_curve(fields.time, tuple(int(index) for index in position[1:]))


def _names(request: Request, count: int) -> list[str]:
    if len(request.names) > 1 and len(request.names) != count:
        raise OptionError(f"There are {len(request.names)} names for {count} horizons: give one, or one for each.")
    if len(request.names) == count:
        return list(request.names)
    own = [seed.name for seed in request.seeds]
    numbered = default_names(count, request.names[0] if request.names else "horizon")
    return [name or number for name, number in zip(own or [None] * count, numbered, strict=True)]


def _stratal_fields(request: Request, fields: Fields) -> tuple[str, ...]:
    """The fields to flatten."""
    if not request.stratal:
        return ()
    for name in request.stratal_fields:
        if name not in fields.others:
            known = ", ".join(fields.others)
            raise OptionError(
                f"There is no field '{name}' to flatten. {suggestion(name, fields.others)}Fields: {known}."
            )
    chosen = request.stratal_fields or tuple(name for name in ("image", "dhr") if name in fields.others)
    if not chosen:
        raise MtlError("There is neither an image nor dhr to flatten: say --stratal-fields.")
    return chosen


def _say_about_the_map(request: Request, geometry: Geometry, say: Say) -> None:
    if not has_map(geometry):
        meaning = (
            "line numbers stand in (X crossline, Y inline)"
            if len(geometry.axes) == 3
            else "X is the position along the line, Y is 0"
        )
        say(f"The input has no coordinates: {meaning}.")
    grids = [name for name in request.formats if name in GRIDS]
    if grids and not is_straight(geometry):
        say(f"The survey is rotated, which {' and '.join(grids)} cannot hold: its grids are interpolated.")


def _extract(
    request: Request, fields: Fields, values: Floats, names: list[str], positions: list[tuple[float, ...]]
) -> list[Horizon]:
    if not len(values):
        return []
    horizons = extract_horizons(
        fields.time,
        values.tolist(),
        image=fields.image,
        fault_probability=fields.others.get("fault_probability"),
        names=names,
        gap=request.gap,
        min_quality=request.min_quality,
    )
    if not positions:
        return horizons
    return [
        Horizon(each.name, each.value, each.depth, each.quality, seed)
        for each, seed in zip(horizons, positions, strict=True)
    ]


def _conventions(request: Request, geometry: Geometry) -> dict[str, Any]:
    return {
        "z": {"unit": geometry.axes[0].unit, "positive": request.style.z_sign, "undefined": request.style.undefined},
        "map": "coordinates" if has_map(geometry) else "line numbers",
        "npy_layers": ["sample", "z", "quality"],
        "gap": request.gap,
        "min_quality": request.min_quality,
    }


def _write(horizon: Horizon, request: Request, geometry: Geometry, folder: Path, say: Say) -> dict[str, Any]:
    """Write one horizon in every format; what horizons.json says of it."""
    surface = Surface(horizon, geometry, request.style)
    files = {}
    for format in request.formats:
        files[format] = file_name(surface, format)
        WRITERS[format](folder / files[format], surface)
    if horizon.coverage == 0:
        say(f"{horizon.name} is defined on no trace.")
    elif horizon.seed is not None:
        found = float(horizon.depth[tuple(int(index) for index in horizon.seed[1:])])
        if not abs(found - horizon.seed[0]) <= OFF_SEED:
            where = "cut there" if np.isnan(found) else f"at sample {found:.1f}: its time repeats along the trace"
            say(f"{horizon.name} does not pass its seed (sample {horizon.seed[0]:g}): it is {where}.")
    z = surface.z[np.isfinite(surface.z)]
    return {
        "name": horizon.name,
        "rgt": horizon.value,
        "seed_samples": horizon.seed,
        "coverage": horizon.coverage,
        "shallowest": float(z[np.abs(z).argmin()]) if z.size else None,
        "deepest": float(z[np.abs(z).argmax()]) if z.size else None,
        "mean": float(z.mean()) if z.size else None,
        "quality": float(np.nanmean(horizon.quality)) if z.size else None,
        "files": files,
    }


def _write_stratal(
    field: str, request: Request, fields: Fields, curve: Floats, folder: Path, plugins: Plugins, say: Say
) -> dict[str, Any]:
    """Write a flattened field; what horizons.json says of it."""
    name = request.stratal_format or fields.format
    path = folder / f"stratal_{field}{(plugins.formats[name].suffixes or (f'.{name}',))[0]}"
    format = make_format(path, name, {}, plugins)
    geometry, values = stratal_axis(fields.geometry, request.stratal_axis, curve)
    write_stratal(
        path, format, _output(field, plugins), fields.others[field], fields.time, geometry, values, request.gap
    )
    with closing(format.open(path)) as written:
        found = written.geometry.axes[0]
    if (found.name, found.unit) != (geometry.axes[0].name, geometry.axes[0].unit):
        say(
            f"{path.name}: {name} has no axis '{geometry.axes[0].name}', and others will read it as {found.name} "
            f"in {found.unit}. --stratal-axis depth keeps the input's axis."
        )
    return {"field": field, "axis": request.stratal_axis, "file": path.name, "format": name}


def _output(field: str, plugins: Plugins) -> Output:
    """What is known of a field's values."""
    return next((output for output in plugins.outputs if output.name == field), IMAGE)


def _draw(request: Request, fields: Fields, horizons: list[Horizon], folder: Path, say: Say) -> list[str]:
    if not (request.picture and horizons and fields.image):
        return []
    if not pictures.available():
        say('No picture: matplotlib is missing. Install it with: pip install "mtlcore[plot]"')
        return []
    return [picture.draw(folder / "horizons.png", fields.image, horizons, fields.geometry).name]
