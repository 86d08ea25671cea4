"""Fields kept in files of one column each are read back as from memory, in any window."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mtlcore.inference.store import FieldSpec, MemoryStore, ScratchStore

SHAPE, EDGE = (5, 21, 34), 11


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    values = np.random.default_rng(0).standard_normal((3, *SHAPE)).astype(np.float32)
    both = (MemoryStore(), ScratchStore(tmp_path_factory.mktemp("store")))
    for corner in product(*(range(0, size, EDGE) for size in SHAPE[1:])):
        lateral = (slice(start, min(start + EDGE, size)) for start, size in zip(corner, SHAPE[1:], strict=True))
        window = (slice(0, SHAPE[0]), *lateral)
        for store in both:
            store.write("0/x", FieldSpec(SHAPE, 3), window, values[(slice(None), *window)])
    return values, both


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_windows_with_and_without_steps_are_read_from_files_as_from_memory(stores, data):
    values, both = stores
    window = []
    for size in SHAPE:
        start = data.draw(st.integers(0, size - 1))
        stop = data.draw(st.integers(start + 1, size))
        window.append(slice(start, stop, data.draw(st.sampled_from([None, 1, 2, 8, 13])) if len(window) else None))
    for store in both:
        np.testing.assert_array_equal(store.read("0/x", tuple(window)), values[(slice(None), *window)])
