"""Finding a learning rate by a short training at rising rates."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl.checks import check_between, check_counts
from keras_ssl.distribute import scope_of
from keras_ssl.errors import UserError
from keras_ssl.networks import check_finite_weights, is_graph
from keras_ssl.optimizers import innermost
from keras_ssl.transfer.checking import check_samples
from keras_ssl.transfer.recompiling import check_one_optimizer
from keras_ssl.trees import count, take

__all__ = ["LearningRates", "find_learning_rate"]

_BLOWN_UP = 4.0  # times the lowest smoothed loss


@dataclass(frozen=True, repr=False)
class LearningRates:
    """The losses of a short training at rising learning rates. `figures.plots.learning_rates` draws them.

    Attributes:
        rates: Learning rate of each step.
        losses: Loss of each batch, before its step.
        smoothed: Their moving average, weighted exponentially.
        suggestion: A tenth of the rate at which `smoothed` is lowest.
        blew_up: Whether the loss exceeded four times its lowest value, or was not finite, before the highest rate.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    smoothed: tuple[float, ...]
    suggestion: float
    blew_up: bool

    def __repr__(self) -> str:
        lowest = int(np.argmin(self.smoothed))
        end = f"blew up at {self.rates[-1]:.2g}" if self.blew_up else f"did not blow up until {self.rates[-1]:.2g}"
        first, best = self.smoothed[0], self.smoothed[lowest]
        return (
            f"Suggested learning rate: {self.suggestion:.2g}, a tenth of {self.rates[lowest]:.2g}, at which the "
            f"smoothed loss was lowest ({first:.3g} at first, then {best:.3g}). The loss {end}."
        )


def find_learning_rate(
    model: keras.Model,
    x: Any,
    y: Any = None,
    lowest: float = 1e-7,
    highest: float = 10.0,
    steps: int = 100,
    batch_size: int = 32,
    smoothing: float = 0.9,
    seed: int = 0,
) -> LearningRates:
    """Train a model for some steps at exponentially rising learning rates, and suggest one (the range test).

    After it, all variables of the model and its optimizer are what they were before: weights, statistics, random
    states, the optimizer's slots and its learning rate. It stops when the smoothed loss exceeds four times its lowest
    value, or is not finite.

    Args:
        model: Built and compiled `keras.Model` or objective with one optimizer.
        x: Array `(n, …)`, or a dict of arrays: what the model takes; or a data set of batches, of which as many as
            needed are taken, again and again.
        y: Labels as `fit` takes them: an array, or a dict of arrays by output; None for objectives and data sets.
        lowest: First learning rate, above 0. Default: 1e-7.
        highest: Last learning rate, above `lowest`. Default: 10.
        steps: Number of steps, at least 10. Default: 100.
        batch_size: Samples in a batch of arrays, drawn without replacement, epoch after epoch. Default: 32.
        smoothing: How much of the average each step keeps, in 0..1. Default: 0.9.
        seed: Seed of the order of samples in arrays. Default: 0.

    Returns:
        `LearningRates`.

    Raises:
        UserError: If the model is not compiled, has several optimizers or weights that are not finite, samples or
            labels do not fit it, an argument is out of range, the loss is not finite at the lowest rate, or it never
            falls.

    Reference:
        Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3.

    Departures:
        As in fastai's finder, rates rise exponentially within some 100 steps, the loss is read instead of the accuracy,
        and the suggestion is a tenth of the rate of the lowest loss. Its moving average keeps 0.98 at each step, which
        is a mean over some 50 of the 100 steps; here it keeps 0.9, for a mean over some 10.

    Example:
        `found = transfer.find_learning_rate(classifier, images, labels)`, then
        `classifier.optimizer.learning_rate = found.suggestion`
    """
    check_counts(batch_size=batch_size)
    check_between("steps", steps, least=10, whole=True)
    check_between("lowest", lowest, above=0)
    check_between("highest", highest, above=lowest)
    check_between("smoothing", smoothing, least=0, below=1)
    optimizer = _optimizer(model)
    check_finite_weights(model, "before the search")
    batches = _batches(model, x, y, batch_size, seed)
    before = _State(model, optimizer)
    rates = np.geomspace(lowest, highest, steps).tolist()
    try:
        before.use_rate_variable()
        losses, smoothed = _train(model, before.innermost, rates, batches, smoothing)
    finally:
        before.put_back()
    lowest_at = int(np.argmin(smoothed))
    if lowest_at == 0:
        raise UserError(
            f"a loss that falls at a rate between {lowest:g} and {highest:g}",
            f"{smoothed[0]:.3g} at first, and nothing lower in {len(smoothed)} steps",
            "take more steps, look at the data and labels, or at a model that is trained already",
        )
    best = rates[lowest_at]
    return LearningRates(
        tuple(rates[: len(smoothed)]), tuple(losses), tuple(smoothed), best / 10, len(smoothed) < len(rates)
    )


