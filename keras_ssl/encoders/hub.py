"""Encoders of text made of KerasHub's backbones."""

import inspect
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_ssl.blocks import place_vectors, places
from keras_ssl.encoders.pooled import pooling
from keras_ssl.errors import UserError
from keras_ssl.networks import all_layers, copy_layer

__all__ = ["from_keras_hub"]

_NEEDED = ("token_embedding", "transformer_layers", "embeddings_dropout", "max_sequence_length")
_CLOSE = 1e-3  # of the largest value; the two are computed alike


def from_keras_hub(backbone: Any, padding: int = 0, name: str | None = None) -> keras.Model:
    """Make an encoder of text of a KerasHub backbone: BERT, DistilBERT, RoBERTa or GPT-2.

    It has the layers `tokens`, `trunk` and `pool` of `encoders.transformer`, and one input, `ids`. Weights are copied:
    the backbone is not changed. BERT's segments are all the first one. `pool` averages the frames of the tokens that
    are no padding; BERT's own pooling layer is left out. Frames equal those of the backbone, which is checked.

    Its file needs keras_hub to load. Pretrained weights come with a vocabulary of their own: give its ids to the
    objective, such as `MaskedLanguageModel(encoder, mask=103, special=(0, 100, 101, 102, 103))` for BERT's.

    Args:
        backbone: `keras_hub.models.BertBackbone(…)`, for instance, built from its arguments or from a preset.
        padding: The id that is padding, which attention does not see: 1 in RoBERTa's own vocabulary. Default: 0.
        name: Name of the model. Default: that of the backbone.

    Returns:
        `keras.Model` from `ids` `(n, length)`, int32, to `(n, width)`, float32. The length is at most the backbone's
        `max_sequence_length`.

    Raises:
        UserError: If it is another kind of backbone, or the encoder would compute something else.

    Departures:
        Positions count the tokens without padding, so that it changes nothing wherever it is. The backbones count it.

    Example:
        `encoders.from_keras_hub(keras_hub.models.BertBackbone(8000, 4, 4, 256, 1024, max_sequence_length=128))`
    """
    if missing := [part for part in _NEEDED if not hasattr(backbone, part)]:
        raise _unknown(f"a {type(backbone).__name__} without {', '.join(missing)}")
    tokens, trunk = _tokens(backbone, padding), _trunk(backbone)
    ids = keras.Input((None,), dtype="int32", name="ids")
    x, keep = tokens(ids)
    encoder = keras.Model(ids, pooling(backbone.hidden_dim)([trunk([x, keep]), keep]), name=name or backbone.name)
    _check_alike(encoder, backbone, padding)
    return encoder


def _tokens(backbone, padding):
    ids = keras.Input((None,), dtype="int32", name="ids")
    keep = ops.not_equal(ids, padding)
    x = _table(backbone.token_embedding, "embedding")(ids)
    x = x + place_vectors(_positions(backbone), places(keep))
    if hasattr(backbone, "segment_embedding"):
        x = x + _copied(backbone.segment_embedding, ops.zeros_like(ids))
    if hasattr(backbone, "embeddings_layer_norm"):
        x = _copied(backbone.embeddings_layer_norm, x)
    return keras.Model(ids, [_copied(backbone.embeddings_dropout, x), keep], name="tokens")


def _trunk(backbone):
    x = inputs = keras.Input((None, backbone.hidden_dim), name="tokens")
    keep = keras.Input((None,), dtype="bool", name="keep")
    for layer in backbone.transformer_layers:
        decodes = "decoder_padding_mask" in inspect.signature(layer.call).parameters
        x = _copied(layer, x, **{"decoder_padding_mask" if decodes else "padding_mask": keep})
    if hasattr(backbone, "layer_norm"):
        x = _copied(backbone.layer_norm, x)
    return keras.Model([inputs, keep], x, name="trunk")


def _copied(layer, x, **arguments):
    """Call a copy of a layer, and give it the same weights."""
    copy = copy_layer(layer)
    y = copy(x, **arguments)
    copy.set_weights(layer.get_weights())
    _freeze_like(copy, layer)
    return y


def _freeze_like(copy, layer):
    """Freeze what is frozen in a layer, also inside: a configuration has the flag of the layer itself only."""
    for new, old in zip(all_layers(copy), all_layers(layer)):
        new.trainable = old.trainable


def _positions(backbone):
    """The positions as an `Embedding` of this name, from which `specs_of` reads how long texts may be."""
    found = getattr(backbone, "position_embedding", None)
    return _table(backbone.embeddings.position_embedding if found is None else found, "positions")


def _table(layer, name):
    """A layer that looks up the first weights of another one."""
    weights = layer.get_weights()[0]
    table = layers.Embedding(*weights.shape, name=name, dtype=layer.dtype_policy)
    table.build()
    table.set_weights([weights])
    table.trainable = layer.trainable
    return table


def _check_alike(encoder, backbone, padding):
    """Raise unless both give the same frames of a text with padding at its end."""
    rng, length = np.random.default_rng(0), min(8, backbone.max_sequence_length)
    ids = rng.integers(0, backbone.token_embedding.input_dim, (2, length)).astype("int32")
    ids[ids == padding] = padding + 1
    ids[1, (length + 1) // 2 :] = padding
    keep = ids != padding
    given = {"token_ids": ids, "padding_mask": keep.astype("int32"), "segment_ids": np.zeros_like(ids)}
    expected = backbone({key: given[key] for key in backbone.input if key in given}, training=False)
    expected = ops.convert_to_numpy(expected["sequence_output"] if isinstance(expected, dict) else expected)[keep]
    found = encoder.get_layer("trunk")(encoder.get_layer("tokens")(ids, training=False), training=False)
    found = ops.convert_to_numpy(found)[keep]
    if not np.abs(found - expected).max() <= _CLOSE * np.abs(expected).max():
        raise _unknown(f"a {type(backbone).__name__}, which computes something else than its parts in this order")


def _unknown(received):
    return UserError(
        "a BERT, DistilBERT, RoBERTa or GPT-2 backbone of KerasHub",
        received,
        "build an encoder with the layers `tokens`, `trunk` and `pool`; see `networks.parts`",
    )
