"""A loss for labels of which some are missing."""

from collections.abc import Callable
from typing import Any, Self

import keras
from keras import ops

from keras_ssl import distribute
from keras_ssl.errors import UserError
from keras_ssl.typing import Tensor

__all__ = ["WhereKnown", "inner_loss", "known_elements", "of_one_rank"]


@keras.saving.register_keras_serializable("keras_ssl")
class WhereKnown(keras.losses.Loss):
    """A Keras loss averaged over the samples whose label is known: for `model.compile(loss=…)`.

    Missing labels are marked in the labels themselves, as -1 among integers and as NaN among floats, so that each
    output of a model can lack labels of its own. The loss is `sum w l / sum w` over the known samples of the global
    batch, where l is the loss of a sample and w its sample weight, 1 by default. Several replicas train as one device
    does, whatever labels each of them has. Keras itself divides by the number of all samples, with or without a label.

    If the inner loss has a value for each place of a sequence (labels `(n, length)`), then places take the role of
    samples. A label with several elements, such as `(n, d)` of a squared error, is known only if all of its elements
    are: give the elements outputs of their own if they are missing separately.

    Use it in `compile` only: there Keras sums the gradients over replicas, so the value is divided by their number.
    Inside an objective, which divides its loss itself, use `distribute.mean`. Metrics do not know of missing labels:
    pass them as `weighted_metrics`, with sample weights of 0.

    Args:
        loss: The inner loss: a `keras.losses.Loss`, whose own reduction is not used, a function of
            `(y_true, y_pred)` with one value for each sample, or a name, such as "sparse_categorical_crossentropy".
        name: Name of the loss. Default: "where_known".

    Raises:
        UserError: If `loss` is none of these; when it is called, if the inner loss has no value for each sample.

    Example:
        `model.compile("adam", {"digit": losses.WhereKnown("sparse_categorical_crossentropy")})`
    """

    def __init__(self, loss: str | Callable[[Tensor, Tensor], Tensor] | keras.losses.Loss, name: str = "where_known"):
        super().__init__(name=name)
        self.loss = inner_loss(loss)

    def __call__(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> Tensor:
        """Return the mean over known labels, divided by the number of replicas; 0 if no label is known.

        Args:
            y_true: Labels `(n, …)`: integers, -1 = unknown, or floats, NaN = unknown.
            y_pred: Predictions `(n, …)`.
            sample_weight: Tensor `(n,)`, or with one number for each value of the inner loss; at least 0.

        Returns:
            Scalar, float32.
        """
        return distribute.mean(*self.weighted(y_true, y_pred, sample_weight)) / distribute.replicas()

    def weighted(self, y_true: Tensor, y_pred: Tensor, sample_weight: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the values of the inner loss and their weights, 0 where the label is unknown.

        Args:
            y_true: See `__call__`.
            y_pred: See `__call__`.
            sample_weight: See `__call__`.

        Returns:
            Two float32 tensors of the shape of the inner loss.
        """
        y_true, mask = ops.convert_to_tensor(y_true), getattr(y_pred, "_keras_mask", None)
        y_true, y_pred = of_one_rank(y_true, ops.convert_to_tensor(y_pred, dtype=self.dtype))
        known = known_elements(y_true)
        filled = ops.cast(ops.where(known, y_true, ops.zeros_like(y_true)), self.dtype)
        losses = self.call(filled, y_pred)
        rank = len(losses.shape)
        if rank == 0:
            raise UserError(
                "a loss with one value for each sample", f"{self.loss}, with one for all", "do not reduce it"
            )
        weights = ops.ones_like(losses)
        for factor in (ops.all(known, axis=tuple(range(rank, len(known.shape)))), sample_weight, mask):
            if factor is not None:
                weights = weights * _of_rank(rank, ops.cast(factor, "float32"))
        return losses, weights

    def call(self, y_true: Tensor, y_pred: Tensor) -> Tensor:
        """Return the inner loss, one value for each sample, of labels that are all known."""
        return (self.loss.call if isinstance(self.loss, keras.losses.Loss) else self.loss)(y_true, y_pred)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {"loss": keras.saving.serialize_keras_object(self.loss), "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """Make a loss from the result of `get_config`."""
        return cls(**{**config, "loss": keras.saving.deserialize_keras_object(config["loss"])})


def inner_loss(loss: Any) -> Any:
    """Return a loss that another one computes with.

    Args:
        loss: `keras.losses.Loss`, a function of `(y_true, y_pred)`, or the name of a Keras loss.

    Raises:
        UserError: If it is none of these.
    """
    try:
        inner = keras.losses.get(loss)
    except ValueError:
        inner = None
    if inner is None:
        raise UserError("the name of a Keras loss, a loss or a function", repr(loss), "give one of these as `loss`")
    return inner


def of_one_rank(y_true: Tensor, y_pred: Tensor) -> tuple[Tensor, Tensor]:
    """Return labels and predictions with as many axes, as Keras gives them to a loss: `(n,)` becomes `(n, 1)`.

    Else a function that subtracts one from the other would compare each label with each prediction.

    Args:
        y_true: Labels.
        y_pred: Predictions. If one of the two has one axis more, of size 1, the other gets it.
    """
    more = len(y_pred.shape) - len(y_true.shape)
    if more == 1 and y_pred.shape[-1] == 1:
        return y_true[..., None], y_pred
    if more == -1 and y_true.shape[-1] == 1:
        return y_true, y_pred[..., None]
    return y_true, y_pred


def known_elements(labels: Tensor) -> Tensor:
    """Return for each element of the labels whether it is known: not -1 among integers, not NaN among floats.

    Args:
        labels: Tensor of any shape. Booleans and unsigned integers are all known.
    """
    dtype = keras.backend.standardize_dtype(labels.dtype)
    if "float" in dtype:
        return ops.logical_not(ops.isnan(labels))
    if dtype == "bool" or dtype.startswith("uint"):
        return ops.ones_like(labels, dtype="bool")
    return ops.not_equal(labels, -1)


def _of_rank(rank, weights):
    """Return weights with axes of size 1 added or removed at the end."""
    while len(weights.shape) > rank:
        weights = ops.squeeze(weights, axis=-1)
    return ops.reshape(weights, (*ops.shape(weights), *[1] * (rank - len(weights.shape))))
