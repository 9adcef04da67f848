"""What trains and what has moved; a learning rate that changes nothing; whether two ways differ."""

import itertools
import math

import keras
import numpy as np
import pytest
from cases import CASES, SHAPE, images, two_convolutions
from quick import dear
from scipy import stats

from benchmarks import multi_task as benchmark
from keras_ssl import encoders, evaluate, transfer
from keras_ssl.errors import UserError
from keras_ssl.figures import plots

X, LABELS = images(16, 0), np.arange(16) % 3


def classifier(compiled=True, rate=0.1, encoder=None):
    model = transfer.classifier(encoder or two_convolutions(), 3)
    if compiled:
        model.compile(keras.optimizers.SGD(rate, momentum=0.9), "sparse_categorical_crossentropy", run_eagerly=True)
    return model


def state_of(model):
    return [np.array(v) for v in (*model.variables, *model.optimizer.variables, *model.metrics_variables)]


# ---- what trains -----------------------------------------------------------------------------------------------------


def test_a_summary_counts_what_trains_by_layer_with_its_learning_rate():
    model = classifier()
    transfer.freeze(model, "conv_net/conv_1")
    found = transfer.summary(model)
    assert [layer.path for layer in found.layers] == [
        *(f"conv_net/{name}" for name in ("conv_1", "norm_1", "conv_2", "norm_2")),
        "probabilities",
    ]
    one, norm = found.layers[0], found.layers[1]
    assert (one.training, one.frozen, one.statistics) == (0, model.get_layer("conv_net").layers[1].count_params(), 0)
    assert one.learning_rates == ()
    assert (norm.training, norm.frozen, norm.statistics) == (8, 0, 8)
    assert norm.learning_rates == pytest.approx((0.1,))
    assert sum(layer.training for layer in found.layers) == found.trainability.trainable_parameters
    total = sum(layer.training + layer.frozen + layer.statistics for layer in found.layers)
    assert total == found.trainability.parameters == model.count_params()
    lines = repr(found).splitlines()
    assert lines[0].split() == ["layer", "trains", "frozen", "statistics", "learning", "rate"]
    assert lines[2].split() == ["conv_net/norm_1", "8", "8", "0.1"]
    assert lines[-1] == repr(transfer.trainability(model))
    assert len(set(map(len, lines[:6]))) == 1  # columns are aligned


def test_a_summary_adds_up_what_lies_deeper_and_needs_no_optimizer():
    found = transfer.summary(classifier(compiled=False), depth=1)
    assert [layer.path for layer in found.layers] == ["conv_net", "probabilities"]
    assert found.layers[0].statistics == 2 * (4 + 8)
    assert found.layers[0].learning_rates == ()
    with pytest.raises(UserError, match="depth"):
        transfer.summary(classifier(), depth=0)


def test_weights_of_the_model_itself_have_a_row():
    encoder = encoders.mlp(SHAPE, (4,))
    heads = {"a": transfer.classifier(encoder, 3), "b": keras.layers.Dense(1)}
    found = transfer.summary(transfer.multi_task(encoder, heads, "uncertainty"), depth=1)
    assert {layer.path: layer.training for layer in found.layers}["log_variances"] == 2


# ---- what has moved --------------------------------------------------------------------------------------------------


def test_what_moved_and_what_stayed_is_said_with_frozen_statistics():
    model = classifier()
    transfer.freeze(model, "conv_net/*_1")
    changes = transfer.watch(model)
    assert "once the `with` block has ended" in repr(changes)
    with changes:
        model.fit(X, LABELS, verbose=0)
    first = [f"conv_net/{name}" for name in ("conv_1/kernel", "norm_1/gamma", "norm_1/beta", "norm_1/moving_mean")]
    assert set(changes.stayed) == {*first, "conv_net/norm_1/moving_variance", "conv_net/conv_1/bias"} & {
        *changes.moved,
        *changes.stayed,
    }
    assert set(changes.moved_while_frozen) == {"conv_net/norm_2/moving_mean", "conv_net/norm_2/moving_variance"}
    assert changes.stayed_while_training == ()
    assert "probabilities (2 weights)" in repr(changes)
    assert repr(changes).startswith(f"{len(changes.moved)} of {len(model.weights)} weights moved: conv_net")


