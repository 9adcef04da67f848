"""Views of recordings: what each operation does, that it leaves padding alone, and that it compiles."""

import keras
import numpy as np
import pytest
import recordings
import tensorflow as tf

from keras_ssl import networks, specs, views
from keras_ssl.errors import UserError
from keras_ssl.views.audio.kept import lengths

SEED = np.array([3, 4], "int32")
RATE = 8000


@pytest.fixture(scope="module")
def sounds():
    """Tones of 64 to 256 samples, padded with zeros, and silence."""
    rows = np.zeros((8, 256), "float32")
    for k, row in enumerate(rows[:-1]):
        found = recordings.tone(500 + 100 * k, (64 + 32 * k) / RATE, RATE)
        row[: len(found)] = found
    return rows


def ends(sounds):
    """Number of samples before the zeros at the end."""
    return [int(np.flatnonzero(row).max(initial=-1)) + 1 for row in np.asarray(sounds)]


def run(operation, sounds, seed=SEED):
    return np.asarray(operation(keras.ops.convert_to_tensor(sounds), keras.ops.convert_to_tensor(seed)))


def test_lengths_are_those_that_encoders_keep(sounds):
    kept = np.asarray(networks.kept_frames(sounds)).sum(axis=1)
    np.testing.assert_array_equal(np.asarray(lengths(sounds))[:, 0], kept)
    assert kept.tolist() == ends(sounds)


def test_noise_has_the_power_that_the_ratio_says():
    sounds = np.zeros((4, 4000), "float32")
    sounds[:3, :2000] = recordings.tone(500, 0.25, RATE)[:2000]
    noise = run(views.white_noise((20, 20)), sounds) - sounds
    power = np.square(sounds[0, :2000]).mean()
    measured = 10 * np.log10(power / np.square(noise[:3, :2000]).mean(axis=1))
    np.testing.assert_allclose(measured, 20, atol=0.5)
    assert not noise[:, 2000:].any(), "padding gets no noise"
    assert not noise[3].any(), "silence stays silent"
    assert np.unique(noise[:3, 0]).size == 3
    np.testing.assert_array_equal(run(views.white_noise((20, 20), probability=0), sounds), sounds)


def test_noise_is_not_that_of_keras_which_takes_a_hundred_times_as_long_under_xla(sounds, monkeypatch):
    monkeypatch.delattr(keras.random, "normal")
    assert np.isfinite(run(views.white_noise(), sounds)).all()


def test_gain_and_polarity(sounds):
    np.testing.assert_allclose(run(views.gain((-20, -20)), sounds), 0.1 * sounds, rtol=1e-5)
    factors = run(views.gain((-6, 6)), sounds)[:7, 0] / sounds[:7, 0]
    assert np.unique(factors.round(4)).size == 7
    assert (np.abs(20 * np.log10(factors)) <= 6).all()
    turned = run(views.polarity(0.5), sounds)
    np.testing.assert_allclose(np.abs(turned), np.abs(sounds))
    assert set(np.sign(turned[:7, 0] / sounds[:7, 0])) == {-1, 1}


