"""From scores of frames to texts."""

from typing import Any

import keras
import numpy as np

from keras_ssl.checks import as_array, check_between
from keras_ssl.errors import UserError
from keras_ssl.networks import predict_in_batches
from keras_ssl.tokenizers import Tokenizer
from keras_ssl.transfer.heads.transcriber import BLANK
from keras_ssl.typing import Samples

__all__ = ["decode_ctc", "transcribe"]


def transcribe(model: keras.Model, samples: Samples, tokenizer: Tokenizer, beam: int = 1) -> list[str]:
    """Write down what is said in recordings.

    Args:
        model: What `transcriber` built, trained.
        samples: Recordings as the model takes them, floats `(n, time)` in -1..1.
        tokenizer: The `Tokenizer` that made the ids it was trained on.
        beam: See `decode_ctc`. Default: 1.

    Returns:
        A text for each recording.
    """
    return [tokenizer.text(ids) for ids in decode_ctc(predict_in_batches(model, samples), beam)]


def decode_ctc(logits: Any, beam: int = 1) -> list[np.ndarray]:
    """Return the ids that scores of frames stand for.

    Args:
        logits: Float array `(n, frames, vocabulary)`; the id 0 is the blank.
        beam: 1 takes the best id of each frame, then merges repetitions and leaves blanks out. More searches for the
            most probable ids, whatever their alignment, and keeps so many beginnings after each frame. Default: 1.

    Returns:
        For each sample an int32 array of ids.

    Raises:
        UserError: If the logits do not have this shape or are not finite, or `beam` is below 1.

    Reference:
        Graves et al. 2006, "Connectionist Temporal Classification", section 3.2, for the best path; Hannun et al. 2014,
        "First-Pass Large Vocabulary Continuous Speech Recognition using Bi-Directional Recurrent DNNs", algorithm 1,
        without a language model, for the search.
    """
    logits = as_array(logits, "logits")
    if logits.ndim != 3 or logits.dtype.kind != "f" or not np.isfinite(logits).all():
        received = f"dtype {logits.dtype}, shape {logits.shape}"
        raise UserError("finite logits (n, frames, vocabulary)", received, "give what `model.predict` returned")
    check_between("beam", beam, least=1, whole=True)
    return [_best_path(row) if beam == 1 else _search(row, beam) for row in logits]


def _best_path(scores):
    ids = scores.argmax(axis=1)
    begins = np.append(True, ids[1:] != ids[:-1])[: len(ids)]
    return ids[begins & (ids != BLANK)].astype("int32")


def _search(scores, beam):
    """The most probable ids: of each beginning, the log probabilities of ending in a blank and in its last id."""
    log_p, never = scores - np.logaddexp.reduce(scores, axis=1, keepdims=True), np.full(2, -np.inf)
    beginnings: dict[tuple[int, ...], np.ndarray] = {(): np.array([0.0, -np.inf])}
    for frame in log_p:
        likely = [int(k) for k in np.argsort(-frame)[: beam + 1] if k != BLANK]
        found: dict[tuple[int, ...], np.ndarray] = {}
        for ids, (blank, last) in beginnings.items():
            either = np.logaddexp(blank, last)
            same = (ids, either + frame[BLANK], last + frame[ids[-1]] if ids else -np.inf)
            longer = [((*ids, k), -np.inf, frame[k] + (blank if ids[-1:] == (k,) else either)) for k in likely]
            for end, *pair in (same, *longer):
                found[end] = np.logaddexp(found.get(end, never), np.array(pair))
        beginnings = dict(sorted(found.items(), key=lambda pair: -np.logaddexp(*pair[1]))[:beam])
    return np.array(next(iter(beginnings)), "int32")