def test_what_trains_without_being_reached_is_said():
    model = classifier(rate=0.0)
    with transfer.watch(model) as changes:
        model.train_on_batch(X, LABELS)
    assert set(changes.stayed_while_training) == {path for path in changes.stayed if "moving" not in path}
    assert "Trains but stayed: conv_net" in repr(changes)
    assert all("moving" in path for path in changes.moved)


def test_weights_that_appear_in_the_block_are_an_error_and_other_errors_pass():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, name="one")])

    def add():
        with transfer.watch(model):
            model.add(keras.layers.Dense(1, name="two"))

    with pytest.raises(UserError, match="two/"):
        add()
    with pytest.raises(UserError, match="depth"), transfer.watch(model):
        transfer.summary(model.add(keras.layers.Dense(1, name="three")) or model, depth=0)


# ---- learning rates --------------------------------------------------------------------------------------------------


def quadratic(rate=0.1, curvature=2.0):
    """A model whose loss is `curvature / 2 w²`, w = 1: gradient descent converges below a rate of 2 / curvature."""
    inputs = keras.Input((1,), name="row")
    layer = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", name="w")
    model = keras.Model(inputs, layer(inputs))
    model.compile(keras.optimizers.SGD(rate), lambda y, p: curvature / 2 * keras.ops.sum(p**2, -1), run_eagerly=True)
    return model


def test_the_loss_blows_up_where_gradient_descent_does():
    x = np.ones((4, 1), "float32")
    found = transfer.find_learning_rate(quadratic(), x, x, lowest=1e-3, highest=1e3, steps=60, batch_size=4)
    assert found.blew_up
    # it diverges above 1, by then w is tiny, and a few steps later the loss is above any before
    assert 1 < found.rates[-1] < 100
    assert 0.01 < found.suggestion < 1
    np.testing.assert_allclose(np.diff(np.log(found.rates)), np.log(1e6) / 59, rtol=1e-6)
    assert found.losses[0] == pytest.approx(1)
    averages = [
        sum(0.1 * 0.9 ** (t - k) * found.losses[k] for k in range(t + 1)) / (1 - 0.9 ** (t + 1)) for t in range(5)
    ]
    np.testing.assert_allclose(found.smoothed[:5], averages, rtol=1e-6)
    assert found.suggestion == found.rates[int(np.argmin(found.smoothed))] / 10
    assert f"Suggested learning rate: {found.suggestion:.2g}" in repr(found)
    assert "blew up at" in repr(found)


