"""Recipes for any texts, without measured scores: language models on packed rows, and SimCSE on sentences."""

from collections.abc import Callable, Sequence
from typing import Any

import keras

from keras_ssl import data, encoders, heads, objectives, tokenizers, views
from keras_ssl.checks import checked_texts
from keras_ssl.errors import UserError
from keras_ssl.recipes.recipe import Recipe, compiled

__all__ = ["causal_language_model", "corpus", "masked_language_model", "simcse"]


def corpus(
    texts: data.Texts | Sequence[str],
    tokenizer: tokenizers.Tokenizer | None = None,
    vocabulary: int = 8000,
    length: int = 128,
) -> data.Source:
    """Return texts as rows of ids for a language model: one after another, each ended by `tokenizer.end`.

    Args:
        texts: What `data.texts` returned, or strings.
        tokenizer: A `Tokenizer`. Default: None, byte pairs that are trained on the texts.
        vocabulary: Most ids of that tokenizer; small corpora have fewer. Default: 8000.
        length: Number of ids in a row. Default: 128. Of a shorter corpus, all are one row.

    Returns:
        `data.Source` of kind "ids", with the tokenizer. The last tokens, which do not fill a row, are left out.

    Raises:
        UserError: If there is no text, it is a single string, or a text is no string or has NUL in it.
    """
    strings = texts.texts if isinstance(texts, data.Texts) else list(checked_texts(texts))
    if not any(text.strip() for text in strings):
        raise UserError("texts to learn from", "none, or empty ones", "check where they come from")
    tokenizer = tokenizer or tokenizers.byte_pairs(strings, vocabulary=vocabulary)
    stream = tokenizer.stream(strings)
    rows = data.Windows(stream, min(length, len(stream)))
    return data.Source(rows, name=getattr(texts, "name", "texts"), kinds="ids", tokenizer=tokenizer)


_LONGEST_WORD, _ROWS = 10, 200  # tokens of a word on average, and rows of ids on which they are counted


def masked_language_model(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """Predict hidden words: a small transformer that hides whole words of the tokenizer.

    Where words have more than ten tokens on average, as in languages that put no space between them, it hides tokens.

    Args:
        source: What `corpus` returned.
        epochs: Number of epochs. Default: 20.
        seed: Seed of weights, order and masks. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset texts.txt --objective masked_language_model`.
    """
    first = _tokenizer(source).first_of_word
    ids = source[:_ROWS].stored
    if first[ids[ids > 0]].mean() < 1 / _LONGEST_WORD:
        first = None
    return _language_model(objectives.MaskedLanguageModel, source, epochs, seed, False, first_of_word=first)


def causal_language_model(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """Predict the next token: a small transformer in which a token sees only earlier ones.

    Args:
        source: What `corpus` returned.
        epochs: Number of epochs. Default: 20.
        seed: Seed of weights and order. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset texts.txt --objective causal_language_model`.
    """
    return _language_model(objectives.CausalLanguageModel, source, epochs, seed, True)


def simcse(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """SimCSE: SimCLR on sentences whose two views are made by the encoder's dropout. Without measured scores.

    `evaluate` has no dropout, so that both views are equal there: its loss says nothing.

    Args:
        source: `data.Source` of ids with a `tokenizer`, one padded sentence in each row.
        epochs: Number of epochs. Default: 1, as in the paper.
        seed: Seed of weights, order and dropout. Default: 0.

    Returns:
        `Recipe`.

    Raises:
        UserError: If the source has no tokenizer.

    Reference:
        Gao et al. 2021, "SimCSE: Simple Contrastive Learning of Sentence Embeddings", section 3 and appendix A:
        temperature 0.05, dropout 0.1, batches of 64.

    Departures:
        The projector is a linear layer instead of a dense one with tanh. The two views of every other sample are
        negatives, not one of them; see `objectives.SimCLR`. The paper starts from a pretrained encoder: pass its
        weights on with `recipe.objective.encoder.set_weights(…)`.
    """
    vocabulary = _tokenizer(source).vocabulary
    keras.utils.set_random_seed(seed)
    encoder = encoders.transformer(vocabulary, width=128, depth=2, heads=4, positions="rotary", dropout=0.1)
    projector = heads.projector(encoder, depth=0)
    model = objectives.SimCLR(encoder, projector, temperature=0.05, seed=seed)
    return compiled(model, source, 1 if epochs is None else epochs, views=views.twice(), batch_size=64)


def _language_model(
    objective: Callable[..., objectives.Objective],
    source: data.Source,
    epochs: int | None,
    seed: int,
    causal: bool,
    **arguments: Any,
) -> Recipe:
    """BERT-Mini of Turc et al. 2019 at half its width, which two cores train in minutes on a few megabytes."""
    keras.utils.set_random_seed(seed)
    encoder = encoders.transformer(_tokenizer(source).vocabulary, width=128, depth=4, heads=4, causal=causal)
    model = objective(encoder, seed=seed, **arguments)
    return compiled(model, source, 20 if epochs is None else epochs, batch_size=32)


def _tokenizer(source):
    if source.tokenizer is None:
        raise UserError(
            "texts with their tokenizer",
            f"'{source.name}' without one",
            "make the source by `recipes.text.corpus`, or `data.from_texts`",
        )
    return source.tokenizer
