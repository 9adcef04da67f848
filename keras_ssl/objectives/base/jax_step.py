"""The training and test step on JAX: pure functions of the state that Keras's trainer carries from step to step."""

from typing import Any

import keras
from keras import ops

from keras_ssl.objectives.base import batches, finite
from keras_ssl.typing import Tensor

__all__ = ["by_name", "raise_if_stopped", "test_step", "train_step"]

_STATE = ("trainable_variables", "non_trainable_variables", "optimizer_variables", "metrics_variables")


def by_name(state: tuple, wanted: dict[str, bool]) -> dict[str, list]:
    """Return the parts of Keras's state by the names under which `jax_state_sync` looks for them.

    Args:
        state: The result of Keras's `_get_jax_state`.
        wanted: Its arguments.
    """
    return dict(zip([name for name in _STATE if wanted.get(name)], state, strict=True))


def _scope(variables, values, **arguments):
    return keras.StatelessScope(state_mapping=list(zip(variables, values)), **arguments)


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
    everything = [*weights, *others, *optimizer.variables]

    def loss(trainable):
        values = [*trainable, *non_trainable, *optimizer_values]
        with _scope(everything, values, collect_losses=True) as scope:
            outputs, terms = objective.run(data, training=True)
            scaled = optimizer.scale_loss(terms["loss"])
        return scaled, (outputs, terms, _values(others, scope))

    (_, (outputs, terms, new_others)), gradients = jax.value_and_grad(loss, has_aux=True)(trainable)
    with _scope(everything, [*trainable, *non_trainable, *optimizer_values]):
        step = ops.convert_to_tensor(objective.step)
        verdict = _verdict(objective, data, terms, gradients, step)
    if finite.scales_loss(optimizer):  # which itself looks whether the gradients are finite
        gradients = [g + ops.where(verdict.finite, 0.0, float("nan")) for g in gradients]
    new_trainable, new_optimizer_values = optimizer.stateless_apply(optimizer_values, gradients, trainable)
    with _scope([*weights, *others, *metrics], [*new_trainable, *new_others, *metric_values]) as scope:
        objective.after_step(outputs)
        logs = objective.track(terms, batches.size(objective, data))
        new_trainable = _values(weights, scope)
        new_others = _chosen(verdict.finite, _values(others, scope), non_trainable)
    new_others[_place_of_step(objective)] = finite.next_step(step, verdict.goes_on)
    return logs, (
        _chosen(verdict.goes_on, new_trainable, trainable),
        new_others,
        _chosen(verdict.goes_on, new_optimizer_values, optimizer_values),
        _values(metrics, scope),
    )


def _verdict(objective, data, terms, gradients, step):
    batch = finite.batch_sum(objective, data) if finite.scales_loss(objective.optimizer) else finite.sum_of([])
    verdict = finite.judge(objective.optimizer, terms["loss"], finite.sum_of(gradients), batch)
    return finite.Verdict(*(ops.logical_and(step >= 0, one) for one in verdict))


def _chosen(condition, values, others):
    return [ops.where(condition, value, other) for value, other in zip(values, others, strict=True)]


def _place_of_step(objective):
    return [id(variable) for variable in objective.non_trainable_variables].index(id(objective.step))


def raise_if_stopped(objective: Any, result: tuple[dict[str, Tensor], tuple]) -> None:
    """Raise `UserError` if an update was not finite, and put the state back into the variables. See `finite`.

    Args:
        objective: An `Objective` after one or several training steps.
        result: The logs and the state that they returned.
    """
    logs, state = result
    if int(state[1][_place_of_step(objective)]) >= 0:
        return
    objective._jax_state, objective._jax_state_synced = dict(zip(_STATE, state, strict=True)), False
    objective.jax_state_sync()
    objective.step.assign(finite.number(int(objective.step)))
    raise finite.error(objective, logs)


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
    with _scope(variables, [*trainable, *non_trainable, *metric_values], collect_losses=True) as scope:
        _, terms = objective.run(data, training=False)
        logs = objective.track(terms, batches.size(objective, data))
    return logs, (trainable, non_trainable, _values(objective.metrics_variables, scope))
