"""Resuming training that was interrupted."""

import contextlib
import signal
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import keras

from keras_ssl.backends import require_tensorflow
from keras_ssl.callbacks import states
from keras_ssl.callbacks.checkpoints import Checkpoints
from keras_ssl.callbacks.interrupts import Interrupted, Requests, requests
from keras_ssl.checks import check_between
from keras_ssl.distribute import gather, is_chief
from keras_ssl.errors import UserError
from keras_ssl.files import Lock, sweep
from keras_ssl.networks import check_finite_weights
from keras_ssl.typing import Path

__all__ = ["Resume"]


class Resume(keras.callbacks.Callback):
    """Save the whole state of training now and then, and go on from it. Needs TensorFlow.

    `fit` trains a model from where the newest checkpoint in the folder was saved, also in mid-epoch, and ends with the
    same weights and logs as a run that was never interrupted. A checkpoint is saved after each epoch, every so many
    steps or minutes, and when the process gets SIGTERM or Ctrl-C: then the step in progress is finished first, and
    `Interrupted` ends the process with a message that says how to go on.

    The state is every variable of the model (including seeds and step counter) and of the optimizer, the means of the
    current epoch's logs, and the state of the other callbacks: of Keras's `EarlyStopping`, `ModelCheckpoint` and
    `ReduceLROnPlateau`, and of all that have `get_state()`, which returns a dict of numbers, strings and arrays, and
    `set_state(state)`. Callbacks that may have another state are refused. All is in one `tf.train.Checkpoint`, in a
    folder with its checksums. The newest two are kept: a process that is killed at any time leaves one that can be
    loaded, and if the newest is damaged, training goes on from the older one, with a warning. Weights that are not
    finite are never saved. A run may resume on another number of replicas, which train as one device.

    While `fit` runs, no other process can train into the same folder. With several workers, the chief writes, because
    each worker has a copy of every variable. All workers must have this callback, and all read.

    In the list of callbacks of a model's own `fit` it saves after each epoch only, and does not see other callbacks.
    For models that are not an `Objective` it also saves after epochs only: their metrics do not exist before a step.

    Args:
        directory: Folder of the checkpoints; with several machines, a folder that all share.
        model: The compiled model that will be trained.
        every_steps: Steps after which a checkpoint is saved, or None. Default: None.
        every_minutes: Minutes after which a checkpoint is saved, or None. Default: 5, the best interval by Young 1974,
            the root of twice the time that saving takes, half a second, times that between failures, a day.
        go_on: How to go on, for the message after an interruption. Default: to call `fit` again.
        facts: What else the checkpoints should hold, a dict that JSON can hold, or None.

    Attributes:
        step: Number of steps trained so far, over all epochs.
        checkpoints: `Checkpoints` of the folder.

    Raises:
        UserError: If the backend is not TensorFlow.

    Reference:
        Young 1974, "A first order approximation to the optimum checkpoint interval".

    Example:
        `Resume("run/checkpoints", simclr).fit(lambda step: data.batches(train, first_step=step), epochs=20)`
    """

    def __init__(
        self,
        directory: Path,
        model: keras.Model,
        every_steps: int | None = None,
        every_minutes: float | None = 5.0,
        go_on: str | None = None,
        facts: Mapping[str, Any] | None = None,
    ):
        super().__init__()
        require_tensorflow("whose checkpoints these are", "use `keras.callbacks.BackupAndRestore`")
        import tensorflow as tf

        if every_steps is not None:
            check_between("every_steps", every_steps, least=1, whole=True)
        if every_minutes is not None:
            check_between("every_minutes", every_minutes, above=0)
        self.directory, self.every_steps, self.every_minutes = directory, every_steps, every_minutes
        self.go_on = go_on or f"call `fit` of `callbacks.Resume({str(directory)!r}, …)` again, with the same arguments"
        self.set_model(model)
        self.strategy = model.distribute_strategy
        trained = [update[1:] for update in getattr(model, "updates", ())]  # pairs of optimizer and variables
        self.midway = bool(trained)
        trained = trained or [(model.optimizer, model.trainable_variables)]
        with self.strategy.scope():
            for optimizer, variables in trained:
                optimizer.build(variables)
        variables = [*model.variables, *(variable for optimizer, _ in trained for variable in optimizer.variables)]
        self.epochs, self.position, self.steps = (tf.Variable(0, dtype="int64") for _ in range(3))
        self.others = tf.Variable(states.pack({}), shape=(None,), dtype="string")
        # a list keeps the order of creation, which is the same in every process
        state = {"epochs": self.epochs, "position": self.position, "steps": self.steps, "others": self.others}
        checkpoint = tf.train.Checkpoint(**state, variables=[v.value for v in variables])
        self.checkpoints, self.facts, self.lock = Checkpoints(directory, checkpoint), dict(facts or {}), Lock(directory)
        self.beside: list[keras.callbacks.Callback] | None = None  # the other callbacks, within `fit`
        self.asked, self.skipped = Requests(), 0

    @property
    def step(self) -> int:
        """Number of steps trained so far, over all epochs."""
        return int(self.epochs) * int(self.steps) + int(self.position)

    # ---- training --------------------------------------------------------------------------------------------------

    def fit(
        self,
        batches: Callable[[int], Any],
        epochs: int,
        callbacks: Iterable[keras.callbacks.Callback] = (),
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Train the model from the newest checkpoint on, or from the start if there is none.

        A training that had ended, at its last epoch or because a callback stopped it, is only brought to its end again,
        as by the best weights of `EarlyStopping`. It may be given more epochs, if it was not stopped.

        Args:
            batches: Function from a number of steps to the batches after them, in mid-epoch those that are left of it
                first: `lambda step: data.batches(source, first_step=step)`.
            epochs: Number of epochs, including those trained before.
            callbacks: Other callbacks. In the interrupted epoch they get the numbers of its batches from 0 on.
            **kwargs: Other arguments of the model's `fit`.

        Returns:
            `keras.callbacks.History` of the epochs that this call trained, the interrupted one as a whole.

        Raises:
            UserError: If the checkpoint is of another model, optimizer, batches or callbacks; if the state of a
                callback cannot be kept; from the other callbacks; if weights are not finite; if another process trains
                into the folder; and if the disk is full.
            Interrupted: After SIGTERM or Ctrl-C.
        """
        beside = [callback for callback in callbacks if callback is not self]
        states.check_callbacks(beside)
        with self.alone():
            self.restore()
            return self._fit(batches, epochs, beside, kwargs)

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Let no other process write in the folder during a block, and remove what killed ones left. `fit` does this.

        Raises:
            UserError: If another process does.
        """
        with self.lock if is_chief(self.strategy) else contextlib.nullcontext():
            if is_chief(self.strategy):
                sweep(self.directory)
            yield

    def _fit(self, batches, epochs, beside, kwargs):
        self.beside = beside
        ended = int(self.epochs) >= epochs or states.unpack(self.others.numpy()).get("stopped", False)
        try:
            with requests() as self.asked, _short_first_epoch() if int(self.position) else contextlib.nullcontext():
                return self.model.fit(
                    batches(self.step),
                    initial_epoch=epochs if ended else int(self.epochs),
                    epochs=epochs,
                    callbacks=[*beside, self],  # last, so that it saves what the others have done
                    **kwargs,
                )
        finally:
            self.beside = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Put back the states of the other callbacks, which they have just reset."""
        self.skipped, self.saved = int(self.position), (self.step, time.monotonic())
        steps = self.params.get("steps") or 0
        if self.beside is None and self.skipped:
            raise UserError("`Resume.fit`, which goes on in mid-epoch", "`fit` of the model", "call `resume.fit`")
        if self.beside is not None and int(self.epochs) + self.skipped and steps != int(self.steps):
            raise UserError(
                f"the batches that the run was started with, {int(self.steps)} an epoch",
                f"{steps} an epoch",
                "give the same data, batch size and replicas, or start anew in another folder",
            )
        self.steps.assign(steps)
        self._put_back()

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """In the interrupted epoch, undo what the other callbacks have just done once more, and reset trackers."""
        self.epoch = epoch
        if self.skipped:
            self._put_back()

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Save a checkpoint if it is time or the process was asked to end; after an epoch `on_epoch_end` does this."""
        if self.beside is None:
            return
        position, steps = self.skipped + batch + 1, int(self.steps)
        if steps and position >= steps:
            if self.skipped:
                raise StopIteration  # for Keras the end of this epoch, which is shorter than it knows
            return
        step, (saved_step, saved_time) = self.epoch * steps + position, self.saved
        due = self.every_steps is not None and step - saved_step >= self.every_steps
        due |= self.every_minutes is not None and time.monotonic() - saved_time >= 60 * self.every_minutes
        asked = self.asked.signum is not None and is_chief(self.strategy)  # which ends the others
        if steps and self.midway and (due or asked):
            self._save(self.epoch, position, f"after step {position} of epoch {self.epoch + 1}")
        if asked:
            self._end()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save a checkpoint, and end if the process was asked to."""
        self.skipped = 0
        self._save(epoch + 1, 0, f"after epoch {epoch + 1}")
        if self.asked.signum is not None and is_chief(self.strategy):
            self._end()

    def _end(self):
        epochs, position = int(self.epochs), int(self.position)
        saved = f"epoch {epochs}" if position == 0 else f"step {position} of epoch {epochs + 1}"
        signum, self.asked.signum = int(self.asked.signum or 0), None
        name = signal.Signals(signum).name
        if not epochs + position:
            raise Interrupted(f"{name} ended the training before anything was saved. Do: start it again", signum)
        where = f"saved as of {saved} in {self.directory}"
        raise Interrupted(f"{name} ended the training, which is {where}. To go on: {self.go_on}", signum)

    # ---- checkpoints -----------------------------------------------------------------------------------------------

    def restore(self) -> int:
        """Load the newest checkpoint that is not damaged, if there is one. `fit` does this itself.

        Returns:
            Number of epochs trained so far, 0 without a checkpoint; of the next one, some steps may be trained.

        Raises:
            UserError: If the checkpoint is of another model or optimizer, all are damaged, or the workers find
                different ones.
        """
        self.checkpoints.find()
        self.checkpoints.load()
        self._check_alike()
        return int(self.epochs)

    def _check_alike(self):
        """Raise unless all replicas have trained the same number of epochs and steps."""
        import tensorflow as tf

        local = tf.function(lambda: gather(tf.stack([self.epochs, self.position])[None]))
        found = self.strategy.experimental_local_results(self.strategy.run(local))[0]
        if len(done := sorted({tuple(map(int, row)) for row in found})) > 1:
            places = ", ".join(f"{epochs}" + (f" and {steps} steps" if steps else "") for epochs, steps in done)
            raise UserError(
                "the same checkpoints on all workers",
                f"checkpoints after {places} epochs",
                "give all of them the same folder, on a file system that they share",
            )

    def _save(self, epochs, position, when):
        check_finite_weights(self.model, when)
        others: dict[str, Any] = {"stopped": bool(getattr(self.model, "stop_training", False))}
        if self.beside is not None:
            others |= {"trackers": self._trackers() if position else [], "callbacks": states.states(self.beside)}
        self.epochs.assign(epochs)
        self.position.assign(position)
        self.others.assign(states.pack(others))
        if is_chief(self.strategy):
            self.checkpoints.save(self.facts, f"then go on: {self.go_on}")
        self.saved = self.step, time.monotonic()

    def _put_back(self):
        """Load the newest checkpoint once more, with the state of the other callbacks and of the trackers."""
        if self.beside is None or self.checkpoints.known is None:
            return
        self.checkpoints.load()
        others = states.unpack(self.others.numpy())
        states.set_states(self.beside, others.get("callbacks", []))
        for variable, value in zip(self._tracked(), others.get("trackers", [])):
            for copy in self.strategy.experimental_local_results(variable.value):
                copy.assign(value)

    def _trackers(self):
        """Sums and counts of the epoch's means, averaged over the replicas of this process: no collective is needed."""
        import tensorflow as tf

        local = self.strategy.experimental_local_results
        return [tf.reduce_mean(tf.stack(local(variable.value)), axis=0).numpy() for variable in self._tracked()]

    def _tracked(self):
        return [variable for metric in self.model.metrics for variable in metric.variables] if self.midway else []


@contextlib.contextmanager
def _short_first_epoch():
    """Silence Keras's warning at the end of the interrupted epoch."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Your input ran out of data")
        yield
