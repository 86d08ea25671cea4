"""The zips: what ``mtl package`` does."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from mtl_seismic.interpret.faults.exports.formats import EXPORTS
from mtl_seismic.interpret.faults.extract import FaultSurface
from mtl_seismic.interpret.faults.survey import Survey
from mtl_seismic.interpret.horizons.exports.formats import WRITERS, check_formats, check_survey, file_name
from mtl_seismic.interpret.horizons.exports.surface import Surface
from mtl_seismic.interpret.horizons.extraction import Horizon
from mtl_seismic.interpret.horizons.mapping import map_unit
from mtl_seismic.interpret.package.programs import PROGRAMS, Program
from mtl_seismic.interpret.package.saved import saved_faults, saved_horizons
from mtlcore.errors import MtlError, OptionError, suggestion
from mtlcore.io.atomic import atomic_path
from mtlcore.io.volume import Geometry
from mtlcore.plugin.plugins import Plugins
from mtlcore.run import results

EPOCH = (1980, 1, 1, 0, 0, 0)
"""Of all entries: equal results make equal files."""


def write_packages(
    result: Path, names: Sequence[str], plugins: Plugins, force: bool = False, say: Callable[[str], None] = print
) -> list[Path]:
    """Write RESULT/PROGRAM.zip with the result's horizons and faults, tables and a page on how to load them.

    MtlError where there is neither a horizon nor a fault, and before a file is replaced without ``force``.
    """
    for name in names:
        if name not in PROGRAMS:
            raise OptionError(f"Unknown program '{name}'. {suggestion(name, PROGRAMS)}Known: {', '.join(PROGRAMS)}.")
    paths = [result / f"{name}.zip" for name in names]
    for path in paths:
        if path.exists() and not force:
            raise MtlError(f"{path} exists already: add --force to replace it.")
    with ExitStack() as stack:
        fields = results.open_fields(result, plugins)
        for volume in fields.values():
            stack.callback(volume.close)
        geometry = next(iter(fields.values())).geometry
        horizons = saved_horizons(result, geometry, fields.get("rgt"))
        faults = saved_faults(result)
    if not horizons and not faults:
        raise MtlError(f"{result} has neither horizons nor faults: write some with mtl horizons or mtl faults.")
    for kind, found in (("horizons", horizons), ("faults", faults)):
        if not found:
            say(f"There are no {kind} in {result}: the package is without.")
    for name, path in zip(names, paths, strict=True):
        _write(path, PROGRAMS[name], result, geometry, horizons, faults)
    return paths


def _write(
    path: Path,
    program: Program,
    result: Path,
    geometry: Geometry,
    horizons: list[Horizon],
    faults: list[FaultSurface],
) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _export(folder, program, geometry, horizons, faults)
        for table in (result / "horizons" / "horizons.csv", result / "faults" / "faults.csv"):
            if table.is_file():
                (folder / table.name).write_bytes(table.read_bytes())
        (folder / "README.txt").write_text(_page(program, geometry, horizons, faults), encoding="utf-8")
        with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(folder.iterdir()):
                entry = zipfile.ZipInfo(file.name, EPOCH)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = 0o644 << 16
                archive.writestr(entry, file.read_bytes())


def _export(
    folder: Path, program: Program, geometry: Geometry, horizons: list[Horizon], faults: list[FaultSurface]
) -> None:
    ndim = len(geometry.axes)
    formats = program.horizons_3d if ndim == 3 else program.horizons_2d
    style = program.style
    if ndim == 2 and style.columns:
        style = replace(style, columns=("trace", "x", "y", "z"))
    check_formats(formats, ndim)
    check_survey(geometry, style, formats)
    for horizon in horizons:
        surface = Surface(horizon, geometry, style)
        for format in formats:
            WRITERS[format](folder / file_name(surface, format), surface)
    if faults:
        survey = Survey(geometry)
        export: Any = EXPORTS[program.faults_3d if ndim == 3 else program.faults_2d]()
        export.write(folder / export.file_name(survey), faults, survey)


def _page(program: Program, geometry: Geometry, horizons: list[Horizon], faults: list[FaultSurface]) -> str:
    axis = geometry.axes[0]
    lines = [
        f"Horizons and faults for {program.title}",
        "",
        f"Z is {axis.name} in {axis.unit}, positive downwards.",
        f"X and Y are in {map_unit(geometry)}, as in the input's file.",
        f"Horizons: {', '.join(horizon.name for horizon in horizons) or 'none'}",
        f"Faults: {len(faults)}",
        "",
        program.steps,
        "",
        "horizons.csv and faults.csv have the figures: depths, quality and polarity; dip, azimuth, throw, length.",
    ]
    return "\n".join(lines) + "\n"
