"""Anomalies by how improbable they are under a variational autoencoder."""

from typing import Any

import numpy as np

from keras_ssl.checks import check_counts, check_method
from keras_ssl.data import Source
from keras_ssl.errors import UserError
from keras_ssl.evaluate.anomalies.detector import Detector
from keras_ssl.evaluate.generative.likelihood import negative_log_likelihoods

__all__ = ["DensityDetector"]


class DensityDetector(Detector):
    """Score samples by their negative log-likelihood under a variational autoencoder, estimated from above.

    Simple samples, such as images of one color, may be more probable than all normal ones.

    Args:
        vae: `objectives.VariationalAutoencoder`, or another model with `log_weights`.
        draws: Latent samples for each sample. Default: 50.
        bound: "importance" or "elbo"; see `evaluate.negative_log_likelihoods`. Default: "importance".
        seed: Seed of the draws. Default: 0.

    Raises:
        UserError: If the model has no `log_weights`, there is no such bound, or a number is below 1.

    Reference:
        An & Cho 2015, "Variational Autoencoder Based Anomaly Detection Using Reconstruction Probability", for the idea;
        Burda et al. 2015, "Importance Weighted Autoencoders", Eq. 8; Nalisnick et al. 2019, "Do Deep Generative Models
        Know What They Don't Know?", for its limit.

    Example:
        `scores = DensityDetector(vae).fit(normal).score(samples)`
    """

    def __init__(self, vae: Any, draws: int = 50, bound: str = "importance", seed: int = 0) -> None:
        check_method(vae, "log_weights")
        check_counts(draws=draws)
        if bound not in ("importance", "elbo"):
            raise UserError("bound as 'importance' or 'elbo'", repr(bound), "choose one of them")
        super().__init__(vae)
        self.vae, self.draws, self.bound, self.seed = vae, draws, bound, seed

    def score_source(self, source: Source) -> np.ndarray:
        """Return the estimates, in nats; see `Detector.score_source`."""
        return negative_log_likelihoods(self.vae, source, self.draws, self.bound, seed=self.seed)
