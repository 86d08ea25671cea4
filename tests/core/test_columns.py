"""Volumes of any size: cut into columns, kept in memory or on disk, by one process or several, with one answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtlcore.inference.chain import Chain
from mtlcore.inference.dead_traces import fill_traces, fill_window
from mtlcore.inference.infer import InferOptions
from mtlcore.inference.statistics import sample_windows, scan
from mtlcore.inference.store import FieldSpec, MemoryStore, ScratchStore
from mtlcore.io.part import Part, PartVolume, parse_range
from mtlcore.io.volume import ArrayVolume, Axis, Geometry


def columns_of(model, image, options, tasks=None, **more):
    return Chain.of([model], options=options, **more).run(image, tasks).fields


@pytest.mark.parametrize("ndim", [2, 3])
@pytest.mark.parametrize("more", [{}, {"uncertainty": True}, {"mirrored_average": True}], ids=str)
def test_columns_give_what_the_whole_gives(make_model, make_image, ndim, more):
    """Of every task, with dead traces at and across the borders of columns, and undefined samples."""
    backbone = {"name": "unet", "widths": (4,), "dilations": (), "features": 4}
    model = make_model(ndim, backbone=backbone)
    image = make_image((26, 31, 37)[:ndim])
    image[:, 8:17] = 0
    image[3:5, 25] = np.nan
    whole = columns_of(model, image, InferOptions(**more))
    cut = columns_of(model, image, InferOptions(tile=8, **more))
    for name, values in whole.items():
        difference = np.abs(values - cut[name])
        if "dip" in name or "strike" in name:
            difference = np.minimum(difference, np.abs(180 - difference)) / 180
        # Horizons follow from products of embeddings: where two are equally likely, the last digits decide.
        few = 0.02 if name.startswith("rgt") else 0.0
        assert (difference > 1e-4 * max(1, np.abs(values).max())).mean() <= few, name


class Reads(ArrayVolume):
    """Counts the samples that are read."""

    def __init__(self, array):
        super().__init__(array)
        self.largest = 0

    def read(self, window):
        self.largest = max(self.largest, int(np.prod([part.stop - part.start for part in window])))
        return super().read(window)

    def load(self):
        raise AssertionError("the volume is never loaded")


def test_a_volume_is_never_read_whole_and_its_fields_are_kept_on_disk(make_model, make_image, tmp_path, monkeypatch):
    monkeypatch.setattr("mtlcore.inference.statistics.MAX_SAMPLE", 2000)
    monkeypatch.setattr("mtlcore.inference.statistics.MAX_BLOCK", 2000)
    model = make_model(3, backbone={"name": "unet", "widths": (4,), "dilations": (), "features": 4})
    image = make_image((24, 40, 44))
    image[:, 3, 5:9] = 0
    chain = Chain.of([model], options=InferOptions(tile=8))
    found = []
    for make_store in (MemoryStore, lambda: ScratchStore(tmp_path / "fields")):
        volume = Reads(image)
        work = chain.prepare(volume, make_store)
        state = chain.infer(work).state
        assert volume.largest < image.size / 2
        names = sorted(state)
        columns = [work.restored(state, names, window) for window in work.restore_windows]
        assert len(columns) == 30
        found.append(columns)
    assert work.conditioning.statistics.report["dead_traces"] == 4
    for one, other in zip(*found, strict=True):
        assert all(np.array_equal(one[name], other[name]) for name in one)


def test_a_run_that_stopped_goes_on_with_what_its_store_has(make_model, make_image, tmp_path, monkeypatch):
    from mtlcore.inference.work import Work

    models = [make_model(), make_model(stage="mtr")]
    chain, image = Chain.of(models, iterations=2, options=InferOptions(tile=16)), make_image((24, 60))
    expected = chain.run(image).fields
    done, plain = [], Work.network

    def counted(self, column, *arguments, **more):
        if len(done) == stop:
            raise KeyboardInterrupt
        plain(self, column, *arguments, **more)
        done.append(column)

    monkeypatch.setattr(Work, "network", counted)
    for stop in (2, 5, 9, 100):
        work = chain.prepare(ArrayVolume(image), lambda: ScratchStore(tmp_path))
        if stop < 100:
            with pytest.raises(KeyboardInterrupt):
                chain.infer(work)
        else:
            found = chain.infer(work)
    # Twelve columns in all, none of them twice.
    assert len(done) == 3 * len(work.columns) == 12
    for window in work.restore_windows:
        for name, values in work.restored(found.state, list(expected), window).items():
            assert np.array_equal(values, expected[name][window])


@given(st.data())
@settings(max_examples=60)
def test_a_window_is_filled_as_the_whole_is(data):
    shape = data.draw(
        st.tuples(st.integers(1, 9), st.integers(1, 11)) if data.draw(st.booleans()) else st.tuples(st.integers(1, 14))
    )
    missing = np.array(data.draw(st.lists(st.booleans(), min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))))
    missing = missing.reshape(shape)
    values = np.random.default_rng(0).normal(size=(3, *shape)).astype(np.float32)
    whole = fill_traces(values.copy(), missing)
    starts = [data.draw(st.integers(0, size - 1)) for size in shape]
    window = tuple(
        slice(start, data.draw(st.integers(start + 1, size))) for start, size in zip(starts, shape, strict=True)
    )
    inside = (slice(None), *window)
    found = fill_window(values[inside].copy(), missing, window, lambda lateral: values[(slice(None), *lateral)].copy())
    assert np.array_equal(found, whole[inside])


@given(st.integers(1, 5), st.integers(1, 23), st.integers(1, 19), st.sampled_from([1, 2, 3]), st.booleans())
@settings(max_examples=40)
def test_what_a_store_keeps_is_read_back_over_any_window(channels, rows, traces, ratio, half):
    import tempfile
    from pathlib import Path

    shape = (rows, traces)
    spec = FieldSpec(shape, channels, (ratio, ratio), half)
    values = np.random.default_rng(1).integers(-99, 99, (channels, *spec.coarse_shape)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        for store in (MemoryStore(), ScratchStore(Path(folder))):
            width = spec.coarse_shape[1]
            for start in range(0, width, 4):
                window = (slice(0, spec.coarse_shape[0]), slice(start, min(start + 4, width)))
                store.write("0/deep/name", spec, window, values[(slice(None), *window)])
            assert store.spec("0/deep/name") == spec
            assert store.names("0/deep") == ["name"]
            part = (slice(rows // ratio // 2, spec.coarse_shape[0]), slice(width // 3, width))
            assert np.array_equal(store.read("0/deep/name", part), values[(slice(None), *part)])
            assert np.array_equal(store.load("0/deep/name"), values)
            store.drop("0")
            with pytest.raises(KeyError):
                store.spec("0/deep/name")


def test_statistics_of_a_large_volume_are_those_of_lines_spread_over_it(make_image, monkeypatch):
    image = make_image((20, 64, 30)) * 3 + 0.5
    image[:, 11, 4] = np.nan
    exact, _ = scan(ArrayVolume(image), 1.0, True)
    monkeypatch.setattr("mtlcore.inference.statistics.MAX_SAMPLE", 8 * 20 * 30)
    assert len(sample_windows(image.shape)) == 8
    found, sample = scan(ArrayVolume(image), 1.0, True)
    assert sample.shape == (20, 8, 30)
    assert found.scale == pytest.approx(exact.scale, rel=0.05)
    assert np.array_equal(found.dead_traces, exact.dead_traces)
    assert found.report == exact.report


AXES = (Axis("time", 50, 100.0, 4.0, "ms"), Axis("inline", 20, 1000.0, 2.0), Axis("crossline", 30, 500.0, -1.0))


def test_a_part_is_named_in_the_files_numbers():
    volume = ArrayVolume(np.arange(30000, dtype=np.float32).reshape(50, 20, 30), Geometry(AXES))
    part = Part(parse_range("120:160"), parse_range("1004:"), parse_range("490:480"))
    found = part.of(volume)
    assert isinstance(found, PartVolume)
    assert found.shape == (11, 18, 11)
    assert [axis.origin for axis in found.geometry.axes] == [120.0, 1004.0, 490.0]
    assert np.array_equal(found.load(), volume.load()[5:16, 2:, 10:21])
    inside = (slice(1, 3), slice(0, 2), slice(4, 5))
    assert np.array_equal(found.read(inside), found.load()[inside])


@pytest.mark.parametrize("text", ["5", "a:b", "1:nan", ""])
def test_what_is_no_range_is_refused(text):
    from mtlcore.errors import OptionError

    with pytest.raises(OptionError, match="is not a range: expected FIRST:LAST"):
        parse_range(text)


def test_a_part_with_nothing_in_it_is_refused_with_what_the_axis_has():
    from mtlcore.errors import OptionError

    volume = ArrayVolume(np.zeros((50, 20, 30), np.float32), Geometry(AXES))
    with pytest.raises(OptionError, match=r"--inlines 5000:6000 .*from 1000 to 1038 in steps of 2"):
        Part(inlines=(5000.0, 6000.0)).of(volume)
    section = ArrayVolume(np.zeros((50, 20), np.float32))
    with pytest.raises(OptionError, match="--inlines selects from a 3D volume"):
        Part(inlines=(0.0, 3.0)).of(section)
