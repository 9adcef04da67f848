"""LARS and AdamW: one layer by hand, scheduled weight decay, excluded variables, saving, and training."""

import keras
import numpy as np
import pytest
from cases import convolutional, images

from keras_ssl import objectives, optimizers
from keras_ssl.errors import UserError

CosineDecay = keras.optimizers.schedules.CosineDecay
on_tensorflow = pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="TensorFlow's")

X = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


def regression():
    """A model whose kernels and biases all have gradients."""
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1)])


# ---- LARS ------------------------------------------------------------------------------------------------------------


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


def by_numpy(w, gradients, rate, momentum, decays, trust):
    w, v = np.array(w, "float64"), 0.0
    for g, decay in zip(gradients, decays):
        if w.ndim > 1:
            g = g + decay * w
            g = g * trust * np.linalg.norm(w) / np.linalg.norm(g)
        v = momentum * v + rate * g
        w = w - v
    return w


@pytest.mark.parametrize(
    ("weight_decay", "decays"), [(0.05, [0.05] * 4), (CosineDecay(0.04, 2, alpha=10), [0.04, 0.22, 0.4, 0.4])]
)
@pytest.mark.parametrize("shape", [(4, 3), (3, 3, 2, 4), (5,)])
def test_steps_equal_numpys(shape, weight_decay, decays):
    rng = np.random.default_rng(0)
    w, gradients = rng.normal(size=shape), rng.normal(size=(4, *shape))
    found = stepped(w, gradients, learning_rate=0.3, momentum=0.8, weight_decay=weight_decay, trust=0.01)
    np.testing.assert_allclose(found, by_numpy(w, gradients, 0.3, 0.8, decays, 0.01), rtol=1e-5, atol=1e-6)


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
    model = regression()
    schedule = CosineDecay(0.0, 50, warmup_target=0.1, warmup_steps=10)
    model.compile(optimizers.LARS(schedule, momentum=0.7, weight_decay=1e-4, trust=0.2), "mse")
    history = model.fit(X, Y, epochs=15, verbose=0).history["loss"]
    assert history[-1] < 0.5 * history[0]
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    for one, other in zip(loaded.optimizer.variables, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one, other)


# ---- AdamW -----------------------------------------------------------------------------------------------------------


def test_weight_decay_follows_its_schedule_by_hand():
    # gradients of 0 leave the decay alone: the cosine from 0.04 to 0.4 in two steps is 0.04, 0.22, 0.4
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, bias_initializer="ones")])
    model.compile(optimizers.AdamW(0.5, CosineDecay(0.04, 2, alpha=10)), "mse")
    kernel = model.get_weights()[0]
    model.fit(np.zeros((6, 4)), np.ones((6, 3)), batch_size=2, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], kernel * 0.98 * 0.89 * 0.8, rtol=1e-5)
    np.testing.assert_array_equal(model.get_weights()[1], np.ones(3))


def test_it_equals_keras_for_matrices_and_does_not_decay_vectors():
    def trained(optimizer):
        keras.utils.set_random_seed(1)
        model = regression()
        model.compile(optimizer, "mse", run_eagerly=True)
        model.fit(X, Y, batch_size=16, epochs=1, shuffle=False, verbose=0)
        return model.get_weights()

    keras_s = keras.optimizers.AdamW(1e-2, weight_decay=0.3, beta_2=0.95)
    keras_s.exclude_from_weight_decay(var_names=["bias"])
    found = trained(optimizers.AdamW(1e-2, weight_decay=0.3, beta_2=0.95))
    for one, other in zip(found, trained(keras_s), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)
    undecayed = trained(keras.optimizers.Adam(1e-2, beta_2=0.95))
    assert not np.allclose(found[0], undecayed[0], atol=1e-3)


def test_more_than_vectors_can_be_excluded():
    positions, kernel = (keras.Variable(np.ones((2, 2), "float32"), name=name) for name in ("positions", "kernel"))
    optimizer = optimizers.AdamW(0.5, 0.2)
    optimizer.exclude_from_weight_decay(var_names=["positions"])
    optimizer.apply([keras.ops.zeros((2, 2))] * 2, [positions, kernel])
    np.testing.assert_array_equal(positions, np.ones((2, 2)))
    np.testing.assert_allclose(kernel, np.full((2, 2), 0.9), rtol=1e-6)


