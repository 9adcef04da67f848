"""Linear models of a representation: of classes, and of numbers."""

from typing import Any

import numpy as np

from keras_ssl.checks import check_labels
from keras_ssl.errors import UserError

__all__ = ["fit_linear", "fit_numbers"]


def fit_linear(features: Any, labels: np.ndarray) -> Any:
    """Fit the linear classifier behind all linear-probe figures of this project.

    Args:
        features: Array `(n, d)`, or a SciPy sparse matrix.
        labels: Integer array `(n,)` of at least two classes.

    Returns:
        Fitted `sklearn.linear_model.LogisticRegression` with L2 penalty, C = 1, that takes features as they are. It is
        fitted on centered features, divided by one number so that their mean squared length is 16. Without centering,
        features that hardly differ from their mean are penalized much more: 98 % of the squared length of an untrained
        transformer's features is their mean. All features are divided by the same number because their relative scale
        carries information: standardizing each costs raw digits 3 points at 5 labels per class (measured on a fifth of
        train). Sparse features are divided by the same number and stay sparse: since the intercept is not penalized,
        the classifier is the same without centering.

    Raises:
        UserError: If there is not one class number for each row, or all are the same.
    """
    check_labels(labels, features.shape[0] if hasattr(features, "shape") else len(features), at_least=2)
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    mean, centered, length = _centered(features)
    scale = 4.0 / max(length, 1e-12)
    with threadpool_limits(1):  # on products this small, BLAS threads spend more time waiting than computing
        fitted = LogisticRegression(max_iter=1000).fit(scale * centered, labels)
    fitted.coef_ *= scale
    fitted.intercept_ -= fitted.coef_ @ mean
    return fitted


def fit_numbers(features: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Fit ridge regression to standardized numbers, on features centered and scaled as `fit_linear` does.

    Args:
        features: Float array `(n, d)`.
        values: Float array `(n, k)`, each column in parts of its standard deviation; NaN where a number is unknown.

    Returns:
        Coefficients `(d, k)` and intercepts `(k,)` of features as they are. The penalty is 1 on scaled features, as
        that of `fit_linear`: the prior of weights and the noise of standardized values have variance 1.

    Raises:
        UserError: If a column has fewer than two known numbers, or one is infinite.
    """
    from sklearn.linear_model import Ridge

    coefficients, intercepts = np.zeros((features.shape[1], values.shape[1])), np.zeros(values.shape[1])
    for k, column in enumerate(values.T):
        known = ~np.isnan(column)
        if known.sum() < 2 or np.isinf(column).any():
            raise UserError("at least two finite values to predict", f"{known.sum()}", "give the values to train on")
        mean, centered, length = _centered(features[known])
        scale = 4.0 / max(length, 1e-12)
        fitted = Ridge(1.0).fit(scale * centered, column[known])
        coefficients[:, k] = scale * fitted.coef_
        intercepts[k] = fitted.intercept_ - coefficients[:, k] @ mean
    return coefficients, intercepts


def _centered(features):
    """What was subtracted from features, the result, and their root mean squared distance from their mean."""
    if hasattr(features, "tocsr"):
        features = features.tocsr().astype("float64")
        mean = np.asarray(features.mean(axis=0)).reshape(-1)
        square = features.multiply(features).sum(axis=1).mean() - mean @ mean
        return np.zeros_like(mean), features, np.sqrt(max(square, 0.0))
    features = np.asarray(features, "float64")
    mean = features.mean(axis=0)
    centered = features - mean
    return mean, centered, np.sqrt(np.square(centered).sum(axis=1).mean())
