"""Reading along horizons: layers with a throw look the same from every trace; what is not there is left alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mtl_seismic.heads.horizon_sampling import sample_along_horizons
from mtl_seismic.heads.rgt import RGT
from mtl_seismic.stages.mtr import MTR
from mtlcore.plugin.plugins import current


def layers(shape, throw=6.0):
    """Time that dips and jumps by a throw at the middle trace, and an image that is a function of it."""
    axes = np.meshgrid(*(np.arange(n, dtype=np.float64) for n in shape), indexing="ij")
    time = axes[0] + 0.2 * axes[1] + throw * (axes[1] >= shape[1] // 2)
    time = torch.from_numpy(time.astype(np.float32))[None, None]
    return time / 100, torch.sin(time * 2 * np.pi / 9)


@pytest.mark.parametrize(("shape", "axes"), [((80, 40), 1), ((60, 24, 10), 2)])
def test_layers_look_the_same_from_every_trace(shape, axes):
    time, image = layers(shape)
    read = sample_along_horizons(torch.cat([image, 2 * image], 1), time, (1, 7))
    assert read.shape == (1, 2 * 2 * 2 * axes, *shape)
    middle = (slice(20, -20),)  # rows whose times all neighbours have
    for channel in range(read.shape[1]):
        wanted = (2 if channel % 2 else 1) * image[0, 0]
        assert torch.allclose(read[0, channel][middle], wanted[middle], atol=0.06)


def test_what_no_neighbour_has_stays_as_it_is():
    time, image = layers((50, 30))
    far = sample_along_horizons(image, time, (30, 45))
    assert torch.equal(far, image.expand_as(far))
    left, right = sample_along_horizons(image, time, (4,))[0]
    assert torch.equal(left[:, :4], image[0, 0, :, :4])
    assert torch.equal(right[:, -4:], image[0, 0, :, -4:])
    # The lowest rows beyond the throw are older than all that the near side has.
    beyond = time[0, 0, :, 17] > time[0, 0, -1, 13] + 0.0101
    assert beyond.sum() > 4 and torch.equal(left[beyond, 17], image[0, 0, beyond, 17])


def test_noise_is_averaged_and_reflectors_are_not():
    time, image = layers((120, 200))
    noisy = image + 0.5 * torch.randn(image.shape, generator=torch.manual_seed(0))
    read = sample_along_horizons(noisy, time, (1, 2, 3, 4, 5, 6))
    mean = (read.sum(1) + noisy[:, 0]) / 13
    middle = (0, slice(20, -20), slice(8, -8))
    before, after = ((values - image[:, 0])[middle].std() for values in (noisy[:, 0], mean))
    assert after < before / 2.5


def test_refinement_reads_the_image_along_horizons():
    names = ("dhr", "rgt", "fault")
    tasks = tuple(current().tasks[name]() for name in names)
    image = torch.randn(1, 1, 32, 24)
    fields = {output.name: torch.rand(1, 1, 32, 24) for task in tasks for output in task.outputs_in(2)}
    fields["rgt"] = torch.linspace(0, 1, 32).view(1, 1, 32, 1).expand(1, 1, 32, 24)
    read = MTR().inputs(tasks, image, fields)
    both = 2 * 2 * len(RGT().neighbours)
    assert read["along_horizons"].shape[1] == both
    assert MTR(image=False).inputs(tasks, image, fields)["along_horizons"].shape[1] == both // 2
    # Time is flat here: the neighbour's samples of the same row.
    assert torch.allclose(read["along_horizons"][0, 2, :, :-2], image[0, 0, :, 2:], atol=1e-6)
