"""Pre-stack data are refused with the way out; on request they are stacked, or one offset is read."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from click.testing import CliRunner

from mtl_cli.main import cli
from mtl_seismic.segy.format import SegY
from mtlcore import IMAGE
from mtlcore.errors import MtlError


def refusal(path, **options):
    with pytest.raises(MtlError) as caught:
        SegY(**options).open(path)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def opened(path, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        return SegY(**options).open(path), " | ".join(str(item.message) for item in caught)


def shots(cdp=True, offset=True, coordinates=False):
    """Words of 6 shots of 24 channels on a line."""
    shot, channel = (part.ravel() for part in np.mgrid[:6, :24])
    words = {9: 1000 + shot, 13: 1 + channel, 17: 1000 + shot}
    words |= {21: 500 + 2 * shot + channel} if cdp else {}
    words |= {37: -200 - 25 * channel} if offset else {}
    if coordinates:
        words |= {73: 5000 + 50 * shot, 77: 7000, 81: 5000 + 50 * shot - 200 - 25 * channel, 85: 7000}
    return words


def gathers(inlines=4, crosslines=5, fold=3, positions=(189, 193)):
    inline, crossline, offset = (part.ravel() for part in np.mgrid[:inlines, :crosslines, :fold])
    return {positions[0]: 7 + inline, positions[1]: 500 + crossline, 37: 100 + 100 * offset}


@pytest.mark.parametrize(
    "words",
    [
        shots(),
        shots(cdp=False),
        shots(offset=False, coordinates=True),
        shots(cdp=False, offset=False, coordinates=True),
        {189: 1 + np.arange(144) // 24, 193: 1 + np.arange(144) % 24, 37: 100 + 25 * (np.arange(144) % 24)},
        {9: 7, 13: 1 + np.arange(144), 37: 100 + 25 * np.arange(144)},
        {21: 7, 37: 100 + 25 * np.arange(144)},
    ],
    ids=["shots", "no CDP numbers", "no offsets", "coordinates alone", "lines", "one shot", "one CDP gather"],
)
def test_shots_are_refused(make_segy, make_image, words):
    message = refusal(make_segy(make_image((144, 8)), words))
    assert "pre-stack" in message and "format.offset" in message and "format.stack" in message


@pytest.mark.parametrize("positions", [(189, 193), (9, 21), (21, 221)])
@pytest.mark.parametrize("size", [(4, 5, 3), (1, 6, 4), (6, 1, 4), (1, 1, 5)])
def test_gathers_are_refused_whatever_lines_there_are(make_segy, make_image, size, positions):
    words = {**dict.fromkeys(range(197, 238, 4), 0), **gathers(*size, positions)}
    assert "pre-stack" in refusal(make_segy(make_image((int(np.prod(size)), 8)), words))


def test_a_constant_offset_is_a_stack(make_segy, make_image):
    inline, crossline = (part.ravel() for part in np.mgrid[:4, :5])
    volume, message = opened(make_segy(make_image((20, 8)), {9: 1 + inline, 21: 1 + crossline, 37: 150}))
    assert volume.shape == (8, 4, 5) and not message


def test_offsets_of_a_volume_whose_traces_have_places_of_their_own_are_said(make_segy, make_image):
    words = gathers(4, 5, 1) | {37: np.arange(20)}
    volume, message = opened(make_segy(make_image((20, 8)), words))
    assert volume.shape == (8, 4, 5) and "offset" in message and "stacked volume" in message


def test_the_user_may_say_that_data_are_stacked(make_segy, make_image):
    words = {9: 1 + np.arange(20) // 5, 21: 1 + np.arange(20) % 5, 37: np.arange(20)}
    path = make_segy(make_image((20, 8)), words)
    assert "format.inline=9 and format.crossline=21" in refusal(path)
    assert opened(path, inline=9, crossline=21)[0].shape == (8, 4, 5)


def test_stacking(make_segy):
    random = np.random.default_rng(0)
    traces = random.standard_normal((60, 8)).astype(np.float32)
    order = random.permutation(60)
    words = {start: values[order] for start, values in gathers().items()}
    codes = np.ones(60)
    codes[np.flatnonzero(order < 3)[0]] = 2  # a dead trace of the first gather
    stored = traces[order]
    stored[order == 30, 2] = np.nan
    volume, _ = opened(make_segy(stored, words | {29: codes}), stack=True)
    alive = np.ones(60, bool)
    alive[order[codes == 2]] = False
    expected = np.array([
        np.nanmean(np.where(np.arange(60) == 30, np.nan, 1)[:, None] ** (np.arange(8) == 2) * traces, axis=0,
                   where=(np.arange(60) // 3 == cell)[:, None] & alive[:, None])
        for cell in range(20)
    ])  # fmt: skip
    assert volume.shape == (8, 4, 5)
    np.testing.assert_allclose(volume.load().reshape(8, 20).T, expected, rtol=1e-5)
    part = (slice(2, 5), slice(1, 3), slice(0, 4))
    np.testing.assert_array_equal(volume.read(part), volume.load()[part])


def test_stacking_shots_at_their_cdps(make_segy, make_image):
    traces = make_image((144, 8))
    words = shots()
    volume, _ = opened(make_segy(traces, words), stack=True)
    assert volume.geometry.axes[1].name == "cdp" and volume.shape == (8, 34)
    np.testing.assert_allclose(volume.load()[:, 12], traces[words[21] == 512].mean(axis=0), rtol=1e-5)


def test_one_offset(make_segy, make_image):
    traces = make_image((60, 8))
    path = make_segy(traces, gathers())
    volume, message = opened(path, offset=200)
    np.testing.assert_array_equal(volume.load(), traces[1::3].reshape(4, 5, 8).transpose(2, 0, 1))
    assert not message and volume.evidence()["offset"] == "200: 20 of 60 traces"
    assert "Offsets: 100, 200, 300." in refusal(path, offset=150)
    section, _ = opened(make_segy(make_image((144, 8)), shots()), offset=-225)
    assert section.shape == (8, 6) and section.geometry.axes[1].step == 2


@pytest.mark.parametrize("options", [{"stack": True}, {"offset": 300}])
def test_results_have_the_headers_of_what_was_read(make_segy, make_image, tmp_path, options):
    path = make_segy(make_image((60, 8)), gathers(), code=1)
    volume, _ = opened(path, **options)
    with SegY().create(tmp_path / "copy.sgy", volume.geometry, IMAGE) as writer:
        writer.write(tuple(slice(0, size) for size in volume.shape), volume.load())
    copy, message = opened(tmp_path / "copy.sgy")
    assert copy.geometry.axes == volume.geometry.axes and not message
    np.testing.assert_allclose(copy.load(), volume.load(), rtol=2**-20)
    assert (tmp_path / "copy.sgy").stat().st_size == 3600 + 20 * (240 + 32)


def test_undefined_samples_that_the_user_names_are_nan(make_segy, make_image):
    traces = make_image((20, 8))
    traces[3, 2:5] = -1234.5
    volume, _ = opened(make_segy(traces, {21: 1 + np.arange(20)}), undefined=-1234.5)
    assert np.isnan(volume.load()[2:5, 3]).all() and np.isfinite(volume.load()).sum() == 157


def test_options_on_the_command_line(make_segy, make_image):
    path = make_segy(make_image((60, 8)), gathers())
    run = CliRunner().invoke(cli, ["inspect", str(path), "--json"])
    assert run.exit_code == 1 and "pre-stack" in run.stderr
    run = CliRunner().invoke(cli, ["inspect", str(path), "--json", "--set", "format.stack=true"])
    assert run.exit_code == 0 and json.loads(run.stdout)["shape"] == [8, 4, 5]
    run = CliRunner().invoke(cli, ["inspect", str(path), "--set", "format.offset=100"])
    assert run.exit_code == 0 and "line numbers" in run.stdout
