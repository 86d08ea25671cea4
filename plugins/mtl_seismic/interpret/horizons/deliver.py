"""From a result folder to a folder of horizons: what ``mtl horizons`` does."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

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
from mtl_seismic.interpret.horizons.exports.surface import Surface
from mtl_seismic.interpret.horizons.extraction import Horizon
from mtl_seismic.interpret.horizons.fields import Fields, open_result
from mtl_seismic.interpret.horizons.grids import is_straight
from mtl_seismic.interpret.horizons.mapping import has_map
from mtl_seismic.interpret.horizons.maps import FORMATS as MAP_FORMATS
from mtl_seismic.interpret.horizons.maps import check_maps, isochrons, map_along
from mtl_seismic.interpret.horizons.polarity import polarity
from mtl_seismic.interpret.horizons.request import Request
from mtl_seismic.interpret.horizons.seeds import locate
from mtl_seismic.interpret.horizons.selection import curve_of, extract, names_of, picked, times_of
from mtl_seismic.interpret.horizons.stratal import stratal_axis, write_stratal
from mtl_seismic.interpret.picks import read_picks
from mtl_seismic.interpret.tables import write_table
from mtlcore.errors import MtlError, OptionError, suggestion
from mtlcore.io import folders
from mtlcore.io.atomic import atomic_write_text
from mtlcore.io.files import make_format
from mtlcore.io.volume import Geometry
from mtlcore.pictures import draw as pictures
from mtlcore.plugin.outputs import IMAGE, Output
from mtlcore.plugin.plugins import Plugins

Say = Callable[[str], None]

RECORD = "horizons.json"
OFF_SEED = 0.5
"""Samples by which a horizon may miss its seed before users are told."""


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
    check_maps(request.maps, fields.all, request.formats)
    picks = read_picks(request.result, geometry.shape).horizons if request.picks else ()
    if request.picks and not picks:
        raise MtlError(f"{request.result} has no picked horizons: pick some in mtl view {request.result}.")
    positions = [locate(seed, geometry, request.in_samples) for seed in request.seeds]
    values = times_of(request, fields, positions)
    names = [pick.name for pick in picks] or names_of(request, len(values))
    check_names(names, request.formats)
    flattened = _stratal_fields(request, fields)
    curve = curve_of(request, fields) if flattened else np.empty(0)
    folder = folders.claim(request.output, request.force)
    if names:
        _say_about_the_map(request, geometry, say)
    found = picked(request, fields, picks) if picks else extract(request, fields, values, names, positions)
    horizons = _defined(found, bool(flattened), folder, say)
    written = [_write(horizon, request, fields, folder, say) for horizon in horizons]
    write_table(folder / "horizons.csv", written)
    return {
        "result": str(request.result.resolve()),
        **_conventions(request, geometry),
        "horizons": written,
        "isochrons": _isochrons(request, horizons, geometry, folder),
        "stratal": [_write_stratal(field, request, fields, curve, folder, plugins, say) for field in flattened],
        "pictures": _draw(request, fields, horizons, folder, say),
    }


def _defined(horizons: list[Horizon], others: bool, folder: Path, say: Say) -> list[Horizon]:
    """The horizons without those that are defined nowhere; MtlError where nothing is left to write."""
    kept = [horizon for horizon in horizons if horizon.coverage > 0]
    for horizon in horizons:
        if horizon.coverage == 0:
            say(f"{horizon.name} is defined on no trace, and not written.")
    if horizons and not kept and not others:
        if not any(folder.iterdir()):
            folder.rmdir()
        raise MtlError("No horizon is defined anywhere: try a larger --gap, or a lower --min-quality.")
    return kept


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
        raise MtlError("There is neither an image nor dhr to flatten: name some with --stratal-fields.")
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


def _conventions(request: Request, geometry: Geometry) -> dict[str, Any]:
    return {
        "z": {"unit": geometry.axes[0].unit, "positive": request.style.z_sign, "undefined": request.style.undefined},
        "map": "coordinates" if has_map(geometry) else "line numbers",
        "npy_layers": ["sample", "z", "quality"],
        "gap": request.gap,
        "min_quality": request.min_quality,
    }


def _write(horizon: Horizon, request: Request, fields: Fields, folder: Path, say: Say) -> dict[str, Any]:
    """Write one horizon in every format, and its maps; what horizons.json says of it."""
    geometry = fields.geometry
    surface = Surface(horizon, geometry, request.style)
    files = _write_surface(surface, request.formats, folder)
    if horizon.seed is not None and not request.picks:
        found = float(horizon.depth[tuple(int(index) for index in horizon.seed[1:])])
        if not abs(found - horizon.seed[0]) <= OFF_SEED:
            where = "cut there" if np.isnan(found) else f"at sample {found:.1f}: its time repeats along the trace"
            say(f"{horizon.name} does not pass its seed (sample {horizon.seed[0]:g}): it is {where}.")
    maps = {}
    for each in request.maps:
        made = map_along(horizon, each, fields.all[each.field], "1", geometry, request.style)
        maps[each.label] = _write_surface(made, [name for name in request.formats if name in MAP_FORMATS], folder)
    z = surface.z[np.isfinite(surface.z)]
    return {
        "name": horizon.name,
        "rgt": horizon.value,
        "picked": request.picks,
        "seed_samples": horizon.seed,
        "coverage": horizon.coverage,
        "shallowest": float(z[np.abs(z).argmin()]),
        "deepest": float(z[np.abs(z).argmax()]),
        "mean": float(z.mean()),
        "quality": float(np.nanmean(horizon.quality)),
        **(polarity(horizon.depth, fields.image) if fields.image else {}),
        "files": files,
        **({"maps": maps} if maps else {}),
    }


def _write_surface(surface: Surface, formats: Sequence[str], folder: Path) -> dict[str, str]:
    files = {format: file_name(surface, format) for format in formats}
    for format, name in files.items():
        WRITERS[format](folder / name, surface)
    return files


def _isochrons(request: Request, horizons: list[Horizon], geometry: Geometry, folder: Path) -> list[dict[str, Any]]:
    """Write the maps of thickness; what horizons.json says of them."""
    formats = [name for name in request.formats if name in MAP_FORMATS]
    found = []
    for surface in isochrons(horizons, geometry, request.style) if request.isochrons else ():
        known = surface.z[np.isfinite(surface.z)]
        figures = {"mean": float(known.mean()), "least": float(known.min()), "most": float(known.max())}
        named = {"name": surface.name, "unit": surface.unit}
        found.append({**named, **(figures if known.size else {}), "files": _write_surface(surface, formats, folder)})
    return found


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
