"""Rotated, flipped and shuffled images: by hand, against NumPy, and inverses."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_ssl.transforms.rearrangements import distant_permutations, flip, rot90, shuffle_tiles

X = np.random.default_rng(0).random((3, 6, 6, 2), "float32")


@pytest.mark.parametrize("quarters", range(4))
def test_rotations_equal_numpy(quarters):
    np.testing.assert_array_equal(rot90(X, quarters), np.rot90(X, quarters, axes=(1, 2)))


def test_four_rotations_are_the_identity_and_one_moves_the_right_side_to_the_top():
    y = X
    for _ in range(4):
        y = rot90(y, 1)
    np.testing.assert_array_equal(y, X)
    np.testing.assert_array_equal(rot90(X, 1)[:, 0], X[:, :, -1])


@pytest.mark.parametrize(("which", "axes"), [(0, ()), (1, 2), (2, 1), (3, (1, 2))])
def test_flips_equal_numpy_and_are_their_own_inverses(which, axes):
    np.testing.assert_array_equal(flip(X, which), np.flip(X, axes) if axes else X)
    np.testing.assert_array_equal(flip(flip(X, which), which), X)


def shuffled_by_loops(images, grid, orders):
    shuffled = np.empty_like(images)
    rows, columns = images.shape[1] // grid, images.shape[2] // grid
    for image, result, order in zip(images, shuffled, orders):
        for place, tile in enumerate(order):
            (to_y, to_x), (y, x) = divmod(place, grid), divmod(tile, grid)
            result[to_y * rows : (to_y + 1) * rows, to_x * columns : (to_x + 1) * columns] = image[
                y * rows : (y + 1) * rows, x * columns : (x + 1) * columns
            ]
    return shuffled


def test_tiles_by_hand():
    x = np.arange(4.0).reshape(1, 2, 2, 1)
    assert np.ravel(shuffle_tiles(x, 2, [3, 0, 1, 2])).tolist() == [3, 0, 1, 2]
    both = shuffle_tiles(np.concatenate([x, x]), 2, [[0, 1, 2, 3], [1, 0, 3, 2]])
    assert np.reshape(both, (2, 4)).tolist() == [[0, 1, 2, 3], [1, 0, 3, 2]]


@settings(max_examples=10)
@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(1, 5), st.integers(0, 1000))
def test_tiles_equal_the_loops(grid, rows, columns, n, seed):
    rng = np.random.default_rng(seed)
    x = rng.random((n, grid * rows, grid * columns, 2), "float32")
    orders = rng.permuted(np.tile(np.arange(grid**2), (n, 1)), axis=1)
    np.testing.assert_array_equal(shuffle_tiles(x, grid, orders), shuffled_by_loops(x, grid, orders))
    np.testing.assert_array_equal(shuffle_tiles(x, grid, orders[0]), shuffled_by_loops(x, grid, [orders[0]] * n))
    back = np.argsort(orders, axis=1)
    np.testing.assert_array_equal(shuffle_tiles(shuffle_tiles(x, grid, orders), grid, back), x)


def nearest(permutations):
    return min((a != b).sum() for a, b in itertools.combinations(permutations, 2))


def test_all_permutations_of_four_tiles_are_found_each_once():
    found = distant_permutations(24, 4)
    assert {tuple(row) for row in found.tolist()} == set(itertools.permutations(range(4)))


@pytest.mark.parametrize(("count", "length"), [(4, 4), (9, 9), (30, 9), (30, 16)])
def test_chosen_permutations_are_further_from_each_other_than_drawn_ones(count, length):
    found = distant_permutations(count, length)
    assert found.shape == (count, length)
    assert (np.sort(found, axis=1) == np.arange(length)).all()
    drawn = [nearest(np.random.default_rng(seed).random((count, length)).argsort(axis=1)) for seed in range(5)]
    assert nearest(found) > max(drawn)


def test_each_choice_is_the_most_distant_that_is_left():
    found = distant_permutations(6, 4)
    everything = np.array(list(itertools.permutations(range(4))))
    for k in range(1, 6):
        distance = [min((row != chosen).sum() for chosen in found[:k]) for row in everything]
        assert min((found[k] != chosen).sum() for chosen in found[:k]) == max(distance)


def test_the_permutations_never_change():
    # Saved objectives store only how many permutations there are.
    assert distant_permutations(3, 4).tolist() == [[1, 3, 2, 0], [3, 2, 0, 1], [0, 1, 3, 2]]
    assert distant_permutations(2, 10).tolist() == [[9, 4, 6, 3, 0, 2, 5, 1, 7, 8], [3, 5, 4, 9, 7, 1, 8, 0, 6, 2]]
    assert distant_permutations(3, 4, seed=1).tolist() != distant_permutations(3, 4).tolist()
