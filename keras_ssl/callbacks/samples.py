"""Watching what a generator makes while it is trained."""

import pathlib

import keras

from keras_ssl import checks, figures
from keras_ssl.distribute import is_chief
from keras_ssl.files import writable_folder

__all__ = ["SampleGrid"]


class SampleGrid(keras.callbacks.Callback):
    """Write a picture of samples after each epoch, of the same latent points each time.

    The picture after epoch 7 is `epoch_0007.png`, an `figures.image_grid` about as wide as high. Of several workers
    the chief writes.

    Args:
        folder: Where the pictures go; it is made where it is missing.
        count: Number of samples. Default 64.
        every: Epochs from one picture to the next. Default 1.
        seed: Of the latent points. Default 0.

    Raises:
        UserError: If `count` or `every` is below 1; from `fit`, before training, if the model has no
            `sample(count, seed=…)`, what it samples are no images, or the folder cannot be written in.

    Example:
        `vae.fit(batches, epochs=20, callbacks=[SampleGrid("run/samples")])`
    """

    def __init__(self, folder, count=64, every=1, seed=0):
        super().__init__()
        checks.check_between("count", count, least=1)
        checks.check_between("every", every, least=1)
        self.folder, self.count, self.every, self.seed = pathlib.Path(folder), count, every, seed

    def on_train_begin(self, logs=None):
        """Draw once and make the folder, so that what cannot work is an error before training."""
        checks.check_method(self.model, "sample")
        self._grid()
        writable_folder(self.folder, "give another `folder`").mkdir(parents=True, exist_ok=True)

    def on_epoch_end(self, epoch, logs=None):
        """Write the picture, when it is time."""
        if (epoch + 1) % self.every == 0 and self._writes():
            figures.write_png(self.folder / f"epoch_{epoch + 1:04d}.png", self._grid())

    def _grid(self):
        samples = keras.ops.convert_to_numpy(self.model.sample(self.count, seed=self.seed))
        return figures.image_grid(samples, columns=round(self.count**0.5))

    def _writes(self):
        strategy = getattr(self.model, "distribute_strategy", None)  # there is none on JAX
        return strategy is None or is_chief(strategy)
