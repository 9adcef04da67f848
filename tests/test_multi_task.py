"""Several tasks on one encoder: weights by hand, missing labels, replicas, saving, resuming, serving, errors."""

import math

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import images, plain
from quick import dear

from keras_ssl import callbacks, encoders, export, losses, transfer
from keras_ssl.errors import UserError
from keras_ssl.losses.task_weights import uncertainty_weights

RNG = np.random.default_rng(0)
N = 8
X = images(N, 0)
NAN = math.nan
DIGITS = np.array([2, 0, 1, -1, -1, -1, -1, -1])  # none among the second replica's
SIZES = np.array([NAN, NAN, NAN, 3.0, 5.0, NAN, 4.0, NAN], "float32")
Y = {"digit": DIGITS, "size": SIZES}
LOSSES = {"digit": "sparse_categorical_crossentropy", "size": "mse"}
WEIGHTINGS = ("fixed", "uncertainty", "gradnorm")


def make(weighting="fixed", encoder=None, **arguments):
    encoder = encoder or encoders.mlp((8, 8, 1), (6,))
    heads = {"digit": transfer.classifier(encoder, 3), "size": transfer.regressor(encoder, SIZES)}
    return transfer.multi_task(encoder, heads, weighting, **arguments)


def compiled(model, rate=0.1, eagerly=True, loss=None, **arguments):
    model.compile(keras.optimizers.SGD(rate), loss or LOSSES, run_eagerly=eagerly, jit_compile=False, **arguments)
    return model


def fit(model, y=None, **arguments):
    return model.fit(X, y or Y, **({"batch_size": N, "shuffle": False, "verbose": 0} | arguments)).history


def by_hand(model):
    """Mean losses over known labels."""
    p, known, valued = model.predict(X, verbose=0), DIGITS >= 0, ~np.isnan(SIZES)
    chosen = p["digit"][known, DIGITS[known]]
    return -np.log(chosen).mean(), np.square(p["size"][valued, 0] - SIZES[valued]).mean()


# ---- the mathematics -------------------------------------------------------------------------------------------------


def test_learned_variances_by_hand():
    s = np.log(np.array([4.0, 9.0], "float32"))  # σ = 2 of numbers, 3 of classes
    found = losses.uncertainty_weighted(np.array([8.0, 18.0]), s, np.array([False, True]))
    assert float(found) == pytest.approx(8 / (2 * 4) + 18 / 9 + math.log(2) + math.log(3), rel=1e-6)
    known = np.array([True, False])
    found = losses.uncertainty_weighted(np.array([8.0, 18.0]), s, np.array([False, True]), known)
    assert float(found) == pytest.approx(1 + math.log(2), rel=1e-6)
    np.testing.assert_allclose(uncertainty_weights(s, np.array([False, True])), [1 / 8, 1 / 9], rtol=1e-6)


@pytest.mark.parametrize(("discrete", "best"), [(False, 1.0), (True, 2.0)])
def test_the_best_variance_is_the_loss_of_numbers_and_twice_that_of_classes(discrete, best):
    grid = np.linspace(-2, 2, 4001)  # log σ² relative to that of the best
    values = [
        float(losses.uncertainty_weighted(np.array([0.7]), np.array([s]), np.array([discrete])))
        for s in grid[::40] + math.log(0.7 * best)
    ]
    assert grid[::40][np.argmin(values)] == pytest.approx(0, abs=0.041)  # one place of the grid


def test_one_step_of_gradnorm_by_hand():
    both = np.array([True, True])
    found = losses.gradnorm_weights(np.ones(2), np.array([3.0, 1.0]), np.ones(2), both, rate=0.1)
    moved = np.exp([-0.1 * 3 / 2, 0.1 * 1 / 2])
    np.testing.assert_allclose(found, 2 * moved / moved.sum(), rtol=1e-6)
    # gradients are alike; the first task has learned half as much, r = (4/3, 2/3), so that it gains
    found = np.asarray(losses.gradnorm_weights(np.ones(2), np.ones(2), np.array([1.0, 0.5]), both, alpha=1, rate=0.1))
    assert found[0] / found[1] == pytest.approx(math.exp(0.2), rel=1e-5)


