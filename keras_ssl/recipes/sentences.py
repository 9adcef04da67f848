"""Recipes for sentences, as rows of ids of a tokenizer."""

import keras

from keras_ssl import data, encoders, heads, objectives, views
from keras_ssl.errors import UserError
from keras_ssl.recipes.recipe import Recipe, compiled

__all__ = ["simcse"]


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
    if source.tokenizer is None:
        raise UserError("a source with a tokenizer", f"'{source.name}' without", "load texts with a tokenizer")
    keras.utils.set_random_seed(seed)
    vocabulary = source.tokenizer.vocabulary
    encoder = encoders.transformer(vocabulary, width=128, depth=2, heads=4, positions="rotary", dropout=0.1)
    projector = heads.projector(encoder, depth=0)
    model = objectives.SimCLR(encoder, projector, temperature=0.05, seed=seed)
    return compiled(model, source, 1 if epochs is None else epochs, views=views.twice(), batch_size=64)