# ---- both ------------------------------------------------------------------------------------------------------------

BOTH = pytest.mark.parametrize("kind", [optimizers.AdamW, optimizers.LARS])


@BOTH
def test_scheduled_weight_decay_is_saved_and_resumes(tmp_path, kind):
    model = regression()
    model.compile(kind(1e-2, weight_decay=CosineDecay(0.04, 20, alpha=10)), "mse")
    model.fit(X, Y, batch_size=32, epochs=5, verbose=0)
    assert float(model.optimizer.weight_decay) == pytest.approx(0.22)  # half-way, after 10 steps
    config = model.optimizer.get_config()
    assert kind.from_config(config).get_config() == config
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded.optimizer) is kind
    assert loaded.optimizer.get_config() == config
    for one in (model, loaded):
        one.fit(X, Y, batch_size=32, epochs=1, shuffle=False, verbose=0)
        assert float(one.optimizer.weight_decay) > 0.23
    for one, other in zip(loaded.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-6)


@BOTH
def test_under_loss_scaling_steps_are_the_same_and_saved(kind):
    def trained(wrap):
        keras.utils.set_random_seed(1)
        model = regression()
        model.compile(wrap(kind(1e-2, weight_decay=CosineDecay(0.04, 4, alpha=10))), "mse")
        model.fit(X, Y, batch_size=32, epochs=2, shuffle=False, verbose=0)
        return model

    plain, scaled = trained(lambda optimizer: optimizer), trained(keras.optimizers.LossScaleOptimizer)
    for one, other in zip(scaled.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, atol=1e-5)
    again = keras.optimizers.LossScaleOptimizer.from_config(scaled.optimizer.get_config())
    assert again.inner_optimizer.get_config() == scaled.optimizer.inner_optimizer.get_config()


@BOTH
@on_tensorflow
def test_two_replicas_decay_as_one_device_does(kind, two_replicas):
    import tensorflow as tf

    def trained(strategy):
        with strategy.scope():
            variable = keras.Variable(np.arange(6.0).reshape(2, 3), dtype="float32")
            optimizer = kind(0.1, weight_decay=CosineDecay(0.0, 2, alpha=0.5, warmup_target=0.4, warmup_steps=2))
            optimizer.build([variable])

        @tf.function
        def step():
            optimizer.apply([tf.ones((2, 3)) / strategy.num_replicas_in_sync], [variable])

        for _ in range(4):
            strategy.run(step)
        assert float(optimizer.weight_decay) == pytest.approx(0.2)
        return np.array(variable)

    np.testing.assert_allclose(trained(two_replicas), trained(tf.distribute.get_strategy()), atol=1e-6)


@BOTH
def test_an_objective_is_trained_with_it(kind):
    autoencoder = objectives.Autoencoder(convolutional())
    schedule = CosineDecay(0.0, 2, warmup_target=1e-3, warmup_steps=2)
    autoencoder.compile(kind(1e-2, weight_decay=schedule))
    history = autoencoder.fit(images(8, 0), batch_size=8, epochs=4, verbose=0).history["loss"]
    assert history[-1] < history[0]
    again = objectives.Autoencoder(convolutional())
    again.compile_from_config(autoencoder.get_compile_config())
    assert again.optimizer.get_config() == autoencoder.optimizer.get_config()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: optimizers.AdamW(weight_decay=-0.1), r"weight_decay at least 0\. Received -0\.1"),
        (lambda: optimizers.LARS(weight_decay=-0.1), r"weight_decay at least 0\. Received -0\.1"),
        (lambda: optimizers.LARS(momentum=1.5), r"momentum at least 0 and at most 1\. Received 1\.5"),
        (lambda: optimizers.LARS(trust=0), r"trust above 0\. Received 0"),
    ],
)
def test_numbers_out_of_range_are_an_error(wrong, message):
    with pytest.raises(UserError, match=message):
        wrong()
