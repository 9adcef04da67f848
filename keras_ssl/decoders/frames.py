"""Decoders of video: from the feature map of a clip to the frames that follow it."""

from typing import Any

import keras
from keras import layers, ops

from keras_ssl.checks import check_counts
from keras_ssl.errors import UserError
from keras_ssl.typing import Shape

__all__ = ["feature_map", "frames"]

_PROBE = 256  # a height and width, to see how often an encoder of any size halves them


def frames(
    encoder: keras.Model, future: int = 10, recurrent: bool = False, filters: int = 32, name: str = "frames_decoder"
) -> keras.Model:
    """A decoder from the feature map of a clip to the frames after it.

    Transposed convolutions on each frame double height and width as often as the encoder's layer `frames` halves them.

    Args:
        encoder: Functional `keras.Model` of videos with the layers `frames`, `trunk` and `pool`, such as
            `encoders.stacked_conv`.
        future: Number of frames. Default: 10.
        recurrent: Whether the map becomes that of each frame by an LSTM of convolutions that reads it `future` times,
            which suits `encoders.conv_lstm`; otherwise by a linear layer at each place, for all frames at once.
            Default: False.
        filters: Channels of the frames' maps. Default: 32.
        name: Name of the model.

    Returns:
        `keras.Model` from maps `(n, height', width', d)` to `video` `(n, future, height, width, channels)`, linear and
        float32. Where height or width is no multiple of what the encoder divides it by, frames are larger by the rest.

    Raises:
        UserError: If a number is below 1, the encoder has no such layers, or it takes frames of any size and the
            decoder is recurrent.

    Reference:
        Gao et al. 2022, "SimVP", section 3.2; recurrent: Shi et al. 2015, "Convolutional LSTM Network", section 3.2.

    Departures:
        The recurrent decoder gets the last output of the encoder's LSTM as its input, not the states of all of them.
    """
    check_counts(future=future, filters=filters)
    shape, scale = feature_map(encoder)
    if recurrent and None in shape:
        raise UserError(
            "an encoder of frames of a known size, for a recurrent decoder",
            f"'{encoder.name}' of maps {shape}",
            "build it with a fixed height and width, or leave `recurrent` out",
        )
    x = inputs = keras.Input(shape, name="map")
    x = ops.expand_dims(x, axis=1)
    if recurrent:
        x = layers.ConvLSTM2D(filters, 3, padding="same", return_sequences=True, name="lstm")(
            ops.repeat(x, future, axis=1)
        )
    else:
        x = layers.Conv3DTranspose(filters, (future, 1, 1), name="frames")(x)
    x = layers.Activation("silu", name="silu")(x)
    doublings = scale.bit_length() - 1
    for k in range(1, doublings):
        x = layers.Conv3DTranspose(filters, (1, 4, 4), (1, 2, 2), "same", activation="silu", name=f"up_{k}")(x)
    channels = encoder.input_shape[-1]
    if doublings:
        x = layers.Conv3DTranspose(channels, (1, 4, 4), (1, 2, 2), "same", name=f"up_{doublings}")(x)
    else:
        x = layers.Conv3D(channels, (1, 3, 3), padding="same", name="pixels")(x)
    return keras.Model(inputs, layers.Activation("linear", dtype="float32", name="video")(x), name=name)


def feature_map(encoder: Any) -> tuple[Shape, int]:
    """Return the shape `(height', width', d)` of an encoder's feature map, and what it divides height and width by.

    Args:
        encoder: See `frames`.

    Raises:
        UserError: If the encoder has no layers `frames`, `trunk` and `pool`, or the map is not smaller than the frames
            by a power of 2.
    """
    found = {layer.name: layer for layer in getattr(encoder, "layers", ())}
    missing = [part for part in ("frames", "trunk", "pool") if part not in found]
    if missing or len(found["trunk"].output.shape) != 4:
        what = f"no {', '.join(missing)}" if missing else f"a trunk to {tuple(found['trunk'].output.shape)}"
        raise UserError(
            "an encoder of videos with the layers `frames`, `trunk`, which returns one feature map, and `pool`",
            f"'{getattr(encoder, 'name', type(encoder).__name__)}' with {what}",
            "use `encoders.stacked_conv`, `encoders.conv_lstm` or `encoders.conv_transformer`",
        )
    time, *sides, channels = encoder.input_shape[1:]
    probe = [_PROBE if side is None else side for side in sides]
    maps = found["frames"].compute_output_shape((1, time or 2, *probe, channels))[2:4]
    scales = [2**k for k in range(9) if all(-(-side // 2**k) == size for side, size in zip(probe, maps))]
    if not scales:
        received = f"{maps[0]}x{maps[1]} of {probe[0]}x{probe[1]}"
        raise UserError("maps that are smaller than the frames by a power of 2", received, "use strides of 2")
    return tuple(found["trunk"].output.shape[1:]), scales[0]
