"""Figures that need no labels: by hand, against NumPy, in the logs, and a training that does not notice them."""

import keras
import numpy as np
import pytest
from cases import SHAPE
from hypothesis import given, settings
from hypothesis import strategies as st

from keras_ssl import data, encoders, evaluate, measures, objectives, views
from keras_ssl.callbacks import LabelFree
from keras_ssl.errors import UserError

RNG = np.random.default_rng(0)
Z = RNG.normal(size=(40, 6)).astype("float32")
VIEWS = (Z[:, None] * [1, 1, 1, 2, 2, 2] + 0.3 * RNG.normal(size=(40, 4, 6))).astype("float32")
IMAGES = RNG.random((12, *SHAPE)).astype("float32")


def fainter(images, seed):
    """Images at random brightnesses."""
    key = keras.ops.cast(seed, "float32")
    return images * (0.5 + 0.4 * keras.ops.sin(key[0] + 0.01 * key[1]))


def spectrum(deviations, n=30, seed=0):
    """Samples of mean 0 whose covariance has these standard deviations, in random directions."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, len(deviations)))
    x, _ = np.linalg.qr(x - x.mean(axis=0))
    rotation, _ = np.linalg.qr(rng.normal(size=(len(deviations), len(deviations))))
    return ((x * deviations) @ rotation).astype("float32")


def entropy_rank(values):
    p = np.asarray(values) / np.sum(values)
    p = p[p > 1e-12]
    return np.exp(-(p * np.log(p)).sum())


# ---- by hand ---------------------------------------------------------------------------------------------------------


def test_rank_me_by_hand():
    assert float(measures.rank_me(np.eye(4, dtype="float32"))) == pytest.approx(4, rel=1e-5)
    two = np.array([[2, 0], [-2, 0], [0, 1], [0, -1]], "float32")  # singular values √8 and √2
    assert float(measures.rank_me(two)) == pytest.approx(entropy_rank([2, 1]), rel=1e-5)
    assert float(measures.rank_me(np.ones((5, 3), "float32"))) == pytest.approx(1, abs=1e-4)  # an offset is a direction
    assert float(measures.rank_me(Z - Z.mean(axis=0))) == pytest.approx(float(measures.effective_rank(Z)), rel=1e-4)


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 2.0])
def test_alpha_is_the_exponent_of_the_eigenvalues(alpha):
    z = spectrum(np.arange(1, 9) ** (-alpha / 2))
    assert float(measures.alpha_req(z)) == pytest.approx(alpha, abs=1e-3)
    assert float(measures.alpha_req(100 * z + 3)) == pytest.approx(alpha, abs=1e-3)


def test_alpha_counts_each_octave_alike():
    # the line through log λ at i = 1, 2, 4, all with weight 1/i, worked out from the normal equations
    deviations = np.array([1.0, 0.8, 0.5, 0.4])
    i, w = np.arange(1, 5), 1 / np.arange(1, 5)
    slope, _ = np.polyfit(np.log(i), 2 * np.log(deviations), 1, w=np.sqrt(w))
    assert float(measures.alpha_req(spectrum(deviations))) == pytest.approx(-slope, abs=1e-3)
    # directions without variance do not count
    assert float(measures.alpha_req(spectrum([*deviations, 0, 0]))) == pytest.approx(-slope, abs=1e-3)


def test_alpha_of_a_line_and_of_a_point_is_infinite():
    assert float(measures.alpha_req(spectrum([1.0, 0.0, 0.0]))) == np.inf
    assert float(measures.alpha_req(np.ones((5, 3), "float32"))) == np.inf


def test_lidar_by_hand():
    # centers have variance 1 in both directions, views 0.1² and 0.2²: the eigenvalues are 100 and 25
    centers = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]], "float32")
    views_of = centers[:, None] + np.array([0.1, 0.2], "float32") * centers
    assert float(measures.lidar(views_of)) == pytest.approx(entropy_rank([0.8, 0.2]), rel=1e-3)  # 1e-4 is added
    # of equal views what is left are the centers: two directions
    assert float(measures.lidar(np.repeat(centers[:, None], 2, axis=1))) == pytest.approx(2, rel=1e-3)
    assert float(measures.lidar(np.ones((4, 2, 3), "float32"))) == pytest.approx(1, rel=1e-3)


def test_alignment_and_uniformity_by_hand():
    first, second = np.array([[1, 0], [0, 2.0]]), np.array([[0, 3.0], [0, 1]])
    assert float(measures.alignment(first, second)) == pytest.approx((2 + 0) / 2, rel=1e-6)
    assert float(measures.alignment(first, second, alpha=1)) == pytest.approx(np.sqrt(2) / 2, rel=1e-6)
    axes = np.array([[1, 0], [-5, 0], [0, 1], [0, -2.0]])
    expected = np.log((2 * np.exp(-2 * 4) + 4 * np.exp(-2 * 2)) / 6)  # of six pairs two are opposite
    assert float(measures.uniformity(axes)) == pytest.approx(expected, rel=1e-5)
    assert float(measures.uniformity(axes[:2])) == pytest.approx(-8, rel=1e-5)
    assert float(measures.uniformity(np.ones((3, 2)))) == pytest.approx(0, abs=1e-5)


# ---- against NumPy ---------------------------------------------------------------------------------------------------


def reference_lidar(z, delta=1e-4):
    """The paper's matrices, one by one."""
    centers = z.mean(axis=1)
    between = np.mean([np.outer(c, c) for c in centers - centers.mean(axis=0)], axis=0)
    within = np.mean([np.outer(v, v) for v in (z - centers[:, None]).reshape(-1, z.shape[-1])], axis=0)
    within += delta * np.trace(within) / len(within) * np.eye(len(within))
    values, vectors = np.linalg.eigh(within)
    root = vectors / np.sqrt(values) @ vectors.T
    return entropy_rank(np.maximum(np.linalg.eigvalsh(root @ between @ root), 0))


