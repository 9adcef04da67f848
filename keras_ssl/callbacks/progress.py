"""Showing the progress of training."""

import time
from typing import Any

import keras

from keras_ssl.checks import check_between, check_counts
from keras_ssl.progress import QUIET

__all__ = ["Progress"]

_PATIENCE = 20  # seconds after which the estimate is made at the latest


class Progress(keras.callbacks.Callback):
    """Show one bar over all epochs with the newest loss, and after the first steps an estimate of the duration.

    Without a terminal, write a line of text now and then instead.

    Args:
        title: Text before the bar. Default: "training".
        warm_up: Steps that are not timed, because they compile. Default: 1.
        timed: Number of steps that the estimate is made from, fewer if they take longer than 20 seconds. Default: 10.
    """

    def __init__(self, title: str = "training", warm_up: int = 1, timed: int = 10):
        super().__init__()
        check_between("warm_up", warm_up, least=0, whole=True)
        check_counts(timed=timed)
        self.title, self.warm_up, self.timed = title, warm_up, timed
        self.bar: Any = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Start the bar."""
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.table import Column

        columns = (TextColumn("{task.description}"), BarColumn(30), TimeRemainingColumn(compact=True))
        self.bar = Progress(*columns, TextColumn("{task.fields[figures]}", table_column=Column(no_wrap=True)))
        self.calls, self.last, self.told = 0, -1, False
        self.start, self.begun = time.perf_counter(), 0
        steps = self.params.get("steps")
        self.total = None if steps is None else steps * self.params["epochs"]
        self.task = self.bar.add_task(self.title, total=self.total, figures="")
        self.bar.start()
        self.written = time.perf_counter()
        if not self.bar.console.is_interactive:
            self.bar.console.print(f"{self.title}: compiling; the first step takes longest")

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Count the epochs that were trained before a run was resumed."""
        self.last = -1
        if self.calls == 0 and self.total:
            self.bar.update(self.task, completed=epoch * self.params["steps"])

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Advance the bar; after the first steps show the estimate, if it is above 12 seconds."""
        self.calls += 1
        self.bar.advance(self.task, batch - self.last)  # one call may be about several steps
        self.last, done = batch, self.bar.tasks[0].completed
        timed, now = self.calls - self.warm_up, time.perf_counter()
        if timed == 0:
            self.start, self.begun = now, done
        elif timed > 0 and self.total and not self.told and (timed == self.timed or now - self.start > _PATIENCE):
            self.told = True
            seconds = (now - self.start) / (done - self.begun) * (self.total - done)
            if seconds > 12:
                self.bar.console.print(f"{self.title}: about {seconds / 60:.1f} minutes")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Show the epoch's loss."""
        loss = (logs or {}).get("loss", float("nan"))
        figures = f"epoch {epoch + 1}/{self.params['epochs']}, loss {loss:.4g}"
        self.bar.update(self.task, figures=figures)
        if not self.bar.console.is_interactive and time.perf_counter() - self.written > QUIET:
            self.bar.console.print(f"{self.title}: {figures}")
            self.written = time.perf_counter()

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Close the bar."""
        self.close()

    def close(self) -> None:
        """Close the bar; call this if training ends in an error."""
        if self.bar is not None:
            self.bar.stop()
