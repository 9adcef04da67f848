"""Which tokens are hidden, and what is put in their places."""

import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import transforms

RNG = np.random.default_rng(0)
SEED = np.array([3, 4], "int32")
LENGTHS = RNG.integers(0, 41, 300)
CANDIDATES = np.arange(40) < LENGTHS[:, None]
WORDS = np.cumsum(RNG.random((300, 40)) < 0.4, axis=1).astype("int32")
WORDS -= WORDS[:, :1]


def hidden(ratio=0.15, seed=SEED, words=None, candidates=CANDIDATES):
    return np.array(transforms.hidden_tokens(candidates, ratio, seed, words))


def test_the_number_hidden_is_exact_and_padding_never_is():
    mask = hidden()
    wanted = np.where(LENGTHS > 0, np.clip(np.round(0.15 * LENGTHS), 1, 6), 0)
    np.testing.assert_array_equal(mask.sum(axis=1), wanted)
    assert not (mask & ~CANDIDATES).any()
    assert [transforms.most_hidden(length, 0.15) for length in (1, 3, 10, 40)] == [1, 1, 2, 6]


def test_every_token_is_hidden_equally_often_and_each_seed_hides_others():
    everything = np.ones((4000, 8), bool)
    mask = hidden(0.25, candidates=everything)
    np.testing.assert_allclose(mask.mean(axis=0), 0.25, atol=0.03)  # four standard deviations
    together = (mask[:, :, None] & mask[:, None, :]).mean(axis=0)[~np.eye(8, dtype=bool)]
    np.testing.assert_allclose(together, 2 / (8 * 7), atol=0.012)
    np.testing.assert_array_equal(mask, hidden(0.25, candidates=everything))
    assert (mask != hidden(0.25, np.array([3, 5]), candidates=everything)).any(axis=1).mean() > 0.9


def test_whole_words_stay_together_within_the_number():
    mask = hidden(words=WORDS)
    for row, words, candidates in zip(mask, WORDS, CANDIDATES):
        chosen = np.isin(words, words[row]) & candidates
        assert (chosen == row).all() or row.sum() == 1  # one token where no word fits
    most = np.clip(np.round(0.15 * LENGTHS), 1, 6)
    assert (mask.sum(axis=1) <= most).all()
    sizes = [[(w[c] == k).sum() for k in set(w[c])] for w, c in zip(WORDS, CANDIDATES)]
    fits = np.array([min(row, default=99) <= top for row, top in zip(sizes, most)])
    np.testing.assert_array_equal(mask.any(axis=1), LENGTHS > 0)
    for row, words, candidates in zip(mask[fits], WORDS[fits], CANDIDATES[fits]):
        np.testing.assert_array_equal(np.isin(words, words[row]) & candidates, row)
    assert (mask[~fits & (LENGTHS > 0)].sum(axis=1) == 1).all()
    assert mask.sum() > 0.7 * hidden().sum()


def test_where_no_word_fits_one_token_of_a_word_drawn_is_hidden():
    words = np.tile(np.array([[0, 1, 1, 2, 2, 3, 3, 4]], "int32"), (300, 1))
    candidates = np.tile(np.array([[False, True, True, True, True, True, True, False]]), (300, 1))
    mask = hidden(words=words, candidates=candidates)
    assert (mask.sum(axis=1) == 1).all()
    assert set(np.flatnonzero(mask.any(axis=0))) == {1, 3, 5}  # the first of each
    np.testing.assert_allclose(mask.mean(axis=0)[[1, 3, 5]], 1 / 3, atol=0.11)  # four standard deviations


def test_words_of_one_token_are_hidden_as_tokens_are():
    words = np.tile(np.arange(40, dtype="int32"), (300, 1))
    np.testing.assert_array_equal(hidden(words=words).sum(axis=1), hidden().sum(axis=1))


def test_numbers_of_words_by_hand():
    first = np.array([[False, False, True, False, False, True, False]])
    candidates = np.array([[True, True, True, True, False, True, False]])
    found = transforms.word_numbers(first, candidates)
    np.testing.assert_array_equal(found, [[0, 0, 1, 1, 2, 3, 4]])
    after_a_gap = transforms.word_numbers(np.zeros((1, 4), bool), np.array([[True, False, True, True]]))
    np.testing.assert_array_equal(after_a_gap, [[0, 1, 2, 2]])  # no word goes on beyond what is in none


def test_hidden_tokens_become_masks_random_ones_or_stay_8_to_1_to_1():
    ids = RNG.integers(5, 30, (500, 40)).astype("int32")
    ordinary = np.arange(5, 30)
    mask = RNG.random(ids.shape) < 0.5
    new = np.array(transforms.masked_tokens(ids, mask, 2, ordinary, SEED))
    assert new.dtype == ids.dtype
    np.testing.assert_array_equal(new[~mask], ids[~mask])
    assert (new[mask] == 2).mean() == pytest.approx(0.8, abs=0.02)
    kept = new[mask] == ids[mask]
    assert kept.mean() == pytest.approx(0.1 + 0.1 / 25, abs=0.015)
    others = new[mask & (new != 2) & (new != ids)]
    assert others.min() >= 5
    counts = np.bincount(others, minlength=30)[5:]
    assert counts.std() < 3 * np.sqrt(counts.mean())


def test_they_run_under_xla_with_an_open_batch():
    @tf.function(
        jit_compile=True, input_signature=[tf.TensorSpec((None, 40), "bool"), tf.TensorSpec((None, 40), "int32")]
    )
    def both(candidates, words):
        return transforms.hidden_tokens(candidates, 0.15, SEED, words), transforms.hidden_tokens(candidates, 0.15, SEED)

    in_words, alone = (np.array(mask) for mask in both(CANDIDATES, WORDS))
    np.testing.assert_array_equal(alone.sum(axis=1), hidden().sum(axis=1))
    assert not (in_words & ~CANDIDATES).any()
