"""Labels of words as labels of tokens, and back."""

from collections.abc import Sequence

import numpy as np

from keras_ssl.errors import UserError

__all__ = ["token_labels", "word_labels"]


def token_labels(labels: Sequence[Sequence[int]], first: np.ndarray, truncate: bool = False) -> np.ndarray:
    """Return the labels of words as labels of tokens: that of a word at its first token, and -1 everywhere else.

    Args:
        labels: For each text, a class number for each of its words.
        first: Integer array `(n, length)`: the index of the word whose first token is at this place, and -1 at other
            tokens and at padding, as `tokenizer.encode_words` returns it.
        truncate: Whether texts may be longer than `length`, so that the labels of their last words are left out.
            Default: False.

    Returns:
        Int32 array `(n, length)`.

    Raises:
        UserError: If there is not one label for each word.

    Example:
        `ids, first = tokenizer.encode_words(sentences)`, `model.fit(ids, transfer.token_labels(tags, first))`

    Reference:
        Devlin et al. 2019, "BERT", section 5.3, which also predicts at the first sub-token of a word.
    """
    first = np.asarray(first)
    if len(labels) != len(first):
        raise UserError(f"labels of {len(first)} texts", f"of {len(labels)}", "check where both come from")
    tokens = np.full(first.shape, -1, "int32")
    for k, (row, places) in enumerate(zip(labels, first)):
        words = int(places.max(initial=-1)) + 1
        if len(row) < words or (len(row) > words and not truncate):
            raise UserError(
                f"one label for each of the {words} words of text {k}",
                f"{len(row)}",
                "split texts into words as for `tokenizer.encode_words`; give `truncate=True` if it had to cut texts",
            )
        known = places >= 0
        tokens[k, known] = np.asarray(row, "int32")[places[known]]
    return tokens


def word_labels(labels: np.ndarray, first: np.ndarray) -> list[list[int]]:
    """Return the labels of tokens as labels of words: for each text those at the first tokens of its words.

    Args:
        labels: Integer array `(n, length)`, such as `model.predict(ids).argmax(-1)`.
        first: See `token_labels`.

    Returns:
        For each text, a class number for each word that has a place in `first`.

    Raises:
        UserError: If both shapes differ.
    """
    labels, first = np.asarray(labels), np.asarray(first)
    if labels.shape != first.shape:
        raise UserError(f"labels of shape {first.shape}", f"shape {labels.shape}", "give one for each token")
    return [row[places >= 0].tolist() for row, places in zip(labels, first)]
