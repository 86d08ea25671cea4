"""What is drawn for one item of the field recipes: every scalar, apart from the random fields."""

from dataclasses import dataclass

import numpy as np

from mtl_seismic.stochastic.draws import choice, count, happens, log_uniform, uniform
from mtl_seismic.synth.field_faults import CurvedFault, most_listric
from mtl_seismic.synth.recipes import Field


@dataclass(frozen=True)
class Folds:
    """Vertical displacement of layers: tilt in samples per sample for each lateral axis, and two smooth fields.

    Of heights `height` (the same at all depths) and `growth` (rising with depth from none at the top), samples.
    `rugosity` is the height of small undulations that the former includes.
    """

    tilt: tuple[float, ...]
    height: float
    growth: float
    sigma: float
    rugosity: float
    rugosity_sigma: float


@dataclass(frozen=True)
class Channel:
    """A lens or channel fill: flat top at `top` (samples of deposit), greatest depth and half width in samples.

    Its axis lies at `at` along lateral axis `across` and swings by `swing` samples over `wavelength` along the other.
    """

    top: float
    depth: float
    half_width: float
    across: int
    at: float
    swing: float
    wavelength: float
    phase: float
    contrast: float


@dataclass(frozen=True)
class Stage:
    """A unit and what deformed it before the next younger one was laid down; faults are listed oldest first.

    `base` is the mean depth of the unconformity below it (if any) and `relief` its range, samples; `drape` says
    how far its layers follow that surface (0: they end against it, onlap; 1: they are parallel to it).
    """

    folds: Folds
    faults: tuple[CurvedFault, ...]
    channels: tuple[Channel, ...]
    base: float | None
    relief: float
    roughness: float
    drape: float


@dataclass(frozen=True)
class Event:
    """One piece of coherent noise: an arc of `radius` samples (migration smile) or a dipping line (radius 0).

    `spacing`: of traces, in rows, in which all but its place is measured.
    """

    at: tuple[float, ...]
    radius: float
    slope: tuple[float, ...]
    half_width: float
    amplitude: float
    spacing: float = 1.0


@dataclass(frozen=True)
class Acquisition:
    """The wavelet and everything else that the image owes to how it was recorded and processed."""

    period: float
    period_growth: float
    spectrum: str
    bandwidth: float
    phase: float
    blur: float
    random_noise: float
    noise_smoothing: float
    full_band_share: float
    coherent_noise: float
    events: tuple[Event, ...]
    footprint: float
    footprint_wavelength: tuple[float, ...]
    gain: float
    lateral_gain: float
    mute_depth: float
    mute_slope: float


@dataclass(frozen=True)
class Draws:
    """One item. Stages run from the youngest, at the top, to the oldest. `spacing`: of traces, in rows."""

    stages: tuple[Stage, ...]
    bed_thickness: float
    package_thickness: float
    package_contrast: float
    lateral_change: float
    lateral_sigma: float
    acquisition: Acquisition
    spacing: float = 1.0


def draw_in_rows(recipe: Field, rng: np.random.Generator) -> Draws:
    """Draw an item whose traces are as far apart as its rows."""
    number = count(rng, recipe.unconformities)
    bases = sorted(uniform(rng, recipe.unconformity_depth) * recipe.shape[0] for _ in range(number))
    faults = _population(recipe, rng)
    stage_of = [_stage_of(recipe, number, rng) for _ in faults]
    stages = []
    for k, base in enumerate([*bases, None]):
        inside = tuple(fault for fault, stage in zip(faults, stage_of, strict=True) if stage == k)
        stages.append(_stage(recipe, base, inside, rng))
    acquisition = _acquisition(recipe, rng)
    return Draws(
        stages=tuple(stages),
        bed_thickness=log_uniform(rng, recipe.bed_thickness) * acquisition.period,
        package_thickness=log_uniform(rng, recipe.package_thickness),
        package_contrast=uniform(rng, recipe.package_contrast),
        lateral_change=uniform(rng, recipe.lateral_change),
        lateral_sigma=uniform(rng, recipe.lateral_sigma),
        acquisition=acquisition,
    )


