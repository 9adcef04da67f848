"""Resuming training that was interrupted."""

import pathlib
from typing import Any

import keras

from keras_ssl.backends import require_tensorflow
from keras_ssl.distribute import gather, is_chief
from keras_ssl.errors import UserError
from keras_ssl.typing import Path

__all__ = ["Resume"]


class Resume(keras.callbacks.Callback):
    """Save the whole state of training after each epoch, and restore it. Needs TensorFlow.

    The state is every variable of the model (including seeds and step counter) and of the optimizer. It is written as a
    `tf.train.Checkpoint`, whose manager removes an older one only when the newer one is complete, so a process that is
    killed at any time leaves one that can be loaded. With `data.batches(…, first_epoch=k)`, a resumed run ends with the
    same weights as an uninterrupted one. It may resume on another number of replicas, which train as one device.

    With several workers, the chief writes, because each worker has a copy of every variable. All workers must have this
    callback, and all read.

    Args:
        directory: Folder of the checkpoints; with several machines, a folder that all share.
        model: The compiled model that will be trained.

    Raises:
        UserError: If the backend is not TensorFlow.

    Example:
        `resume = Resume("run/checkpoints", simclr)`, `k = resume.restore()`, then `simclr.fit(data.batches(train,
        first_epoch=k), initial_epoch=k, epochs=20, callbacks=[resume])`
    """

    def __init__(self, directory: Path, model: keras.Model):
        super().__init__()
        require_tensorflow("whose checkpoints these are", "use `keras.callbacks.BackupAndRestore`")
        import tensorflow as tf

        self.strategy = model.distribute_strategy
        trained = [update[1:] for update in getattr(model, "updates", ())]  # pairs of optimizer and variables
        trained = trained or [(model.optimizer, model.trainable_variables)]
        with self.strategy.scope():
            for optimizer, variables in trained:
                optimizer.build(variables)
        variables = [*model.variables, *(variable for optimizer, _ in trained for variable in optimizer.variables)]
        self.epochs = tf.Variable(0, dtype="int64")
        # a list keeps the order of creation, which is the same in every process
        state = {"epochs": self.epochs, "variables": [v.value for v in variables]}
        self.checkpoint = tf.train.Checkpoint(**state)
        self.manager = tf.train.CheckpointManager(self.checkpoint, str(directory), max_to_keep=2)

    def restore(self) -> int:
        """Load the newest checkpoint, if there is one.

        Returns:
            Number of epochs trained so far, 0 without a checkpoint.

        Raises:
            UserError: If the checkpoint is of another model or optimizer, or the workers find different ones.
        """
        if self.manager.latest_checkpoint is not None:
            self._load(self.manager.latest_checkpoint)
        self._check_alike()
        return int(self.epochs)

    def _load(self, newest):
        import tensorflow as tf

        try:
            self.checkpoint.restore(newest).assert_consumed()
        except (AssertionError, ValueError, tf.errors.InvalidArgumentError) as error:  # names, shapes or dtypes differ
            folder = pathlib.Path(newest).parent
            raise UserError(
                "a checkpoint of the same encoder, objective and optimizer",
                f"another one in {folder}",
                "resume with the arguments that the run was started with, or start anew in another folder",
            ) from error

    def _check_alike(self):
        """Raise unless all replicas have trained the same number of epochs."""
        import tensorflow as tf

        found = self.strategy.run(tf.function(lambda: gather(tf.reshape(self.epochs, (1,)))))
        done = sorted({int(epochs) for epochs in self.strategy.experimental_local_results(found)[0]})
        if len(done) > 1:
            raise UserError(
                "the same checkpoints on all workers",
                f"checkpoints after {', '.join(map(str, done))} epochs",
                "give all of them the same folder, on a file system that they share",
            )

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save a checkpoint."""
        self.epochs.assign(epoch + 1)
        if is_chief(self.strategy):
            self.manager.save(checkpoint_number=epoch + 1)
