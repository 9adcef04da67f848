"""Texts as weighted counts of their tokens and pairs of tokens: the baseline of every figure on text."""

import itertools
from typing import Any

import numpy as np

from keras_ssl.checks import as_array, check_counts
from keras_ssl.errors import UserError

__all__ = ["TfIdf"]


class TfIdf:
    """TF-IDF vectors of texts that are given as ids.

    The count c of a token, or of a pair of neighboring tokens, weighs `(1 + log c) (1 + log((1 + n) / (1 + df)))`,
    where df of the n texts that it was fitted on have it. Every vector has length 1. Ids are what encoders see, so for
    tokens that are words these are the usual vectors; where tokens are parts of words, pairs put many words together
    again.

    Args:
        pairs: Whether pairs of neighboring tokens count, too. Default: True.
        least: Smallest number of texts that a token or pair must be in. Default: 1.

    Raises:
        UserError: If `least` is below 1.

    Reference:
        Salton & Buckley 1988, "Term-weighting approaches in automatic text retrieval", Table 1; Wang & Manning 2012,
        "Baselines and Bigrams: Simple, Good Sentiment and Topic Classification", for pairs.

    Departures:
        Logarithms of counts and of `(1 + n) / (1 + df)`, plus 1, as scikit-learn's `sublinear_tf` and `smooth_idf`.
    """

    def __init__(self, pairs: bool = True, least: int = 1):
        check_counts(least=least)
        self.pairs, self.least = pairs, least

    def fit(self, ids: np.ndarray) -> "TfIdf":
        """Learn which tokens and pairs there are, and how many texts have them. No labels are needed.

        Args:
            ids: Integer array `(n, length)`; 0 is padding, wherever it is.

        Returns:
            Itself.

        Raises:
            UserError: If there are no such ids, or no token is in `least` texts.
        """
        from sklearn.feature_extraction.text import TfidfVectorizer

        vectorizer = TfidfVectorizer(analyzer=self._terms, sublinear_tf=True, min_df=self.least)
        rows = _rows(ids)
        if not any(len(row) for row in rows):
            raise UserError("texts with tokens", f"{len(rows)} of padding only", "check what encoded them")
        try:
            self._vectorizer = vectorizer.fit(rows)
        except ValueError as error:
            raise UserError(
                f"a token in {self.least} texts", f"none in {len(rows)} texts", "give a smaller `least`"
            ) from error
        return self

    def transform(self, ids: np.ndarray) -> Any:
        """Return the vectors of texts, a SciPy sparse matrix `(n, d)` of float32; 0 for a text without a known token.

        Args:
            ids: See `fit`.

        Raises:
            UserError: If it has not been fitted, or there are no such ids.
        """
        if not hasattr(self, "_vectorizer"):
            raise UserError("a fitted `TfIdf`", "one that is not", "call `fit(ids)` on texts for training first")
        return self._vectorizer.transform(_rows(ids)).astype("float32")

    def _terms(self, row):
        """The tokens of a text and its pairs of neighbors, as tuples."""
        single = [(token,) for token in row]
        return single + list(itertools.pairwise(row)) if self.pairs else single


def _rows(ids):
    ids = as_array(ids, "ids")
    if ids.ndim != 2 or ids.dtype.kind not in "iu":
        raise UserError(
            "ids as integers (n, length)", f"dtype {ids.dtype}, shape {ids.shape}", "encode the texts first"
        )
    return [row[row != 0].tolist() for row in ids]