@settings(max_examples=8)
@given(st.integers(5, 20), st.integers(3, 5), st.integers(2, 8), st.integers(0, 1000))
def test_equal_numpy(n, q, d, seed):
    rng = np.random.default_rng(seed)
    z = rng.normal(1, 2, (n, 1, d)) + rng.normal(0, 0.5, (n, q, d)) * rng.random(d)
    # eigenvalues in float32 are off by up to 1e-6 of the largest, 1e-2 of the 1e-4 that is added to the smallest
    assert float(measures.lidar(z.astype("float32"))) == pytest.approx(reference_lidar(z), rel=0.01)
    h = z[:, 0]
    unit = h / np.linalg.norm(h, axis=1, keepdims=True)
    square = [np.sum((unit[i] - unit[j]) ** 2) for i in range(n) for j in range(i)]
    assert float(measures.uniformity(h)) == pytest.approx(np.log(np.mean(np.exp(-2 * np.array(square)))), abs=1e-4)
    assert float(measures.rank_me(h)) == pytest.approx(entropy_rank(np.linalg.svd(h, compute_uv=False)), rel=1e-3)


FIGURES = {
    "rank_me": lambda z: measures.rank_me(z[:, 0]),
    "alpha": lambda z: measures.alpha_req(z[:, 0]),
    "lidar": measures.lidar,
    "alignment": lambda z: measures.alignment(z[:, 0], z[:, 1]),
    "uniformity": lambda z: measures.uniformity(z[:, 0]),
}


@pytest.mark.parametrize("name", FIGURES)
def test_neither_scale_nor_order_nor_rotation_matters(name):
    rotation = np.linalg.qr(RNG.normal(size=(6, 6)))[0].astype("float32")
    expected = float(FIGURES[name](VIEWS))
    for changed in (1e3 * VIEWS, 1e-3 * VIEWS, VIEWS[::-1], VIEWS @ rotation):
        assert float(FIGURES[name](changed)) == pytest.approx(expected, rel=1e-3)


def test_lidar_does_not_count_what_only_views_change():
    noise = RNG.normal(size=(40, 4, 6)).astype("float32")  # as large in all six directions
    signal = np.concatenate([5 * Z[:, None, :2], np.zeros((40, 1, 4))], axis=-1).astype("float32")
    lidar, rank = float(measures.lidar(signal + noise)), float(measures.rank_me((signal + noise)[:, 0]))
    # two directions tell samples apart, all six hold noise; over five seeds 2.11 to 2.22, and 4.27 to 4.54
    assert lidar < 2.5 < 4 < rank


# ---- of an encoder ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def encoder():
    """A small dense network."""
    return encoders.mlp(SHAPE, (6, 4))


def test_the_figures_are_those_of_the_measures(encoder):
    h = evaluate.embed(encoder, IMAGES)
    found = evaluate.label_free(encoder, IMAGES)
    assert found == evaluate.label_free_of_features(h)
    assert list(found) == ["rank_me", "effective_rank", "dimensions", "std", "alpha", "uniformity"]
    assert found["rank_me"] == float(measures.rank_me(h))
    assert found["std"] == float(measures.feature_std(h))
    assert evaluate.label_free(encoder, IMAGES, limit=5) == evaluate.label_free_of_features(h[:5])
    both = evaluate.label_free_of_features(Z, VIEWS)
    assert both["lidar"] == float(measures.lidar(VIEWS))
    pairs = [float(measures.alignment(VIEWS[:, k], VIEWS[:, k + 1])) for k in (0, 2)]
    assert both["alignment"] == pytest.approx(np.mean(pairs), rel=1e-5)


