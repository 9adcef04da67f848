"""Anomalies by how badly a model reconstructs them."""

from typing import Any

import keras
import numpy as np

from keras_ssl.checks import check_counts, check_method
from keras_ssl.data import Source
from keras_ssl.evaluate.anomalies.detector import Detector

__all__ = ["ReconstructionDetector"]


class ReconstructionDetector(Detector):
    """Score samples by the squared error of their reconstruction, averaged over the values of a sample.

    A model that hides parts of a sample, such as `objectives.MaskedAutoencoder`, hides several random parts of each one
    in turn, the same of all samples.

    Args:
        objective: Model with `reconstruct(samples)`: an autoencoder of any kind, `BiGAN`, `MaskedAutoencoder` or
            `Inpainting`.
        draws: Number of hidden parts, for a model that hides any. Default: 8.
        batch_size: Samples at a time. Default: 256.

    Raises:
        UserError: If the objective has no `reconstruct`, or a number is below 1.

    Reference:
        Sakurada & Yairi 2014, "Anomaly Detection Using Autoencoders with Nonlinear Dimensionality Reduction".

    Example:
        `detector = ReconstructionDetector(autoencoder).fit(normal)`
    """

    def __init__(self, objective: Any, draws: int = 8, batch_size: int = 256) -> None:
        check_method(objective, "reconstruct")
        check_counts(draws=draws, batch_size=batch_size)
        super().__init__(objective)
        self.objective, self.draws, self.batch_size = objective, draws, batch_size
        self.hides = "mask" in getattr(objective, "optional_keys", ())

    def score_source(self, source: Source) -> np.ndarray:
        """Return the errors; see `Detector.score_source`."""
        errors = self._of_hidden if self.hides else self._of_whole
        begins = range(0, len(source), self.batch_size)
        indices = [np.arange(begin, min(begin + self.batch_size, len(source))) for begin in begins]
        return np.concatenate([errors(source.inputs(some)) for some in indices])

    def _of_whole(self, x):
        rebuilt = keras.ops.convert_to_numpy(self.objective.reconstruct(x))
        return np.square(x.astype("float64") - rebuilt).reshape(len(x), -1).mean(axis=1)

    def _of_hidden(self, x):
        """A batch of copies of one sample: the masks that a model draws depend on the places in the batch alone."""
        return np.array([self._of_whole(np.repeat(one[None], self.draws, axis=0)).mean() for one in x])
