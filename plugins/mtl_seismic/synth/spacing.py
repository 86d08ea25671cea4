"""What is drawn for an item as it lies in the ground, in the samples of traces that lie farther apart than rows.

Seismic sections are sampled more coarsely along traces than along depth: rows of 4 ms are about 5 m apart, traces 6 to
50 m. Seen in samples, reflectors and faults are then steeper, and all that is wide is narrower. A fault of
CurvedFault's family stays one, so its labels stay exact.
"""

from dataclasses import replace

import numpy as np

from mtl_seismic.stochastic.draws import log_uniform, stream
from mtl_seismic.synth.field_draws import Channel, Draws, Event, Folds, Stage, draw_in_rows
from mtl_seismic.synth.field_faults import CurvedFault
from mtl_seismic.synth.recipes import Field

STEEPEST = 1.2  # height of hills over their sigma, samples: beyond it reflectors are aliased
STEEPEST_LINE = 3.0  # samples per trace
NARROWEST = 1.0  # samples: what varies laterally varies over no less


def draw(recipe: Field, seed: int, index: int) -> Draws:
    """Draw item `index`; it depends on (recipe, seed, index) alone: as it lies in the ground, then its samples."""
    spacing = log_uniform(stream(seed, index, "spacing"), recipe.trace_spacing)
    width = (max(round(size * spacing), 1) for size in recipe.shape[1:])
    in_rows = draw_in_rows(replace(recipe, shape=(recipe.shape[0], *width)), stream(seed, index, "parameters"))
    return sampled(in_rows, spacing)


def sampled(draws: Draws, spacing: float) -> Draws:
    """Return what was drawn in rows for traces ``spacing`` rows apart: all lengths along traces in traces."""
    if spacing == 1:
        return draws
    acquisition = draws.acquisition
    events = tuple(_event(event, spacing) for event in acquisition.events)
    return replace(
        draws,
        stages=tuple(_stage(stage, spacing) for stage in draws.stages),
        lateral_sigma=max(draws.lateral_sigma / spacing, NARROWEST),
        acquisition=replace(acquisition, events=events),
        spacing=spacing,
    )


def _stage(stage: Stage, spacing: float) -> Stage:
    roughness = stage.roughness / spacing
    return replace(
        stage,
        folds=_folds(stage.folds, spacing),
        faults=tuple(sampled_fault(fault, spacing) for fault in stage.faults),
        channels=tuple(_channel(channel, spacing) for channel in stage.channels),
        relief=min(stage.relief, STEEPEST * roughness),
        roughness=roughness,
    )


def _folds(folds: Folds, spacing: float) -> Folds:
    sigma = folds.sigma / spacing
    return replace(
        folds,
        tilt=tuple(slope * spacing for slope in folds.tilt),
        height=min(folds.height, STEEPEST * sigma),
        growth=min(folds.growth, STEEPEST * sigma),
        sigma=sigma,
        rugosity_sigma=max(folds.rugosity_sigma / spacing, 2 * NARROWEST),
    )


def _channel(channel: Channel, spacing: float) -> Channel:
    return replace(
        channel,
        half_width=channel.half_width / spacing,
        at=channel.at / spacing,
        swing=channel.swing / spacing,
        wavelength=channel.wavelength / spacing,
    )


def _event(event: Event, spacing: float) -> Event:
    """Only its place is in traces: its radius, slope and width stay in rows, and the spacing tells how far they go."""
    steepest = STEEPEST_LINE / spacing
    return replace(
        event,
        at=_across(event.at, spacing),
        slope=tuple(float(np.clip(slope, -steepest, steepest)) for slope in event.slope),
        spacing=spacing,
    )


def sampled_fault(fault: CurvedFault, spacing: float) -> CurvedFault:
    """Return a fault in the samples of traces ``spacing`` rows apart.

    Its tips and its throw stay in the rows where they were; across its plane all is measured in samples.
    """
    sine = float(np.sin(np.radians(fault.dip)))
    dip = float(np.degrees(np.arctan2(spacing, fault.cotangent)))
    steeper = float(np.sin(np.radians(dip))) / sine
    rake = np.radians(fault.rake)
    down, along = fault.displacement * np.sin(rake) / steeper, fault.displacement * np.cos(rake) / spacing
    # What was perpendicular to the plane: as far as before horizontally, in traces.
    narrower = steeper / spacing
    return replace(
        fault,
        centre=_across(fault.centre, spacing),
        dip=dip,
        displacement=float(np.copysign(np.hypot(down, along), fault.displacement)),
        half_height=fault.half_height / steeper,
        half_length=fault.half_length / spacing,
        listric=fault.listric / spacing,
        bend=fault.bend * spacing,
        rake=float(np.degrees(np.arctan2(abs(down), np.sign(fault.displacement) * along))),
        reach=fault.reach * narrower,
        drag_width=max(fault.drag_width * narrower, NARROWEST),
        washout_width=max(fault.washout_width * narrower, NARROWEST),
    )


def _across(at: tuple[float, ...], spacing: float) -> tuple[float, ...]:
    return (at[0], *(place / spacing for place in at[1:]))