@pytest.mark.parametrize("policy", [fainter, views.pair(fainter)], ids=["policy", "pair"])
def test_views_are_drawn_from_the_seed(encoder, policy):
    first = evaluate.label_free(encoder, IMAGES, policy, count=4, seed=3)
    assert first == evaluate.label_free(encoder, IMAGES, policy, count=4, seed=3)
    other = evaluate.label_free(encoder, IMAGES, policy, count=4, seed=4)
    assert other["alignment"] != first["alignment"]
    assert other["rank_me"] == first["rank_me"]
    assert 0 < first["alignment"] < 2
    assert 1 <= first["lidar"] <= 4


def brightest(images, seed):
    return keras.ops.ones_like(images) + 0 * keras.ops.cast(seed[0], "float32")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"views": brightest}, "differ"),
        ({"views": views.twice()}, "differ"),
        ({"views": views.captioned(fainter)}, "differ"),
        ({"views": 3}, "a policy"),
        ({"views": lambda x, seed: fainter(x, seed)[:, :4]}, "'view_1' of shape"),
        ({"views": fainter, "count": 3}, "even number"),
        ({"views": fainter, "seed": -1}, "seed"),
        ({"views": fainter, "encoder": None}, "an encoder"),
        ({"samples": IMAGES * np.nan}, "finite"),
        ({"samples": IMAGES[:1]}, "n at least 2"),
    ],
)
def test_what_cannot_be_measured(encoder, arguments, message):
    with pytest.raises(UserError, match=message):
        evaluate.label_free(**({"encoder": encoder, "samples": IMAGES} | arguments))


def test_features_that_cannot_be_measured():
    for features, its_views in ((Z[0], None), (Z * np.nan, None), (Z, VIEWS[:, :3]), (Z, Z), (Z.astype(int), None)):
        with pytest.raises(UserError):
            evaluate.label_free_of_features(features, its_views)


# ---- while an encoder is trained -------------------------------------------------------------------------------------


def trained(*callbacks, epochs=2):
    keras.utils.set_random_seed(1)
    inner = encoders.mlp(SHAPE, (6, 4))
    objective = objectives.Autoencoder(keras.Model(inner.input, keras.layers.Dropout(0.2)(inner.output)))
    objective.compile(keras.optimizers.Adam(0.05), run_eagerly=True)
    objective.fit(IMAGES, batch_size=6, epochs=epochs, callbacks=list(callbacks), verbose=0)
    return objective


SOURCE = data.from_arrays(IMAGES)


def test_every_epoch_has_the_figures_and_the_training_is_the_same():
    watch = LabelFree(SOURCE, fainter, count=2, name="train")
    seldom = LabelFree(SOURCE, name="seldom", every=2, limit=6)
    watched, plain = trained(watch, seldom), trained()
    history = watched.history.history
    now = evaluate.label_free(watched, SOURCE, fainter, count=2)
    assert {name: history[f"train_label_free_{name}"][-1] for name in now} == now
    assert len(history["train_label_free_lidar"]) == 2
    assert len(set(history["train_label_free_rank_me"])) == 2  # each epoch's weights are looked at
    assert history["seldom_label_free_rank_me"] == [evaluate.label_free(watched, IMAGES[:6])["rank_me"]]
    assert set(watch.before) == {f"train_label_free_{name}" for name in now}
    assert history["loss"] == plain.history.history["loss"]
    for a, b in zip(watched.variables, plain.variables):
        np.testing.assert_array_equal(np.array(a), np.array(b))


def test_a_collapsed_encoder_does_not_end_a_training():
    inputs = keras.Input(SHAPE, name="image")
    dead = keras.layers.Dense(3, kernel_initializer="zeros", activation="relu")(keras.layers.Flatten()(inputs))
    found = evaluate.label_free(keras.Model(inputs, dead), IMAGES, fainter, count=2)
    assert found["rank_me"] == pytest.approx(1, abs=1e-3)
    assert found["alignment"] == 0
    assert found["uniformity"] == pytest.approx(0, abs=1e-5)
    assert not np.isnan(list(found.values())).any()


def test_what_cannot_be_watched():
    with pytest.raises(UserError, match="a Source"):
        LabelFree(IMAGES)
    for wrong in ({"every": 0}, {"count": 1}, {"limit": 0}):
        with pytest.raises(UserError):
            LabelFree(SOURCE, **wrong)
    with pytest.raises(UserError, match="a name"):
        trained(LabelFree(SOURCE), LabelFree(SOURCE), epochs=1)
    with pytest.raises(UserError, match="shape"):
        trained(LabelFree(data.from_arrays(IMAGES[:, :4])), epochs=1)
