"""Which kinds of images a generator makes."""

import numpy as np

from keras_ssl import checks

__all__ = ["mode_counts"]


def mode_counts(predictions, classes):
    """How many samples of a generator fall into each class; a class without any is a mode that it has dropped.

    Args:
        predictions: Integer array `(n,)`: the classes that a classifier gives the samples, such as
            `FeatureClassifier.classes(images)`.
        classes: Number of classes.

    Returns:
        Integer array `(classes,)` that sums to n. `np.count_nonzero` of it is the number of modes that are covered.

    Raises:
        UserError: If predictions are not class numbers in 0..classes - 1.
    """
    checks.check_between("classes", classes, least=1)
    checks.check_labels(predictions, classes=classes, name="predictions")
    return np.bincount(predictions, minlength=classes)
