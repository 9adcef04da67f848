"""Steps of filling in the masks of texts."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ssl.errors import UserError

__all__ = ["ids_with_masks", "most_probable"]


def ids_with_masks(texts: Sequence[str] | np.ndarray, tokenizer: Any, vocabulary: int, mask: int) -> np.ndarray:
    """Return the ids of texts that contain the tokenizer's mask, "[MASK]", padded with 0.

    Tokenizers themselves do not read it as their mask, since any text may contain it. In byte pairs the space before a
    word is part of its token, so the mask stands for it, too.

    Args:
        texts: List of texts.
        tokenizer: A tokenizer; see `tokenizers`.
        vocabulary: Number of ids of the model.
        mask: Id of the mask of the model.

    Returns:
        int32 `(n, length)`.

    Raises:
        UserError: If the tokenizer has another vocabulary or mask, or one text is given instead of a list.
    """
    if (tokenizer.vocabulary, tokenizer.mask) != (vocabulary, mask):
        raise UserError(
            f"the model's tokenizer, of {vocabulary} ids and with the mask {mask}",
            f"one of {tokenizer.vocabulary} with the mask {tokenizer.mask}",
            "give the tokenizer that the model was trained with",
        )
    if isinstance(texts, str):
        raise UserError("a list of texts", "one text", "write `[text]`")
    sign = tokenizer.tokens[mask]
    if tokenizer.kind == "byte_pairs":
        texts = [text.replace(f" {sign}", sign) for text in texts]
    rows = [_joined([tokenizer.ids(part) for part in text.split(sign)], mask) for text in texts]
    length = max(map(len, rows), default=0)
    return np.array([np.pad(row, (0, length - len(row))) for row in rows], "int32")


def most_probable(logits: np.ndarray, special: Sequence[int], top: int) -> list[list[tuple[int, float]]]:
    """Return the most probable ids, with their probabilities among all that are not special.

    Args:
        logits: Float array `(k, vocabulary)`.
        special: Ids that are left out.
        top: Number of ids of each row.

    Returns:
        For each row a list of `top` pairs, the most probable first.
    """
    scores = logits.astype("float64")
    scores[:, list(special)] = -np.inf
    scores = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities = scores / scores.sum(axis=1, keepdims=True)
    order = np.argsort(-probabilities, axis=1, kind="stable")[:, :top]
    return [[(int(one), float(p[one])) for one in row] for row, p in zip(order, probabilities)]


def _joined(pieces, mask):
    first, *others = pieces
    return np.concatenate([first, *(part for piece in others for part in ([mask], piece))])
