"""The three parts of an encoder of sequences: `tokens`, `trunk` and `pool`.

An encoder of sequences is a functional model of three layers with these names, in one of two forms:

| layer | where sequences may be padded | where all places are kept, as in `encoders.vit` |
|---|---|---|
| `tokens` | input -> tokens `(n, length, width)` and keep `(n, length)` | input -> tokens |
| `trunk` | [tokens, keep] -> frames `(n, length, width)` | tokens -> frames |
| `pool` | [frames, keep] -> h `(n, d)` | frames -> h |

An encoder of packed sequences, several in a row, passes on a third tensor from `tokens` to `trunk`: the number of each
token's document, `(n, length)`.

`keep` is boolean, True = no padding. It is passed by hand and never as a Keras mask, which arithmetic drops and nested
functional models do not pass on. The trunk takes any length, so that an objective may leave tokens out.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
from keras import ops

from keras_ssl.errors import UserError
from keras_ssl.typing import Tensor

__all__ = ["Parts", "kept_frames", "parts", "pick"]

_NAMES = ("tokens", "trunk", "pool")


@dataclass(frozen=True)
class Parts:
    """The parts of an encoder of sequences, and the steps from its input to the representation.

    Attributes:
        tokens: `keras.layers.Layer` from the input to tokens, or to tokens and keep.
        trunk: `keras.layers.Layer` from tokens, or tokens and keep, to frames.
        pool: `keras.layers.Layer` from frames, or frames and keep, to the representation.
        padded: Whether there is a keep; otherwise all places are kept.
        packed: Whether a row may hold several documents. Default: False.
    """

    tokens: keras.layers.Layer
    trunk: keras.layers.Layer
    pool: keras.layers.Layer
    padded: bool
    packed: bool = False

    def embed(self, x: Tensor, training: bool = False) -> tuple[Tensor, Tensor | None]:
        """Run `tokens`.

        Args:
            x: The encoder's input.
            training: Whether this is a training step. Default: False.

        Returns:
            Tokens `(n, length, width)`, and keep `(n, length)`, or None if all places are kept.
        """
        tokens, keep, *_ = self._embedded(x, training)
        return tokens, keep

    def run(self, tokens: Tensor, keep: Tensor | None = None, training: bool = False) -> Tensor:
        """Run the trunk on any number of tokens.

        Args:
            tokens: Tensor `(n, length, width)`.
            keep: Boolean tensor `(n, length)`. Default: None, all are kept.
            training: Whether this is a training step. Default: False.

        Returns:
            Frames `(n, length, width)`.

        Raises:
            UserError: If the encoder is one of packed sequences, whose trunk needs the documents, too: call `frames`.
        """
        if self.packed:
            raise UserError("an encoder without `documents`", "one of packed sequences", "call `frames(x, hide)`")
        return self.trunk(self._with(tokens, keep), training=training)

    def summarize(self, frames: Tensor, keep: Tensor | None = None, training: bool = False) -> Tensor:
        """Run `pool`: the representation `(n, d)` of frames. For the arguments see `run`."""
        return self.pool(self._with(frames, keep), training=training)

    def frames(
        self, x: Tensor, hide: Tensor | Callable[[Tensor, Tensor | None], Tensor] | None = None, training: bool = False
    ) -> Tensor:
        """Run `tokens`, hide some of them, and run the trunk: one vector for each place.

        Args:
            x: The encoder's input.
            hide: Mask `(n, length)`, True = hidden: these tokens become 0. Or a function of tokens and keep that
                returns the tokens for the trunk, such as one that puts a trained vector in some places. Default: None.
            training: Whether this is a training step. Default: False.

        Returns:
            Frames `(n, length, width)`; those of padding mean nothing.

        Raises:
            UserError: If the mask does not have two axes.
        """
        tokens, keep, *documents = self._embedded(x, training)
        if callable(hide):
            tokens = hide(tokens, keep)
        elif hide is not None:
            tokens = ops.where(_mask(hide)[:, :, None], ops.zeros_like(tokens), tokens)
        return self.trunk([tokens, keep, *documents] if self.padded else tokens, training=training)

    def _embedded(self, x, training):
        """Tokens, keep, and in packed sequences the documents."""
        embedded = self.tokens(x, training=training)
        return tuple(embedded) if self.padded else (embedded, None)

    def _with(self, x, keep):
        x = ops.convert_to_tensor(x)
        if not self.padded:
            return x
        return [x, ops.ones(ops.shape(x)[:2], dtype="bool") if keep is None else ops.convert_to_tensor(keep)]


def parts(encoder: Any, pooled: bool = True) -> Parts:
    """Return the three parts of an encoder of sequences.

    Args:
        encoder: Functional `keras.Model` with the layers `tokens`, `trunk` and `pool`, such as `encoders.vit`,
            `encoders.transformer` or `encoders.dilated_conv`; see the table above.
        pooled: Whether it must have a pool. If not, `pool` is None where there is none. Default: True.

    Returns:
        `Parts`, which hold the encoder's own layers.

    Raises:
        UserError: If a layer is missing, the trunk takes a fixed length only, or only some of the layers know `keep`.
    """
    name = getattr(encoder, "name", type(encoder).__name__)
    found = {layer.name: layer for layer in getattr(encoder, "layers", ())}
    if missing := [part for part in (_NAMES if pooled else _NAMES[:2]) if part not in found]:
        raise _unfit(f"'{name}', which has no {', '.join(missing)}")
    tokens, trunk, pool = found["tokens"], found["trunk"], found.get("pool")
    given, taken = keras.tree.flatten(tokens.output), keras.tree.flatten(trunk.input)
    if len(taken[0].shape) != 3 or taken[0].shape[1] is not None:
        raise _unfit(f"'{name}', whose trunk takes {tuple(taken[0].shape)}")
    read = min(len(given), 2) if pool is None else len(keras.tree.flatten(pool.input))
    if not (len(given) == len(taken) <= 3 and read == min(len(given), 2)):
        counts = f"{len(given)}, {len(taken)} and {read}"
        raise _unfit(f"'{name}', whose tokens give, trunk takes and pool takes {counts} tensors")
    if len(given) > 1 and keras.backend.standardize_dtype(given[1].dtype) != "bool":
        raise _unfit(f"'{name}', whose keep is {given[1].dtype}")
    return Parts(tokens, trunk, pool, padded=len(given) > 1, packed=len(given) == 3)


def kept_frames(audio: Tensor, step: int = 1) -> Tensor:
    """Return which frames of recordings are no padding: a frame begins every `step` samples.

    The padding of a recording is its trailing run of exact zeros, so that a silent one is padding only. Frame k is kept
    if sample `k * step` or a later one is not 0.

    Args:
        audio: Tensor `(n, time)`, symbolic or not; the time may be None.
        step: Samples from the beginning of a frame to that of the next. Default: 1.

    Returns:
        Boolean tensor `(n, ceil(time / step))`, False = padding.
    """
    sounds = ops.cast(ops.not_equal(audio, 0), "float32")[:, :, None]
    whole = ops.pad(sounds, [[0, 0], [0, step - 1], [0, 0]])  # so that the last frame is not dropped
    sounds = ops.max_pool(whole, step, step)[:, :, 0]
    until = ops.cumsum(sounds, axis=1) - sounds  # in earlier frames
    return ops.sum(sounds, axis=1, keepdims=True) > until


def pick(frames: Tensor, places: Tensor) -> Tensor:
    """Return the frames at some places of each sequence.

    By rows of one matrix, which with its gradient takes a fifth of the time of `ops.take_along_axis` on a CPU.

    Args:
        frames: Tensor `(n, length, width)`.
        places: Integer tensor `(n, k)` in 0..length-1.

    Returns:
        Tensor `(n, k, width)`.
    """
    n, length, width = ops.shape(frames)
    rows = places + length * ops.arange(n, dtype=places.dtype)[:, None]
    return ops.take(ops.reshape(frames, (-1, width)), rows, axis=0)


def _unfit(received):
    return UserError(
        "an encoder with three layers, `tokens`, `trunk`, which takes any number of tokens, and `pool`, that pass the"
        " tokens and perhaps a boolean keep (n, length)",
        received,
        "use `encoders.vit`, `encoders.transformer` or `encoders.dilated_conv`, or name your layers so",
    )


def _mask(hide):
    mask = ops.cast(hide, "bool")
    if len(mask.shape) != 2:
        raise UserError(
            "a mask (n, length), True = hidden", f"shape {tuple(mask.shape)}", "give one value for each place"
        )
    return mask
