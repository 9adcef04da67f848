"""Spectral normalization of a whole network."""

from typing import Any

import keras
from keras import layers

from keras_ssl.backends import require_tensorflow
from keras_ssl.checks import check_counts
from keras_ssl.errors import UserError
from keras_ssl.networks import all_layers, copy_layer, copy_statistics
from keras_ssl.typing import Tensor

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
    """`keras.layers.SpectralNormalization` that does not change when it is frozen, unlike the Keras layer.

    Args:
        layer: Layer with a kernel.
        power_iterations: Power iterations in each training call. Default: 1.
        **kwargs: Arguments of `keras.layers.Layer`.

    Raises:
        UserError: On any backend except TensorFlow, since others do not keep the divided kernel between steps.
    """

    def __init__(self, layer: layers.Layer, power_iterations: int = 1, **kwargs: Any) -> None:
        require_tensorflow(
            "whose layers can divide their kernels in training",
            "set KERAS_BACKEND=tensorflow, or leave spectral normalization out",
        )
        check_counts(power_iterations=power_iterations)
        super().__init__(layer, power_iterations, **kwargs)

    def call(self, inputs: Tensor, training: bool = False) -> Tensor:
        """Apply the layer. In training, unless frozen, first divide its kernel by the largest singular value."""
        return super().call(inputs, training=training and self.kernel.trainable)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments, with an unbuilt layer, which can be built for other image sizes."""
        config = super().get_config()
        config["layer"].pop("build_config", None)
        return config

    def to_stock(self) -> layers.SpectralNormalization:
        """Return an unbuilt Keras layer with the same configuration."""
        return layers.SpectralNormalization.from_config(self.get_config())


def spectrally_normalized(model: keras.Model) -> keras.Model:
    """Return a copy of a model with spectral normalization of all convolutions and dense layers.

    `SpectralNormalization` estimates the largest singular value with one power iteration in each training call and
    stores the divided kernel, so the kernel stays normalized in inference. Because the kernel is stored, these layers
    always compute in float32.

    Args:
        model: Functional `keras.Model`, which may contain nested models. It is not changed. The copy has new weights
            but keeps the pixel statistics of `Normalization` layers.

    Returns:
        `keras.Model` with the same layer names and shapes.

    Raises:
        UserError: If there is no layer to normalize, if a layer with a kernel is not supported, or if Keras does not
            run on TensorFlow.

    Reference:
        Miyato et al. 2018, "Spectral Normalization for Generative Adversarial Networks", algorithm 1.

    Departures:
        As in Keras's layer, the kernel itself is divided, so gradients do not flow through the singular value. It is
        divided in every call, and a `GAN` step has four.
    """
    wrapped = []

    def copied(layer):
        if not isinstance(layer, _WITH_KERNEL):
            if any(hasattr(inner, kernel) for inner in all_layers(layer) for kernel in _KERNELS):
                raise _unknown(f"'{layer.name}', {type(layer).__name__}")
            return copy_layer(layer)
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
