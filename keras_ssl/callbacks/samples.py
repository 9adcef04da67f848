"""Watching the samples of a generator during training."""

import pathlib
from typing import Any

import keras

from keras_ssl import checks, figures
from keras_ssl.distribute import is_chief
from keras_ssl.files import writable_folder
from keras_ssl.typing import Path

__all__ = ["SampleGrid"]


class SampleGrid(keras.callbacks.Callback):
    """Write a picture of samples after each epoch, from the same latent vectors each time.

    The picture after epoch 7 is `epoch_0007.png`, a `figures.image_grid` about as wide as high. With several workers,
    the chief writes.

    Args:
        folder: Folder for the pictures; made if it does not exist.
        count: Number of samples. Default: 64.
        every: Number of epochs between pictures. Default: 1.
        seed: Seed of the latent vectors. Default: 0.

    Raises:
        UserError: If `count` or `every` is below 1; from `fit`, before training, if the model has no
            `sample(count, seed=…)`, its samples are not images, or the folder cannot be written in.

    Example:
        `vae.fit(batches, epochs=20, callbacks=[SampleGrid("run/samples")])`
    """

    def __init__(self, folder: Path, count: int = 64, every: int = 1, seed: int = 0):
        super().__init__()
        checks.check_counts(count=count, every=every)
        checks.check_between("seed", seed, least=0, whole=True)
        self.folder, self.count, self.every, self.seed = pathlib.Path(folder), count, every, seed

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Sample once and make the folder, so that errors come before training."""
        checks.check_method(self.model, "sample")
        self._grid()
        writable_folder(self.folder, "give another `folder`").mkdir(parents=True, exist_ok=True)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Write the picture, if it is time."""
        if (epoch + 1) % self.every == 0 and self._writes():
            figures.write_png(self.folder / f"epoch_{epoch + 1:04d}.png", self._grid())

    def _grid(self):
        samples = keras.ops.convert_to_numpy(self.model.sample(self.count, seed=self.seed))
        return figures.image_grid(samples, columns=round(self.count**0.5))

    def _writes(self):
        strategy = getattr(self.model, "distribute_strategy", None)  # missing on JAX
        return strategy is None or is_chief(strategy)