def _stage_of(recipe: Field, unconformities: int, rng: np.random.Generator) -> int:
    """Return the stage in which a fault moved: mostly the last one, so that it cuts everything."""
    if happens(rng, recipe.old_fault_probability):
        return int(rng.integers(unconformities + 1))
    return 0


def _stage(recipe: Field, base: float | None, faults: tuple[CurvedFault, ...], rng: np.random.Generator) -> Stage:
    size = recipe.shape[0]
    lateral = recipe.shape[1:]
    sigma = uniform(rng, recipe.fold_sigma) * size
    folds = Folds(
        tilt=tuple(float(np.clip(uniform(rng, recipe.tilt), -size / 2 / n, size / 2 / n)) for n in lateral),
        height=min(uniform(rng, recipe.fold_height) * size, 0.6 * sigma),
        growth=min(uniform(rng, recipe.fold_growth) * size, 0.6 * sigma),
        sigma=sigma,
        rugosity=uniform(rng, recipe.rugosity),
        rugosity_sigma=uniform(rng, recipe.rugosity_sigma),
    )
    return Stage(
        folds=folds,
        faults=faults,
        channels=tuple(_channel(recipe, rng) for _ in range(count(rng, recipe.channels))),
        base=base,
        relief=uniform(rng, recipe.unconformity_relief) * size,
        roughness=uniform(rng, recipe.unconformity_sigma) * size,
        drape=uniform(rng, recipe.drape),
    )


def _channel(recipe: Field, rng: np.random.Generator) -> Channel:
    across = int(rng.integers(1, len(recipe.shape)))
    return Channel(
        top=uniform(rng, (0, recipe.shape[0])),
        depth=log_uniform(rng, recipe.channel_depth),
        half_width=log_uniform(rng, recipe.channel_half_width),
        across=across,
        at=uniform(rng, (0, recipe.shape[across])),
        swing=uniform(rng, recipe.channel_swing),
        wavelength=uniform(rng, recipe.channel_wavelength),
        phase=uniform(rng, (0, 2 * np.pi)),
        contrast=uniform(rng, recipe.channel_contrast) * (1 if happens(rng, 0.5) else -1),
    )


def _population(recipe: Field, rng: np.random.Generator) -> list[CurvedFault]:
    """Draw faults that share a regime (normal, or now and then reverse), a mean dip and a main direction."""
    reverse = happens(rng, recipe.reverse_probability)
    mean_dip = uniform(rng, recipe.reverse_dip if reverse else recipe.normal_dip)
    main, leading = uniform(rng, (0, 360)), uniform(rng, recipe.main_direction_share)
    faults = []
    wider = max(1.0, max(recipe.shape[1:]) / recipe.shape[0])
    for _ in range(round(count(rng, recipe.faults) * wider)):
        turned = 0.0 if happens(rng, leading) else 180.0
        azimuth = (main + turned + recipe.azimuth_spread * float(rng.standard_normal())) % 360
        dip = mean_dip + recipe.dip_spread * float(rng.standard_normal())
        faults.append(_fault(recipe, azimuth, float(np.clip(dip, 22, 86)), -1 if reverse else 1, rng))
    return faults


