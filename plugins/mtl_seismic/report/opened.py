"""A result folder opened for looking at: its record, the image and the fields, none of them loaded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtlcore.errors import MtlError
from mtlcore.inference.averaging import spread_output
from mtlcore.io.files import open_volume, shape_text
from mtlcore.io.volume import Geometry, Volume
from mtlcore.plugin.outputs import IMAGE, Output
from mtlcore.plugin.plugins import Plugins
from mtlcore.run.results import RECORD, open_fields, open_image, read_record


@dataclass(frozen=True)
class OpenResult:
    """``fields``: volumes by output name, all of the image's shape; ``outputs``: what each of them is."""

    folder: Path
    record: dict[str, Any]
    image: Volume
    fields: dict[str, Volume]
    outputs: dict[str, Output]

    @property
    def geometry(self) -> Geometry:
        """The image's: results written in another format may have lost a part of it."""
        return self.image.geometry

    @property
    def volumes(self) -> dict[str, Volume]:
        """The image and the fields, by name."""
        return {IMAGE.name: self.image, **self.fields}

    @property
    def name(self) -> str:
        """What the image is called."""
        described = self.record.get("input", {})
        return Path(described["path"]).name if "path" in described else str(described.get("example", self.folder.name))


@contextmanager
def open_result(folder: Path, plugins: Plugins, image: Path | None = None) -> Iterator[OpenResult]:
    """Open a result folder; everything is closed at the end of the ``with`` block.

    ``image``: where the input lies now, if it was moved; it must have the shape of the fields. MtlError, of
    one line, where something is missing or does not belong together.
    """
    record = read_record(folder)
    try:
        fields = open_fields(folder, plugins)
        source = _moved(record, image, plugins) if image else open_image(folder, plugins)
    except (KeyError, TypeError, AttributeError) as error:
        if isinstance(error, MtlError):
            raise
        raise MtlError(f"{folder / RECORD} is not a record of mtl run: {error} is missing or damaged.") from None
    volumes = [source, *fields.values()]
    try:
        _check_shapes(folder, source, fields)
        known = known_outputs(plugins)
        outputs = {name: known.get(name) or _unknown(name, record) for name in fields}
        yield OpenResult(folder, record, source, fields, outputs)
    finally:
        for volume in volumes:
            volume.close()


def known_outputs(plugins: Plugins) -> dict[str, Output]:
    """The outputs of all installed tasks by name; a plugin that does not load has none."""
    outputs = plugins.outputs
    return {output.name: output for output in (*outputs, *map(spread_output, outputs))}


def title_of(output: Output) -> str:
    """A short name for people: 'Fault probability', 'RGT'."""
    if output.name == IMAGE.name:
        return "Seismic image"
    first, *rest = output.name.split("_")
    # Words of up to three letters are abbreviations.
    return " ".join([first.upper() if len(first) <= 3 else first[:1].upper() + first[1:], *rest])


def unit_text(unit: str) -> str:
    """A unit as it stands behind a number."""
    return {"1": "", "": "", "degree": "°", "sample": " samples"}.get(unit, f" {unit}")


def _moved(record: dict[str, Any], image: Path, plugins: Plugins) -> Volume:
    """The input under its new name, read as the run read it."""
    config = record.get("config", {})
    return open_volume(image, config.get("run", {}).get("format"), config.get("format", {}), plugins)


def _unknown(name: str, record: dict[str, Any]) -> Output:
    """An output whose task is not installed here."""
    return Output(name, unit=str(record["outputs"][name].get("unit", "1")))


def _check_shapes(folder: Path, image: Volume, fields: dict[str, Volume]) -> None:
    for name, volume in fields.items():
        if volume.shape != image.shape:
            raise MtlError(
                f"The field '{name}' of {folder} has the shape {shape_text(volume.shape)} and the image "
                f"{shape_text(image.shape)}: they do not belong together. Run mtl run again."
            )
