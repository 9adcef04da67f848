"""Spans of text that are replaced, sentences that are permuted, and padding that is moved behind."""

import itertools

import numpy as np
import pytest
from scipy import stats

from keras_ssl import transforms

MASK = 2
SEED = np.array([3, 5])


def rows(count, tokens, length):
    """Rows of ids 10, 11, …, so that what is left of a row says which of its ids are gone."""
    ids = np.zeros((count, length), "int32")
    ids[:, :tokens] = 10 + np.arange(tokens)
    return ids


def infilled(ids, ratio=0.3, span_length=3.0, seed=SEED):
    return np.asarray(transforms.infill_spans(ids, MASK, ratio, span_length, np.asarray(seed)))


def test_padding_moves_behind_what_is_there():
    ids = np.array([[0, 7, 0, 5, 6], [0, 0, 0, 0, 0], [1, 2, 3, 4, 5]], "int32")
    expected = [[7, 5, 6, 0, 0], [0, 0, 0, 0, 0], [1, 2, 3, 4, 5]]
    np.testing.assert_array_equal(transforms.pack(ids), expected)


@pytest.fixture(scope="module")
def spans():
    """Of 4,000 rows of 40 tokens: the rows, where in each stands a mask id, and the tokens missing before each id."""
    found = infilled(rows(4000, 40, 50))
    return found, found == MASK


def test_each_row_loses_its_share_and_keeps_its_order(spans):
    found, masks = spans
    for row, mask in zip(found, masks):
        left = row[(row > 0) & ~mask]
        assert len(left) == 28  # of 40 tokens 30 % are gone
        assert (np.diff(left) > 0).all()
        assert not row[len(left) + mask.sum() :].any()  # padding is behind


def test_lengths_of_spans_are_of_a_poisson_distribution(spans):
    """The first span of each row; a gap counts all spans that touch, so only rows with one span before a token do."""
    lengths = []
    for row in spans[0]:
        k = int(np.argmax(row == MASK))
        if k + 1 < len(row) and row[k + 1] > MASK:
            lengths.append(row[k + 1] - (row[k - 1] if k else 9) - 1)
    counts = np.bincount(np.minimum(lengths, 8), minlength=9)
    expected = stats.poisson.pmf(np.arange(9), 3.0)
    expected[8] = 1 - expected[:8].sum()
    assert stats.chisquare(counts, expected / expected.sum() * counts.sum()).pvalue > 0.001
    assert abs(np.mean(lengths) - 3) < 0.1


def test_every_arrangement_of_the_spans_is_equally_likely():
    """Of 5 tokens 2 go; lengths are nearly all above 2, so that one span of two is cut, at one of 4 places."""
    found = infilled(rows(4000, 5, 6), ratio=0.4, span_length=20.0)
    patterns, counts = np.unique(found, axis=0, return_counts=True)
    assert len(patterns) == 4
    assert {int(np.argmax(row == MASK)) for row in patterns} == {0, 1, 2, 3}
    assert stats.chisquare(counts).pvalue > 0.001


def test_padding_changes_nothing_but_empty_rows_stay_empty():
    ids = rows(50, 9, 12)
    ids[:, [2, 5]] = 0  # 7 tokens, of which 2 go
    found = infilled(ids)
    assert ((found > MASK).sum(axis=1) >= 5).all()
    np.testing.assert_array_equal(infilled(np.zeros((3, 8), "int32")), np.zeros((3, 8)))


def test_rows_differ_and_seeds_repeat():
    ids = rows(20, 30, 30)
    one = infilled(ids)
    assert len(np.unique(one, axis=0)) > 15
    np.testing.assert_array_equal(one, infilled(ids))
    assert (one != infilled(ids, seed=[3, 6])).any()


def test_a_full_row_that_gains_a_mask_loses_its_end():
    """One token is to go, and a span of mean 1e-3 is nearly always empty."""
    found = infilled(rows(50, 4, 4), ratio=0.25, span_length=1e-3)
    assert ((found == MASK).sum(axis=1) == 1).all()
    assert ((found > 0).sum(axis=1) == 4).all()


def test_sentences_stay_whole_and_every_order_is_equally_likely():
    """Sentences 10 11 5, 12 5 and 13, whose order is free; 5 is the full stop."""
    ids = np.tile(np.array([10, 11, 5, 0, 12, 5, 13, 0], "int32"), (3000, 1))
    found = np.asarray(transforms.permute_sentences(ids, (5,), SEED))
    orders, counts = np.unique(found, axis=0, return_counts=True)
    sentences = ([10, 11, 5], [12, 5], [13])
    expected = sorted([*a, *b, *c, 0, 0] for a, b, c in itertools.permutations(sentences))
    assert orders.tolist() == expected
    assert stats.chisquare(counts).pvalue > 0.001


def test_sentences_of_each_row_are_its_own():
    ids = np.array([[10, 5, 11, 5, 0, 0], [10, 11, 12, 13, 14, 15], [0] * 6], "int32")
    found = np.asarray(transforms.permute_sentences(ids, (5, 6), SEED))
    assert found[0].tolist() in ([10, 5, 11, 5, 0, 0], [11, 5, 10, 5, 0, 0])
    np.testing.assert_array_equal(found[1:], ids[1:])
