"""Scores of predicted probabilities, their calibration, and pictures of both: by hand, and against NumPy and SciPy."""

import keras
import numpy as np
import pytest
from sklearn import metrics

from keras_ssl import evaluate
from keras_ssl.errors import UserError
from keras_ssl.figures import plots

RNG = np.random.default_rng(0)
TWO = np.array([[0.9, 0.1], [0.8, 0.2], [0.8, 0.2], [0.3, 0.7]])  # right, right, wrong, right for the labels below
LABELS = np.array([0, 0, 1, 1])


def random_probabilities(n=200, k=4, sure=2.0):
    logits = sure * RNG.normal(size=(n, k))
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return RNG.integers(0, k, n), p


# ---- calibration -----------------------------------------------------------------------------------------------------


def test_the_calibration_error_by_hand():
    # (0.6, 0.8] holds 0.8, 0.8 and 0.7, of which two are right; (0.8, 1] holds 0.9, which is right
    assert evaluate.expected_calibration_error(LABELS, TWO, bins=5) == pytest.approx((2.3 - 2 + 1 - 0.9) / 4)
    found = evaluate.reliability(LABELS, TWO, bins=5)
    np.testing.assert_array_equal(found["count"], [0, 0, 0, 3, 1])
    np.testing.assert_allclose(found["confidence"], [0, 0, 0, 2.3 / 3, 0.9])
    np.testing.assert_allclose(found["accuracy"], [0, 0, 0, 2 / 3, 1])


@pytest.mark.parametrize("bins", [1, 7, 15])
def test_the_calibration_error_is_that_of_a_loop_over_the_bins(bins):
    labels, p = random_probabilities()
    error, sure = 0.0, p.max(axis=1)
    for m in range(1, bins + 1):
        inside = ((m - 1) / bins < sure) & (sure <= m / bins)
        if inside.any():
            right = (p.argmax(axis=1) == labels)[inside].mean()
            error += inside.sum() / len(p) * abs(right - sure[inside].mean())
    assert evaluate.expected_calibration_error(labels, p, bins) == pytest.approx(error)


def test_a_temperature_by_hand():
    # p = 0.9 has the logit log 9; three of four are right, and the logit of 0.75 is log 3: T = log 9 / log 3 = 2
    p = np.tile([0.9, 0.1], (4, 1))
    labels = np.array([0, 0, 0, 1])
    assert evaluate.fit_temperature(labels, p) == pytest.approx(2, abs=1e-3)  # SciPy stops at 1e-5 in log T
    np.testing.assert_allclose(evaluate.at_temperature(p, 2), np.tile([0.75, 0.25], (4, 1)))
    assert evaluate.expected_calibration_error(labels, evaluate.at_temperature(p, 2)) == pytest.approx(0, abs=1e-12)


def test_a_temperature_undoes_another_and_keeps_the_classes():
    _, p = random_probabilities()
    labels = np.array([RNG.choice(4, p=row) for row in p])  # the probabilities are the true ones
    best = evaluate.fit_temperature(labels, p)
    too_sure = evaluate.at_temperature(p, 0.5)
    np.testing.assert_array_equal(too_sure.argmax(axis=1), p.argmax(axis=1))
    np.testing.assert_allclose(evaluate.at_temperature(too_sure, 2), p, atol=1e-9)
    np.testing.assert_allclose(evaluate.at_temperature(p, 1), p, atol=1e-12)
    assert evaluate.fit_temperature(labels, too_sure) == pytest.approx(2 * best, rel=1e-3)
    assert best == pytest.approx(1, abs=0.3)  # of 200 samples the standard deviation is about 0.1
    # where all are right, being surer is always better
    assert evaluate.fit_temperature(p.argmax(axis=1), p) == 0.05
    assert evaluate.fit_temperature([0, 1], np.eye(2)) == 0.05  # where the loss is flat


def test_probabilities_in_half_precision_are_read():
    p = keras.ops.convert_to_tensor([[0.75, 0.25], [0.25, 0.75]], "bfloat16")
    assert evaluate.classification_scores([0, 1], p)["nll"] == pytest.approx(-np.log(0.75))


def test_a_temperature_minds_a_sure_mistake():
    """One wrong label among 200 must not be given up, so that all others become as sure as they can."""
    p = np.append(np.tile([0.8, 0.2], (199, 1)), [[1 - 1e-10, 1e-10]], axis=0)
    labels = np.append(np.zeros(199, int), 1)

    def loss(t):
        return np.mean(np.log1p(np.exp(np.append(np.full(199, -np.log(4)), np.log(1e10)) / t)))

    grid = np.exp(np.linspace(np.log(0.05), np.log(20), 2000))
    best = grid[np.argmin([loss(t) for t in grid])]
    assert 0.3 < best < 1
    assert evaluate.fit_temperature(labels, p) == pytest.approx(best, rel=5e-3)  # the grid's steps are 3e-3


