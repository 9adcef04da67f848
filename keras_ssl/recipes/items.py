"""A recipe for vectors of items that stand in sequences, such as what people bought or heard one after another."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_ssl import data
from keras_ssl.checks import check_counts
from keras_ssl.errors import UserError
from keras_ssl.recipes import words
from keras_ssl.recipes.recipe import Recipe

__all__ = ["baskets", "skip_gram"]


def skip_gram(
    sequences: Sequence[Any],
    items: int,
    epochs: int | None = None,
    seed: int = 0,
    width: int = 32,
    window: int = 3,
    learning_rate: float = 0.025,
    batch_size: int = 16,
    **arguments: Any,
) -> Recipe:
    """Skip-gram over sequences of items: items that stand near each other get vectors that are near.

    Args:
        sequences: Sequences of items, each a vector of integers from 1 to `items`.
        items: Number of items.
        epochs: Number of epochs. Default: 10.
        seed: Seed of weights, rows and noise. Default: 0.
        width: Width of the vectors. Default: 32.
        window: Largest distance of a context. Default: 3.
        learning_rate: See `words.skip_gram`. Default: 0.025.
        batch_size: Rows in each step. Default: 16: with few items, a large batch holds each many times, and 64 rows
            diverged.
        **arguments: Arguments of `objectives.SkipGram`.

    Returns:
        `Recipe`. Scores of next items: `benchmarks/item_vectors.py`.

    Raises:
        UserError: If there are no sequences, or items out of range.

    Reference:
        Barkan and Koenigstein 2016, "Item2Vec: Neural Item Embedding for Collaborative Filtering".
    """
    check_counts(items=items)
    if not len(sequences):
        raise UserError("sequences of items", "none", "check where they come from")
    end = items + 1
    stream = np.concatenate([np.append(np.asarray(sequence, "int32"), end) for sequence in sequences])
    if stream.min() < 1 or stream.max() > end:
        raise UserError(f"items in 1..{items}", f"{stream.min()}..{stream.max()}", "number the items from 1")
    contexts = data.Contexts(stream, window, end=end, sample=None)
    epochs = 10 if epochs is None else epochs
    return words.skip_gram(
        contexts, items + 1, epochs, seed, width, learning_rate=learning_rate, batch_size=batch_size, **arguments
    )


def baskets(
    count: int = 4000, length: int = 8, items: int = 200, topics: int = 20, stays: float = 0.85, seed: int = 0
) -> np.ndarray:
    """Draw sequences of items that mostly stay within a topic, as people's choices do.

    Each item belongs to one topic; popular items of a topic follow Zipf's law. Each next item is of the same topic with
    the probability `stays`, and otherwise of another.

    Args:
        count: Number of sequences. Default: 4000.
        length: Number of items of each. Default: 8.
        items: Number of items, a multiple of `topics`. Default: 200.
        topics: Number of topics. Default: 20.
        stays: Probability of the same topic, 0..1. Default: 0.85.
        seed: Seed of the draw. Default: 0.

    Returns:
        Int32 array `(count, length)` of items from 1.

    Raises:
        UserError: If a count is below 1, or `items` is no multiple of `topics`.
    """
    check_counts(count=count, length=length, items=items, topics=topics)
    if items % topics:
        raise UserError(f"items that are a multiple of the {topics} topics", f"{items}", "give another number")
    rng, each = np.random.default_rng(seed), items // topics
    chance = 1 / np.arange(1, each + 1)
    places = rng.choice(each, (count, length), p=chance / chance.sum())
    jumps = rng.integers(1, max(topics, 2), (count, length)) * (rng.random((count, length)) >= stays)
    jumps[:, 0] = rng.integers(0, topics, count)
    topic = np.cumsum(jumps, axis=1) % topics
    return (1 + topic * each + places).astype("int32")
