"""Optimizers for tables of vectors, of which a batch needs a few rows.

On TensorFlow the gradient of a table has only the rows that a batch looked up, some of them many times. Here those are
summed first, and only they are changed, so that the time of a step does not depend on the size of the table. How many
rows there are is known in the step only, so that XLA cannot compile it: objectives then run without.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_ssl.checks import check_between
from keras_ssl.typing import Schedule, Tensor

__all__ = ["TableAdagrad", "TableSGD"]


@keras.saving.register_keras_serializable("keras_ssl")
class TableSGD(keras.optimizers.Optimizer):
    """Gradient descent that moves each row of a table as if a batch held it a few times at most.

    A row that a batch looks up c times moves by `-γ min(1, most / c) g`, where g is the sum of its c gradients. One
    after another, c small steps would each see the effect of the last; their plain sum overshoots when c is large, as
    for the frequent words of a large batch of text.

    Args:
        learning_rate: γ, a number or a schedule. Default: 0.025.
        most: Times that a row counts at most, above 0. Default: 8.
        name: Name of the optimizer.
        **kwargs: Arguments of `keras.optimizers.Optimizer`, such as `clipnorm`.

    Raises:
        UserError: If an argument is out of its range.

    Departures:
        On backends where gradients of tables are dense, as on JAX, and for weights that are no table, it is gradient
        descent.
    """

    under_xla = False

    def __init__(
        self, learning_rate: Schedule = 0.025, most: float = 8.0, name: str = "table_sgd", **kwargs: Any
    ) -> None:
        check_between("learning_rate", learning_rate, least=0, schedule=True)
        super().__init__(learning_rate, name=name, **kwargs)
        check_between("most", most, above=0)
        self.most = most

    def update_step(self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor) -> None:
        """Update one variable, or those of its rows that the gradient has."""
        rate = ops.cast(learning_rate, variable.dtype)
        if not hasattr(gradient, "indices"):
            self.assign_sub(variable, rate * ops.cast(gradient, variable.dtype))
            return
        import tensorflow as tf

        rows, total, counts = _summed(gradient, variable.dtype)
        rates = rate * tf.minimum(tf.cast(self.most, total.dtype) / counts, 1.0)
        self.assign_sub(variable, tf.IndexedSlices(rates[:, None] * total, rows))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "most": self.most}


@keras.saving.register_keras_serializable("keras_ssl")
class TableAdagrad(keras.optimizers.Optimizer):
    """Adagrad that changes only the rows of a table that a batch needs.

    `a <- a + g²` and `w <- w - γ g / sqrt(a)`, number by number. `keras.optimizers.Adagrad` goes over the whole table
    in each step, and adds the squares of the gradients of one row one by one.

    Args:
        learning_rate: γ, a number or a schedule. Default: 0.05.
        initial_accumulator: a before the first step, above 0. Default: 0.1.
        name: Name of the optimizer.
        **kwargs: Arguments of `keras.optimizers.Optimizer`, such as `clipnorm`.

    Raises:
        UserError: If an argument is out of its range.

    Reference:
        Duchi et al. 2011, "Adaptive Subgradient Methods for Online Learning and Stochastic Optimization", Figure 1.
    """

    under_xla = False

    def __init__(
        self,
        learning_rate: Schedule = 0.05,
        initial_accumulator: float = 0.1,
        name: str = "table_adagrad",
        **kwargs: Any,
    ) -> None:
        check_between("learning_rate", learning_rate, least=0, schedule=True)
        super().__init__(learning_rate, name=name, **kwargs)
        check_between("initial_accumulator", initial_accumulator, above=0)
        self.initial_accumulator = initial_accumulator

    def build(self, variables: Sequence[keras.Variable]) -> None:
        """Create an accumulator for each variable."""
        if self.built:
            return
        super().build(variables)
        begin = keras.initializers.Constant(self.initial_accumulator)
        self.accumulators = [
            self.add_variable_from_reference(variable, name="accumulator", initializer=begin) for variable in variables
        ]

    def update_step(self, gradient: Tensor, variable: keras.Variable, learning_rate: Tensor) -> None:
        """Update one variable, or those of its rows that the gradient has."""
        accumulator = self.accumulators[self._get_variable_index(variable)]
        rate = ops.cast(learning_rate, variable.dtype)
        if not hasattr(gradient, "indices"):
            gradient = ops.cast(gradient, variable.dtype)
            self.assign_add(accumulator, ops.square(gradient))
            self.assign_sub(variable, rate * gradient * ops.rsqrt(ops.convert_to_tensor(accumulator)))
            return
        import tensorflow as tf

        rows, total, _ = _summed(gradient, variable.dtype)
        self.assign_add(accumulator, tf.IndexedSlices(tf.square(total), rows))
        scale = tf.math.rsqrt(tf.gather(accumulator.value, rows))  # of the variable: a tensor would be a copy of it all
        self.assign_sub(variable, tf.IndexedSlices(rate * total * scale, rows))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "initial_accumulator": self.initial_accumulator}


def _summed(gradient, dtype):
    """Return the rows that a gradient has, each once, the sums of their gradients, and how many those are."""
    import tensorflow as tf

    rows, place, counts = tf.unique_with_counts(gradient.indices)
    total = tf.math.unsorted_segment_sum(tf.cast(gradient.values, dtype), place, tf.size(rows))
    return rows, total, tf.cast(counts, dtype)
