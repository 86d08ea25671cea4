"""A 2D model on volumes: run over their sections along both lateral axes, as the backbone "sections" does."""

from __future__ import annotations

from dataclasses import replace

from mtlcore.errors import MtlError
from mtlcore.model.model import Model
from mtlcore.plugin.plugins import Plugins

BACKBONE = "sections"
NETWORK = "encoder.net."
"""Under which names that backbone keeps the weights of its 2D network."""
FIGURES = ("metrics", "evaluations", "history", "sections", "limits")
"""What a model's summary of its training says of the model itself, and not of another one of its weights."""


def over_sections(model: Model, plugins: Plugins) -> Model:
    """The 3D model that runs a 2D one over the sections of a volume: the same weights, and no further training.

    MtlError for a model that is 3D, or that refines fields.
    """
    if model.ndim != 2:
        raise MtlError(f"The model {model.folder} is 3D: leave --as-sections out, which is for 2D models.")
    if model.stage.refines:
        raise MtlError(
            f"The model {model.folder} is of stage '{model.stage.name}', which refines fields: over the sections of a "
            "volume runs only a model that reads the image alone, such as one of stage mti."
        )
    config = model.config
    backbone = {"name": BACKBONE, "network": config.backbone, "tasks": list(config.tasks)}
    units = {output.name: output.unit for task in model.tasks for output in task.outputs_in(3)}
    training = {name: value for name, value in config.training.items() if name not in FIGURES}
    lifted = Model.new(replace(config, ndim=3, backbone=backbone, units=units, training=training), plugins)
    weights = {NETWORK + name: value for name, value in model.net.state_dict().items()}
    lifted.net.load_state_dict(weights)
    lifted.folder, lifted.fingerprint = model.folder, model.fingerprint
    return lifted.to(model.device)
