"""Random draws from a seed that is a tensor.

`keras.random` accepts integers and `SeedGenerator`s, whose state is a variable. In `tf.data`, in jitted views and in
evaluation the seed is a tensor, and variables must not be created.
"""

from typing import Any

import keras

from keras_ssl.typing import Tensor

__all__ = ["SeedStream"]


class SeedStream(keras.random.SeedGenerator):
    """A `keras.random.SeedGenerator` without a variable: call number n of `next()`, from 0, returns the seed plus n.

    The same seed gives the same draws on every call, in eager code and in `tf.data`. XLA and JAX use other bit
    generators than plain TensorFlow, so their draws are repeatable too, but different.

    Args:
        seed: Integer tensor, array or tuple of shape `(2,)`.

    Example:
        `keras.random.uniform((4,), seed=SeedStream(seed))`
    """

    def __init__(self, seed: Tensor) -> None:  # the parent's __init__ would create a variable
        self.seed = seed
        self.draws = 0

    def next(self, ordered: bool = True) -> Tensor:
        """Return the next seed, an integer tensor of shape `(2,)`. `ordered` has no effect."""
        del ordered
        dtype = keras.src.backend.random_seed_dtype()
        seed = keras.ops.cast(keras.ops.convert_to_tensor(self.seed), dtype)
        seed = seed + keras.ops.convert_to_tensor([0, self.draws], dtype=dtype)
        self.draws += 1
        return seed

    def get_config(self) -> dict[str, Any]:
        """Raise `NotImplementedError`: a stream exists for one call and is never part of a saved model."""
        raise NotImplementedError("A SeedStream exists for one call and cannot be saved.")
