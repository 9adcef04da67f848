"""Scenes of several small images on textured ground, with their masks and boxes, drawn by index."""

import dataclasses
from typing import Any

import numpy as np

from keras_ssl.checks import as_array, check_between, check_labels, check_range
from keras_ssl.data.moving_digits import gray_bytes
from keras_ssl.data.readers.pixels import as_size
from keras_ssl.data.source import Source, check_labeled
from keras_ssl.errors import UserError
from keras_ssl.typing import Samples

__all__ = ["Scenes", "scenes"]

_TRIES = 20  # at a place for a figure that touches no other
_LEAST = 3  # pixels of the side of a scaled figure, before it is cut to its box
_INK = 0.5  # of a figure's brightest pixel: brighter ones belong to it


def scenes(
    figures: Source | Samples,
    labels: Any = None,
    count: int = 1000,
    size: int | tuple[int, int] = 64,
    most: int = 3,
    scale: tuple[float, float] = (0.6, 1.2),
    seed: int = 0,
    name: str = "scenes",
) -> Source:
    """Compose scenes of figures such as digits, each scaled, at its own place, on ground with waves and noise.

    Each scene is drawn from the seed and its own index, when it is needed: the i-th is the same whatever `count` is, in
    any order and in every process. `source.samples` also has the masks and the boxes. No two boxes overlap.

    Args:
        figures: `Source` or array of gray images `(n, height, width, 1)` with a figure on black, uint8 or floats in
            0..1, such as those of MNIST. Draw scenes for training and testing from different ones.
        labels: Integer array `(n,)`, the class of each figure. Default: None, those of the `Source`.
        count: Number of scenes. Default: 1000.
        size: Side length of the scenes in pixels, or `(height, width)`. Default: 64.
        most: Largest number of figures in a scene, which has at least one. Default: 3.
        scale: Smallest and largest scale of a figure. Default: (0.6, 1.2).
        seed: Seed of the draws, a non-negative integer. Default: 0.
        name: Name of the set in messages. Default: "scenes".

    Returns:
        `Source` of kind "image", uint8 `(count, height, width, 1)`, without labels, of `Scenes`.

    Raises:
        UserError: If the figures are not gray images, one is empty or too large for a scene, there is not one class for
            each, or a number is out of its range.

    Reference:
        Sabour et al. 2017, "Dynamic Routing Between Capsules", section 6 (MultiMNIST), for scenes of several digits.

    Departures:
        Figures do not overlap, they vary in size, and the ground is textured.

    Example:
        `train = data.scenes(data.load("mnist", "train[:50000]"), count=500)`, then `train.inputs()`,
        `train.samples.masks()` and `train.samples.boxes()`
    """
    if isinstance(figures, Source) and labels is None:
        check_labeled(figures)
        labels = figures.labels
    pixels = gray_bytes(figures.stored if isinstance(figures, Source) else np.asarray(figures))
    numbers = as_array(labels, "labels", strings=True)
    check_labels(numbers, len(pixels))
    sides = as_size(size) or (64, 64)
    for argument, value in (("count", count), ("most", most)):
        check_between(argument, value, least=1, whole=True)
    check_between("seed", seed, least=0, whole=True)
    low, high = check_range("scale", scale, 0.05, 20)
    if any(max(_LEAST, int(np.ceil(high * figure))) > scene for figure, scene in zip(pixels.shape[1:3], sides)):
        raise UserError(
            f"scenes of at least {_LEAST} pixels, and {high:g} times the size of the figures, "
            f"{pixels.shape[1]}x{pixels.shape[2]}",
            f"size={size}",
            "give a larger `size`, a smaller `scale`, or smaller figures",
        )
    if (empty := ~pixels.reshape(len(pixels), -1).any(axis=1)).any():
        raise UserError("a figure in each image", f"none at index {np.argmax(empty)}", "leave these images out")
    drawn = Scenes(pixels, numbers.astype("int64"), np.arange(count), sides, int(most), (low, high), int(seed))
    return Source(drawn, name=name, kinds="image", why_unlabeled="its scenes have masks and boxes: `source.samples`")


