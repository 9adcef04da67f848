"""Samples that a model takes, and labels, checked."""

from typing import Any, cast

import keras
import numpy as np

from keras_ssl import checks, specs
from keras_ssl.data.source import Source, check_labeled, from_arrays
from keras_ssl.networks import embedder, is_graph
from keras_ssl.typing import Samples

__all__ = ["as_source", "labeled"]

_CHECKED = 4096  # samples at a time


def as_source(samples: Source | Samples, model: Any = None) -> Source:
    """Check the values and shapes of samples, and return them as a `data.Source`.

    Args:
        samples: `data.Source`, or an array or a dict of arrays, as the model takes them: images are floats in 0..1.
        model: `keras.Model` that they must fit, an objective (whose embedder they must fit), or None. Shapes are not
            checked against anything else.

    Raises:
        UserError: If the samples are not finite, out of range, or do not fit the model.
    """
    model = embedder(model)
    specs.warn_of_rescaling(model)
    wanted = specs.specs_of(model) if is_graph(model) else None
    if isinstance(samples, Source):
        source = samples
        source.check()
    else:
        source = _from_arrays(samples, wanted)
    if wanted is not None:
        shapes = keras.tree.map_structure(lambda spec: _of_shape(spec, len(source)), source.specs)
        specs.check(wanted, shapes, specs.plural(wanted))
        _check_read(wanted, source)
    return source


def _from_arrays(samples, wanted):
    """A source of arrays, which only a source can declare as uint8."""
    arrays = checks.as_arrays(samples)
    if wanted is not None:
        specs.check_values(wanted, arrays, specs.plural(wanted))
        return from_arrays(arrays, kind=keras.tree.map_structure(lambda spec: spec.kind, wanted))
    source = from_arrays(arrays)
    specs.check_values(source.specs, arrays, source.plural)
    return source


def _of_shape(spec, count):
    """An array as large as all samples in a batch would be, without their memory."""
    return np.broadcast_to(np.zeros((), spec.dtype), (count, *spec.shape[1:]))


def _check_read(wanted, source):
    """Raise if ids are outside the model's vocabulary, or values missing that it needs, which a source cannot know."""
    pairs = zip(keras.tree.flatten(wanted), keras.tree.flatten(source.specs))
    checked = [spec for spec, there in pairs if spec.is_bounded or (there.missing and not spec.missing)]
    if not checked:
        return
    for begin in range(0, len(source), _CHECKED):
        rows = source.samples.rows(np.arange(begin, min(begin + _CHECKED, len(source))))
        for name, spec in wanted.items() if isinstance(wanted, dict) else [(source.name, wanted)]:
            if spec in checked:
                spec.check_values(name, rows[name] if isinstance(wanted, dict) else rows)


def labeled(source: Source) -> tuple[np.ndarray, int]:
    """Return the labels `(n,)` and the number of classes of a source; without labels it is a `UserError`."""
    check_labeled(source)
    return cast(np.ndarray, source.labels), cast(int, source.classes)
