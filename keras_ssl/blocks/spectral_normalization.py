"""Spectral normalization of a whole network."""

import keras
from keras import layers

from keras_ssl.backends import require_tensorflow
from keras_ssl.errors import UserError
from keras_ssl.networks import all_layers, copy_statistics

__all__ = ["SpectralNormalization", "spectrally_normalized"]

_WITH_KERNEL = (
    layers.Conv1D,
    layers.Conv2D,
    layers.Conv3D,
    layers.Conv1DTranspose,
    layers.Conv2DTranspose,
    layers.Conv3DTranspose,
    layers.Dense,
)
_KERNELS = ("kernel", "depthwise_kernel", "recurrent_kernel")


@keras.saving.register_keras_serializable("keras_ssl")
class SpectralNormalization(layers.SpectralNormalization):
    """`keras.layers.SpectralNormalization` that holds still when it is frozen, as the stock layer does not.

    Args:
        layer: Layer with a kernel.
        power_iterations: Of each call in training. Default 1.
        **kwargs: Those of a Keras layer.

    Raises:
        UserError: On any backend but TensorFlow, where the division would not last from step to step.
    """

    def __init__(self, layer, power_iterations=1, **kwargs):
        require_tensorflow(
            "whose layers can divide their kernels in training",
            "set KERAS_BACKEND=tensorflow, or leave spectral normalization out",
        )
        super().__init__(layer, power_iterations, **kwargs)

    def call(self, inputs, training=False):
        """Divide the kernel by its largest singular value, in training unless frozen, and apply the layer."""
        return super().call(inputs, training=training and self.kernel.trainable)

    def get_config(self):
        """Return the constructor's arguments; the layer is one that is not built, so that it fits other images too."""
        config = super().get_config()
        config["layer"].pop("build_config", None)
        return config

    def to_stock(self):
        """Return the stock layer of the same configuration, not built."""
        return layers.SpectralNormalization.from_config(self.get_config())


def spectrally_normalized(model):
    """A copy of a model whose convolutions and dense layers are divided by their largest singular values.

    `SpectralNormalization` estimates these by one power iteration in each call in training and stores the divided
    kernels; what is fine-tuned stays so. Since it stores them, these layers compute in float32 whatever the policy.

    Args:
        model: Functional `keras.Model`, nested ones included; it is not touched. Weights start anew; statistics of
            pixels are kept.

    Returns:
        `keras.Model` of the same layers' names and shapes.

    Raises:
        UserError: If no layer can be normalized, one with kernels cannot, or Keras does not run on TensorFlow.

    Reference:
        Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks", algorithm 1.

    Departures:
        As in Keras's layer the kernel itself is divided, so that gradients are those of the divided one, not through
        the singular value; and in every call, of which a step of `GAN` has four.
    """
    wrapped = []

    def copied(layer):
        if not isinstance(layer, _WITH_KERNEL):
            if any(hasattr(inner, kernel) for inner in all_layers(layer) for kernel in _KERNELS):
                raise _unknown(f"'{layer.name}', {type(layer).__name__}")
            return type(layer).from_config(layer.get_config())
        wrapped.append(layer.name)
        copy = type(layer).from_config({**layer.get_config(), "dtype": "float32"})
        return SpectralNormalization(copy, name=layer.name, dtype="float32")

    normalized = keras.models.clone_model(model, clone_function=copied, recursive=True)
    if not wrapped:
        raise _unknown(f"'{model.name}' without any")
    return copy_statistics(model, normalized)


def _unknown(received):
    known = ", ".join(kind.__name__ for kind in _WITH_KERNEL)
    return UserError(f"layers with kernels among {known}", received, "build the network of these")
