"""Heads that predict numbers."""

from typing import Any

import keras
import numpy as np

from keras_ssl.checks import as_array
from keras_ssl.errors import UserError
from keras_ssl.networks import check_finite_weights
from keras_ssl.specs import check_encoder, inputs_like
from keras_ssl.transfer.checking import CheckTargets, with_checked_fit
from keras_ssl.transfer.missing import check_some_count, ignores_missing, loss_of
from keras_ssl.trees import count

__all__ = ["check_values", "regressor"]

_MISSING = "leave these samples out; or mark them with NaN and train with the loss `losses.WhereKnown`"


def regressor(encoder: keras.Model, values: Any, name: str = "regressor") -> keras.Model:
    """Build a network that predicts numbers: an encoder, nested as one layer under its own name, and a linear layer.

    The linear layer predicts standardized numbers, and a last layer gives them back in their own units: times the
    standard deviation of `values`, plus their mean. So the same learning rate fits ratings and prices. Give the loss
    the same scale (`losses.Scaled`). `fit` checks samples and values, as `transfer.classifier` does.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`, which is shared, not copied.
        values: Float array `(n,)`, or `(n, k)` for k numbers of each sample: those to train on, at least two. NaN is
            left out. Only their means and standard deviations are used.
        name: Name of the model. Default: "regressor".

    Returns:
        Functional `keras.Model` from inputs like the encoder's to `values` `(n, k)` in float32, not compiled; k is 1
        for a vector of values.

    Raises:
        UserError: If the values do not vary or are not finite, the encoder does not return one vector for each sample,
            or its weights are not finite; from `fit`, if samples or values cannot be trained on.

    Example:
        `model = transfer.regressor(encoder, ratings)`, then
        `model.compile("adam", losses.Scaled("huber", ratings.std()), metrics=["mae"])`
    """
    mean, std = _statistics(values)
    check_encoder(encoder)
    check_finite_weights(encoder)
    inputs = inputs_like(encoder)
    standardized = keras.layers.Dense(len(mean), dtype="float32", name="standardized")(encoder(inputs))
    outputs = keras.layers.Rescaling(std, mean, dtype="float32", name="values")(standardized)
    return with_checked_fit(keras.Model(inputs, outputs, name=name), check_values(len(mean)))


def _statistics(values):
    """Mean and standard deviation of each column, as lists."""
    columns = _columns(as_array(values, "values"))
    known = np.isfinite(columns) if columns.ndim == 2 else np.zeros((0, 1), bool)
    if columns.ndim != 2 or np.isinf(columns).any() or (known.sum(axis=0) < 2).any():
        raise UserError(
            "at least two finite values to predict, as an array (n,) or (n, k)",
            f"dtype {columns.dtype}, shape {np.shape(values)}",
            "give the values that you train on",
        )
    mean, std = np.nanmean(columns, axis=0), np.nanstd(columns, axis=0)
    alike = np.nanmin(columns, axis=0) == np.nanmax(columns, axis=0)  # their std may be 1e-17, not 0
    if alike.any():
        raise UserError("values that differ", f"{mean[alike][0]:g} alone", "there is nothing to predict: check them")
    return mean.tolist(), std.tolist()


def _columns(values):
    values = values.astype("float64") if values.dtype.kind in "biuf" else values
    return values[:, None] if values.ndim == 1 else values


def check_values(k: int) -> CheckTargets:
    """Return a function that raises unless there are k numbers for each sample, finite or left out by the loss.

    Args:
        k: How many numbers a sample has.
    """

    def check(model, x, y, whole):
        given = as_array(y, "values")
        columns = _columns(given)
        if columns.shape != (count(x), k):
            raise UserError(
                f"values of shape ({count(x)}, {k})" + f" or ({count(x)},)" * (k == 1),
                f"shape {np.shape(y)}",
                "give one for each sample, and as many columns as the regressor was built for",
            )
        infinite, missing = np.isinf(columns).any(), np.isnan(columns)
        if infinite or (missing.any() and not ignores_missing(model)) or (whole and missing.all()):
            raise UserError(
                "finite values",
                f"{(~np.isfinite(columns)).sum()} that are not, the first at index "
                f"{np.flatnonzero(~np.isfinite(columns).all(axis=1))[0]}",
                _MISSING,
            )
        if not ignores_missing(model):
            return
        if given.dtype.kind == "i" and (given == -1).any():
            received = f"integers, of which {(given == -1).sum()} are -1, which stands for a missing one"
            raise UserError("values as floats, NaN where they are missing", received, "give `values.astype('float32')`")
        if whole and missing.any():
            check_some_count(loss_of(model), columns.astype("float32"), "values")

    return check
