"""Gradients with respect to inputs."""

from collections.abc import Callable

import keras
from keras import ops

from keras_ssl.errors import UserError
from keras_ssl.typing import Tensor

__all__ = ["input_gradient"]


def input_gradient(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Return the gradient of the sum of a function's values at some inputs.

    Where each value depends on one sample only, as those of a network in inference mode do, it is the gradient of each
    value with respect to its own sample.

    Args:
        function: Differentiable function of a tensor that assigns no variables.
        x: Float tensor or array of any shape.

    Returns:
        Tensor like `x`.

    Raises:
        UserError: If Keras runs neither on TensorFlow nor on JAX.
    """
    backend = keras.backend.backend()
    x = ops.convert_to_tensor(x)
    if backend == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            total = ops.sum(function(x))
        return tape.gradient(total, x, unconnected_gradients="zero")
    if backend == "jax":
        import jax

        return jax.grad(lambda at: ops.sum(function(at)))(x)
    raise UserError("Keras on TensorFlow or JAX, which give gradients", f"Keras on {backend}", "set KERAS_BACKEND")
