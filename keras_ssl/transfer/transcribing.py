"""From scores of frames to texts."""

from typing import Any

import keras
import numpy as np
from keras import ops

from keras_ssl.checks import as_array, check_between
from keras_ssl.errors import UserError
from keras_ssl.networks import predict_in_batches
from keras_ssl.tokenizers import Tokenizer
from keras_ssl.transfer.checking import check_samples
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

    Raises:
        UserError: If the samples do not fit the model, or the tokenizer has another number of ids.
    """
    samples = check_samples(model, samples)
    if (scores := model.output_shape[-1]) != tokenizer.vocabulary:
        raise UserError(
            f"the tokenizer of {scores} ids that the model was trained with",
            f"one of {tokenizer.vocabulary}",
            "give that one; `runs.tokenizer_of(path)` loads it with a saved model",
        )
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
        for the search. Keras does both; here all frames count, since those of padding are blanks.
    """
    logits = as_array(logits, "logits")
    if logits.ndim != 3 or logits.dtype.kind != "f" or not np.isfinite(logits).all():
        received = f"dtype {logits.dtype}, shape {logits.shape}"
        raise UserError("finite logits (n, frames, vocabulary)", received, "give what `model.predict` returned")
    check_between("beam", beam, least=1, whole=True)
    n, frames, _ = logits.shape
    search = {"strategy": "beam_search", "beam_width": beam} if beam > 1 else {"strategy": "greedy"}
    found, _ = ops.ctc_decode(logits.astype("float32"), np.full(n, frames, "int32"), mask_index=BLANK, **search)
    return [row[row >= 0] for row in ops.convert_to_numpy(found[0]).astype("int32")]
