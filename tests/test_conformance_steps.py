"""One step of every objective in half precision, under XLA and on two replicas against one on a device in float32."""

import dataclasses

import keras
import numpy as np
import pytest
import steps
import tensorflow as tf
from cases import CASES, each_mechanism
from quick import dear

LONG_TO_TRACE = ("TS2Vec", "Wav2Vec2", "SequenceToSequence", "DINO", "MaskedAutoencoder", "CLIP", "SwAV")
LONG_TO_COMPILE = (*LONG_TO_TRACE, "GAN, Wasserstein", "VariationalAutoencoder", "CausalLanguageModel")
"""Rows for which XLA takes 5 to 45 s."""


@each_mechanism()
@pytest.mark.parametrize(("policy", "bound"), [("mixed_float16", 0.3), *dear([("mixed_bfloat16", 0.5)])])
def test_gradients_in_half_precision_are_close_to_those_in_single(case, policy, bound):
    """Rounding, 5e-4 and 4e-3, grows forty times where a batch of eight is normalized, and units near 0 switch."""
    expected = steps.reference(case, steps.new)
    keras.config.set_dtype_policy(policy)
    found = steps.take(case, steps.prepared(case, steps.new))
    # some losses are means of cosines near 0
    assert found.terms["loss"] == pytest.approx(expected.terms["loss"], rel=bound / 10, abs=bound / 50)
    one, other = (np.concatenate([g.ravel() for g in step.gradients.values()]) for step in (expected, found))
    error = np.linalg.norm(other - one) / np.linalg.norm(one)
    assert error < bound, error


@each_mechanism(but=LONG_TO_COMPILE)
def test_xla_takes_the_same_step_and_further_ones_lower_the_loss(case):
    objective = steps.prepared(case, run_eagerly=False, jit_compile=True)
    found = steps.take(case, objective)
    assert set(found.terms) == set(objective.terms)
    steps.assert_same_step(found, steps.reference(case))
    if case.falls:
        first, batch = found.terms["loss"], case.batch(steps.SAMPLES, 0)
        last = [objective.train_on_batch(batch, return_dict=True)["loss"] for _ in range(60)][-1]
        assert last < first - 0.1 * abs(first)


@each_mechanism()
def test_two_replicas_equal_one_device(case, two_replicas):
    """Eagerly, as tracing the two takes most of the time; what an objective adds to the step is traced beside."""
    expected = steps.reference(case)
    with two_replicas.scope():
        found = steps.take(case, steps.prepared(case))
    steps.assert_same_step(found, expected)


@each_mechanism(but=LONG_TO_TRACE)
def test_two_replicas_trace_what_the_objective_owns(case, two_replicas):
    """In a graph collectives may stand in no loop or branch, and forget shapes."""
    with two_replicas.scope():
        objective = case.build()
    batch = case.batch(steps.SAMPLES, 0)
    signature = keras.tree.map_structure(lambda x: tf.TensorSpec((None, *x.shape[1:]), x.dtype), batch)

    def step(batch):
        outputs, terms = objective.run(batch, training=True)
        objective.after_step(outputs)
        return terms

    traced = tf.function(lambda batch: two_replicas.run(step, args=(batch,)), autograph=False)
    terms = traced.get_concrete_function(signature).structured_outputs
    assert set(terms) == set(objective.terms)


def test_two_replicas_store_what_they_gather_in_a_graph(two_replicas):
    """`after_step` runs in a branch there, since an update that is not finite is not made."""
    (case,) = [case for case in CASES if case.name == "MoCo"]
    with two_replicas.scope():
        found = steps.take(case, steps.prepared(case, run_eagerly=False))
    steps.assert_same_step(found, steps.reference(case))


@pytest.mark.parametrize("kind", ["terms", "gradients", "weights"])
def test_a_factor_of_1_001_is_found(kind):
    """In every tensor whose gradient is more than rounding, alone."""
    expected = steps.reference(CASES[0])
    steps.assert_same_step(expected, expected, dict.fromkeys(steps.BOUNDS, 0))
    values = getattr(expected, kind)
    floor = 1e-3 * max(np.max(np.abs(value)) for value in values.values())
    for name, value in values.items():
        if np.max(np.abs(value)) > floor:
            wrong = dataclasses.replace(expected, **{kind: values | {name: 1.001 * value}})
            with pytest.raises(AssertionError, match=kind):
                steps.assert_same_step(wrong, expected)