def test_gradnorm_descends_the_distance_of_its_paper_by_the_logarithms_of_weights():
    w, norms, ratios = RNG.uniform(0.5, 2, 3), RNG.uniform(0.1, 3, 3), RNG.uniform(0.2, 1, 3)
    target = (w * norms).mean() * (ratios / ratios.mean()) ** 1.5

    def distance(logs):
        return np.abs(np.exp(logs) * norms - target).sum()

    steps = 1e-6 * np.eye(3)
    gradient = np.array([(distance(np.log(w) + s) - distance(np.log(w) - s)) / 2e-6 for s in steps])
    expected = w * np.exp(-0.025 * gradient / (w * norms).mean())
    found = losses.gradnorm_weights(w, norms, ratios, np.array([True] * 3))
    np.testing.assert_allclose(found, 3 * expected / expected.sum(), rtol=1e-5)


def test_gradnorm_ends_where_lengths_are_as_wanted_in_any_units_and_tasks_without_labels_wait():
    norms, both = np.array([100.0, 1.0]), np.array([True, True])
    w = scaled = np.ones(2)
    for _ in range(130):  # the logarithm of the ratio, 4.6 at first, moves by 0.04 in each
        w = losses.gradnorm_weights(w, norms, np.ones(2), both, rate=0.02)
        scaled = losses.gradnorm_weights(scaled, 1e-3 * norms, np.ones(2), both, rate=0.02)
    lengths = np.asarray(w) * norms
    assert lengths[0] / lengths[1] == pytest.approx(1, abs=0.05)  # the last steps go to and fro by 0.02 each
    np.testing.assert_allclose(w, scaled, rtol=1e-3)
    one = np.array([True, False])
    np.testing.assert_allclose(losses.gradnorm_weights(w, norms, np.ones(2), one), w, rtol=1e-6)
    assert float(np.sum(w)) == pytest.approx(2)


# ---- the model -------------------------------------------------------------------------------------------------------


def test_it_shares_the_encoder_and_the_heads_and_names_its_outputs():
    encoder = encoders.mlp((8, 8, 1), (6,))
    alone = transfer.classifier(encoder, 3)
    heads = {"digit": alone, "size": keras.layers.Dense(2, name="anything"), "half": lambda h: keras.ops.sum(h, 1) / 2}
    model = transfer.multi_task(encoder, heads)
    assert model.encoder is encoder
    found = model.predict(X, verbose=0)
    assert {task: y.shape for task, y in found.items()} == {"digit": (N, 3), "size": (N, 2), "half": (N,)}
    alone.get_layer("probabilities").bias.assign([9.0, 0, 0])
    np.testing.assert_array_equal(model.predict(X, verbose=0)["digit"], alone.predict(X, verbose=0))
    np.testing.assert_allclose(found["half"], np.asarray(encoder(X)).sum(1) / 2, rtol=1e-5)
    assert model.tasks == ("digit", "size", "half")


def test_the_loss_is_the_weighted_sum_of_means_over_known_labels_and_the_logs_say_so():
    model = compiled(make(task_weights={"digit": 3, "size": 0.5}), rate=0.0, metrics={"digit": ["accuracy"]})
    digit, size = by_hand(model)
    logs = fit(model)
    assert logs["digit_loss"][0] == pytest.approx(digit, rel=1e-5)
    assert logs["size_loss"][0] == pytest.approx(size, rel=1e-5)
    assert logs["loss"][0] == pytest.approx(3 * digit + 0.5 * size, rel=1e-5)
    assert (logs["digit_weight"][0], logs["size_weight"][0]) == (3, 0.5)
    right = model.predict(X, verbose=0)["digit"].argmax(-1)[:3] == DIGITS[:3]
    assert logs["digit_accuracy"][0] == pytest.approx(right.mean())  # of three known labels


def test_an_epoch_logs_the_mean_over_all_known_labels_and_batches_without_labels_do_not_count():
    model = compiled(make(), rate=0.0)
    digit, size = by_hand(model)
    logs = fit(model, batch_size=2)  # four batches, of which two have a digit, and three a size
    assert logs["digit_loss"][0] == pytest.approx(digit, rel=1e-5)
    assert logs["size_loss"][0] == pytest.approx(size, rel=1e-5)


