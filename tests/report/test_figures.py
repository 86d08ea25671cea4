"""The figures of a report against what is known of made signals."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mtl_seismic.report.charts import Line, Scale, line_chart, nice_step, rose
from mtl_seismic.report.markup import Html, element, html, number, table
from mtl_seismic.report.opened import OpenResult
from mtl_seismic.report.orientations import Counts, Orientations, azimuths
from mtl_seismic.report.residual import Residual, local_similarity
from mtl_seismic.report.spectra import Spectrum, frequency_unit
from mtl_seismic.report.survey import plan, survey
from mtlcore.io.volume import ArrayVolume, Axis, Geometry, Window
from mtlcore.plugin.outputs import Display, Output


def test_a_sine_has_its_frequency_in_hertz_by_the_axis_step() -> None:
    step = 4.0  # milliseconds
    times = np.arange(500) * step / 1000
    traces = np.repeat(np.sin(2 * np.pi * 30 * times)[:, None], 7, axis=1).astype(np.float32)
    spectrum = Spectrum(500, step)
    spectrum.add(traces[:, :3])
    spectrum.add(traces[:, 3:])
    frequencies, label = frequency_unit("ms", spectrum.frequencies)
    assert label == "Frequency (Hz)"
    assert frequencies[-1] == pytest.approx(125)
    assert frequencies[np.argmax(spectrum.power)] == pytest.approx(30, abs=0.3)
    assert spectrum.peak * 1000 == pytest.approx(30, abs=0.3)
    assert spectrum.traces == 7


def test_half_the_amplitude_is_six_decibels_less() -> None:
    noise = np.random.default_rng(0).standard_normal((128, 50)).astype(np.float32)
    whole, half = Spectrum(128, 1), Spectrum(128, 1)
    whole.add(noise)
    half.add(noise / 2)
    reference = float(whole.amplitudes.max())
    np.testing.assert_allclose(whole.decibels(reference) - half.decibels(reference), 6.0206, atol=1e-4)
    assert whole.decibels(reference).max() == 0


@pytest.mark.parametrize(
    ("unit", "label", "factor"),
    [("s", "Hz", 1), ("ms", "Hz", 1000), ("m", "1000 m", 1000), ("sample", "per sample", 1), ("", "per sample", 1)],
)
def test_frequencies_have_the_unit_of_their_axis(unit: str, label: str, factor: float) -> None:
    frequencies, text = frequency_unit(unit, np.array([0.25]))
    assert label in text
    assert frequencies[0] == 0.25 * factor


def test_pure_noise_does_not_correlate_and_a_leak_does() -> None:
    random = np.random.default_rng(1)
    signal = random.standard_normal((400, 300)).astype(np.float32)
    noise = 0.5 * random.standard_normal((400, 300)).astype(np.float32)
    clean, leaking = Residual(), Residual()
    clean.add(signal + noise, signal)
    leaking.add(signal + noise, 0.7 * signal)
    assert clean.correlation_with_output == pytest.approx(0, abs=0.01)
    assert clean.correlation_with_image == pytest.approx(clean.share, abs=0.01)
    assert clean.signal_to_noise == pytest.approx(6.02, abs=0.1)
    assert leaking.correlation_with_output == pytest.approx(0.3 / np.hypot(0.3, 0.5), abs=0.01)


def test_no_residual_at_all_has_no_correlation() -> None:
    nothing = Residual()
    nothing.add(np.ones((4, 4), np.float32), np.ones((4, 4), np.float32))
    assert nothing.root_mean_square == 0
    assert np.isnan(nothing.correlation_with_output)


def test_local_similarity_finds_where_reflectors_leak() -> None:
    random = np.random.default_rng(2)
    output = random.standard_normal((80, 80)).astype(np.float32)
    residual = random.standard_normal((80, 80)).astype(np.float32)
    residual[:, :40] += 3 * output[:, :40]
    residual[:, 70:] = 0
    similarity = local_similarity(residual, output)
    assert similarity[:, :30].min() > 0.85
    assert abs(float(similarity[:, 50:60].mean())) < 0.05
    assert (similarity[:, 78] == 0).all()
    assert np.abs(similarity).max() <= 1


def test_axial_angles_of_1_and_179_have_the_mean_0_and_weights_count() -> None:
    counts = Counts()
    counts.add(np.array([1.0, 179.0, 90.0], np.float32), np.array([1.0, 1.0, 0.0], np.float32))
    assert min(counts.mean, 180 - counts.mean) == pytest.approx(0, abs=1e-4)
    assert counts.strength == pytest.approx(np.cos(np.deg2rad(2)), abs=1e-6)
    assert counts.weights[0] == counts.weights[-1] == 1
    assert counts.weights.sum() == 2
    counts.add(np.array([180.0, -1e-9], np.float32), np.ones(2, np.float32))
    assert counts.weights[0] + counts.weights[-1] == 4


def test_samples_below_one_half_count_only_where_there_are_no_others() -> None:
    orientation = Orientations(masked=True)
    orientation.add(np.full(100, 10.0, np.float32), np.full(100, 0.2, np.float32))
    assert not orientation.enough
    assert orientation.shown.mean == pytest.approx(10, abs=1e-3)
    orientation.add(np.full(60, 80.0, np.float32), np.full(60, 0.9, np.float32))
    assert orientation.enough
    assert orientation.shown.mean == pytest.approx(80, abs=1e-3)


def test_strike_becomes_an_azimuth_by_the_coordinates() -> None:
    axes = (Axis("depth", 4), Axis("inline", 4), Axis("crossline", 4))
    strike = np.array([0.0, 45.0, 90.0], np.float32)
    np.testing.assert_array_equal(azimuths(strike, Geometry(axes)), strike)
    # Crosslines run north, inlines east.
    northward = Geometry(axes, coordinates=((0.0, 25.0, 0.0), (0.0, 0.0, 25.0)))
    np.testing.assert_allclose(azimuths(strike, northward), [0, 45, 90], atol=1e-4)
    # Crosslines run east twice as far apart as inlines, which run north.
    eastward = Geometry(axes, coordinates=((0.0, 0.0, 50.0), (0.0, 25.0, 0.0)))
    np.testing.assert_allclose(azimuths(strike, eastward), [90, np.rad2deg(np.arctan2(2, 1)), 0], atol=1e-4)


class Windowed(ArrayVolume):
    """Counts the samples of the largest window."""

    largest = 0

    def read(self, window: Window) -> np.ndarray:
        values = super().read(window)
        type(self).largest = max(type(self).largest, values.size)
        return values


def result_of(image: np.ndarray, live: np.ndarray | None = None, **fields: np.ndarray) -> OpenResult:
    outputs = {
        "dhr": Output("dhr", amplitude=True),
        "fault_probability": Output("fault_probability", display=Display("overlay")),
        "fault_dip": Output("fault_dip", merge="axial", display=Display("overlay", mask="fault_probability")),
    }
    geometry = Geometry.of_shape(image.shape, live=live)
    volumes = {name: Windowed(values.astype(np.float32), geometry) for name, values in fields.items()}
    return OpenResult(
        Path(), {}, Windowed(image.astype(np.float32), geometry), volumes, {n: outputs[n] for n in fields}
    )


def test_a_survey_looks_at_live_samples_alone() -> None:
    image = np.random.default_rng(3).standard_normal((30, 8, 9))
    image[5, 2, 2] = np.nan
    image[:, 3, 3] = 1e9  # a constant trace
    live = np.ones((8, 9), bool)
    live[0] = False
    image[:, 0] = 1e6
    found = survey(result_of(image, live, dhr=np.where(np.isfinite(image), image, 0) * 0.5))
    alive = live.copy()
    alive[2, 2] = alive[3, 3] = False
    expected = image[:, alive]
    figures = found.figures["image"]
    assert figures.count == expected.size
    assert figures.root_mean_square == pytest.approx(np.sqrt((expected**2).mean()), rel=1e-5)
    assert (figures.lowest, figures.highest) == pytest.approx((expected.min(), expected.max()), rel=1e-5)
    assert figures.percentiles(50)[0] == pytest.approx(np.median(expected), rel=1e-4, abs=1e-6)
    assert found.residuals["dhr"].share == pytest.approx(0.5, rel=1e-6)
    assert found.complete


def test_angles_count_where_their_mask_is_high() -> None:
    probability = np.zeros((20, 10))
    probability[:, 4] = 0.9
    dip = np.where(probability > 0.5, 60.0, 0.0)
    image = np.random.default_rng(4).standard_normal((20, 10))
    found = survey(result_of(image, fault_probability=probability, fault_dip=dip))
    assert found.figures["fault_dip"].mean == pytest.approx(60)
    assert found.figures["fault_dip"].count == 20


def test_a_large_volume_is_sampled_by_whole_inlines_never_read_whole() -> None:
    Windowed.largest = 0
    image = np.random.default_rng(5).standard_normal((10, 200, 6))
    found = survey(result_of(image, dhr=image), budget=20 * 60)
    assert found.part == "20 of 200 inlines, evenly spaced"
    assert not found.complete
    assert found.figures["image"].count == 20 * 60
    assert Windowed.largest == 60
    windows, _, _ = plan((10, 200, 6), 20 * 60)
    assert (windows[0][1].start, windows[-1][1].start) == (0, 199)


@pytest.mark.parametrize("shape", [(2, 2), (7, 1000), (3, 1, 1), (50, 3, 4)])
def test_plans_of_small_volumes_cover_every_trace_once(shape: tuple[int, ...]) -> None:
    windows, part, complete = plan(shape)
    seen = np.zeros(shape, int)
    for window in windows:
        seen[window] += 1
    assert (seen == 1).all()
    assert (part, complete) == ("all traces", True)


def test_everything_but_html_is_escaped() -> None:
    assert html("<b> & \"c\" 'd'") == "&lt;b&gt; &amp; &quot;c&quot; &#x27;d&#x27;"
    assert html(Html("<b>")) == "<b>"
    assert element("a", "<", href='"><script>') == '<a href="&quot;&gt;&lt;script&gt;">&lt;</a>'
    assert "<script>" not in table(["<script>", "<b>"], [["<script>", "<script>"]])
    assert "<script>" not in line_chart([Line("<script>", [0, 1], [0, 1])], "<script>", "<script>")
    assert [number(value) for value in (-1.5, float("nan"), 1e-9, 123456.0)] == ["−1.5", "–", "1e−9", "1.235e5"]


def test_ticks_are_round_and_inside() -> None:
    assert Scale(0, 125, 0, 100).ticks(6) == [0, 50, 100]
    assert Scale(0.0001, 1, 0, 100, logarithmic=True).ticks(6) == [0.0001, 0.001, 0.01, 0.1, 1]
    assert [nice_step(length, 5) for length in (1, 7, 0.03)] == pytest.approx([0.2, 2, 0.01])


@pytest.mark.parametrize("y", [[0.0, 0.0], [1.0, 1.0], [float("nan"), 2.0], [float("nan")] * 2])
@pytest.mark.parametrize("logarithmic", [False, True])
def test_charts_of_constant_and_missing_values_can_be_drawn(y: list[float], logarithmic: bool) -> None:
    drawn = line_chart([Line("a", [1, 2], y)], "x", "y", logarithmic=logarithmic)
    assert drawn.startswith("<svg")
    assert "nan" not in drawn


def test_a_petal_points_where_its_angle_does() -> None:
    weights = np.zeros(36)
    weights[18] = 1  # 90..95 degrees
    assert rose(weights, None, "azimuth", ("E", "N", "W")).count("<polygon") == 2
    down = rose(weights, None, "dip", ("", "", ""))
    assert down.count("<polygon") == 1
    points = down.split('points="')[1].split('"')[0].split()
    centre, *outer = [tuple(map(float, point.split(","))) for point in points]
    assert all(y > centre[1] + 100 for _, y in outer)
    assert rose(np.zeros(36), None, "map", ("", "", "")).count("<polygon") == 0
