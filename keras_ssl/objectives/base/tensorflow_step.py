"""The training and test step on TensorFlow."""

from collections.abc import Callable
from typing import Any

from keras import ops

from keras_ssl.distribute import assign, reducible, replicas, scope_of, share, total
from keras_ssl.objectives.base import batches, finite
from keras_ssl.typing import Tensor

__all__ = ["build_optimizers", "raise_if_stopped", "test_step", "train_step", "xla_pays"]


def build_optimizers(objective: Any) -> None:
    """Create the optimizers' variables; creating them in the first step would make TensorFlow trace it twice."""
    with scope_of(objective):
        for update in objective.updates:
            if not update.optimizer.built:
                update.optimizer.build(update.variables)


def xla_pays() -> bool:
    """Return whether XLA is worth using: TensorFlow sees a GPU or TPU, and there is one replica."""
    import tensorflow as tf

    accelerated = tf.config.list_physical_devices("GPU") or tf.config.list_physical_devices("TPU")
    return bool(accelerated) and tf.distribute.get_strategy().num_replicas_in_sync == 1


def train_step(objective: Any, data: Any) -> dict[str, Tensor]:
    """Take the gradient steps in the objective's `updates`, call `after_step`, count the step and update the trackers.

    Under a `tf.distribute` strategy the optimizer sums the gradients over the replicas, so each replica's loss is
    multiplied by its share of the batch. An update that is not finite changes nothing and ends the training, see
    `finite`.

    Args:
        objective: A compiled `Objective`, whose optimizers are built.
        data: A batch as Keras passes it.

    Returns:
        The trackers' results by term. A term that an update minimizes is logged with its value in that update.
    """
    import tensorflow as tf

    step, changing = tf.convert_to_tensor(objective.step), finite.changing(objective)
    goes_on, minimized = step >= 0, {}
    for k, update in enumerate(objective.updates, 1):
        before = [tf.convert_to_tensor(variable) for variable in changing]
        with tf.GradientTape() as tape:
            outputs, terms = objective.run(data, training=True)
            if k == 1:  # the batch has been checked
                part, samples = _share(objective, data)
            terms = _weighted(terms, part)
            loss = update.optimizer.scale_loss(terms[update.term])
        gradients = tape.gradient(loss, update.variables)
        verdict = _verdict(objective, update, terms, gradients, data, goes_on)
        last = outputs if k == len(objective.updates) else None
        _settle(objective, update, verdict, gradients, last, changing, before)
        goes_on, minimized[update.term] = verdict.goes_on, terms[update.term]
    objective.step.assign(finite.next_step(step, goes_on))
    return reducible(objective.track(_logged(terms | minimized), samples))


def _share(objective, data):
    """The replica's share of the batch, None on one device, and the number of samples in the whole batch."""
    count = batches.size(objective, data)
    return (None, count) if replicas() == 1 else (share(count), total(count))


def _weighted(terms, part):
    """The terms times the replica's share; 0 where it has no sample, of which a mean is NaN."""
    if part is None:
        return terms
    return {name: ops.where(part > 0, ops.cast(term, "float32") * part, 0.0) for name, term in terms.items()}


def _logged(terms):
    """Terms of which Keras takes the mean over replicas."""
    return terms if replicas() == 1 else {name: term * replicas() for name, term in terms.items()}


def _verdict(objective, update, terms, gradients, data, goes_on):
    """The verdict on an update, the same on all replicas; training that has stopped stays stopped."""
    sums = [
        terms[update.term],
        finite.sum_of([_values(gradient) for gradient in gradients if gradient is not None]),
        finite.batch_sum(objective, data) if finite.scales_loss(update.optimizer) else finite.sum_of([]),
    ]
    verdict = finite.judge(update.optimizer, *ops.unstack(total(ops.stack(sums)), 3))
    return finite.Verdict(*(ops.logical_and(goes_on, one) for one in verdict))


def _values(gradient):
    import tensorflow as tf

    return gradient.values if isinstance(gradient, tf.IndexedSlices) else gradient


def _settle(objective, update, verdict, gradients, outputs, changing, before):
    """Apply the gradients and call `after_step` with the outputs, if there are any; or restore the state before."""

    def apply(gradients):
        update.optimizer.apply_gradients(zip(gradients, update.variables))

    def finish(outputs, before):
        if outputs is not None:
            objective.after_step(outputs)

    def restore(outputs, before):
        assign(changing, before)

    if finite.scales_loss(update.optimizer):
        _either(verdict.goes_on, apply, lambda gradients: None, _alike(gradients, verdict.finite))
        _either(verdict.finite, finish, restore, outputs, before)
    else:
        _either(
            verdict.finite,
            lambda gradients, *others: (apply(gradients), finish(*others)),
            lambda gradients, *others: restore(*others),
            gradients,
            outputs,
            before,
        )


def _alike(gradients, are_finite):
    """Return gradients with NaN on every replica if there is any on one: Keras asks the first only."""
    import tensorflow as tf

    if replicas() == 1:
        return gradients
    nan = tf.where(are_finite, 0.0, float("nan"))
    return [g if g is None or isinstance(g, tf.IndexedSlices) else g + tf.cast(nan, g.dtype) for g in gradients]


def _either(condition: Tensor, then: Callable, otherwise: Callable, *tensors: Any) -> None:
    """Run one of two functions of the tensors in every replica.

    In a strategy a branch must be chosen outside the replicas, since applying gradients leaves them (`merge_call`).
    """
    import tensorflow as tf

    if not tf.distribute.has_strategy() or tf.__internal__.distribute.strategy_supports_no_merge_call():
        tf.cond(condition, lambda: _done(then(*tensors)), lambda: _done(otherwise(*tensors)))
        return

    def choose(strategy, condition, *tensors):
        def run(function):
            return lambda: _done(strategy.extended.call_for_each_replica(function, args=tensors))

        tf.cond(strategy.experimental_local_results(condition)[0], run(then), run(otherwise))

    tf.distribute.get_replica_context().merge_call(choose, args=(condition, *tensors))


def _done(_):
    """Return nothing, so that both branches return the same."""


def raise_if_stopped(objective: Any, logs: dict[str, Tensor]) -> None:
    """Raise `UserError` if an update was not finite. See `finite`.

    Args:
        objective: An `Objective` after one or several training steps.
        logs: What they returned.
    """
    if (step := int(ops.convert_to_numpy(objective.step))) < 0:
        objective.step.assign(finite.number(step))
        raise finite.error(objective, logs)


def test_step(objective: Any, data: Any) -> dict[str, Tensor]:
    """Compute the terms without training and update the trackers.

    Args:
        objective: A compiled `Objective`.
        data: A batch as Keras passes it.

    Returns:
        The trackers' results by term.
    """
    _, terms = objective.run(data, training=False)
    part, samples = _share(objective, data)
    return reducible(objective.track(_logged(_weighted(terms, part)), samples))
