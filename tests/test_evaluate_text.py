"""Scores of texts: TF-IDF against scikit-learn on the words, tags, entities and numbers by hand and by other means."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from keras_ssl import data, encoders, evaluate, transfer
from keras_ssl.errors import UserError

RNG = np.random.default_rng(0)
TEXTS = ["free money now now", "meet me at noon", "free pills at noon", "money for me"]
WORDS = sorted({word for text in TEXTS for word in text.split()})


def ids_of(texts, length=7):
    rows = [[1 + WORDS.index(word) for word in text.split()] for text in texts]
    return np.array([row + [0] * (length - len(row)) for row in rows])


# ---- TF-IDF ----------------------------------------------------------------------------------------------------------


def test_weights_by_hand():
    found = evaluate.TfIdf(pairs=False).fit(np.array([[1, 1, 2], [2, 0, 0]]))
    row = found.transform(np.array([[1, 1, 2], [3, 0, 0]])).toarray()
    rare, common = (1 + np.log(2)) * (1 + np.log(3 / 2)), 1 + np.log(3 / 3)
    np.testing.assert_allclose(row[0], np.array([rare, common]) / np.hypot(rare, common), rtol=1e-6)
    np.testing.assert_array_equal(row[1], [0, 0])  # no known token


@pytest.mark.parametrize("pairs", [False, True])
def test_ids_of_words_have_the_vectors_of_the_words(pairs):
    theirs = TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, 1 + pairs), sublinear_tf=True)
    expected = theirs.fit_transform(TEXTS)
    found = evaluate.TfIdf(pairs).fit(ids_of(TEXTS)).transform(ids_of(TEXTS))
    assert found.shape == expected.shape
    np.testing.assert_allclose((found @ found.T).toarray(), (expected @ expected.T).toarray(), atol=1e-6)
    columns = sorted(map(tuple, np.round(expected.toarray().T, 5)))
    np.testing.assert_allclose(sorted(map(tuple, np.round(found.toarray().T, 5))), columns, atol=2e-5)


def test_padding_does_not_matter_wherever_it_is():
    found = evaluate.TfIdf().fit(ids_of(TEXTS))
    moved = np.pad(ids_of(TEXTS), ((0, 0), (3, 2)))
    np.testing.assert_array_equal(found.transform(moved).toarray(), found.transform(ids_of(TEXTS)).toarray())


def test_the_classifier_of_sparse_features_is_that_of_dense_ones():
    x, labels = RNG.random((30, 5)) * (RNG.random((30, 5)) < 0.4), np.arange(30) % 3
    dense, thin = transfer.fit_linear(x, labels), transfer.fit_linear(sparse.csr_matrix(x), labels)
    np.testing.assert_allclose(thin.predict_proba(x), dense.predict_proba(x), atol=2e-3)
    np.testing.assert_array_equal(thin.predict(sparse.csr_matrix(x)), dense.predict(x))


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (np.zeros((2, 3), int), "texts with tokens.*2 of padding only"),
        (np.ones((2, 3)), r"ids as integers.*float64"),
        (np.ones(3, int), r"ids as integers.*\(3,\)"),
    ],
)
def test_what_tf_idf_cannot_be_fitted_on_is_a_clear_error(ids, message):
    with pytest.raises(UserError, match=message):
        evaluate.TfIdf().fit(ids)


def test_tf_idf_needs_fitting_and_a_number_of_texts():
    with pytest.raises(UserError, match=r"a fitted `TfIdf`"):
        evaluate.TfIdf().transform(ids_of(TEXTS))
    with pytest.raises(UserError, match=r"a token in 9 texts.*none in 4"):
        evaluate.TfIdf(least=9).fit(ids_of(TEXTS))


# ---- few labels of text ----------------------------------------------------------------------------------------------


def texts_source():
    """Class k has the words 1 + 3k to 3 + 3k, and 7, in any order."""
    rng, labels = np.random.default_rng(1), np.arange(20) % 2
    ids = np.where(rng.random((20, 6)) < 0.6, 1 + 3 * labels[:, None] + rng.integers(0, 3, (20, 6)), 7)
    return data.from_arrays(ids, labels, kind="ids")


def test_few_labels_of_text_stand_beside_tf_idf_fitted_on_all_of_train():
    source, encoder = texts_source(), encoders.word_vectors(8, 4)
    few = evaluate.label_efficiency(encoder, source, source, (2,), 1, (), steps=1)
    assert list(few.values) == ["tf_idf", "untrained", "from_scratch", "encoder"]
    ids, labels = data.few(source, 2, 0)
    weights = evaluate.TfIdf().fit(source.inputs())
    fitted = transfer.fit_linear(weights.transform(ids), labels)
    right = np.mean(fitted.predict(weights.transform(source.inputs())) == source.labels)
    assert few.values["tf_idf"][2]["accuracy"] == [pytest.approx(right)]
    assert few.target(2) == pytest.approx(right)
    assert "TF-IDF" in few.text()
    vectors = RNG.normal(size=(8, 4))
    encoder.set_weights([vectors])  # given word vectors are an encoder like any other
    ids = source.inputs()
    np.testing.assert_allclose(evaluate.embed(encoder, source), vectors[ids].mean(axis=1), atol=1e-6)


def test_empty_texts_are_refused_before_anything_is_fitted():
    ids = texts_source().inputs()
    ids[3] = 0
    source = data.from_arrays(ids[2:6], np.arange(4) % 2, kind="ids")
    with pytest.raises(UserError, match=r"texts of at least one token.*1 without any, the first at index 1"):
        evaluate.label_efficiency(encoders.word_vectors(8, 4), source, source, (2,), 1, (), steps=1)


# ---- tags ------------------------------------------------------------------------------------------------------------

BIO = ["O", "B-name", "I-name", "B-place", "I-place"]


def test_tags_by_hand():
    labels = np.array([[0, 1, -1, 1], [2, -1, -1, -1]])
    found = evaluate.tagging_scores(labels, np.array([[0, 1, 9, 0], [2, 0, 0, 0]]), ["a", "b", "c"])
    assert found["accuracy"] == 3 / 4
    assert found["classes"]["a"] == {"precision": 1 / 2, "recall": 1.0, "f1": pytest.approx(2 / 3), "count": 1}
    assert found["classes"]["b"] == {"precision": 1.0, "recall": 1 / 2, "f1": pytest.approx(2 / 3), "count": 2}
    assert found["f1"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    same = evaluate.tagging_scores(labels[:1, ::-1], np.array([[0, 1, 9, 0]])[:, ::-1])  # any order, no names
    assert same["classes"]["1"]["recall"] == 1 / 2


def entities(row):
    """(type, first, last) of each entity, written out from the definition."""
    found, begun = set(), None
    for k, tag in enumerate([*row, "O"]):
        goes_on = begun is not None and tag == f"I-{begun[0]}"
        if begun is not None and not goes_on:
            found.add((*begun, k - 1))
            begun = None
        if tag != "O" and not goes_on:
            begun = (tag[2:], k)
    return found


def test_entities_are_those_of_the_definition_and_unlabeled_places_are_left_out():
    pytest.importorskip("seqeval")
    labels, predicted = RNG.integers(0, 5, (2, 20, 9))
    labels[RNG.random((20, 9)) < 0.2] = -1
    true, mine = (
        {(k, *one) for k, row in enumerate(x) for one in entities([BIO[t] for t in row[labels[k] != -1]])}
        for x in (labels, predicted)
    )
    found = evaluate.tagging_scores(labels, predicted, BIO, entities=True)["entities"]
    precision, recall = len(true & mine) / len(mine), len(true & mine) / len(true)
    f1 = 2 * precision * recall / (precision + recall)
    assert found == pytest.approx({"precision": precision, "recall": recall, "f1": f1})
    assert 0 < f1 < 1
    perfect = evaluate.tagging_scores(labels, np.where(labels == -1, 0, labels), BIO, entities=True)
    assert perfect["entities"]["f1"] == perfect["accuracy"] == 1


@pytest.mark.parametrize(
    ("labels", "predictions", "names", "message"),
    [
        ([[0, 1]], [[0, 1, 1]], None, r"integers \(n, length\).*\(1, 2\) and int64 \(1, 3\)"),
        ([[0, 1]], [[0.1, 0.9]], None, "float64"),
        ([[-1, -1]], [[0, 1]], None, "at least one label"),
        ([[0, 2]], [[0, 1]], ["a", "b"], r"0\.\.1, each with a name. Received 2"),
        ([[0, -2]], [[0, 1]], None, "Received -2"),
        ([[0, 1]], [[0, 1]], ["O", "noun"], "BIO tags. Received 'noun'"),
    ],
)
def test_tags_that_cannot_be_scored_are_a_clear_error(labels, predictions, names, message):
    with pytest.raises(UserError, match=message):
        evaluate.tagging_scores(np.array(labels), np.array(predictions), names, entities=True)


def test_one_class_only_is_scored():
    found = evaluate.tagging_scores(np.zeros((1, 3), int), np.zeros((1, 3), int), ["O"], entities=True)
    assert (found["accuracy"], found["entities"]["f1"]) == (1, 0)


# ---- numbers ---------------------------------------------------------------------------------------------------------


def test_numbers_by_hand():
    found = evaluate.regression_scores([0.0, 1.0, 2.0], [[0.0], [2.0], [4.0]])
    error = (0 + 1 + 4) / 3
    expected = {"rmse": error**0.5, "mae": 1.0, "pearson": 1.0, "r2": 1 - error / (2 / 3)}
    assert found == pytest.approx(expected)
    constant = evaluate.regression_scores([0.0, 1.0, 2.0], [1.0, 1.0, 1.0])
    assert (constant["pearson"], constant["r2"]) == (0, 0)
    alike = evaluate.regression_scores([0.1, 0.1, 0.1], [0.1, 0.2, 0.3])  # whose standard deviation is not 0 in floats
    assert (alike["pearson"], alike["r2"]) == (0, 0)


def test_correlation_is_numpys_and_does_not_depend_on_units():
    x, y = RNG.normal(size=(2, 50))
    found = evaluate.regression_scores(x, y)
    assert found["pearson"] == pytest.approx(np.corrcoef(x, y)[0, 1])
    other = evaluate.regression_scores(10 * x + 3, 10 * y + 3)
    assert (other["rmse"], other["pearson"], other["r2"]) == pytest.approx(
        (10 * found["rmse"], found["pearson"], found["r2"])
    )


@pytest.mark.parametrize(("x", "y"), [([1.0], [1.0]), ([1.0, 2.0], [1.0]), ([1.0, np.nan], [1.0, 2.0])])
def test_numbers_that_cannot_be_scored_are_a_clear_error(x, y):
    with pytest.raises(UserError, match="finite values and predictions"):
        evaluate.regression_scores(np.array(x), np.array(y))
