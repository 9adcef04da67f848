"""Attributes of images, and the targets that `objectives.AttributePrediction` is trained to predict."""

import dataclasses
from typing import Any

import numpy as np

from keras_ssl.data.source import Source, from_arrays
from keras_ssl.errors import UserError
from keras_ssl.progress import track
from keras_ssl.trees import count

__all__ = ["COLORS", "ORIENTATIONS", "Targets", "brightness", "dominant_color", "edge_orientation", "targets"]

COLORS = ("gray", "red", "yellow", "green", "cyan", "blue", "magenta")
"""The classes of `dominant_color`."""
ORIENTATIONS = ("horizontal", "rising", "vertical", "falling")
"""The classes of `edge_orientation`."""

_CHUNK = 1024
_GRAY = 0.1  # mean difference of the highest and the lowest channel


def brightness(images: np.ndarray) -> np.ndarray:
    """Return the mean of all pixels and channels, a continuous attribute.

    Args:
        images: Float array `(n, height, width, channels)` in 0..1.

    Returns:
        Float array `(n,)` in 0..1.
    """
    return images.mean(axis=(1, 2, 3))


def dominant_color(images: np.ndarray) -> np.ndarray:
    """Return the dominant hue of each image, a categorical attribute.

    Every pixel votes for its hue, rounded to one of six, with its chroma: the difference of its highest and lowest
    channel. An image whose mean chroma is below 0.1 is gray.

    Args:
        images: Float array `(n, height, width, 3)` in 0..1.

    Returns:
        Integer array `(n,)`, indices of `COLORS`.

    Raises:
        UserError: If there are not three channels.
    """
    if images.shape[-1] != 3:
        raise UserError("images with three channels for their color", f"shape {images.shape}", "leave it out")
    red, green, blue = np.moveaxis(images, -1, 0)
    chroma = images.max(axis=-1) - images.min(axis=-1)
    hue = np.arctan2(np.sqrt(3) * (green - blue), 2 * red - green - blue)
    sector = np.round(hue / (np.pi / 3)).astype(int) % 6
    votes = np.stack([(chroma * (sector == k)).sum(axis=(1, 2)) for k in range(6)], axis=1)
    return np.where(chroma.mean(axis=(1, 2)) < _GRAY, 0, 1 + votes.argmax(axis=1))


def edge_orientation(images: np.ndarray) -> np.ndarray:
    """Return the dominant direction of the edges of each image, a categorical attribute.

    Every pixel votes for the direction across its gradient (of the mean of the channels, by central differences),
    rounded to one of four, with the gradient's squared length. An image without edges is of class 0.

    Args:
        images: Float array `(n, height, width, channels)`, at least 2 pixels high and wide.

    Returns:
        Integer array `(n,)`, indices of `ORIENTATIONS`: edges along the rows, from the lower left to the upper right,
        along the columns, and from the upper left to the lower right.
    """
    down, right = np.gradient(images.mean(axis=-1), axis=(1, 2))
    direction = np.arctan2(-down, right) + np.pi / 2
    sector = np.round(direction / (np.pi / 4)).astype(int) % 4
    energy = np.square(down) + np.square(right)
    votes = np.stack([(energy * (sector == k)).sum(axis=(1, 2)) for k in range(4)], axis=1)
    return votes.argmax(axis=1)


_CLASSES = {dominant_color: len(COLORS), edge_orientation: len(ORIENTATIONS)}


@dataclasses.dataclass(frozen=True, eq=False)
class Targets:
    """Attributes of the samples of a source, or of their tokens, for `AttributePrediction` and `TokenAttributes`.

    Args:
        attributes: Number of classes by name; None for a continuous attribute.
        values: Float32 array `(n, number of attributes)`, or `(n, length, number of attributes)` of tokens: class
            numbers, and standardized continuous attributes; NaN where a token has none.
        mean: Float array `(number of attributes,)`: the subtracted mean, or 0 for categorical attributes.
        std: Float array of the same shape: the divisor, or 1 for categorical attributes.
    """

    attributes: dict[str, int | None]
    values: np.ndarray
    mean: np.ndarray
    std: np.ndarray

    def __len__(self) -> int:
        return len(self.values)


