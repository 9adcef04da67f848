"""The stated small classifier whose features Fréchet distances are taken in, and whose classes count modes."""

import hashlib

import keras
import numpy as np

from keras_ssl import checks, data, encoders
from keras_ssl.evaluate.embedding import embed
from keras_ssl.evaluate.label_efficiency import reinitialized
from keras_ssl.transfer import FineTuning

__all__ = ["FeatureClassifier", "feature_classifier"]


class FeatureClassifier:
    """A trained classifier as a yardstick of generated images: what it sees in them, and which classes.

    Args:
        model: What `feature_classifier(…).model` is, also after it was saved and loaded.

    Attributes:
        fingerprint: SHA-256 of the weights. Fréchet distances can be compared only where it is the same.

    Example:
        `runs.save_model(yardstick.model, "yardstick.keras", fingerprint=yardstick.fingerprint)`, and later
        `FeatureClassifier(runs.load_model("yardstick.keras"))`
    """

    def __init__(self, model):
        self.model = model
        self.encoder = model.layers[-2]
        digest = hashlib.sha256()
        for weight in model.get_weights():
            digest.update(f"{weight.dtype} {weight.shape} ".encode() + np.ascontiguousarray(weight).tobytes())
        self.fingerprint = digest.hexdigest()

    def features(self, images):
        """Return the features, a float32 array `(n, d)`.

        Args:
            images: `data.Source`, or float array `(n, height, width, channels)` in 0..1.

        Raises:
            UserError: If the images are not such, or do not fit.
        """
        return embed(self.encoder, images)

    def classes(self, images):
        """Return the most probable classes, an integer array `(n,)`. Args and Raises: see `features`."""
        return embed(self.model, images).argmax(axis=-1)


def feature_classifier(source, epochs=5, seed=0):
    """Train a small classifier for its features: two convolutions, a dense layer of 64 linear features, softmax.

    Linear, since a distance of Gaussians is taken in them. Adam with a learning rate of 1e-3, batches of 128. Train it
    once and keep the file: on another machine the same seed may end in other weights, whose distances are others.

    Args:
        source: Labeled `data.Source`: the train split of the set that a generator imitates.
        epochs: Default 5.
        seed: Of the weights and the order of samples. Default 0.

    Returns:
        `FeatureClassifier`.

    Raises:
        UserError: If the source has no labels, or there is not one epoch.
    """
    data.check_labeled(source)
    checks.check_between("epochs", epochs, least=1)
    maps = encoders.conv_net(source.shape, (32, 64), pooling="flatten", first_stride=2)
    features = keras.layers.Dense(64, name="features")(maps.output)
    encoder = reinitialized(keras.Model(maps.input, features, name="yardstick"), seed)
    batch_size = min(128, len(source))
    tuning = FineTuning(encoder, source.classes, epochs * len(source) // batch_size, batch_size)
    tuning.fit(encoder.get_weights(), source.floats(), source.labels, 1e-3, seed, from_probe=False)
    return FeatureClassifier(tuning.model)
