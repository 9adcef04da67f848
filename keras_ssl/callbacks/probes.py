"""Measuring a representation on labeled data sets while it is trained."""

from typing import Any

import keras
import numpy as np

from keras_ssl import checks, data, evaluate
from keras_ssl.errors import UserError

__all__ = ["KNNProbe", "LinearProbe"]


class _Probe(keras.callbacks.Callback):
    """Log the accuracy of `measure`, and change nothing else."""

    kind: str

    def __init__(
        self,
        train: data.Source,
        test: data.Source,
        name: str | None = None,
        every: int = 1,
        limit: int | None = 2000,
    ):
        super().__init__()
        for source in (train, test):
            if not isinstance(source, data.Source):
                do = "make one with `data.from_arrays(images, labels)`"
                raise UserError("a Source", type(source).__name__, do)
        data.check_labeled(train, test)
        checks.check_between("every", every, least=1, whole=True)
        checks.check_counts(limit=1 if limit is None else limit)
        self.train, self.test = (_part(source, limit) for source in (train, test))
        self.every = every
        self.key = f"{self.kind}_accuracy" if name is None else f"{name}_{self.kind}_accuracy"
        self.before: float | None = None

    def measure(self) -> dict[str, float]:
        """Return the scores of the model's representation."""
        raise NotImplementedError

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Measure once, so that images that do not fit are an error before training."""
        self.before = self.measure()["accuracy"]

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measure, if it is time."""
        logs = {} if logs is None else logs
        if (epoch + 1) % self.every == 0:
            if self.key in logs:
                raise UserError("a name of its own for each probe", f"two of {self.key}", "give them `name=`")
            logs[self.key] = self.measure()["accuracy"]


class KNNProbe(_Probe):
    """Log the accuracy of `evaluate.knn` on a labeled set after each epoch.

    For several data sets, give `fit` one probe for each. The accuracy is in the logs of all callbacks that come later,
    `History` among them. Training is not changed: no weight, no statistic, no random draw.

    Args:
        train: Labeled `data.Source`, whose samples vote.
        test: Labeled `data.Source` that is not trained on. Do not choose anything by the accuracy on a test split; to
            choose, give a part of train.
        name: The accuracy is logged as `<name>_knn_accuracy`. Default: `knn_accuracy`.
        every: Number of epochs between measurements. Default: 1.
        limit: About how many images of each source are used, the same each time, with classes in proportion; None for
            all. Default: 2000, which took 2.6 seconds on one core with `conv_net((28, 28, 1))`; 20,000 and 10,000
            images took 20 seconds.

    Attributes:
        before: Accuracy at the start of the last `fit`, which is that of the untrained encoder in the first; None until
            then.

    Raises:
        UserError: If a source has no labels; from `fit`, before training, if its images do not fit, and after an epoch,
            if two probes have the same name.

    Example:
        `simclr.fit(batches, callbacks=[KNNProbe(*digits, name="digits"), KNNProbe(*mnist, name="mnist", every=5)])`,
        where `digits` and `mnist` are pairs of train and test
    """

    kind = "knn"

    def measure(self) -> dict[str, float]:
        """Return the scores of the model's representation."""
        return evaluate.knn(self.model, self.train, self.test)


class LinearProbe(_Probe):
    """Log the accuracy of `evaluate.linear_probe` on a labeled set after each epoch. See `KNNProbe`.

    Args:
        train: Labeled `data.Source`, on which the classifier is fitted.
        test: Labeled `data.Source`.
        labels_per_class: Number of samples of each class that `data.few` draws from train with seed 0. Default: None,
            train is limited by `limit`.
        name: The accuracy is logged as `<name>_linear_accuracy`. Default: `linear_accuracy`.
        every: Number of epochs between measurements. Default: 1.
        limit: See `KNNProbe`. Default: 2000.

    Attributes:
        before: See `KNNProbe`.

    Raises:
        UserError: If a source has no labels, or train fewer than two classes; from `fit`, before training, if its
            images do not fit, and after an epoch, if two probes have the same name.

    Example:
        `simclr.fit(batches, callbacks=[LinearProbe(train, test, labels_per_class=10)])`
    """

    kind = "linear"

    def __init__(
        self,
        train: data.Source,
        test: data.Source,
        labels_per_class: int | None = None,
        name: str | None = None,
        every: int = 1,
        limit: int | None = 2000,
    ):
        super().__init__(train, test, name, every, limit)
        if labels_per_class is not None:
            self.train = data.from_arrays(*data.few(train, labels_per_class))
        if len(np.unique(self.train.labels)) < 2:
            raise UserError("labels of at least 2 classes", f"1 in {train.name!r}", "give a set with more")

    def measure(self) -> dict[str, float]:
        """Return the scores of the model's representation."""
        return evaluate.linear_probe(self.model, self.train, self.test)


def _part(source, limit):
    """About `limit` samples of a source, the same each time."""
    return source if limit is None or len(source) <= limit else source.split(limit / len(source))[0]
