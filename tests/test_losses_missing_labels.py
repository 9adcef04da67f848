"""The mean over known labels: by hand, against Keras and NumPy, its gradient, saving, and two replicas."""

import math

import keras
import numpy as np
import pytest
from keras import ops

from keras_ssl.errors import UserError
from keras_ssl.losses import Scaled, WhereKnown, squared_error

if keras.backend.backend() == "tensorflow":  # a few of these tests run on JAX, too
    import tensorflow as tf

RNG = np.random.default_rng(0)
NAN = math.nan
HALVES = np.array([[0.5, 0.5], [0.25, 0.75], [0.125, 0.875]], "float32")


def value(loss, labels, predictions, weights=None):
    result = WhereKnown(loss)(labels, predictions, weights)
    assert result.shape == ()
    assert keras.backend.standardize_dtype(result.dtype) == "float32"
    return float(result)


def test_by_hand():
    # -log 1/2 and -log 1/8; the second label is unknown
    assert value("sparse_categorical_crossentropy", np.array([0, -1, 0]), HALVES) == pytest.approx(2 * math.log(2))
    assert value("sparse_categorical_crossentropy", np.array([[0], [-1], [0]]), HALVES) == pytest.approx(math.log(4))
    weights = np.array([1, 5, 3])  # (1 * log 2 + 3 * 3 log 2) / 4
    assert value("sparse_categorical_crossentropy", np.array([0, -1, 0]), HALVES, weights) == pytest.approx(
        2.5 * math.log(2)
    )
    assert (
        value("mse", np.array([1.0, NAN, 5.0], "float32"), np.array([[2.0], [7.0], [8.0]], "float32")) == 5
    )  # (1 + 9) / 2


def pinball(y_true, y_pred):
    """The mean absolute error, by a function that subtracts without a look at shapes."""
    return ops.mean(ops.maximum(y_true - y_pred, y_pred - y_true), axis=-1)


@pytest.mark.parametrize("shapes", [((3,), (3, 1)), ((3, 1), (3,)), ((3, 1), (3, 1))])
def test_a_function_gets_labels_and_predictions_of_one_rank(shapes):
    labels, predictions = np.array([1.0, NAN, 5.0], "float32"), np.array([2.0, 7.0, 8.0], "float32")
    assert value(pinball, labels.reshape(shapes[0]), predictions.reshape(shapes[1])) == 2  # (1 + 3) / 2
    scaled = Scaled(pinball, 0.5)(labels[::2].reshape(2, *shapes[0][1:]), predictions[::2].reshape(2, *shapes[1][1:]))
    assert float(scaled) == 4


def test_a_vector_counts_only_if_all_of_it_is_known_and_places_of_a_sequence_one_by_one():
    labels = np.array([[1.0, 1.0], [NAN, 0.0], [0.0, 0.0]], "float32")
    assert value("mae", labels, np.array([[3.0, 1.0], [9.0, 9.0], [0.0, 4.0]], "float32")) == 1.5
    places = np.array([[0, -1, 1], [-1, -1, -1]])
    predictions = np.full((2, 3, 2), 0.5, "float32")
    predictions[0, 2] = [0.75, 0.25]
    found = value("sparse_categorical_crossentropy", places, predictions)
    assert found == pytest.approx((math.log(2) + math.log(4)) / 2)
    assert value("sparse_categorical_crossentropy", places, predictions, np.array([2.0, 9.0])) == pytest.approx(found)


@pytest.mark.parametrize(
    "loss",
    [
        "sparse_categorical_crossentropy",
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        keras.losses.sparse_categorical_crossentropy,
    ],
)
def test_equals_keras_on_the_known_samples_in_any_order(loss):
    labels = RNG.integers(0, 4, 9)
    labels[[1, 4, 5]] = -1
    p = RNG.dirichlet(np.ones(4), 9).astype("float32")
    known, order = labels >= 0, RNG.permutation(9)
    inner = keras.losses.get(loss)
    expected = float(np.mean(ops.convert_to_numpy(inner(labels[known], p[known]))))
    assert value(loss, labels, p) == pytest.approx(expected, rel=1e-5)
    assert value(loss, labels[order], p[order]) == pytest.approx(expected, rel=1e-5)
    labels[~known] = 3  # all known: the inner loss itself
    assert value(loss, labels, p) == pytest.approx(float(np.mean(ops.convert_to_numpy(inner(labels, p)))), rel=1e-5)