@pytest.mark.parametrize("schedule", [*dear([False]), True])
def test_the_search_leaves_model_and_optimizer_as_they_were(schedule):
    x = keras.Input(SHAPE, name="image")
    h = keras.layers.Dropout(0.1, seed=1)(keras.layers.Flatten()(x))
    h = keras.layers.BatchNormalization()(keras.layers.Dense(4)(h))
    rate = keras.optimizers.schedules.CosineDecay(0.01, 100) if schedule else 0.01
    model = keras.Model(x, keras.layers.Dense(3, activation="softmax")(h))
    model.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=True
    )
    model.train_on_batch(X, LABELS)
    before, names = state_of(model), [v.path for v in model.optimizer.variables]
    found = transfer.find_learning_rate(model, X, LABELS, steps=20, batch_size=8)
    assert len(set(found.losses)) > 5
    for a, b in zip(before, state_of(model), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [v.path for v in model.optimizer.variables] == names
    assert float(model.optimizer.learning_rate) == pytest.approx(0.01, rel=1e-3)
    assert (model.optimizer.get_config()["learning_rate"] == pytest.approx(0.01)) is not schedule
    again = transfer.find_learning_rate(model, X, LABELS, steps=20, batch_size=8)
    assert again.losses == found.losses  # random states are put back, too


def test_data_sets_and_objectives_are_searched_too_and_an_error_puts_everything_back():
    model, x = quadratic(), np.ones((4, 1), "float32")
    pairs = [(x[:2], x[:2]), (x[2:], x[2:])]
    found = transfer.find_learning_rate(model, pairs, lowest=1e-3, highest=1, steps=12)
    assert not found.blew_up
    assert "did not blow up until 1." in repr(found)
    (case,) = [case for case in CASES if case.name == "Autoencoder, dense"]
    objective = case.build()
    objective.compile("sgd", run_eagerly=True)
    found = transfer.find_learning_rate(objective, case.batch(8, 0), steps=10, highest=1e-2, batch_size=8)
    assert len(found.losses) == 10
    assert int(np.array(objective.step)) == 0
    with pytest.raises(UserError, match="a finite loss at the learning rate"):
        transfer.find_learning_rate(model, [(np.full((2, 1), np.inf, "float32"), x[:2])], steps=10)
    np.testing.assert_array_equal(model.get_weights()[0], [[1.0]])
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"model": lambda: classifier(compiled=False)}, "a built and compiled model"),
        ({"steps": 3}, "steps"),
        ({"lowest": 0}, "lowest"),
        ({"highest": 1e-9}, "highest"),
        ({"smoothing": 1}, "smoothing"),
        ({"y": LABELS[:3]}, "labels of 16 samples"),
        ({"x": iter([]), "y": None}, "a data set with batches"),
        ({"x": [(X, LABELS)], "y": LABELS}, "a data set of batches alone"),
        ({"x": X * 300}, "0..1"),
        ({"y": LABELS + 7}, "labels in 0"),
        ({"lowest": 1e3, "highest": 1e6}, "a loss that falls"),
    ],
)
def test_what_cannot_be_searched_is_a_clear_error(arguments, words):
    given = {"model": classifier, "x": X, "y": LABELS} | arguments
    with pytest.raises(UserError, match=words):
        transfer.find_learning_rate(**{**given, "model": given["model"]()})


def test_the_figure_shows_the_losses_and_the_suggestion():
    rates, smoothed = np.geomspace(1e-4, 1, 5), [1.0, 0.9, 0.5, 0.6, 9.0]
    figure = plots.learning_rates(rates, [1.1, 0.9, 0.4, 0.6, 12.0], smoothed, 1e-3)
    (axes,) = figure.axes
    assert axes.get_xscale() == "log"
    lines = {line.get_label(): line for line in axes.get_lines()}
    np.testing.assert_allclose(lines["moving average"].get_ydata(), smoothed)
    np.testing.assert_allclose(lines["suggestion: 0.001"].get_xdata(), 1e-3)
    assert "lowest at 0.01; suggestion 0.001" in figure.get_label()
    with pytest.raises(UserError, match="as many losses"):
        plots.learning_rates([0.1], [], [])


# ---- comparison ------------------------------------------------------------------------------------------------------

A, B = [0.80, 0.84, 0.78, 0.82, 0.86, 0.81, 0.83], [0.78, 0.83, 0.75, 0.82, 0.83, 0.80, 0.80]


def signed_rank_p(differences):
    """Wilcoxon's exact two-sided p, by all signs."""
    ranks = stats.rankdata(np.abs(differences))
    sums = np.array([np.dot(ranks, signs) for signs in itertools.product((0, 1), repeat=len(ranks))])
    observed = ranks[np.array(differences) > 0].sum()
    return min(1.0, 2 * min((sums >= observed).mean(), (sums <= observed).mean()))


def test_a_paired_test_by_hand():
    a, b = [0.5, 0.7, 0.9], [0.4, 0.5, 0.6]  # differences 0.1, 0.2, 0.3: mean 0.2, deviation 0.1
    found = evaluate.compare(a, b)
    t = 0.2 / (0.1 / math.sqrt(3))
    assert found.difference == pytest.approx(0.2)
    assert found.p == pytest.approx(2 * (1 - stats.t.cdf(t, 2)))
    half = 4.302652730 * 0.1 / math.sqrt(3)  # the table's t of 2 degrees of freedom at 95 %
    assert found.interval == pytest.approx((0.2 - half, 0.2 + half), rel=1e-6)
    assert (found.draws, found.wins, found.wilcoxon_p, found.differs) == (3, 3, None, False)
    assert repr(found).startswith("No difference between the first and the second is shown: +0.2000 on average")


