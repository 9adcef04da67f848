"""Detectors of anomalies: scores by hand and against SciPy and scikit-learn, what they refuse, and their export."""

import keras
import numpy as np
import pytest
from cases import SHAPE, convolutional, tokens
from scipy.spatial import distance
from sklearn import metrics
from sklearn.covariance import LedoitWolf

from keras_ssl import blocks, encoders, evaluate, export, objectives
from keras_ssl.errors import UserError
from keras_ssl.export import parity
from keras_ssl.specs import specs_of

RNG = np.random.default_rng(0)
ROWS = RNG.normal(size=(30, 3)).astype("float32") * [1, 2, 0.5] + 4
NEW = RNG.normal(size=(7, 3)).astype("float32") * 3 + 4
IMAGES = RNG.random((9, *SHAPE)).astype("float32")


def column(*values):
    return np.array(values, "float32")[:, None]


# ---- neighbors -------------------------------------------------------------------------------------------------------


def test_distances_of_neighbors_by_hand():
    nearest = evaluate.NeighborDetector(None, neighbors=1, normalize=False).fit(column(0, 1, 3))
    np.testing.assert_allclose(nearest.normal_scores, [1, 1, 2])  # each without itself
    np.testing.assert_allclose(nearest.score(column(5, 0, 0.5)), [2, 0, 0.5])
    second = evaluate.NeighborDetector(None, neighbors=2, normalize=False).fit(column(0, 1, 3))
    np.testing.assert_allclose(second.normal_scores, [3, 2, 3])
    np.testing.assert_allclose(second.score(column(5, 0)), [4, 1])


def test_directions_of_neighbors_by_hand():
    detector = evaluate.NeighborDetector(None, neighbors=1).fit(np.array([[1.0, 0], [0, 7], [-2, 0]]))
    # cos 45° = √½, and the distance of unit vectors is √(2 - 2 cos)
    np.testing.assert_allclose(detector.score(np.array([[2.0, 2], [0, 0.1]])), [np.sqrt(2 - np.sqrt(2)), 0], atol=1e-6)


@pytest.mark.parametrize("neighbors", [1, 5])
def test_distances_of_neighbors_are_scipys(neighbors):
    detector = evaluate.NeighborDetector(None, neighbors, normalize=False).fit(ROWS)
    expected = np.sort(distance.cdist(NEW, ROWS), axis=1)[:, neighbors - 1]
    np.testing.assert_allclose(detector.score(NEW), expected, rtol=1e-5)
    inside = np.sort(distance.cdist(ROWS, ROWS), axis=1)[:, neighbors]
    np.testing.assert_allclose(detector.normal_scores, inside, rtol=1e-5)


# ---- Mahalanobis -----------------------------------------------------------------------------------------------------


def test_mahalanobis_by_hand():
    # the covariance is I / 2, which shrinking leaves as it is
    detector = evaluate.MahalanobisDetector(None).fit(np.array([[1.0, 0], [-1, 0], [0, 1], [0, -1]]) + 3)
    np.testing.assert_allclose(detector.score(np.array([[4.0, 4], [3, 3]])), [2, 0], atol=1e-5)
    np.testing.assert_allclose(detector.normal_scores, np.sqrt(2), rtol=1e-5)


def test_mahalanobis_is_that_of_the_shrunk_covariance():
    detector = evaluate.MahalanobisDetector(None).fit(ROWS)
    np.testing.assert_allclose(detector.score(NEW) ** 2, LedoitWolf().fit(ROWS).mahalanobis(NEW), rtol=1e-4)
    turned = np.linalg.qr(RNG.normal(size=(3, 3)))[0]
    other = evaluate.MahalanobisDetector(None).fit(5 * ROWS @ turned)
    np.testing.assert_allclose(other.score(5 * NEW @ turned), detector.score(NEW), rtol=1e-4)


# ---- reconstruction --------------------------------------------------------------------------------------------------


class Half:
    """A model that can only reconstruct, and does it badly."""

    def reconstruct(self, x):
        return x / 2


def test_errors_of_reconstruction_by_hand():
    detector = evaluate.ReconstructionDetector(Half(), batch_size=2).fit(np.array([[2.0, 0], [0, 4], [2, 2]]))
    np.testing.assert_allclose(detector.normal_scores, [1 / 2, 4 / 2, (1 + 1) / 2])
    np.testing.assert_allclose(detector.score(np.array([[0.0, 6]])), [9 / 2])


@pytest.mark.parametrize(
    ("kind", "encoder"), [(objectives.MaskedAutoencoder, tokens), (objectives.Inpainting, convolutional)]
)
def test_every_sample_has_the_same_parts_hidden(kind, encoder):
    objective = kind(encoder())
    detector = evaluate.ReconstructionDetector(objective, draws=3).fit(IMAGES[:3])
    found = detector.score(IMAGES[:3])
    np.testing.assert_allclose(detector.score(IMAGES[2::-1]), found[::-1], rtol=1e-5)
    np.testing.assert_allclose(detector.score(IMAGES[1:2]), found[1:2], rtol=1e-5)
    copies = np.repeat(IMAGES[:1], 3, axis=0)
    expected = np.mean((np.array(objective.reconstruct(copies)) - copies) ** 2)
    assert found[0] == pytest.approx(expected, rel=1e-5)


