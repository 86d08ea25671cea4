"""Checks that a plugin's own tests can run. They need the package hypothesis.

A test of a whole format is three lines::

    from mtlcore.testing import check_format

    def test_my_format(tmp_path):
        check_format(MyFormat(), tmp_path)

``check_format`` serves formats that write a file, some files or a folder. Of a ``ParallelFormat``, which several
processes write together, it checks that too. Give options that make blocks small (``MyFormat(chunk=2)``):
the volumes here have up to nine samples along an axis. ``check_reading`` adds files of other element types.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise, product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mtlcore.errors import MtlError
from mtlcore.io.parallel_write import check_plan, share_out
from mtlcore.io.volume import Axis, Geometry, Volume, Window
from mtlcore.plugin.interfaces import Format, ParallelFormat
from mtlcore.plugin.outputs import Output

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn, SearchStrategy
    from numpy.typing import NDArray

    Array = NDArray[np.float32]

OUTPUT = Output("property", "values of a test")


def check_format(
    format: Format,
    folder: Path,
    kept: Callable[[Geometry], Geometry] = lambda geometry: geometry,
    examples: int = 50,
) -> None:
    """AssertionError unless a format keeps the promises of ``Format``.

    What is written in windows comes back in windows, in 2D and 3D, with its geometry and any NaN, and what
    is not written as 0; completion is atomic; what is no older version of the file is not replaced; a missing
    file is an MtlError. ``folder`` is an empty one to write in.
    ``kept`` says what is left of a geometry in this format, for one that cannot hold all of it:
    ``lambda geometry: Geometry.of_shape(geometry.shape)`` if only the shape is left. Samples of dead
    traces need not come back.
    """
    path = folder / f"volume{format.suffixes[0] if format.suffixes else ''}"
    _check_missing(format, path)
    _check_round_trips(format, path, kept, examples)
    _check_replacement(format, path)
    _check_interruption(format, path)
    _check_unwritten(format, path)
    _check_obstacles(format, path)
    if isinstance(format, ParallelFormat) and format.writes_in_parallel:
        _check_sharing(format, path.with_name(f"shared{path.name}"))


def check_reading(
    format: Format,
    folder: Path,
    store: Callable[[Path, NDArray[Any]], None],
    dtypes: Sequence[str],
    examples: int = 50,
) -> None:
    """AssertionError unless arrays of all these types, stored by other means, are read in windows as float32.

    ``store(path, values)`` writes an array, depth first, as other programs do. ``dtypes``: numpy's names.
    """
    from hypothesis import given, settings
    from hypothesis import strategies as st

    path = folder / f"volume{format.suffixes[0] if format.suffixes else ''}"

    @settings(max_examples=examples, deadline=None, database=None)
    @given(st.sampled_from(sorted(dtypes)), _cases(shortest=2))
    def reading(dtype: str, case: tuple[Geometry, Array, list[Window], list[Window]]) -> None:
        _, drawn, _, windows = case
        with np.errstate(invalid="ignore", over="ignore"):
            values = np.nan_to_num(drawn).clip(0, 100).astype(dtype)
        store(path, values)
        with _opened(format, path) as volume:
            for window in [*windows, _whole(drawn)]:
                part = volume.read(window)
                _require(part.dtype == np.float32, f"read() gives {part.dtype} of {dtype}: expected float32")
                _same(part, values[window].astype(np.float32), True, f"window {window} of {dtype}")

    reading()


def _check_round_trips(format: Format, path: Path, kept: Callable[[Geometry], Geometry], examples: int) -> None:
    from hypothesis import HealthCheck, given, settings

    # How fast a file system is says nothing about a format.
    slow = [HealthCheck.too_slow]

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=slow)
    @given(_cases())
    def round_trip(case: tuple[Geometry, Array, list[Window], list[Window]]) -> None:
        geometry, values, written, read = case
        _create(format, path, geometry, values, written)
        with _opened(format, path) as volume:
            _check_geometry(volume.geometry, kept(geometry))
            alive = np.broadcast_to(True if geometry.live is None else geometry.live, values.shape)
            for window in read:
                part = volume.read(window)
                _require(part.dtype == np.float32, f"read() gives {part.dtype}: expected float32")
                _same(part, values[window], alive[window], f"window {window}")
            _same(volume.load(), values, alive, "whole volume")

    round_trip()


def _check_geometry(found: Geometry, expected: Geometry) -> None:
    for name in ("axes", "coordinates", "attributes"):
        one, other = getattr(found, name), getattr(expected, name)
        _require(one == other, f"geometry.{name} comes back as {one}: expected {other}")
    live = [None if each.live is None else each.live.tolist() for each in (found, expected)]
    # All traces live may be said in either way.
    same = live[0] == live[1] or all(each is None or np.all(each) for each in live)
    _require(same, f"geometry.live comes back as {live[0]}: expected {live[1]}")


def _check_replacement(format: Format, path: Path) -> None:
    """A second file of the same name takes the first one's place only when it is complete."""
    old, new = _ramp((5, 4)), _ramp((3, 2, 4))
    _create(format, path, Geometry.of_shape(old.shape), old)
    with format.create(path, Geometry.of_shape(new.shape), OUTPUT) as writer:
        writer.write(_whole(new), new)
        with _opened(format, path) as volume:
            _same(volume.load(), old, True, "old file while a new one is written")
    with _opened(format, path) as volume:
        _same(volume.load(), new, True, "new file")


