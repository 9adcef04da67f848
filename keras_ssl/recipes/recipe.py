"""What a recipe is."""

from dataclasses import dataclass

import keras

from keras_ssl import data, objectives
from keras_ssl.errors import UserError
from keras_ssl.typing import Operation

__all__ = ["Recipe", "compiled", "for_small_images"]

_LARGEST = 64


@dataclass
class Recipe:
    """What `fit` needs for one data set.

    Attributes:
        objective: Compiled `objectives.Objective`.
        source: The `data.Source` that it is for.
        epochs: How long to train.
        views: Policy, or None.
        batch_size: Samples in each step.
        seed: Of weights, order and views.
        targets: `data.Targets` that go with the images, or None.
    """

    objective: objectives.Objective
    source: data.Source
    epochs: int
    views: Operation | None = None
    batch_size: int = 256
    seed: int = 0
    targets: object = None

    def batches(self, first_epoch=0):
        """Return the batches that `fit` takes; `first_epoch` counts those done before a resumed run."""
        given = {"first_epoch": first_epoch, "targets": self.targets}
        return data.batches(self.source, self.views, self.batch_size, self.seed, **given)

    def fit(self, **kwargs):
        """Train from the first to the last epoch; `kwargs` go to `Objective.fit`, whose history is returned."""
        return self.objective.fit(self.batches(), epochs=self.epochs, **kwargs)


def compiled(objective, source, epochs, learning_rate=1e-3, views=None, batch_size=256, beta_1=0.9, targets=None):
    """Compile an objective with Adam, whose learning rate falls to 0 along a cosine, and return its recipe.

    Args:
        objective: `objectives.Objective`, whose `seed` becomes the recipe's.
        source: `data.Source`; one of fewer samples than a batch becomes one batch.
        epochs: How long to train.
        learning_rate: The first one. Default 1e-3.
        views: Policy, or None.
        batch_size: Samples in each step. Default 256.
        beta_1: Of Adam. Default 0.9.
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
    objective, encoder, source, epochs, seed, learning_rate=2e-3, beta_1=0.9, batch_size=128, targets=None, **arguments
):
    """Return the recipe of an objective by the budget that those for small images share, made for 28x28 and 32x32.

    Args:
        objective: Class of the objective.
        encoder: Function of the source that makes the encoder.
        source: `data.Source`.
        epochs: How long to train; None is 12.
        seed: Of weights, order and draws.
        learning_rate: See `compiled`. Default 2e-3.
        beta_1: See `compiled`.
        batch_size: Samples in each step. Default 128.
        targets: See `Recipe`.
        **arguments: The objective's.

    Returns:
        `Recipe`.

    Raises:
        UserError: If the images are larger than 64x64: their networks would be, too.
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
