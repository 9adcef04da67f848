"""Forecasting of time series as a pretext."""

import dataclasses
from typing import Any

import keras
import numpy as np
from keras import layers, ops

from keras_ssl import distribute, transforms
from keras_ssl.blocks import last_of_kept
from keras_ssl.checks import check_between
from keras_ssl.errors import UserError
from keras_ssl.networks import parts
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.objectives.predictive.causality import check_causal, check_causal_tokens
from keras_ssl.specs import Specs, check_kind, inputs_like, specs_of
from keras_ssl.typing import Batch, Samples, Tensor

__all__ = ["Forecasting", "following"]

_PLACES = 6  # of the series on which causality is proved, where any length is taken


@keras.saving.register_keras_serializable("keras_ssl")
class Forecasting(Objective):
    """Predict the next values of a series from those before, by the squared error.

    A linear layer predicts them from the frame of each time step, or from the representation of all but the last steps.
    Padding and missing values, NaN, count neither as targets nor as steps to predict from.

    A batch may say which steps are hidden as "mask" `(n, time)`, True = hidden.

    Args:
        encoder: `keras.Model` from `series` `(n, time, channels)` to `(n, d)`. With `every_step` it has the layers
            `tokens`, `trunk` and `pool` of `networks.parts`, and its frames depend on no later step, as in
            `encoders.dilated_conv(channels, causal=True)`; otherwise it is any.
        horizon: Number of steps to predict, at least 1. Default: 8.
        every_step: Whether to predict from each time step. Otherwise the last `horizon` steps of a batch are predicted
            from the representation of those before; an encoder of a fixed length then needs batches that are longer by
            `horizon`, and series that end before these steps do not count. Default: True.
        mask_ratio: Share of the time steps that are hidden from the encoder in training, rounded to a whole number of
            steps, at least 0 and below 1; it needs `every_step`. Their tokens become 0, and they are predicted like the
            others. Default: 0.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If the encoder is another one, or sees later steps; in a step, if series are too short.

    Note:
        The error has the units of the series, squared: standardize channels that differ in scale.
    """

    optional_keys = ("mask",)

    def __init__(
        self,
        encoder: keras.Model,
        horizon: int = 8,
        every_step: bool = True,
        mask_ratio: float = 0.0,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        check_kind(encoder, "series", type(self).__name__)
        check_between("horizon", horizon, least=1, whole=True)
        check_between("mask_ratio", mask_ratio, least=0, below=1)
        if mask_ratio and not every_step:
            raise UserError("no `mask_ratio` without `every_step`", f"mask_ratio={mask_ratio}", "leave it out")
        _, length, channels = encoder.input_shape
        d = encoder.output_shape[-1]
        if every_step:
            found = parts(encoder)
            d = found.trunk.output.shape[-1]
            width = keras.tree.flatten(found.tokens.output)[0].shape[-1]
            about = encoder.name, type(self).__name__
            check_causal_tokens(lambda x: found.embed(x)[0], (2, length or _PLACES, channels), *about)
            check_causal(found.run, (2, length or _PLACES, width), *about)
        self.horizon = horizon
        self.every_step = every_step
        self.mask_ratio = mask_ratio
        self.head = layers.Dense(horizon * channels, name="head", dtype=self.dtype_policy)
        self.head.build((None, d))

    def check_array(self, key: str, array: Samples) -> None:
        """Raise `UserError` also if there is nothing to predict, since all series end too early."""
        super().check_array(key, array)
        if key == "input" and not self.every_step and np.isnan(array[:, -self.horizon :]).all():
            raise UserError(
                f"series that reach into the last {self.horizon} of {array.shape[1]} steps",
                "none that does",
                "cut the padding, or predict from every step (`every_step=True`)",
            )

    @property
    def batch_specs(self) -> dict[str, Specs]:
        """What the encoder takes, and `horizon` steps more unless each step predicts."""
        spec: Any = specs_of(self.encoder)
        if not self.every_step and spec.shape[1] is not None:
            shape = (None, spec.shape[1] + self.horizon, spec.shape[2])
            spec = dataclasses.replace(spec, shape=shape)
        return {"input": spec}

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Predict from each step, or from the representation of the past."""
        x = batch["input"]
        self._check_length(x.shape[1])
        if self.every_step:
            frames, keep = self._frames(x, training, self._mask(batch, training))
            targets = following(x, self.horizon)
        else:
            frames = self.encoder(x[:, : -self.horizon], training=training)[:, None]
            targets, keep = x[:, None, -self.horizon :], ops.ones_like(x[:, :1, 0], dtype="bool")
        known = ops.logical_and(ops.logical_not(ops.isnan(targets)), keep[:, :, None, None])
        prediction = ops.reshape(self.head(frames), (-1, *ops.shape(targets)[1:]))
        return {"prediction": prediction, "target": ops.where(known, targets, 0.0), "known": known}

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compare predictions with the values that are known."""
        error = ops.square(outputs["prediction"] - outputs["target"])
        return {"loss": distribute.mean(error, outputs["known"])}

    def forecast(self, series: Samples) -> Tensor:
        """Return the steps that follow.

        Args:
            series: Float array `(n, time, channels)`.

        Returns:
            Float32 tensor `(n, horizon, channels)`.
        """
        return ops.cast(self._forecast(self.as_input(series)), "float32")

    def signatures(self) -> dict[str, tuple[Any, Specs]]:
        """Return "embed", and "forecast" from a series to the steps that follow as `forecast`. See `Objective`."""
        series = inputs_like(self.encoder)
        forecast = keras.Model(series, {"forecast": self._forecast(series)}, name="forecast")
        return {**super().signatures(), "forecast": (forecast, specs_of(self.encoder))}

    def _forecast(self, series):
        if self.every_step:
            h = last_of_kept(*self._frames(series, training=False))
        else:
            h = self.encoder(series, training=False)
        return ops.reshape(self.head(h), (-1, self.horizon, self.encoder.input_shape[-1]))

    def _frames(self, series, training, mask=None):
        encoder = parts(self.encoder)
        tokens, keep = encoder.embed(series, training)
        if mask is not None:
            tokens = ops.where(ops.cast(mask, "bool")[:, :, None], ops.zeros_like(tokens), tokens)
        keep = ops.ones_like(tokens[..., 0], dtype="bool") if keep is None else keep
        return encoder.run(tokens, keep, training), keep

    def _mask(self, batch, training):
        """Which steps are hidden, or None."""
        if "mask" in batch or not (training and self.mask_ratio):
            return batch.get("mask")
        count, length = ops.shape(batch["input"])[0], batch["input"].shape[1]
        if length is None:
            raise UserError(
                f"series of a known length, to hide steps in {type(self).__name__}",
                "batches of an unknown length",
                "pad all series with NaN to one length, or leave `mask_ratio` out",
            )
        return transforms.random_mask(count, length, round(self.mask_ratio * length), self.draws(training).next())

    def _check_length(self, length):
        if length is not None and length <= (1 if self.every_step else self.horizon):
            raise UserError(
                f"series longer than {1 if self.every_step else self.horizon} steps for {type(self).__name__}",
                f"{length}",
                "give longer series, or a smaller `horizon`",
            )


def following(x: Tensor, horizon: int) -> Tensor:
    """Return the values after each step of a series: for step t those of `t + 1` to `t + horizon`.

    Args:
        x: Tensor `(n, time, channels)`.
        horizon: Number of steps.

    Returns:
        Tensor `(n, time, horizon, channels)`, NaN beyond the end.
    """
    beyond = ops.full_like(x[:, :1], float("nan"))
    later, shifted = [], x
    for _ in range(horizon):
        shifted = ops.concatenate([shifted[:, 1:], beyond], axis=1)
        later.append(shifted)
    return ops.stack(later, axis=2)
