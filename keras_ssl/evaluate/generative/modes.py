"""Which classes of images a generator covers."""

import numpy as np

from keras_ssl import checks

__all__ = ["mode_counts"]


def mode_counts(predictions: np.ndarray, classes: int) -> np.ndarray:
    """Count the samples of a generator in each class. A class without any is a dropped mode.

    Args:
        predictions: Integer array `(n,)`: the classes that a classifier predicts for the samples, such as
            `FeatureClassifier.classes(images)`.
        classes: Number of classes.

    Returns:
        Integer array `(classes,)` that sums to n. `np.count_nonzero` of it is the number of covered modes.

    Raises:
        UserError: If predictions are not class numbers in 0..classes - 1.
    """
    checks.check_between("classes", classes, least=1, whole=True)
    checks.check_labels(predictions, classes=classes, name="predictions")
    return np.bincount(predictions, minlength=classes)
