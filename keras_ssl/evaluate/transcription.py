"""Scores of transcripts."""

from collections.abc import Sequence

import numpy as np

from keras_ssl.errors import UserError

__all__ = ["edit_distance", "transcription_scores"]


def transcription_scores(transcripts: Sequence[str], references: Sequence[str]) -> dict[str, float]:
    """Compare transcripts with what was said: error rates of characters and of words.

    A rate is the smallest number of insertions, deletions and substitutions that turn all transcripts into their
    references, divided by the number of characters (or words) of all references. It may exceed 1. Nothing is made
    alike first: case, punctuation and spaces count. Words are what white space separates.

    Args:
        transcripts: The texts to score, n strings.
        references: What was said, n strings, at least one of them not empty.

    Returns:
        `{"character_error_rate": x, "word_error_rate": y}`.

    Raises:
        UserError: If there is not one reference for each transcript, or all references are empty.
    """
    if isinstance(transcripts, str) or isinstance(references, str):
        raise UserError("lists of texts", "one text", "give `[transcript]` and `[reference]`")
    if len(transcripts) != len(references) or not any(reference.split() for reference in references):
        raise UserError(
            "one reference for each transcript, and one that is not empty",
            f"{len(transcripts)} transcripts and {len(references)} references",
            "give both in the same order",
        )
    characters = [(list(one), list(other)) for one, other in zip(transcripts, references)]
    words = [(one.split(), other.split()) for one, other in zip(transcripts, references)]
    return {"character_error_rate": _rate(characters), "word_error_rate": _rate(words)}


def _rate(pairs):
    edits = sum(edit_distance(found, wanted) for found, wanted in pairs)
    return edits / sum(len(wanted) for _, wanted in pairs)


def edit_distance(one: Sequence[object], other: Sequence[object]) -> int:
    """Return the smallest number of insertions, deletions and substitutions that turn one sequence into the other.

    Args:
        one: Sequence of characters, words or numbers.
        other: Another.

    Reference:
        Wagner & Fischer 1974, "The String-to-String Correction Problem", algorithm X, with all costs 1.
    """
    numbers: dict[object, int] = {}
    first, second = (np.array([numbers.setdefault(x, len(numbers)) for x in row], "int64") for row in (one, other))
    places = np.arange(len(second) + 1)
    row = places
    for k, item in enumerate(first, 1):
        best = np.minimum(row[1:] + 1, row[:-1] + (second != item))  # without insertions into this row
        row = np.minimum.accumulate(np.concatenate([[k], best]) - places) + places
    return int(row[-1])