def _check_interruption(format: Format, path: Path) -> None:
    """An exception while writing leaves everything as it was, be there an old file or not."""
    for target in (path, path.with_name(f"other{path.name}")):
        for stop in (ValueError("stop"), KeyboardInterrupt()):
            before = _snapshot(path.parent)
            try:
                with format.create(target, Geometry.of_shape((4, 3)), OUTPUT) as writer:
                    writer.write((slice(0, 2), slice(0, 3)), np.ones((2, 3), np.float32))
                    raise stop
            except (ValueError, KeyboardInterrupt) as error:
                _require(error is stop, f"{error!r} is raised in place of the block's own {stop!r}")
            else:
                raise AssertionError("create() swallows the exception of its block")
            after = _snapshot(path.parent)
            changed = sorted(name for name in before | after if before.get(name) != after.get(name))
            _require(not changed, f"interrupted writing changes {', '.join(changed)}")


def _check_unwritten(format: Format, path: Path) -> None:
    values = np.zeros((5, 4, 3), np.float32)
    window = (slice(1, 3), slice(2, 4), slice(0, 1))
    values[window] = 1
    _create(format, path, Geometry.of_shape(values.shape), values, [window])
    with _opened(format, path) as volume:
        _same(volume.load(), values, True, "volume of which one window was written")


def _check_obstacles(format: Format, path: Path) -> None:
    """A folder of something else, and a file where the format writes folders, are not replaced."""
    folder, file = path.with_name(f"folder{path.name}"), path.with_name(f"file{path.name}")
    folder.mkdir()
    (folder / "notes").write_text("precious")
    file.write_text("precious")
    for obstacle in (folder, file) if path.is_dir() else (folder,):
        before = _snapshot(path.parent)
        try:
            _create(format, obstacle, Geometry.of_shape((4, 3)), _ramp((4, 3)))
        except MtlError as error:
            _require(obstacle.name in str(error), f"the error on what cannot be replaced does not name it: {error}")
        else:
            raise AssertionError(f"{obstacle.name}, which holds something else, is replaced without an error")
        _require(_snapshot(path.parent) == before, f"refusing to replace {obstacle.name} changes something")


def _check_sharing(format: ParallelFormat, path: Path) -> None:
    """Several writers of one file: of blocks of their own, of one block, and one that fails."""
    # More than one block along each axis that has several.
    large = format.block_shape(Geometry.of_shape((9, 10**4, 10**4)))
    geometry = Geometry.of_shape((min(9, large[0] + 3), large[1] + 3, large[2] + 3))
    values, block_shape = _ramp(geometry.shape), format.block_shape(geometry)
    plan = share_out(geometry.shape, block_shape, 2)
    check_plan(plan, geometry.shape, block_shape)
    before = _snapshot(path.parent)
    started = format.begin(path, geometry, OUTPUT)
    with format.join(started, "one") as one, format.join(started, "two") as two:
        _require(
            one.block_shape == block_shape,
            f"a writer's block_shape is {one.block_shape}: expected {block_shape}",
        )
        for writer, windows in ((two, plan[1]), (one, plan[0])):
            for part in (part for window in windows for part in _halves(window)):
                writer.write(part, values[part])
        _require(not path.exists(), "the file appears before it is committed")
    format.commit(started, path)
    with _opened(format, path) as volume:
        _same(volume.load(), values, True, "volume of two writers")
    committed = _snapshot(path.parent)
    started = format.begin(path, geometry, OUTPUT)
    _check_one_writer_a_block(format, started, _halves(_whole(values[:1])), values)
    _refused(lambda: format.commit(started, path), "a file that lacks a part is committed")
    format.abandon(started)
    _require(_snapshot(path.parent) == committed != before, "abandoning a file leaves or changes something")


