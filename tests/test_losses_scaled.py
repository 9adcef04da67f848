"""The loss of values with units: by hand, independence of units, against NumPy, missing values, saving."""

import math

import keras
import numpy as np
import pytest

from keras_ssl.errors import UserError
from keras_ssl.losses import Scaled, WhereKnown

RNG = np.random.default_rng(0)


def test_by_hand():
    assert float(Scaled("mse", 2.0)(np.array([4.0, 0.0]), np.array([[0.0], [2.0]]))) == pytest.approx((4 + 1) / 2)
    # errors of 2 and 1/2 scales: 2 - 1/2, and (1/2)^2 / 2
    assert float(Scaled("huber", 5.0)(np.array([10.0, 2.5]), np.zeros((2, 1)))) == pytest.approx((1.5 + 0.125) / 2)
    both = Scaled("mse", [1.0, 10.0])(np.array([[1.0, 10.0]]), np.array([[3.0, 0.0]]))
    assert float(both) == pytest.approx((4 + 1) / 2)


@pytest.mark.parametrize("loss", ["mse", "huber", keras.losses.MeanAbsoluteError()])
def test_units_do_not_matter(loss):
    y, p = RNG.normal(size=(5, 2)), RNG.normal(size=(5, 2))
    expected = float(Scaled(loss, y.std(axis=0))(y, p))
    assert float(Scaled(loss, 1000 * y.std(axis=0))(1000 * y, 1000 * p)) == pytest.approx(expected, rel=1e-5)


def test_equals_numpy_and_is_one_where_the_mean_is_predicted():
    y, p = RNG.normal(3, 7, size=40), RNG.normal(size=40)
    error = np.abs(y - p) / y.std()
    huber = np.where(error <= 1, error**2 / 2, error - 0.5).mean()
    assert float(Scaled("huber", y.std())(y, p[:, None])) == pytest.approx(huber, rel=1e-5)
    assert float(Scaled("mse", y.std())(y, np.full((40, 1), y.mean()))) == pytest.approx(1, rel=1e-5)


def test_missing_values_and_saving():
    loss = WhereKnown(Scaled("huber", 5.0))
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss))
    for one in (loss, again):
        assert float(one(np.array([10.0, math.nan]), np.zeros((2, 1)))) == pytest.approx(1.5)
    assert again.loss.get_config()["scale"] == 5.0


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, [1.0, 0.0], [[1.0]]])
def test_a_scale_that_is_none_is_a_clear_error(scale):
    with pytest.raises(UserError, match=r"scale above 0.*values that differ"):
        Scaled("mse", scale)


def test_a_loss_that_is_none_is_a_clear_error():
    with pytest.raises(UserError, match=r"name of a Keras loss.*'huge'"):
        Scaled("huge", 1.0)
