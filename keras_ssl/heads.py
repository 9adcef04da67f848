"""Small networks on top of an encoder that are thrown away after pretraining."""

import keras
from keras import layers, ops

from keras_ssl.blocks import BatchNormalization
from keras_ssl.directions import unit
from keras_ssl.networks import copy_statistics

__all__ = ["Prototypes", "gaussian", "judge", "linear", "predictor", "projector", "prototypes"]


def projector(
    encoder, features=128, hidden=None, depth=1, normalise_output=False, kernel_initializer=None, name="projector"
):
    """Hidden layers with batch normalisation and ReLU, then a linear one.

    Args:
        encoder: The `keras.Model` whose representation `(n, d)` is projected.
        features: Width of the projection. Default 128.
        hidden: Width of the hidden layers. Default d.
        depth: Number of hidden layers. Default 1, SimCLR's; SimSiam, Barlow Twins and VICReg have 2.
        normalise_output: Whether the projection has batch normalisation too, without scale and offset, as SimSiam's.
            Default False.
        kernel_initializer: A Keras initializer for all layers. Default: he_normal, and glorot_uniform for the last.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, d)` to `(n, features)`.

    Reference:
        Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations", section 4.2.

    Departures:
        The output has no bias: it would be the same for all samples. Batch normalisation in the hidden layer is that of
        the authors' code, not of the paper.
    """
    width = encoder.output_shape[-1]
    inputs = keras.Input((width,), name="representation")
    x = inputs
    for k in range(1, depth + 1):
        x = _hidden(x, hidden or width, kernel_initializer, "" if depth == 1 else f"_{k}")
    start = _start(kernel_initializer, "glorot_uniform")
    x = layers.Dense(features, use_bias=False, kernel_initializer=start, name="projection")(x)
    if normalise_output:
        x = BatchNormalization(center=False, scale=False, name="projection_norm")(x)
    return keras.Model(inputs, x, name=name)


def predictor(projector, hidden=None, kernel_initializer=None, name="predictor"):
    """A hidden layer with batch normalisation and ReLU, then a linear one back to the projection's width.

    Args:
        projector: The `keras.Model` whose projections `(n, k)` are predicted.
        hidden: Width of the hidden layer. Default k; SimSiam has a narrower one.
        kernel_initializer: See `projector`.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, k)` to `(n, k)`.

    Reference:
        Grill et al. 2020, "Bootstrap Your Own Latent", section 3.3.
    """
    width = projector.output_shape[-1]
    inputs = keras.Input((width,), name="projection")
    x = _hidden(inputs, hidden or width, kernel_initializer, "")
    start = _start(kernel_initializer, "glorot_uniform")
    return keras.Model(inputs, layers.Dense(width, kernel_initializer=start, name="prediction")(x), name=name)


def gaussian(encoder, features, name="gaussian"):
    """Two linear layers: mean and log variance of a diagonal Gaussian.

    Args:
        encoder: The `keras.Model` whose representation `(n, d)` they take.
        features: Width of both.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, d)` to a pair of `(n, features)`, float32.

    Reference:
        Kingma & Welling 2014, "Auto-Encoding Variational Bayes", appendix C.2.
    """
    inputs = keras.Input((encoder.output_shape[-1],), name="representation")
    mean = layers.Dense(features, dtype="float32", name="mean")(inputs)
    log_variance = layers.Dense(features, dtype="float32", name="log_variance")(inputs)
    return keras.Model(inputs, [mean, log_variance], name=name)


def judge(encoder, features=256, name="judge"):
    """BiGAN's discriminator: says of an image and a latent vector together whether they are an encoder's pair.

    Args:
        encoder: Functional `keras.Model` from `(n, …)` to `(n, d)`, whose architecture looks at the image. Its weights
            are not shared, but the statistics of pixels are.
        features: Width of the hidden layer that sees both. Default 256.
        name: Name of the model.

    Returns:
        `keras.Model` from `[image, latent]`, `(n, …)` and `(n, d)`, to a logit `(n, 1)`.

    Reference:
        Donahue et al. 2017, "Adversarial Feature Learning", section 3.
    """
    image = keras.Input(encoder.input_shape[1:], name="image")
    latent = keras.Input((encoder.output_shape[-1],), name="latent")
    trunk = copy_statistics(encoder, keras.models.clone_model(encoder))
    x = layers.Concatenate(name="pair")([trunk(image), latent])
    x = layers.Dense(features, kernel_initializer="he_normal", name="hidden")(x)
    x = layers.LeakyReLU(0.2, name="leaky_relu")(x)
    return keras.Model([image, latent], layers.Dense(1, dtype="float32", name="logits")(x), name=name)


def linear(encoder, features, name="linear"):
    """One linear layer with bias: the scores of classes, or numbers, that are predicted from a representation.

    Args:
        encoder: The `keras.Model` whose representation `(n, d)` is read.
        features: Number of classes or numbers.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, d)` to `(n, features)`.
    """
    inputs = keras.Input((encoder.output_shape[-1],), name="representation")
    return keras.Model(inputs, layers.Dense(features, name="scores")(inputs), name=name)


def _start(initializer, default):
    """Return an initializer of one layer's own: one without a seed that is used twice gives the same values twice."""
    return initializer.clone() if isinstance(initializer, keras.initializers.Initializer) else initializer or default


def _hidden(x, width, initializer, suffix):
    start = _start(initializer, "he_normal")
    x = layers.Dense(width, use_bias=False, kernel_initializer=start, name=f"hidden{suffix}")(x)
    x = BatchNormalization(name=f"norm{suffix}")(x)
    return layers.ReLU(name=f"relu{suffix}")(x)


@keras.saving.register_keras_serializable("keras_ssl")
class Prototypes(keras.layers.Layer):
    """Cosines of samples with trained prototypes, which are normalised where they are used.

    Args:
        count: Number of prototypes k.
        **kwargs: Of the layer.
    """

    def __init__(self, count, **kwargs):
        super().__init__(**kwargs)
        self.count = count

    def build(self, input_shape):
        """Make the prototypes, `(d, k)`."""
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.count), initializer=keras.initializers.RandomNormal(stddev=1.0), name="kernel"
        )

    def call(self, z, hold=False):
        """Return the cosines `(n, k)` of samples `(n, d)`; where `hold` is true the prototypes get no gradient."""
        kernel = unit(self.kernel, axis=0)
        if hold is not False:
            kernel = ops.where(hold, ops.stop_gradient(kernel), kernel)
        return ops.matmul(unit(z), kernel)

    def compute_output_shape(self, input_shape):
        """Return `(n, k)`."""
        return (*input_shape[:-1], self.count)

    def get_config(self):
        """Return the constructor's arguments."""
        return {**super().get_config(), "count": self.count}


def prototypes(encoder, count=1024, hidden=None, features=128, name="projector"):
    """DINO's head: a projector, and the cosines of its output with trained prototypes.

    Args:
        encoder: The `keras.Model` whose representation `(n, d)` is projected.
        count: Number of prototypes k. Default 1024.
        hidden: Width of the hidden layer. Default d.
        features: Width of the projection before the prototypes. Default 128.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, d)` to `(n, k)`, values in -1..1.

    Reference:
        Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers", section 3.1.
    """
    project = projector(encoder, features, hidden, name="bottleneck")
    inputs = keras.Input((encoder.output_shape[-1],), name="representation")
    return keras.Model(inputs, Prototypes(count, dtype="float32", name="prototypes")(project(inputs)), name=name)