def test_labels_that_cannot_be_missing_all_count_and_none_known_gives_zero():
    assert value("mse", np.array([[1], [0]], "uint8"), np.array([[0.0], [0.0]], "float32")) == 0.5
    assert value("mse", np.array([[True], [False]]), np.array([[0.0], [0.0]], "float32")) == 0.5
    assert value("mse", np.full((2, 1), NAN, "float32"), np.ones((2, 1), "float32")) == 0
    assert value("sparse_categorical_crossentropy", np.array([-1, -1, -1]), HALVES) == 0


def test_a_keras_mask_of_the_predictions_is_respected():
    predictions = ops.convert_to_tensor(HALVES[:, :1])
    predictions._keras_mask = ops.convert_to_tensor(np.array([True, True, False]))
    assert value("mse", np.array([[1.0], [NAN], [9.0]], "float32"), predictions) == 0.25


def model():
    """Two outputs, which lack labels of different samples."""
    x = keras.Input((4,), name="row")
    h = keras.layers.Dense(5, activation="tanh", name="hidden")(x)
    outputs = {
        "digit": keras.layers.Dense(3, activation="softmax", name="digit")(h),
        "size": keras.layers.Dense(2, name="size")(h),
    }
    return keras.Model(x, outputs)


def compiled(made, **arguments):
    loss = {"digit": WhereKnown("sparse_categorical_crossentropy"), "size": WhereKnown(keras.losses.LogCosh())}
    made.compile(keras.optimizers.SGD(1.0), loss, **arguments)
    return made


X = RNG.normal(size=(8, 4)).astype("float32")
DIGITS = np.array([2, 0, 1, -1, -1, -1, -1, -1])  # none among the second replica's
SIZES = np.where(np.arange(8)[:, None] == 6, 1.5, NAN).astype("float32") * np.ones((8, 2), "float32")


def test_unknown_labels_leave_no_trace_in_a_step_of_training():
    one, other = compiled(model(), run_eagerly=True), compiled(model(), run_eagerly=True)
    other.set_weights(one.get_weights())
    y = {"digit": DIGITS, "size": SIZES}
    one.train_on_batch(X, y)
    changed = X.copy()
    changed[[3, 4, 5, 7]] = 100 * RNG.normal(size=(4, 4))  # samples without any label
    assert np.isfinite(other.train_on_batch(changed, y)).all()
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        assert np.isfinite(a).all()
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_two_replicas_take_the_step_of_one_device(two_replicas):
    y, weights, found, losses = {"digit": DIGITS, "size": SIZES}, model().get_weights(), [], []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            made = model()
            made.set_weights(weights)
            compiled(made, run_eagerly=strategy is not two_replicas)
        history = made.fit(X, y, batch_size=8, shuffle=False, verbose=0).history
        losses.append([history[name][0] for name in ("loss", "digit_loss", "size_loss")])
        found.append(made.get_weights())
    assert max(np.abs(a - b).max() for a, b in zip(weights, found[0])) > 0.05
    for one, two in zip(*found, strict=True):
        np.testing.assert_allclose(two, one, atol=1e-6)
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-6)


def test_a_saved_model_loads_with_it_and_goes_on(tmp_path):
    made = compiled(model(), run_eagerly=True)
    made.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    y = {"digit": DIGITS, "size": SIZES}
    assert loaded.evaluate(X, y, verbose=0) == pytest.approx(made.evaluate(X, y, verbose=0))
    smooth = WhereKnown.from_config(
        WhereKnown(keras.losses.BinaryCrossentropy(label_smoothing=0.5), name="b").get_config()
    )
    assert (smooth.name, smooth.loss.label_smoothing) == ("b", 0.5)


def test_what_has_no_value_for_each_sample_is_a_clear_error():
    with pytest.raises(UserError, match=r"one value for each sample.*one for all"):
        WhereKnown(squared_error)(X, X)
    for wrong in ("cross-entropy", None, 3):
        with pytest.raises(UserError, match="name of a Keras loss"):
            WhereKnown(wrong)