def _fault(recipe: Field, azimuth: float, dip: float, sense: int, rng: np.random.Generator) -> CurvedFault:
    size = recipe.shape[0]
    half_height = _power_law(recipe.fault_half_height, rng) * size
    displacement = float(np.clip(uniform(rng, recipe.displacement_ratio) * half_height, *recipe.displacement))
    listric = uniform(rng, recipe.listric) / size if happens(rng, recipe.listric_probability) else 0.0
    cotangent, half_depth = float(1 / np.tan(np.radians(dip))), half_height * float(np.sin(np.radians(dip)))
    if len(recipe.shape) == 2:
        azimuth = 0.0 if azimuth < 180 else 180.0
    return CurvedFault(
        centre=tuple(uniform(rng, (0, length)) for length in recipe.shape),
        azimuth=azimuth,
        dip=dip,
        displacement=sense * displacement,
        half_height=half_height,
        half_length=half_height * uniform(rng, recipe.fault_length_ratio),
        listric=min(listric, most_listric(cotangent, half_depth)),
        bend=uniform(rng, recipe.fault_bend) / half_height,
        rake=uniform(rng, recipe.fault_rake),
        reach=half_height * uniform(rng, recipe.fault_reach),
        hanging_share=uniform(rng, recipe.hanging_share),
        drag=uniform(rng, recipe.drag),
        drag_width=max(uniform(rng, recipe.drag_width) * displacement, 2.0),
        washout=uniform(rng, recipe.washout),
        washout_width=uniform(rng, recipe.washout_width),
    )


def _power_law(bounds: tuple[float, float], rng: np.random.Generator) -> float:
    """Draw a size so that the number above any size falls with it as its inverse: many small, few large."""
    least, most = (1 / bound for bound in bounds)
    return 1 / uniform(rng, (most, least))


def _acquisition(recipe: Field, rng: np.random.Generator) -> Acquisition:
    depth = recipe.shape[0]
    arcs = [_arc(recipe, rng) for _ in range(count(rng, recipe.arcs))]
    lines = [line for _ in range(count(rng, recipe.line_sets)) for line in _lines(recipe, rng)]
    polarity = 0.0 if happens(rng, 0.5) else 180.0
    return Acquisition(
        period=log_uniform(rng, recipe.period),
        period_growth=uniform(rng, recipe.period_growth),
        spectrum=choice(rng, recipe.spectra),
        bandwidth=uniform(rng, recipe.bandwidth),
        phase=polarity + uniform(rng, recipe.phase),
        blur=uniform(rng, recipe.blur),
        random_noise=uniform(rng, recipe.random_noise),
        noise_smoothing=uniform(rng, recipe.noise_smoothing),
        full_band_share=uniform(rng, recipe.full_band_share),
        coherent_noise=uniform(rng, recipe.coherent_noise),
        events=(*arcs, *lines),
        footprint=uniform(rng, recipe.footprint) if happens(rng, recipe.footprint_probability) else 0.0,
        footprint_wavelength=tuple(uniform(rng, recipe.footprint_wavelength) for _ in recipe.shape[1:]),
        gain=uniform(rng, recipe.gain),
        lateral_gain=uniform(rng, recipe.lateral_gain),
        mute_depth=uniform(rng, recipe.mute_depth) * depth if happens(rng, recipe.mute_probability) else 0.0,
        mute_slope=uniform(rng, recipe.mute_slope),
    )


def _arc(recipe: Field, rng: np.random.Generator) -> Event:
    radius = uniform(rng, recipe.arc_radius) * recipe.shape[0]
    return Event(
        at=tuple(uniform(rng, (0, size)) for size in recipe.shape),
        radius=radius,
        slope=tuple(0.0 for _ in recipe.shape[1:]),
        half_width=radius * uniform(rng, recipe.arc_width),
        amplitude=uniform(rng, recipe.arc_amplitude),
    )


def _lines(recipe: Field, rng: np.random.Generator) -> list[Event]:
    """Draw some parallel dipping lines, as surface waves and multiples leave them."""
    slope = tuple(uniform(rng, recipe.line_slope) for _ in recipe.shape[1:])
    spacing, size = uniform(rng, recipe.line_spacing), recipe.shape[0]
    at = [uniform(rng, (0, length)) for length in recipe.shape]
    return [
        Event(
            at=((at[0] + k * spacing) % size, *at[1:]),
            radius=0.0,
            slope=slope,
            half_width=uniform(rng, recipe.line_width) * max(recipe.shape[1:]),
            amplitude=uniform(rng, recipe.line_amplitude) * (-1) ** k,
        )
        for k in range(count(rng, recipe.lines))
    ]
