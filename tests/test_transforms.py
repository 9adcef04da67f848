import numpy as np
import pytest
from scipy import stats

from keras_ssl import transforms

SEED = np.array([3, 5])


def boxes(count=2000, height=20, width=30, area=(0.1, 0.5), ratio=(0.5, 2.0), seed=SEED):
    return [np.asarray(value) for value in transforms.random_boxes(count, height, width, area, ratio, seed)]


def test_gaussian_noise_is_standard_normal():
    noise = np.asarray(transforms.gaussian_noise(np.zeros((200, 1000), "float32"), 1.0, SEED), "float64")
    assert stats.kstest(noise.ravel(), "norm").pvalue > 0.01
    assert abs(np.corrcoef(noise[:-1].ravel(), noise[1:].ravel())[0, 1]) < 0.01
    assert abs(np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1]) < 0.01


def test_gaussian_noise_scales_and_adds():
    x = np.full((4, 3, 3, 2), 5.0, "float32")
    unit = np.asarray(transforms.gaussian_noise(np.zeros_like(x), 1.0, SEED))
    stddev = np.array([0.0, 0.1, 0.2, 2.0], "float32").reshape(4, 1, 1, 1)
    np.testing.assert_allclose(transforms.gaussian_noise(x, stddev, SEED), x + stddev * unit, rtol=1e-6)


@pytest.mark.parametrize("other", [[3, 6], [4, 5]])
def test_noise_of_other_seeds_is_unrelated(other):
    zeros = np.zeros(50_000, "float32")
    one = np.asarray(transforms.gaussian_noise(zeros, 1.0, SEED))
    two = np.asarray(transforms.gaussian_noise(zeros, 1.0, np.array(other)))
    assert np.array_equal(one, np.asarray(transforms.gaussian_noise(zeros, 1.0, SEED)))
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.02
    assert abs(np.corrcoef(one[1:], two[:-1])[0, 1]) < 0.02


def test_boxes_lie_inside_and_have_the_asked_areas_and_ratios():
    top, left, height, width = boxes()
    assert top.min() >= -1e-5
    assert left.min() >= -1e-5
    assert (top + height).max() <= 20 + 1e-4
    assert (left + width).max() <= 30 + 1e-4
    area = height * width / 600
    assert stats.kstest((area - 0.1) / 0.4, "uniform").pvalue > 0.01
    assert (width / height).min() >= 0.5 - 1e-4
    assert (width / height).max() <= 2 + 1e-4


def test_ratios_are_clipped_to_keep_areas():
    _, _, height, width = boxes(area=(1.0, 1.0), ratio=(0.5, 2.0))
    np.testing.assert_allclose(height, 20, rtol=1e-5)
    np.testing.assert_allclose(width, 30, rtol=1e-5)


def test_boxes_by_hand():
    _, _, height, width = boxes(height=10, width=10, area=(0.25, 0.25), ratio=(1.0, 1.0))
    np.testing.assert_allclose(height, 5, rtol=1e-6)  # a quarter of the area, square: half of each side
    np.testing.assert_allclose(width, 5, rtol=1e-6)


def test_block_mask_hides_one_rectangle_in_each_image():
    masks = np.asarray(transforms.block_mask(50, 12, 16, (0.2, 0.4), (0.5, 2.0), SEED))
    assert masks.dtype == bool
    assert masks.shape == (50, 12, 16)
    for mask in masks:
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        assert mask.sum() == (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
    assert masks.mean() == pytest.approx(0.3, abs=0.02)
    assert len({mask.tobytes() for mask in masks}) > 40


@pytest.mark.parametrize("hidden", [0, 1, 5, 7])
def test_random_mask_hides_exactly_as_many_in_each_row(hidden):
    masks = np.asarray(transforms.random_mask(40, 7, hidden, SEED))
    assert masks.dtype == bool
    assert masks.shape == (40, 7)
    assert (masks.sum(axis=1) == hidden).all()


def test_random_mask_hides_every_pair_equally_often_and_by_its_seed():
    masks = np.asarray(transforms.random_mask(6000, 4, 2, SEED))
    counts = np.unique(masks @ [1, 2, 4, 8], return_counts=True)[1]
    assert len(counts) == 6  # pairs among four places
    assert stats.chisquare(counts).pvalue > 0.01
    np.testing.assert_array_equal(masks, transforms.random_mask(6000, 4, 2, SEED))
    assert (masks != np.asarray(transforms.random_mask(6000, 4, 2, SEED + 1))).any(axis=1).mean() > 0.7


def test_masking_noise_hides_as_many_elements_as_it_says_and_leaves_the_others():
    x = np.random.default_rng(0).uniform(0.1, 1, (100, 20, 20, 1)).astype("float32")
    masked = np.asarray(transforms.masking_noise(x, 0.3, SEED))
    hidden = masked == 0
    assert hidden.mean() == pytest.approx(0.3, abs=0.01)
    np.testing.assert_array_equal(masked[~hidden], x[~hidden])
    np.testing.assert_array_equal(transforms.masking_noise(x, 0.0, SEED), x)
    assert np.abs(transforms.masking_noise(x, 1.0, SEED)).max() == 0


def test_salt_and_pepper_come_in_equal_parts():
    x = np.full((100, 20, 20, 1), 0.4, "float32")
    noisy = np.asarray(transforms.salt_and_pepper(x, 0.2, SEED))
    assert (noisy == 0).mean() == pytest.approx(0.1, abs=0.01)
    assert (noisy == 1).mean() == pytest.approx(0.1, abs=0.01)
    assert set(np.unique(noisy)) == {np.float32(0), np.float32(0.4), np.float32(1)}


@pytest.mark.parametrize("noise", [transforms.masking_noise, transforms.salt_and_pepper])
def test_which_elements_change_depends_on_the_seed_only(noise):
    x = np.full((50, 20), 0.4, "float32")
    np.testing.assert_array_equal(noise(x, 0.5, SEED), noise(x, 0.5, SEED))
    assert not np.array_equal(noise(x, 0.5, SEED), noise(x, 0.5, np.array([3, 6])))
