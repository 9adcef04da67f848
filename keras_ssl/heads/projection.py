"""Projectors and predictors of joint-embedding objectives."""

import keras
from keras import layers

from keras_ssl.blocks import BatchNormalization
from keras_ssl.blocks.prototypes import Prototypes
from keras_ssl.checks import check_between, check_counts

__all__ = ["predictor", "projector", "prototypes"]


def projector(
    encoder: keras.Model,
    features: int = 128,
    hidden: int | None = None,
    depth: int = 1,
    normalize_output: bool = False,
    kernel_initializer: str | keras.initializers.Initializer | None = None,
    name: str = "projector",
) -> keras.Model:
    """Hidden layers with batch normalization and ReLU, then a linear layer.

    Args:
        encoder: The `keras.Model` whose representation `(n, d)` is projected.
        features: Width of the projection. Default: 128.
        hidden: Width of the hidden layers. Default: d.
        depth: Number of hidden layers. Default: 1, as in SimCLR; SimSiam, Barlow Twins and VICReg use 2.
        normalize_output: Whether to batch-normalize the projection too, without scale and offset, as SimSiam does.
            Default: False.
        kernel_initializer: Keras initializer of all layers. Default: he_normal, and glorot_uniform for the last.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, d)` to `(n, features)`.

    Reference:
        Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations", section 4.2.

    Departures:
        The output has no bias, which would be the same for all samples. Batch normalization in the hidden layer follows
        the authors' code, not the paper.
    """
    width = encoder.output_shape[-1]
    hidden = width if hidden is None else hidden
    check_counts(features=features, hidden=hidden)
    check_between("depth", depth, least=0, whole=True)
    inputs = keras.Input((width,), name="representation")
    x = inputs
    for k in range(1, depth + 1):
        x = _hidden(x, hidden, kernel_initializer, "" if depth == 1 else f"_{k}")
    start = _start(kernel_initializer, "glorot_uniform")
    x = layers.Dense(features, use_bias=False, kernel_initializer=start, name="projection")(x)
    if normalize_output:
        x = BatchNormalization(center=False, scale=False, name="projection_norm")(x)
    return keras.Model(inputs, x, name=name)


def predictor(
    projector: keras.Model,
    hidden: int | None = None,
    kernel_initializer: str | keras.initializers.Initializer | None = None,
    name: str = "predictor",
) -> keras.Model:
    """A hidden layer with batch normalization and ReLU, then a linear layer of the projection's width.

    Args:
        projector: The `keras.Model` whose projections `(n, k)` are predicted.
        hidden: Width of the hidden layer. Default: k; SimSiam uses a narrower one.
        kernel_initializer: See `projector`.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, k)` to `(n, k)`.

    Reference:
        Grill et al. 2020, "Bootstrap Your Own Latent", section 3.3.
    """
    width = projector.output_shape[-1]
    hidden = width if hidden is None else hidden
    check_counts(hidden=hidden)
    inputs = keras.Input((width,), name="projection")
    x = _hidden(inputs, hidden, kernel_initializer, "")
    start = _start(kernel_initializer, "glorot_uniform")
    return keras.Model(inputs, layers.Dense(width, kernel_initializer=start, name="prediction")(x), name=name)


def _start(initializer, default):
    """Return a separate initializer for one layer: an instance that is used twice gives the same values twice."""
    return initializer.clone() if isinstance(initializer, keras.initializers.Initializer) else initializer or default


def _hidden(x, width, initializer, suffix):
    start = _start(initializer, "he_normal")
    x = layers.Dense(width, use_bias=False, kernel_initializer=start, name=f"hidden{suffix}")(x)
    x = BatchNormalization(name=f"norm{suffix}")(x)
    return layers.ReLU(name=f"relu{suffix}")(x)


def prototypes(
    encoder: keras.Model, count: int = 1024, hidden: int | None = None, features: int = 128, name: str = "projector"
) -> keras.Model:
    """DINO's head: a projector, then cosine similarities with trainable prototypes.

    Args:
        encoder: The `keras.Model` whose representation `(n, d)` is projected.
        count: Number of prototypes k. Default: 1024.
        hidden: Width of the projector's hidden layer. Default: d.
        features: Width of the projection. Default: 128.
        name: Name of the model.

    Returns:
        `keras.Model` from `(n, d)` to `(n, k)`, values in -1..1.

    Reference:
        Caron et al. 2021, "Emerging Properties in Self-Supervised Vision Transformers", section 3.1.

    Departures:
        The projector has one hidden layer, with batch normalization and ReLU, in place of two with GELU.
    """
    project = projector(encoder, features, hidden, name="bottleneck")
    inputs = keras.Input((encoder.output_shape[-1],), name="representation")
    return keras.Model(inputs, Prototypes(count, dtype="float32", name="prototypes")(project(inputs)), name=name)
