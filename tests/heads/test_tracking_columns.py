"""RGT column by column: the same bytes however a volume is divided, with the compiled kernel and without it."""

from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtl_seismic.heads.rgt import RGT
from mtl_seismic.heads.tracking import kernel, solve
from mtl_seismic.heads.tracking.final_levels import nearest_tracked
from mtl_seismic.heads.tracking.infill import HALO
from mtl_seismic.heads.tracking.levels import rows_of_levels
from mtl_seismic.heads.tracking.solve import solve_arrays, solve_by_columns, track
from mtl_seismic.heads.tracking.store import Arrays
from mtl_seismic.heads.tracking.windows import whole
from mtlcore.inference.solving import SolveWork
from mtlcore.inference.store import FieldSpec, MemoryStore, ScratchStore

CHANNELS = 12


def embeddings(shape, seed, dead=0.1):
    """Layers that dip, fold and are cut by a fault, with noise; some traces say nothing."""
    random = np.random.default_rng(seed)
    cells = tuple(-(-size // 2) for size in shape)
    axes = np.meshgrid(*map(np.arange, cells), indexing="ij")
    time = axes[0] + sum(random.uniform(-0.3, 0.3) * axis for axis in axes[1:])
    time = time + random.integers(0, 9) * (axes[1] > random.integers(1, cells[1] + 1))
    waves = random.uniform(0.05, 0.9, CHANNELS).reshape(-1, *[1] * len(cells))
    phase = random.uniform(0, 6, CHANNELS).reshape(waves.shape)
    key = np.sin(waves * time + phase)
    query = 4 * key + random.normal(0, 1, key.shape)
    none = random.uniform(size=cells[1:]) < dead
    query[:, :, none] = 0
    faults = random.uniform(0, 1, shape) ** 4
    return query.astype(np.float16), key.astype(np.float16), faults.astype(np.float32)


def divided(shape, edges):
    """Columns of the given numbers of samples along each axis."""
    starts = [range(0, size, edge) for size, edge in zip(shape[1:], edges, strict=True)]
    return [
        tuple(slice(start, min(start + edge, size)) for start, edge, size in zip(corner, edges, shape[1:], strict=True))
        for corner in product(*starts)
    ]


def solved(given, shape, columns, run=map, step=lambda done, total: None):
    query, key, faults = given
    source, store = Arrays(rgt_query=query, rgt_key=key, fault_probability=faults), Arrays()
    solve_by_columns(source, store, shape, columns, run, step, faults=True)
    assert list(store) == ["rgt"]  # what is not needed any more has been dropped
    return store["rgt"]


SHAPES = st.one_of(
    st.tuples(st.integers(4, 80), st.integers(2, 160)),
    st.tuples(st.integers(4, 40), st.integers(2, 50), st.integers(2, 50)),
)


@settings(max_examples=25, deadline=None)
@given(SHAPES, st.data())
def test_columns_give_the_same_bytes_as_the_whole(shape, data):
    edges = [data.draw(st.integers(1, size)) * 2 for size in shape[1:]]
    given = embeddings(shape, data.draw(st.integers(0, 99)), data.draw(st.sampled_from([0.0, 0.1, 0.9, 1.0])))
    columns = data.draw(st.permutations(divided(shape, edges)))
    expected = solved(given, shape, [whole(shape[1:])])
    np.testing.assert_array_equal(solved(given, shape, columns), expected)
    assert np.isfinite(expected).all() and expected.min() == 0 and expected.max() == 1
    assert (np.diff(expected, axis=0) > 0).all()


@pytest.mark.parametrize(("shape", "edges"), [((70, 600), (100,)), ((30, 60, 50), (24, 10))])
@pytest.mark.parametrize("compiled", [True, False])
def test_columns_give_the_same_bytes_with_the_kernel_and_without(shape, edges, compiled, monkeypatch):
    if not compiled:
        monkeypatch.setattr(kernel, "_library", lambda: None)
    elif not kernel.available():
        pytest.skip("no C compiler here")
    given = embeddings(shape, 5)
    expected = solved(given, shape, [whole(shape[1:])])
    np.testing.assert_array_equal(solved(given, shape, divided(shape, edges)), expected)
    with ThreadPoolExecutor(3) as pool:
        np.testing.assert_array_equal(solved(given, shape, divided(shape, edges), pool.map), expected)


@pytest.mark.parametrize("shape", [(400, 300), (60, 60, 60)])
def test_the_kernel_and_numpy_give_the_same_levels(shape, monkeypatch):
    if not kernel.available():
        pytest.skip("no C compiler here")
    query, key, _ = embeddings(shape, 1, dead=0.0)
    levels, agreement = track(query, key)
    monkeypatch.setattr(kernel, "_library", lambda: None)
    expected, expected_agreement = track(query, key)
    # Where two levels have one score the last digit decides: nearly nowhere.
    assert (np.abs(levels - expected) < 0.01).mean() > 0.99
    assert (np.abs(agreement - expected_agreement) < 0.01).mean() > 0.99


def test_the_kernel_finds_the_rows_of_levels_to_the_last_digit():
    if not kernel.available():
        pytest.skip("no C compiler here")
    random = np.random.default_rng(0)
    steps = random.choice([-1.0, 0.0, 0.7, 1.0, 1.3, 2.4, 2.6, 9.0], (50, 60))
    levels = (steps.cumsum(1) - 2).astype(np.float32)
    np.testing.assert_array_equal(kernel.rows_of_levels(levels, 90), rows_of_levels(levels, 90))


def test_without_a_compiler_everything_works(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kernel._library.cache_clear()
    try:
        for command in ("false", str(tmp_path / "no-such-compiler")):
            monkeypatch.setenv("CC", command)
            kernel._library.cache_clear()
            assert not kernel.available()
        assert solve_arrays(*embeddings((20, 30), 0)[:2], (20, 30)).shape == (20, 30)
        assert not list(tmp_path.rglob("*.so"))
    finally:
        kernel._library.cache_clear()


def test_the_kernel_is_compiled_once(monkeypatch, tmp_path):
    if not kernel.available():
        pytest.skip("no C compiler here")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compiled = []
    original = kernel._compile
    monkeypatch.setattr(kernel, "_compile", lambda *given: (compiled.append(given), original(*given)))
    for _ in range(2):
        kernel._library.cache_clear()
        assert kernel.available()
    assert len(compiled) == 1
    kernel._library.cache_clear()


class Files:
    """A store of one file per array, which other processes can open."""

    def __init__(self, folder):
        self.folder = folder

    def create(self, name, shape, dtype):
        np.lib.format.open_memmap(self.folder / f"{name}.npy", "w+", dtype, shape)

    def read(self, name, window):
        return np.load(self.folder / f"{name}.npy", mmap_mode="r")[(..., *window)]

    def write(self, name, window, values):
        np.load(self.folder / f"{name}.npy", mmap_mode="r+")[(..., *window)] = values

    def drop(self, name):
        (self.folder / f"{name}.npy").unlink()


def elsewhere(function, columns):
    """As another process would run it: from a pickled function, whose results are pickled."""
    sent = pickle.dumps(function)
    for column in columns:
        yield pickle.loads(pickle.dumps(pickle.loads(sent)(column)))


@pytest.mark.parametrize(("shape", "edges"), [((50, 300), (90,)), ((24, 50, 44), (20, 30))])
def test_columns_can_be_solved_elsewhere_from_files(shape, edges, tmp_path):
    given = embeddings(shape, 2)
    for name, values in zip(("rgt_query", "rgt_key", "fault_probability"), given, strict=True):
        np.save(tmp_path / f"{name}.npy", values)
    store = Files(tmp_path)
    solve_by_columns(store, store, shape, divided(shape, edges), elsewhere, faults=True)
    found = np.load(tmp_path / "rgt.npy")
    np.testing.assert_array_equal(found, solved(given, shape, [whole(shape[1:])]))
    inputs = {"rgt_query.npy", "rgt_key.npy", "fault_probability.npy"}
    assert {path.name for path in tmp_path.iterdir()} == {"rgt.npy", *inputs}


def test_infill_reads_no_farther_than_the_halo():
    shape, column = (20, 700), (slice(300, 340),)
    query, key, _ = embeddings(shape, 3)

    class Watched(Arrays):
        def read(self, name, window):
            if watching:
                (part,) = window
                reached.append((part.start, part.stop, part.stop - part.start))
            return super().read(name, window)

    reached: list[tuple[int, int, int]] = []
    watching: list[bool] = []

    def run(function, columns):
        for one in columns:
            watching[:] = [True] if isinstance(function, solve.Infill) and one == (slice(150, 170),) else []
            yield function(one)
            watching.clear()

    source = Watched(rgt_query=query, rgt_key=key)
    solve_by_columns(source, source, shape, [(slice(0, 300),), column, (slice(340, 700),)], run)
    reference = 350 // 2
    around = [(start, stop) for start, stop, size in reached if (start, size) != (reference, 1)]
    assert min(start for start, _ in around) >= 150 - HALO
    assert max(stop for _, stop in around) <= 170 + HALO


@pytest.mark.parametrize("shape", [(30, 90), (20, 40, 30)])
def test_progress_is_told_all_the_way(shape):
    told = []
    solved(embeddings(shape, 0), shape, divided(shape, [16] * len(shape[1:])), step=lambda *now: told.append(now))
    assert len(told) > 20
    assert all(before[0] <= after[0] for before, after in pairwise(told))
    assert {total for _, total in told} == {told[0][1]}
    assert told[-1][0] == pytest.approx(told[-1][1], rel=0.15)
    assert max(after[0] - before[0] for before, after in pairwise(told)) < 0.2 * told[0][1]


def test_columns_that_begin_inside_a_cell_are_refused():
    with pytest.raises(ValueError, match="multiples of 2"):
        solved(embeddings((10, 20), 0), (10, 20), [(slice(0, 7),), (slice(7, 20),)])


def test_half_precision_changes_hardly_anything():
    """Levels from embeddings of single precision are those from the stored ones."""
    query, key, _ = (values.astype(np.float32) for values in embeddings((80, 200), 8))
    exact, _ = track(query, key)
    stored, _ = track(query.astype(np.float16), key.astype(np.float16))
    np.testing.assert_array_equal(exact, stored)


def test_traces_that_are_not_tracked_are_copied_from_the_nearest_step_by_step():
    tracked = np.zeros((5, 6), bool)
    assert nearest_tracked(~tracked) == {}
    tracked[0, 0], tracked[4, 5] = True, True
    found = nearest_tracked(tracked)
    assert len(found) == 28
    assert found[1] == found[6] == 0
    assert found[28] == found[23] == 29


@pytest.mark.parametrize(("shape", "edges"), [((40, 300), (90,)), ((24, 60, 44), (32, 20))])
def test_volumes_larger_than_memory_get_the_same_rgt_from_files(shape, edges, tmp_path):
    """The task's last step, from arrays in files where memory is short, and from arrays in memory."""
    found = []
    for store, memory in ((MemoryStore(), 10**9), (ScratchStore(tmp_path), 1)):
        columns = [(slice(0, shape[0]), *column) for column in divided(shape, edges)]
        keys = {}
        for name, values in zip(("rgt_query", "rgt_key", "fault_probability"), embeddings(shape, 4), strict=True):
            cells = name.startswith("rgt")
            spec = FieldSpec(shape, CHANNELS if cells else 1, (2 if cells else 1,) * len(shape), half=cells)
            keys[name] = f"in/{name}"
            for column in columns:
                window = spec.coarse(column)
                store.write(keys[name], spec, window, values.reshape(spec.channels, *spec.coarse_shape)[..., *window])
        work = SolveWork(RGT(), shape, columns, memory, store, keys, {"rgt": "out/rgt"}, lambda window: None)
        RGT().solve_columns(work)
        found.append(store.load("out/rgt"))
    np.testing.assert_array_equal(*found)
    assert found[0].max() == 1