def test_a_shift_moves_a_recording_and_loses_what_leaves(sounds):
    shifted = run(views.time_shift(0.25), sounds)
    seen = set()
    for row, moved, end in zip(sounds[:7], shifted, ends(sounds)):
        first = int(np.flatnonzero(moved).min())
        later = [k for k in range(-end // 4 - 1, end // 4 + 2) if _shifted(row, k, moved)]
        assert len(later) == 1
        assert (first == later[0]) if later[0] > 0 else first == 0
        seen.add(np.sign(later[0]))
    assert seen >= {-1, 1}
    np.testing.assert_array_equal(run(views.time_shift(0), sounds), sounds)


def _shifted(row, k, moved):
    expected = np.zeros_like(row)
    expected[max(k, 0) : len(row) + min(k, 0)] = row[max(-k, 0) : len(row) - max(k, 0)]
    return np.array_equal(expected, moved)


def test_a_crop_is_a_part_of_the_recording_from_any_place(sounds):
    cropped = run(views.time_crop((0.5, 0.75)), sounds)
    begins = []
    for row, part, end in zip(sounds[:7], cropped, ends(sounds)):
        (length,) = ends(part[None])
        assert 0.5 * end <= length <= np.ceil(0.75 * end)
        places = [k for k in range(end - length + 1) if np.array_equal(row[k : k + length], part[:length])]
        assert places
        begins.append(places[0] / end)
    assert np.ptp(begins) > 0.05
    assert not cropped[7].any()
    assert run(views.time_crop(length=48), sounds).shape == (8, 48)
    np.testing.assert_array_equal(run(views.time_crop((1, 1)), sounds), sounds)


def test_speed_changes_length_and_pitch():
    sounds = np.zeros((2, 1000), "float32")
    sounds[:, :600] = recordings.tone(400, 600 / RATE, RATE)[:600]
    for factor in (0.75, 1.0, 2.0):
        played = run(views.speed((factor, factor)), sounds)
        np.testing.assert_allclose(
            played[0], np.interp(factor * np.arange(1000), np.arange(1000), sounds[0]), atol=1e-4
        )
        loudest = np.abs(np.fft.rfft(played[0], 8000)).argmax()
        assert abs(loudest - factor * 400) < 8
        assert abs(ends(played)[0] - 600 / factor) <= 2
    both = run(views.speed((0.5, 2)), sounds)
    assert ends(both)[0] != ends(both)[1]
    np.testing.assert_array_equal(run(views.speed(probability=0), sounds), sounds)


def test_spec_augment_removes_bands_and_spans():
    noise = np.random.default_rng(0).normal(0, 0.1, (6, 1000)).astype("float32")
    banded = run(views.spec_augment(RATE, bands=1, band=0.5, spans=0), noise)
    before, after = (np.square(np.abs(np.fft.rfft(x, 1024))) for x in (noise, banded))
    mel = np.log1p(np.fft.rfftfreq(1024, 1 / RATE) / 700) / np.log1p(RATE / 2 / 700)
    widths = []
    for gone in after < 0.2 * before:
        smooth = np.convolve(gone, np.ones(9) / 9, "same") > 0.5  # away from the edges
        places = np.flatnonzero(smooth)
        widths.append(mel[places[-1]] - mel[places[0]] if len(places) else 0)
    assert max(widths) <= 0.53
    assert np.mean(widths) > 0.1
    spanned = run(views.spec_augment(RATE, bands=0, spans=1, span=0.5), noise)
    shares = (spanned == 0).mean(axis=1)
    assert (shares <= 0.501).all()
    assert shares.max() > 0.1
    np.testing.assert_array_equal(spanned[spanned != 0], noise[spanned != 0])
    np.testing.assert_array_equal(run(views.spec_augment(RATE, bands=0, spans=0), noise), noise)


def test_no_operation_writes_into_padding_and_all_give_each_seed_its_view(sounds):
    operations = [views.white_noise(), views.gain(), views.polarity(), views.time_crop(), views.spec_augment(RATE)]
    for operation in (*operations, views.speed((1, 1.5))):
        seen = run(operation, sounds)
        assert all(after <= before for before, after in zip(ends(sounds), ends(seen)))
        np.testing.assert_array_equal(seen, run(operation, sounds))
        assert not np.array_equal(seen, run(operation, sounds, SEED + 1))
        assert np.isfinite(seen).all()


def test_the_ready_policy_makes_views_and_its_masks_compile(sounds):
    policy = views.recordings(RATE, length=128)
    assert policy.pure
    views.check_views(policy, sounds[:7], specs.Spec((None, 256), "float32", -1.0, 1.0, "audio"))
    seen = run(policy, sounds)
    assert seen.shape == (8, 128)
    assert np.abs(seen).max() <= 1
    compiled = tf.function(views.spec_augment(RATE), jit_compile=True, autograph=False)  # on_jax.py compiles all
    assert compiled(tf.constant(sounds), tf.constant(SEED)).shape == (8, 256)


@pytest.mark.parametrize(
    "make",
    [
        lambda: views.white_noise((40, 10)),
        lambda: views.gain((-100, 0)),
        lambda: views.polarity(2),
        lambda: views.time_shift(0.6),
        lambda: views.speed((0.1, 1)),
        lambda: views.speed(probability=2),
        lambda: views.time_crop((0, 1)),
        lambda: views.time_crop(length=0),
        lambda: views.spec_augment(0),
        lambda: views.spec_augment(RATE, band=1.5),
    ],
)
def test_numbers_out_of_range_are_refused(make):
    with pytest.raises(UserError):
        make()
