"""What a recipe is."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras

from keras_ssl import data, objectives
from keras_ssl.errors import UserError
from keras_ssl.typing import Operation

__all__ = ["Recipe", "compiled", "for_small_images"]

_LARGEST = 64


@dataclass
class Recipe:
    """All that `fit` needs for one data set.

    Attributes:
        objective: Compiled `objectives.Objective`.
        source: The `data.Source` to train on.
        epochs: Number of epochs.
        views: Policy, or None.
        batch_size: Samples in each step.
        seed: Seed of weights, order and views.
        targets: `data.Targets` of the images, or None.
        columns: Names of columns of the source that batches hold, too.
        drop_remainder: See `data.batches`.
    """

    objective: objectives.Objective
    source: data.Source
    epochs: int
    views: Operation | None = None
    batch_size: int = 256
    seed: int = 0
    targets: data.Targets | None = None
    columns: tuple[str, ...] = ()
    drop_remainder: bool | None = None

    def batches(self, first_epoch: int = 0, first_step: int = 0) -> Any:
        """Return the batches for `fit`; one of the arguments is how many were trained before the run is resumed."""
        given: dict[str, Any] = {"first_epoch": first_epoch, "first_step": first_step, "targets": self.targets}
        given |= {"columns": self.columns, "drop_remainder": self.drop_remainder}
        return data.batches(self.source, self.views, self.batch_size, self.seed, **given)

    def fit(self, **kwargs: Any) -> keras.callbacks.History:
        """Train for all epochs; `kwargs` go to `Objective.fit`, whose history is returned."""
        return self.objective.fit(self.batches(), epochs=self.epochs, **kwargs)


def compiled(
    objective: objectives.Objective,
    source: data.Source,
    epochs: int,
    learning_rate: float = 1e-3,
    views: Operation | None = None,
    batch_size: int = 256,
    beta_1: float = 0.9,
    targets: data.Targets | None = None,
) -> Recipe:
    """Compile an objective with Adam and a cosine decay of the learning rate to 0, and return its recipe.

    Args:
        objective: `objectives.Objective`, whose `seed` becomes the recipe's.
        source: `data.Source`. If it has fewer samples than a batch, the batch is smaller.
        epochs: Number of epochs.
        learning_rate: Initial learning rate. Default: 1e-3.
        views: Policy, or None.
        batch_size: Samples in each step. Default: 256.
        beta_1: Adam's beta_1. Default: 0.9.
        targets: See `Recipe`.

    Returns:
        `Recipe`.
    """
    batch_size = min(batch_size, len(source))
    steps = len(source) // batch_size if views is not None else -(-len(source) // batch_size)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, max(1, epochs * steps))
    objective.compile(keras.optimizers.Adam(schedule, beta_1))
    return Recipe(objective, source, epochs, views, batch_size, objective.seed, targets)


def for_small_images(
    objective: Callable[..., objectives.Objective],
    encoder: Callable[[data.Source], keras.Model],
    source: data.Source,
    epochs: int | None,
    seed: int,
    learning_rate: float = 2e-3,
    beta_1: float = 0.9,
    batch_size: int = 128,
    targets: data.Targets | None = None,
    **arguments: Any,
) -> Recipe:
    """Return a recipe with the budget that all recipes for small images share, chosen for 28x28 and 32x32.

    Args:
        objective: Class of the objective.
        encoder: Function of the source that builds the encoder.
        source: `data.Source`.
        epochs: Number of epochs; None is 12.
        seed: Seed of weights, order and random draws.
        learning_rate: See `compiled`. Default: 2e-3.
        beta_1: See `compiled`. Default: 0.9.
        batch_size: Samples in each step. Default: 128.
        targets: See `Recipe`.
        **arguments: Arguments of the objective.

    Returns:
        `Recipe`.

    Raises:
        UserError: If the images are larger than 64x64, which would make the networks too large.
    """
    if max(source.shape[:2]) > _LARGEST:
        raise UserError(
            f"images of up to {_LARGEST}x{_LARGEST} pixels for the recipe of {objective.__name__}",
            f"{source.shape[0]}x{source.shape[1]}",
            "load them with `size=32` (`--size 32`), or train the objective on an encoder of your own",
        )
    keras.utils.set_random_seed(seed)
    model = objective(encoder(source), seed=seed, **arguments)
    epochs = 12 if epochs is None else epochs
    return compiled(model, source, epochs, learning_rate, batch_size=batch_size, beta_1=beta_1, targets=targets)
