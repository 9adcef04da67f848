"""The table of ids of an encoder of text: its vectors look ids up, and score them."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_ssl.errors import UserError
from keras_ssl.networks.sequences import parts
from keras_ssl.typing import Tensor

__all__ = ["checked_ids", "id_table", "score_ids", "scoring_layer", "update_scoring_layer"]


def id_table(encoder: Any) -> keras.layers.Embedding:
    """Return the layer that looks up the vectors of the ids: `embedding` in the `tokens` of an encoder of text.

    Args:
        encoder: An encoder with the three parts; see `parts`.

    Raises:
        UserError: If it has none, or its vectors are not as wide as the frames, which then cannot score the ids.
    """
    found = parts(encoder)
    table = next((layer for layer in getattr(found.tokens, "layers", ()) if layer.name == "embedding"), None)
    if not isinstance(table, keras.layers.Embedding):
        raise _no_text(f"'{encoder.name}', whose `tokens` have none")
    width = keras.tree.flatten(found.trunk.output)[0].shape[-1]
    if table.output_dim != width:
        raise _no_text(f"'{encoder.name}', whose vectors have a width of {table.output_dim} and frames of {width}")
    return table


def checked_ids(encoder: Any, **ids: int | Sequence[int]) -> tuple[int, ...]:
    """Return different ids in order, or raise unless an encoder has them all and none is 0, which is padding.

    Args:
        encoder: An encoder of text; see `id_table`.
        **ids: Ids, or sequences of them, by their names in errors.

    Raises:
        UserError: If one is no whole number from 1 to the highest id.
    """
    highest = id_table(encoder).input_dim - 1
    given = {name: tuple(one) if isinstance(one, Sequence) else (one,) for name, one in ids.items()}
    for name, several in given.items():
        wrong = [one for one in several if not (isinstance(one, int | np.integer) and 0 < one <= highest)]
        if wrong:
            raise UserError(
                f"{name} among the encoder's ids, 1..{highest}",
                f"{wrong[0]}",
                "give the ids of the tokenizer, and an encoder with its `vocabulary`",
            )
    return tuple(sorted({int(one) for several in given.values() for one in several}))


def score_ids(encoder: Any, frames: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return the scores of all ids, `frames tableᵀ + bias`.

    Args:
        encoder: An encoder of text; see `id_table`.
        frames: Tensor `(…, width)`.
        bias: Tensor `(vocabulary,)`. Default: None, no bias.

    Returns:
        Tensor `(…, vocabulary)` with the dtype of the frames.

    Reference:
        Press & Wolf 2017, "Using the Output Embedding to Improve Language Models", section 3.
    """
    table = ops.cast(ops.convert_to_tensor(id_table(encoder).embeddings), frames.dtype)
    scores = ops.matmul(frames, ops.transpose(table))
    return scores if bias is None else scores + ops.cast(bias, frames.dtype)


def scoring_layer(encoder: Any, bias: Tensor | None = None) -> keras.layers.Dense:
    """Return a layer called "logits" that computes `score_ids` with copies of the weights of now.

    It is stored as any layer is, and can be copied in another precision. For the arguments see `score_ids`.
    """
    table = id_table(encoder)
    layer = layers.Dense(table.input_dim, use_bias=bias is not None, name="logits")
    layer.build((None, None, table.output_dim))
    update_scoring_layer(layer, encoder)
    if bias is not None:
        layer.bias.assign(bias)
    return layer


def update_scoring_layer(layer: keras.layers.Dense, encoder: Any) -> None:
    """Copy the vectors of the ids of now into a `scoring_layer`.

    Args:
        layer: Result of `scoring_layer`.
        encoder: Its encoder.
    """
    layer.kernel.assign(ops.transpose(id_table(encoder).embeddings))


def _no_text(received):
    return UserError(
        "an encoder of text with a layer `embedding` in its `tokens`, whose vectors are as wide as its frames",
        received,
        "use `encoders.transformer`",
    )
