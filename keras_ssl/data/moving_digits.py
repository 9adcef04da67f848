"""Moving MNIST, or videos of any other small images that move and bounce, drawn by index."""

import dataclasses
from typing import Any

import numpy as np

from keras_ssl.checks import check_between
from keras_ssl.data.readers.pixels import as_size
from keras_ssl.data.source import Source
from keras_ssl.errors import UserError
from keras_ssl.typing import Samples

__all__ = ["MovingDigits", "gray_bytes", "moving_digits"]


def moving_digits(
    images: Source | Samples,
    count: int = 10_000,
    length: int = 20,
    size: int | tuple[int, int] = 64,
    digits: int = 2,
    step: float = 0.1,
    seed: int = 0,
    name: str = "moving digits",
) -> Source:
    """Make videos of digits that move straight, each at its own angle, and bounce off the edges.

    Each video is drawn from the seed and its own index, when it is needed: the i-th is the same whatever `count` is, in
    any order and in every process.

    Args:
        images: `Source` or array of gray images `(n, height, width, 1)`, uint8 or floats in 0..1, such as those of
            MNIST. Draw videos for training and testing from different ones.
        count: Number of videos. Default: 10,000.
        length: Frames of a video. Default: 20, of which Moving MNIST predicts the second half.
        size: Side length of the frames in pixels, or `(height, width)`, larger than the images. Default: 64.
        digits: Number of digits in a video. Default: 2.
        step: Distance that a digit moves between two frames, as a fraction of the room that it has: of the frame's size
            minus the digit's, along both axes. Above 0. Default: 0.1.
        seed: Seed of the draws, a non-negative integer. Default: 0.
        name: Name of the set in messages.

    Returns:
        `Source` of kind "video", uint8 `(count, length, height, width, 1)`.

    Raises:
        UserError: If the images are not gray or not smaller than the frames, or a number is out of its range.

    Reference:
        Srivastava et al. 2015, "Unsupervised Learning of Video Representations using LSTMs", section 3.1.

    Departures:
        A digit turns where its edge meets that of the frame, also between two frames; the authors' code lets it stop at
        the edge first. Where digits overlap, the brighter pixel shows, as in that code. Positions are rounded.

    Example:
        `data.moving_digits(data.load("mnist", split="train[:50000]"), count=20_000)`
    """
    stored = images.stored if isinstance(images, Source) else np.asarray(images)
    pixels = gray_bytes(stored)
    sides = as_size(size) or (64, 64)
    for argument, value in (("count", count), ("length", length), ("digits", digits)):
        check_between(argument, value, least=1, whole=True)
    check_between("step", step, above=0)
    check_between("seed", seed, least=0, whole=True)
    if any(frame <= digit for frame, digit in zip(sides, pixels.shape[1:3])):
        raise UserError(
            f"frames larger than the images, {pixels.shape[1]}x{pixels.shape[2]}",
            f"size={size}",
            "give a larger `size`, or smaller images",
        )
    drawn = MovingDigits(pixels, np.arange(count), int(length), sides, int(digits), float(step), int(seed))
    return Source(drawn, name=name, kinds="video")


@dataclasses.dataclass(frozen=True, eq=False)
class MovingDigits:
    """The videos that `moving_digits` describes, as samples of a `Source`.

    Attributes:
        images: uint8 array `(n, height, width, 1)`.
        numbers: Integer array of the videos' numbers, from which they are drawn.
        length: Frames of a video.
        size: `(height, width)` of the frames.
        digits: Number of digits in a video.
        step: See `moving_digits`.
        seed: Seed of the draws.
    """

    images: np.ndarray
    numbers: np.ndarray
    length: int
    size: tuple[int, int]
    digits: int
    step: float
    seed: int

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, which: Any) -> "MovingDigits":
        """Return the videos of a slice, an array of indices or a boolean mask."""
        return dataclasses.replace(self, numbers=self.numbers[which])

    def rows(self, indices: Any) -> np.ndarray:
        """Return the videos at `indices` `(k,)`, uint8 `(k, length, height, width, 1)`."""
        numbers = self.numbers[indices]
        videos = np.zeros((len(numbers), self.length, *self.size, 1), "uint8")
        for video, number in zip(videos, numbers):
            self._draw(video, np.random.default_rng([self.seed, int(number)]))
        return videos

    def _draw(self, video, rng):
        height, width = self.images.shape[1:3]
        room = np.array(self.size) - (height, width)
        for digit in self.images[rng.integers(0, len(self.images), self.digits)]:
            angle = rng.uniform(0, 2 * np.pi)
            path = rng.uniform(size=2) + np.arange(self.length)[:, None] * self.step * np.array(
                [np.sin(angle), np.cos(angle)]
            )
            for frame, (row, column) in zip(video, np.rint(_bounced(path) * room).astype(int)):
                part = frame[row : row + height, column : column + width]
                np.maximum(part, digit, out=part)


def _bounced(path: np.ndarray) -> np.ndarray:
    """Fold a straight line into 0..1, as between two mirrors."""
    return 1 - np.abs(1 - path % 2)


def gray_bytes(images: np.ndarray) -> np.ndarray:
    """Return gray images as uint8.

    Args:
        images: Array `(n, height, width, 1)`, uint8 or floats in 0..1.

    Raises:
        UserError: If they are something else.
    """
    if images.ndim != 4 or images.shape[-1] != 1 or not len(images):
        raise UserError(
            "gray images (n, height, width, 1)", f"shape {images.shape}", "add the axis of channels: `x[..., None]`"
        )
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind != "f" or not (np.isfinite(images).all() and images.min() >= 0 and images.max() <= 1):
        raise UserError(
            "images as uint8, or as floats in 0..1", f"dtype {images.dtype}, or values outside", "scale them"
        )
    return np.rint(255 * images).astype("uint8")
