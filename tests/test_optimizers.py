"""LARS: one layer by hand, the exclusions, saving, and that it trains."""

import keras
import numpy as np
import pytest

from keras_ssl import optimizers


def stepped(weight, gradients, **arguments):
    variable = keras.Variable(np.array(weight, "float32"))
    optimizer = optimizers.LARS(**arguments)
    for gradient in gradients:
        optimizer.apply([keras.ops.convert_to_tensor(np.array(gradient, "float32"))], [variable])
    return np.array(variable)


def test_one_layer_by_hand():
    # |w| = 5, g' = g + 0.1 w = (0.3, 0.4), of norm 0.5: the layer's rate is 0.02 * 5 / 0.5 = 0.2.
    found = stepped([[3.0, 4.0]], [np.zeros((1, 2))], learning_rate=0.5, weight_decay=0.1, trust=0.02)
    np.testing.assert_allclose(found, [[3 - 0.5 * 0.2 * 0.3, 4 - 0.5 * 0.2 * 0.4]], rtol=1e-6)


def by_numpy(w, gradients, rate, momentum, decay, trust):
    w, v = np.array(w, "float64"), 0.0
    for g in gradients:
        if w.ndim > 1:
            g = g + decay * w
            g = g * trust * np.linalg.norm(w) / np.linalg.norm(g)
        v = momentum * v + rate * g
        w = w - v
    return w


@pytest.mark.parametrize("shape", [(4, 3), (3, 3, 2, 4), (5,)])
def test_steps_equal_numpys(shape):
    rng = np.random.default_rng(0)
    w, gradients = rng.normal(size=shape), rng.normal(size=(4, *shape))
    found = stepped(w, gradients, learning_rate=0.3, momentum=0.8, weight_decay=0.05, trust=0.01)
    np.testing.assert_allclose(found, by_numpy(w, gradients, 0.3, 0.8, 0.05, 0.01), rtol=1e-5, atol=1e-6)


def test_the_length_of_a_layers_gradient_does_not_matter_but_a_vectors_does():
    rng = np.random.default_rng(0)
    matrix, vector = rng.normal(size=(3, 3)), rng.normal(size=3)
    for weight, same in ((matrix, True), (vector, False)):
        gradient = rng.normal(size=weight.shape)
        one, other = (stepped(weight, [k * gradient], weight_decay=0.0) for k in (1, 100))
        assert np.allclose(one, other, atol=1e-6) == same


def test_zeros_do_not_divide():
    assert np.isfinite(stepped(np.zeros((2, 2)), [np.ones((2, 2))])).all()
    np.testing.assert_array_equal(stepped(np.ones((2, 2)), [np.zeros((2, 2))], weight_decay=0.0), np.ones((2, 2)))


def test_it_is_saved_and_trains(tmp_path):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)])
    schedule = keras.optimizers.schedules.CosineDecay(0.0, 50, warmup_target=0.1, warmup_steps=10)
    model.compile(optimizers.LARS(schedule, momentum=0.7, weight_decay=1e-4, trust=0.2), "mse")
    x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
    y = x.sum(axis=1, keepdims=True)
    history = model.fit(x, y, epochs=15, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    for one, other in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, other)
