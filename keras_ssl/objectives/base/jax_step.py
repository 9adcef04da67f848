"""The training and test step on JAX: pure functions of the state that Keras's trainer carries from step to step."""

from typing import Any

import keras

from keras_ssl.typing import Tensor

__all__ = ["by_name", "test_step", "train_step"]

_STATE = ("trainable_variables", "non_trainable_variables", "optimizer_variables", "metrics_variables")


def by_name(state: tuple, wanted: dict[str, bool]) -> dict[str, list]:
    """Return the parts of Keras's state by the names under which `jax_state_sync` looks for them.

    Args:
        state: The result of Keras's `_get_jax_state`.
        wanted: Its arguments.
    """
    return dict(zip([name for name in _STATE if wanted.get(name)], state, strict=True))


def _scope(variables, values):
    return keras.StatelessScope(state_mapping=list(zip(variables, values)))


def _values(variables, scope):
    values = [scope.get_current_value(v) for v in variables]
    return [v.value if value is None else value for v, value in zip(variables, values)]


def train_step(objective: Any, state: tuple, data: Any) -> tuple[dict[str, Tensor], tuple]:
    """Take one gradient step on "loss", call `after_step`, count the step and update the trackers.

    Args:
        objective: A compiled `Objective`.
        state: Values of the trainable, non-trainable, optimizer and metric variables.
        data: A batch as Keras passes it.

    Returns:
        Pair of the trackers' results by term, and the new state.
    """
    import jax

    trainable, non_trainable, optimizer_values, metric_values = state
    optimizer = objective.optimizer
    weights, others = objective.trainable_variables, objective.non_trainable_variables
    metrics = objective.metrics_variables

    def loss(trainable):
        with _scope(
            [*weights, *others, *optimizer.variables], [*trainable, *non_trainable, *optimizer_values]
        ) as scope:
            outputs, terms = objective.run(data, training=True)
            scaled = optimizer.scale_loss(terms["loss"])
        return scaled, (outputs, terms, _values(others, scope))

    (_, (outputs, terms, non_trainable)), gradients = jax.value_and_grad(loss, has_aux=True)(trainable)
    trainable, optimizer_values = optimizer.stateless_apply(optimizer_values, gradients, trainable)
    with _scope([*weights, *others, *metrics], [*trainable, *non_trainable, *metric_values]) as scope:
        objective.after_step(outputs)
        objective.step.assign_add(1)
        logs = objective.track(terms)
    return logs, (trainable, _values(others, scope), optimizer_values, _values(metrics, scope))


def test_step(objective: Any, state: tuple, data: Any) -> tuple[dict[str, Tensor], tuple]:
    """Compute the terms without training and update the trackers.

    Args:
        objective: A compiled `Objective`.
        state: Values of the trainable, non-trainable and metric variables.
        data: A batch as Keras passes it.

    Returns:
        Pair of the trackers' results by term, and the new state.
    """
    trainable, non_trainable, metric_values = state
    variables = [*objective.trainable_variables, *objective.non_trainable_variables, *objective.metrics_variables]
    with _scope(variables, [*trainable, *non_trainable, *metric_values]) as scope:
        _, terms = objective.run(data, training=False)
        logs = objective.track(terms)
    return logs, (trainable, non_trainable, _values(objective.metrics_variables, scope))
