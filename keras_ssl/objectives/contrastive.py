"""Objectives that draw the views of one sample together and push those of others apart."""

import keras

from keras_ssl import heads, losses, measures
from keras_ssl.distribute import gather
from keras_ssl.objectives.objective import Objective

__all__ = ["SimCLR"]


@keras.saving.register_keras_serializable("keras_ssl")
class SimCLR(Objective):
    """Tell the other view of a sample from the views of all other samples in the (global) batch.

    Logs, beside the loss, `std` and `dimensions` of the projections: `measures.feature_std` and
    `measures.participation_ratio`, which fall to 0 and 1 in a collapse.

    Args:
        encoder: Built `keras.Model` from `(n, …)` to `(n, d)`.
        projector: `keras.Model` from `(n, d)` to `(n, k)`. Default: `heads.projector(encoder)`, k = 128.
        temperature: Of `losses.nt_xent`, above 0; a number, or a schedule in steps. Default 0.5.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Reference:
        Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations", Algorithm 1.
    """

    batch_keys = ("view_1", "view_2")
    terms = ("loss", "std", "dimensions")
    compares_samples = True

    def __init__(self, encoder, projector=None, temperature=0.5, seed=0, **kwargs):
        super().__init__(encoder, seed=seed, **kwargs)
        self.projector = heads.projector(encoder) if projector is None else projector
        self.temperature = temperature

    def forward_pass(self, batch, training):
        """Project both views."""
        return {
            f"z_{k}": self.projector(self.encoder(batch[f"view_{k}"], training=training), training=training)
            for k in (1, 2)
        }

    def loss_terms(self, outputs):
        """Compare all projections of the global batch."""
        z_1, z_2 = gather(outputs["z_1"]), gather(outputs["z_2"])
        return {
            "loss": losses.nt_xent(z_1, z_2, self.at(self.temperature)),
            "std": measures.feature_std(z_1),
            "dimensions": measures.participation_ratio(z_1),
        }
