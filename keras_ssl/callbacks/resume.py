"""Going on with a training that was interrupted."""

import pathlib

import keras

from keras_ssl.backends import require_tensorflow
from keras_ssl.distribute import gather, is_chief
from keras_ssl.errors import UserError

__all__ = ["Resume"]


class Resume(keras.callbacks.Callback):
    """Commit the whole state of a training after each epoch, and find it again. It needs TensorFlow.

    The state is every variable of the model (seeds and step counter included) and of the optimizer. It is written as a
    `tf.train.Checkpoint`, whose manager replaces the older one only when the newer one is complete, so a kill at any
    time leaves one that can be loaded. Together with `data.batches(…, first_epoch=k)` a resumed run ends with the same
    weights as one that was never interrupted. It may go on on another number of replicas, which train as one device.

    Of several workers the chief writes: every variable of an objective and its optimizer has a copy on each. All must
    have this callback, and all read.

    Args:
        directory: Where the checkpoints are; of several machines, a folder that all see.
        model: The compiled model that will be trained.

    Raises:
        UserError: On another backend than TensorFlow.

    Example:
        `resume = Resume("run/checkpoints", simclr)`, `k = resume.restore()`, then `simclr.fit(data.batches(train,
        first_epoch=k), initial_epoch=k, epochs=20, callbacks=[resume])`
    """

    def __init__(self, directory, model):
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
        # a list keeps the order of construction, which is the same in every process
        state = {"epochs": self.epochs, "variables": [v.value for v in variables]}
        self.checkpoint = tf.train.Checkpoint(**state)
        self.manager = tf.train.CheckpointManager(self.checkpoint, str(directory), max_to_keep=2)

    def restore(self):
        """Load the newest checkpoint, if there is one.

        Returns:
            Number of epochs that are done, 0 without a checkpoint.

        Raises:
            UserError: If the checkpoint is that of another model or optimizer, or the workers do not find the same.
        """
        if self.manager.latest_checkpoint is not None:
            self._load(self.manager.latest_checkpoint)
        self._check_alike()
        return int(self.epochs)

    def _load(self, newest):
        import tensorflow as tf

        try:
            self.checkpoint.restore(newest).assert_consumed()
        except (AssertionError, ValueError, tf.errors.InvalidArgumentError) as error:  # by names, shapes and dtypes
            folder = pathlib.Path(newest).parent
            raise UserError(
                "a checkpoint of the same encoder, objective and optimizer",
                f"another one in {folder}",
                "resume with the arguments that the run was begun with, or begin anew in another folder",
            ) from error

    def _check_alike(self):
        """Raise unless all replicas have done as many epochs."""
        import tensorflow as tf

        found = self.strategy.run(tf.function(lambda: gather(tf.reshape(self.epochs, (1,)))))
        done = sorted({int(epochs) for epochs in self.strategy.experimental_local_results(found)[0]})
        if len(done) > 1:
            raise UserError(
                "the same checkpoints on all workers",
                f"checkpoints after {', '.join(map(str, done))} epochs",
                "give all of them the same folder, on a file system that they share",
            )

    def on_epoch_end(self, epoch, logs=None):
        """Commit."""
        self.epochs.assign(epoch + 1)
        if is_chief(self.strategy):
            self.manager.save(checkpoint_number=epoch + 1)
