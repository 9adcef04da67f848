"""Views of series."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import data, views
from keras_ssl.errors import UserError

SEED = np.array([1, 2])
TIME = np.linspace(0, 1, 24, dtype="float32")
WAVES = np.stack([np.sin(2 * np.pi * 2 * TIME), 5 + TIME], axis=-1)
SAME = np.tile(WAVES, (6, 1, 1))

OPERATIONS = {
    "jitter": views.jitter((0.1, 0.2)),
    "rescale": views.rescale(),
    "random_window": views.random_window(),
    "time_warp": views.time_warp(),
    "mask_frequencies": views.mask_frequencies((0.3, 0.6)),
    "mix_frequencies": views.mix_frequencies((0.3, 0.6)),
}


def changed(operation, series=SAME, seed=SEED):
    return keras.ops.convert_to_numpy(operation(keras.ops.convert_to_tensor(series), seed))


@pytest.mark.parametrize("name", OPERATIONS)
def test_each_series_changes_in_its_own_way_and_again_alike(name):
    operation = OPERATIONS[name]
    series = SAME + np.arange(6, dtype="float32")[:, None, None] * np.random.default_rng(0).normal(size=(1, 24, 2))
    series = series.astype("float32") if name == "mix_frequencies" else SAME
    one, again, other = (changed(operation, series, np.array(seed)) for seed in ((1, 2), (1, 2), (1, 3)))
    assert one.shape == SAME.shape
    assert one.dtype == np.float32
    assert np.isfinite(one).all()
    np.testing.assert_array_equal(one, again)
    assert not np.allclose(one, other)
    assert len({view.tobytes() for view in one}) == 6


def test_no_strength_changes_nothing():
    still = [
        views.jitter((0, 0)),
        views.rescale((1, 1)),
        views.random_window((1, 1)),
        views.time_warp(0.0),
        views.mask_frequencies((0, 0)),
        views.jitter(probability=0.0),
    ]
    for operation in still:
        np.testing.assert_allclose(changed(operation), SAME, atol=2e-5)


def test_jitter_is_in_units_of_each_channel():
    noise = changed(views.jitter((0.5, 0.5)), np.tile(WAVES, (200, 1, 1))) - WAVES
    np.testing.assert_allclose(noise.std(axis=(0, 1)), 0.5 * WAVES.std(axis=0), rtol=0.05)


def test_rescaling_keeps_the_mean_and_the_shape_of_each_channel():
    before = SAME - SAME.mean(axis=1, keepdims=True)
    factors = (changed(views.rescale((0.5, 2.0))) - SAME.mean(axis=1, keepdims=True))[:, 1:-1:5] / before[:, 1:-1:5]
    np.testing.assert_allclose(factors, np.broadcast_to(factors[:, :1], factors.shape), rtol=1e-3)
    assert len(np.unique(factors[:, 0].round(3))) == 12
    assert factors.min() >= 0.499
    assert factors.max() <= 2.001


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_series_far_from_0_changes_as_one_at_0(name):
    series = np.random.default_rng(0).normal(size=(4, 24, 2)).astype("float32")
    series[1:, 18:] = series[2, 3] = np.nan
    near, far = (changed(OPERATIONS[name], x.astype("float32")) for x in (series, series + 100))
    np.testing.assert_allclose(far - 100, near, atol=1e-3)


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_constant_series_among_others_stays_constant_unless_it_gets_frequencies_of_them(name):
    series = SAME.copy()
    series[1] = 3
    after = changed(OPERATIONS[name], series)
    assert np.isfinite(after).all()
    assert name == "mix_frequencies" or np.ptp(after[1]) < 1e-4


def test_windows_and_warping_keep_a_line_in_order():
    line = np.tile(np.arange(24, dtype="float32")[:, None], (6, 1, 1))
    windows = changed(views.random_window((0.5, 0.5), length=7), line)[..., 0]
    assert windows.shape == (6, 7)
    np.testing.assert_allclose(np.diff(windows), 11.5 / 6, rtol=1e-4)  # half of the 23 steps from first to last
    assert windows.min() >= 0
    assert windows.max() <= 23
    warped = changed(views.time_warp(1.0), line)[..., 0]
    assert (np.diff(warped) > 0).all()
    np.testing.assert_allclose(warped[:, [0, -1]], [[0, 23]] * 6, atol=1e-4)
    assert np.diff(warped).std() > 0.1


def test_frequencies_are_removed_or_come_from_another_series_and_the_mean_stays():
    rng = np.random.default_rng(0)
    series = rng.normal(size=(4, 24, 1)).astype("float32")
    before = np.fft.rfft(series, axis=1)
    after = np.fft.rfft(changed(views.mask_frequencies((1, 1)), series), axis=1)
    np.testing.assert_allclose(after[:, 0], before[:, 0], atol=1e-4)
    np.testing.assert_allclose(after[:, 1:], 0, atol=1e-4)
    after = np.fft.rfft(changed(views.mix_frequencies((0.5, 0.5)), series), axis=1)
    is_of = np.abs(after[:, None] - before[None]) < 1e-3  # of series i, whether a frequency is that of series j
    own, foreign = is_of[range(4), range(4)], is_of & ~np.eye(4, dtype=bool)[:, :, None, None]
    assert (own | foreign.any(axis=1)).all()
    assert own[:, 0].all()
    assert 0.2 < foreign[:, :, 1:].any(axis=1).mean() < 0.8
    assert (foreign.any(axis=(2, 3)).sum(axis=1) == 1).all()  # all from the same one


def test_the_other_series_is_drawn_anew_for_each_view():
    series = np.cumsum(np.ones((5, 24, 1)), axis=0) * np.sin(TIME * 9)[:, None]
    mix = views.mix_frequencies((1, 1))
    scales = [changed(mix, series.astype("float32"), np.array([1, k])).std(axis=(1, 2)) for k in range(6)]
    others = np.round(scales / series[0].std()).astype(int) - 1
    assert (others != np.arange(5)).all()
    assert all(len(set(column)) > 1 for column in others.T)
    assert len({tuple((row - np.arange(5)) % 5) for row in others}) > 4  # not one shift for all
    np.testing.assert_allclose(changed(mix, SAME[:1]), SAME[:1], atol=2e-5)


def test_missing_values_stay_missing_and_padding_at_the_end_is_cut():
    series = SAME.copy()
    series[0, 3, 0] = np.nan
    for name in ("jitter", "rescale", "mask_frequencies", "mix_frequencies"):
        np.testing.assert_array_equal(np.isnan(changed(OPERATIONS[name], series)), np.isnan(series))
    series[:, 12:] = np.nan
    for name in ("random_window", "time_warp"):
        assert np.isfinite(changed(OPERATIONS[name], series)[1:]).all()


@pytest.mark.exhaustive
def test_the_policy_makes_pairs_under_xla_that_training_takes():
    policy = views.Policy([*views.time_series().operations, views.mix_frequencies()], kind="series")
    rng = np.random.default_rng(0)
    source = data.from_arrays(rng.normal(size=(8, 24, 2)), kind="series")
    batch = next(iter(data.batches(source, views=policy, batch_size=8)))
    assert batch["view_1"].shape == batch["view_2"].shape == (8, 24, 2)
    assert not np.allclose(batch["view_1"], batch["view_2"])
    traced = tf.function(policy)(source.inputs(), SEED)
    np.testing.assert_allclose(traced, policy(source.inputs(), SEED), atol=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: views.jitter((0.2, 0.1)),
        lambda: views.rescale((0, 1)),
        lambda: views.random_window((0.5, 1.5)),
        lambda: views.random_window(length=0),
        lambda: views.time_warp(-1),
        lambda: views.time_warp(knots=1),
        lambda: views.mask_frequencies((0, 2)),
        lambda: views.mix_frequencies(probability=2),
        lambda: views.time_series(mask=2),
    ],
)
def test_numbers_out_of_range_are_clear_errors(make):
    with pytest.raises(UserError):
        make()