def _check_one_writer_a_block(format: ParallelFormat, started: Path, halves: list[Window], values: Array) -> None:
    def write(owner: str, window: Window) -> None:
        with format.join(started, owner) as writer:
            writer.write(window, values[window])

    write("one", halves[0])
    _refused(lambda: write("two", halves[1]), "two owners write to one block")
    write("one", halves[1])


def _refused(action: Callable[[], None], problem: str) -> None:
    try:
        action()
    except MtlError:
        return
    raise AssertionError(f"{problem}, without an error")


def _halves(window: Window) -> list[Window]:
    """A window cut along its second axis, the last half first."""
    first, cut, *others = window
    middle = (cut.start + cut.stop) // 2
    return [(first, slice(middle, cut.stop), *others), (first, slice(cut.start, middle), *others)]


def _check_missing(format: Format, path: Path) -> None:
    try:
        format.open(path).close()
    except MtlError as error:
        _require(path.name in str(error), f"the error on a missing file does not name it: {error}")
        _require("\n" not in str(error), f"the error on a missing file has several lines: {error}")
    else:
        raise AssertionError("a missing file is opened without an error")


def _create(format: Format, path: Path, geometry: Geometry, values: Array, windows: Iterable[Window] = ()) -> None:
    with format.create(path, geometry, OUTPUT) as writer:
        for window in windows or [_whole(values)]:
            writer.write(window, values[window])


@contextmanager
def _opened(format: Format, path: Path) -> Iterator[Volume]:
    volume = format.open(path)
    try:
        yield volume
    finally:
        volume.close()


def _same(found: Array, expected: Array, alive: Any, what: str) -> None:
    _require(found.shape == expected.shape, f"{what}: shape {found.shape}, expected {expected.shape}")
    same = (found == expected) | (np.isnan(found) & np.isnan(expected)) | ~np.asarray(alive)
    _require(bool(same.all()), f"{what}: {np.sum(~same)} of {same.size} samples differ")


def _require(condition: bool, message: str) -> None:
    # Not the assert statement: python -O leaves it out.
    if not condition:
        raise AssertionError(message)


def _snapshot(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


def _ramp(shape: tuple[int, ...]) -> Array:
    return np.arange(np.prod(shape), dtype=np.float32).reshape(shape)


def _whole(values: Array) -> Window:
    return tuple(slice(0, size) for size in values.shape)


def _cases(shortest: int = 1) -> SearchStrategy[tuple[Geometry, Array, list[Window], list[Window]]]:
    """A geometry, values, windows that cover them once, in any order, and windows to read."""
    from hypothesis import strategies as st

    @st.composite
    def cases(draw: DrawFn) -> tuple[Geometry, Array, list[Window], list[Window]]:
        shape = tuple(draw(st.lists(st.integers(shortest, 9), min_size=2, max_size=3)))
        random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
        values = (random.standard_normal(shape) * 10.0 ** random.integers(-6, 7)).astype(np.float32)
        if draw(st.booleans()):
            values.flat[random.integers(values.size)] = np.nan
        cuts = [sorted({0, size, *random.integers(0, size, 2).tolist()}) for size in shape]
        written = [tuple(slice(*span) for span in spans) for spans in product(*map(pairwise, cuts))]
        random.shuffle(written)
        read = [tuple(_span(random, size) for size in shape) for _ in range(3)]
        return _random_geometry(random, shape), values, written, read

    return cases()


def _span(random: np.random.Generator, size: int) -> slice:
    start = int(random.integers(size))
    return slice(start, int(random.integers(start, size)) + 1)


def _random_geometry(random: np.random.Generator, shape: tuple[int, ...]) -> Geometry:
    """A plain one, or one with everything: time in ms, line numbers, dead traces, coordinates."""
    plain = Geometry.of_shape(shape)
    if random.random() < 0.3:
        return plain
    depth = Axis("time", shape[0], float(random.integers(0, 2000)), float(random.choice([0.5, 2, 4])), "ms")
    lines = [
        Axis(axis.name, axis.size, float(random.integers(1, 9000)), float(random.integers(1, 5)), "line")
        for axis in plain.axes[1:]
    ]
    live = random.random(shape[1:]) < 0.7
    live.flat[0] = True
    corner = random.integers(100_000, 700_000, 2)
    rows = [(float(first), *random.uniform(-30, 30, 2).round(2).tolist()) for first in corner]
    attributes = {"note": 'Länge < 5 "km" -- & more', "table": {"numbers": [1, 2.5, None, True]}}
    return plain.like(axes=(depth, *lines), live=live, coordinates=(rows[0], rows[1]), attributes=attributes)
