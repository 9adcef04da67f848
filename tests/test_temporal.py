"""TS2Vec and its losses."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from cases import causal_series, dilated

from keras_ssl import data, encoders, evaluate, losses, objectives
from keras_ssl.errors import UserError
from keras_ssl.networks import parts
from keras_ssl.objectives import temporal

RNG = np.random.default_rng(0)
Z_1, Z_2 = RNG.normal(size=(2, 3, 5, 4)).astype("float32")
FOUND = {"instance": losses.instance_contrast, "temporal": losses.temporal_contrast}


def scalar(x):
    return float(keras.ops.convert_to_numpy(x))


def picked(similar, positive):
    """Cross-entropy of a positive among similarities."""
    return -positive + np.log(np.sum(np.exp(similar)))


def instance(z_1, z_2, keep):
    """Eq. 2, one sum after another."""
    found = []
    for one, other in ((z_1, z_2), (z_2, z_1)):
        for i, t in np.argwhere(keep):
            there = np.flatnonzero(keep[:, t])
            similar = [one[i, t] @ other[j, t] for j in there] + [one[i, t] @ one[j, t] for j in there if j != i]
            found.append(picked(similar, one[i, t] @ other[i, t]))
    return np.mean(found)


def in_time(z_1, z_2, keep):
    """Eq. 1: the same with samples and times exchanged."""
    return instance(z_1.swapaxes(0, 1), z_2.swapaxes(0, 1), keep.T)


def hierarchical(z_1, z_2, keep):
    """Algorithm 1."""
    found = []
    while keep[:, 1:].any():
        found.append((instance(z_1, z_2, keep) + in_time(z_1, z_2, keep)) / 2)
        places = [slice(k, k + 2) for k in range(0, keep.shape[1], 2)]
        low = [np.where(keep[..., None], z, -np.inf) for z in (z_1, z_2)]
        z_1, z_2 = (np.stack([z[:, place].max(axis=1) for place in places], axis=1) for z in low)
        keep = np.stack([keep[:, place].any(axis=1) for place in places], axis=1)
    found.append(instance(z_1, z_2, keep) / 2)
    return np.mean(found)


@pytest.fixture(scope="module")
def keep():
    return np.arange(5) < np.array([[5], [3], [4]])


# ---- losses ----------------------------------------------------------------------------------------------------------


def test_values_worked_by_hand():
    z_1, z_2 = np.array([[[1.0], [0.0]]]), np.array([[[1.0], [2.0]]])  # one sample, two steps
    # of each step: its pair, and the other step in both crops
    errors = [
        -1 + np.log(np.exp(1) + np.exp(2) + np.exp(0)),  # r_0 = 1: pair 1, others 2 and 0
        -0 + np.log(3),  # r_1 = 0
        -1 + np.log(np.exp(1) + np.exp(0) + np.exp(2)),  # r'_0 = 1: pair 1, others 0 and 2
        -0 + np.log(np.exp(0) + np.exp(2) + np.exp(2)),  # r'_1 = 2: pair 0, others 2 and 2
    ]
    assert scalar(losses.temporal_contrast(z_1, z_2)) == pytest.approx(np.mean(errors), rel=1e-5)
    assert scalar(losses.instance_contrast(z_1, z_2)) == pytest.approx(0, abs=1e-6)
    # a second scale of one place has no terms but that between samples, which is 0
    assert scalar(losses.hierarchical_contrast(z_1, z_2)) == pytest.approx(np.mean(errors) / 4, rel=1e-5)


@pytest.mark.parametrize("padded", [False, True])
def test_losses_equal_sums_written_out(padded, keep):
    seen = keep if padded else np.ones((3, 5), bool)
    given = keep if padded else None
    expected = {"instance": instance(Z_1, Z_2, seen), "temporal": in_time(Z_1, Z_2, seen)}
    for name, value in expected.items():
        assert scalar(FOUND[name](Z_1, Z_2, given)) == pytest.approx(value, rel=1e-5)
    found = scalar(losses.hierarchical_contrast(Z_1, Z_2, given))
    assert found == pytest.approx(hierarchical(Z_1, Z_2, seen), rel=1e-5)


@pytest.mark.parametrize("loss", [*FOUND.values(), losses.hierarchical_contrast])
def test_losses_are_symmetric_and_do_not_see_padding_or_the_order_of_samples(loss, keep):
    value = scalar(loss(Z_1, Z_2, keep))
    assert value > 0
    assert scalar(loss(Z_2, Z_1, keep)) == pytest.approx(value, rel=1e-6)
    assert scalar(loss(Z_1[::-1], Z_2[::-1], keep[::-1])) == pytest.approx(value, rel=1e-5)
    longer = [np.concatenate([np.where(keep[..., None], z, 9), z], axis=1) for z in (Z_1, Z_2)]
    padded = np.concatenate([keep, np.zeros_like(keep)], axis=1)
    assert scalar(loss(*longer, padded)) == pytest.approx(value, rel=1e-5)


# ---- the objective ---------------------------------------------------------------------------------------------------


def test_crops_overlap_inside_of_the_series_and_reach_all_of_it():
    seeds = keras.random.SeedGenerator(0)
    drawn = np.stack([keras.ops.convert_to_numpy(temporal._crops(16, 5, seeds)) for _ in range(25)])
    begin_1, end_1, begin_2, end_2 = np.moveaxis(drawn, -1, 0)
    assert drawn.min() == 0
    assert drawn.max() == 5
    assert (begin_1 <= begin_2).all()
    assert (end_1 <= end_2).all()
    overlap = end_1 - begin_2
    assert (overlap == overlap[:, :1]).all()  # one length for the batch
    assert set(overlap[:, 0]) == set(range(2, 6))
    assert len(np.unique(begin_1[overlap[:, 0].argmin()])) > 1  # at several places
    assert temporal._crops(3, 1, seeds).shape == (3, 4)


def outputs_of(objective, batch):
    found = objective.forward_pass({key: keras.ops.convert_to_tensor(x) for key, x in batch.items()}, training=True)
    return {key: keras.ops.convert_to_numpy(x) for key, x in found.items()}


def test_what_is_drawn_in_a_graph_fits_batches_of_any_size():
    objective = objectives.TS2Vec(encoders.dilated_conv(2, width=4, depth=1))
    forward = tf.function(lambda x: objective.forward_pass({"input": x}, training=True), autograph=False)
    traced = forward.get_concrete_function(tf.TensorSpec((None, 9, 2)))
    for count in (2, 3):
        found = traced(tf.zeros((count, 9, 2)))
        assert found["z_1"].shape == found["z_2"].shape == (count, 9, 4)
        assert np.all(np.sum(found["keep"], axis=1) >= 2)


@pytest.mark.parametrize("encoder", ["dilated_conv", "recurrent", "patch_transformer"])
def test_frames_are_those_of_series_that_are_cut(encoder):
    network = {
        "dilated_conv": dilated,
        "recurrent": lambda: encoders.recurrent(2, width=4),
        "patch_transformer": lambda: encoders.patch_transformer(2, patch=1, width=4, depth=1, heads=2),
    }[encoder]()
    series = RNG.normal(size=(2, 9, 2)).astype("float32")
    crops = np.array([[0, 6, 2, 9], [1, 5, 1, 5]], "int32")
    hidden = np.zeros((2, 9), bool)
    batch = {"input": series, "crops": crops, "hidden_1": hidden, "hidden_2": hidden}
    found = outputs_of(objectives.TS2Vec(network), batch)
    np.testing.assert_array_equal(found["keep"].sum(axis=1), [4, 4])
    for k, (begin_1, end_1, begin_2, end_2) in enumerate(crops):
        overlap = end_1 - begin_2
        one, other = (parts(network).frames(series[k : k + 1, a:b]) for a, b in ((begin_1, end_1), (begin_2, end_2)))
        np.testing.assert_allclose(found["z_1"][k, :overlap], one[0, begin_2 - begin_1 :], atol=1e-5)
        np.testing.assert_allclose(found["z_2"][k, :overlap], other[0, :overlap], atol=1e-5)


def test_missing_steps_are_left_out_and_hidden_ones_change_the_frames():
    series = RNG.normal(size=(2, 6, 2)).astype("float32")
    series[0, 4:] = np.nan
    series[1, 2, 0] = np.nan
    crops, hidden = np.array([[0, 6, 0, 6]] * 2), np.zeros((2, 6), bool)
    objective = objectives.TS2Vec(dilated())
    batch = {"input": series, "crops": crops, "hidden_1": hidden, "hidden_2": hidden}
    found = outputs_of(objective, batch)
    np.testing.assert_array_equal(found["keep"], np.isfinite(series).all(axis=-1))
    np.testing.assert_array_equal(found["z_1"], found["z_2"])
    hidden = np.array([[True] + [False] * 5] * 2)
    other = outputs_of(objective, batch | {"hidden_2": hidden})
    assert np.abs(other["z_2"] - found["z_2"])[found["keep"] > 0].max() > 1e-3
    np.testing.assert_array_equal(other["z_1"], found["z_1"])


def test_the_embedder_has_the_mean_of_the_weights_after_all_steps():
    objective = objectives.TS2Vec(encoders.dilated_conv(2, width=4, depth=1))
    objective.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    batch, seen = RNG.normal(size=(4, 3, 2)).astype("float32"), []
    for _ in range(3):
        objective.train_on_batch(batch)
        seen.append([np.array(x) for x in objective.encoder.weights])
    for mean, *values in zip(objective.embedder.weights, *seen):
        np.testing.assert_allclose(mean, np.mean(values, axis=0), atol=1e-6)
    assert objective.embedder is not objective.encoder


def test_what_ts2vec_cannot_use_is_a_clear_error():
    with pytest.raises(UserError, match="encoder of series"):
        objectives.TS2Vec(encoders.mlp((4, 4, 1), (4,)))
    with pytest.raises(UserError, match="mask_ratio"):
        objectives.TS2Vec(dilated(), mask_ratio=1.0)
    objective = objectives.TS2Vec(dilated())
    objective.compile("sgd", run_eagerly=True)
    empty = RNG.normal(size=(4, 6, 2)).astype("float32")
    empty[2] = np.nan
    with pytest.raises(UserError, match=r"known value.*index 2"):
        objective.fit(empty, verbose=0)


@pytest.mark.parametrize(
    "make",
    [
        lambda: objectives.TS2Vec(dilated()),
        lambda: objectives.Forecasting(causal_series(), horizon=2),
        lambda: objectives.ContrastivePredictiveCoding(causal_series(), horizon=2),
        lambda: objectives.Imputation(dilated()),
    ],
)
def test_a_constant_series_does_no_harm(make):
    series = RNG.normal(size=(4, 9, 2)).astype("float32")
    series[1], series[2] = 3, 0
    model = make()
    model.compile("sgd", run_eagerly=True)
    assert np.isfinite(model.train_on_batch({"input": series})).all()
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    assert np.isfinite(model(series)).all()


def test_a_source_of_series_may_have_missing_values_but_not_every_encoder_takes_them():
    series = RNG.normal(size=(4, 6, 2)).astype("float32")
    series[1, 3, 0] = np.nan
    source = data.from_arrays(series, kind="series")
    assert np.isnan(next(iter(data.batches(source, batch_size=4)))["input"]).sum() == 1
    inputs = keras.Input((6, 2), name="series")
    plain = keras.Model(inputs, keras.layers.GlobalAveragePooling1D()(keras.layers.Dense(4)(inputs)))
    objective = objectives.SimCLR(plain)
    objective.compile("sgd", run_eagerly=True)
    with pytest.raises(UserError, match=r"finite.*index 1, step 3.*fill in missing values"):
        objective.fit({"view_1": series, "view_2": series + 1}, verbose=0)
    with pytest.raises(UserError, match=r"finite.*index 1, step 3"):
        evaluate.embed(plain, source)
    assert evaluate.embed(dilated(), source).shape == (4, 8)
    assert evaluate.embed(None, source)[1, 6] == 0  # in raw features a missing value is 0
