"""Plots of predicted frames of videos."""

from collections.abc import Mapping

import numpy as np

from keras_ssl.checks import check_same_shape, check_shape
from keras_ssl.figures.grids import as_floats, image_rows
from keras_ssl.figures.palette import Figure

__all__ = ["frames"]

_NOTHING, _BRIGHT, _DARK = (np.array(color, "float32") for color in ((0.93,) * 3, (0.84, 0.1, 0.11), (0.0, 0.45, 0.7)))
"""Colors of a difference of 0, 1 and -1."""


def frames(seen: np.ndarray, true: np.ndarray, predicted: np.ndarray | Mapping[str, np.ndarray]) -> Figure:
    """Draw the frames that were seen, those that followed, and under these the predicted ones and what they miss.

    Of a difference, red is where the prediction is too bright, and blue where it is too dark.

    Args:
        seen: Frames `(past, height, width, channels)` in 0..1. Three channels are shown in color; any other number of
            channels is averaged to gray.
        true: Frames that followed, `(future, height, width, channels)`.
        predicted: Frames like `true`, such as `model.next_frames(clips)[0]`, or several such by the name of what
            predicted them. They are cut to 0..1.

    Returns:
        A Figure with two axes for the frames that were seen and that followed, and two for each prediction. A label has
        the squared error of a prediction, averaged over pixels.

    Raises:
        UserError: If these are not frames, or the shapes differ.
    """
    seen, true = as_floats(seen), as_floats(true)
    check_shape(seen, at_least=1, name="seen")
    check_shape(true, at_least=1, name="true")
    rows, errors = {"seen": seen, "true": true}, list[str]()
    for name, found in (predicted if isinstance(predicted, Mapping) else {"predicted": predicted}).items():
        found = np.clip(as_floats(found), 0, 1)
        check_same_shape(true, found, do="give as many predicted frames as true ones, of one clip")
        error = float(np.mean((found - true) ** 2))
        errors.append(f"{name} {error:.3g}")
        rows |= {f"{name}\nMSE {error:.3g}": found, f"{name}\nminus true": _in_color(found - true)}
    figure = image_rows(rows, "Differences: red is too bright, blue too dark")
    figure.set_label(f"Predicted frames beside the true ones. Squared error of a pixel: {', '.join(errors)}")
    return figure


def _in_color(difference):
    """Light gray where nothing is missed, red where the difference is positive, blue where it is negative."""
    gray = difference.mean(axis=-1, keepdims=True)
    return _NOTHING + np.abs(gray) * (np.where(gray > 0, _BRIGHT, _DARK) - _NOTHING)