def _train(model, optimizer, rates, batches, smoothing):
    """Losses of the steps until the loss blows up, and their moving averages."""
    losses: list[float] = []
    smoothed: list[float] = []
    average = 0.0
    for step, (rate, batch) in enumerate(zip(rates, batches), 1):
        optimizer.learning_rate = rate
        model.reset_metrics()  # or it would be the mean over all steps
        try:
            loss = float(model.train_on_batch(*batch, return_dict=True)["loss"])
        except UserError:  # an objective stops at an update that is not finite
            if not losses:
                raise
            break
        average = smoothing * average + (1 - smoothing) * loss
        value = average / (1 - smoothing**step)
        if not np.isfinite(loss):
            break
        losses.append(loss)
        smoothed.append(value)
        if value > min(smoothed) + (_BLOWN_UP - 1) * abs(min(smoothed)):
            break
    if not losses:
        raise UserError(
            f"a finite loss at the learning rate {rates[0]:g}",
            "NaN or Inf",
            "look for NaN, Inf and labels out of range in the data",
        )
    return losses, smoothed


def _optimizer(model):
    if not getattr(model, "compiled", False) or not model.built:
        raise UserError("a built and compiled model", f"'{model.name}', which is not", "call `model.compile(…)` first")
    check_one_optimizer(model, "try rates by hand, in short runs")
    return model.optimizer


def _batches(model, x, y, batch_size, seed) -> Iterator[tuple]:
    """Endless batches as `train_on_batch` takes them."""
    if isinstance(x, Mapping) or hasattr(x, "__array__"):
        if is_graph(model):
            x = check_samples(model, x)
        if y is not None and count(y) != count(x):
            raise UserError(f"labels of {count(x)} samples", f"of {count(y)}", "check where both come from")
        if y is not None and hasattr(model.fit, "check"):
            model.fit.check(x, y, True)
        return _drawn(x, y, min(batch_size, count(x)), seed)
    if y is not None or not isinstance(x, Iterable):
        raise UserError(
            "arrays with their labels, or a data set of batches alone",
            f"a {type(x).__name__}" + " and labels" * (y is not None),
            "give arrays, or a data set of pairs (x, y)",
        )
    return (keras.utils.unpack_x_y_sample_weight(batch) for batch in _again(x))


def _again(dataset):
    for _ in itertools.count():
        empty = True
        for batch in dataset:
            empty = False
            yield batch
        if empty:
            raise UserError("a data set with batches", "one without any, or one that is used up", "make it anew")


def _drawn(x, y, batch_size, seed):
    generator = np.random.default_rng(seed)
    while True:
        order = generator.permutation(count(x))
        for begin in range(0, len(order) - batch_size + 1, batch_size):
            chosen = order[begin : begin + batch_size]
            yield take(x, chosen), None if y is None else take(keras.tree.map_structure(np.asarray, y), chosen)


class _State:
    """The variables of a model and its optimizer, and its learning rate, to be put back."""

    def __init__(self, model, optimizer):
        self.model, self.innermost = model, innermost(optimizer)
        if not optimizer.built:
            with scope_of(model):
                optimizer.build(model.trainable_variables)
        self.schedule = self.innermost._learning_rate
        self.variables = {id(v): v for v in (*model.variables, *optimizer.variables, *model.metrics_variables)}
        self.values = {key: ops.convert_to_numpy(v).copy() for key, v in self.variables.items()}

    def use_rate_variable(self):
        """Replace a schedule by a variable that can be set; compiled functions hold the schedule."""
        if not isinstance(self.schedule, keras.Variable):
            with scope_of(self.model):
                self.rate = keras.Variable(0.0, trainable=False, name="learning_rate")
            self.innermost._learning_rate = self.rate  # which the optimizer then tracks
            self.model.train_function = None

    def put_back(self):
        """Restore everything."""
        if not isinstance(self.schedule, keras.Variable):
            self.innermost._learning_rate = self.schedule
            self.innermost._untrack_variable(self.rate)
            self.model.train_function = None
        for key, variable in self.variables.items():
            variable.assign(self.values[key])
        self.model.reset_metrics()
        for key in {id(v) for v in self.model.metrics_variables} & self.values.keys():
            self.variables[key].assign(self.values[key])
