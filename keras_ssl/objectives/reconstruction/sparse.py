"""The sparse autoencoder."""

import keras
import numpy as np
from keras import ops

from keras_ssl import losses
from keras_ssl.checks import check_between
from keras_ssl.distribute import gather
from keras_ssl.errors import UserError
from keras_ssl.objectives.reconstruction.autoencoder import Autoencoder

__all__ = ["SparseAutoencoder"]


@keras.saving.register_keras_serializable("keras_ssl")
class SparseAutoencoder(Autoencoder):
    """An autoencoder whose representation is held sparse: few of its units are active for a sample.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`, which need not be narrow. With a `target` its outputs
            must lie in 0..1: let it end with a sigmoid.
        decoder: See `Autoencoder`.
        weight: Of the sparsity in the loss, at least 0: a number, or a schedule in steps. Default 0.01.
        target: Mean activity, above 0 and below 1, to which `losses.sparsity_kl` draws each unit. Default None: the
            penalty is `losses.l1`.
        reconstruction: See `Autoencoder`.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If an argument is out of its range, or there is a target and the encoder's outputs leave 0..1.

    Reference:
        Ng 2011, "Sparse autoencoder", CS294A lecture notes, section 3.
    """

    terms = ("loss", "reconstruction", "sparsity")

    def __init__(
        self,
        encoder,
        decoder=None,
        weight=0.01,
        target=None,
        reconstruction=losses.squared_error,
        seed=0,
        **kwargs,
    ):
        super().__init__(encoder, decoder, reconstruction, seed=seed, **kwargs)
        check_between("weight", weight, 0)
        self.weight = weight
        self.target = target
        if target is not None:
            check_between("target", target, above=0, below=1)
            _check_activities(encoder)

    def loss_terms(self, outputs):
        """Compare with the input, and measure the sparsity over the global batch."""
        reconstruction = super().loss_terms(outputs)["loss"]
        h = gather(outputs["h"])
        sparsity = losses.l1(h) if self.target is None else losses.sparsity_kl(h, self.target)
        return {
            "loss": reconstruction + self.at(self.weight) * sparsity,
            "reconstruction": reconstruction,
            "sparsity": sparsity,
        }


def _check_activities(encoder):
    """Raise unless an encoder's outputs lie in 0..1, as far as noise shows."""
    shape = [size or 32 for size in encoder.input_shape[1:]]
    h = ops.convert_to_numpy(encoder(np.random.default_rng(0).random((16, *shape), "float32")))
    if h.min() < 0 or h.max() > 1:
        raise UserError(
            "activities in 0..1 from the encoder, since there is a target for them",
            f"values in {h.min():.3g}..{h.max():.3g}",
            "let the encoder end with a sigmoid, such as `encoders.mlp(…, output_activation='sigmoid')`; or leave "
            "`target` out",
        )