def test_pairs_show_what_means_with_their_deviations_do_not():
    found = evaluate.compare(A, B, names=("SimCLR", "raw inputs"))
    assert found.differs
    assert np.ptp(A) > 3 * found.difference
    mirrored = evaluate.compare(B, A)
    assert mirrored.difference == pytest.approx(-found.difference)
    assert mirrored.interval == pytest.approx((-found.interval[1], -found.interval[0]))
    assert mirrored.p == pytest.approx(found.p)
    assert repr(found).startswith("SimCLR is above raw inputs: +0.0186 on average, 95 % interval +0.0")
    assert "larger on 6 of 7 draws" in repr(found)
    assert "the first is below the second: -0.0186" in repr(mirrored)
    wider = evaluate.compare(A, B, confidence=0.99).interval
    assert wider[0] < found.interval[0] < found.interval[1] < wider[1]


def test_wilcoxons_test_is_that_of_all_signs():
    differences = [0.03, -0.01, 0.05, 0.02, 0.07, 0.04]
    found = evaluate.compare(differences, [0.0] * 6)
    assert found.wilcoxon_p == pytest.approx(signed_rank_p(differences))
    assert "Wilcoxon p = 0.062" in repr(found)


def test_scores_that_are_the_same_do_not_differ():
    found = evaluate.compare(A, A)
    assert (found.difference, found.p, found.wilcoxon_p, found.differs) == (0, 1, None, False)


def test_intervals_of_label_efficiency_are_students():
    values = {"simclr": {5: {"accuracy": [0.5, 0.7, 0.9]}}}
    low, high = evaluate.LabelEfficiency(values).intervals()["simclr"][5]
    half = 4.302652730 * 0.2 / math.sqrt(3)
    assert (low, high) == pytest.approx((0.7 - half, 0.7 + half), rel=1e-6)
    with pytest.raises(UserError, match="at least two scores"):
        evaluate.LabelEfficiency({"simclr": {5: {"accuracy": [0.5]}}}).intervals()


@pytest.mark.parametrize(
    ("a", "b", "arguments", "words"),
    [
        (A, B[:3], {}, "scores of the same draws.*7 and 3"),
        ([0.5], [0.4], {}, "at least two scores"),
        ([0.5, math.nan], [0.4, 0.3], {}, "finite scores as values_a"),
        (A, B, {"confidence": 1}, "confidence"),
    ],
)
def test_scores_that_cannot_be_compared_are_a_clear_error(a, b, arguments, words):
    with pytest.raises(UserError, match=words):
        evaluate.compare(a, b, **arguments)


# ---- the benchmark ---------------------------------------------------------------------------------------------------


def test_slants_by_hand():
    pictures = np.zeros((3, 4, 4, 1))
    pictures[0, :, 2] = 1  # upright
    for row in range(4):
        pictures[1, row, 3 - row] = pictures[2, row, row] = 1  # one column a row, to the right and to the left
    np.testing.assert_allclose(benchmark.slant(pictures), [0, 1, -1], atol=1e-6)


def test_the_table_of_the_benchmark():
    runs = [{"accuracy": 0.5, "r2": 0.1}, {"accuracy": 0.75, "r2": 0.2}]
    better = [{"accuracy": 0.625, "r2": 0.1}, {"accuracy": 0.875, "r2": 0.2}]
    rows = {name: dict.fromkeys(benchmark.SETS, runs) for name in ("raw_inputs", "single")}
    rows["fixed"] = dict.fromkeys(benchmark.SETS, better)
    result = {"protocol": {"version": 2}, "train": 1400, "test": 397, "steps": 300, "rows": rows, "machine": "2 cores"}
    lines = benchmark.section(result).splitlines()
    assert lines[2] == "| raw inputs | 0.625 ± 0.125 | 0.150 ± 0.050 | 0.625 ± 0.125 | 0.150 ± 0.050 |"
    (line,) = [line for line in lines if line.startswith("- ")]
    assert line.startswith("- both tasks, weights 1: +0.125 (+0.125 to +0.125), +0.000 (+0.000 to +0.000)")
