"""The commands that make horizons and faults of a result, and training data of an interpretation."""

from __future__ import annotations

from mtlcore.plugin.hookspecs import hookimpl
from mtlcore.plugin.interfaces import Command
from mtlcore.plugin.registry import Registry

HORIZONS = Command(
    "horizons",
    "mtl_seismic.interpret.horizons.command:horizons",
    "Write horizons and flattened volumes from a result's RGT.",
    writes=("horizons",),
)
FAULTS = Command(
    "faults",
    "mtl_seismic.interpret.faults.command:faults",
    "Write faults as sticks and surfaces from a result.",
    writes=("faults",),
)

LABELS = Command("labels", "mtl_seismic.interpret.labels.command:labels", "Make training data of an interpretation.")

PACKAGE = Command(
    "package",
    "mtl_seismic.interpret.package.command:package",
    "Pack horizons and faults for interpretation programs.",
    writes=("petrel.zip", "kingdom.zip", "opendtect.zip"),
)


@hookimpl
def register_commands(registry: Registry[Command]) -> None:
    registry.add(HORIZONS)
    registry.add(FAULTS)
    registry.add(LABELS)
    registry.add(PACKAGE)
