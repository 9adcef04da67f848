"""Recipes for vectors of words, and of anything else that stands in sequences. Scores: `benchmarks/word_vectors.py`."""

from typing import Any

import keras
import numpy as np

from keras_ssl import data, encoders, objectives, optimizers
from keras_ssl.checks import check_between, check_counts
from keras_ssl.recipes.recipe import Recipe

__all__ = ["cbow", "glove", "skip_gram"]

_LOOKED_AT = 1024  # rows in which pairs are counted, since padding makes none


def skip_gram(
    contexts: data.Contexts,
    vocabulary: int,
    epochs: int | None = None,
    seed: int = 0,
    width: int = 100,
    subwords: np.ndarray | None = None,
    learning_rate: float = 0.025,
    batch_size: int = 64,
    **arguments: Any,
) -> Recipe:
    """Skip-gram with negative sampling, with the budget of word2vec's code.

    Args:
        contexts: `data.Contexts` of the text, or of sequences of items.
        vocabulary: Number of ids, padding included.
        epochs: Number of epochs. Default: 10.
        seed: Seed of weights, rows and noise. Default: 0.
        width: Width of the vectors. Default: 100.
        subwords: See `encoders.word_vectors`. Default: None.
        learning_rate: Initial rate of one pair of words, above 0; it falls linearly to 1e-4 of it. Default: 0.025.
        batch_size: Rows of text in each step. Default: 64; with four times as many it needs more epochs.
        **arguments: Arguments of `objectives.SkipGram`.

    Returns:
        `Recipe`. `word_vectors.of(recipe.objective, tokenizer)` are the vectors that it has learned.
    """
    kind = objectives.SkipGram
    return _negative_sampling(
        kind, contexts, vocabulary, epochs, seed, width, subwords, learning_rate, batch_size, arguments
    )


def cbow(
    contexts: data.Contexts,
    vocabulary: int,
    epochs: int | None = None,
    seed: int = 0,
    width: int = 100,
    subwords: np.ndarray | None = None,
    learning_rate: float = 0.05,
    batch_size: int = 64,
    **arguments: Any,
) -> Recipe:
    """CBOW with negative sampling, with the budget of word2vec's code. For the arguments see `skip_gram`.

    Returns:
        `Recipe`.
    """
    kind = objectives.CBOW
    return _negative_sampling(
        kind, contexts, vocabulary, epochs, seed, width, subwords, learning_rate, batch_size, arguments
    )


def glove(
    pairs: data.Source,
    vocabulary: int,
    epochs: int | None = None,
    seed: int = 0,
    width: int = 100,
    learning_rate: float = 0.05,
    batch_size: int = 8192,
    **arguments: Any,
) -> Recipe:
    """GloVe, with the budget of the demo of its code.

    Args:
        pairs: Result of `data.cooccurrences`.
        vocabulary: Number of ids, padding included.
        epochs: Number of epochs. Default: 25.
        seed: Seed of weights and order. Default: 0.
        width: Width of the vectors. Default: 100.
        learning_rate: η of the code, above 0. Default: 0.05.
        batch_size: Pairs in each step. Default: 8192.
        **arguments: Arguments of `objectives.GloVe`. Default: `largest=10`, as in the demo.

    Returns:
        `Recipe`.

    Departures:
        The code changes weights after each pair, here after a batch. Its rate is η / sqrt(1 + η² Σ g²); the same is
        Adagrad with the rate 1, whose sums begin at 1 / η², for gradients that are not divided by the batch size.
    """
    check_counts(width=width, batch_size=batch_size)
    check_between("learning_rate", learning_rate, above=0)
    keras.utils.set_random_seed(seed)
    batch_size = min(batch_size, len(pairs))
    objective = objectives.GloVe(encoders.word_vectors(vocabulary, width), seed=seed, **{"largest": 10.0, **arguments})
    begin = 1 / (learning_rate * batch_size) ** 2
    objective.compile(optimizers.TableAdagrad(1.0, begin))
    return Recipe(objective, pairs, 25 if epochs is None else epochs, None, batch_size, seed, columns=("count",))


def _negative_sampling(kind, contexts, vocabulary, epochs, seed, width, subwords, rate, batch_size, arguments):
    check_counts(width=width, batch_size=batch_size)
    check_between("learning_rate", rate, above=0)
    keras.utils.set_random_seed(seed)
    source = data.Source(contexts, name="text")
    batch_size, epochs = min(batch_size, len(source)), 10 if epochs is None else epochs
    encoder = encoders.word_vectors(vocabulary, width, subwords)
    arguments = {"window": contexts.window, **arguments}
    objective = kind(encoder, contexts.counts(vocabulary), seed=seed, **arguments)
    rows = contexts.rows(np.linspace(0, len(contexts) - 1, min(len(contexts), _LOOKED_AT), dtype=int), (seed, 0))
    counted = (_pairs if kind is objectives.SkipGram else _words)(rows != 0, objective.window)
    # the loss is a mean over the batch, so that the rate of one pair is the optimizer's divided by their number
    first, steps = rate * batch_size * counted, epochs * -(-len(source) // batch_size)
    schedule = keras.optimizers.schedules.PolynomialDecay(first, steps, 1e-4 * first)
    objective.compile(optimizers.TableSGD(schedule), steps_per_execution=min(16, -(-len(source) // batch_size)))
    return Recipe(objective, source, epochs, None, batch_size, seed)


def _pairs(keep, window):
    """The mean over rows of the sum of `losses.window_weights`."""
    weighted = ((d, (window + 1 - d) / window) for d in range(1, min(window, keep.shape[1] - 1) + 1))
    return float(sum(2 * weight * np.sum(keep[:, d:] & keep[:, :-d]) for d, weight in weighted)) / len(keep)


def _words(keep, window):
    """The mean over rows of the number of words that have a context."""
    near = np.zeros_like(keep)
    for d in range(1, min(window, keep.shape[1] - 1) + 1):
        near[:, d:] |= keep[:, :-d]
        near[:, :-d] |= keep[:, d:]
    return float(np.sum(keep & near)) / len(keep)
