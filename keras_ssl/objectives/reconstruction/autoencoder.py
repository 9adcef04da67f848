"""The autoencoder."""

import keras

from keras_ssl import decoders, losses
from keras_ssl.objectives.base.objective import Objective

__all__ = ["Autoencoder"]


@keras.saving.register_keras_serializable("keras_ssl")
class Autoencoder(Objective):
    """Rebuild the input from its representation, which is narrower.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`; dense or convolutional.
        decoder: `keras.Model` from `(n, d)` to the encoder's input shape. Default: `decoders.mirror(encoder)`,
            whose output is linear, or a sigmoid where `reconstruction` is `losses.binary_cross_entropy`.
        reconstruction: Function of reconstruction and input that returns a scalar. Default: `losses.squared_error`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Reference:
        Hinton & Salakhutdinov 2006, "Reducing the Dimensionality of Data with Neural Networks".

    Departures:
        Trained end to end, not layer by layer with restricted Boltzmann machines.
    """

    def __init__(self, encoder, decoder=None, reconstruction=losses.squared_error, seed=0, **kwargs):
        super().__init__(encoder, seed=seed, **kwargs)
        activation = "sigmoid" if reconstruction is losses.binary_cross_entropy else None
        self.decoder = decoders.mirror(encoder, activation) if decoder is None else decoder
        decoders.check_mirrors(self.decoder, encoder, encoder.output_shape[-1])
        self.reconstruction = reconstruction

    def forward_pass(self, batch, training):
        """Encode and decode."""
        h = self.encoder(batch["input"], training=training)
        return {"input": batch["input"], "h": h, "reconstruction": self.decoder(h, training=training)}

    def loss_terms(self, outputs):
        """Compare the reconstruction with the input."""
        return {"loss": self.reconstruction(outputs["reconstruction"], outputs["input"])}

    def reconstruct(self, images):
        """Return the reconstructions of `images` `(n, …)`, floats in 0..1, as a float32 tensor of the same shape."""
        return self._rebuilt(self.as_images(images))

    def _rebuilt(self, images):
        return self.decoder(self.encoder(images, training=False), training=False)
