"""The denoising autoencoder."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_ssl import losses, transforms
from keras_ssl.checks import check_between
from keras_ssl.objectives.reconstruction.autoencoder import Autoencoder
from keras_ssl.typing import Batch, Schedule, Tensor

__all__ = ["DenoisingAutoencoder"]


@keras.saving.register_keras_serializable("keras_ssl")
class DenoisingAutoencoder(Autoencoder):
    """Reconstruct the input from the representation of a corrupted copy.

    A batch may contain the corrupted copies as "corrupted"; otherwise noise is added to the input.

    Args:
        encoder: See `Autoencoder`; the representation may have as many dimensions as the input, or more.
        decoder: See `Autoencoder`.
        noise: Function `(x, amount, seed)` that returns a corrupted x: `transforms.gaussian_noise`,
            `transforms.masking_noise`, `transforms.salt_and_pepper` or your own registered function. Default:
            `transforms.masking_noise`.
        amount: Amount of noise, at least 0: a number, or a schedule in steps. Default: 0.3.
        reconstruction: See `Autoencoder`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If `amount` is negative, or more than `noise` accepts.

    Reference:
        Vincent et al. 2010, "Stacked Denoising Autoencoders", section 3.

    Departures:
        Trained end to end, not layer by layer.
    """

    optional_keys = ("corrupted",)

    def __init__(
        self,
        encoder: keras.Model,
        decoder: keras.Model | None = None,
        noise: Callable[..., Tensor] = transforms.masking_noise,
        amount: Schedule = 0.3,
        reconstruction: Callable[[Tensor, Tensor], Tensor] = losses.squared_error,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, decoder, reconstruction, seed=seed, **kwargs)
        check_between("amount", amount, 0, schedule=True)
        if isinstance(amount, int | float):
            noise(ops.zeros((1, 1)), amount, (0, 0))  # raises if the noise has a smaller range
        self.noise = noise
        self.amount = amount

    def forward_pass(self, batch: Batch, training: bool) -> dict[str, Tensor]:
        """Corrupt, encode and decode."""
        corrupted = batch.get("corrupted")
        if corrupted is None:
            corrupted = self.noise(batch["input"], self.at(self.amount), self.draws(training).next())
        return {**super().forward_pass({"input": corrupted}, training), "input": batch["input"]}

    def reconstruct(self, images: Tensor) -> Tensor:
        """Return the reconstructions of `images` `(n, …)`, floats, which may be corrupted and outside 0..1."""
        return self._reconstruct(self.as_input(images, any_range=True))