def test_a_probability_of_zero_is_no_infinite_loss():
    found = evaluate.classification_scores([0, 1], np.array([[0.0, 1.0], [0.0, 1.0]]))
    assert found["nll"] == pytest.approx(-np.log(1e-12) / 2)
    assert np.isfinite(evaluate.fit_temperature([0, 1], np.array([[0.0, 1.0], [0.0, 1.0]])))


# ---- scores ----------------------------------------------------------------------------------------------------------


def test_scores_of_probabilities_by_hand():
    p = np.array([[0.9, 0.1], [0.4, 0.6], [0.6, 0.4], [0.2, 0.8]], "float32")
    found = evaluate.classification_scores(LABELS, p, top=1)
    assert found["accuracy"] == found["top_k"] == 0.5
    assert found["auroc"] == pytest.approx(3 / 4)  # of four pairs one is in the wrong order, of both classes
    assert found["average_precision"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["nll"] == pytest.approx(-np.log(0.9 * 0.4 * 0.4 * 0.8) / 4)
    assert found["ece"] == pytest.approx(evaluate.expected_calibration_error(LABELS, p))
    assert evaluate.classification_scores(LABELS, p)["top_k"] == 1
    alike = evaluate.classification_scores(LABELS, np.full((4, 2), 0.5), top=1)
    assert alike["top_k"] == alike["accuracy"] == 0.5  # of equal probabilities the first class is the prediction


def test_scores_of_probabilities_are_those_of_scikit_learn():
    labels, p = random_probabilities(k=6)
    found = evaluate.classification_scores(labels, p, top=3)
    assert found["auroc"] == pytest.approx(metrics.roc_auc_score(labels, p, multi_class="ovr", average="macro"))
    assert found["average_precision"] == pytest.approx(metrics.average_precision_score(np.eye(6)[labels], p))
    assert found["top_k"] == pytest.approx(metrics.top_k_accuracy_score(labels, p, k=3))
    assert found["nll"] == pytest.approx(metrics.log_loss(labels, p))
    assert {key: found[key] for key in ("accuracy", "precision", "recall", "f1")} == evaluate.scores(
        labels, p.argmax(axis=1)
    )


def test_a_class_that_does_not_occur_is_left_out_of_the_rankings():
    p = np.array([[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.5, 0.4, 0.1]])
    found = evaluate.classification_scores([0, 1, 0], p)
    assert found["auroc"] == found["average_precision"] == 1


def test_scores_of_several_labels_by_hand():
    y = np.array([[1, 0], [1, 1], [0, -1]])
    p = np.array([[0.9, 0.2], [0.4, 0.7], [0.6, 0.9]])
    assert evaluate.multi_label_scores(y, p) == pytest.approx(
        {
            "accuracy": 3 / 5,
            "exact": 1 / 3,
            "precision": (1 / 2 + 1) / 2,
            "recall": (1 / 2 + 1) / 2,
            "f1": (1 / 2 + 1) / 2,
            "micro_f1": 2 * 2 / (3 + 3),
            "auroc": (1 / 2 + 1) / 2,
            "average_precision": ((1 + 2 / 3) / 2 + 1) / 2,
        }
    )


def test_scores_of_several_labels_are_those_of_scikit_learn():
    y, p = RNG.integers(0, 2, (50, 3)), RNG.random((50, 3))
    found = evaluate.multi_label_scores(y, p, threshold=0.3)
    assert found["f1"] == pytest.approx(metrics.f1_score(y, p >= 0.3, average="macro"))
    assert found["micro_f1"] == pytest.approx(metrics.f1_score(y, p >= 0.3, average="micro"))
    assert found["exact"] == pytest.approx(metrics.accuracy_score(y, p >= 0.3))
    assert found["auroc"] == pytest.approx(metrics.roc_auc_score(y, p, average="macro"))
    hidden = np.where(RNG.random((50, 3)) < 0.3, -1, y)
    assert evaluate.multi_label_scores(hidden, np.where(hidden < 0, 1 - p, p)) == evaluate.multi_label_scores(hidden, p)
    assert evaluate.multi_label_scores(np.where(hidden < 0, np.nan, y), p) == evaluate.multi_label_scores(hidden, p)


@pytest.mark.parametrize(
    ("labels", "p", "message"),
    [
        (LABELS, np.log(TWO), "softmax"),
        (LABELS, 0.4 * TWO, "multi_label_scores"),
        (LABELS, np.where(TWO == 0.7, np.nan, TWO), "row 3"),
        (LABELS, TWO[:, 0], r"\(n, k\)"),
        (LABELS[:3], TWO, "one label for each"),
        (LABELS + 1, TWO, r"labels in 0\.\.1"),
        (np.zeros(4, int), TWO, "at least 2 classes"),
    ],
)
def test_what_are_no_probabilities_of_the_labels(labels, p, message):
    with pytest.raises(UserError, match=message):
        evaluate.classification_scores(labels, p)


@pytest.mark.parametrize(
    ("y", "p", "message"),
    [
        ([[1, 0]], [[0.5, 1.5]], "sigmoid"),
        ([[1, 0]], [[0.5, np.nan]], "probabilities in"),
        ([[1, 2]], [[0.5, 0.5]], r"labels \(n, k\)"),
        ([1, 0], [0.5, 0.5], r"labels \(n, k\)"),
        ([[1, 0], [1, -1]], [[0.5, 0.5], [0.5, 0.5]], "0 and 1"),
    ],
)
def test_what_are_no_probabilities_of_several_labels(y, p, message):
    with pytest.raises(UserError, match=message):
        evaluate.multi_label_scores(np.array(y), np.array(p))


def test_numbers_out_of_range():
    with pytest.raises(UserError, match="bins"):
        evaluate.reliability(LABELS, TWO, bins=0)
    with pytest.raises(UserError, match="t above 0"):
        evaluate.at_temperature(TWO, 0)
    with pytest.raises(UserError, match="threshold"):
        evaluate.multi_label_scores(np.array([[1], [0]]), np.array([[0.1], [0.2]]), threshold=1)


# ---- pictures --------------------------------------------------------------------------------------------------------


def test_a_reliability_diagram_shows_the_bins():
    bins = evaluate.reliability(LABELS, TWO, bins=5)
    figure = plots.reliability_diagram({"before": bins, "after": evaluate.reliability(LABELS, TWO, bins=2)})
    assert len(figure.axes) == 4
    above, below = figure.axes[0], figure.axes[2]
    shared, over, under = ([(bar.get_y(), bar.get_height()) for bar in bars] for bars in above.containers)
    np.testing.assert_allclose([bar.get_x() for bar in above.containers[0]], [0.6, 0.8])
    np.testing.assert_allclose(shared, [(0, 2 / 3), (0, 0.9)])
    np.testing.assert_allclose(over, [(2 / 3, 0), (0.9, 0.1)], atol=1e-12)  # accuracies are 2/3 and 1
    np.testing.assert_allclose(under, [(2 / 3, 0.1), (0.9, 0)], atol=1e-12)  # confidences 0.767 and 0.9
    np.testing.assert_allclose([bar.get_height() for bar in below.containers[0]], [0, 0, 0, 0.75, 0.25])
    np.testing.assert_allclose([line.get_xdata()[0] for line in below.get_lines()], [0.8, 0.75])
    assert above.get_title(loc="left") == "before: ECE 0.100"
    assert "after: ECE" in figure.get_label()
    assert len(plots.reliability_diagram(bins).axes) == 2
    for wrong in ({}, {"a": TWO}, {"a": {**bins, "count": np.zeros(5)}}):
        with pytest.raises(UserError, match="bins with count"):
            plots.reliability_diagram(wrong)


def test_class_scores_are_sorted_by_f1():
    labels, predictions = [0, 0, 0, 1, 2, 2], [0, 0, 1, 1, 1, 2]
    figure = plots.class_scores(labels, predictions, ["ash", "birch", "cedar"])
    (axes,) = figure.axes
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == ["birch  (1)", "cedar  (2)", "ash  (3)"]
    np.testing.assert_allclose([bar.get_width() for bar in axes.containers[0]], [1 / 2, 2 / 3, 4 / 5])
    precision, recall = axes.get_lines()
    np.testing.assert_allclose(precision.get_xdata(), [1 / 3, 1, 1])
    np.testing.assert_allclose(recall.get_xdata(), [1, 1 / 2, 2 / 3])
    assert "the lowest is that of birch, 0.500" in figure.get_label()
    with pytest.raises(UserError, match=r"predictions in 0\.\.1"):
        plots.class_scores([0, 1], [0, 2], ["a", "b"])
    with pytest.raises(UserError, match="one label for each"):
        plots.class_scores([0, 1], [0])


def test_the_surest_mistakes_come_first():
    images = np.arange(5)[:, None, None, None] * np.full((1, 2, 2, 1), 0.2)
    p = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.3, 0.7], [1.0, 0.0]])
    figure = plots.confident_mistakes(images, [0, 0, 1, 0, 1], p, ["cat", "dog"], count=3)
    shown = [axis.get_images()[0].get_array()[0, 0] for axis in figure.axes]
    np.testing.assert_allclose(shown, [0.8, 0.2, 0.6], atol=1e-6)
    assert figure.axes[1].get_xlabel() == "dog: 0.800\ntrue: cat"
    assert "4 of 5 predictions are wrong, of which 3 are drawn" in figure.get_label()
    assert plots.confident_mistakes(images, p.argmax(axis=1), p).axes == []
    seven = plots.confident_mistakes(np.zeros((7, 2, 2, 1)), np.zeros(7, int), np.tile([0.1, 0.9], (7, 1)))
    assert len(seven.axes) == 7  # in two rows, of which the second is not full
    for given in ({"labels": [0, 1]}, {"probabilities": p[:3]}, {"class_names": ["cat"]}, {"count": 0}):
        with pytest.raises(UserError):
            plots.confident_mistakes(**({"images": images, "labels": [0] * 5, "probabilities": p} | given))
