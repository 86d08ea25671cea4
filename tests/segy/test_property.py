"""Any survey in any order and format: read as it was made, and copied as it was read."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mtl_seismic.segy.format import SegY
from mtlcore import IMAGE, Axis

SURVEYS = st.fixed_dictionaries(
    {
        "size": st.tuples(st.integers(1, 12), st.integers(3, 9), st.integers(3, 9)),
        "origin": st.tuples(st.integers(-500, 5000), st.integers(-500, 5000)),
        "step": st.tuples(st.integers(1, 9), st.integers(1, 9)),
        "share": st.floats(0.5, 1),
        "order": st.sampled_from("<>"),
        "code": st.sampled_from([1, 2, 3, 5, 6, 7, 8, 9]),
        "sorting": st.sampled_from(["inline", "crossline", "random"]),
        "positions": st.sampled_from([(189, 193), (9, 21), (13, 17)]),
        "seed": st.integers(0, 2**32 - 1),
    }
)


@settings(
    max_examples=60, database=None, phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(survey=SURVEYS)
def test_any_survey(make_segy, tmp_path, survey):
    random = np.random.default_rng(survey["seed"])
    size = survey["size"]
    live = random.random(size[1:]) < survey["share"]
    live[0, 0] = live[-1, -1] = live[:, 1] = live[1, :] = True  # every line number occurs
    array = np.where(live, random.integers(-120, 120, size), 0).astype(np.float32)
    row, column = in_order(random, live, survey["sorting"])
    numbers = [
        origin + step * index
        for origin, step, index in zip(survey["origin"], survey["step"], (row, column), strict=True)
    ]
    words = dict(zip(survey["positions"], numbers, strict=True))
    path = make_segy(array[:, row, column].T, words, code=survey["code"], order=survey["order"])
    volume = SegY().open(path)
    check(volume, array, live, survey)
    copy = tmp_path / "copy.sgy"
    with SegY().create(copy, volume.geometry, IMAGE) as writer:
        cut = int(random.integers(1, size[1]))
        for rows in (slice(cut, size[1]), slice(0, cut)):
            window = (slice(0, size[0]), rows, slice(0, size[2]))
            writer.write(window, volume.read(window))
    check(SegY().open(copy), array, live, survey)
    if survey["code"] in (1, 5, 6):
        assert copy.read_bytes()[3200:] == path.read_bytes()[3200:]


def in_order(random, live, sorting):
    row, column = np.nonzero(live)
    order = {
        "inline": np.arange(len(row)),
        "crossline": np.lexsort((row, column)),
        "random": random.permutation(len(row)),
    }[sorting]
    return row[order], column[order]


def check(volume, array, live, survey):
    lines = tuple(
        Axis(name, length, float(origin), float(step), "line")
        for name, length, origin, step in zip(
            ("inline", "crossline"), array.shape[1:], survey["origin"], survey["step"], strict=True
        )
    )
    assert volume.geometry.axes == (Axis("time", len(array), 0.0, 4.0, "ms"), *lines)
    found = volume.geometry.live
    assert np.array_equal(np.ones_like(live) if found is None else found, live)
    np.testing.assert_array_equal(volume.load(), array)
