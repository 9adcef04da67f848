"""Product quantization with trainable code books."""

from typing import Any

import keras
from keras import ops

from keras_ssl.checks import check_counts
from keras_ssl.errors import UserError
from keras_ssl.typing import Shape, Tensor

__all__ = ["GumbelQuantizer"]


@keras.saving.register_keras_serializable("keras_ssl")
class GumbelQuantizer(keras.layers.Layer):
    """Choose one entry of each of several code books for each place, and join them: a product quantizer.

    Entry v of group g has the score `l_{g,v} = w_{g,v} · x + b_{g,v}`, where x is the input, standardized. The entry
    with the highest `l + n` is taken, where n is Gumbel noise; the gradient is that of `softmax((l + n) / τ)`, straight
    through. The entries of all groups are joined and projected. It computes in float32.

    Args:
        groups: Number of code books G, a divisor of `width`. Default: 2.
        entries: Entries V of each. Default: 64.
        width: Width of the result. Default: 128.
        dtype: See `keras.layers.Layer`. Default: "float32", also under a policy of mixed precision.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        UserError: If an argument is below 1, or the groups do not divide the width.

    Reference:
        Baevski et al. 2020, "wav2vec 2.0: A Framework for Self-Supervised Learning of Speech Representations", section
        2, "Quantization module", and Eq. 1; the first weights are those of the authors' code.

    Departures:
        320 entries in the paper, for a thousand times as much speech. The input is standardized here; the authors' code
        has a layer normalization before it.
    """

    def __init__(self, groups: int = 2, entries: int = 64, width: int = 128, dtype: Any = "float32", **kwargs: Any):
        super().__init__(dtype=dtype, **kwargs)
        check_counts(groups=groups, entries=entries, width=width)
        if width % groups:
            raise UserError(
                f"a width that {groups} groups divide", f"width={width}", "give another `width` or `groups`"
            )
        self.groups = groups
        self.entries = entries
        self.width = width

    def build(self, input_shape: Shape) -> None:
        """Create the weights for inputs `(n, length, d)`."""
        normal, uniform = keras.initializers.RandomNormal(stddev=1.0), keras.initializers.RandomUniform(0.0, 1.0)
        scores = (input_shape[-1], self.groups * self.entries)
        self.scores = self.add_weight(shape=scores, initializer=normal, name="scores")
        self.bias = self.add_weight(shape=scores[1:], initializer="zeros", name="bias")
        books = (self.groups, self.entries, self.width // self.groups)
        self.books = self.add_weight(shape=books, initializer=uniform, name="books")
        self.projection = self.add_weight(shape=(self.width, self.width), name="projection")

    def call(
        self, x: Tensor, temperature: float | Tensor = 1.0, noise: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Quantize. Keras takes the temperature and the noise by name only.

        Args:
            x: Float tensor `(n, length, d)`.
            temperature: τ, above 0. Default: 1.
            noise: Tensor `(n, length, groups, entries)`, see `transforms.gumbel_noise`. Default: None, no noise.

        Returns:
            `(quantized, choice, probabilities)`: float32 tensors `(n, length, width)` and, twice, `(n, length, groups,
            entries)`. The choice is 1 for the entry that was taken, else 0, and has the gradient of the softmax; the
            probabilities are `softmax(l)`, without noise and temperature.
        """
        x = ops.cast(x, "float32")
        mean, variance = ops.moments(x, axes=[-1], keepdims=True)
        scores = ops.matmul((x - mean) * ops.rsqrt(variance + 1e-6), self.scores) + self.bias
        scores = ops.reshape(scores, (*ops.shape(x)[:2], self.groups, self.entries))
        noisy = scores if noise is None else scores + ops.cast(noise, "float32")
        soft = ops.softmax(noisy / temperature, axis=-1)
        hard = ops.one_hot(ops.argmax(noisy, axis=-1), self.entries, dtype="float32")
        choice = hard + soft - ops.stop_gradient(soft)
        joined = ops.einsum("ntgv,gvd->ntgd", choice, self.books)
        joined = ops.reshape(joined, (*ops.shape(x)[:2], self.width))
        return ops.matmul(joined, self.projection), choice, ops.softmax(scores, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "groups": self.groups, "entries": self.entries, "width": self.width}
