"""A causal transformer that reads a text piece by piece and keeps what it needs of the pieces before."""

import collections
import weakref

import keras
import numpy as np
from keras import ops

from keras_ssl.blocks import learned_positions, rotate, scaled_dot_product, sequence_positions
from keras_ssl.blocks import transformer as transformer_block
from keras_ssl.blocks.attention import NEVER
from keras_ssl.errors import UserError
from keras_ssl.networks import id_table, parts
from keras_ssl.specs import longest_of
from keras_ssl.typing import Tensor

__all__ = ["cached", "document_end", "is_cacheable"]

_NEEDED = {"block_1_attention_split", "norm"}  # layers of the trunk
_FEW = 8  # tokens on which frames are compared
_CLOSE = collections.defaultdict(lambda: 1e-3, float16=0.02, bfloat16=0.1)  # to the largest frame, by precision
_CACHEABLE: weakref.WeakKeyDictionary[keras.Model, bool] = weakref.WeakKeyDictionary()


def cached(encoder: keras.Model) -> keras.Model:
    """Return the trunk of `encoders.transformer(causal=True)` as a network that reads a text piece by piece.

    It shares its layers with the encoder. The keys and values of all tokens read so far are in a cache, which it takes
    and returns, so that a token costs one step and not a run over the text before it. The frames are those that the
    encoder has of the whole text; of one that has `documents`, if no piece goes on after an end.

    Give a cache of zeros `(n, 2 * depth, heads, size, d)` and position 0 first, and afterward the cache that it
    returned. What is in the cache from `position` on is not seen, so that position 0 begins a new text. A piece must
    have no padding, except after the last token: then the next position is that of the first id of padding.

    Args:
        encoder: `encoders.transformer` with `causal=True`.

    Returns:
        `keras.Model` from a dict of `ids` `(n, length)`, int32; `cache`, float32; and `position` `(n,)`, int32, the
        number of tokens read before; to a dict of `frames` `(n, length, width)` and `cache`. A frame is NaN where the
        cache is full.

    Raises:
        UserError: If the encoder is another one: frames of a few random ids are compared.

    Reference:
        Shazeer 2019, "Fast Transformer Decoding: One Write-Head is All You Need", section 2.4.1.
    """
    if not is_cacheable(encoder):
        raise UserError(
            "an encoder made by `encoders.transformer(…, causal=True)`",
            f"'{getattr(encoder, 'name', type(encoder).__name__)}'",
            "make it so, or run it on whole texts",
        )
    return _in_pieces(encoder)


def _in_pieces(encoder):
    found, shape = parts(encoder), _shape(encoder)
    ids = keras.Input((None,), dtype="int32", name="ids")
    cache = keras.Input(shape, dtype="float32", name="cache")
    position = keras.Input((), dtype="int32", name="position")
    place = position[:, None] + ops.cumsum(ops.ones_like(ids), axis=1) - 1
    slots = ops.cumsum(ops.ones_like(cache[:, 0, 0, :, 0], dtype="int32"), axis=1) - 1
    here = ops.equal(place[:, :, None], slots[:, None, :])  # (n, length, size): the slot that a token is written to
    bias = ops.where(place[:, :, None] >= slots[:, None, :], 0.0, NEVER)[:, None]
    x = _tokens(found.tokens, id_table(encoder), ids, place)
    pieces: list[Tensor] = []
    turned = place if _has_sines(found.trunk) else None
    for k in range(shape[0] // 2):
        attend = _attend(cache[:, 2 * k : 2 * k + 2], here, turned, pieces)
        x = transformer_block(x, shape[1], 0, f"block_{k + 1}", bias, attend=attend, shared=found.trunk)
    x = ops.where(ops.any(here, axis=2)[:, :, None], found.trunk.get_layer("norm")(x), float("nan"))
    return keras.Model(
        {"ids": ids, "cache": cache, "position": position},
        {"frames": x, "cache": ops.stack(pieces, axis=1)},
        name="cached",
    )


def is_cacheable(encoder: keras.Model) -> bool:
    """Return whether an encoder is one that `cached` takes: by the names of its layers, and by what they compute.

    Args:
        encoder: Any model.
    """
    if encoder not in _CACHEABLE:
        trunk = {layer.name: layer for layer in encoder.layers}.get("trunk")
        named = isinstance(trunk, keras.Model) and {layer.name for layer in trunk.layers} >= _NEEDED
        _CACHEABLE[encoder] = named and _is_alike(encoder)
    return _CACHEABLE[encoder]


def _is_alike(encoder):
    """Whether the frames of a text that is read in two pieces are those of the whole text."""
    longest = min(longest_of(encoder) or _FEW, _FEW)
    ids = np.random.default_rng(0).integers(1, id_table(encoder).input_dim, (2, longest)).astype("int32")
    ids[ids == document_end(encoder)] = 1 if document_end(encoder) != 1 else 2
    expected = ops.convert_to_numpy(ops.cast(parts(encoder).frames(ids), "float32"))
    network, (several, heads, _, d) = _in_pieces(encoder), _shape(encoder)
    state, frames = {"cache": np.zeros((2, several, heads, longest, d), "float32")}, []
    for begin, end in ((0, longest // 2), (longest // 2, longest)):
        outputs = network({"ids": ids[:, begin:end], "position": np.full(2, begin, "int32"), **state}, training=False)
        state = {"cache": ops.convert_to_numpy(outputs["cache"])}
        frames.append(ops.convert_to_numpy(ops.cast(outputs["frames"], "float32")))
    error = np.abs(np.concatenate(frames, axis=1) - expected).max()
    return bool(error <= _CLOSE[encoder.compute_dtype] * np.abs(expected).max())


def document_end(encoder: keras.Model) -> int | None:
    """Return the id that ends a document where a row may hold several: the argument `documents`, or None.

    Args:
        encoder: Made by `encoders.transformer`.
    """
    compared = [op for op in parts(encoder).tokens.operations if type(op).__name__ == "Equal"]
    return compared[0]._inbound_nodes[0].arguments.args[1] if compared else None


def _shape(encoder):
    """Of a cache without the batch: keys and values of each block, heads, any size, width of a head."""
    blocks = [layer for layer in encoder.get_layer("trunk").layers if layer.name.endswith("_attention_split")]
    _, _, heads, d = blocks[0].target_shape
    return 2 * len(blocks), heads, None, d


def _has_sines(model):
    return any(type(operation).__name__ == "Sin" for operation in model.operations)


def _tokens(tokens, table, ids, place):
    """The tokens of an encoder whose places are known: what its layer `tokens` does."""
    x = table(ids) * tokens.output_shape[0][-1] ** 0.5
    if _has_sines(tokens):
        return x + sequence_positions(place, x.shape[-1])
    if "positions" in {layer.name for layer in tokens.layers}:
        return x + learned_positions(tokens.get_layer("positions"), place)
    return x


def _attend(cache, here, place, pieces):
    """Attention that writes keys and values into a cache `(n, 2, heads, size, d)`, and reads all that are there."""
    kept = ops.any(here, axis=1)[:, None, :, None]
    written = ops.cast(here, "float32")[:, None]

    def attend(q, k, v, bias):
        if place is not None:
            q, k = rotate(q, place), rotate(k, place)
        new = [ops.matmul(ops.transpose(written, (0, 1, 3, 2)), x) for x in (k, v)]
        k, v = (ops.where(kept, x, cache[:, j]) for j, x in enumerate(new))
        pieces.extend([k, v])
        return scaled_dot_product(q, k, v, bias)

    return attend
