"""How similar two images are, by pixels and by structure."""

from typing import Any

import keras
import numpy as np

from keras_ssl import checks
from keras_ssl.data import Source
from keras_ssl.data.fitting import as_source
from keras_ssl.errors import UserError
from keras_ssl.typing import Progress

__all__ = ["WINDOW", "reconstruction_error", "ssim"]

WINDOW = 11
"""Height and width, in pixels, of the window of structural similarity."""


def ssim(x: np.ndarray, y: np.ndarray) -> float:
    """Return the structural similarity, averaged over windows, channels and images.

    In each window it is `(2 μ_x μ_y + c₁) (2 σ_xy + c₂) / ((μ_x² + μ_y² + c₁) (σ_x² + σ_y² + c₂))`, with c₁ = 0.01²,
    c₂ = 0.03², and the means μ, variances σ² and covariance σ_xy of the two images there, weighted by a Gaussian with a
    standard deviation of 1.5 pixels.

    Args:
        x: Float array `(n, height, width, channels)` in 0..1, of at least 11x11 pixels.
        y: Array of the same shape. Values outside 0..1, such as those of a linear decoder, are not clipped.

    Returns:
        A number: 1 for equal images, near 0 for images that have nothing in common.

    Raises:
        UserError: If the shapes differ, the images are smaller than the window, or values are not finite.

    Reference:
        Wang et al. 2004, "Image Quality Assessment: From Error Visibility to Structural Similarity", Eqs. 13 to 17.

    Departures:
        Channels are compared one by one; the paper's images are gray. Only windows inside the image count.
    """
    x, y = checks.as_array(x), checks.as_array(y)
    checks.check_same_shape(x, y)
    checks.check_images(x, at_least=1)
    checks.check_values(y, (-np.inf, np.inf))
    if min(x.shape[1:3]) < WINDOW:
        raise UserError(
            f"images of at least {WINDOW}x{WINDOW} pixels, the window of structural similarity",
            f"shape {x.shape}",
            "compare small images by their mean squared error",
        )
    x, y = (np.moveaxis(images.astype("float64"), -1, 1) for images in (x, y))
    rows, columns = _windows(x.shape[2]), _windows(x.shape[3])

    def mean(images):
        return rows @ images @ columns.T

    mean_x, mean_y = mean(x), mean(y)
    variance_x, variance_y = mean(x * x) - mean_x**2, mean(y * y) - mean_y**2
    covariance = mean(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    structure = (2 * covariance + c2) / (variance_x + variance_y + c2)
    return float(np.mean(luminance * structure))


def _windows(size):
    """Matrix `(size - 10, size)` whose rows are the Gaussian window at each of its positions along one axis."""
    offsets = np.arange(size) - np.arange(size - WINDOW + 1)[:, None] - WINDOW // 2
    weights = np.where(np.abs(offsets) <= WINDOW // 2, np.exp(-(offsets**2) / (2 * 1.5**2)), 0.0)
    return weights / weights.sum(axis=1, keepdims=True)


def reconstruction_error(
    model: Any, source: Source | np.ndarray, batch_size: int = 256, progress: Progress | None = None
) -> dict[str, float]:
    """Measure how far a model's reconstructions are from the images.

    Args:
        model: Any model with `reconstruct(images)`, such as an `objectives.Autoencoder`.
        source: `data.Source`, or float array `(n, height, width, channels)` in 0..1.
        batch_size: Images at a time. Default: 256.
        progress: Called as `progress(done, total)` after each batch, or None.

    Returns:
        Dict of "mse", the squared error averaged over images and pixels, and, for images of at least 11x11 pixels,
        "ssim", the mean of `ssim`.

    Raises:
        UserError: If the model has no `reconstruct`, or the images do not fit.
    """
    checks.check_method(model, "reconstruct")
    source = as_source(source, model)
    sums = {"mse": 0.0} | ({"ssim": 0.0} if min(source.shape[:2]) >= WINDOW else {})
    for begin in range(0, len(source), batch_size):
        images = source[begin : begin + batch_size].inputs()
        rebuilt = keras.ops.convert_to_numpy(model.reconstruct(images))
        sums["mse"] += len(images) * float(np.mean((images.astype("float64") - rebuilt) ** 2))
        if "ssim" in sums:
            sums["ssim"] += len(images) * ssim(images, rebuilt)
        if progress:
            progress(begin + len(images), len(source))
    return {name: total / len(source) for name, total in sums.items()}
