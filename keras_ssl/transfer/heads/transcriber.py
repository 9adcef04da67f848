"""Heads that write down what is said."""

import keras
import numpy as np
from keras import ops

from keras_ssl.checks import as_array, check_between
from keras_ssl.errors import UserError
from keras_ssl.networks import check_finite_weights, parts, predict_in_batches
from keras_ssl.specs import inputs_like
from keras_ssl.transfer.checking import CheckTargets, with_checked_fit

__all__ = ["BLANK", "transcriber"]

BLANK = 0
"""The id of the blank of CTC, which is that of padding: neither is ever a character."""

_SURE = 30.0  # e^-30 is below the resolution of 1 in float32


def transcriber(encoder: keras.Model, vocabulary: int, name: str = "transcriber") -> keras.Model:
    """Build a transcriber: the encoder's `tokens` and `trunk`, nested as one layer under its name, and a linear layer.

    Each frame gets a score for each character and for the blank, the id 0. Compile it with `keras.losses.CTC()`, and
    fit it on recordings and the ids of their texts, `(n, length)` padded with 0, as `tokenizer.encode` makes them.
    `transcribe` writes texts. Frames of padding are blanks for sure, so that neither the loss nor a transcript depends
    on them. `fit` checks recordings and ids, as `transfer.classifier` does.

    Args:
        encoder: Encoder of sequences of the layers `tokens` and `trunk` (`networks.parts`). It is shared, not copied;
            its pool, if it has one, is not used.
        vocabulary: Number of ids, padding included: `tokenizer.vocabulary`, such as that of `tokenizers.characters`.
        name: Name of the model. Default: "transcriber".

    Returns:
        Functional `keras.Model` from inputs like the encoder's to `logits` `(n, frames, vocabulary)` in float32, not
        compiled.

    Raises:
        UserError: If the vocabulary has fewer than 2 ids, the encoder does not have these parts, or its weights are not
            finite; from `fit`, if recordings or ids cannot be trained on, such as a text that has more characters than
            its recording has frames.

    Reference:
        Graves et al. 2006, "Connectionist Temporal Classification: Labelling Unsegmented Sequence Data with Recurrent
        Neural Networks", sections 2 to 4.

    Example:
        `model = transfer.transcriber(encoder, tokenizer.vocabulary)`, `model.compile("adam", keras.losses.CTC())`,
        `model.fit(sounds, tokenizer.encode(texts))`
    """
    check_between("vocabulary", vocabulary, least=2, whole=True)
    found = parts(encoder, pooled=False)
    check_finite_weights(encoder)
    inputs = inputs_like(encoder)
    given = found.tokens(inputs)
    keep = given[1] if found.padded else ops.ones_like(given[:, :, 0], dtype="bool")
    frames = keras.Model(inputs, [found.trunk(given), keep], name=encoder.name)
    inputs = inputs_like(encoder)
    y, keep = frames(inputs)
    scores = keras.layers.Dense(vocabulary, dtype="float32", name="scores")(y)
    blank = np.where(np.arange(vocabulary) == BLANK, 0.0, -_SURE).astype("float32")
    scores = ops.where(keep[:, :, None], scores, blank)
    logits = keras.layers.Identity(dtype="float32", name="logits")(scores)
    return with_checked_fit(keras.Model(inputs, logits, name=name), _check_texts(vocabulary, frames))


def _check_texts(vocabulary, frames) -> CheckTargets:
    kept = keras.Model(frames.input, frames.outputs[1])  # without the trunk

    def check(model, x, y, whole):
        ids = as_array(y, "ids of texts")
        if ids.ndim != 2 or ids.dtype.kind not in "iu":
            received = f"dtype {ids.dtype}, shape {ids.shape}"
            raise UserError("ids of texts as integers (n, length)", received, "give `tokenizer.encode(texts)`")
        if ids.size and not 0 <= ids.min() <= ids.max() < vocabulary:
            raise UserError(
                f"ids of texts in 0..{vocabulary - 1}",
                f"{ids.min()}..{ids.max()}",
                "build the transcriber for the vocabulary of the tokenizer",
            )
        written = ids != BLANK
        if (written[:, 1:] & ~written[:, :-1]).any():
            where = np.flatnonzero((written[:, 1:] & ~written[:, :-1]).any(axis=1))[0]
            raise UserError("0, the padding, at the end of texts only", f"0 inside text {where}", "encode it again")
        _check_room(ids, predict_in_batches(kept, x).sum(axis=1))

    return check


def _check_room(ids, frames):
    """Raise unless each text fits its frames: one for each character, and a blank between two that are equal."""
    twice = (ids[:, 1:] == ids[:, :-1]) & (ids[:, 1:] != BLANK)
    needed = (ids != BLANK).sum(axis=1) + twice.sum(axis=1)
    if short := np.flatnonzero(needed > frames).tolist():
        raise UserError(
            "at least one frame for each character, and one more between two that are equal",
            f"{frames[short[0]]:g} frames for {needed[short[0]]} at index {short[0]} ({len(short)} such in all)",
            "leave these recordings out, or give an encoder with more frames a second",
        )
