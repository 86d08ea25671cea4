"""SEG-Y: 3D stacked volumes and 2D lines, read and written by windows."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from shutil import rmtree
from typing import Any, ClassVar

from mtl_seismic.segy import embedded_options, parallel
from mtl_seismic.segy.new_headers import from_geometry
from mtl_seismic.segy.options import POSITIONS, Options
from mtl_seismic.segy.output_file import OutputFile, from_survey
from mtl_seismic.segy.survey import Survey, read_survey
from mtl_seismic.segy.volume import SegyVolume, SegyWriter
from mtlcore import __version__
from mtlcore.config import build
from mtlcore.errors import MtlError, MtlWarning
from mtlcore.io.atomic import atomic_path
from mtlcore.io.file_array import Identity, file_identity
from mtlcore.io.volume import Geometry, Volume, Writer
from mtlcore.plugin.interfaces import ParallelFormat
from mtlcore.plugin.outputs import Output


@dataclass(frozen=True)
class SegY(Options, ParallelFormat):
    """SEG-Y, revisions 0 to 2.1; the options are those of ``Options``.

    A volume whose ``geometry.source`` is a SEG-Y file is written with all headers of that file, byte for
    byte: only an integer sample format becomes IEEE (IBM stays IBM), one free card of the text header
    says what the file holds, and a different vertical axis is put where it belongs.
    """

    name: ClassVar[str] = "segy"
    suffixes: ClassVar[tuple[str, ...]] = (".sgy", ".segy")

    def open(self, path: Path) -> Volume:
        survey = read_survey(path, self)
        _warn(survey.notes)
        return SegyVolume(survey)

    @contextmanager
    def create(self, path: Path, geometry: Geometry, output: Output) -> Iterator[Writer]:
        new = self._new_file(path, geometry, output)
        _warn(new.notes)
        with atomic_path(path) as temporary:
            traces = new.start(temporary)
            yield SegyWriter(traces, new.layout.format.encode, new.index)
            parallel.write_repeated(traces, *new.repeated)

    def block_shape(self, geometry: Geometry) -> tuple[int, ...]:
        return parallel.block_shape(geometry.shape)

    def begin(self, path: Path, geometry: Geometry, output: Output) -> Path:
        new = self._new_file(path, geometry, output)
        _warn(new.notes)
        return parallel.begin(path, new)

    def join(self, started: Path, owner: str) -> AbstractContextManager[Writer]:
        return parallel.join(started, owner)

    def commit(self, started: Path, path: Path) -> None:
        parallel.commit(started, path)

    def abandon(self, started: Path) -> None:
        rmtree(started, ignore_errors=True)

    def _new_file(self, path: Path, geometry: Geometry, output: Output) -> OutputFile:
        facts = geometry.attributes.get("segy", {})
        plain = self.text or f"MTLCORE {__version__}: {output.name}, {output.description} ({output.unit})"
        source = _source(geometry)
        if source is None:
            return from_geometry(path, geometry, self.write_as, plain)
        if source.geometry.axes[1:] == geometry.axes[1:]:
            same_axis = source.geometry.axes[0] == geometry.axes[0]
            line = embedded_options.with_options([plain, f"MTL {output.name}"], facts, same_axis)
            if line is None:
                _warn([f"Results need the format options of {source.layout.path}: no room in their text headers."])
            return from_survey(source, geometry, self.write_as, line or plain)
        _warn([f"Results get new headers: their traces are not those of {source.layout.path}."])
        return from_geometry(path, geometry, self.write_as, plain)


def _source(geometry: Geometry) -> Survey | None:
    """The SEG-Y file that a volume comes from, read as it was read then; None where there is none any more."""
    path, facts = geometry.source, geometry.attributes.get("segy")
    if path is None or not (isinstance(facts, dict) or path.suffix.lower() in SegY.suffixes):
        return None
    try:
        return _survey_of(path, file_identity(path), _as_read(facts if isinstance(facts, dict) else {}))
    except MtlError as error:
        _warn([f"The headers of {path} cannot be copied, new ones are made: {error}"])
        return None


@lru_cache(maxsize=1)
def _survey_of(path: Path, identity: Identity, options: Options) -> Survey:
    """The headers of a file: looked at once for all the outputs that copy them, while it stays the same file."""
    return read_survey(path, options)


def _as_read(facts: dict[str, Any]) -> Options:
    """The options that find the same traces again, from geometry.attributes["segy"]."""
    found = {name: start for name, start in facts.get("bytes", {}).items() if name in POSITIONS}
    given = {name: value for name, value in facts.get("options", {}).items() if name not in POSITIONS}
    return build(Options, given | found, "attributes.segy")


def _warn(notes: Any) -> None:
    for note in notes:
        warnings.warn(note, MtlWarning, stacklevel=3)
