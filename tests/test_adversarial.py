"""Objectives with a discriminator, beyond the contract that all objectives share."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import SHAPE, dense, images, plain, with_noise
from quick import dear

from keras_ssl import callbacks, decoders, encoders, heads, losses, objectives, optimizers
from keras_ssl.errors import UserError

N = 8


def gan(**arguments):
    return objectives.GAN(plain(), latent_dim=4, **arguments)


def compiled(objective, rate=0.01):
    objective.compile(keras.optimizers.SGD(rate), run_eagerly=True)
    return objective


def trained(network):
    return [np.array(variable) for variable in network.trainable_variables]


def repeated(batch, steps):
    """The same batch again and again as one epoch: epochs would take longer than their steps."""
    return tf.data.Dataset.from_tensors(batch).repeat(steps)


def fit(objective, batch, **arguments):
    return objective.fit(batch, batch_size=N, shuffle=False, verbose=0, **arguments).history


# ---- two optimizers --------------------------------------------------------------------------------------------------


def test_every_weight_belongs_to_one_optimizer():
    for objective in (compiled(gan()), compiled(objectives.BiGAN(dense()))):
        (_, _, first), (_, _, second) = objective.updates
        ids = [id(variable) for variable in (*first, *second)]
        assert len(set(ids)) == len(ids) == len(objective.trainable_variables)
        assert first
        assert second


@pytest.mark.parametrize("still", ["generator", "discriminator"])
def test_each_optimizer_moves_its_own_weights_only(still):
    objective = gan()
    networks = {"generator": objective.generator, "discriminator": objective.encoder}
    rates = {"generator": 0.1, "discriminator": 0.1} | {still: 0.0}
    objective.compile(*(keras.optimizers.SGD(rates[name]) for name in networks), run_eagerly=True)
    before = {name: trained(network) for name, network in networks.items()}
    fit(objective, images(N, 0))
    for name, network in networks.items():
        moved = not all(np.array_equal(a, b) for a, b in zip(before[name], trained(network)))
        assert moved == (name != still), name


def test_the_generator_answers_the_discriminator_of_the_same_step():
    """Alternating updates by hand: the discriminator's step, then the generator's against the updated discriminator."""
    batch = with_noise(4)(N, 0)
    objective = compiled(gan(seed=1), rate=0.5)
    twin = compiled(gan(seed=1), rate=0.5)
    twin.set_weights(objective.get_weights())
    fit(objective, batch)
    for term, _, variables in twin.updates:
        with tf.GradientTape() as tape:
            _, terms = twin.run(batch, training=True)
        for variable, gradient in zip(variables, tape.gradient(terms[term], variables)):
            variable.assign_sub(0.5 * gradient)
    for a, b in zip(objective.trainable_variables, twin.trainable_variables):
        np.testing.assert_allclose(a, b, atol=1e-6, err_msg=a.path)


def test_several_steps_of_the_discriminator_to_one_of_the_generator():
    objective = gan(discriminator_steps=3)
    objective.compile(keras.optimizers.SGD(0.01), keras.optimizers.SGD(0.01), run_eagerly=True)
    fit(objective, images(3 * N, 0))
    assert int(objective.discriminator_optimizer.iterations) == 9
    assert int(objective.optimizer.iterations) == 3
    assert int(objective.step) == 3


def test_the_second_optimizer_is_by_default_another_like_the_first():
    objective = gan()
    objective.compile(keras.optimizers.Adam(0.003, beta_1=0.5))
    assert objective.discriminator_optimizer is not objective.optimizer
    assert objective.discriminator_optimizer.get_config() == objective.optimizer.get_config()
    objective.compile("adam", "rmsprop")
    assert isinstance(objective.discriminator_optimizer, keras.optimizers.RMSprop)


@pytest.mark.parametrize("given", [False, True])
def test_a_schedule_is_read_at_the_objectives_steps_by_both(given):
    objective = gan(discriminator_steps=4)
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.5, 0.25])
    second = keras.optimizers.SGD(schedule) if given else None
    objective.compile(keras.optimizers.SGD(schedule), second, run_eagerly=True)
    rates = []
    for _ in range(3):
        fit(objective, images(N, 0))
        rates.append(
            [float(optimizer.learning_rate) for optimizer in (objective.optimizer, objective.discriminator_optimizer)]
        )
    assert int(objective.discriminator_optimizer.iterations) == 12
    assert rates == [[0.5, 0.5], [0.25, 0.25], [0.25, 0.25]]
    again = gan(discriminator_steps=4)
    again.compile_from_config(objective.get_compile_config())
    second = again.discriminator_optimizer.get_config()["learning_rate"]
    assert second == objective.discriminator_optimizer.get_config()["learning_rate"]


def several():
    return keras.optimizers.MultiOptimizer(keras.optimizers.OptimizerMap(keras.optimizers.Adam()))


REFUSED_OPTIMIZERS = {
    "averages of the first": (lambda: [keras.optimizers.Adam(use_ema=True), "adam"], "do not average weights"),
    "averages of the second": (lambda: ["adam", keras.optimizers.Adam(use_ema=True)], "do not average weights"),
    "averages of both": (lambda: [keras.optimizers.Adam(use_ema=True, ema_overwrite_frequency=1)], "average"),
    "averages in words": (lambda: ["adam", keras.optimizers.serialize(keras.optimizers.Adam(use_ema=True))], "average"),
    "scaled averages": (lambda: [keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(use_ema=True))], "average"),
    "several in one": (lambda: [several()], "each of two"),
    "no number": (lambda: ["adam", keras.optimizers.Adam(epsilon=float("nan"))], "epsilon is a number. Received NaN"),
}


@pytest.mark.parametrize("which", REFUSED_OPTIMIZERS)
def test_optimizers_that_cannot_be_one_of_two_are_refused(which):
    make, words = REFUSED_OPTIMIZERS[which]
    with pytest.raises(UserError, match=words):
        gan().compile(*make())


PLATEAU = {"monitor": "loss", "mode": "max", "min_delta": 1e9, "patience": 0, "factor": 0.5}
KERAS_CALLBACKS = {
    "LearningRateScheduler": (
        lambda path: {"schedule": lambda epoch, rate: rate / 2 if epoch else rate},
        0.5,
        "both optimizers of GAN",
    ),
    "ReduceLROnPlateau": (lambda path: PLATEAU, 0.5, "both optimizers of GAN"),
    "SwapEMAWeights": (lambda path: {}, "use_ema=True", "use_ema=True"),
    "BackupAndRestore": (lambda path: {"backup_dir": path}, 1, 1),
    "ModelCheckpoint": (lambda path: {"filepath": path / "model.keras"}, 1, 1),
    "EarlyStopping": (lambda path: {"monitor": "loss", "restore_best_weights": True}, 1, 1),
    "TerminateOnNaN": (lambda path: {}, 1, 1),
    "CSVLogger": (lambda path: {"filename": path / "log.csv"}, 1, 1),
    "LambdaCallback": (lambda path: {}, 1, 1),
}
"""Arguments of each, and with one optimizer and with two, a part of the error or what happens to the learning rate."""
REFUSED = [name for name, (_, *does) in KERAS_CALLBACKS.items() if any(isinstance(one, str) for one in does)]


@pytest.mark.parametrize("name", [*REFUSED, *dear([name for name in KERAS_CALLBACKS if name not in REFUSED])])
def test_callbacks_of_keras_reach_every_optimizer_or_are_refused(name, tmp_path):
    arguments, *expected = KERAS_CALLBACKS[name]
    for objective, does in zip((objectives.Autoencoder(dense()), gan()), expected, strict=True):
        callback = getattr(keras.callbacks, name)(**arguments(tmp_path))
        compiled(objective, rate=0.25)
        if isinstance(does, str):
            with pytest.raises(UserError, match=does):
                fit(objective, images(N, 0), callbacks=[callback])
            assert int(objective.step) == 0
        else:
            fit(objective, images(N, 0), epochs=2, callbacks=[callback])
            assert {float(update.optimizer.learning_rate) for update in objective.updates} == {0.25 * does}


OPTIONS = {
    "clipnorm": {"clipnorm": 1e-4},
    "global_clipnorm": {"global_clipnorm": 1e-4},
    "clipvalue": {"clipvalue": 1e-5},
    "accumulation": {"gradient_accumulation_steps": 2},
    "scale": {"loss_scale_factor": 8.0},
    "function": {"learning_rate": lambda: 0.01},
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_of_an_optimizer_hold_for_the_second_like_the_first(name):
    """With plain gradient descent at rate 1, a step is the clipped gradient."""
    objective = gan()
    objective.compile(keras.optimizers.SGD(**({"learning_rate": 1.0} | OPTIONS[name])), run_eagerly=True)
    for _, optimizer, variables in objective.updates:
        before = [np.array(variable) for variable in variables]
        fit(objective, images(N, 0))
        moved = np.concatenate([(np.array(v) - b).ravel() for v, b in zip(variables, before)])
        most = {"clipnorm": 1e-4 * len(before) ** 0.5, "global_clipnorm": 1e-4, "clipvalue": 1e-5 * moved.size**0.5}
        assert np.linalg.norm(moved) <= 1.01 * most.get(name, np.inf)
        assert float(optimizer.learning_rate) == pytest.approx(0.01 if name == "function" else 1.0)
        assert moved.any() == (name != "accumulation" or optimizer is objective.optimizer)


def test_the_second_optimizer_leaves_out_what_the_first_does():
    adam = optimizers.AdamW(weight_decay=keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.5, 0.25]))
    adam.exclude_from_weight_decay(var_names=["kernel"])
    objective = gan(discriminator_steps=4)
    objective.compile(adam, run_eagerly=True)
    second = objective.discriminator_optimizer
    fit(objective, images(N, 0))
    assert float(second.weight_decay) == 0.5  # as at step 1
    assert not any(second._use_weight_decay(v) for v in objective.updates[0].variables if "kernel" in v.path)


def test_averages_of_one_optimizer_become_its_weights_after_fit():
    objective = objectives.Autoencoder(dense())
    objective.compile(keras.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9), run_eagerly=True)
    before = trained(objective)
    fit(objective, images(2 * N, 0))
    averages = objective.optimizer._model_variables_moving_average
    for old, weight, average in zip(before, trained(objective), averages, strict=True):
        np.testing.assert_array_equal(weight, average)
        assert old.shape == weight.shape


def test_one_optimizer_for_both_is_refused():
    adam = keras.optimizers.Adam()
    with pytest.raises(UserError, match="two optimizers"):
        gan().compile(adam, adam)


def test_both_optimizers_are_saved_and_go_on_exactly(tmp_path):
    objective = gan(seed=2)
    objective.compile(keras.optimizers.Adam(0.003, beta_1=0.5), keras.optimizers.RMSprop(0.002), run_eagerly=True)
    fit(objective, images(N, 0), epochs=3)
    objective.save(tmp_path / "gan.keras")
    loaded = keras.saving.load_model(tmp_path / "gan.keras")
    assert isinstance(loaded.discriminator_optimizer, keras.optimizers.RMSprop)
    for (_, one, _), (_, other, _) in zip(objective.updates, loaded.updates):
        assert int(one.iterations) == int(other.iterations) == 3
        for a, b in zip(one.variables, other.variables, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=a.path)
    for model in (objective, loaded):
        fit(model, images(N, 1), epochs=2)
    for a, b in zip(objective.get_weights(), loaded.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_both_optimizers_are_resumed_exactly(tmp_path):
    def run(resume_after=None):
        objective = gan(seed=2)
        objective.compile(keras.optimizers.Adam(0.003), run_eagerly=True)
        resume = callbacks.Resume(tmp_path / str(resume_after), objective)
        if resume_after is None:
            fit(objective, images(N, 0), epochs=4)
            return objective.get_weights()
        objective.set_weights(start)
        fit(objective, images(N, 0), epochs=resume_after, callbacks=[resume])
        again = gan(seed=7)
        again.compile(keras.optimizers.Adam(0.003), run_eagerly=True)
        done = callbacks.Resume(tmp_path / str(resume_after), again).restore()
        fit(again, images(N, 0), initial_epoch=done, epochs=4)
        return again.get_weights()

    keras.utils.set_random_seed(0)
    start = gan(seed=2).get_weights()
    keras.utils.set_random_seed(0)
    whole = run()
    for a, b in zip(whole, run(resume_after=2)):
        np.testing.assert_array_equal(a, b)


def test_half_precision_scales_both_losses():
    keras.config.set_dtype_policy("mixed_float16")
    objective = gan()
    objective.compile("adam", "sgd")
    assert all(isinstance(optimizer, keras.optimizers.LossScaleOptimizer) for _, optimizer, _ in objective.updates)


# ---- GAN -------------------------------------------------------------------------------------------------------------


def test_gan_terms_are_those_of_its_logits():
    objective = gan(adversarial_loss=losses.wasserstein)
    objective.compile("sgd", run_eagerly=True)
    batch = with_noise(4)(N, 0)
    real = np.array(objective.discriminate(batch["input"]))
    generated = np.array(objective.discriminate(objective.generator(batch["noise"])))
    logs = objective.evaluate(batch, batch_size=N, return_dict=True, verbose=0)
    assert logs["discriminator_loss"] == pytest.approx(generated.mean() - real.mean(), abs=1e-5)
    assert logs["loss"] == pytest.approx(-logs["discriminator_loss"], abs=1e-6)
    assert logs["real_right"] == pytest.approx((real > 0).mean())
    assert logs["generated_right"] == pytest.approx((generated < 0).mean())


def test_the_penalty_is_that_of_a_linear_discriminator():
    """The gradient of a linear discriminator is its weights, everywhere."""
    encoder = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(3, use_bias=False)])
    objective = objectives.GAN(
        encoder, decoders.mirror(plain(), "sigmoid", 4), 4, losses.wasserstein, gradient_penalty=10.0
    )
    objective.compile("sgd", run_eagerly=True)
    weights = np.array(encoder.layers[-1].kernel) @ np.array(objective.head.layers[-1].kernel)
    logs = objective.evaluate(images(N, 0), batch_size=N, return_dict=True, verbose=0)
    penalty = logs["discriminator_loss"] + logs["loss"]
    assert penalty == pytest.approx(10 * (np.linalg.norm(weights) - 1) ** 2, rel=1e-3)


def test_the_penalty_makes_the_discriminator_less_steep():
    lengths = []
    for weight in (0.0, 10.0):
        keras.utils.set_random_seed(0)
        objective = gan(adversarial_loss=losses.wasserstein, gradient_penalty=weight)
        objective.compile(keras.optimizers.Adam(0.01))
        objective.fit(repeated(images(N, 0), 100), verbose=0)
        x = tf.constant(images(N, 1))
        with tf.GradientTape() as tape:
            tape.watch(x)
            scores = objective.discriminate(x)
        lengths.append(np.linalg.norm(tape.gradient(scores, x).numpy().reshape(N, -1), axis=-1).mean())
    assert lengths[1] < 2 < lengths[0]


def test_a_gan_learns_where_the_bright_pixels_are():
    """Trained on images with a bright left half of random brightness, it generates such images."""
    keras.utils.set_random_seed(3)
    x = np.zeros((16, *SHAPE), "float32")
    x[:, :, :4] = np.random.default_rng(0).uniform(0.6, 1.0, (16, 1, 1, 1))
    objective = objectives.GAN(encoders.conv_net(SHAPE, (8, 16), pooling="flatten", normalize=False), latent_dim=4)
    objective.compile(keras.optimizers.Adam(4e-3, beta_1=0.5))
    objective.fit(repeated(x, 100), verbose=0)
    samples = np.array(objective.sample(100))
    assert samples[:, :, :4].mean() > samples[:, :, 4:].mean() + 0.4


def test_samples_repeat_and_interpolations_join_their_ends():
    for objective, width in ((gan(), 4), (objectives.BiGAN(dense()), 8)):
        one, same, other = (np.array(objective.sample(5, seed)) for seed in (1, 1, 2))
        np.testing.assert_array_equal(one, same)
        assert not np.allclose(one, other)
        assert 0 <= one.min() <= one.max() <= 1
        first, second = np.random.default_rng(0).normal(size=(2, 3, width)).astype("float32")
        images_between = np.array(objective.interpolate(first, second, steps=5))
        assert images_between.shape == (3, 5, *SHAPE)
        np.testing.assert_allclose(images_between[:, 0], objective.generator(first), atol=1e-5)
        np.testing.assert_allclose(images_between[:, -1], objective.generator(second), atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"latent_dim": 0}, "latent_dim as a whole number at least 1"),
        ({"gradient_penalty": -1.0}, "gradient_penalty at least 0"),
        ({"discriminator_steps": 0}, "discriminator_steps as a whole number at least 1"),
        ({"latent_dim": 1.5}, "latent_dim as a whole number"),
        ({"generator": decoders.mirror(encoders.mlp((6, 6, 1), (4,)), "sigmoid")}, r"\(None, 8, 8, 1\)"),
        ({"generator": decoders.mirror(dense(), "sigmoid"), "latent_dim": 5}, r"\(None, 5\)"),
    ],
)
def test_what_does_not_fit_a_gan_is_refused(arguments, words):
    with pytest.raises(UserError, match=words):
        objectives.GAN(plain(), **arguments)


def test_a_penalty_on_samples_that_see_each_other_is_refused():
    objectives.GAN(encoders.conv_net(SHAPE, (4, 8)), latent_dim=4)
    with pytest.raises(UserError, match="without batch normalization"):
        objectives.GAN(encoders.conv_net(SHAPE, (4, 8)), latent_dim=4, gradient_penalty=1.0)


def test_generators_fit_the_encoder_by_default_and_vectors_want_one():
    for objective, width in ((gan(), 4), (objectives.BiGAN(dense()), 8)):
        assert objective.generator.input_shape == (None, width)
        assert objective.generator.output_shape == (None, *SHAPE)
    flat = encoders.mlp((6,), (4,))
    for kind in (objectives.GAN, objectives.BiGAN):
        with pytest.raises(UserError, match=r"images \(height, width, channels\).*decoders\.mirror"):
            kind(flat)
    assert objectives.GAN(flat, decoders.mirror(flat, "sigmoid", 3), 3).generator.output_shape == (None, 6)


# ---- BiGAN -----------------------------------------------------------------------------------------------------------


def test_bigans_encoder_and_generator_lower_the_same_term_with_pairs_exchanged():
    objective = objectives.BiGAN(dense())
    objective.compile("sgd", run_eagerly=True)
    batch = with_noise(8)(N, 0)
    x, noise = tf.constant(batch["input"]), tf.constant(batch["noise"])
    logits = [
        objective.discriminator([x, objective.encoder(x)]),
        objective.discriminator([objective.generator(noise), noise]),
    ]
    logs = objective.evaluate(batch, batch_size=N, return_dict=True, verbose=0)
    assert logs["discriminator_loss"] == pytest.approx(float(losses.non_saturating(*logits)), rel=1e-5)
    assert logs["loss"] == pytest.approx(float(losses.non_saturating(*logits[::-1])), rel=1e-5)
    before = [objective.encoder.get_weights(), objective.generator.get_weights()]
    objective.fit(batch, batch_size=N, verbose=0)
    for old, network in zip(before, (objective.encoder, objective.generator)):
        assert not np.array_equal(old[0], network.get_weights()[0])


def test_the_pair_discriminator_looks_at_both_and_shares_nothing_with_the_encoder():
    encoder = dense()
    discriminator = heads.pair_discriminator(encoder, hidden=5)
    x, z = images(3, 0), np.random.default_rng(0).normal(size=(3, 8)).astype("float32")
    base = np.array(discriminator([x, z]))
    assert base.shape == (3, 1)
    assert not np.allclose(discriminator([x, z + 1]), base)
    assert not np.allclose(discriminator([1 - x, z]), base)
    assert not {id(w) for w in encoder.weights} & {id(w) for w in discriminator.weights}


def test_a_generator_of_another_shape_is_refused():
    with pytest.raises(UserError, match=r"\(None, 8, 8, 1\)"):
        objectives.BiGAN(dense(), decoders.mirror(encoders.mlp((6, 6, 1), (8,)), "sigmoid"))


@pytest.mark.parametrize("kind", ["another shape", "one input", "two numbers"])
def test_a_discriminator_of_pairs_that_does_not_fit_is_refused(kind):
    image, latent = keras.Input(SHAPE), keras.Input((8,))
    discriminator = {
        "another shape": lambda: heads.pair_discriminator(encoders.mlp((6, 6, 1), (8,))),
        "one input": dense,
        "two numbers": lambda: keras.Model(
            [image, latent], keras.layers.Dense(2)(keras.layers.Concatenate()([keras.layers.Flatten()(image), latent]))
        ),
    }[kind]()
    with pytest.raises(UserError, match=r"a discriminator from .* an image and its representation"):
        objectives.BiGAN(dense(), discriminator=discriminator)
