"""Files from Python: open."""

from __future__ import annotations

import os
from typing import Any

from mtlcore.io.files import open_volume
from mtlcore.io.volume import Volume


def open(path: str | os.PathLike[str], format: str | None = None, **options: Any) -> Volume:
    """Open a seismic file as a volume, of which samples are read by ``load()``, or a window by ``read(window)``.

    ``format``: a format's name (None: by the suffix). ``options``: those of the format, such as ``shape=(256, 1024)``
    of raw files. MtlError names the file and what is wrong with it.
    """
    return open_volume(path, format, options)
