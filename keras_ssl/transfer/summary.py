"""What trains, how many weights that are, and at which learning rate: layer by layer."""

import math
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from keras_ssl.checks import check_counts
from keras_ssl.networks import inner_layers
from keras_ssl.optimizers import innermost
from keras_ssl.transfer.freezing import Trainability, trainability

__all__ = ["LayerSummary", "Summary", "named_weights", "summary"]


@dataclass(frozen=True)
class LayerSummary:
    """What trains in a layer, or in all layers of a part of a model.

    Attributes:
        path: Path of the layer, such as "conv_net/conv_1", or of the part, such as "conv_net".
        training: Number of weights that train.
        frozen: Number of weights that would train if the layer was not frozen.
        statistics: Number of weights that no optimizer changes, such as the moving averages of batch normalization.
        learning_rates: The current learning rates of the weights that train, without repetition; empty if the model is
            not compiled.
    """

    path: str
    training: int
    frozen: int
    statistics: int
    learning_rates: tuple[float, ...]


@dataclass(frozen=True, repr=False)
class Summary:
    """What trains in a model. Its repr is a table.

    Attributes:
        layers: A `LayerSummary` for each layer, or part.
        trainability: The `Trainability` of the model.
    """

    layers: tuple[LayerSummary, ...]
    trainability: Trainability

    def __repr__(self) -> str:
        header = ["layer", "trains", "frozen", "statistics", "learning rate"]
        rows = [header, *(_cells(layer) for layer in self.layers)]
        widths = [max(map(len, column)) for column in zip(*rows)]
        lines = ["  ".join([path.ljust(widths[0]), *map(str.rjust, cells, widths[1:])]) for path, *cells in rows]
        return "\n".join([*lines, "", repr(self.trainability)])


def _cells(layer):
    counts = (f"{count:,}" if count else "" for count in (layer.training, layer.frozen, layer.statistics))
    return [layer.path, *counts, ", ".join(f"{rate:g}" for rate in layer.learning_rates)]


def summary(model: keras.Model, depth: int = 2) -> Summary:
    """Return what trains in a model, with numbers of weights and learning rates.

    Args:
        model: Built `keras.Model`, such as `transfer.classifier` builds, or an objective; compiled or not.
        depth: Layers that lie deeper are added up: with 1 there is a row for the whole encoder, with 2 for each of its
            layers. Default: 2.

    Returns:
        `Summary`. A notebook shows it as a table if the call ends a cell.

    Raises:
        UserError: If `depth` is below 1.
    """
    check_counts(depth=depth)
    rates = _rates(model)
    training = {id(weight) for weight in model.trainable_weights}
    would_train = {id(weight) for layer in model._flatten_layers() for weight in layer._trainable_variables}
    rows: dict[str, dict[str, Any]] = {}
    for path, weight in named_weights(model):
        part = "/".join(path.split("/")[:-1][:depth]) or path  # a weight of the model itself has a row of its own
        row = rows.setdefault(part, {"training": 0, "frozen": 0, "statistics": 0, "rates": {}})
        kind = "training" if id(weight) in training else "frozen" if id(weight) in would_train else "statistics"
        row[kind] += math.prod(weight.shape)
        if kind == "training" and id(weight) in rates:
            row["rates"][rates[id(weight)]] = None
    layers = tuple(
        LayerSummary(part, row["training"], row["frozen"], row["statistics"], tuple(row["rates"]))
        for part, row in rows.items()
    )
    return Summary(layers, trainability(model))


def _rates(model):
    """The current learning rate of each weight that an optimizer trains, by the weight's id."""

    def rate(optimizer, weight):
        optimizer = innermost(optimizer)
        own = getattr(optimizer, "rate_of", None)  # of `optimizers.AdamW`
        return own(weight) if own else float(ops.convert_to_numpy(optimizer.learning_rate))

    updates = getattr(model, "updates", None)  # of an objective
    pairs = [(update.optimizer, update.variables) for update in updates or ()]
    pairs = pairs or [(getattr(model, "optimizer", None), model.trainable_weights)]
    return {
        id(weight): rate(optimizer, weight)
        for optimizer, weights in pairs
        if optimizer is not None
        for weight in weights
    }


def named_weights(model: keras.Model) -> list[tuple[str, keras.Variable]]:
    """Return all weights of a model with their paths, such as "conv_net/conv_1/kernel"; each weight and path once.

    Args:
        model: Built `keras.Model`.
    """
    found: dict[int, tuple[str, Any]] = {}

    def walk(layer, prefix):
        for weight in (*layer._trainable_variables, *layer._non_trainable_variables):
            found.setdefault(id(weight), (f"{prefix}{weight.name}", weight))
        for inner in inner_layers(layer):
            walk(inner, f"{prefix}{inner.name}/")

    walk(model, "")
    kept = {id(weight) for weight in model.weights}
    twins: dict[str, int] = {}
    pairs = []
    for path, weight in (pair for key, pair in found.items() if key in kept):
        twins[path] = twins.get(path, 0) + 1
        pairs.append((path if twins[path] == 1 else f"{path}_{twins[path]}", weight))
    return pairs
