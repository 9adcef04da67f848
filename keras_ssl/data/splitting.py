"""A random split in two."""

import numpy as np

from keras_ssl.errors import UserError

__all__ = ["two_parts"]


def two_parts(count: int, labels: np.ndarray | None, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split indices at random in two, class by class if there are labels.

    Args:
        count: Number of samples.
        labels: Class numbers `(count,)`, or None.
        fraction: Fraction of them in the first part, above 0 and below 1.
        seed: Seed of the draw, a non-negative integer.

    Returns:
        `(first, rest)`, two integer arrays. With labels, the first has `round(fraction * n)` of the n samples of each
        class, and both have at least one if the class has two or more.

    Raises:
        UserError: If one of the two would be empty.
    """
    if not 0 < round(fraction * count) < count:
        raise UserError(f"a fraction that splits {count} samples in two", f"{fraction}", "choose one between 0 and 1")
    order = np.random.default_rng(seed).permutation(count)
    classes = [order] if labels is None else [order[labels[order] == k] for k in np.unique(labels)]
    is_first = np.isin(order, np.concatenate([members[: _share(len(members), fraction)] for members in classes]))
    return order[is_first], order[~is_first]


def _share(count, fraction):
    """How many samples of a class go into the first part."""
    return min(max(round(fraction * count), 1), count - 1) if count > 1 else round(fraction * count)
