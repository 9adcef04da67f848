"""Imputation of the hidden steps of time series."""

from typing import Any

import keras
from keras import layers, ops

from keras_ssl import distribute, transforms
from keras_ssl.checks import check_between
from keras_ssl.errors import UserError
from keras_ssl.networks import kept_frames, parts
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.specs import Specs, check_kind, inputs_like, specs_of
from keras_ssl.typing import Batch, Samples, Tensor

__all__ = ["Imputation"]

_PLACES = 6  # of the series on which frames are counted


@keras.saving.register_keras_serializable("keras_ssl")
class Imputation(Objective):
    """Predict hidden steps of a series from the steps before and after them, by the squared error.

    The tokens of hidden steps become 0, and a linear layer predicts their values from their frames. Only values that
    are hidden and known count: padding and missing values, NaN, are no targets.

    A batch may say which steps are hidden as "mask" `(n, time)`, True = hidden.

    Args:
        encoder: `keras.Model` from `series` `(n, time, channels)` to `(n, d)` that takes NaN, with the layers `tokens`,
            `trunk` and `pool` of `networks.parts` and a frame for each step, such as `encoders.dilated_conv` or
            `encoders.patch_transformer(channels, patch=1)`.
        mask_ratio: Share of the steps that are hidden, if no spans overlap, above 0 and at most 0.5. At least two spans
            are hidden, which is more of a short series. Default: 0.15, the paper's.
        span: Number of successive steps that are hidden together, at least 1: a single step is often found by drawing a
            line between its neighbors. Default: 3, the paper's mean.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If the encoder is another one; in a step, if series are shorter than two steps.

    Reference:
        Zerveas et al. 2021, "A Transformer-based Framework for Multivariate Time Series Representation Learning",
        section 3.3.

    Departures:
        All channels of a step are hidden together, spans have one length (`transforms.span_mask`), and what is set to 0
        is the token of a step instead of its values.

    Note:
        The error has the units of the series, squared: standardize channels that differ in scale.
    """

    optional_keys = ("mask",)

    def __init__(
        self, encoder: keras.Model, mask_ratio: float = 0.15, span: int = 3, seed: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(encoder, seed=seed, **kwargs)
        check_kind(encoder, "series", type(self).__name__)
        check_between("mask_ratio", mask_ratio, above=0, most=0.5)
        check_between("span", span, least=1, whole=True)
        found = parts(encoder)
        _check_frames(encoder, found)
        self.mask_ratio = mask_ratio
        self.span = span
        self.head = layers.Dense(encoder.input_shape[-1], name="head", dtype=self.dtype_policy)
        self.head.build((None, found.trunk.output.shape[-1]))

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Hide steps and predict the values of all."""
        x = batch["input"]
        known = ops.logical_not(ops.isnan(x))
        hidden = self._hidden(batch, known, training)
        return {
            "prediction": self.head(self._frames(x, known, hidden, training)),
            "target": ops.where(known, x, 0.0),
            "hidden": ops.logical_and(hidden[:, :, None], known),
        }

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compare predictions with the values that are hidden and known."""
        error = ops.square(outputs["prediction"] - outputs["target"])
        return {"loss": distribute.mean(error, outputs["hidden"])}

    def impute(self, series: Samples) -> Tensor:
        """Return the series with a prediction in place of each NaN up to the last step of which a value is known.

        Steps of which any value is missing are hidden from the encoder. NaN after the last known step is padding, and
        stays.

        Args:
            series: Float array `(n, time, channels)`.

        Returns:
            Float32 tensor `(n, time, channels)`.
        """
        return self._imputed(self.as_input(series))

    def signatures(self) -> dict[str, tuple[Any, Specs]]:
        """Return "embed", and "impute" from a series to `imputed` as `impute`. See `Objective`."""
        series = inputs_like(self.encoder)
        impute = keras.Model(series, {"imputed": self._imputed(series)}, name="impute")
        return {**super().signatures(), "impute": (impute, specs_of(self.encoder))}

    def _imputed(self, series):
        known = ops.logical_not(ops.isnan(series))
        found = ops.cast(self.head(self._frames(series, known, ops.zeros_like(known[:, :, 0]))), "float32")
        wanted = ops.logical_and(ops.logical_not(known), _until_last(known)[:, :, None])
        return ops.where(wanted, found, ops.cast(series, "float32"))

    def _frames(self, series, known, hidden, training=False):
        """A frame for each step. Steps that are hidden, or of which a value is missing, have a token of 0."""
        encoder = parts(self.encoder)
        tokens, _ = encoder.embed(series, training)
        hidden = ops.logical_or(hidden, ops.logical_not(ops.all(known, axis=-1)))
        tokens = ops.where(hidden[:, :, None], ops.zeros_like(tokens), tokens)
        return encoder.run(tokens, _until_last(known), training)

    def _hidden(self, batch, known, training):
        """Which steps are hidden: spans that begin before the last known step."""
        if "mask" in batch:
            return ops.cast(batch["mask"], "bool")
        if known.shape[1] is None or known.shape[1] < 2:
            raise UserError(
                f"series of a known length of at least 2 steps for {type(self).__name__}",
                "batches of an unknown length" if known.shape[1] is None else f"{known.shape[1]}",
                "pad all series with NaN to one length",
            )
        return transforms.span_mask(
            _until_last(known), self.mask_ratio / self.span, self.span, self.draws(training).next()
        )


def _until_last(known):
    """Which steps come no later than the last one of which a value is known."""
    return kept_frames(ops.cast(ops.any(known, axis=-1), "float32"))


def _check_frames(encoder, found):
    """Raise unless an encoder takes NaN and has a frame for each step."""
    spec: Any = specs_of(encoder)
    if not (spec.missing and found.padded):
        raise UserError(
            "an encoder of series that takes missing values for Imputation",
            f"'{encoder.name}', which takes none",
            "use `encoders.dilated_conv`, or read the input by `keras.ops.isnan` and return keep from `tokens`",
        )
    length = spec.shape[1] or _PLACES
    count = found.tokens.compute_output_shape((1, length, spec.shape[2]))[0][1]
    if count != length:
        raise UserError(
            f"an encoder with one frame for each of {length} steps for Imputation",
            f"'{encoder.name}' with {count}",
            "use `encoders.dilated_conv`, or `encoders.patch_transformer` with `patch=1`",
        )
