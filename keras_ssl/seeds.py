"""Random draws from a seed that is a tensor.

`keras.random` takes Python integers and `SeedGenerator`s, whose state is a variable. Inside `tf.data`, inside a jitted
view and in evaluation the seed is a tensor and there must be no variable.
"""

import keras

__all__ = ["SeedStream"]


class SeedStream(keras.random.SeedGenerator):
    """A `keras.random.SeedGenerator` without a variable: the n-th `next()` is the seed plus n.

    The same seed gives the same draws on every call, in eager code and in `tf.data`. (XLA and JAX use other bit
    generators than plain TensorFlow: the same there on every call too, but other numbers.)

    Args:
        seed: Integer tensor, array or tuple of shape `(2,)`.

    Example:
        `keras.random.uniform((4,), seed=SeedStream(seed))`
    """

    def __init__(self, seed):  # the parent's __init__ makes the variable that must not be
        self.seed = seed
        self.draws = 0

    def next(self, ordered=True):
        """Return the next seed, an integer tensor of shape `(2,)`; `ordered` is Keras's and changes nothing here."""
        del ordered
        dtype = keras.src.backend.random_seed_dtype()
        seed = keras.ops.cast(keras.ops.convert_to_tensor(self.seed), dtype)
        seed = seed + keras.ops.convert_to_tensor([0, self.draws], dtype=dtype)
        self.draws += 1
        return seed

    def get_config(self):
        """Refuse: a stream lives for one call and is never part of a saved model."""
        raise NotImplementedError("A SeedStream lives for one call and cannot be saved.")
