"""The training step of GradNorm, which needs the gradient of each task at the last shared weights."""

from typing import Any

import keras
from keras import ops

from keras_ssl import losses
from keras_ssl.distribute import assign, replicas, total
from keras_ssl.errors import UserError
from keras_ssl.typing import Tensor

__all__ = ["last_kernel", "train_step"]


def last_kernel(encoder: keras.Model) -> keras.Variable:
    """Return the last weights of an encoder that train and are no vector: W of GradNorm, the last shared layer's.

    Args:
        encoder: The shared encoder.

    Raises:
        UserError: If none trains.
    """
    kernels = [weight for weight in encoder.trainable_weights if len(weight.shape) > 1]
    if not kernels:
        raise UserError(
            "an encoder that trains, at whose last kernel GradNorm measures gradients",
            f"'{encoder.name}', in which no kernel trains",
            "unfreeze a part of it, or choose weighting='fixed' or 'uncertainty'",
        )
    return kernels[-1]


def train_step(model: Any, data: Any) -> dict[str, Tensor]:
    """Take one gradient step on the weighted losses, then one step of the weights.

    The lengths of gradients are those of the global batch, so that all replicas have the same weights.

    Args:
        model: A compiled `MultiTask` with `weighting="gradnorm"`.
        data: A batch as Keras passes it.

    Returns:
        The logs.

    Reference:
        Chen et al. 2018, "GradNorm", Algorithm 1.
    """
    import tensorflow as tf

    x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
    optimizer, kernel = model.optimizer, last_kernel(model.encoder)
    with tf.GradientTape(persistent=True) as tape:
        y_pred = model(x, training=True)
        values, counts = model.task_losses(y, y_pred, sample_weight)
        loss = model.weighted_loss(values, counts)
        scaled = optimizer.scale_loss(loss)
        each = [optimizer.scale_loss(value / replicas()) for value in tf.unstack(values)]
    model._loss_tracker.update_state(loss * replicas(), sample_weight=tf.shape(keras.tree.flatten(x)[0])[0])
    gradients = tape.gradient(scaled, model.trainable_weights)
    lengths = [tf.norm(total(tf.convert_to_tensor(tape.gradient(one, kernel)))) for one in each]  # of any rank
    del tape
    norms = tf.stack(lengths) / optimizer.scale_loss(tf.constant(1.0))
    optimizer.apply_gradients(zip(gradients, model.trainable_weights))
    _balance(model, values, counts > 0, norms)
    return model.compute_metrics(x, y, y_pred, sample_weight)


def _balance(model, values, known, norms):
    """Move the weights one step, unless a length is not finite."""
    before, first = ops.convert_to_tensor(model.balance), ops.convert_to_tensor(model.first_losses)
    first = ops.where(ops.logical_and(known, first == 0), values, first)
    ratios = ops.where(known, values / ops.where(first == 0, 1.0, first), 0.0)
    after = losses.gradnorm_weights(before, norms, ratios, known, model.alpha, model.rate)
    assign([model.balance, model.first_losses], [ops.where(ops.all(ops.isfinite(after)), after, before), first])
