"""From a result folder to a folder of faults: what ``mtl faults`` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from mtl_seismic.interpret.faults import picture
from mtl_seismic.interpret.faults.angles import Convention
from mtl_seismic.interpret.faults.attributes import write_attributes
from mtl_seismic.interpret.faults.exports.format import Export
from mtl_seismic.interpret.faults.exports.formats import make_exports
from mtl_seismic.interpret.faults.exports.json import Json, summary
from mtl_seismic.interpret.faults.extract import (
    DIP,
    PROBABILITY,
    RGT,
    STRIKE,
    FaultSurface,
    check_fields,
    extract_faults,
    with_threshold,
)
from mtl_seismic.interpret.faults.options import ExtractOptions
from mtl_seismic.interpret.faults.scientific import scipy_part
from mtl_seismic.interpret.faults.survey import Survey
from mtl_seismic.interpret.names import check_names
from mtl_seismic.interpret.picks import PickedFault, read_picks
from mtl_seismic.interpret.picks.faults import drawn_fault
from mtl_seismic.interpret.tables import write_table
from mtlcore.errors import MtlError
from mtlcore.io import folders
from mtlcore.io.volume import Volume
from mtlcore.pictures import draw as pictures
from mtlcore.plugin.plugins import Plugins
from mtlcore.run import results

TABLE = "faults.csv"


@dataclass(frozen=True)
class Request:
    """What to deliver. ``formats``: (): all that hold the result's dimensions; ``format_options``: by format.

    ``extracted``: the faults of the predicted fields; those drawn by hand come after them. ``velocity``: m/s, for
    figures that need depths where the vertical axis is time.
    ``attributes``: the format of the attribute volumes, None for none; ``angles``: their convention.
    """

    result: Path
    output: Path
    options: ExtractOptions = field(default_factory=ExtractOptions)
    formats: tuple[str, ...] = ()
    format_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    attributes: str | None = None
    attribute_options: Mapping[str, Any] = field(default_factory=dict)
    angles: Convention = "right-hand"
    extracted: bool = True
    velocity: float | None = None
    picture: bool = True
    force: bool = False


def deliver(request: Request, plugins: Plugins, say: Callable[[str], None] = lambda message: None) -> dict[str, Any]:
    """Write the faults, attribute volumes and a picture; what was written.

    All that can be refused is refused before anything is written. ``say`` gets lines for users.
    """
    began = perf_counter()
    scipy_part("spatial")
    fields = _fields(request, plugins)
    survey = Survey(next(iter(fields.values())).geometry)
    exports = make_exports(request.formats, _with_velocity(request), survey.ndim)
    if request.attributes:
        plugins.formats.entry(request.attributes)
    drawn = read_picks(request.result, survey.geometry.shape).faults
    if not request.extracted and not drawn:
        raise MtlError(f"{request.result} has no drawn faults: draw some in mtl view {request.result}.")
    if not survey.has_coordinates:
        meaning = "line numbers stand in (X crossline, Y inline)" if survey.ndim == 3 else "X is the position"
        say(f"The input has no coordinates: {meaning}.")
    folder = folders.claim(request.output, request.force)
    options, threshold = with_threshold(request.options, fields, say) if request.extracted else (request.options, None)
    request = replace(request, options=options)
    faults = _faults(request, fields, drawn, say)
    if not faults:
        _refuse_nothing(request, fields, folder, say)
    files = _export(exports if faults else [], faults, survey, folder)
    if request.attributes:
        written = write_attributes(
            folder, fields, request.angles, request.attributes, request.attribute_options, plugins
        )
        files += [path.name for path in written]
    pictures_drawn = _draw(request, fields, faults, folder, plugins, say) if faults else []
    for volume in fields.values():
        volume.close()
    summaries = [summary(fault, survey, request.velocity) | {"sticks": len(fault.sticks)} for fault in faults]
    write_table(folder / TABLE, summaries)
    return {
        "result": str(request.result.resolve()),
        "folder": str(folder),
        "options": asdict(request.options),
        "threshold": threshold,
        "faults": summaries,
        "files": [*files, *([TABLE] if faults else [])],
        "pictures": pictures_drawn,
        "seconds": round(perf_counter() - began, 2),
    }


def _fields(request: Request, plugins: Plugins) -> dict[str, Volume]:
    """The volumes of the result that are needed; of drawn faults any will do, for the geometry."""
    fields = results.open_fields(request.result, plugins)
    known = {name: fields[name] for name in (PROBABILITY, DIP, STRIKE, RGT, "dhr") if name in fields}
    if request.extracted or request.attributes:
        check_fields(known)
    return known or fields


def _with_velocity(request: Request) -> dict[str, Mapping[str, Any]]:
    """The formats' options, with what the JSON file needs for its figures."""
    options = dict(request.format_options)
    options["json"] = {**options.get("json", {}), "velocity": request.velocity}
    return options