def test_sample_weights_count_by_task():
    model = compiled(make(), rate=0.0)
    weights = {"digit": np.array([1.0, 0, 0, 1, 1, 1, 1, 1]), "size": None}
    found = model.train_on_batch(X, Y, sample_weight=weights, return_dict=True)
    p = model.predict(X, verbose=0)["digit"]
    assert found["digit_loss"] == pytest.approx(-math.log(p[0, DIGITS[0]]), rel=1e-5)
    assert found["size_loss"] == pytest.approx(by_hand(model)[1], rel=1e-5)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_samples_without_any_label_leave_no_trace(weighting):
    one, other = compiled(make(weighting)), compiled(make(weighting))
    other.set_weights(one.get_weights())
    changed = X.copy()
    changed[[5, 7]] = RNG.uniform(size=(2, 8, 8, 1))
    one.train_on_batch(X, Y)
    other.train_on_batch(changed, Y)
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        assert np.isfinite(a).all()
        np.testing.assert_allclose(a, b, atol=1e-6)


def test_variances_of_tasks_without_labels_stay_and_others_take_the_step_of_their_gradient():
    model = compiled(make("uncertainty"), rate=0.01)
    p = model.predict(X[:3], verbose=0)["digit"]
    digit = -np.log(p[range(3), DIGITS[:3]]).mean()
    model.train_on_batch(X[:3], {"digit": DIGITS[:3], "size": SIZES[:3]})
    # derivative of exp(-s) L + s / 2 at s = 0
    np.testing.assert_allclose(model.log_variances, [-0.01 * (0.5 - digit), 0], atol=1e-6)


def test_gradnorm_lowers_the_weight_of_the_task_whose_gradient_is_too_long():
    model = make("gradnorm", rate=0.1)
    loss = {"digit": "sparse_categorical_crossentropy", "size": losses.Scaled("mse", 0.01)}  # 10,000 times as much
    model.compile(keras.optimizers.SGD(1e-7), loss, run_eagerly=True)
    first = by_hand(model)
    logs = fit(model, epochs=3)
    np.testing.assert_allclose(model.first_losses, [first[0], 1e4 * first[1]], rtol=1e-4)
    assert logs["size_weight"][0] == 1  # the first step of the network is taken with equal weights
    assert logs["size_weight"][0] > logs["size_weight"][1] > logs["size_weight"][2]
    assert float(np.sum(model.balance)) == pytest.approx(2, rel=1e-5)


@pytest.mark.parametrize(("encoder", "axes"), [(None, 2), (plain, 4)])
def test_lengths_of_gradients_are_those_at_the_last_kernel_of_the_encoder(encoder, axes):
    model = compiled(make("gradnorm", encoder and encoder(), rate=0.1), rate=0.0)
    kernel = [weight for weight in model.encoder.trainable_weights if len(weight.shape) > 1][-1]
    assert len(kernel.shape) == axes
    with tf.GradientTape(persistent=True) as tape:
        values, _ = model.task_losses(Y, model(X, training=True))
        values = tf.unstack(values)
    norms = np.array([np.linalg.norm(tape.gradient(value, kernel.value)) for value in values])
    model.train_on_batch(X, Y)
    expected = losses.gradnorm_weights(np.ones(2), norms, np.ones(2), np.array([True, True]), rate=0.1)
    np.testing.assert_allclose(model.balance, expected, rtol=1e-5)


@pytest.mark.parametrize("weighting", [*dear(["fixed", "uncertainty"]), "gradnorm"])
def test_two_replicas_take_the_steps_of_one_device(weighting, two_replicas):
    weights, found, logs = make(weighting).get_weights(), [], []
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            model = make(weighting)
            model.set_weights(weights)
            compiled(model, rate=0.05, eagerly=strategy is not two_replicas)
        history = fit(model, epochs=2)
        logs.append([history[name] for name in sorted(history)])
        found.append(model.get_weights())
    assert max(np.abs(a - b).max() for a, b in zip(weights, found[0])) > 0.01
    for one, two in zip(*found, strict=True):
        np.testing.assert_allclose(two, one, atol=1e-5)  # 1e-7 of rounding, through two steps
    np.testing.assert_allclose(logs[1], logs[0], rtol=1e-5)


