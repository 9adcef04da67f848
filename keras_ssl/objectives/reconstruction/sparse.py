"""The sparse autoencoder."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from keras_ssl import losses
from keras_ssl.checks import check_between
from keras_ssl.distribute import gather
from keras_ssl.errors import UserError
from keras_ssl.objectives.reconstruction.autoencoder import Autoencoder
from keras_ssl.specs import specs_of
from keras_ssl.typing import Schedule, Tensor

__all__ = ["SparseAutoencoder"]


@keras.saving.register_keras_serializable("keras_ssl")
class SparseAutoencoder(Autoencoder):
    """An autoencoder with a sparse representation: few of its units are active for a sample.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`; d may be as large as the input, or larger. With a
            `target` its outputs must lie in 0..1: let it end with a sigmoid.
        decoder: See `Autoencoder`.
        weight: Weight of the sparsity penalty in the loss, at least 0: a number, or a schedule in steps. Default: 0.01.
        target: Mean activity of each unit that `losses.sparsity_kl` aims for, above 0 and below 1. Default: None, the
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
        encoder: keras.Model,
        decoder: keras.Model | None = None,
        weight: Schedule = 0.01,
        target: float | None = None,
        reconstruction: Callable[[Tensor, Tensor], Tensor] = losses.squared_error,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(encoder, decoder, reconstruction, seed=seed, **kwargs)
        check_between("weight", weight, 0, schedule=True)
        self.weight = weight
        self.target = target
        if target is not None:
            check_between("target", target, above=0, below=1)
            _check_activities(encoder)

    def loss_terms(self, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
        """Compare the reconstruction with the input, and compute the sparsity penalty over the global batch."""
        reconstruction = super().loss_terms(outputs)["loss"]
        h = gather(outputs["h"])
        sparsity = losses.l1(h) if self.target is None else losses.sparsity_kl(h, self.target)
        return {
            "loss": reconstruction + self.at(self.weight) * sparsity,
            "reconstruction": reconstruction,
            "sparsity": sparsity,
        }


def _check_activities(encoder):
    """Raise unless an encoder's outputs for 16 random inputs lie in 0..1."""
    samples = keras.tree.map_structure(lambda spec: spec.sample(16), specs_of(encoder))
    h = ops.convert_to_numpy(encoder(samples))
    if h.min() < 0 or h.max() > 1:
        raise UserError(
            "activities in 0..1 from the encoder, since there is a target for them",
            f"values in {h.min():.3g}..{h.max():.3g}",
            "let the encoder end with a sigmoid, such as `encoders.mlp(…, output_activation='sigmoid')`; or leave "
            "`target` out",
        )