# ---- density ---------------------------------------------------------------------------------------------------------


class Uncertain:
    """A model whose weights are known: log w is minus the sum of an image, plus the noise."""

    latent_dim = 1

    def log_weights(self, images, noise):
        return noise[:, :, 0] - keras.ops.sum(images, axis=(1, 2, 3))


def test_densities_by_hand():
    total = IMAGES.sum(axis=(1, 2, 3))
    many = evaluate.negative_log_likelihoods(Uncertain(), IMAGES, samples=2000)
    # E exp(noise) = exp(1/2); the estimate's standard deviation is √((e - 1) / 2000) = 0.03
    np.testing.assert_allclose(many, total - 1 / 2, atol=0.15)
    bound = evaluate.negative_log_likelihoods(Uncertain(), IMAGES, samples=2000, bound="elbo")
    np.testing.assert_allclose(bound, total, atol=0.12)  # 1 / √2000 = 0.022
    few = {"samples": 7, "chunk": 3, "batch_size": 4}
    for name, mean in (("elbo", evaluate.negative_elbo), ("importance", evaluate.importance_weighted_nll)):
        each = evaluate.negative_log_likelihoods(Uncertain(), IMAGES, bound=name, **few)
        assert mean(Uncertain(), IMAGES, **few) == pytest.approx(each.mean())
    scores = evaluate.DensityDetector(Uncertain(), draws=500).fit(IMAGES).score(IMAGES)
    assert (scores.argmin(), scores.argmax()) == (total.argmin(), total.argmax())


def test_density_of_a_variational_autoencoder():
    vae = objectives.VariationalAutoencoder(encoders.mlp(SHAPE, (4,), output_activation="relu"), latent_dim=2)
    detector = evaluate.DensityDetector(vae, draws=2, bound="elbo").fit(IMAGES)
    assert detector.normal_scores.mean() == pytest.approx(evaluate.negative_elbo(vae, IMAGES, samples=2))


# ---- thresholds, metrics ---------------------------------------------------------------------------------------------


def test_a_threshold_is_a_quantile_of_normal_samples():
    detector = evaluate.NeighborDetector(None, neighbors=1, normalize=False).fit(column(0, 1, 3))
    assert detector.threshold(0.5) == 1
    assert detector.threshold(0.75) == 1.5
    assert detector.threshold(0.5, normal=column(5, 6, 9)) == 3
    for wrong in (0, 1, 95):
        with pytest.raises(UserError, match="quantile"):
            detector.threshold(wrong)


def test_metrics_by_hand():
    found = evaluate.anomaly_metrics([0, 0, 1, 1, 0], [0.1, 0.4, 0.35, 0.8, 0.2])
    # of six pairs one is in the wrong order; the ranks of the anomalies are 1 and 3
    expected = {"auroc": 5 / 6, "average_precision": (1 + 2 / 3) / 2, "precision_at_n": 1 / 2}
    assert found == pytest.approx(expected)
    assert evaluate.anomaly_metrics([0, 0, 1, 1, 0], [0.1, 0.4, 0.35, 0.8, 0.2], n=3)["precision_at_n"] == 2 / 3


def test_equal_scores_count_in_proportion():
    assert evaluate.anomaly_metrics([1, 0, 0, 0], [2, 2, 2, 1])["precision_at_n"] == pytest.approx(1 / 3)
    assert evaluate.anomaly_metrics([True, True, False, False], [3, 2, 2, 1])["precision_at_n"] == pytest.approx(3 / 4)


def test_metrics_are_those_of_scikit_learn_and_know_only_ranks():
    known, scores = RNG.random(60) < 0.2, RNG.normal(size=60)
    found = evaluate.anomaly_metrics(known, scores)
    assert found["auroc"] == pytest.approx(metrics.roc_auc_score(known, scores))
    assert found["average_precision"] == pytest.approx(metrics.average_precision_score(known, scores))
    assert found == evaluate.anomaly_metrics(known, np.exp(scores))
    assert evaluate.anomaly_metrics(known, -scores)["auroc"] == pytest.approx(1 - found["auroc"])


# ---- what is refused -------------------------------------------------------------------------------------------------


