"""The autoencoder."""

from collections.abc import Callable
from typing import Any

import keras

from keras_ssl import decoders, losses
from keras_ssl.objectives.base.objective import Objective
from keras_ssl.specs import Specs, inputs_like, specs_of, without_missing
from keras_ssl.typing import Batch, Tensor

__all__ = ["Autoencoder"]


@keras.saving.register_keras_serializable("keras_ssl")
class Autoencoder(Objective):
    """Reconstruct the input from its representation, which has fewer dimensions.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`; dense or convolutional.
        decoder: `keras.Model` from `(n, d)` to the encoder's input shape. Default: `decoders.mirror(encoder)`,
            with a linear output, or a sigmoid if `reconstruction` is `losses.binary_cross_entropy`.
        reconstruction: Function of reconstruction and input that returns a scalar. Default: `losses.squared_error`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Reference:
        Hinton & Salakhutdinov 2006, "Reducing the Dimensionality of Data with Neural Networks".

    Departures:
        Trained end to end, not layer by layer with restricted Boltzmann machines.
    """

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model | None = None,
        reconstruction: Callable[[Tensor, Tensor], Tensor] = losses.squared_error,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, seed=seed, **kwargs)
        activation = "sigmoid" if reconstruction is losses.binary_cross_entropy else None
        self.decoder = decoders.mirror(encoder, activation) if decoder is None else decoder
        decoders.check_mirrors(self.decoder, encoder, encoder.output_shape[-1])
        self.reconstruction = reconstruction

    @property
    def batch_specs(self) -> dict[str, Specs]:
        """What the encoder takes, but nothing missing: there is no loss where the input is not known."""
        return {key: without_missing(spec) for key, spec in super().batch_specs.items()}

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Encode and decode."""
        h = self.encoder(batch["input"], training=training)
        return {"input": batch["input"], "h": h, "reconstruction": self.decoder(h, training=training)}

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compare the reconstruction with the input."""
        return {"loss": self.reconstruction(outputs["reconstruction"], outputs["input"])}

    def reconstruct(self, images: Tensor) -> Tensor:
        """Return the reconstructions of `images` `(n, …)`, floats in 0..1, as a float32 tensor of the same shape."""
        return self._reconstruct(self.as_input(images))

    def signatures(self) -> dict[str, tuple[Any, Specs]]:
        """Return "embed", and "reconstruct" from what the encoder takes to `reconstruction`. See `Objective`."""
        inputs = inputs_like(self.encoder)
        outputs = {"reconstruction": self.decoder(self.encoder(inputs))}
        reconstruct = keras.Model(inputs, outputs, name="reconstruct")
        return {**super().signatures(), "reconstruct": (reconstruct, specs_of(reconstruct))}

    def _reconstruct(self, images):
        return self.decoder(self.encoder(images, training=False), training=False)
