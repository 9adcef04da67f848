"""How unexpected a time step of a series is."""

import keras
import numpy as np
from keras import ops

from keras_ssl.blocks import last_of_kept
from keras_ssl.checks import as_array, check_between
from keras_ssl.data import Source
from keras_ssl.data.fitting import as_source
from keras_ssl.errors import UserError
from keras_ssl.networks import embedder, parts
from keras_ssl.typing import Samples

__all__ = ["anomaly_scores", "relative_scores"]

_LEAST = 0.1  # of the mean of all scores


def anomaly_scores(encoder: keras.Model, samples: Source | Samples, batch_size: int = 256) -> np.ndarray:
    """Score how unexpected the last known step of each series is, by what hiding it changes.

    The score is `‖r - r'‖₁`, where r is the frame of the last step, and r' that when its token is hidden. It needs an
    encoder that was trained with hidden tokens, as by `objectives.TS2Vec`.

    Args:
        encoder: Encoder of series, or objective, with the layers `tokens`, `trunk` and `pool`.
        samples: `data.Source` of series, such as `data.Windows(stream, length, 1)`, which scores each step of a stream
            after the first window; or an array `(n, time, channels)`.
        batch_size: Series at a time. Default: 256.

    Returns:
        Float32 array `(n,)`, at least 0. Their size depends on the encoder: `relative_scores` compares them.

    Raises:
        UserError: If the samples do not fit the encoder, or it lacks these layers.

    Reference:
        Yue et al. 2022, "TS2Vec: Towards Universal Representation of Time Series", section "Time Series Anomaly
        Detection".
    """
    model = embedder(encoder)
    source, network, found = as_source(samples, model), parts(model), []
    for begin in range(0, len(source), batch_size):
        series = source.inputs(np.arange(begin, min(begin + batch_size, len(source))))
        tokens, keep = network.embed(ops.convert_to_tensor(series))
        seen = ops.ones_like(tokens[:, :, 0], dtype="bool") if keep is None else keep
        count = ops.cumsum(ops.cast(seen, "int32"), axis=1)
        last = ops.logical_and(seen, ops.equal(count, count[:, -1:]))
        hidden = ops.where(last[:, :, None], ops.zeros_like(tokens), tokens)
        change = network.run(tokens, keep) - network.run(hidden, keep)
        found.append(ops.convert_to_numpy(ops.sum(ops.abs(last_of_kept(change, seen)), axis=-1)))
    return np.concatenate(found)


def relative_scores(scores: np.ndarray, window: int = 21) -> np.ndarray:
    """Return how much larger each score of a stream is than the mean of those just before it: `(a_t - m_t) / m_t`.

    Args:
        scores: Float array `(n,)` in the order of time.
        window: Number of scores before each one that are averaged. Default: 21, as in the authors' code.

    Returns:
        Float array `(n,)`; the first is 0. The paper takes for anomalies what is above the mean plus four standard
        deviations of those in training.

    Raises:
        UserError: If scores are not finite, or the window is below 1.

    Reference:
        See `anomaly_scores`.

    Departures:
        The divisor is at least a tenth of the mean of all scores. The paper's is 0 after a stretch in which nothing
        changed, and a single quotient by it would set the threshold.
    """
    check_between("window", window, 1, whole=True)
    scores = as_array(scores, "scores")
    if scores.ndim != 1 or not np.isfinite(scores).all():
        where = f", NaN or Inf at {np.argmin(np.isfinite(scores))}" * (scores.ndim == 1)
        raise UserError("finite scores (n,)", f"shape {scores.shape}{where}", "look at the series there")
    total = np.concatenate([[0.0], np.cumsum(scores, dtype="float64")])
    place = np.arange(len(scores))
    begin = np.maximum(place - window, 0)
    mean = (total[place] - total[begin]) / np.maximum(place - begin, 1)
    least = max(_LEAST * total[-1] / max(len(scores), 1), 1e-12)
    return np.where(place > 0, (scores - mean) / np.maximum(mean, least), 0.0)