def a_neighbor(**arguments):
    return evaluate.NeighborDetector(None, **({"neighbors": 2, "normalize": False} | arguments))


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: a_neighbor().fit(column(0, 1)), "more normal rows than 2 neighbors"),
        (lambda: a_neighbor().fit(column(1, 1, 1)), "normal rows that differ"),
        (lambda: evaluate.MahalanobisDetector(None).fit(column(1, 1, 1)), "normal rows that differ"),
        (lambda: evaluate.ReconstructionDetector(Half()).fit(column(1, 1)), "normal rows that differ"),
        (lambda: a_neighbor(normalize=True).fit(column(1, 2, 3)), "normalize=False"),
        (lambda: a_neighbor().fit(column(0, 1, np.nan)), "finite"),
        (lambda: a_neighbor().fit(column(0, 1, 2)).score(column(np.nan)), "finite"),
        (lambda: a_neighbor().fit(column(0, 1, 2)).score(np.zeros((2, 3), "float32")), "1 features"),
        (lambda: evaluate.MahalanobisDetector(None).fit(ROWS).score(column(1, 2)), "3 features"),
        (lambda: a_neighbor().score(column(1)), r"call `detector.fit"),
        (lambda: a_neighbor().threshold(), r"call `detector.fit"),
        (lambda: a_neighbor().model(), r"call `detector.fit"),
        (lambda: a_neighbor().fit(column(0, 1, 2)).model(), "with an encoder"),
        (lambda: a_neighbor(neighbors=0), "neighbors"),
        (lambda: evaluate.ReconstructionDetector(encoders.mlp(SHAPE, (4,))), "`reconstruct`"),
        (lambda: evaluate.ReconstructionDetector(Half(), draws=0), "draws"),
        (lambda: evaluate.DensityDetector(Half()), "`log_weights`"),
        (lambda: evaluate.DensityDetector(Uncertain(), bound="other"), "bound"),
        (lambda: evaluate.negative_log_likelihoods(Uncertain(), IMAGES, bound="other"), "bound"),
        (lambda: blocks.NeighborDistance(3, neighbors=4), "neighbors at most 3|neighbors as a whole"),
        (lambda: evaluate.anomaly_metrics([0, 0], [1, 2]), "of one sort"),
        (lambda: evaluate.anomaly_metrics([0, 1], [1, np.nan]), "finite scores"),
        (lambda: evaluate.anomaly_metrics([0, 2], [1, 2]), "booleans"),
        (lambda: evaluate.anomaly_metrics([0, 1], [1]), "as many scores"),
        (lambda: evaluate.anomaly_metrics([0, 1], [1, 2], n=3), "n as"),
    ],
)
def test_what_cannot_be_scored(act, message):
    with pytest.raises(UserError, match=message):
        act()


def test_a_collapsed_encoder_and_scores_that_are_not_finite():
    inputs = keras.Input((3,), name="row")
    point = keras.Model(inputs, keras.layers.Dense(2, kernel_initializer="zeros", bias_initializer="ones")(inputs))
    for detector in (evaluate.NeighborDetector(point, 2), evaluate.MahalanobisDetector(point)):
        with pytest.raises(UserError, match="collapsed"):
            detector.fit(ROWS)

    class Broken(Half):
        def reconstruct(self, x):
            return np.where(x > 2, np.nan, x)

    with pytest.raises(UserError, match=r"finite scores.*index 1"):
        evaluate.ReconstructionDetector(Broken()).fit(column(1, 3))


# ---- export ----------------------------------------------------------------------------------------------------------


def test_both_distances_are_served_as_they_are_computed(tmp_path):
    encoder = encoders.mlp(SHAPE, (6, 4))
    nearest = evaluate.NeighborDetector(encoder, neighbors=3).fit(IMAGES)
    mahalanobis = evaluate.MahalanobisDetector(objectives.Autoencoder(encoder)).fit(IMAGES)
    models = {"neighbors": nearest.model(), "serving_default": mahalanobis.model()}
    assert specs_of(models["neighbors"]) == specs_of(encoder)
    version = export.deploy(encoder, tmp_path / "anomaly", samples=IMAGES, signatures=models)
    for name, detector in (("neighbors", nearest), ("serving_default", mahalanobis)):
        runtimes = (
            parity.saved_model_runtime(version, name)[0],
            parity.onnx_runtime(version / ("model.onnx" if name == "serving_default" else "neighbors.onnx")),
        )
        for run in runtimes:
            # float32 against float64
            np.testing.assert_allclose(run(IMAGES)["score"], detector.score(IMAGES), rtol=1e-3, atol=1e-4)


def test_a_model_of_the_score_is_saved_and_loaded(tmp_path):
    inputs = keras.Input((3,), name="row")
    encoder = keras.Model(inputs, keras.layers.Dense(2)(inputs))
    for detector in (evaluate.NeighborDetector(encoder, 2, normalize=False), evaluate.MahalanobisDetector(encoder)):
        model = detector.fit(ROWS).model()
        model.save(tmp_path / "score.keras")
        loaded = keras.models.load_model(tmp_path / "score.keras")
        found = np.array(loaded(NEW)["score"])
        np.testing.assert_allclose(found, detector.score(NEW), rtol=1e-4, atol=1e-5)


def test_distances_of_samples_far_from_zero_are_exact():
    far = evaluate.NeighborDetector(None, 1, normalize=False).fit(ROWS + 1000)
    layer = blocks.NeighborDistance(len(ROWS), 1)
    layer.build((None, 3))
    layer.known.assign(far.known)
    layer.center.assign(far.known.mean(axis=0))
    # 1000 in float32 is off by 3e-5
    np.testing.assert_allclose(np.array(layer((NEW + 1000).astype("float32"))), far.score(NEW + 1000), atol=5e-4)