@pytest.mark.parametrize("weighting", ["uncertainty", *dear(["fixed", "gradnorm"])])
def test_a_saved_model_loads_trains_on_alike_and_still_checks(weighting, tmp_path):
    given = {"task_weights": {"digit": 2.0}} if weighting == "fixed" else {}
    model = compiled(make(weighting, **given), metrics={"digit": ["accuracy"]})
    fit(model)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert (loaded.tasks, loaded.weighting, loaded.task_weights) == (model.tasks, weighting, model.task_weights)
    assert isinstance(loaded.loss["size"], losses.WhereKnown)
    one, other = fit(model), fit(loaded)
    assert set(one) == set(other) >= {"digit_accuracy", "size_weight", "loss"}
    np.testing.assert_allclose([other[name] for name in one], list(one.values()), rtol=1e-6)
    with pytest.raises(UserError, match="at least one known label of 'digit'"):
        fit(loaded, {**Y, "digit": np.full(N, -1)})


def test_a_frozen_encoder_stays_and_gradnorm_refuses_one():
    model = compiled(make("uncertainty"))
    state = transfer.freeze(model, "encoder")
    assert {path.split("/")[0] for path in state.trainable} == {"digit", "size"}
    before = model.encoder.get_weights()
    fit(model)
    for a, b in zip(before, model.encoder.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert abs(np.asarray(model.log_variances)).min() > 0
    balanced = compiled(make("gradnorm"))
    with pytest.raises(UserError, match="in which no kernel trains"):
        transfer.freeze(balanced, "encoder")
    assert balanced.encoder.trainable_weights  # it is as it was
    fit(balanced)


@pytest.mark.exhaustive
@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_an_interrupted_training_ends_as_one_that_was_not(weighting, tmp_path):
    def batches(step):
        return tf.data.Dataset.from_tensor_slices((X, Y)).batch(4)

    def trained(folder, *epochs):
        for last in epochs:
            keras.utils.set_random_seed(3)
            model = compiled(make(weighting))
            resume = callbacks.Resume(folder, model)
            resume.fit(batches, last, verbose=0)
        return model.get_weights()

    for a, b in zip(trained(tmp_path / "a", 2), trained(tmp_path / "b", 1, 2), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.exhaustive
def test_it_is_served_with_a_dict_of_outputs(tmp_path):
    model = make("uncertainty", plain())
    folder = export.deploy(model, tmp_path / "two", samples=X)
    assert (folder / "model.onnx").exists()


# ---- errors ----------------------------------------------------------------------------------------------------------


def two(encoder):
    return {"digit": transfer.classifier(encoder, 3), "size": keras.layers.Dense(1)}


@pytest.mark.parametrize(
    ("heads", "arguments", "words"),
    [
        (lambda e: {"digit": transfer.classifier(e, 3)}, {}, "at least two tasks.*digit.*use its head alone"),
        (lambda e: [transfer.classifier(e, 3)] * 2, {}, "a dict of at least two tasks by name.*a list"),
        (lambda e: {"a/b": keras.layers.Dense(1), "b": keras.layers.Dense(1)}, {}, "letters, digits and underscores"),
        (lambda e: {"mlp": keras.layers.Dense(1), "b": keras.layers.Dense(1)}, {}, "other than those of the encoder"),
        (lambda e: {"a": 3, "b": keras.layers.Dense(1)}, {}, "a head of 'mlp' for 'a'"),
        (
            lambda e: {"a": transfer.classifier(encoders.mlp((8, 8, 1), (6,)), 3), "b": keras.layers.Dense(1)},
            {},
            "a head of 'mlp' for 'a'.*this very encoder",
        ),
        (two, {"weighting": "equal"}, "weighting among fixed, uncertainty, gradnorm"),
        (two, {"task_weights": {"digits": 1}}, "weights of the tasks digit, size.*digits"),
        (two, {"task_weights": {"digit": -1}}, "at least 0"),
        (two, {"weighting": "gradnorm", "task_weights": {"digit": 2}}, "leave them out"),
        (two, {"alpha": -1}, "alpha"),
        (two, {"rate": 0}, "rate"),
    ],
)
def test_what_cannot_be_built_is_a_clear_error(heads, arguments, words):
    encoder = encoders.mlp((8, 8, 1), (6,))
    with pytest.raises(UserError, match=words):
        transfer.multi_task(encoder, heads(encoder), **arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"loss": {"digit": "mse"}}, "losses of the tasks digit, size.*none of size"),
        ({"loss": "mse"}, "losses as a dict by task"),
        ({"loss": {**LOSSES, "color": "mse"}}, "'color'.*use the names of the tasks"),
        ({"loss": LOSSES, "loss_weights": {"digit": 1}}, "task_weights"),
        ({"loss": LOSSES, "metrics": {"color": "mae"}}, "metrics of the tasks digit, size"),
        ({"loss": LOSSES, "metrics": ["mae"]}, "metrics as a dict by task"),
    ],
)
def test_what_cannot_be_compiled_is_a_clear_error(arguments, words):
    with pytest.raises(UserError, match=words):
        make().compile("adam", **arguments)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ({"digit": DIGITS}, "labels of the tasks digit, size.*none of size.*-1 among class numbers and NaN"),
        (DIGITS, "labels as a dict by task: digit, size"),
        ({**Y, "color": DIGITS}, "'color'"),
        ({**Y, "digit": np.full(N, -1)}, "at least one known label of 'digit'"),
        ({**Y, "size": np.full(N, NAN)}, "at least one known label of 'size'"),
        ({**Y, "digit": np.where(DIGITS < 0, NAN, DIGITS)}, "as integers, -1 where they are unknown"),
        ({**Y, "digit": np.where(DIGITS == 2, 3, DIGITS)}, "labels of 'digit' in 0..2.*3 at index 0"),
        ({**Y, "digit": DIGITS[:, None]}, r"of shape \(8,\)"),
        ({**Y, "size": np.zeros(N, int)}, "as floats, NaN where they are unknown"),
        ({**Y, "size": np.zeros((N, 2))}, r"of shape \(8, 1\)"),
        ({**Y, "size": np.where(np.isnan(SIZES), np.inf, SIZES)}, "Inf at index 0"),
    ],
)
def test_labels_that_cannot_be_trained_on_are_a_clear_error(y, words):
    model = compiled(make())
    before = model.get_weights()
    with pytest.raises(UserError, match=words):
        model.fit(X, y, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights()))


