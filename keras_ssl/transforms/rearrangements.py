"""Rearrangements of pixels: rotations by 90 degrees, flips and shuffled tiles. Pure functions."""

import itertools
import math

import numpy as np
from keras import ops

from keras_ssl.typing import Tensor

__all__ = ["distant_permutations", "flip", "rot90", "shuffle_tiles"]

_ALL_UP_TO = 9  # tiles, which have 362,880 permutations
_DRAWN = 20_000


def rot90(images: Tensor, quarters: int) -> Tensor:
    """Rotate images counterclockwise by multiples of 90 degrees.

    Args:
        images: Tensor `(n, height, width, channels)`.
        quarters: 0, 1, 2 or 3 times 90 degrees.

    Returns:
        A tensor like `images`; height and width are swapped if `quarters` is odd.
    """
    images = ops.transpose(images, (0, 2, 1, 3)) if quarters % 2 else images
    return _flip(images, ((), (1,), (1, 2), (2,))[quarters])


def flip(images: Tensor, which: int) -> Tensor:
    """Flip images.

    Args:
        images: Tensor `(n, height, width, channels)`.
        which: 0 = unchanged, 1 = left and right swapped, 2 = top and bottom swapped, 3 = both.

    Returns:
        A tensor like `images`.
    """
    return _flip(images, ((), (2,), (1,), (1, 2))[which])


def _flip(images, axes):
    return ops.flip(images, axes) if axes else images


def shuffle_tiles(images: Tensor, grid: int, order: Tensor) -> Tensor:
    """Cut images into tiles and put them together in another order.

    Args:
        images: Tensor `(n, height, width, channels)`, height and width multiples of `grid`.
        grid: Number of tiles along each side, at least 1.
        order: Integers `(grid²,)`, or `(n, grid²)` for a different order in each image: which tile goes to each
            position. Tiles and positions are counted row by row.

    Returns:
        A tensor like `images`.
    """
    height, width, channels = images.shape[1:]
    rows, columns = height // grid, width // grid
    tiles = ops.reshape(images, (-1, grid, rows, grid, columns, channels))
    tiles = ops.reshape(ops.transpose(tiles, (0, 1, 3, 2, 4, 5)), (-1, grid**2, rows * columns * channels))
    order = ops.reshape(ops.cast(order, "int32"), (-1, grid**2, 1))
    tiles = ops.take_along_axis(tiles, ops.broadcast_to(order, ops.shape(tiles)), axis=1)
    tiles = ops.transpose(ops.reshape(tiles, (-1, grid, grid, rows, columns, channels)), (0, 1, 3, 2, 4, 5))
    return ops.reshape(tiles, (-1, height, width, channels))


def distant_permutations(count: int, length: int, seed: int = 0) -> np.ndarray:
    """Choose permutations that differ from each other in as many positions as possible (Hamming distance).

    The choice is greedy: each next permutation has the largest distance to the nearest one already chosen. Candidates
    are all permutations of up to 9 numbers; for more numbers they are 20,000 random ones, or `10 * count` if larger.

    Args:
        count: Number of permutations, at most `length!`.
        length: How many numbers are permuted, at least 2.
        seed: Seed for the order of candidates. Default: 0.

    Returns:
        Integer array `(count, length)` of different permutations of `0..length - 1`, the same on every machine.

    Reference:
        Noroozi & Favaro 2016, "Unsupervised Learning of Visual Representations by Solving Jigsaw Puzzles".
    """
    rng = np.random.RandomState(seed)  # NumPy never changes its stream, which saved objectives rely on
    if length <= _ALL_UP_TO:
        candidates = np.array(list(itertools.permutations(range(length))), "uint8")[
            rng.permutation(math.factorial(length))
        ]
    else:
        candidates = rng.rand(max(_DRAWN, 10 * count), length).argsort(axis=1)
    chosen, distance = [0], np.full(len(candidates), length)
    while len(chosen) < count:
        distance = np.minimum(distance, (candidates != candidates[chosen[-1]]).sum(axis=1))
        chosen.append(int(distance.argmax()))
    return candidates[chosen].astype("int32")
