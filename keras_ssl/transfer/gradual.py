"""Unfreezing an encoder block by block, from its end."""

import keras

from keras_ssl.backends import require_tensorflow
from keras_ssl.checks import check_counts
from keras_ssl.transfer.finding import blocks, encoder_of
from keras_ssl.transfer.freezing import freeze, unfreeze

__all__ = ["GradualUnfreezing"]


class GradualUnfreezing(keras.callbacks.Callback):
    """Train the head alone at first, and one more block of the encoder, from its end, every so many epochs.

    The encoder is frozen when training begins. Each time the model is compiled again, with the state of the optimizer
    of what trains already. Needs TensorFlow.

    Args:
        every: Epochs between two blocks. Default: 1.

    Raises:
        UserError: If `every` is less than 1, or the backend is not TensorFlow; from `fit`, if the model has not one
            nested encoder.

    Reference:
        Howard & Ruder 2018, "Universal Language Model Fine-tuning for Text Classification", section 3.3.

    Example:
        `classifier.fit(images, labels, epochs=10, callbacks=[transfer.GradualUnfreezing()])`
    """

    def __init__(self, every: int = 1) -> None:
        super().__init__()
        check_counts(every=every)
        require_tensorflow("unfreezing inside `fit`")
        self.every = every
        self._frozen: list[list[keras.layers.Layer]] = []

    def on_train_begin(self, logs: object = None) -> None:
        """Freeze the encoder."""
        encoder = encoder_of(self.model)
        self._frozen = blocks(encoder)
        self._change(freeze, encoder)

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        """Unfreeze one more block, if it is time."""
        if epoch and epoch % self.every == 0 and self._frozen:
            self._change(unfreeze, self._frozen.pop())

    def _change(self, change, layers):
        change(self.model, layers)
        self.model.make_train_function()  # `fit` made one before