def one_hot_loss(y_true, y_pred):
    return -keras.ops.sum(keras.ops.one_hot(keras.ops.cast(y_true, "int32"), 3) * keras.ops.log(y_pred), axis=-1)


def test_a_loss_of_ones_own_may_take_class_numbers():
    model = make()
    found = [
        compiled(model, loss={**LOSSES, "digit": loss}).evaluate(X, Y, return_dict=True, verbose=0)["digit_loss"]
        for loss in (one_hot_loss, LOSSES["digit"])
    ]
    fit(compiled(model, loss={**LOSSES, "digit": one_hot_loss}))
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_labels_of_a_sample_count_one_by_one_in_a_binary_cross_entropy():
    encoder = encoders.mlp((8, 8, 1), (6,))
    heads = {"tags": keras.layers.Dense(2, activation="sigmoid"), "size": keras.layers.Dense(1)}
    model = compiled(transfer.multi_task(encoder, heads), loss={"tags": "binary_crossentropy", "size": "mse"})
    tags = np.array([[1, NAN], [NAN, 0]] * 4, "float32")
    found = model.evaluate(X, {"tags": tags, "size": SIZES}, return_dict=True, verbose=0)
    p = np.asarray(model(X)["tags"])
    expected = -np.log(np.concatenate([p[::2, 0], 1 - p[1::2, 1]])).mean()
    assert found["tags_loss"] == pytest.approx(expected, rel=1e-5)
    compiled(model, loss={"tags": "mse", "size": "mse"})
    with pytest.raises(UserError, match="of which all 2 labels of 'tags' are known"):
        model.fit(X, {"tags": tags, "size": SIZES}, verbose=0)


def test_labels_are_checked_without_fit_too():
    model = compiled(make())
    with pytest.raises(UserError, match="labels of the tasks digit, size"):
        model.train_on_batch(X, {"digit": DIGITS})
