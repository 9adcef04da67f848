"""Adagrad for tables of vectors, of which a batch needs a few rows."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_ssl.checks import check_between
from keras_ssl.typing import Schedule, Tensor

__all__ = ["RowAdagrad"]


@keras.saving.register_keras_serializable("keras_ssl")
class RowAdagrad(keras.optimizers.Optimizer):
    """Adagrad with one rate for each row of a table of vectors, which changes only the rows that a batch needs.

    For row i of a table with gradient g, of width d, `a_i <- a_i + |g|² / d` and `w_i <- w_i - γ g / sqrt(a_i)`. Rows of
    frequent words, of which a batch holds many, take smaller steps as they are learned; so batches may be large. On
    TensorFlow the time of a step does not depend on the number of rows, where Keras's `Adagrad` goes over the table.

    Args:
        learning_rate: γ, a number or a schedule. Default: 0.05.
        initial_accumulator: a_i before the first step, above 0. Default: 1e-8, next to nothing for losses that are means
            over a batch.
        by_row: Whether each row has one rate. If not, each number has its own, as in Adagrad. Default: True.
        name: Name of the optimizer.
        **kwargs: Arguments of `keras.optimizers.Optimizer`, such as `clipnorm`.

    Raises:
        UserError: If `initial_accumulator` is not above 0.

    Reference:
        Duchi et al. 2011, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", Figure 1; one
        rate for each row as in Naumov et al. 2019, "Deep Learning Recommendation Model for Personalization and
        Recommendation Systems", whose code has it.
    """

    def __init__(
        self,
        learning_rate: Schedule = 0.05,
        initial_accumulator: float = 1e-8,
        by_row: bool = True,
        name: str = "row_adagrad",
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, name=name, **kwargs)
        check_between("initial_accumulator", initial_accumulator, above=0)
        self.initial_accumulator, self.by_row = initial_accumulator, by_row

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Create an accumulator for each variable."""
        if self.built:
            return
        super().build(variables)
        begin = keras.initializers.Constant(self.initial_accumulator)
        self.accumulators = [
            self.add_variable(self._shape(x.shape), initializer=begin, dtype=x.dtype, name=f"accumulator_{k}")
            for k, x in enumerate(variables)
        ]

    def update_step(self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor) -> None:
        """Update one variable, or those of its rows that the gradient has."""
        accumulator = self.accumulators[self._get_variable_index(variable)]
        if hasattr(gradient, "indices"):
            self._update_rows(gradient, variable, accumulator, learning_rate)
            return
        gradient = ops.cast(gradient, variable.dtype)
        self.assign_add(accumulator, self._squares(gradient))
        rate = ops.cast(learning_rate, variable.dtype) * ops.rsqrt(ops.convert_to_tensor(accumulator))
        self.assign_sub(variable, rate * gradient)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "initial_accumulator": self.initial_accumulator, "by_row": self.by_row}

    def _update_rows(self, gradient, variable, accumulator, learning_rate):
        """Sum the gradients of equal rows first: that takes a quarter of the time of updating rows again and again."""
        import tensorflow as tf

        rows, place = tf.unique(gradient.indices)
        total = tf.math.unsorted_segment_sum(tf.cast(gradient.values, variable.dtype), place, tf.size(rows))

        def slices(values):
            return tf.IndexedSlices(values, rows)

        self.assign_add(accumulator, slices(self._squares(total)))
        rate = tf.cast(learning_rate, variable.dtype) * tf.math.rsqrt(tf.gather(accumulator, rows))
        self.assign_sub(variable, slices(rate * total))

    def _by_row(self, shape):
        return self.by_row and len(shape) > 1

    def _shape(self, shape):
        return (*shape[:-1], 1) if self._by_row(shape) else shape

    def _squares(self, gradient):
        squares = ops.square(gradient)
        return ops.mean(squares, axis=-1, keepdims=True) if self._by_row(squares.shape) else squares
