"""Detecting representation collapse, which the loss does not show, during training."""

import warnings
from collections.abc import Iterable
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from keras_ssl import measures
from keras_ssl.callbacks.diagnoses import diagnose, likely_cause
from keras_ssl.checks import check_between
from keras_ssl.errors import UserError
from keras_ssl.networks import is_random
from keras_ssl.trees import count, take
from keras_ssl.typing import Batch

__all__ = ["CollapseDoctor", "CollapseWarning", "Finding"]

VIEWS = ("view_1", "view_2")
PAIR = ("image", "ids")
LOGGED = ("entropy", "perplexity")
"""Terms of objectives that tell of a collapse."""
SAMPLES = 256  # that are used: as many as the thresholds were chosen on


class Finding(NamedTuple):
    """One collapse that `CollapseDoctor` found.

    Attributes:
        epoch: Number of epochs trained before it was found.
        diagnosis: Name of the diagnosis, such as "one point".
        figure: Name of the figure that is below its threshold.
        value: Value of that figure.
        message: Text of the warning.
    """

    epoch: int
    diagnosis: str
    figure: str
    value: float
    message: str


class CollapseWarning(UserWarning):
    """The warning of `CollapseDoctor`."""


class CollapseDoctor(keras.callbacks.Callback):
    """Measure the projections of one batch after each epoch, and warn of collapse, with its likely cause.

    A collapsed network may have a lower loss than a healthy one. The figures are added to the logs, and so to History.
    They are those of the projections, or of the encoder's representation if there is no `projector`; of `CLIP` those of
    the images:

    - `doctor_std`: `measures.feature_std`; 0 if all are one point, about 1 if directions are spread evenly.
    - `doctor_rank`: `measures.effective_rank`; 1 if all are on one line.
    - `doctor_scale`: standard deviation without normalization, relative to that before training.
    - `doctor_entropy`: the objective's `entropy`, that of the use of its prototypes, if it has one.
    - `doctor_perplexity`: the objective's `perplexity`, that of the code book of which the fewest entries are in use,
      if it has code books.

    Of an objective without views, such as `Wav2Vec2`, only its own `entropy` or `perplexity` is looked at.

    A diagnosis is a threshold on one of these, or on the share of samples or views that differ. Each is reported once.
    Views are checked before training. Projections must be below the threshold, without recovering, at two checks in a
    row, because a network may look collapsed for a moment. No weight, statistic or random draw of training is changed.
    Weights that are not finite are left to the objective itself.

    Args:
        batch: Dict with "view_1" and "view_2", or "image" and "ids", and whatever else the objective takes, or with
            "input" for one without views, of which 256 samples are used; or a data set, whose first batch is used. Do
            not give the data set that `fit` gets: `data.batches` would count this as an epoch.
        every: Number of epochs between checks. Default: 1.
        stop: Whether a finding stops training. Default: False.

    Attributes:
        findings: List of `Finding`s. It is emptied when the callback gets another model.
        before: Figures before the model's first `fit`, also in a run that `Resume.fit` resumed; None until then.

    Raises:
        UserError: If the batch does not have two views, pairs, or an input, of at least 32 samples; from `fit`, if the
            objective takes neither views nor pairs and logs neither `entropy` nor `perplexity`, or takes another batch.

    Reference:
        Chen & He 2021, "Exploring Simple Siamese Representation Learning", section 4.1 (the standard deviation).

    Example:
        `simclr.fit(batches, epochs=60, callbacks=[CollapseDoctor(data.batches(train, views=policy), stop=True)])`
    """

    def __init__(self, batch: Batch | Iterable[Any], every: int = 1, stop: bool = False):
        super().__init__()
        check_between("every", every, least=1, whole=True)
        some = {key: take(x, slice(SAMPLES)) for key, x in _checked(batch).items()}
        self.batch = keras.tree.map_structure(ops.convert_to_tensor, some)
        self.every, self.stop = every, stop
        self.watched: keras.Model | None = None
        self.keys = _keys(self.batch)
        self.views = _of_views(*(self.batch[key] for key in self.keys)) if len(self.keys) == 2 else {}
        self.findings: list[Finding] = []
        self.before: dict[str, float] | None = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Check the views and measure the projections, so that views that do not fit are an error before training."""
        keys, terms = (set(getattr(self.model, name, ())) for name in ("batch_keys", "terms"))
        if not (set(self.keys) <= keys and (self.views or terms & set(LOGGED))):
            logged = f"an objective that logs {' or '.join(LOGGED)}"
            expected = {VIEWS: "an objective of two views", PAIR: "an objective of pairs"}.get(self.keys, logged)
            raise UserError(expected, type(self.model).__name__, "leave the callback out")
        if self.model is not self.watched:
            self.watched, self.findings, self.scale, self.width = self.model, [], 0.0, 0
            self.last: dict[str, float] = {}
            self.before = self._measure()
        self._diagnose("before training", 0, self._of_views(), self._of_views())

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Measure, log and diagnose, if it is time."""
        if (epoch + 1) % self.every == 0:
            figures = self._measure()
            if logs is not None:
                logs.update(figures)
            self._diagnose(
                f"after epoch {epoch + 1}", epoch + 1, figures | self._of_views(), self.last | self._of_views()
            )
            self.last = figures

    def get_state(self) -> dict[str, Any]:
        """Return what `Resume` keeps: findings and figures."""
        return {name: getattr(self, name) for name in ("findings", "before", "last", "scale")}

    def set_state(self, state: dict[str, Any]) -> None:
        """Put back what `get_state` returned."""
        self.findings = [Finding(*finding) for finding in state["findings"]]
        self.before, self.last, self.scale = state["before"], state["last"], state["scale"]

    def _of_views(self):
        """Figures of the views. An encoder with dropout makes two of one sample, so that they need not differ."""
        return {
            name: x for name, x in self.views.items() if name != "distinct_views" or not is_random(self.model.encoder)
        }

    def _measure(self):
        """Figures of the batch, with its own batch statistics: moving statistics lag behind early in training."""
        with keras.StatelessScope():
            figures = self._of_projections() if self.views else {}
            _, terms = self.model.run(self.batch, training=True)  # raises if the batch does not fit
        figures |= {name: figure for name, figure in terms.items() if name in LOGGED}
        return {f"doctor_{name}": float(figure) for name, figure in figures.items()}

    def _of_projections(self):
        h = self.model.encoder(self.batch[self.keys[0]], training=True)
        z = self.model.projector(h, training=True) if hasattr(self.model, "projector") else h
        scale = float(ops.sqrt(ops.mean(ops.var(ops.cast(z, "float32"), axis=0))))
        self.scale = self.scale or scale
        self.width = min(h.shape[-1], z.shape[-1])
        return {
            "std": measures.feature_std(z),
            "rank": measures.effective_rank(z),
            "scale": scale / (self.scale + 1e-12),
        }

    def _diagnose(self, when, epoch, now, last):
        found = diagnose(now, last, self.width, getattr(self.model, "entries", None))
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
    """The batch as a dict, after a check that it has two views, or an input, of enough samples."""
    if not isinstance(batch, dict) and hasattr(batch, "__iter__"):
        batch = keras.utils.unpack_x_y_sample_weight(next(iter(batch)))[0]
    named = isinstance(batch, dict)
    shapes = keras.tree.map_structure(np.shape, batch) if named else type(batch).__name__
    keys = _keys(batch) if named else ()
    if not keys or count(batch[keys[0]]) < 32:
        do = "give it its own `data.batches(source, views=policy)`, or without views if the objective has none"
        expected = "a batch of pairs, or with 'view_1' and 'view_2', or 'input', of at least 32 samples"
        raise UserError(expected, f"{shapes}", do)
    return batch


def _keys(batch):
    """Names of what a batch has: two views, images and texts, or one input; none if it has none of these."""
    return next((keys for keys in (VIEWS, PAIR, ("input",)) if set(keys) <= set(batch)), ())


def _of_views(one, other):
    """Shares of the samples that differ from the next one, and of those whose views differ."""
    return {
        "distinct_samples": min(_distinct(view, keras.tree.map_structure(_rolled, view)) for view in (one, other)),
        "distinct_views": _distinct(one, other),
    }


def _rolled(x):
    return ops.roll(x, 1, axis=0)


def _distinct(x, y):
    """Share of the samples that differ between x and y, in any of their tensors."""
    pairs = zip(keras.tree.flatten(x), keras.tree.flatten(y), strict=True)
    return max(_distinct_tensors(one, other) for one, other in pairs)


def _distinct_tensors(x, y):
    if x.shape != y.shape:
        return 1.0
    apart = ops.abs(ops.cast(x, "float32") - ops.cast(y, "float32"))
    return float(ops.mean(ops.cast(ops.max(ops.reshape(apart, (x.shape[0], -1)), axis=1) > 1e-6, "float32")))
