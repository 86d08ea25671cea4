"""The volumes of a result that horizons are made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mtlcore.errors import MtlError
from mtlcore.io.volume import Geometry, Volume
from mtlcore.plugin.plugins import Plugins
from mtlcore.run import results

Say = Callable[[str], None]


@dataclass(frozen=True)
class Fields:
    """The volumes of a result; ``others`` by name, the image among them where it is still there."""

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

    @property
    def all(self) -> dict[str, Volume]:
        """By name, time among them."""
        return {"rgt": self.time, **self.others}


def open_result(folder: Path, plugins: Plugins, say: Say) -> Fields:
    """The volumes of a result, with its image where that is still there."""
    volumes = results.open_fields(folder, plugins)
    if "rgt" not in volumes:
        raise MtlError(f"{folder} has no rgt, but {', '.join(volumes)}. Infer it with: mtl run --tasks rgt.")
    time = volumes.pop("rgt")
    try:
        image = results.open_image(folder, plugins)
        if image.shape == time.shape:
            volumes["image"] = image
    except MtlError as error:
        say(f"Without the image: {error}")
    return Fields(time, volumes, results.read_record(folder)["format"]["name"])
