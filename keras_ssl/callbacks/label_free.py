"""Measuring a representation without labels while it is trained."""

from typing import Any

import keras

from keras_ssl import checks, data, evaluate
from keras_ssl.errors import UserError
from keras_ssl.typing import Operation

__all__ = ["LabelFree"]


class LabelFree(keras.callbacks.Callback):
    """Log the figures of `evaluate.label_free` after each epoch, to choose a checkpoint by where there are no labels.

    The figures are in the logs of all callbacks that come later, so that `keras.callbacks.ModelCheckpoint(path,
    monitor="label_free_lidar", mode="max", save_best_only=True)` keeps the best epoch. Training is not changed: no
    weight, no statistic, no random draw.

    Args:
        source: `data.Source`; no labels are needed.
        views: Policy, or None for figures of samples as they are alone; see `evaluate.label_free`. Default: None.
        name: The figures are logged as `<name>_label_free_rank_me` and so on. Default: None, `label_free_rank_me` and
            so on.
        every: Number of epochs between measurements. Default: 1.
        limit: Number of samples, from the first on; None for all. Default: 1000.
        count: Number of views of each sample, even. Default: 10.

    Attributes:
        before: Figures at the start of the last `fit`, which are those of the untrained encoder in the first; None
            until then.

    Raises:
        UserError: If an argument is out of its range; from `fit`, before training, if samples or views do not fit, and
            after an epoch, if another callback logs the same figures.

    Example:
        `simclr.fit(batches, callbacks=[LabelFree(train, views.digits())])`
    """

    def __init__(
        self,
        source: data.Source,
        views: Operation | None = None,
        name: str | None = None,
        every: int = 1,
        limit: int | None = 1000,
        count: int = 10,
    ):
        super().__init__()
        if not isinstance(source, data.Source):
            raise UserError("a Source", type(source).__name__, "make one with `data.from_arrays(samples)`")
        checks.check_between("every", every, least=1, whole=True)
        checks.check_between("count", count, least=2, whole=True)
        checks.check_between("limit", 2 if limit is None else limit, least=2, whole=True)
        self.source = source if limit is None else source[:limit]
        self.views, self.every, self.count = views, every, count
        self.prefix = "label_free_" if name is None else f"{name}_label_free_"
        self.before: dict[str, float] | None = None

    def measure(self) -> dict[str, float]:
        """Return the figures of the model's representation, by the names that they are logged under."""
        found = evaluate.label_free(self.model, self.source, self.views, self.count, limit=None)
        return {self.prefix + name: figure for name, figure in found.items()}

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Measure once, so that samples or views that do not fit are an error before training."""
        self.before = self.measure()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measure, if it is time."""
        logs = {} if logs is None else logs
        if (epoch + 1) % self.every == 0:
            found = self.measure()
            if twice := sorted(set(found) & set(logs)):
                raise UserError("figures of a name of their own", f"two of {twice[0]}", "give the callback a `name`")
            logs.update(found)
