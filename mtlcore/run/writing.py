"""Results on disk: one file for each output, written column by column and renamed together when all are complete."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtlcore.io.files import make_format
from mtlcore.io.volume import Geometry, Window
from mtlcore.plugin.outputs import Output
from mtlcore.plugin.plugins import Plugins

Array = NDArray[np.float32]


def write_outputs(
    folder: Path,
    columns: Iterable[tuple[Window, Mapping[str, Array]]],
    outputs: Sequence[Output],
    geometry: Geometry,
    format_name: str,
    options: Mapping[str, Any],
    plugins: Plugins,
    complete: Callable[[], None] = lambda: None,
) -> dict[str, dict[str, Any]]:
    """Write every output to a file of its own; what was written, by output name.

    ``columns``: windows and each output's samples there. ``complete`` is called when all is written and the files are
    about to get their names.
    """
    format = make_format(folder, format_name, options, plugins)
    written: dict[str, dict[str, Any]] = {
        output.name: {"file": format.file_name(output), "unit": output.unit, "minimum": np.inf, "maximum": -np.inf}
        for output in outputs
    }
    with ExitStack() as stack:
        writers = {}
        for output in outputs:
            path = folder / str(written[output.name]["file"])
            writers[output.name] = stack.enter_context(format.create(path, geometry, output))
        for window, fields in columns:
            for name, writer in writers.items():
                writer.write(window, fields[name])
                entry = written[name]
                entry["minimum"] = min(entry["minimum"], float(fields[name].min()))
                entry["maximum"] = max(entry["maximum"], float(fields[name].max()))
        complete()
    return written
