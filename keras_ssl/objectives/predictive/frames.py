"""Prediction of the next frames of a video."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_ssl import decoders, losses
from keras_ssl.checks import check_between
from keras_ssl.errors import UserError
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.specs import Specs, check_kind, specs_of
from keras_ssl.typing import Batch, Samples, Tensor

__all__ = ["FramePrediction"]


@keras.saving.register_keras_serializable("keras_ssl")
class FramePrediction(Objective):
    """Predict the frames of a video that follow, from those before.

    The encoder's feature map of the past frames is decoded to all future frames at once. A batch holds clips of
    `past + future` frames.

    Args:
        encoder: Functional `keras.Model` from `video` `(n, time, height, width, channels)` to `(n, d)` with the layers
            `frames`, `trunk`, which returns one feature map, and `pool`: `encoders.stacked_conv`,
            `encoders.conv_lstm` or `encoders.conv_transformer`.
        decoder: `keras.Model` from the map `(n, height', width', d)` to `(n, future, height, width, channels)`; what is
            larger than the frames is cut off. Default: `decoders.frames(encoder, future)`.
        past: Number of frames to predict from, at least 1. Default: None, the encoder's time; an encoder of any time
            needs it.
        future: Number of frames to predict, at least 1. Default: None, those of the decoder, or 10.
        residual: Whether the decoder predicts the change from the last past frame. It suits cameras that stand still,
            where the last frame is a good prediction. Default: False.
        reconstruction: Function of predicted and true frames that returns a scalar. Default: `losses.squared_error`;
            `losses.absolute_error` blurs less.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If the encoder or the decoder is another one, or does not fit `past` or `future`.

    Reference:
        Gao et al. 2022, "SimVP: Simpler yet Better Video Prediction", Eq. 1 and section 3.2 (`encoders.stacked_conv`);
        Shi et al. 2015, "Convolutional LSTM Network", section 3.2 (`encoders.conv_lstm` and
        `decoders.frames(encoder, recurrent=True)`).
    """

    batches_call = "data.batches(data.videos(folder, length=past + future))"

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model | None = None,
        past: int | None = None,
        future: int | None = None,
        residual: bool = False,
        reconstruction: Callable[[Tensor, Tensor], Tensor] = losses.squared_error,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        check_kind(encoder, "video", type(self).__name__)
        if future is not None:
            check_between("future", future, least=1, whole=True)
        self.past = _past(encoder, past)
        self.decoder = decoders.frames(encoder, future or 10) if decoder is None else decoder
        self.future = _future(self.decoder, encoder, future)
        self.residual = residual
        self.reconstruction = reconstruction

    @property
    def batch_specs(self) -> dict[str, Specs]:
        """Clips of past and future frames."""
        spec: Any = specs_of(self.encoder)
        return {"input": dataclasses.replace(spec, shape=(None, self.past + self.future, *spec.shape[2:]))}

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Predict the future frames from the past ones."""
        clips = batch["input"]
        return {"prediction": self._predict(clips[:, : self.past], training), "future": clips[:, self.past :]}

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compare the predicted frames with the true ones."""
        return {"loss": self.reconstruction(outputs["prediction"], outputs["future"])}

    def next_frames(self, video: Samples, count: int | None = None) -> Tensor:
        """Return the frames that follow.

        Args:
            video: Float array `(n, time, height, width, channels)` in 0..1, at least `past` frames, of which the last
                ones are read.
            count: Number of frames, at least 1. More than `future` are predicted from predicted ones. Default: None,
                `future`.

        Returns:
            Float32 tensor `(n, count, height, width, channels)`, cut to 0..1.

        Raises:
            UserError: If there are too few frames, or they do not fit the encoder.
        """
        count = self.future if count is None else count
        check_between("count", count, least=1, whole=True)
        known = self.as_input(video[:, -self.past :])
        if known.shape[1] != self.past:
            raise UserError(f"at least {self.past} frames to predict from", f"{known.shape[1]}", "give longer videos")
        frames = [self._clipped(known)]
        while sum(one.shape[1] for one in frames) < count:
            known = ops.concatenate([known, frames[-1]], axis=1)[:, -self.past :]
            frames.append(self._clipped(known))
        return ops.concatenate(frames, axis=1)[:, :count]

    def signatures(self) -> dict[str, tuple[Any, Specs]]:
        """Return "embed", and "next_frames" from past frames to `frames`, as the method returns them."""
        spec: Any = specs_of(self.encoder)
        past = dataclasses.replace(spec, shape=(None, self.past, *spec.shape[2:]))
        return {**super().signatures(), "next_frames": (lambda video: {"frames": self._clipped(video)}, past)}

    def _clipped(self, past):
        return ops.clip(ops.cast(self._predict(past, training=False), "float32"), 0.0, 1.0)

    def _predict(self, past, training):
        maps = self.encoder.get_layer("frames")(past, training=training)
        frames = self.decoder(self.encoder.get_layer("trunk")(maps, training=training), training=training)
        height, width = ops.shape(past)[2:4]
        frames = frames[:, :, :height, :width]
        return frames + ops.cast(past[:, -1:], frames.dtype) if self.residual else frames


def _past(encoder, past):
    """The number of frames that the encoder reads."""
    length = encoder.input_shape[1]
    if past is None and length is None:
        raise UserError("`past` for an encoder of any number of frames", "none", "give it, such as `past=10`")
    past = length if past is None else past
    check_between("past", past, least=1, whole=True)
    if length not in (None, past):
        raise UserError(f"`past` as the encoder reads frames, {length}", f"{past}", "leave `past` out")
    return past


def _future(decoder, encoder, future):
    """The number of frames that the decoder returns."""
    shape, _ = decoders.feature_map(encoder)
    found = tuple(decoder.input_shape[1:]), tuple(decoder.output_shape[1:])
    fits = len(found[0]) == 3 and len(found[1]) == 4 and found[1][-1] == encoder.input_shape[-1]
    if not fits or found[0][-1] != shape[-1] or found[1][0] is None or future not in (None, found[1][0]):
        raise UserError(
            f"a decoder from maps {shape} to {future or 'future'} frames of {encoder.input_shape[-1]} channels",
            f"'{decoder.name}' from {found[0]} to {found[1]}",
            "leave `decoder` out, or make one with `decoders.frames(encoder, future)`",
        )
    return found[1][0]
