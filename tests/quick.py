"""What keeps the suite quick: parameters that only `make test-all` tests, and views that are not compiled."""

import pytest
import tensorflow as tf


def dear(values):
    """Mark parameters, each a value or a tuple of them, of a test that costs seconds: `make test` leaves them out."""
    as_tuples = (value if isinstance(value, tuple) else (value,) for value in values)
    return [pytest.param(*one, marks=pytest.mark.exhaustive) for one in as_tuples]


def eagerly(policy):
    """Return a policy, which keeps the size of samples, that data sets neither trace nor compile."""

    def see(images, seed):
        return tf.ensure_shape(tf.py_function(policy, [images, seed], tf.float32), images.shape)

    see.kind = getattr(policy, "kind", "image")
    return see
