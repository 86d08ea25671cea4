import numpy as np
import pytest

from mtl_seismic.synth.imaging import image, wavelet


def spike(at, size=41):
    reflectivity = np.zeros((size, 3), np.float32)
    reflectivity[at] = 1
    return reflectivity


@pytest.mark.parametrize(("name", "symmetry"), [("ricker", 1), ("ricker_deriv", -1), ("gaussian_deriv", -1)])
def test_an_image_is_centred_on_its_reflector(name, symmetry):
    trace = image(spike(20), name, 120, [0])[:, 1]
    np.testing.assert_allclose(trace, symmetry * trace[::-1], atol=1e-6)


def test_half_sample_shift_moves_the_image_up_and_sideways():
    reflectivity = np.zeros((41, 11), np.float32)
    reflectivity[20, 5] = 1
    shifted = image(reflectivity, "ricker", 120, [0], shifted=True)
    np.testing.assert_allclose(shifted[:40, 5], shifted[39::-1, 5], atol=1e-6)
    np.testing.assert_allclose(shifted[:, 4], shifted[:, 5])
    assert np.abs(shifted[:, [3, 6]]).max() == 0


def test_peak_frequency_of_the_ricker_wavelet():
    lag = np.arange(-500, 500)
    spectrum = np.abs(np.fft.rfft(wavelet("ricker", 50, lag)))
    assert np.fft.rfftfreq(1000, 0.001)[spectrum.argmax()] == pytest.approx(50, abs=6)  # the taper shifts it a little


def test_blur_spreads_a_point_as_a_gaussian():
    reflectivity = np.zeros((21, 21), np.float32)
    reflectivity[10, 10] = 1
    row = image(reflectivity, "ricker", 120, [2.0])[10]
    np.testing.assert_allclose(row / row[10], np.exp(-((np.arange(21) - 10) ** 2) / 8), atol=1e-6)
