"""The proof on random input that no frame knows what comes later."""

from collections.abc import Callable

import numpy as np
from keras import ops

from keras_ssl.errors import UserError
from keras_ssl.typing import Tensor

__all__ = ["check_causal", "check_causal_tokens"]

_TOLERANCE = 1e-5
"""Of the largest frame: the sums of a convolution may be ordered otherwise."""


def check_causal(frames: Callable[[Tensor], Tensor], shape: tuple[int, ...], name: str, needs: str) -> None:
    """Raise if a frame changes with the last place of a sequence, which comes after it, or if the last does not.

    Args:
        frames: Function from a sequence `(n, length, …)` to frames `(n, length, d)`.
        shape: Shape of such a sequence.
        name: Name of the encoder.
        needs: Name of the objective.

    Raises:
        UserError: If one does; or if nothing can be seen, since the last frame does not change or is not finite.
    """
    x = np.random.default_rng(0).random(shape).astype("float32")
    others = x.copy()
    others[:, -1] = 1 - x[:, -1]
    before, after = _frames(frames, x, name, needs), _frames(frames, others, name, needs)
    if np.abs(before - after)[:, :-1].max() > _TOLERANCE * np.abs(before).max():
        raise _sees_later(name, needs)
    if not (np.abs(before - after)[:, -1] > 0).any():
        raise UserError(
            f"an encoder whose frames depend on their own place for {needs}",
            f"'{name}', whose last frame {'stays the same' if np.isfinite(before).all() else 'is not finite'} "
            "when the last step changes",
            "give its last layer weights other than 0, and check that all are finite",
        )


_SCALES = (1.0, 1e4, 1e8)
"""Of the values on which tokens are compared: beside the statistics of an encoder, small ones may all be the same."""


def check_causal_tokens(tokens: Callable[[Tensor], Tensor], shape: tuple[int, ...], name: str, needs: str) -> None:
    """Raise unless each step of a series has a token, which stays the same bit for bit if the last step changes.

    Args:
        tokens: Function from series `(n, time, channels)` to tokens `(n, length, d)`.
        shape: Shape of the series.
        name: Name of the encoder.
        needs: Name of the objective.

    Raises:
        UserError: If there is not.
    """
    random = np.random.default_rng(0)
    for scale in _SCALES:
        x, others = random.normal(size=(2, *shape)).astype("float32") * np.float32(scale)
        others[:, :-1] = x[:, :-1]
        before, after = _frames(tokens, x, name, needs), _frames(tokens, others, name, needs)
        if not np.array_equal(before[:, :-1], after[:, :-1], equal_nan=True):
            raise _sees_later(name, needs)


def _frames(function, x, name, needs):
    """What a function returns, as an array. Raises unless that is one frame for each place."""
    frames = ops.convert_to_numpy(function(ops.convert_to_tensor(x))).astype("float32")
    if frames.shape[1] != x.shape[1]:
        raise UserError(
            f"an encoder with one frame for each of {x.shape[1]} places for {needs}",
            f"'{name}' with {frames.shape[1]}",
            "use one that does not shorten its input",
        )
    return frames


def _sees_later(name, needs):
    return UserError(
        f"an encoder whose frames depend on nothing later for {needs}",
        f"'{name}', in which another last step changes the frames before it",
        "build it so, such as `encoders.dilated_conv(channels, causal=True)`",
    )