def targets(source: Source | np.ndarray, attributes: dict[str, Any], like: Targets | None = None) -> Targets:
    """Compute the attributes of all samples, once, before training.

    Integers are class numbers of a categorical attribute. Floats are a continuous attribute and are standardized.

    Args:
        source: A `Source`, or an array of images.
        attributes: Dict from the name of each attribute to its values: a function of images, float32 `(n, height,
            width, channels)` in 0..1, that returns integers or floats `(n,)`; the name of one of the source's columns,
            or "label" for its labels; or an array `(n,)`.
        like: For validation samples, the `Targets` of the training samples, whose classes, means and standard
            deviations are then used; or None. Default: None.

    Returns:
        `Targets`. The number of classes is the highest class number plus one, or that of this package's functions.

    Raises:
        UserError: If there are no attributes or no such column, a value is not a number, not finite or a negative class
            number, there is not one value per sample, or all values are the same.

    Example:
        `known = data.targets(train, {"brightness": data.brightness, "color": data.dominant_color})`
    """
    source = source if isinstance(source, Source) else from_arrays(source)
    if not isinstance(attributes, dict) or not attributes or not all(isinstance(name, str) for name in attributes):
        raise UserError(
            "a dict of names and attributes", repr(attributes), "write `{'brightness': data.brightness}`, for instance"
        )
    source.check(at_least=2)
    given = {name: what if callable(what) else _column(source, name, what) for name, what in attributes.items()}
    given |= _computed(source, {name: what for name, what in given.items() if callable(what)})
    for name, values in given.items():
        _check_attribute(name, values, len(source))
        if like is None:
            _check_differing(name, values)
    categorical = np.array([not np.issubdtype(values.dtype, np.floating) for values in given.values()])
    classes = {
        name: _number_of_classes(attributes[name], values, like is None) if is_class else None
        for (name, values), is_class in zip(given.items(), categorical)
    }
    values = np.stack([values.astype("float64") for values in given.values()], axis=1)
    if like is None:
        mean, std = np.where(categorical, 0.0, values.mean(axis=0)), np.where(categorical, 1.0, values.std(axis=0))
    else:
        _check_alike(classes, like.attributes)
        classes, mean, std = like.attributes, like.mean, like.std
    return Targets(classes, ((values - mean) / std).astype("float32"), mean, std)


def _check_alike(classes, known):
    """Raise unless attributes have the kinds and classes of the training samples."""
    same = list(classes) == list(known) and all((k is None) == (known[name] is None) for name, k in classes.items())
    if not same or any(k is not None and k > known[name] for name, k in classes.items()):
        raise UserError(f"attributes like {known}", f"{classes}", "compute them in the same way as those of `like`")


def _column(source, name, what):
    if not isinstance(what, str):
        return np.asarray(what)
    there = {**({} if source.labels is None else {"label": source.labels}), **(source.columns or {})}
    if what not in there:
        raise UserError(
            f"a column of {source.name} for '{name}': {', '.join(sorted(there)) or 'there are none'}",
            repr(what),
            "choose one of them" if there else "give `data.from_arrays(…, columns=…)`, an array, or a function",
        )
    return np.asarray(there[what])


def _computed(source, functions):
    """Return the values of each function for all images, which are converted chunk by chunk."""
    found: dict = {name: [] for name in functions}
    starts = range(0, len(source) if functions else 0, _CHUNK)
    for start in track(starts, len(starts), "Computing attributes"):
        images = source[start : start + _CHUNK].inputs()
        for name, function in functions.items():
            values = np.asarray(function(images))
            _check_count(name, values, count(images))
            found[name].append(values)
    return {name: np.concatenate(values) for name, values in found.items()}


def _check_count(name, values, samples):
    if values.shape != (samples,):
        raise UserError(
            f"one value of '{name}' for each of {samples} samples", f"shape {values.shape}", "return `(n,)`"
        )


def _check_attribute(name, values, count):
    _check_count(name, values, count)
    if values.dtype.kind not in "biuf":
        raise UserError(
            f"numbers as '{name}'", f"dtype {values.dtype}", "number them: `np.unique(values, return_inverse=True)[1]`"
        )
    if bad := np.count_nonzero(~np.isfinite(values)):
        first = np.flatnonzero(~np.isfinite(values))[0]
        raise UserError(
            f"finite values of '{name}'",
            f"NaN or Inf in {bad} of {count}, the first at index {first}",
            "repair the function or the column" if bad == count else "remove or repair these samples",
        )
    if values.dtype.kind != "f" and values.min() < 0:
        raise UserError(f"class numbers of '{name}' from 0", f"{values.min()}", "number the classes from 0")


def _check_differing(name, values):
    """Raise if all values are the same, so that nothing can be learned."""
    if values.dtype.kind == "f" and values.std(dtype="float64") <= 1e-6 * max(1.0, abs(values.mean(dtype="float64"))):
        raise UserError(f"values of '{name}' that differ", f"{values[0]:g} everywhere", "leave it out")
    if values.dtype.kind != "f" and values.min() == values.max():
        raise UserError(f"at least 2 classes of '{name}'", f"class {int(values[0])} everywhere", "leave it out")


def _number_of_classes(attribute, values, without_gaps):
    known = _CLASSES.get(attribute) if callable(attribute) else None
    count = known or int(values.max()) + 1
    if without_gaps and count > len(values) and not known:
        raise UserError(
            "no more classes than samples",
            f"{count} classes, {len(values)} samples",
            "give floats for a continuous attribute, or number the classes from 0 without gaps",
        )
    return count
