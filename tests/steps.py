"""One step of gradient descent from fixed weights, and how near two of them are: what conformance tests compare.

Gradients are compared, not weights after several steps, in which each step would enlarge the rounding of those before.
"""

import functools
from dataclasses import dataclass

import keras
import numpy as np

SAMPLES = 8
MOMENTUM = 0.9  # from rest the first velocity is the gradient times the rate, with all its digits
FLOOR = 1e-3
"""Part of the largest gradient below which one of a tensor is taken for rounding, as of a bias before normalization."""

BOUNDS = {"terms": 1e-4, "gradients": 3e-4, "weights": 1e-4}
"""Rounding, 1e-7, grows to 2e-5 in terms and weights and to 6e-5 in gradients, where batch normalization of eight
samples and the loss subtract nearly equal numbers. What is wrong by a factor of 1.001 differs by 1e-3."""


@dataclass
class Step:
    """What a step gives: the terms, and by number and path the velocities, and all weights after it."""

    terms: dict
    gradients: dict
    weights: dict


def descent(case, objective):
    """Make the optimizer; Keras's first loss scale, 2^15, would skip steps until it fits."""
    optimizer = keras.optimizers.SGD(case.rate, momentum=MOMENTUM)
    half = objective.dtype_policy.name == "mixed_float16"
    return keras.optimizers.LossScaleOptimizer(optimizer, initial_scale=2**8) if half else optimizer


@functools.cache
def new(case):
    """Make first weights."""
    return case.build().get_weights()


@functools.cache
def start(case):
    """Make weights after two steps, where queues, targets and centers are no longer as they were first."""
    objective = case.build()
    objective.compile(descent(case, objective), run_eagerly=True)
    for seed in (1, 2):
        train(objective, case.batch(SAMPLES, seed))
    return objective.get_weights()


@functools.cache
def reference(case, weights=start):
    """Take the step on one device in float32, one operation after another: others are compared with it."""
    return take(case, prepared(case, weights))


def prepared(case, weights=start, **compile_arguments):
    """Make the objective with weights of `new` or `start`, to run eagerly unless told otherwise."""
    objective = case.build()
    objective.set_weights(weights(case))
    objective.compile(descent(case, objective), **({"run_eagerly": True} | compile_arguments))
    return objective


def take(case, objective):
    """Take the step."""
    terms = train(objective, case.batch(SAMPLES, 0))
    return Step(terms, velocities(objective), weights(objective))


def train(objective, batch):
    """Take one step on a batch and return the terms.

    `fit`, which lets replicas share the batch, takes twice as long as `train_on_batch`.
    """
    if objective.distribute_strategy.num_replicas_in_sync == 1:
        return objective.train_on_batch(batch, return_dict=True)
    history = objective.fit(batch, batch_size=SAMPLES, shuffle=False, verbose=0).history
    return {term: values[0] for term, values in history.items()}


def velocities(objective):
    """Velocities of all optimizers, which are gradients times the rate."""
    optimizers = {id(optimizer): optimizer for _, optimizer, _ in objective.updates}.values()
    inner = [getattr(optimizer, "inner_optimizer", optimizer) for optimizer in optimizers]
    return numbered(velocity for optimizer in inner for velocity in optimizer.momentums)


def weights(objective):
    """All weights of the objective."""
    return numbered(objective.weights)


def numbered(variables):
    """Arrays by number and path."""
    return {f"{k} {v.path}": np.array(v, "float64") for k, v in enumerate(variables)}


def differences(found, expected):
    """Largest relative differences of terms, gradients and weights, each with its name.

    Terms are relative to themselves, tensors to their largest value; gradients at least to `FLOOR` of the largest of
    the model.
    """
    largest = max(np.abs(gradient).max() for gradient in expected.gradients.values())
    return {
        "terms": _worst(found.terms, expected.terms, 1e-3),
        "gradients": _worst(found.gradients, expected.gradients, FLOOR * largest),
        "weights": _worst(found.weights, expected.weights, 1e-3),
    }


def _worst(found, expected, least):
    assert len(found) == len(expected)
    errors = {
        name: float(np.max(np.abs(value - other)) / max(np.max(np.abs(value)), least))
        for (name, value), other in zip(expected.items(), found.values())
    }
    name = max(errors, key=lambda name: np.nan_to_num(errors[name], nan=np.inf))
    return errors[name], name


def assert_same_step(found, expected, bounds=BOUNDS):
    """Fail unless every difference is within the bound of its kind."""
    wrong = {kind: worst for kind, worst in differences(found, expected).items() if not worst[0] <= bounds[kind]}
    assert not wrong, wrong
