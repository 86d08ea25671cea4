"""The four recipes: what may be drawn, as options. A range (low, high) is uniform unless said otherwise.

`rgm2d` and `rgm3d` have the distributions of RGM's example_mtl_2d and example_mtl_3d (lanl/rgm 79bb18d), with
independent draws instead of choices by item number, and 3D Gaussian bumps at random positions.
"""

from dataclasses import dataclass, fields
from typing import ClassVar

from mtl_seismic.stochastic.draws import Range


@dataclass(frozen=True)
class Recipe:
    """What all recipes share."""

    name: ClassVar[str]
    shape: tuple[int, ...]  # samples: (depth, x) or (depth, x2, x3)
    rms: float = 0.3294  # root-mean-square amplitude of image and dhr

    def __post_init__(self) -> None:
        axes = len(getattr(type(self), "shape", self.shape))
        if len(self.shape) != axes or min(self.shape) < 1:
            raise ValueError(f"shape {self.shape} does not fit: {axes} sizes are needed, depth first.")
        for option in fields(self):
            value = getattr(self, option.name)
            if option.type == Range and value[0] > value[1]:
                raise ValueError(f"{option.name} {value} is not a range: the second number is the smaller.")


@dataclass(frozen=True)
class Rgm(Recipe):
    """Options of RGM's recipes; the defaults are those of 2D."""

    frequency: Range = (100.0, 180.0)  # Hz at 1 ms per sample: peak of the image's wavelet
    resolution_gain: float = 1.25  # peak frequency of dhr over that of the image
    layers: Range = (
        20.0,
        60.0,
    )  # per 360 samples of depth; rises with the frequency, from end to end of its range
    gaussian_probability: float = 0.25  # reflectors shaped by Gaussian bumps instead of smoothed noise
    random_height: Range = (2.0, 12.0)  # samples
    random_smoothing: Range = (25.0, 25.0)  # samples: sigma of the reflectors' shape
    random_growth: Range = (0.0, 0.1)  # relative thickening of layers in lows
    gaussian_height: Range = (10.0, 20.0)  # samples: the greatest height of a bump
    gaussian_sigma: Range = (20.0, 50.0)  # samples
    gaussian_count: Range = (1.0, 3.0)  # rounded
    gaussian_growth: Range = (0.0, 0.1)
    slope: Range = (-50.0, 50.0)  # samples of rise across the model, per lateral axis
    secondary_height: Range = (0.0, 0.1)  # relative to the height
    normal_amplitude_probability: float = 1 / 3  # reflection strengths drawn from a normal law instead of a uniform one
    wavelets: tuple[str, ...] = ("ricker", "ricker_deriv", "gaussian_deriv")
    faults: Range = (1.0, 12.0)  # rounded
    dip: Range = (50.0, 130.0)  # degrees
    displacement: Range = (5.0, 30.0)  # samples; the first, third, ... fault moves the other way
    strike: Range = (0.0, 180.0)  # degrees, 3D only
    rake: Range = (0.0, 180.0)  # degrees, 3D only
    fault_thickness: float = 3.0  # samples, across the fault
    regular_probability: float = 0.1  # evenly spaced sets of two dip families (in 3D along x2)
    regular_faults: Range = (10.0, 25.0)  # rounded
    regular_dip: Range = (60.0, 80.0)  # degrees: of one family, and of the other from the vertical's other side
    regular_displacement: float = 5.0  # samples; the families move in opposite senses
    regular_dip_spread: Range = (0.95, 1.05)  # a fault's dip over that of its family
    regular_displacement_spread: Range = (0.9, 1.1)
    regular_gap: Range = (0.75, 1.25)  # relative distance between neighbours
    unconformity_probability: float = 0.2
    unconformity_count: Range = (1.0, 2.0)  # rounded
    unconformity_depth: Range = (0.05, 0.35)  # of the depth axis
    unconformity_relief: Range = (0.05, 0.1)  # of the depth axis
    blur: Range = (1.0, 3.0)  # samples: lateral sigma of the image's point-spread function; dhr has none
    noise_level: Range = (0.0, 0.6)  # largest noise over largest signal
    noise_kinds: tuple[str, ...] = ("uniform", "normal")
    noise_smoothing: Range = (0.0, 3.5)  # samples, per axis; below 0.5 means none
    centred_faults: bool = False  # True: rock is torn in the middle of a fault's label, not, as in RGM, at one edge
    half_sample_shift: bool = False  # True: shift images by half a sample against the labels, as RGM does


