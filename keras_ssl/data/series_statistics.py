"""Statistics of series, by which encoders standardize them."""

import numpy as np

from keras_ssl.data.source import Source
from keras_ssl.errors import UserError

__all__ = ["channel_statistics"]


def channel_statistics(source: Source) -> tuple[list[float], list[float]]:
    """Return the mean and the standard deviation of each channel, over all samples and times.

    Missing values are left out. A series that is constant is standardized like all others; only a channel that is
    constant in all of them cannot be.

    Args:
        source: `data.Source` of series, those to train on.

    Returns:
        `(mean, std)`, as `encoders.dilated_conv(statistics=…)` takes them.

    Raises:
        UserError: If the samples are no series, or a channel does not vary.

    Example:
        `encoders.dilated_conv(3, statistics=data.channel_statistics(train))`
    """
    if source.kind != "series":
        raise UserError("series", f"{source.plural} in {source.name}", "give a source of series")
    source.check()
    values = source.inputs().astype("float64")
    mean, std = np.nanmean(values, axis=(0, 1)), np.nanstd(values, axis=(0, 1))
    flat = np.flatnonzero(~(std > 1e-7 * np.abs(mean)))
    if len(flat):
        raise UserError(
            f"channels that vary in {source.name}",
            f"channel {flat[0]}, which is {mean[flat[0]]:g} wherever it is known",
            "leave it out: there is nothing to learn from it",
        )
    return mean.tolist(), std.tolist()