def _faults(
    request: Request, fields: Mapping[str, Volume], drawn: Sequence[PickedFault], say: Callable[[str], None]
) -> list[FaultSurface]:
    """Those of the predicted fields, then the drawn ones; MtlError where two names cannot be told apart."""
    faults = extract_faults(fields, request.options, say) if request.extracted else []
    faults += [
        drawn_fault(pick, len(faults) + number, fields.get(RGT), request.options)
        for number, pick in enumerate(drawn, 1)
    ]
    check_names([fault.name for fault in faults], "fault")
    return faults


def _refuse_nothing(request: Request, fields: Mapping[str, Volume], folder: Path, say: Callable[[str], None]) -> None:
    """Without a fault there is nothing to write but attributes: an empty file would look like an answer."""
    why = _why_none(fields[PROBABILITY], request.options)
    if request.attributes:
        say(why)
        return
    if not any(folder.iterdir()):
        folder.rmdir()
    raise MtlError(why)


def _export(exports: Sequence[Export], faults: list[FaultSurface], survey: Survey, folder: Path) -> list[str]:
    """Write all formats, and faults.json in any case: report and viewer read it."""
    files = []
    for export in exports:
        path = folder / export.file_name(survey)
        export.write(path, faults, survey)
        files.append(path.name)
    if faults and "faults.json" not in files:
        Json().write(folder / "faults.json", faults, survey)
        files.append("faults.json")
    return files


def _why_none(probability: Volume, options: ExtractOptions) -> str:
    """What to try where nothing was found."""
    highest = float(np.nanmax(probability.load())) if np.prod(probability.shape) < 2**24 else float("nan")
    seen = "" if np.isnan(highest) else f" (the highest probability is {highest:.2f})"
    wanted = f"No faults of this size, dip and strike above {options.threshold:g}{seen}"
    return f"{wanted}: try a lower --threshold or --min-size."


def _draw(
    request: Request,
    fields: Mapping[str, Volume],
    faults: list[FaultSurface],
    folder: Path,
    plugins: Plugins,
    say: Callable[[str], None],
) -> list[str]:
    """The picture's name, where one is wanted and can be drawn."""
    if not request.picture or not pictures.available():
        return []
    image = _image(request.result, fields, plugins, say)
    path = picture.draw(folder / "faults.png", image, faults, fields[PROBABILITY].geometry)
    if image is not None:
        image.close()
    return [path.name]


def _image(result: Path, fields: Mapping[str, Volume], plugins: Plugins, say: Callable[[str], None]) -> Volume | None:
    """What to draw over: the input's image, the denoised one where that is gone, or nothing."""
    try:
        image = results.open_image(result, plugins)
    except MtlError as error:
        say(f"The picture shows no input image: {error}")
        return fields.get("dhr")
    return image if image.shape == fields[PROBABILITY].shape else fields.get("dhr")
