"""Evaluation: every figure against one that is worked out by other means, and the same figure when asked again."""

import json
import random
import sys

import keras
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import classification_report

from keras_ssl import data, encoders, evaluate, networks, objectives, runs, transfer
from keras_ssl.errors import UserError

RNG = np.random.default_rng(0)


def a_source(n, seed=0, classes=3):
    """Images of 4x4 whose class shows as a brighter row."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    images = 0.8 * rng.random((n, 4, 4, 1), "float32")
    images[np.arange(n), labels] += 0.2
    return data.from_arrays(images, labels, classes)


def tiny_encoder():
    return encoders.mlp((4, 4, 1), units=(8, 5), name="tiny")


# ---- embed -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [3, 7, 256])
def test_embed_is_what_predict_gives(batch_size):
    encoder, source = tiny_encoder(), a_source(7)
    h = evaluate.embed(encoder, source, batch_size)
    assert (h.shape, h.dtype) == ((7, 5), np.float32)
    np.testing.assert_allclose(h, encoder.predict(source.inputs(), verbose=0), rtol=1e-5, atol=1e-6)


def test_embed_takes_arrays_bytes_an_objective_and_nothing():
    encoder = tiny_encoder()
    stored = RNG.integers(0, 256, (6, 4, 4, 1), "uint8")
    floats = stored / np.float32(255)
    h = evaluate.embed(encoder, data.from_arrays(stored))
    np.testing.assert_allclose(h, evaluate.embed(encoder, floats), atol=1e-6)
    np.testing.assert_array_equal(h, evaluate.embed(objectives.SimCLR(encoder), data.from_arrays(stored)))
    np.testing.assert_array_equal(evaluate.embed(None, floats), floats.reshape(6, 16))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x: x[:, :3], r"images of shape \(None, 4, 4, 1\).*Received shape \(6, 3, 4, 1\)"),
        (lambda x: x[..., 0], r"Received shape \(6, 4, 4\)"),
        (lambda x: np.repeat(x, 3, axis=-1), r"Received shape \(6, 4, 4, 3\)"),
        (lambda x: np.where(np.arange(6).reshape(6, 1, 1, 1) == 2, np.nan, x), "the first at index 2"),
        (lambda x: x * 255, "divide by 255"),
        (lambda x: (x * 255).astype("uint8"), "dtype uint8"),
        (lambda x: x[:0], "Received 0"),
    ],
)
def test_embed_refuses_what_the_encoder_was_not_built_for(spoil, message):
    with pytest.raises(UserError, match=message):
        evaluate.embed(tiny_encoder(), spoil(RNG.random((6, 4, 4, 1), "float32")))


# ---- scores, neighbors, probe ---------------------------------------------------------------------------------------


def test_scores_by_hand():
    # class 0: 2 of 3 found, 2 of 2 predictions right; class 1: 1 of 1 found, 1 of 3 right; class 2: never predicted
    figures = evaluate.scores([0, 0, 0, 1, 2], [0, 0, 1, 1, 1])
    assert figures["accuracy"] == pytest.approx(3 / 5)
    assert figures["precision"] == pytest.approx((1 + 1 / 3 + 0) / 3)
    assert figures["recall"] == pytest.approx((2 / 3 + 1 + 0) / 3)
    assert figures["f1"] == pytest.approx((4 / 5 + 1 / 2 + 0) / 3)


def test_scores_are_the_macro_averages_of_scikit_learn():
    labels, predictions = RNG.integers(0, 4, 50), RNG.integers(0, 4, 50)
    report = classification_report(labels, predictions, output_dict=True)
    macro = report["macro avg"]
    expected = {"accuracy": report["accuracy"], "precision": macro["precision"], "recall": macro["recall"]}
    assert evaluate.scores(labels, predictions) == pytest.approx({**expected, "f1": macro["f1-score"]})


def knn_reference(train_h, train_labels, test_h, classes, neighbors, temperature):
    """Wu et al. 2018, section 3.4, written out sample by sample."""
    train_h = train_h / np.linalg.norm(train_h, axis=1, keepdims=True)
    predictions = []
    for h in test_h / np.linalg.norm(test_h, axis=1, keepdims=True):
        cosine = train_h @ h
        votes = np.zeros(classes)
        for k in np.argsort(-cosine)[:neighbors]:
            votes[train_labels[k]] += np.exp(cosine[k] / temperature)
        predictions.append(votes.argmax())
    return np.array(predictions)


@pytest.mark.parametrize("raw", [True, False])
@pytest.mark.parametrize(("neighbors", "temperature"), [(1, 0.07), (5, 0.07), (20, 0.5)])
def test_knn_is_the_weighted_vote(raw, neighbors, temperature):
    train, test = a_source(60, seed=1), a_source(40, seed=2)
    encoder = None if raw else tiny_encoder()
    represent = (lambda x: x.reshape(len(x), -1)) if raw else (lambda x: encoder.predict(x, verbose=0))
    expected = knn_reference(represent(train.stored), train.labels, represent(test.stored), 3, neighbors, temperature)
    figures = evaluate.knn(encoder, train, test, neighbors, temperature)
    assert figures == pytest.approx(evaluate.scores(test.labels, expected))
    assert 0 < figures["accuracy"] < 1  # the comparison would show little otherwise


def test_knn_takes_all_of_a_small_train_set():
    train, test = a_source(6), a_source(9, seed=3)
    assert evaluate.knn(None, train, test) == evaluate.knn(None, train, test, neighbors=6)


def test_linear_probe_is_logistic_regression_on_the_centered_and_scaled_representation():
    encoder, train, test = tiny_encoder(), a_source(60, seed=1), a_source(40, seed=2)
    h, h_test = (encoder.predict(s.stored, verbose=0).astype("float64") for s in (train, test))
    h, h_test = h - h.mean(axis=0), h_test - h.mean(axis=0)
    scale = np.sqrt(16 / np.mean((h**2).sum(axis=1)))  # mean squared length 16
    predictions = LogisticRegression(C=1.0, max_iter=1000).fit(scale * h, train.labels).predict(scale * h_test)
    figures = evaluate.linear_probe(encoder, train, test)
    assert figures == pytest.approx(evaluate.scores(test.labels, predictions))
    assert figures["accuracy"] > 0.5


@pytest.mark.parametrize("measure", [evaluate.knn, evaluate.linear_probe])
def test_probes_need_labels(measure):
    source = a_source(6)
    with pytest.raises(UserError, match="'arrays' without labels"):
        measure(None, source, data.from_arrays(source.stored))


# ---- collapse --------------------------------------------------------------------------------------------------------


def test_a_constant_encoder_is_collapsed():
    encoder = tiny_encoder()
    for weight in encoder.weights[:-1]:
        weight.assign(keras.ops.zeros_like(weight))
    encoder.weights[-1].assign(keras.ops.ones_like(encoder.weights[-1]))
    figures = evaluate.collapse(encoder, a_source(10))
    assert figures["std"] == pytest.approx(0, abs=1e-6)
    assert figures["dimensions"] == pytest.approx(0, abs=1e-3)


def test_collapse_figures_of_known_representations():
    # raw pixels as representation: ± one of four orthogonal directions around 1/2, each as often as the other
    signs = np.concatenate([np.eye(4), -np.eye(4)]).astype("float32")
    figures = evaluate.collapse(None, 0.5 + 0.5 * signs.reshape(8, 2, 2, 1))
    assert figures["effective_rank"] == pytest.approx(4, rel=1e-4)
    assert figures["dimensions"] == pytest.approx(4, rel=1e-4)
    # singular values 3 and 1: exp of the entropy of (3/4, 1/4)
    two = np.zeros((4, 4), "float32")
    two[0, 0], two[1, 0], two[2, 1], two[3, 1] = 0.3, -0.3, 0.1, -0.1
    figures = evaluate.collapse(None, 0.5 + two.reshape(4, 2, 2, 1))
    assert figures["effective_rank"] == pytest.approx(np.exp(-0.75 * np.log(0.75) - 0.25 * np.log(0.25)), rel=1e-4)
    assert figures["dimensions"] == pytest.approx((9 + 1) ** 2 / (81 + 1), rel=1e-4)


def test_collapse_looks_at_the_first_images_only():
    source = a_source(30)
    assert evaluate.collapse(None, source, limit=10) == evaluate.collapse(None, source[:10])
    with pytest.raises(UserError, match="limit"):
        evaluate.collapse(None, source, limit=1)  # one sample has no spread


def test_collapse_embeds_no_more_images_than_it_needs(monkeypatch):
    seen = []
    embed = lambda encoder, images: seen.append(len(images)) or np.eye(10)  # noqa: E731
    monkeypatch.setattr(sys.modules["keras_ssl.evaluate.collapse"], "embed", embed)
    evaluate.collapse(None, a_source(30), limit=10)
    assert seen == [10]


# ---- an encoder with new weights -------------------------------------------------------------------------------------


def test_reinitialized_is_seeded_and_touches_nothing():
    keras.utils.set_random_seed(7)  # seed 0 would give an encoder made after set_random_seed(0) its own weights
    encoder = encoders.conv_net((4, 4, 1), filters=(4, 4))
    before, state = encoder.get_weights(), random.getstate()
    first, again, other = (networks.reinitialized(encoder, seed) for seed in (0, 0, 1))
    assert random.getstate() == state
    for mine, a, b, c in zip(before, *(e.get_weights() for e in (first, again, other))):
        np.testing.assert_array_equal(a, b)
        if np.ptp(mine) > 0:  # a kernel, not a scale or shift
            assert not np.allclose(mine, a)
            assert not np.allclose(a, c)
    for mine, now in zip(before, encoder.get_weights()):
        np.testing.assert_array_equal(mine, now)
    assert first.get_config()["layers"] == encoder.get_config()["layers"]


# ---- label efficiency ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def digits():
    return data.load("digits")[:300], data.load("digits", split="test")[:120]


def measured(digits, encoder=None, **changes):
    encoder = encoder or encoders.mlp((8, 8, 1), units=(16, 8))
    arguments = {"labels_per_class": (1, 5), "seeds": 2, "steps": 5} | changes
    return evaluate.label_efficiency(encoder, *digits, **arguments)


def test_label_efficiency_has_every_row_repeats_itself_and_leaves_the_encoder_alone(digits):
    encoder = encoders.mlp((8, 8, 1), units=(16, 8))
    before, seen = encoder.get_weights(), []
    few = measured(digits, encoder, progress=lambda done, total: seen.append((done, total)))
    methods = ["raw_inputs", "untrained", "from_scratch", "encoder", "encoder_finetuned"]
    assert list(few.values) == methods
    assert all(list(by_labels) == [1, 5] for by_labels in few.values.values())
    for by_labels in few.values.values():
        for figures in by_labels.values():
            assert set(figures) == {"accuracy", "precision", "recall", "f1", "ece"}
            assert all(len(draws) == 2 and all(0 <= v <= 1 for v in draws) for draws in figures.values())
    assert few.checkpoints == (1, 2, 3, 4, 5)
    assert set(few.curves) == {"from_scratch", "encoder_finetuned"}
    for method, by_labels in few.curves.items():  # all test images are among the first 1,000
        for n, draws in by_labels.items():
            assert [curve[-1] for curve in draws] == pytest.approx(few.values[method][n]["accuracy"])
    assert seen == [(k, 20) for k in range(1, 21)]
    for a, b in zip(before, encoder.get_weights()):
        np.testing.assert_array_equal(a, b)
    again = measured(digits, encoder)
    assert again.values == few.values
    assert again.curves == few.curves
    without = measured(digits, encoder, curves=False)
    assert (without.values, without.curves, without.checkpoints) == (few.values, {}, ())


def test_label_efficiency_gives_all_methods_the_draws_of_few(digits):
    train, test = digits
    encoder = encoders.mlp((8, 8, 1), units=(16, 8))
    few = measured(digits, {"mine": encoder, "same": keras.models.clone_model(encoder)}, fine_tune=())
    assert list(few.values) == ["raw_inputs", "untrained", "from_scratch", "mine", "same"]
    for n in (1, 5):
        for seed in (0, 1):
            images, labels = data.few(train, n, seed)
            drawn = data.from_arrays(images, labels)
            untrained = networks.reinitialized(encoder, seed)
            for method, e in (("raw_inputs", None), ("mine", encoder), ("untrained", untrained)):
                h, x = evaluate.embed(e, drawn), evaluate.embed(e, test)
                p = transfer.fit_linear(h, labels).predict_proba(x)
                expected = {
                    **evaluate.linear_probe(e, drawn, test),
                    "ece": evaluate.expected_calibration_error(test.labels, p),
                }
                assert {k: v[seed] for k, v in few.values[method][n].items()} == pytest.approx(expected), method


@pytest.mark.parametrize(
    ("names", "widths", "message"),
    [
        (("raw_inputs",), (8,), "a row of its own.*raw_inputs twice"),
        (("mine", "mine_finetuned"), (8, 8), "a row of its own.*mine_finetuned twice"),
        (("small", "large"), (8, 9), "encoders of one architecture.*large with other layers than small"),
    ],
)
def test_encoders_that_cannot_stand_in_one_table_are_an_error(digits, names, widths, message):
    made = {name: encoders.mlp((8, 8, 1), units=(16, width)) for name, width in zip(names, widths)}
    with pytest.raises(UserError, match=message):
        measured(digits, made)


def test_encoders_that_differ_in_strides_only_are_not_of_one_architecture(digits):
    made = {f"stride_{k}": encoders.conv_net((8, 8, 1), filters=(2, 3), first_stride=k) for k in (1, 2)}
    with pytest.raises(UserError, match="stride_2 with other layers than stride_1"):
        measured(digits, made)


def test_targets_are_the_accuracies_of_raw_inputs_on_what_the_curves_look_at(digits):
    few = measured(digits, labels_per_class=(5,))  # fewer than 1,000 test images: all of them
    assert few.targets[5] == pytest.approx(few.values["raw_inputs"][5]["accuracy"])
    assert few.target(5) == pytest.approx(np.mean(few.targets[5]))


def test_embedding_tells_how_far_it_is(digits):
    seen = []
    h = evaluate.embed(None, digits[1])
    np.testing.assert_array_equal(h, digits[1].inputs().reshape(len(h), -1))
    encoder = encoders.mlp((8, 8, 1), units=(4,))
    evaluate.embed(encoder, digits[1][:25], batch_size=10, progress=lambda *step: seen.append(step))
    assert seen == [(10, 25), (20, 25), (25, 25)]


def test_fine_tuning_starts_at_the_probe_and_a_pretrained_encoder_is_no_baseline(digits):
    """With a learning rate of zero the fine-tuned classifier is the linear probe, to the last prediction."""
    few = measured(digits, labels_per_class=(5,), fine_tuning_rate=0.0, scratch_rate=0.0)
    for metric, draws in few.values["encoder_finetuned"][5].items():  # a softmax in float32, and in float64
        assert draws == pytest.approx(few.values["encoder"][5][metric], abs=1e-5 if metric == "ece" else 0), metric
    assert np.ptp(few.curves["from_scratch"][5][0]) == 0


def test_a_run_embeds_train_and_test_once(digits, tmp_path, monkeypatch):
    encoder, seen = encoders.mlp((8, 8, 1), units=(16, 8)), []
    embedding = sys.modules["keras_ssl.evaluate.embedding"]

    def counted(model, images, *arguments):
        if model is encoder:
            seen.append(len(images))
        return networks.predict_in_batches(model, images, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(embedding, "predict_in_batches", counted)
        few = runs.evaluate(encoder, *digits, (1,), seeds=1, steps=1, folder=tmp_path, facts={"dataset": "digits"})
    assert sorted(seen) == [10, 44, 120, 256]  # the labeled samples, and both sets in batches of at most 256
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["dataset"] == "digits"
    assert results["knn"] == evaluate.knn(encoder, *digits)
    assert results["collapse"] == pytest.approx(evaluate.collapse(encoder, digits[1]))
    assert results["accuracy"]["encoder"]["1"] == few.summary()["encoder"][1]
    assert few.values == measured(digits, encoder, labels_per_class=(1,), seeds=1, steps=1).values


def by_hand():
    return evaluate.LabelEfficiency(
        values={
            "raw_inputs": {
                1: {"accuracy": [0.2, 0.4], "f1": [0.1, 0.1]},
                5: {"accuracy": [0.5, 0.7], "f1": [0.2, 0.4]},
            },
            "simclr_finetuned": {1: {"accuracy": [0.6, 0.6], "f1": [0, 1]}, 5: {"accuracy": [0.9, 1.0], "f1": [1, 1]}},
        },
        curves={"simclr_finetuned": {5: [[0.1, 0.5, 0.9], [0.3, 0.7, 1.0]]}},
        checkpoints=(10, 20, 30),
        targets={5: [0.5, 0.7]},
    )


def test_summary_is_mean_and_population_deviation():
    summary = by_hand().summary()
    assert summary["raw_inputs"][1] == pytest.approx({"mean": 0.3, "std": 0.1})
    assert summary["simclr_finetuned"][5] == pytest.approx({"mean": 0.95, "std": 0.05})
    assert by_hand().summary("f1")["simclr_finetuned"][1] == {"mean": 0.5, "std": 0.5}


def test_curve_and_steps_to_a_target():
    curve = by_hand().curve(5)["simclr_finetuned"]
    assert curve["steps"] == [10, 20, 30]
    assert curve["mean"] == pytest.approx([0.2, 0.6, 0.95])
    assert curve["std"] == pytest.approx([0.1, 0.1, 0.05])
    assert by_hand().steps_to(5) == {"simclr_finetuned": 20}
    assert by_hand().steps_to(5, 0.61) == {"simclr_finetuned": 30}
    assert by_hand().steps_to(5, 0.96) == {"simclr_finetuned": None}


def test_table_and_text():
    assert by_hand().table() == [
        ["labels per class", "1", "5"],
        ["raw_inputs", "0.300 ± 0.100", "0.600 ± 0.100"],
        ["simclr_finetuned", "0.600 ± 0.000", "0.950 ± 0.050"],
    ]
    assert by_hand().text().splitlines() == [
        "labels per class    1              5",
        "raw inputs          0.300 ± 0.100  0.600 ± 0.100",
        "SimCLR, fine-tuned  0.600 ± 0.000  0.950 ± 0.050",
    ]


def test_label_counts_are_those_that_every_class_has():
    images = np.zeros((30, 4, 4, 1), "float32")
    assert evaluate.label_counts(data.from_arrays(images, np.arange(30) % 3)) == (1, 5, 10)
    assert evaluate.label_counts(data.from_arrays(images, np.minimum(np.arange(30), 1))) == (1,)
    assert evaluate.label_counts(data.load("digits")) == (1, 5, 10, 100)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps as a whole number at least 1 and at most 300. Received 0"),
        ({"steps": 301}, "steps as a whole number at least 1 and at most 300. Received 301"),
        ({"seeds": 0}, "seeds as a whole number at least 1. Received 0"),
        ({"labels_per_class": ()}, "at least one number of labels"),
        ({"labels_per_class": (1, 100)}, "at least 100 samples of each class"),
        ({"labels_per_class": (0,)}, "labels_per_class as a whole number at least 1"),
        ({"fine_tune": ("simclr",)}, "names of encoders to fine-tune among encoder. Received simclr"),
    ],
)
def test_label_efficiency_refuses_before_any_fit(digits, monkeypatch, changes, message):
    monkeypatch.setattr(sys.modules["keras_ssl.evaluate.label_efficiency"], "fit_linear", None)
    with pytest.raises(UserError, match=message):
        measured(digits, **changes)


def test_label_efficiency_refuses_unlabeled_and_unfit_images(digits):
    train, test = digits
    with pytest.raises(UserError, match="'unlabeled' without labels"):
        measured((data.from_arrays(train.stored, name="unlabeled"), test))
    low = train.labels < 5
    with pytest.raises(UserError, match=r"labels of test in 0\.\.4"):
        measured((data.from_arrays(train.stored[low], train.labels[low]), test))
    with pytest.raises(UserError, match="'unlabeled' without labels"):
        measured((train, data.from_arrays(test.stored, name="unlabeled")))
    with pytest.raises(UserError, match=r"Received shape \(120, 8, 8, 1\)"):
        measured(digits, encoders.mlp((4, 4, 1)))
