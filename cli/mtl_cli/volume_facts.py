"""What ``mtl inspect`` says of a volume: geometry, amplitudes, a histogram and a map of the live traces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mtl_cli.tables import number, text_table

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from mtlcore.io.volume import Geometry, Volume, Window

MEASURED = 2**24
"""Of larger volumes, so many samples are looked at, spread evenly."""
BINS = 24
WIDTH, HEIGHT = 64, 20
"""Largest map in characters."""
BAR = 40
LIVE, PARTLY, DEAD = "#+."
DRAWINGS = ("histogram", "map")
"""Facts that are drawn, not put in a line."""


def describe_file(path: Path, format_name: str | None, format_options: Mapping[str, Any]) -> dict[str, Any]:
    """A seismic file, or a folder of a format that writes folders: geometry and amplitudes."""
    from mtlcore.io.files import make_format, stored_size

    chosen = make_format(path, format_name, format_options)
    volume = chosen.open(path)
    try:
        return {
            "kind": f"{volume.ndim}D seismic image",
            "format": chosen.name,
            "bytes": stored_size(path),
            **describe_geometry(volume.geometry),
            **volume.evidence(),
            **headers_from(path, volume.geometry),
            **describe_samples(volume),
            "map": live_map(volume.geometry),
        }
    finally:
        volume.close()


def describe_geometry(geometry: Geometry) -> dict[str, Any]:
    """Shape, axes, coordinates of the corners, and what the format adds."""
    axes = [
        {"name": axis.name, "size": axis.size, "origin": axis.origin, "step": axis.step, "unit": axis.unit}
        for axis in geometry.axes
    ]
    facts: dict[str, Any] = {"shape": list(geometry.shape), "axes": axes}
    if geometry.coordinates is not None:
        facts |= {"coordinates": [list(row) for row in geometry.coordinates], "corners": corners(geometry)}
    return facts | geometry.attributes


def headers_from(path: Path, geometry: Geometry) -> dict[str, str]:
    """The file that headers can be copied from, where it is another one."""
    source = geometry.source
    return {} if source is None or source == path.resolve() else {"source": str(source)}


def corners(geometry: Geometry) -> list[dict[str, float]]:
    """X and Y at the ends of the horizontal axes; of a crooked line, of its own ends."""
    from itertools import product

    from mtl_seismic.formats.crooked import trace_points

    assert geometry.coordinates is not None
    lines = geometry.axes[1:]
    ends = list(product(*((axis.origin, axis.origin + axis.step * (axis.size - 1)) for axis in lines)))
    course = trace_points(geometry)
    if course is not None:
        return [
            {lines[0].name: end[0], "x": float(x), "y": float(y)}
            for end, (x, y) in zip(ends, course[[0, -1]], strict=True)
        ]
    found = []
    for end in ends:
        place = (1.0, *end, 0.0)[:3]
        x, y = (sum(a * b for a, b in zip(row, place, strict=True)) for row in geometry.coordinates)
        found.append({**{axis.name: value for axis, value in zip(lines, end, strict=True)}, "x": x, "y": y})
    return found


def describe_samples(volume: Volume) -> dict[str, Any]:
    """Amplitudes: of all samples, or of as many as fit in memory easily."""
    import numpy as np

    from mtlcore.inference.amplitude import prepare, root_mean_square
    from mtlcore.inference.undefined import find_undefined

    parts = [volume.read(window) for window in sample_windows(volume.shape)]
    places = [window[1:] for window in sample_windows(volume.shape)]
    values = np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1)
    live = volume.geometry.live
    alive = None if live is None else np.concatenate([live[place].reshape(-1) for place in places])
    prepared = prepare(values, live=alive)
    kept = values[:, slice(None) if alive is None else alive]
    undefined = find_undefined([values])
    finite = kept[~undefined.mask(kept)]
    count = int(np.prod(volume.shape[1:]))
    facts: dict[str, Any] = {} if values.shape[1] == count else {"measured_on": f"{values.shape[1]} of {count} traces"}
    if live is not None:
        facts["missing_traces"] = int((~live).sum())
    if undefined.values or undefined.limit < np.inf:
        larger = [f"{undefined.limit:g} and larger"] if undefined.limit < np.inf else []
        facts["undefined_values"] = [*undefined.values, *larger]
    facts |= {
        "minimum": float(finite.min()) if finite.size else float("nan"),
        "maximum": float(finite.max()) if finite.size else float("nan"),
        "root_mean_square": root_mean_square(np.asarray(values), ~undefined.mask(values)),
        "percentiles": percentiles(finite),
        **prepared.report,
        "histogram": histogram(finite),
    }
    return facts


def sample_windows(shape: tuple[int, ...], most: int | None = None) -> Iterator[Window]:
    """The whole of a volume, or sections across the first horizontal axis, spread evenly, of ``most`` samples."""
    import numpy as np

    most = MEASURED if most is None else most
    if np.prod(shape) <= most:
        yield tuple(slice(0, size) for size in shape)
        return
    across = int(np.prod(shape)) // shape[1]
    count = max(1, min(shape[1], most // across))
    width = max(1, most // (count * shape[0]))
    for position in np.unique(np.linspace(0, shape[1] - 1, count).astype(int)):
        rest = tuple(slice(0, min(width, size)) for size in shape[2:])
        yield slice(0, shape[0]), slice(int(position), int(position) + 1), *rest


def percentiles(values: NDArray[np.float32]) -> dict[str, float]:
    """The sizes below which so many percent of the samples are."""
    import numpy as np

    if not values.size:
        return {}
    # A sorted copy of everything takes long; these figures need no more than a million samples.
    some = values[:: max(1, values.size // 1_000_000)]
    chosen = (1, 50, 99)
    return {f"{percent}%": float(value) for percent, value in zip(chosen, np.percentile(some, chosen), strict=True)}


def histogram(values: NDArray[np.float32]) -> dict[str, Any]:
    """Counts between edges; the outermost 0.1 % on either side go to the first and last bin."""
    import numpy as np

    if not values.size:
        return {"edges": [], "counts": []}
    some = values[:: max(1, values.size // 1_000_000)].astype(np.float64)
    low, high = np.percentile(some, (0.1, 99.9))
    if not high > low:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, BINS + 1)
    counts = np.bincount(np.clip(np.searchsorted(edges, values, side="right") - 1, 0, BINS - 1), minlength=BINS)
    return {"edges": edges.tolist(), "counts": counts.tolist()}


def live_map(geometry: Geometry) -> list[str]:
    """Rows along the first horizontal axis: # where all traces are live, + some, . none; coarse if large."""
    import numpy as np

    shape = geometry.shape[1:]
    live = np.ones(shape, bool) if geometry.live is None else np.asarray(geometry.live)
    rows = np.atleast_2d(live)
    down, right = -(-rows.shape[0] // HEIGHT), -(-rows.shape[1] // WIDTH)
    tops, lefts = range(0, rows.shape[0], down), range(0, rows.shape[1], right)
    return ["".join(_symbol(rows[top : top + down, left : left + right]) for left in lefts) for top in tops]


def _symbol(block: NDArray[np.bool_]) -> str:
    return LIVE if block.all() else PARTLY if block.any() else DEAD


def draw(facts: Mapping[str, Any]) -> str:
    """The histogram and the map of traces as text."""
    pieces = []
    counts, edges = facts["histogram"]["counts"], facts["histogram"]["edges"]
    if counts:
        most = max(counts)
        bins = zip(edges[:-1], counts, strict=True)
        bars = [(number(edge), "#" * round(BAR * count / most), str(count)) for edge, count in bins]
        pieces += ["histogram (from, share, samples)", text_table(bars)]
    if any(set(row) != {LIVE} for row in facts["map"]):
        names = [axis["name"] for axis in facts["axes"][1:]]
        sides = f"{names[-1]} to the right" + (f", {names[0]} down" if len(names) > 1 else "")
        pieces += [f"live traces ({LIVE} all, {PARTLY} some, {DEAD} none; {sides})", *facts["map"]]
    return "\n".join(pieces)


def axis_text(axis: Mapping[str, Any]) -> str:
    """An axis for people."""
    return f"{axis['name']}: {axis['size']} from {axis['origin']:g}, step {axis['step']:g} {axis['unit']}"
