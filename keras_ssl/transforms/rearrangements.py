"""What moves the pixels of images and keeps their values: quarter turns, mirrors and shuffled tiles. Pure functions."""

import itertools
import math

import numpy as np
from keras import ops

__all__ = ["distant_permutations", "flip", "rot90", "shuffle_tiles"]

_ALL_UP_TO = 9  # tiles: 362,880 permutations
_DRAWN = 20_000


def rot90(images, quarters):
    """Turn images counter-clockwise by a number of quarters.

    Args:
        images: Tensor `(n, height, width, channels)`; square where `quarters` is odd and the shape must stay.
        quarters: 0, 1, 2 or 3.

    Returns:
        A tensor like `images`, height and width exchanged where `quarters` is odd.
    """
    images = ops.transpose(images, (0, 2, 1, 3)) if quarters % 2 else images
    return _flip(images, ((), (1,), (1, 2), (2,))[quarters])


def flip(images, which):
    """Mirror images.

    Args:
        images: Tensor `(n, height, width, channels)`.
        which: 0 leaves them upright, 1 mirrors left and right, 2 turns them upside down, 3 does both.

    Returns:
        A tensor like `images`.
    """
    return _flip(images, ((), (2,), (1,), (1, 2))[which])


def _flip(images, axes):
    return ops.flip(images, axes) if axes else images


def shuffle_tiles(images, grid, order):
    """Cut images into tiles and put those together in another order.

    Args:
        images: Tensor `(n, height, width, channels)`, height and width multiples of `grid`.
        grid: Tiles along each side, at least 1.
        order: Integers `(grid²,)`, or `(n, grid²)` for an order of each image's own: which tile, counted row by row,
            comes to each place.

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


def distant_permutations(count, length, seed=0):
    """Choose permutations that differ from each other in as many places as can be (Hamming distance).

    Greedy: each next one is among those whose distance to the nearest chosen one is largest. Candidates are all
    permutations of up to 9 numbers, and of more 20,000 (or ten times `count`) that are drawn.

    Args:
        count: Number of permutations, at most `length!`.
        length: How many numbers are permuted, at least 2.
        seed: Of the order in which candidates are looked at. Default 0.

    Returns:
        Integer array `(count, length)` of different permutations of `0..length - 1`, the same wherever it is computed.

    Reference:
        Noroozi & Favaro 2016, "Unsupervised Learning of Visual Representations by Solving Jigsaw Puzzles".
    """
    rng = np.random.RandomState(seed)  # whose stream is frozen for good, as saved objectives need
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
