"""Following what a representation is worth while it is trained, on labeled sets beside the unlabeled stream."""

import keras
import numpy as np

from keras_ssl import checks, data, evaluate
from keras_ssl.errors import UserError

__all__ = ["KNNProbe", "LinearProbe"]


class _Probe(keras.callbacks.Callback):
    """Put the accuracy of `measure` into the logs, and nothing else anywhere."""

    kind: str

    def __init__(self, train, test, name=None, every=1, limit=2000):
        super().__init__()
        for source in (train, test):
            if not isinstance(source, data.Source):
                do = "make one with `data.from_arrays(images, labels)`"
                raise UserError("a Source", type(source).__name__, do)
        data.check_labeled(train, test)
        checks.check_between("every", every, least=1)
        checks.check_between("limit", limit, least=1)
        self.train, self.test = (_part(source, limit) for source in (train, test))
        self.every = every
        self.key = f"{self.kind}_accuracy" if name is None else f"{name}_{self.kind}_accuracy"
        self.before = None

    def measure(self):
        """Return the scores of the model's representation."""
        raise NotImplementedError

    def on_train_begin(self, logs=None):
        """Measure once, so that images which do not fit are an error before training."""
        self.before = self.measure()["accuracy"]

    def on_epoch_end(self, epoch, logs=None):
        """Measure, when it is time."""
        if (epoch + 1) % self.every == 0:
            if self.key in logs:
                raise UserError("a name of its own for each probe", f"two of {self.key}", "give them `name=`")
            logs[self.key] = self.measure()["accuracy"]


class KNNProbe(_Probe):
    """Log the accuracy of `evaluate.knn` on a labeled set after each epoch.

    One probe follows one set; give `fit` as many as there are sets. The figures are in the logs that all callbacks
    after it get, `History` among them, and nothing in the training is changed: no weight, no statistic, no draw.

    Args:
        train: Labeled `data.Source`, whose samples vote.
        test: Labeled `data.Source`, which is not trained on. Nothing may be chosen by the figures of a test split; to
            choose, give a part of train.
        name: The figure is logged as `<name>_knn_accuracy`. Default None: `knn_accuracy`.
        every: Epochs from one figure to the next. Default 1.
        limit: Images of each source that are looked at, about: the same each time, with the classes in proportion.
            Default 2000, which took 2.6 seconds of one core with `conv_net((28, 28, 1))`, with all of 20,000 and
            10,000 images 20; None for all.

    Attributes:
        before: Accuracy when the last `fit` began, at first that of the untrained encoder; None until then.

    Raises:
        UserError: If a source has no labels; from `fit`, before training, if its images do not fit, and
            after an epoch, if two probes have one name.

    Example:
        `simclr.fit(batches, callbacks=[KNNProbe(*digits, name="digits"), KNNProbe(*mnist, name="mnist", every=5)])`,
        each a pair of train and test
    """

    kind = "knn"

    def measure(self):
        """Return the scores of the model's representation."""
        return evaluate.knn(self.model, self.train, self.test)


class LinearProbe(_Probe):
    """Log the accuracy of `evaluate.linear_probe` on a labeled set after each epoch. See `KNNProbe`.

    Args:
        train: Labeled `data.Source`, on which the classifier is fitted.
        test: Labeled `data.Source`.
        labels_per_class: Samples of each class that `data.few` draws of train by seed 0, in place of `limit`. Default
            None: as `limit` says.
        name: The figure is logged as `<name>_linear_accuracy`. Default None: `linear_accuracy`.
        every: Epochs from one figure to the next. Default 1.
        limit: See `KNNProbe`. Default 2000.

    Attributes:
        before: Accuracy when the last `fit` began, at first that of the untrained encoder; None until then.

    Raises:
        UserError: If a source has no labels, or train not two classes; from `fit`, before training, if its images do
            not fit, and after an epoch, if two probes have one name.

    Example:
        `simclr.fit(batches, callbacks=[LinearProbe(train, test, labels_per_class=10)])`
    """

    kind = "linear"

    def __init__(self, train, test, labels_per_class=None, name=None, every=1, limit=2000):
        super().__init__(train, test, name, every, limit)
        if labels_per_class is not None:
            self.train = data.from_arrays(*data.few(train, labels_per_class))
        if len(np.unique(self.train.labels)) < 2:
            raise UserError("labels of at least 2 classes", f"1 in {train.name!r}", "give a set with more")

    def measure(self):
        """Return the scores of the model's representation."""
        return evaluate.linear_probe(self.model, self.train, self.test)


def _part(source, limit):
    """About `limit` samples of a source, the same each time."""
    return source if limit is None or len(source) <= limit else source.split(limit / len(source))[0]
