"""Stopping the training of a model that is no objective when it has gone wrong."""

from typing import Any

import keras
import numpy as np

from keras_ssl import checks, specs
from keras_ssl.errors import UserError
from keras_ssl.networks import check_finite_weights, embedder
from keras_ssl.trees import count
from keras_ssl.typing import Samples

__all__ = ["Guard"]


class Guard(keras.callbacks.Callback):
    """For `fit` of a Keras model, such as a classifier: raise an error on bad data, losses and weights.

    An objective does not need it: it checks its data itself, and stops before the first update that is not finite. A
    callback sees neither batches nor updates, so give it the arrays that `fit` gets, which are checked before training.
    Without them, a NaN pixel may hide behind a finite loss (a ReLU can swallow it) until the weights are broken. Losses
    are checked after each batch, weights before training and after each epoch.

    Args:
        inputs: The training samples, as the model takes them: an array `(n, …)` or a dict of arrays; or None.
        labels: Their class numbers `(n,)`, or None. They must be below the width of the model's output. Otherwise
            TensorFlow raises an error without XLA, and gives a NaN loss with it.

    Raises:
        UserError: From `fit`.
    """

    def __init__(self, inputs: Samples | None = None, labels: np.ndarray | None = None):
        super().__init__()
        self.inputs, self.labels = inputs, labels

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Check the weights and the arrays."""
        check_finite_weights(self.model, "before training")
        if self.inputs is not None:
            arrays = checks.as_arrays(self.inputs)
            wanted = specs.specs_of(embedder(self.model))
            specs.check_values(wanted, arrays, f"{specs.plural(wanted)} for '{self.model.name}'", at_least=2)
        if self.labels is not None:
            samples = None if self.inputs is None else count(self.inputs)
            checks.check_labels(self.labels, samples, self.model.output_shape[-1])

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Check the loss."""
        for name, value in (logs or {}).items():
            if not np.isfinite(value):
                raise UserError(
                    "finite losses and metrics",
                    f"{name} = {value} at batch {batch}",
                    "check the images (NaN, Inf) and that labels are in range; then try a smaller learning rate",
                )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Check the weights."""
        check_finite_weights(self.model, f"after epoch {epoch + 1}")
