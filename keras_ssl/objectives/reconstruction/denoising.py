"""The denoising autoencoder."""

import keras
from keras import ops

from keras_ssl import losses, transforms
from keras_ssl.checks import check_between
from keras_ssl.objectives.reconstruction.autoencoder import Autoencoder

__all__ = ["DenoisingAutoencoder"]


@keras.saving.register_keras_serializable("keras_ssl")
class DenoisingAutoencoder(Autoencoder):
    """Rebuild the input from the representation of a corrupted copy.

    A batch may hold the corrupted copies under "corrupted", where they are known.

    Args:
        encoder: See `Autoencoder`; the representation need not be narrow.
        decoder: See `Autoencoder`.
        noise: Function `(x, amount, seed)` that returns a corrupted x: `transforms.gaussian_noise`,
            `transforms.masking_noise`, `transforms.salt_and_pepper` or a registered one of your own.
            Default: `transforms.masking_noise`.
        amount: Its second argument, at least 0: a number, or a schedule in steps. Default 0.3.
        reconstruction: See `Autoencoder`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If `amount` is negative, or more than the noise can be.

    Reference:
        Vincent et al. 2010, "Stacked Denoising Autoencoders", section 3.

    Departures:
        Trained end to end, not layer by layer.
    """

    optional_keys = ("corrupted",)

    def __init__(
        self,
        encoder,
        decoder=None,
        noise=transforms.masking_noise,
        amount=0.3,
        reconstruction=losses.squared_error,
        seed=0,
        **kwargs,
    ):
        super().__init__(encoder, decoder, reconstruction, seed=seed, **kwargs)
        check_between("amount", amount, 0)
        if isinstance(amount, int | float):
            noise(ops.zeros((1, 1)), amount, (0, 0))  # which may know more of its range
        self.noise = noise
        self.amount = amount

    def forward_pass(self, batch, training):
        """Corrupt, encode and decode."""
        corrupted = batch.get("corrupted")
        if corrupted is None:
            corrupted = self.noise(batch["input"], self.at(self.amount), self.draws(training).next())
        return {**super().forward_pass({"input": corrupted}, training), "input": batch["input"]}

    def reconstruct(self, images):
        """As `Autoencoder.reconstruct`, of corrupted images too, whose values may leave 0..1."""
        return self._rebuilt(self.as_images(images, value_range=None))