@dataclass(frozen=True)
class Rgm2D(Rgm):
    """RGM's example_mtl_2d."""

    name: ClassVar[str] = "rgm2d"
    shape: tuple[int, ...] = (360, 256)


@dataclass(frozen=True)
class Rgm3D(Rgm):
    """RGM's example_mtl_3d. Its images of 128 x 128 x 128 samples have an rms of 0.6905."""

    name: ClassVar[str] = "rgm3d"
    shape: tuple[int, ...] = (360, 128, 128)
    rms: float = 0.4117
    layers: Range = (15.0, 50.0)
    random_height: Range = (2.0, 20.0)
    random_smoothing: Range = (15.0, 25.0)
    gaussian_height: Range = (15.0, 35.0)
    gaussian_sigma: Range = (25.0, 50.0)
    gaussian_growth: Range = (0.1, 0.2)
    slope: Range = (-25.0, 25.0)
    normal_amplitude_probability: float = 0.5
    displacement: Range = (2.0, 20.0)
    regular_probability: float = 0.0
    unconformity_probability: float = 0.0
    blur: Range = (1.5, 3.0)
    noise_level: Range = (0.0, 0.5)
    noise_kinds: tuple[str, ...] = ("uniform", "normal", "exp")


@dataclass(frozen=True)
class Field(Recipe):
    """Options of the recipes closer to field data. "Of depth": relative to the length of the depth axis.

    Lengths are in rows, also those along traces, which are then sampled by traces ``trace_spacing`` apart; what
    recording and processing do from trace to trace (blur, noise, footprints, mutes) is in traces.
    """

    trace_spacing: Range = (1.0, 6.0)  # rows, log-uniform: 5 to 30 m of traces for rows of 5 m (4 ms at 2500 m/s)
    # Faults
    faults: Range = (1.0, 18.0)  # in an item as wide as it is deep, or less; in proportion in wider ones
    normal_dip: Range = (45.0, 78.0)  # degrees: mean of an item's faults
    reverse_probability: float = 0.12  # items whose faults are reverse instead
    reverse_dip: Range = (28.0, 45.0)  # degrees
    dip_spread: float = 5.0  # degrees: standard deviation within an item
    azimuth_spread: float = 15.0  # degrees: standard deviation about the main direction, and its opposite
    main_direction_share: Range = (0.5, 1.0)  # share of faults that dip in the main direction
    fault_half_height: Range = (0.08, 1.2)  # of depth, along dip; many small and few large (power law)
    fault_length_ratio: Range = (1.0, 3.0)  # length along strike over height
    displacement_ratio: Range = (0.04, 0.14)  # greatest displacement over half height
    displacement: Range = (2.0, 40.0)  # samples: limits of a fault's greatest displacement
    listric_probability: float = 0.5
    listric: Range = (0.3, 1.5)  # growth of the cotangent of dip over the depth axis; less where dip would leave 20..88
    fault_bend: Range = (-0.3, 0.3)  # curvature along strike over 1 / half height
    fault_rake: Range = (70.0, 110.0)  # degrees, 3D only
    fault_reach: Range = (0.3, 1.0)  # distance of the furthest rock moved, over half height
    hanging_share: Range = (0.5, 1.0)  # of the displacement
    drag: Range = (0.0, 0.5)  # share of the displacement that is bent instead of broken
    drag_width: Range = (1.0, 4.0)  # over displacement
    washout: Range = (0.0, 0.9)  # loss of amplitude at the fault
    washout_width: Range = (1.0, 6.0)  # samples
    fault_thickness: float = 3.0  # samples, of the label: a network cannot tell it from the image
    least_displacement: float = 0.5  # samples; faults are labelled where they displace more
    old_fault_probability: float = 0.4  # faults that may end at an unconformity
    # Layers
    unconformities: Range = (0.0, 2.49)  # rounded
    unconformity_depth: Range = (0.1, 0.75)  # of depth
    unconformity_relief: Range = (0.0, 0.15)  # of depth
    unconformity_sigma: Range = (0.05, 0.4)  # of depth
    drape: Range = (0.0, 1.0)  # 0: layers onlap the surface below them, 1: they are parallel to it
    tilt: Range = (-0.12, 0.12)  # samples per sample, at most half of depth in all; every unit has its own
    fold_height: Range = (0.0, 0.1)  # of depth, and at most 0.6 of sigma, which limits their dip
    fold_growth: Range = (0.0, 0.08)  # of depth: extra height at the bottom, so that layers thicken
    fold_sigma: Range = (0.06, 0.4)  # of depth
    rugosity: Range = (0.0, 2.5)  # samples: height of small undulations of all layers
    rugosity_sigma: Range = (6.0, 20.0)  # samples
    channels: Range = (0.0, 3.0)  # lenses or channels per unit, rounded
    channel_depth: Range = (2.0, 14.0)  # samples, log-uniform
    channel_half_width: Range = (8.0, 60.0)  # samples, log-uniform
    channel_swing: Range = (0.0, 40.0)  # samples, 3D only
    channel_wavelength: Range = (80.0, 400.0)  # samples, 3D only
    channel_contrast: Range = (0.2, 1.0)  # of log impedance over that of beds
    bed_thickness: Range = (0.12, 0.4)  # mean over the wavelet's period, log-uniform
    package_contrast: Range = (0.05, 0.5)  # standard deviation of its logarithm
    package_thickness: Range = (12.0, 70.0)  # samples, log-uniform: runs of beds of like contrast
    lateral_change: Range = (0.2, 0.95)  # share of a bed's contrast that varies laterally
    lateral_sigma: Range = (4.0, 50.0)  # samples
    # Image
    period: Range = (4.8, 11.0)  # samples, log-uniform: of the wavelet's peak frequency at the top
    period_growth: Range = (0.0, 0.4)  # relative, from top to bottom
    resolution_gain: float = 1.25  # peak frequency of dhr over that of the image
    spectra: tuple[str, ...] = ("ricker", "flat")
    bandwidth: Range = (0.8, 1.3)  # width of the spectrum over its usual one
    phase: Range = (-60.0, 60.0)  # degrees, apart from polarity
    zero_phase_dhr: bool = False  # True: dhr is zero-phase, and of normal polarity, whatever the image is
    blur: Range = (0.3, 2.0)  # samples: lateral sigma of the image; dhr has none
    random_noise: Range = (0.0, 0.5)  # rms over that of the signal
    noise_smoothing: Range = (0.3, 3.0)  # samples, lateral
    full_band_share: Range = (0.0, 0.4)  # share of the random noise that has not the wavelet's spectrum
    coherent_noise: Range = (0.0, 0.25)  # rms over that of the signal
    arcs: Range = (0.0, 12.0)  # rounded
    arc_radius: Range = (0.1, 0.8)  # of depth
    arc_width: Range = (0.3, 0.9)  # half its width over its radius
    arc_amplitude: Range = (-1.0, 1.0)  # relative to other coherent noise
    line_sets: Range = (0.0, 2.0)  # rounded
    lines: Range = (2.0, 8.0)  # per set, rounded
    line_slope: Range = (-1.5, 1.5)  # samples per sample
    line_spacing: Range = (8.0, 40.0)  # samples
    line_width: Range = (0.2, 1.0)  # half the width of a line over that of the item
    line_amplitude: Range = (0.3, 1.0)  # relative to other coherent noise, with changing sign
    footprint_probability: float = 0.3
    footprint: Range = (0.05, 0.4)  # relative change of amplitude at the top
    footprint_wavelength: Range = (6.0, 30.0)  # samples
    gain: Range = (-0.4, 0.4)  # change of the logarithm of amplitude from top to bottom
    lateral_gain: Range = (0.0, 0.4)  # change of the logarithm of amplitude along the section
    mute_probability: float = 0.2
    mute_depth: Range = (0.02, 0.12)  # of depth
    mute_slope: Range = (-0.2, 0.2)  # samples per sample along x2


@dataclass(frozen=True)
class Field2D(Field):
    """A section like a field section."""

    name: ClassVar[str] = "field2d"
    shape: tuple[int, ...] = (360, 256)


@dataclass(frozen=True)
class Field3D(Field):
    """A volume like a field volume."""

    name: ClassVar[str] = "field3d"
    shape: tuple[int, ...] = (360, 128, 128)
    faults: Range = (1.0, 12.0)


RECIPES: dict[str, type[Recipe]] = {recipe.name: recipe for recipe in (Rgm2D, Rgm3D, Field2D, Field3D)}
