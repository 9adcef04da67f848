"""How much each of several tasks counts: learned variances, and gradients of equal size."""

import keras
from keras import ops

from keras_ssl.typing import Tensor

__all__ = ["gradnorm_weights", "uncertainty_weighted", "uncertainty_weights"]


def uncertainty_weights(log_variances: Tensor, discrete: Tensor) -> Tensor:
    """Return the weight of each task's loss in `uncertainty_weighted`: `1 / (2 σ²)`, and `1 / σ²` of class numbers.

    Args:
        log_variances: Tensor `(tasks,)`, the learned `log σ²`.
        discrete: Booleans `(tasks,)`: whether the loss is a cross-entropy of classes.

    Returns:
        Float32 tensor `(tasks,)`.
    """
    return ops.exp(-ops.cast(log_variances, "float32")) * ops.where(discrete, 1.0, 0.5)


@keras.saving.register_keras_serializable("keras_ssl")
def uncertainty_weighted(
    losses: Tensor, log_variances: Tensor, discrete: Tensor, known: Tensor | None = None
) -> Tensor:
    """Return the negative log likelihood of several tasks, each with a learned variance σ² of its noise.

    `sum_i w_i L_i + log σ_i` with `w_i = 1 / (2 σ_i²)` for numbers and `1 / σ_i²` for classes. A task that is hard to
    predict gets a large σ, so that it counts less; `log σ` keeps σ from growing without bound.

    Args:
        losses: Tensor `(tasks,)`: squared errors of numbers, cross-entropies of classes.
        log_variances: Tensor `(tasks,)`, `log σ²`, which may take any value.
        discrete: Booleans `(tasks,)`: whether the loss is a cross-entropy of classes.
        known: Booleans `(tasks,)`: whether the batch has a label of the task. Terms of other tasks are left out, log σ
            too, or σ would shrink where nothing is learned. Default: None, all have one.

    Returns:
        Float32 scalar.

    Reference:
        Kendall, Gal and Cipolla 2018, "Multi-Task Learning Using Uncertainty to Weigh Losses for Scene Geometry and
        Semantics", Eqs. 7 (two tasks of numbers) and 10 (numbers and classes).

    Departures:
        A loss of k numbers is usually their mean, not their sum, and counts one log σ. Other losses of numbers, such as
        absolute errors, are weighted as squared errors are.

    Example:
        Losses 2 (numbers) and 3 (classes) with `log σ² = 0`: `2 / 2 + 3 + 0 = 4`.
    """
    losses, log_variances = ops.cast(losses, "float32"), ops.cast(log_variances, "float32")
    terms = uncertainty_weights(log_variances, discrete) * losses + log_variances / 2
    return ops.sum(terms if known is None else ops.where(known, terms, 0.0))


@keras.saving.register_keras_serializable("keras_ssl")
def gradnorm_weights(
    weights: Tensor, norms: Tensor, ratios: Tensor, known: Tensor, alpha: float = 1.5, rate: float = 0.025
) -> Tensor:
    """Return the weights of several tasks after one step of GradNorm.

    The gradient of task i at the last shared weights W has the length `G_i = w_i |∇_W L_i|`. It should be the mean of
    all tasks' lengths times `r_i^α`, where r_i is the loss of the task in parts of its first one, in parts of the mean
    of these: a task that has learned less than the others gets the larger gradient. One step of descent on `sum_i |G_i
    - mean(G) r_i^α|`, in which the second part is a constant, moves each weight towards this.

    Args:
        weights: Tensor `(tasks,)`, w, above 0.
        norms: Tensor `(tasks,)`: the lengths `|∇_W L_i|` of the gradients of the unweighted losses.
        ratios: Tensor `(tasks,)`: `L_i(t) / L_i(0)`.
        known: Booleans `(tasks,)`: whether the batch has a label of the task. Others count in no mean and take no step.
        alpha: α, at least 0: how strongly tasks are held to learn at one speed; at 0 all gradients become of one
            length. Default: 1.5, that of the paper's networks.
        rate: Step of the weights' logarithms. Default: 0.025, the paper's learning rate of weights.

    Returns:
        Float32 tensor `(tasks,)`, above 0, whose sum is the number of tasks.

    Reference:
        Chen et al. 2018, "GradNorm: Gradient Normalization for Adaptive Loss Balancing in Deep Multitask Networks",
        Eqs. 1 and 2 and Algorithm 1.

    Departures:
        Steps are taken by the logarithms of the weights, divided by mean(G). So weights stay positive, and they do not
        depend on the units of the losses. Tasks without a label in the batch, which the paper does not have, wait.

    Example:
        Weights (1, 1), norms (3, 1) and ratios (1, 1): mean(G) is 2, the first weight becomes smaller by the factor
        `exp(-rate * 3 / 2)`, the second larger by `exp(rate * 1 / 2)`, and both are divided by half their sum.
    """
    weights, norms, ratios = (ops.cast(x, "float32") for x in (weights, norms, ratios))
    lengths = weights * norms
    mean_length, mean_ratio = _mean(lengths, known), _mean(ratios, known)
    target = mean_length * ops.power(ratios / ops.maximum(mean_ratio, 1e-12), alpha)
    gradient = lengths * ops.sign(lengths - target) / ops.maximum(mean_length, 1e-12)
    step = ops.where(known, rate * gradient, 0.0)
    moved = weights * ops.exp(-ops.clip(step, -1.0, 1.0))
    return moved * (weights.shape[0] / ops.sum(moved))


def _mean(x, known):
    """The mean over the tasks that are known."""
    count = ops.sum(ops.cast(known, "float32"))
    return ops.sum(ops.where(known, x, 0.0)) / ops.maximum(count, 1.0)
