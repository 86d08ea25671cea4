"""The formats by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mtl_seismic.interpret.faults.exports.charisma import Charisma
from mtl_seismic.interpret.faults.exports.format import Export
from mtl_seismic.interpret.faults.exports.iesx import Iesx
from mtl_seismic.interpret.faults.exports.json import Json
from mtl_seismic.interpret.faults.exports.opendtect import OpendTect
from mtl_seismic.interpret.faults.exports.ply import Ply
from mtl_seismic.interpret.faults.exports.vtp import Vtp
from mtlcore.config import build
from mtlcore.errors import OptionError, suggestion

EXPORTS: dict[str, type[Export]] = {kind.name: kind for kind in (Charisma, Iesx, OpendTect, Vtp, Ply, Json)}


def make_exports(names: Sequence[str], options: Mapping[str, Mapping[str, Any]], ndim: int) -> list[Export]:
    """The named formats with their options; none named: all that hold so many dimensions.

    OptionError for what is unknown or does not fit.
    """
    for name in names:
        if name not in EXPORTS:
            raise OptionError(f"Unknown format '{name}'. {suggestion(name, EXPORTS)}Formats: {', '.join(EXPORTS)}.")
        if ndim not in EXPORTS[name].ndims:
            raise OptionError(f"The format {name} needs a 3D survey: for a 2D line use iesx, opendtect or json.")
    chosen = names or [name for name, kind in EXPORTS.items() if ndim in kind.ndims]
    return [build(EXPORTS[name], options.get(name, {}), name) for name in chosen]
