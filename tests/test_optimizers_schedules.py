"""Keras's schedules as in the documentation of `optimizers`: values by hand, and that objectives follow them."""

import keras
import numpy as np
import pytest
from cases import convolutional, pairs, small_head

from keras_ssl import objectives

CosineDecay = keras.optimizers.schedules.CosineDecay
PolynomialDecay = keras.optimizers.schedules.PolynomialDecay


@pytest.mark.parametrize(
    ("schedule", "values"),
    [
        # linear over 20 steps, then half a cosine over 80: half-way down at 20 + 40
        (CosineDecay(0.0, 80, warmup_target=0.3, warmup_steps=20), {0: 0, 1: 0.015, 10: 0.15, 20: 0.3, 60: 0.15}),
        (CosineDecay(0.0, 80, warmup_target=0.3, warmup_steps=20), {100: 0, 1000: 0}),
        # the cosine from 1 to 0 is (1 + cos(pi / 4)) / 2 = 0.853553 at a quarter: 0.4 - 0.36 * 0.853553
        (CosineDecay(0.04, 100, alpha=10), {0: 0.04, 25: 0.0927208, 50: 0.22, 100: 0.4, 1000: 0.4}),
        (CosineDecay(0.996, 100, alpha=1 / 0.996), {0: 0.996, 25: 1 - 0.004 * 0.853553, 50: 0.998, 100: 1, 1000: 1}),
        (PolynomialDecay(0.04, 30, end_learning_rate=0.07), {0: 0.04, 15: 0.055, 30: 0.07, 1000: 0.07}),
    ],
    ids=["warm-up", "after it", "weight decay", "target momentum", "temperature"],
)
def test_the_documented_schedules_by_hand(schedule, values):
    again = keras.optimizers.schedules.deserialize(keras.optimizers.schedules.serialize(schedule))
    for step, value in values.items():
        assert float(schedule(step)) == pytest.approx(value, abs=2e-7)
        assert float(again(step)) == float(schedule(step))


def test_the_target_momentum_is_byols_and_never_above_one():
    """Grill et al. 2020, section 3.1: 1 - (1 - 0.996) (cos(pi k / K) + 1) / 2."""
    k = np.arange(300)
    schedule = CosineDecay(0.996, 250, alpha=1 / 0.996)
    found = np.array([float(schedule(step)) for step in k])
    np.testing.assert_allclose(found, 1 - 0.004 * (np.cos(np.pi * np.minimum(k, 250) / 250) + 1) / 2, atol=2e-7)
    assert found.max() <= 1
    assert (np.diff(found) >= 0).all()


def test_a_target_follows_at_the_momentum_of_its_step():
    """By the formula, step by step, from the weights that training leaves."""
    cosine = CosineDecay(0.5, 2, alpha=1 / 0.5)  # 0.5, 0.75, 1
    byol = objectives.BYOL(convolutional(), small_head(convolutional()), target_momentum=cosine)
    byol.compile(keras.optimizers.SGD(0.1))
    expected = np.array(byol.target.copies[0].layers[1].kernel)
    for momentum in (0.5, 0.75, 1.0, 1.0):
        assert float(byol.at(byol.target_momentum)) == momentum
        byol.fit(pairs(8, 0), batch_size=8, verbose=0)
        expected = momentum * expected + (1 - momentum) * np.array(byol.encoder.layers[1].kernel)
        np.testing.assert_allclose(byol.target.copies[0].layers[1].kernel, expected, atol=1e-6)


def test_a_temperature_follows_its_schedule():
    warm_up = PolynomialDecay(0.1, 2, end_learning_rate=0.5)  # 0.1, 0.3, 0.5
    batch = pairs(8, 0)
    scheduled = objectives.SimCLR(convolutional(), temperature=warm_up)
    scheduled.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    found = [scheduled.fit(batch, batch_size=8, shuffle=False, verbose=0).history["loss"][0] for _ in range(3)]
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(scheduled))
    assert [float(again.temperature(k)) for k in range(3)] == pytest.approx([0.1, 0.3, 0.5])
    for loss, temperature in zip(found, (0.1, 0.3, 0.5)):
        fixed = objectives.SimCLR(scheduled.encoder, scheduled.projector, temperature=temperature)
        fixed.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
        expected = fixed.fit(batch, batch_size=8, shuffle=False, verbose=0).history["loss"][0]
        assert loss == pytest.approx(expected, rel=1e-5)
