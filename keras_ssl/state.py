"""Training state that no gradient reaches: target networks, queues and centers. It is saved with the model.

Objectives read these in `forward_pass` and `loss_terms` and update them in `after_step`, from global tensors, so that
every replica of a `tf.distribute` strategy comes to the same values.
"""

import keras
from keras import ops

from keras_ssl.directions import unit
from keras_ssl.distribute import assign
from keras_ssl.networks import all_layers, set_weights

__all__ = ["Center", "Queue", "TargetNetwork"]


@keras.saving.register_keras_serializable("keras_ssl")
class TargetNetwork(keras.layers.Layer):
    """Copies of networks, applied one after the other, that follow them slowly (momentum encoder, teacher).

    Batch normalization of the copies uses the statistics of their own batch in training, and keeps moving statistics of
    its own; the moving average is taken over the weights that the networks train.

    Args:
        networks: List of built functional `keras.Model`s, each taking the output of the one before.
        **kwargs: Of the layer.
    """

    def __init__(self, networks, **kwargs):
        super().__init__(**kwargs)
        self.copies = [keras.models.clone_model(network) for network in networks]
        for copy, network in zip(self.copies, networks):
            set_weights(copy, network.get_weights())
        self._followed = [_trained(copy) for copy in self.copies]
        for variable in self.variables:  # not `trainable` of the layers: that would freeze batch normalization
            variable.trainable = False
        self.built = True

    def call(self, x, training=False):
        """Return the output of the last copy, without gradient."""
        for copy in self.copies:
            x = copy(x, training=training)
        return ops.stop_gradient(x)

    def follow(self, networks, momentum):
        """Move the copies toward the networks: `target = momentum * target + (1 - momentum) * weight`.

        Args:
            networks: Those that the constructor was given.
            momentum: 0..1; a number or a scalar tensor.
        """
        pairs = [
            pair
            for followed, network in zip(self._followed, networks)
            for pair in zip(followed, _trained(network), strict=True)
        ]
        values = [momentum * target + (1 - momentum) * ops.cast(weight, target.dtype) for target, weight in pairs]
        assign([target for target, _ in pairs], values)


def _trained(network):
    """Weights that gradients reach, frozen or not, in the order of the layers."""
    return [weight for layer in all_layers(network) for weight in layer._trainable_variables]


@keras.saving.register_keras_serializable("keras_ssl")
class Queue(keras.layers.Layer):
    """The newest representations of earlier batches; begins with random directions.

    Args:
        size: How many.
        features: Width of each.
        seed: Of the first directions. Default 0.
        **kwargs: Of the layer.
    """

    def __init__(self, size, features, seed=0, **kwargs):
        super().__init__(**kwargs)
        self.stored = self.add_weight(
            shape=(size, features),
            dtype="float32",
            initializer=keras.initializers.RandomNormal(stddev=1.0, seed=seed),
            trainable=False,
            name="stored",
        )
        self.built = True

    def push(self, z):
        """Store a (global) batch, normalized, in the place of the oldest.

        Args:
            z: Tensor `(n, features)`; n may differ from batch to batch, and of more than `size` the last are kept.
        """
        assign([self.stored], [ops.concatenate([self.stored, unit(z)])[-self.stored.shape[0] :]])


@keras.saving.register_keras_serializable("keras_ssl")
class Center(keras.layers.Layer):
    """Running mean of scores.

    Args:
        features: Width of the scores.
        momentum: 0..1. Default 0.9.
        **kwargs: Of the layer.
    """

    def __init__(self, features, momentum=0.9, **kwargs):
        super().__init__(**kwargs)
        self.momentum = momentum
        self.value = self.add_weight(
            shape=(features,), dtype="float32", initializer="zeros", trainable=False, name="value"
        )
        self.built = True

    def follow(self, scores):
        """Move toward the mean of (global) scores `(n, features)`."""
        mean = ops.mean(ops.cast(scores, "float32"), axis=0)
        assign([self.value], [self.momentum * self.value + (1 - self.momentum) * mean])
