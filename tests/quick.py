"""Views that cost little where few batches are made."""

import tensorflow as tf


def eagerly(policy):
    """Return a policy, which keeps the size of images, that data sets neither trace nor compile."""

    def see(images, seed):
        return tf.ensure_shape(tf.py_function(policy, [images, seed], tf.float32), images.shape)

    return see
