"""The search for the most probable text, by beams."""

from collections.abc import Callable, Sequence

import numpy as np

__all__ = ["beam_search", "length_penalty"]


def beam_search(
    log_probabilities: Callable[[np.ndarray, int], np.ndarray],
    count: int,
    length: int,
    begin: int,
    end: int,
    beams: int = 1,
    power: float = 0.6,
    barred: Sequence[int] = (),
) -> np.ndarray:
    """Return a probable text for each row: with one beam the greedy one, with enough beams the best of all.

    The score of a text is its log-probability, that of `end` included, divided by `length_penalty` of its number of
    tokens. After each token the `beams` hypotheses of highest scores are kept, those that have ended among them. After
    `length` tokens every hypothesis must end.

    Args:
        log_probabilities: Function of hypotheses `(count * beams, length + 1)`, `begin` first and 0 where nothing is
            yet, and the place of their last token. It returns the log-probabilities `(count * beams, vocabulary)` of
            the next one.
        count: Number of rows, `n`.
        length: Largest number of tokens in a text.
        begin: Id that stands before each text.
        end: Id that ends a text.
        beams: Number of hypotheses for each row. Default: 1.
        power: See `length_penalty`. Default: 0.6.
        barred: Ids that no text has. Default: none.

    Returns:
        Int32 array `(n, length)`, without `begin` and `end`, padded with 0.

    Reference:
        Wu et al. 2016, "Google's Neural Machine Translation System", section 7.

    Departures:
        There is no coverage penalty. Scores of texts that have ended and that have not are compared.
    """
    tokens = np.zeros((count, beams, length + 1), "int32")
    tokens[..., 0] = begin
    total = np.full((count, beams), -np.inf)
    total[:, 0] = 0.0  # all beams are alike at first
    ended, sizes = np.zeros((count, beams), bool), np.zeros((count, beams), int)
    rows = np.arange(count)[:, None]
    for place in range(length + 1):
        step = log_probabilities(tokens.reshape(count * beams, -1), place)
        step = np.array(step, "float64").reshape(count, beams, -1)
        step[..., list(barred)] = -np.inf
        only_end = ended if place < length else np.ones_like(ended)
        step[only_end] = np.where(np.arange(step.shape[-1]) == end, step[only_end], -np.inf)
        step[ended, end] = 0.0  # the only continuation of what has ended is itself
        sizes = sizes + ~ended
        scores = total[..., None] + step
        vocabulary = scores.shape[-1]
        ranked = (scores / length_penalty(sizes, power)[..., None]).reshape(count, -1)
        best = np.argsort(-ranked, axis=1, kind="stable")[:, :beams]
        origin, token = np.divmod(best, vocabulary)
        total = scores.reshape(count, -1)[rows, best]
        tokens, ended, sizes = tokens[rows, origin], ended[rows, origin], sizes[rows, origin]
        if place < length:
            tokens[..., place + 1] = np.where(token == end, 0, token)
        ended = ended | (token == end)
        if (ended | np.isneginf(total)).all():
            break
    return tokens[:, 0, 1:]


def length_penalty(size: np.ndarray, power: float) -> np.ndarray:
    """Return `((5 + size) / 6)^power`, by which the log-probability of a text is divided.

    Args:
        size: Integer array of any shape, numbers of tokens.
        power: α of the paper; 0 leaves the log-probability as it is, which favors short texts.

    Returns:
        Float array like `size`; 1 for texts of one token.

    Reference:
        Wu et al. 2016, "Google's Neural Machine Translation System", Eq. 14, which divides by `(5 + 1)^α`.
    """
    return ((5.0 + size) / 6.0) ** power
