"""Finding out, while an objective trains, that its representation collapses, which the loss does not show."""

import collections
import warnings

import keras
import numpy as np
from keras import ops

from keras_ssl import measures
from keras_ssl.callbacks.diagnoses import diagnose, likely_cause
from keras_ssl.checks import check_between
from keras_ssl.errors import UserError

__all__ = ["CollapseDoctor", "CollapseWarning", "Finding"]

VIEWS = ("view_1", "view_2")
SAMPLES = 256  # that are looked at: as many as the thresholds were chosen on

Finding = collections.namedtuple("Finding", "epoch diagnosis figure value message")


class CollapseWarning(UserWarning):
    """What `CollapseDoctor` warns with."""


class CollapseDoctor(keras.callbacks.Callback):
    """Measure the projections of one batch after each epoch, and warn of a collapse, with its likely cause.

    A collapsed network may have a lower loss than a healthy one. The figures are put into the logs, and so into
    History; without a `projector` they are those of the encoder's representation:

    - `doctor_std`: `measures.feature_std`; 0 in one point, about 1 when directions are spread evenly.
    - `doctor_rank`: `measures.effective_rank`; 1 on one line.
    - `doctor_scale`: standard deviation of the projections as they are, in parts of that before training.
    - `doctor_entropy`: the objective's `entropy`, of the use of its prototypes, where it has one.

    A diagnosis is a threshold on one of them, or on the part of samples or views that differ, and is warned of once.
    Views are judged before training. Projections must be below the threshold at two checks in a row without recovering,
    because a moment may look like a collapse. No weight, statistic or draw of the training is changed. Weights that are
    not finite are the matter of `Guard`.

    Args:
        batch: Dict with "view_1", "view_2" and what else the objective takes, of which 256 samples are used; or a data
            set, whose first batch is taken: not that of `fit`, where `data.batches` would count this as an epoch.
        every: Epochs from one check to the next. Default 1.
        stop: Whether a finding stops the training. Default False.

    Attributes:
        findings: List of `Finding(epoch, diagnosis, figure, value, message)`; empty again with another model.
        before: Figures before the model's first `fit`, or where a resumed one goes on; None until then.

    Raises:
        UserError: If the batch has no two views or fewer than 32 samples; from `fit`, if the objective has no two
            views, or takes others.

    Reference:
        Chen & He 2021, "Exploring Simple Siamese Representation Learning", section 4.1 (the standard deviation).

    Example:
        `simclr.fit(batches, epochs=60, callbacks=[CollapseDoctor(data.batches(train, views=policy), stop=True)])`
    """

    def __init__(self, batch, every=1, stop=False):
        super().__init__()
        check_between("every", every, least=1)
        self.batch = {key: ops.convert_to_tensor(x[:SAMPLES]) for key, x in _checked(batch).items()}
        self.every, self.stop, self.watched = every, stop, None
        one, other = (self.batch[key] for key in VIEWS)
        self.views = {
            "distinct_samples": min(_distinct(view, ops.roll(view, 1, axis=0)) for view in (one, other)),
            "distinct_views": _distinct(one, other),
        }
        self.findings, self.before = [], None

    def on_train_begin(self, logs=None):
        """Judge the views, and measure the projections, so that views which do not fit are an error before training."""
        if not set(VIEWS) <= set(getattr(self.model, "batch_keys", ())):
            raise UserError("an objective of two views", type(self.model).__name__, "leave the callback out")
        if self.model is not self.watched:
            self.watched, self.findings, self.last, self.scale = self.model, [], {}, 0.0
            self.before = self._measure()
        self._judge("before training", 0, self.views, self.views)

    def on_epoch_end(self, epoch, logs=None):
        """Measure, log and judge, when it is time."""
        if (epoch + 1) % self.every == 0:
            figures = self._measure()
            logs.update(figures)
            self._judge(f"after epoch {epoch + 1}", epoch + 1, figures | self.views, self.last | self.views)
            self.last = figures

    def _measure(self):
        """Figures of the batch normalized by itself: moving statistics lag behind when a training begins."""
        with keras.StatelessScope():
            h = self.model.encoder(self.batch["view_1"], training=True)
            z = self.model.projector(h, training=True) if hasattr(self.model, "projector") else h
            _, terms = self.model.run(self.batch, training=True)  # which also says what is wrong with the batch
        scale = float(ops.sqrt(ops.mean(ops.var(ops.cast(z, "float32"), axis=0))))
        self.scale = self.scale or scale
        self.width = min(h.shape[-1], z.shape[-1])
        figures = {
            "std": measures.feature_std(z),
            "rank": measures.effective_rank(z),
            "scale": scale / (self.scale + 1e-12),
            **{name: figure for name, figure in terms.items() if name == "entropy"},
        }
        return {f"doctor_{name}": float(figure) for name, figure in figures.items()}

    def _judge(self, when, epoch, now, last):
        found = diagnose(now, last, self.width)
        if found is None or found.name in [finding.diagnosis for finding in self.findings]:
            return
        value = now[found.figure]
        message = (
            f"{type(self.model).__name__} {when}: {found.name}. {found.figure} is {value:.3g}, below "
            f"{found.below:.3g}: {found.meaning}. Likely cause: {likely_cause(found, self.model)}."
        )
        self.findings.append(Finding(epoch, found.name, found.figure, value, message))
        warnings.warn(message, CollapseWarning, stacklevel=2)
        self.model.stop_training |= self.stop


def _checked(batch):
    """The batch as a dict with two views of enough samples."""
    if not isinstance(batch, dict) and hasattr(batch, "__iter__"):
        batch = keras.utils.unpack_x_y_sample_weight(next(iter(batch)))[0]
    shapes = {key: np.shape(x) for key, x in batch.items()} if isinstance(batch, dict) else type(batch).__name__
    if not isinstance(batch, dict) or not set(VIEWS) <= set(batch) or np.shape(batch["view_1"])[0] < 32:
        do = "give `data.batches(source, views=policy)`, made anew"
        raise UserError("a batch with 'view_1' and 'view_2' of at least 32 samples", f"{shapes}", do)
    return batch


def _distinct(x, y):
    """Part of the samples that differ from each other."""
    if x.shape != y.shape:
        return 1.0
    apart = ops.abs(ops.cast(x, "float32") - ops.cast(y, "float32"))
    return float(ops.mean(ops.cast(ops.max(ops.reshape(apart, (x.shape[0], -1)), axis=1) > 1e-6, "float32")))
