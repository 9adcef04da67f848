import colorsys

import numpy as np
import pytest
from scipy import ndimage

from keras_ssl import views
from keras_ssl.errors import UserError
from keras_ssl.views.images import color

SEED = np.array([1, 2])
GRAY = np.array([0.299, 0.587, 0.114])


def photographs(n=6, height=20, width=22, channels=3):
    return np.random.default_rng(0).random((n, height, width, channels), dtype="float32")


def fixed(monkeypatch, **ranges):
    """Let color_jitter draw the given brightness, contrast, saturation; leave the rest as it is."""
    monkeypatch.setattr(color, "_factor", lambda name, value: (ranges.get(name, 1.0),) * 2)


def yiq_reference(image, saturation, turns):
    """colorsys on every pixel: chroma stretched and turned. An own implementation with other constants."""
    result = np.empty_like(image)
    for index in np.ndindex(image.shape[:2]):
        y, i, q = colorsys.rgb_to_yiq(*image[index])
        chroma = saturation * complex(i, q) * np.exp(2j * np.pi * turns)
        result[index] = colorsys.yiq_to_rgb(y, chroma.real, chroma.imag)
    return result


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_jitter_of_strength_zero_is_the_identity(channels):
    images = photographs(channels=channels)
    np.testing.assert_allclose(views.color_jitter(0, 0, 0, 0, 1.0)(images, SEED), images, atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_brightness_multiplies_and_contrast_moves_from_the_mean_gray(monkeypatch, channels):
    images = photographs(channels=channels)
    fixed(monkeypatch, brightness=0.5)
    np.testing.assert_allclose(views.color_jitter(1, 0, 0, 0, 1.0)(images, SEED), 0.5 * images, atol=1e-6)
    fixed(monkeypatch, contrast=0.25)
    weights = GRAY if channels == 3 else np.full(channels, 1 / channels)
    mean = (images @ weights).mean(axis=(1, 2))[:, None, None, None]
    expected = mean + 0.25 * (images - mean)
    np.testing.assert_allclose(views.color_jitter(0, 1, 0, 0, 1.0)(images, SEED), expected, atol=1e-5)


def test_saturation_moves_from_each_pixels_gray(monkeypatch):
    images = photographs()
    gray = (images @ GRAY)[..., None]
    for saturation in (0.0, 0.5):
        fixed(monkeypatch, saturation=saturation)
        expected = gray + saturation * (images - gray)
        np.testing.assert_allclose(views.color_jitter(0, 0, 1, 0, 1.0)(images, SEED), expected, atol=1e-4)


@pytest.mark.parametrize(("saturation", "turns"), [(1.0, 0.25), (1.0, 0.5), (0.7, -0.1), (1.0, 1.0)])
def test_chroma_matrices_equal_colorsys(saturation, turns):
    image = photographs(n=1)[0]
    matrix = np.asarray(color._chroma_matrices(np.float32([saturation]), np.float32([turns])))[0]
    expected = yiq_reference(image, saturation, turns)  # which clips
    np.testing.assert_allclose(np.clip(image @ matrix.T, 0, 1), expected, atol=0.01)
    if turns == 1.0:
        np.testing.assert_allclose(image @ matrix.T, image, atol=1e-5)


def test_hue_keeps_gray_pixels_and_luma():
    matrices = np.asarray(color._chroma_matrices(np.ones(5, "float32"), np.linspace(-0.5, 0.5, 5, dtype="float32")))
    np.testing.assert_allclose(matrices @ np.ones(3), np.ones((5, 3)), atol=1e-5)
    np.testing.assert_allclose(GRAY @ matrices, np.tile(GRAY, (5, 1)), atol=1e-5)


def test_a_third_of_a_turn_takes_red_toward_another_primary():
    matrices = np.asarray(color._chroma_matrices(np.ones(2, "float32"), np.float32([1 / 3, -1 / 3])))
    assert {int(np.argmax(matrix @ [1, 0, 0])) for matrix in matrices} == {1, 2}


def test_jitter_with_a_chance_leaves_the_other_images():
    images = np.tile(photographs(n=1, height=4, width=4), (1000, 1, 1, 1))
    changed = (np.asarray(views.color_jitter(probability=0.8)(images, SEED)) != images).any(axis=(1, 2, 3))
    assert changed.mean() == pytest.approx(0.8, abs=0.05)


def test_jitter_stays_in_range_and_draws_for_each_image():
    images = np.tile(photographs(n=1), (16, 1, 1, 1))
    changed = np.asarray(views.color_jitter(0.8, 0.8, 0.8, 0.2, 1.0)(images, SEED))
    assert changed.min() >= 0
    assert changed.max() <= 1
    assert len({image.tobytes() for image in changed}) == 16


def test_grayscale_weighs_the_channels():
    images = photographs()
    gray = np.asarray(views.grayscale(1.0)(images, SEED))
    np.testing.assert_allclose(gray, np.repeat((images @ GRAY)[..., None], 3, axis=-1), atol=1e-6)


@pytest.mark.parametrize("channels", [1, 5])
def test_grayscale_leaves_other_channel_counts(channels):
    images = photographs(channels=channels)
    np.testing.assert_array_equal(views.grayscale(1.0)(images, SEED), images)


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_blur_equals_scipy(channels):
    images = photographs(n=2, height=40, width=61, channels=channels)
    blurred = np.asarray(views.blur(sigma=(1.2, 1.2), probability=1.0)(images, SEED))
    radius = (2, 3, 0)  # a twentieth of each side
    for image, result in zip(images, blurred):
        expected = ndimage.gaussian_filter(image, (1.2, 1.2, 0), radius=radius, mode="reflect")
        np.testing.assert_allclose(result, expected, atol=1e-5)


def test_blur_keeps_a_constant_image():
    images = np.full((3, 9, 9, 2), 0.3, "float32")
    np.testing.assert_allclose(views.blur(probability=1.0)(images, SEED), images, atol=1e-6)


def test_solarize_by_hand():
    images = np.array([0.0, 0.25, 0.5, 0.75, 1.0], "float32").reshape(1, 1, 5, 1)
    solarized = np.asarray(views.solarize(threshold=0.5, probability=1.0)(images, SEED)).ravel()
    np.testing.assert_allclose(solarized, [0.0, 0.25, 0.5, 0.25, 0.0])


def test_noise_has_the_asked_strength():
    images = np.full((400, 16, 16, 1), 0.5, "float32")
    noisy = np.asarray(views.noise(stddev=(0.1, 0.3))(images, SEED)) - images
    strength = noisy.std(axis=(1, 2, 3))
    assert strength.min() > 0.08
    assert strength.max() < 0.35
    assert strength.mean() == pytest.approx(0.2, abs=0.01)


def test_erase_paints_a_box():
    images = np.ones((300, 10, 10, 3), "float32")
    erased = np.asarray(views.erase(area=(0.1, 0.3), value=0.25, probability=0.5)(images, SEED))
    assert set(np.unique(erased)) == {np.float32(0.25), np.float32(1.0)}
    hit = (erased != 1).any(axis=(1, 2, 3))
    assert hit.mean() == pytest.approx(0.5, abs=0.1)
    assert (erased[hit] != 1).mean() == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize(
    "make",
    [
        lambda: views.color_jitter(brightness=-1),
        lambda: views.color_jitter(hue=0.7),
        lambda: views.grayscale(2),
        lambda: views.blur(sigma=(0, 1)),
        lambda: views.blur(sigma=1.0),
        lambda: views.solarize(threshold=200),
        lambda: views.noise(stddev=(-1, 1)),
        lambda: views.erase(area=(0.5, 2)),
        lambda: views.erase(value=255),
    ],
)
def test_senseless_numbers_are_refused(make):
    with pytest.raises(UserError, match=r"Expected .* Received .* Do: "):
        make()
