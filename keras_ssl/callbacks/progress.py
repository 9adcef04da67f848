"""Showing how far a training is."""

import time
from typing import Any

import keras

from keras_ssl.progress import QUIET

__all__ = ["Progress"]

_PATIENCE = 20  # seconds that an estimate may take


class Progress(keras.callbacks.Callback):
    """One bar over all epochs, with the newest loss, and an estimate of the minutes after the first steps.

    Where there is no terminal it writes a line now and then instead.

    Args:
        title: What stands before the bar.
        warm_up: Steps that are not timed, because they compile. Default 1.
        timed: Steps from which the estimate is made, or as many as 20 seconds have. Default 10.
    """

    def __init__(self, title="training", warm_up=1, timed=10):
        super().__init__()
        self.title, self.warm_up, self.timed = title, warm_up, timed
        self.bar: Any = None

    def on_train_begin(self, logs=None):
        """Start the bar."""
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.table import Column

        columns = (TextColumn("{task.description}"), BarColumn(30), TimeRemainingColumn(compact=True))
        self.bar = Progress(*columns, TextColumn("{task.fields[figures]}", table_column=Column(no_wrap=True)))
        self.seen, self.told = 0, False
        steps = self.params.get("steps")
        self.total = None if steps is None else steps * self.params["epochs"]
        self.task = self.bar.add_task(self.title, total=self.total, figures="")
        self.bar.start()
        self.written = time.perf_counter()
        if not self.bar.console.is_interactive:
            self.bar.console.print(f"{self.title}: compiling; the first step takes longest")

    def on_epoch_begin(self, epoch, logs=None):
        """Count the epochs that were done before a resumed run."""
        if self.seen == 0 and self.total:
            self.bar.update(self.task, completed=epoch * self.params["steps"])

    def on_train_batch_end(self, batch, logs=None):
        """Move the bar; after the first steps print the estimate, when it is above a minute's fifth."""
        self.seen += 1
        self.bar.advance(self.task)
        timed, now = self.seen - self.warm_up, time.perf_counter()
        if timed == 0:
            self.begun = now
        elif timed > 0 and self.total and not self.told and (timed == self.timed or now - self.begun > _PATIENCE):
            self.told = True
            seconds = (now - self.begun) / timed * (self.total - self.bar.tasks[0].completed)
            if seconds > 12:
                self.bar.console.print(f"{self.title}: about {seconds / 60:.1f} minutes")

    def on_epoch_end(self, epoch, logs=None):
        """Show the epoch's loss."""
        loss = (logs or {}).get("loss", float("nan"))
        figures = f"epoch {epoch + 1}/{self.params['epochs']}, loss {loss:.4g}"
        self.bar.update(self.task, figures=figures)
        if not self.bar.console.is_interactive and time.perf_counter() - self.written > QUIET:
            self.bar.console.print(f"{self.title}: {figures}")
            self.written = time.perf_counter()

    def on_train_end(self, logs=None):
        """Close the bar."""
        self.close()

    def close(self):
        """Close the bar, also when training ended in an error."""
        if self.bar is not None:
            self.bar.stop()
