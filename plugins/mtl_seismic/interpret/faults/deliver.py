"""From a result folder to a folder of faults: what ``mtl faults`` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from mtl_seismic.interpret.faults import picture
from mtl_seismic.interpret.faults.angles import Convention
from mtl_seismic.interpret.faults.attributes import write_attributes
from mtl_seismic.interpret.faults.exports.formats import make_exports
from mtl_seismic.interpret.faults.exports.json import summary
from mtl_seismic.interpret.faults.extract import (
    DIP,
    PROBABILITY,
    RGT,
    STRIKE,
    FaultSurface,
    check_fields,
    extract_faults,
)
from mtl_seismic.interpret.faults.options import ExtractOptions
from mtl_seismic.interpret.faults.scientific import scipy_part
from mtl_seismic.interpret.faults.survey import Survey
from mtlcore.errors import MtlError
from mtlcore.io import folders
from mtlcore.io.volume import Volume
from mtlcore.pictures import draw as pictures
from mtlcore.plugin.plugins import Plugins
from mtlcore.run import results


@dataclass(frozen=True)
class Request:
    """What to deliver. ``formats``: (): all that hold the result's dimensions; ``format_options``: by format.

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
    picture: bool = True
    force: bool = False


def deliver(request: Request, plugins: Plugins, say: Callable[[str], None] = lambda message: None) -> dict[str, Any]:
    """Write the faults, attribute volumes and a picture; what was written.

    All that can be refused is refused before anything is written. ``say`` gets lines for users.
    """
    began = perf_counter()
    scipy_part("spatial")
    fields = results.open_fields(request.result, plugins)
    fields = {name: fields[name] for name in (PROBABILITY, DIP, STRIKE, RGT, "dhr") if name in fields}
    check_fields(fields)
    survey = Survey(fields[PROBABILITY].geometry)
    exports = make_exports(request.formats, request.format_options, survey.ndim)
    if request.attributes:
        plugins.formats.entry(request.attributes)
    if not survey.has_coordinates:
        meaning = "line numbers stand in (X crossline, Y inline)" if survey.ndim == 3 else "X is the position"
        say(f"The input has no coordinates: {meaning}.")
    folder = folders.claim(request.output, request.force)
    faults = extract_faults(fields, request.options, say)
    if not faults:
        say(_why_none(fields[PROBABILITY], request.options))
    files = []
    for export in exports:
        path = folder / export.file_name(survey)
        export.write(path, faults, survey)
        files.append(path.name)
    if request.attributes:
        written = write_attributes(
            folder, fields, request.angles, request.attributes, request.attribute_options, plugins
        )
        files += [path.name for path in written]
    drawn = _draw(request, fields, faults, folder, plugins, say)
    for volume in fields.values():
        volume.close()
    return {
        "result": str(request.result.resolve()),
        "folder": str(folder),
        "options": asdict(request.options),
        "faults": [summary(fault, survey) | {"sticks": len(fault.sticks)} for fault in faults],
        "files": files,
        "pictures": drawn,
        "seconds": round(perf_counter() - began, 2),
    }


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
