"""A small, fixed classifier whose features give Fréchet distances and whose classes count modes."""

import hashlib

import keras
import numpy as np

from keras_ssl import checks, data, encoders, networks
from keras_ssl.data.fitting import labeled
from keras_ssl.evaluate.embedding import embed
from keras_ssl.transfer import FineTuning

__all__ = ["FeatureClassifier", "feature_classifier"]


class FeatureClassifier:
    """A trained classifier that measures generated images: their features, and their classes.

    Args:
        model: The `model` of a `feature_classifier(…)`, which may have been saved and loaded.

    Attributes:
        fingerprint: SHA-256 of the weights. Fréchet distances can be compared only if it is the same.

    Example:
        `runs.save_model(yardstick.model, "yardstick.keras", fingerprint=yardstick.fingerprint)`, and later
        `FeatureClassifier(runs.load_model("yardstick.keras"))`
    """

    def __init__(self, model: keras.Model):
        self.model = model
        self.encoder = model.layers[-2]
        digest = hashlib.sha256()
        for weight in model.get_weights():
            digest.update(f"{weight.dtype} {weight.shape} ".encode() + np.ascontiguousarray(weight).tobytes())
        self.fingerprint = digest.hexdigest()

    def features(self, images: data.Source | np.ndarray) -> np.ndarray:
        """Return the features, a float32 array `(n, d)`.

        Args:
            images: `data.Source`, or float array `(n, height, width, channels)` in 0..1.

        Raises:
            UserError: If the images are not finite floats in 0..1, or do not fit.
        """
        return embed(self.encoder, images)

    def classes(self, images: data.Source | np.ndarray) -> np.ndarray:
        """Return the most probable classes, an integer array `(n,)`. For Args and Raises see `features`."""
        return embed(self.model, images).argmax(axis=-1)


def feature_classifier(source: data.Source, epochs: int = 5, seed: int = 0) -> FeatureClassifier:
    """Train a small classifier for its features: two convolutions, a dense layer of 64 linear features, softmax.

    The features are linear because Fréchet distances treat them as Gaussian. Adam with a learning rate of 1e-3, batches
    of 128. Train it once and keep the file: on another machine the same seed may give other weights, and so other
    distances.

    Args:
        source: Labeled `data.Source`: the train split of the set that a generator imitates.
        epochs: Number of epochs, at least 1. Default: 5.
        seed: Seed of the weights and the order of samples. Default: 0.

    Returns:
        `FeatureClassifier`.

    Raises:
        UserError: If the source has no labels, or `epochs` is below 1.
    """
    labels, classes = labeled(source)
    checks.check_between("epochs", epochs, least=1, whole=True)
    maps = encoders.conv_net(source.shape, (32, 64), pooling="flatten", first_stride=2)
    features = keras.layers.Dense(64, name="features")(maps.output)
    encoder = networks.reinitialized(keras.Model(maps.input, features, name="yardstick"), seed)
    batch_size = min(128, len(source))
    tuning = FineTuning(encoder, classes, epochs * len(source) // batch_size, batch_size)
    tuning.fit(encoder.get_weights(), source.inputs(), labels, 1e-3, seed, head="random")
    return FeatureClassifier(tuning.model)
