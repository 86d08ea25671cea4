"""The reference's networks: key tables, weights and inputs that anyone can make again, and golden outputs.

The files in data/ are outputs of the reference's own programs (Gao 2024, doi 10.1093/gji/ggad424) for these
weights and inputs; in 3D every third sample on each axis.
"""

import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch

DATA = Path(__file__).parent / "data"
OURS = {"fsem": "fault_probability", "fdip": "fault_dip", "fstrike": "fault_strike"}


@pytest.fixture(autouse=True)
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def key_tables():
    """Shapes by key, by network: mtl2_infer, mtl2_refine, mtl3_infer, mtl3_refine."""
    return json.loads((DATA / "keys.json").read_text())


@pytest.fixture
def shapes_only(key_tables):
    """A checkpoint's state dict without memory for the weights."""

    def make(name):
        return {key: torch.empty(shape, device="meta") for key, shape in key_tables[name].items()}

    return make


@pytest.fixture
def seeded(key_tables):
    """A checkpoint's state dict with the weights of which the golden outputs are made."""
    return lambda name: {key: weight(key, shape) for key, shape in key_tables[name].items()}


@pytest.fixture
def golden_inputs():
    """The inputs of which the golden outputs are made, under this package's names."""

    def make(names, shape):
        alias = {"fault_probability": "fsem", "fault_dip": "fdip", "fault_strike": "fstrike"}
        fields = {name: field(alias.get(name, name), shape) for name in names}
        return {name: values * 2 - 1 if name == "image" else values for name, values in fields.items()}

    return make


@pytest.fixture
def golden_outputs():
    """Outputs under this package's names; in 3D every third sample on each axis."""

    def load(name):
        with np.load(DATA / f"{name}.npz") as arrays:
            return {OURS.get(key, key): torch.from_numpy(arrays[key]) for key in arrays.files}

    return load


@pytest.fixture
def deviations():
    """By output, how far it is from the golden one: deviations(found, golden).

    The root mean square of the difference, over the golden output's own spread and float32's resolution. The golden
    outputs are float32, and these networks amplify its rounding: of the same network in float64 they are 60 to 290 of
    these units away, and float32 on processors with other instructions up to 350.
    """

    def compare(found, golden):
        assert found.keys() == golden.keys()
        return {name: deviation(found[name], values) for name, values in golden.items()}

    return compare


def deviation(found, golden):
    golden = golden.double()
    every = 3 if golden.ndim == 3 else 1
    values = torch.as_tensor(found).double().reshape(-1, *found.shape[-golden.ndim :])[0]
    difference = values[(slice(None, None, every),) * golden.ndim] - golden
    return float(difference.square().mean().sqrt() / golden.std() / torch.finfo(torch.float32).eps)


def weight(key, shape):
    scale = 0.1 if len(shape) == 1 else np.sqrt(1 / np.prod(shape[1:]))
    return torch.from_numpy(np.float32(scale * generator(key).standard_normal(shape)))


def field(name, shape):
    return torch.from_numpy(np.float32(generator(name).random(shape)))[None, None]


def generator(text):
    return np.random.default_rng([7, zlib.crc32(text.encode())])