@dataclasses.dataclass(frozen=True, eq=False)
class Scenes:
    """The scenes that `scenes` describes, as samples of a `Source`.

    Attributes:
        figures: uint8 array `(n, height, width, 1)`.
        classes: Integer array `(n,)`, the class of each figure.
        numbers: Integer array of the scenes' numbers, from which they are drawn.
        size: `(height, width)` of the scenes.
        most: Largest number of figures in a scene.
        scale: Smallest and largest scale of a figure.
        seed: Seed of the draws.
    """

    figures: np.ndarray
    classes: np.ndarray
    numbers: np.ndarray
    size: tuple[int, int]
    most: int
    scale: tuple[float, float]
    seed: int

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, which: Any) -> "Scenes":
        """Return the scenes of a slice, an array of indices or a boolean mask."""
        return dataclasses.replace(self, numbers=self.numbers[which])

    def rows(self, indices: Any) -> np.ndarray:
        """Return the scenes at `indices` `(k,)`, uint8 `(k, height, width, 1)`."""
        drawn = [self._draw(number)[0] for number in self.numbers[indices]]
        return np.reshape(drawn, (len(drawn), *self.size, 1)).astype("uint8")

    def masks(self) -> np.ndarray:
        """Return the class of each pixel: int32 `(n, height, width)`, 0 for the ground and `1 + class` for figures."""
        drawn = [self._draw(number)[1] for number in self.numbers]
        return np.reshape(drawn, (len(drawn), *self.size)).astype("int32")

    def boxes(self) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Return for each scene the boxes of its figures `(m, 4)`, as "xyxy" in pixels, and their classes `(m,)`."""
        drawn = [self._draw(number)[2:] for number in self.numbers]
        boxes = [np.array(found, "float32") for found, _ in drawn]
        return boxes, [np.array(classes, "int64") for _, classes in drawn]

    def _draw(self, number):
        """A scene, its mask, its boxes and their classes."""
        rng = np.random.default_rng([self.seed, int(number)])
        scene, mask = _ground(self.size, rng), np.zeros(self.size, int)
        boxes: list[tuple[int, int, int, int]] = []
        classes = []
        for which in rng.integers(0, len(self.figures), rng.integers(1, self.most + 1)):
            figure = _scaled(self.figures[which, :, :, 0], rng.uniform(*self.scale))
            box = _free_place(figure.shape, self.size, boxes, rng)
            if box is None:
                continue
            left, top, right, bottom = box
            part = slice(top, bottom), slice(left, right)
            scene[part] += figure * (rng.uniform(0.7, 1) - scene[part])
            mask[part][figure > _INK] = 1 + self.classes[which]
            boxes.append(box)
            classes.append(self.classes[which])
        return np.rint(255 * scene), mask, boxes, classes


def _ground(size, rng):
    """Waves in four directions with noise, floats in 0..0.5."""
    row, column = np.meshgrid(*(np.arange(side) / max(size) for side in size), indexing="ij")
    ground = rng.normal(0.25, 0.03, size)
    for _ in range(4):
        angle, phase = rng.uniform(0, 2 * np.pi, 2)
        waves = rng.uniform(1, 8) * (row * np.sin(angle) + column * np.cos(angle))
        ground += 0.06 * np.sin(2 * np.pi * waves + phase)
    return np.clip(ground, 0, 0.5)


def _scaled(figure, scale):
    """A figure at a scale, cut to its box, as opacity in 0..1."""
    from PIL import Image

    height, width = (max(_LEAST, round(scale * side)) for side in figure.shape)
    image = Image.fromarray(figure.astype("float32")).resize((width, height), Image.Resampling.BILINEAR)
    opacity = np.asarray(image) / np.asarray(image).max()
    rows, columns = (np.flatnonzero((opacity > _INK).any(axis=axis)) for axis in (1, 0))
    return opacity[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _free_place(shape, size, boxes, rng):
    """A box of a shape that overlaps no other, or None if there is none in so many tries."""
    for _ in range(_TRIES):
        top, left = (int(rng.integers(0, scene - side + 1)) for side, scene in zip(shape, size))
        right, bottom = left + shape[1], top + shape[0]
        if all(right <= a or c <= left or bottom <= b or d <= top for a, b, c, d in boxes):
            return left, top, right, bottom
    return None
