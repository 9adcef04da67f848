"""Training state without gradients: target networks, queues and centers. It is saved with the model.

Objectives read this state in `forward_pass` and `loss_terms` and update it in `after_step`. Updates use tensors of the
global batch, so all replicas of a `tf.distribute` strategy compute the same values.
"""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from keras_ssl.checks import check_between, check_counts
from keras_ssl.directions import unit
from keras_ssl.distribute import assign
from keras_ssl.networks import all_layers, clone, set_weights
from keras_ssl.typing import Tensor

__all__ = ["Center", "Queue", "TargetNetwork"]


@keras.saving.register_keras_serializable("keras_ssl")
class TargetNetwork(keras.layers.Layer):
    """Target network: copies of networks, applied in sequence, whose weights are moving averages of the originals.

    It is also called momentum encoder or teacher. The averages cover trained weights only. Batch normalization in the
    copies uses its own batch statistics in training, and has its own moving statistics.

    Args:
        networks: Built functional `keras.Model`s. Each one takes the output of the previous one.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, networks: Sequence[keras.Model], **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)  # the copies get what the networks get, in full precision
        self.copies = [clone(network) for network in networks]
        for copy, network in zip(self.copies, networks):
            set_weights(copy, network.get_weights())
        self._followed = [_trained(copy) for copy in self.copies]
        self._hold()
        self.built = True

    def _hold(self):
        for variable in self.variables:  # setting it on layers would freeze batch normalization
            variable.trainable = False

    @property
    def trainable(self) -> bool:
        """Whether batch normalization in the copies uses batch statistics in training. Their weights never train."""
        return keras.layers.Layer.trainable.fget(self)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        """Set it for the layers of the copies; their weights stay as they are."""
        keras.layers.Layer.trainable.fset(self, value)
        self._hold()

    def call(self, x: Tensor, training: bool = False) -> Tensor:
        """Return the output of the last copy, without gradient."""
        for copy in self.copies:
            x = copy(x, training=training)
        return ops.stop_gradient(x)

    def follow(
        self, networks: Sequence[keras.Model], momentum: float | Tensor, moving_statistics: bool = False
    ) -> None:
        """Update the copies' weights: `target = momentum * target + (1 - momentum) * weight`.

        Args:
            networks: The networks that were passed to the constructor.
            momentum: 0..1, a number or a scalar tensor.
            moving_statistics: Whether to average those of batch normalization, too, which copies that do not run in
                training lack. Default: False.
        """
        pairs = [
            pair
            for followed, network in zip(self._followed, networks)
            for pair in zip(followed, _trained(network), strict=True)
        ]
        if moving_statistics:
            pairs += [
                pair
                for copy, network in zip(self.copies, networks)
                for pair in zip(_moving(copy), _moving(network), strict=True)
            ]
        values = [momentum * target + (1 - momentum) * ops.cast(weight, target.dtype) for target, weight in pairs]
        assign([target for target, _ in pairs], values)


def _trained(network):
    """Return the weights that training changes, frozen or not, in the order of the layers."""
    return [weight for layer in all_layers(network) for weight in layer._trainable_variables]


def _moving(network):
    """Return the weights that batch normalization and the like change in training, in the order of the layers."""
    found = [weight for layer in all_layers(network) for weight in layer._non_trainable_variables]
    return [weight for weight in found if "float" in weight.dtype]


@keras.saving.register_keras_serializable("keras_ssl")
class Queue(keras.layers.Layer):
    """A queue of the newest directions of representations, vectors of length 1. It starts with random ones.

    Args:
        size: Number of representations.
        features: Width of each representation.
        seed: Seed of the random vectors. Default: 0.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, size: int, features: int, seed: int = 0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_counts(size=size, features=features)
        check_between("seed", seed, least=0, whole=True)
        self.stored = self.add_weight(
            shape=(size, features),
            dtype="float32",
            initializer=lambda shape, dtype=None: unit(keras.initializers.RandomNormal(seed=seed)(shape, dtype)),
            trainable=False,
            name="stored",
        )
        self.built = True

    def push(self, z: Tensor) -> None:
        """Normalize a global batch, and store it in place of the oldest representations.

        Args:
            z: Tensor `(n, features)`; n may differ between batches. If n exceeds `size`, the last ones are kept.
        """
        assign([self.stored], [ops.concatenate([self.stored, unit(z)])[-self.stored.shape[0] :]])


@keras.saving.register_keras_serializable("keras_ssl")
class Center(keras.layers.Layer):
    """Moving average of scores, which starts at 0.

    Args:
        features: Width of the scores.
        momentum: Momentum of the average, 0..1. Default: 0.9.
        **kwargs: Arguments of `keras.layers.Layer`.
    """

    def __init__(self, features: int, momentum: float = 0.9, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        check_counts(features=features)
        check_between("momentum", momentum, 0, 1)
        self.momentum = momentum
        self.value = self.add_weight(
            shape=(features,), dtype="float32", initializer="zeros", trainable=False, name="value"
        )
        self.built = True

    def follow(self, scores: Tensor) -> None:
        """Update with the scores `(n, features)` of a global batch."""
        mean = ops.mean(ops.cast(scores, "float32"), axis=0)
        assign([self.value], [self.momentum * self.value + (1 - self.momentum) * mean])
