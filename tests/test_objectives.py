"""The base of all objectives, and what single objectives have beyond its contract."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import SHAPE, convolutional, dense, images, pairs, single
from keras import ops

from keras_ssl import decoders, distribute, heads, losses, measures, objectives, optimizers
from keras_ssl.errors import UserError
from keras_ssl.objectives.base import finite, tensorflow_step

N = 8


@keras.saving.register_keras_serializable("tests")
class Counting(objectives.Objective):
    """Predicts noise that it draws; remembers the mean of what it saw; takes a mask where one comes."""

    optional_keys = ("mask",)
    terms = ("loss", "noise", "weight")

    def __init__(self, encoder, weight=1.0, seed=0, **kwargs):
        super().__init__(encoder, seed=seed, **kwargs)
        self.weight = weight
        self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False, name="seen")

    def forward_pass(self, batch, training):
        h = self.encoder(batch["input"], training=training)
        noise = keras.random.uniform((), seed=self.draws(training))
        return {"h": h, "noise": noise, "mask": batch.get("mask", ops.ones((N,)))}

    def loss_terms(self, outputs):
        assert outputs["h"].dtype == "float32"
        weight = ops.convert_to_tensor(self.at(self.weight), "float32")
        return {"loss": weight * ops.mean(outputs["h"] ** 2), "noise": outputs["noise"], "weight": weight}

    def after_step(self, outputs):
        self.seen.assign(ops.sum(outputs["mask"]))


class Drawing(objectives.Objective):
    """Draws a number, and says by how much the numbers of the replicas differ."""

    terms = ("loss", "noise", "apart")

    def forward_pass(self, batch, training):
        h = self.encoder(batch["input"], training=training)
        return {"h": h, "noise": keras.random.uniform((1,), seed=self.draws(training))}

    def loss_terms(self, outputs):
        noise = distribute.gather(outputs["noise"])
        apart = ops.max(noise) - ops.min(noise)
        return {"loss": ops.mean(outputs["h"] ** 2), "noise": ops.mean(noise), "apart": apart}


def fit(objective, batch=None, **keywords):
    batch = single(N, 0) if batch is None else batch
    return objective.fit(batch, batch_size=N, verbose=0, shuffle=False, **keywords).history


def compiled(objective, **keywords):
    objective.compile(keras.optimizers.SGD(0.01), run_eagerly=True, **keywords)
    return objective


# ---- the base --------------------------------------------------------------------------------------------------------


def test_training_draws_anew_and_evaluation_always_the_same():
    objective = compiled(Counting(convolutional(), seed=5))
    noise = fit(objective, epochs=3)["noise"]
    assert len({round(value, 6) for value in noise}) == 3
    evaluated = {objective.evaluate(single(N, 0), batch_size=N, return_dict=True, verbose=0)["noise"] for _ in range(2)}
    assert len(evaluated) == 1
    assert fit(compiled(Counting(convolutional(), seed=5)), epochs=3)["noise"] == noise
    assert fit(compiled(Counting(convolutional(), seed=6)), epochs=3)["noise"] != noise


def test_replicas_draw_apart(two_replicas):
    with two_replicas.scope():
        objective = Drawing(convolutional())
        objective.compile(keras.optimizers.SGD(0.01))
    seen = [fit(objective)["noise"][0] for _ in range(2)]
    apart = fit(objective)["apart"][0]
    assert apart > 0.01
    assert seen[0] != seen[1]


def test_a_saved_objective_goes_on_drawing_where_it_stopped(tmp_path):
    objective = compiled(Counting(convolutional(), seed=5))
    fit(objective, epochs=2)
    objective.save(tmp_path / "objective.keras")
    loaded = keras.saving.load_model(tmp_path / "objective.keras")
    assert fit(loaded)["noise"] == fit(objective)["noise"]


def test_after_step_runs_in_training_only_and_optional_keys_reach_the_verbs():
    objective = compiled(Counting(convolutional()))
    batch = {**single(N, 0), "mask": np.r_[np.ones(3), np.zeros(N - 3)].astype("float32"), "other": np.zeros(N)}
    objective.evaluate(batch, batch_size=N, verbose=0)
    assert float(objective.seen) == 0
    fit(objective, batch)
    assert float(objective.seen) == 3
    fit(objective)
    assert float(objective.seen) == N


def test_a_schedule_is_read_at_the_objectives_own_step():
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0, 1], [3.0, 2.0, 1.0])
    objective = compiled(Counting(convolutional(), weight=schedule))
    assert fit(objective, epochs=4)["weight"] == [3, 2, 1, 1]
    assert int(objective.step) == 4
    again = Counting.from_config(objective.get_config())
    assert again.weight.get_config() == schedule.get_config()


def test_verbs_see_float32_in_half_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    fit(compiled(Counting(convolutional())))  # loss_terms checks


def test_the_step_is_traced_once():
    objective = Counting(convolutional())
    objective.compile("adam")
    traced = []
    verb, objective.forward_pass = objective.forward_pass, lambda *a: traced.append(1) or verb(*a)
    fit(objective, epochs=3)
    assert len(traced) == 1


def test_history_is_the_mean_over_an_epoch():
    objective = compiled(Counting(convolutional()))
    batch = {"input": np.concatenate([images(N, 0), images(N, 1)])}
    values = [objective.evaluate(images(N, k), batch_size=N, return_dict=True, verbose=0)["loss"] for k in (0, 1)]
    both = objective.evaluate(batch, batch_size=N, return_dict=True, verbose=0)["loss"]
    assert both == pytest.approx(np.mean(values), rel=1e-5)


def test_terms_that_are_not_declared_are_an_error():
    class Forgetful(Counting):
        def loss_terms(self, outputs):
            return {"loss": ops.mean(outputs["h"])}

    with pytest.raises(ValueError, match=r"Forgetful.loss_terms must return .*'noise'.*it returned \('loss',\)"):
        fit(compiled(Forgetful(convolutional())))


def test_verbs_that_are_missing_are_named():
    with pytest.raises(NotImplementedError, match="forward_pass"):
        fit(compiled(objectives.Objective(convolutional())))


@pytest.mark.parametrize(
    ("encoder", "words"),
    [
        (lambda: "resnet18", "built keras.Model.*str"),
        (lambda: keras.Sequential([keras.layers.Dense(3)]), "built keras.Model.*not built"),
        (lambda: keras.Sequential([keras.Input(SHAPE), keras.layers.Conv2D(2, 3)]), r"one vector.*pooling"),
        (lambda: keras.layers.Dense(3), "built keras.Model.*Dense"),
    ],
)
def test_what_is_no_encoder_is_a_clear_error(encoder, words):
    for objective in (objectives.SimCLR, objectives.Autoencoder):
        with pytest.raises(UserError, match=words):
            objective(encoder())


def test_a_built_sequential_model_is_an_encoder():
    encoder = keras.Sequential([keras.Input(SHAPE), keras.layers.Flatten(), keras.layers.Dense(3)])
    fit(compiled(objectives.SimCLR(encoder)), pairs(N, 0))


def test_compile_options_are_kept_and_xla_is_off_where_nothing_gains_by_it():
    objective = Counting(convolutional())
    objective.compile("adam", steps_per_execution=3)
    assert objective.jit_compile is False
    assert objective.steps_per_execution == 3
    config = objective.get_compile_config()
    other = Counting(convolutional())
    other.compile_from_config(config)
    assert other.steps_per_execution == 3
    assert other.optimizer.built
    objective.compile("adam", jit_compile=True)
    assert objective.jit_compile is True


def test_validation_data_is_evaluated_beside_training():
    history = fit(compiled(Counting(convolutional())), validation_data=single(N, 1), epochs=2)
    assert len(history["val_loss"]) == 2


# ---- SimCLR ----------------------------------------------------------------------------------------------------------


def test_simclr_has_the_papers_defaults():
    objective = objectives.SimCLR(convolutional())
    assert objective.temperature == 0.5
    assert objective.projector.output_shape == (None, 128)
    assert objective.projector.input_shape == (None, 8)
    assert objective.batch_keys == ("view_1", "view_2")


def test_simclr_terms_are_those_of_the_projections():
    encoder = convolutional()
    objective = compiled(objectives.SimCLR(encoder, heads.projector(encoder, 5), temperature=0.3))
    batch = pairs(N, 0)
    z_1, z_2 = (objective.projector(encoder(batch[f"view_{k}"])) for k in (1, 2))
    logs = objective.evaluate(batch, batch_size=N, return_dict=True, verbose=0)
    assert logs["loss"] == pytest.approx(float(losses.nt_xent(z_1, z_2, 0.3)), rel=1e-5)
    assert logs["std"] == pytest.approx(float(measures.feature_std(z_1)), rel=1e-4)
    assert logs["dimensions"] == pytest.approx(float(measures.participation_ratio(z_1)), rel=1e-4)


def test_simclr_trains_encoder_and_projector():
    objective = compiled(objectives.SimCLR(convolutional()))
    before = [np.array(w) for w in objective.trainable_weights]
    fit(objective, pairs(N, 0))
    moved = [not np.array_equal(a, np.array(b)) for a, b in zip(before, objective.trainable_weights)]
    assert len(moved) == len(objective.encoder.trainable_weights) + len(objective.projector.trainable_weights)
    assert all(moved)


# ---- Autoencoder -----------------------------------------------------------------------------------------------------


def test_autoencoder_compares_the_input_with_its_reconstruction():
    objective = compiled(objectives.Autoencoder(dense(), reconstruction=losses.absolute_error))
    x = images(N, 0)
    reconstruction = objective.reconstruct(x)
    assert reconstruction.shape == x.shape
    assert reconstruction.dtype == "float32"
    logs = objective.evaluate(x, batch_size=N, return_dict=True, verbose=0)
    assert logs == {"loss": pytest.approx(float(np.abs(x - reconstruction).mean()), rel=1e-5)}


def test_autoencoder_takes_a_decoder_and_defaults_to_the_mirror():
    encoder = dense()
    decoder = decoders.mirror(encoder, name="mine")
    assert objectives.Autoencoder(encoder, decoder).decoder is decoder
    objective = objectives.Autoencoder(encoder)
    assert objective.decoder.output_shape == (None, *SHAPE)
    assert objective.reconstruction is losses.squared_error
    assert objective.decoder.layers[-1].activation is keras.activations.linear
    probabilities = objectives.Autoencoder(encoder, reconstruction=losses.binary_cross_entropy).decoder
    assert probabilities.layers[-1].activation is keras.activations.sigmoid


def test_autoencoder_learns_to_rebuild_a_few_images():
    objective = objectives.Autoencoder(dense())
    objective.compile(keras.optimizers.Adam(1e-2))
    x = images(4, 0)
    error = np.square(x - x.mean(axis=0)).mean()  # of the best answer that does not look at the input
    objective.fit(tf.data.Dataset.from_tensors(x).repeat(150), verbose=0)
    assert np.square(x - objective.reconstruct(x)).mean() < 0.3 * error


# ---- what people hand to a trained objective ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda x: x[0], r"give several .*, or one as `x\[None\]`"),
        (lambda x: x[:, 1:], r"images of shape \(None, .*load them with"),
        (lambda x: 255 * x, "divide by 255"),
        (lambda x: (255 * x).astype("uint8"), "uint8"),
        (lambda x: np.nan * x, "finite"),
    ],
)
def test_images_that_do_not_fit_are_told_so_by_all_that_rebuild_or_answer(spoil, words):
    x = images(3, 0)
    vae = objectives.VariationalAutoencoder(convolutional())
    rotation = objectives.RotationPrediction(convolutional())
    for use in (vae.reconstruct, lambda wrong: vae.interpolate(x, wrong), rotation.answers):
        with pytest.raises(UserError, match=words):
            use(spoil(x))


def test_a_denoiser_takes_values_that_noise_made():
    noisy = 2 * images(3, 0) - 0.5
    assert objectives.DenoisingAutoencoder(convolutional()).reconstruct(noisy).shape == noisy.shape


@pytest.mark.parametrize("count", [0, -2, 2.5])
def test_no_samples_are_an_error(count):
    for objective in (objectives.VariationalAutoencoder(convolutional()), objectives.GAN(convolutional())):
        with pytest.raises(UserError, match="count as a whole number at least 1"):
            objective.sample(count)


def test_each_batch_counts_by_its_samples():
    black, white = np.zeros((8, *SHAPE), "float32"), np.ones((1, *SHAPE), "float32")
    x = {"input": np.concatenate([black, white])}
    objective = objectives.Autoencoder(convolutional())
    objective.compile(keras.optimizers.SGD(0.0), run_eagerly=True)
    whole = objective.evaluate(x, batch_size=9, return_dict=True, verbose=0)["loss"]
    for size in (4, 8):
        assert objective.evaluate(x, batch_size=size, return_dict=True, verbose=0)["loss"] == pytest.approx(whole)
    parts = [objective.evaluate({"input": part}, return_dict=True, verbose=0)["loss"] for part in (black, white)]
    assert abs(np.mean(parts) - whole) > 1e-3


@pytest.mark.parametrize("name", ["TableSGD", "TableAdagrad"])
def test_optimizers_of_tables_run_without_xla(name, monkeypatch):
    monkeypatch.setattr(tensorflow_step, "xla_pays", lambda: True)
    monkeypatch.setattr(keras.Model, "_resolve_auto_jit_compile", lambda model: True)  # as with a GPU
    objective = objectives.Autoencoder(dense())
    objective.compile("sgd")
    assert objective.jit_compile is True
    objective.compile(getattr(optimizers, name)())
    assert objective.jit_compile is False
    with pytest.raises(UserError, match=f"{name}, which XLA cannot compile"):
        objective.compile(keras.optimizers.LossScaleOptimizer(getattr(optimizers, name)()), jit_compile=True)


@pytest.mark.parametrize(
    "schedule",
    [
        keras.optimizers.schedules.PolynomialDecay(1, 10, 0.1),
        keras.optimizers.schedules.PiecewiseConstantDecay([5], [1, 0.5]),
    ],
)
def test_schedules_of_integers_are_refused(schedule):
    with pytest.raises(UserError, match=r"temperature as a schedule of floats.*starts at 1.*write 1\.0"):
        objectives.SimCLR(convolutional(), temperature=schedule)
    with pytest.raises(UserError, match="learning_rate as a schedule of floats"):
        optimizers.LARS(schedule)


def test_a_loss_of_one_sample_says_so():
    objective = objectives.SimCLR(convolutional(), decoupled=True)
    objective.compile("sgd", run_eagerly=True)
    assert np.isnan(losses.dcl(np.ones((1, 2), "float32"), np.ones((1, 2), "float32")))
    assert "batches of at least two samples" in str(finite.error(objective, {"loss": np.nan}))
    assert "two samples" not in str(finite.error(objectives.Autoencoder(dense()), {}))
