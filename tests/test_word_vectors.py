"""Word vectors: losses by hand and by NumPy, rows of text, counts, files and scores."""

import pathlib
import tracemalloc

import keras
import numpy as np
import pytest
from cases import WORD_COUNTS, of_words, word_rows
from keras import ops

from keras_ssl import blocks, data, encoders, losses, objectives, optimizers, recipes, tokenizers, word_vectors
from keras_ssl.errors import UserError

STREAM = np.tile(np.array([1, 2, 3, 1, 2, 4, 9], "int32"), 30)
TEXTS = ["the cat sat on the mat", "the dog sat on the log", "a cat and a dog"] * 5


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


# ---- losses ----------------------------------------------------------------------------------------------------------


def test_window_weights_by_hand():
    weights = np.array(losses.window_weights(np.array([[True, True, True, False]]), 2))[0]
    np.testing.assert_allclose(weights, [[0, 1, 0.5, 0], [1, 0, 1, 0], [0.5, 1, 0, 0], [0, 0, 0, 0]])


def test_window_weights_are_the_share_of_windows_of_random_reach_that_hold_a_word():
    reach = np.random.default_rng(0).integers(1, 5, 20_000)
    share = [(reach >= distance).mean() for distance in range(1, 6)]
    weights = np.array(losses.window_weights(np.ones((1, 6), bool), 4))[0, 0, 1:]
    np.testing.assert_allclose(weights, share, atol=0.02)


def test_negative_sampling_by_hand():
    value = losses.negative_sampling(np.array([0.0]), np.array([[0.0, 0.0]]), count=3.0)
    np.testing.assert_allclose(value, [4 * np.log(2)], rtol=1e-6)
    value = float(losses.negative_sampling(np.array([1.0]), np.array([[-1.0]]), count=1.0)[0])
    assert value == pytest.approx(2 * np.log(1 + np.exp(-1)))


@pytest.fixture(scope="module")
def tensors():
    rng = np.random.default_rng(1)
    v, u, noise = (rng.normal(size=(2, k, 3)).astype("float32") for k in (5, 5, 4))
    keep = np.array([[True] * 5, [True, True, True, False, False]])
    return v, u, noise, np.array(losses.window_weights(keep, 2))


def test_skip_gram_equals_a_loop_over_pairs(tensors):
    v, u, noise, weights = tensors
    expected = np.zeros((2, 5))
    for n in range(2):
        for i in range(5):
            pairs = [-weights[n, i, j] * np.log(sigmoid(v[n, i] @ u[n, j])) for j in range(5)]
            negative = np.mean([-np.log(sigmoid(-v[n, i] @ k)) for k in noise[n]])
            expected[n, i] = sum(pairs) / max(weights[n, i].sum(), 1e-9) + 5 * negative
    np.testing.assert_allclose(losses.skip_gram(*tensors), expected, rtol=1e-5)


def test_cbow_equals_a_loop_over_words(tensors):
    v, u, noise, weights = tensors
    expected = np.zeros((2, 5))
    for n in range(2):
        for i in range(5):
            context = weights[n, i] @ v[n] / max(weights[n, i].sum(), 1e-9)
            negative = np.mean([-np.log(sigmoid(-context @ k)) for k in noise[n]])
            expected[n, i] = -np.log(sigmoid(context @ u[n, i])) + 2 * negative
    np.testing.assert_allclose(losses.cbow(*tensors, count=2.0), expected, rtol=1e-5)


def test_the_order_of_the_noise_does_not_matter(tensors):
    v, u, noise, weights = tensors
    for loss in (losses.skip_gram, losses.cbow):
        np.testing.assert_allclose(loss(v, u, noise[:, ::-1], weights), loss(*tensors), rtol=1e-6)


def test_glove_by_hand_and_by_numpy():
    np.testing.assert_allclose(losses.glove(np.array([3.0]), np.array([1.0]), 16.0, 0.5), [9 / 4], rtol=1e-6)
    scores, counts = np.array([0.3, -1.0, 2.0]), np.array([0.5, 7.0, 300.0])
    expected = np.minimum(1, (counts / 100) ** 0.75) * (scores - np.log(counts)) ** 2
    np.testing.assert_allclose(losses.glove(scores, counts), expected, rtol=1e-5)
    np.testing.assert_allclose(losses.glove(np.log(counts), counts), 0, atol=1e-6)


# ---- rows and counts -------------------------------------------------------------------------------------------------


def test_rows_are_a_pure_function_of_index_and_seed_and_follow_the_text():
    contexts = data.Contexts(np.arange(1, 400), window=2, length=8, sample=None)
    rows = contexts.rows(np.arange(5), (1, 2))
    np.testing.assert_array_equal(rows, contexts.rows(np.arange(5), (1, 2)))
    assert (rows != contexts.rows(np.arange(5), (1, 3))).any()
    assert (np.diff(rows, axis=1) == 1).all()
    assert (np.abs(rows[:, 0] - 1 - 8 * np.arange(5)) <= 4).all()


def test_no_window_reaches_over_the_end_of_a_text_and_unknown_words_are_left_out():
    contexts = data.Contexts(np.array([5, 6, 1, 5, 4, 7, 8] * 9), window=3, length=6, end=4, unknown=1, sample=None)
    for row in contexts.rows(np.arange(len(contexts))):
        text = "".join(map(str, row))
        assert not {"1", "4"} & set(text)
        assert "57" not in text
    assert contexts.counts(9).tolist() == [0, 0, 0, 0, 0, 18, 9, 9, 9]


def test_frequent_words_stay_as_often_as_the_formula_says():
    stream = np.where(np.random.default_rng(0).random(40_000) < 0.5, 1, np.arange(40_000) % 500 + 2)
    contexts = data.Contexts(stream, sample=0.01)
    rows = contexts.rows(np.arange(len(contexts)))
    frequency = (stream == 1).mean()
    chance = np.sqrt(0.01 / frequency) + 0.01 / frequency
    assert (rows == 1).mean() == pytest.approx(chance * 0.5 / (chance * 0.5 + 0.5), rel=0.05)


def test_rows_go_on_where_float32_counts_no_further(monkeypatch):
    """Behind 2^24 expected words, which the first word stands for here."""
    monkeypatch.setattr("keras_ssl.data.contexts._chance", lambda counts, sample: np.float32([1, 2**24] + [1] * 98))
    contexts = data.Contexts(np.arange(1, 100), window=1, length=1, which=np.array([2**24 + 5]))
    assert contexts.rows(np.array([0])).tolist() == [[7]]


def test_slices_have_the_rows_and_compute_nothing_again(monkeypatch):
    contexts = data.Contexts(np.arange(1, 400), window=2, length=8)
    monkeypatch.setattr("keras_ssl.data.contexts.spread", None)
    chosen = contexts[3:][[0, 2]]
    assert len(chosen) == 2
    np.testing.assert_array_equal(chosen.rows(np.arange(2), (1, 2)), contexts.rows(np.array([3, 5]), (1, 2)))


def test_batches_are_a_pure_function_of_seed_and_step():
    source = data.Source(data.Contexts(np.arange(1, 300), length=4))

    def epochs(**kwargs):
        return [np.array(batch["input"]) for batch in data.batches(source, batch_size=16, seed=3, **kwargs)]

    first, again = epochs(), epochs()
    np.testing.assert_array_equal(np.concatenate(first), np.concatenate(again))
    np.testing.assert_array_equal(epochs(first_step=2)[0], first[2])
    assert (epochs(first_epoch=1)[0] != first[0]).any()


def test_cooccurrences_hold_one_block_of_a_memory_map(tmp_path):
    np.save(tmp_path / "stream.npy", np.arange(200_000, dtype="int32") % 7)
    stream = np.load(tmp_path / "stream.npy", mmap_mode="r")
    tracemalloc.start()
    found = data.cooccurrences(stream, 1, end=5, unknown=6, block=4_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < stream.nbytes / 2
    assert found.columns["count"].sum() == pytest.approx(2 * 3 * 200_000 / 7, rel=1e-4)


@pytest.mark.parametrize("block", [1, 5, 1000])
def test_cooccurrences_equal_a_loop(block):
    stream, window = np.array([1, 2, 2, 9, 3, 1, 2, 3, 3, 1]), 2
    counts, texts = {}, [[1, 2, 2], [3, 1, 2, 3, 3, 1]]
    for text in texts:
        for i, word in enumerate(text):
            for j in range(max(0, i - window), i):
                for pair in ((word, text[j]), (text[j], word)):
                    counts[pair] = counts.get(pair, 0) + 1 / (i - j)
    found = data.cooccurrences(stream, window, end=9, block=block)
    assert {tuple(pair): count for pair, count in zip(found.stored.tolist(), found.columns["count"])} == pytest.approx(
        counts
    )


BAD = {
    "empty": (lambda: data.Contexts(np.zeros(0, "int32")), "two different words"),
    "one word": (lambda: data.Contexts(np.full(50, 7)), "of 1 words"),
    "one word, counted": (lambda: data.cooccurrences(np.full(50, 7)), "of 1 words"),
    "floats": (lambda: data.Contexts(np.ones(5)), "integer vector"),
    "negative": (lambda: data.Contexts(np.array([1, -2, 3])), "at least 0"),
    "outside": (lambda: data.Contexts(STREAM).counts(9), "0..8"),
    "counts": (lambda: objectives.SkipGram(encoders.word_vectors(10, 4), [1, 2]), "counts of the 10 ids"),
    "column": (lambda: data.batches(data.from_arrays(np.ones((4, 2), int)), columns=["count"]), "a column"),
    "encoder": (lambda: objectives.GloVe(encoders.mlp((8, 8, 1), units=(4,))), "rows of ids"),
    "subwords": (lambda: encoders.word_vectors(10, 4, np.ones((9, 3), int)), "subwords"),
    "vectors": (lambda: word_vectors.WordVectors(["a", "b"], np.ones((3, 2))), "one vector"),
    "twice": (lambda: word_vectors.WordVectors(["a", "a"], np.ones((2, 2))), "twice"),
    "nan": (lambda: word_vectors.WordVectors(["a", "b"], np.array([[1.0], [np.nan]])), "finite"),
    "file": (lambda: word_vectors.load("nowhere.bin"), "no file"),
    "most": (lambda: optimizers.TableSGD(most=0), "most"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_a_clear_error(what):
    call, words = BAD[what]
    with pytest.raises(UserError, match=words):
        call()


def test_ids_outside_the_vocabulary_and_counts_of_zero_are_errors_before_training():
    glove = objectives.GloVe(encoders.word_vectors(5, 4))
    glove.compile("sgd")
    pairs = np.ones((4, 2), "int32")
    with pytest.raises(UserError, match=r"in 0\.\.4"):
        glove.fit({"input": 9 * pairs, "count": np.ones(4, "float32")}, verbose=0)
    with pytest.raises(UserError, match="counts above 0"):
        glove.fit({"input": pairs, "count": np.zeros(4, "float32")}, verbose=0)


# ---- optimizers and subwords -----------------------------------------------------------------------------------------


def slices(values, indices, shape):
    import tensorflow as tf

    return tf.IndexedSlices(tf.constant(values, tf.float32), tf.constant(indices), shape)


def test_table_sgd_counts_a_row_a_few_times_at_most():
    table = keras.Variable(np.zeros((4, 2)))
    optimizer = optimizers.TableSGD(1.0, most=2)
    optimizer.build([table])
    optimizer.apply_gradients([(slices(np.ones((5, 2)), [1, 3, 1, 1, 1], (4, 2)), table)])
    np.testing.assert_allclose(table, [[0, 0], [-2, -2], [0, 0], [-1, -1]])


def test_table_adagrad_is_the_same_for_rows_and_for_whole_gradients():
    tables = [keras.Variable(np.ones((4, 2))) for _ in range(2)]
    gradients = [slices([[1, 2], [3, 4], [1, 1]], [1, 3, 1], (4, 2)), np.array([[0, 0], [2, 3], [0, 0], [3, 4.0]])]
    for table, gradient in zip(tables, gradients):
        optimizer = optimizers.TableAdagrad(0.5)
        optimizer.build([table])
        for _ in range(2):
            optimizer.apply_gradients(
                [
                    (
                        keras.ops.convert_to_tensor(gradient, "float32")
                        if isinstance(gradient, np.ndarray)
                        else gradient,
                        table,
                    )
                ]
            )
    np.testing.assert_allclose(tables[0], tables[1], rtol=1e-6)
    assert float(tables[0][1, 0]) == pytest.approx(1 - 0.5 * 2 / np.sqrt(4.1) - 0.5 * 2 / np.sqrt(8.1))


def test_subwords_are_the_mean_of_a_word_and_its_parts():
    table = blocks.subword_buckets(["", "ab", "foobar"], (3, 3), buckets=1000, special=[0])
    assert (table > 0).sum(axis=1).tolist() == [0, 2, 6]
    assert table[1, 0] == 1 + fnv("<ab") % 1000
    encoder = encoders.word_vectors(3, 4, table, buckets=1000)
    layer = encoder.get_layer("tokens").get_layer("embedding")
    parts = np.array(layer.parts)[table[1, :2]].sum(axis=0)
    np.testing.assert_allclose(encoder(np.array([[1]]))[0], (np.array(layer.embeddings)[1] + parts) / 3, rtol=1e-5)


def fnv(text):
    """FNV-1a, whose value of "a" is 0xe40c292c."""
    value = 2166136261
    for byte in text.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return value


def test_the_hash_is_fnv_1a():
    assert fnv("a") == 0xE40C292C
    assert fnv("foobar") == 0xBF9CF968


# ---- vectors, files and scores ---------------------------------------------------------------------------------------


@pytest.fixture
def four():
    return word_vectors.WordVectors(
        ["man", "king", "woman", "queen", "über"],
        np.array([[1, 0, 0.1], [1, 1, 0], [0, 0, 1], [0, 1, 1], [-1, 0.3, -1e-7]]),
    )


@pytest.mark.parametrize("name", ["vectors.txt", "vectors.bin"])
def test_files_keep_words_and_vectors(four, name, tmp_path):
    word_vectors.save(four, tmp_path / name)
    again = word_vectors.load(tmp_path / name)
    assert again.words == four.words
    np.testing.assert_array_equal(again.vectors, four.vectors)


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (b"", "v.txt", "first line"),
        (b"2 2\na 1 2\n", "v.txt", "1 lines"),
        (b"1 2\na 1\n", "v.txt", "1 numbers"),
        (b"1 2\na 1 x\n", "v.txt", "no number"),
        (b"2 2\na 12345678\nb 123", "v.bin", "1 whole vectors"),
        (b"1 2\na 12345678\nmore", "v.bin", "behind the last"),
    ],
)
def test_bad_files_are_clear_errors(content, name, words, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=words):
        word_vectors.load(tmp_path / name)


def test_a_file_is_written_whole_or_not_at_all(four, tmp_path, monkeypatch):
    word_vectors.save(four, tmp_path / "new" / "v.txt")

    def full(path, content):
        with path.open("wb") as file:
            file.write(content[:9])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pathlib.Path, "write_bytes", full)
    with pytest.raises(UserError, match="No space left"):
        word_vectors.save(four, tmp_path / "new" / "v.txt")
    assert word_vectors.load(tmp_path / "new" / "v.txt").words == four.words


def test_words_with_spaces_are_not_written(tmp_path):
    with pytest.raises(UserError, match="without spaces"):
        word_vectors.save(word_vectors.WordVectors(["new york"], np.ones((1, 2))), tmp_path / "v.txt")


def test_neighbors_and_analogies(four):
    assert four.analogy("man", "king", "woman")[0][0] == "queen"
    assert four.most_similar("woman", 1)[0][0] == "queen"
    assert four.most_similar(four["king"], 1) == [("king", pytest.approx(1))]
    assert len(four.most_similar("man", 99)) == 4
    assert word_vectors.analogy_score(four, [("Man", "King", "Woman", "Queen"), ("man", "x", "y", "z")]) == (1.0, 1, 2)
    with pytest.raises(UserError, match="'duke'"):
        four.similarity("duke", "king")


def test_similarity_score_is_a_rank_correlation(four, tmp_path):
    (tmp_path / "pairs.tsv").write_text(
        "# comment\nWord 1\tWord 2\tMean\nman\tking\t9\nKing\twoman\t1\nwoman\tqueen\t9.5\nx\ty\t3\n"
    )
    pairs = word_vectors.read_pairs(tmp_path / "pairs.tsv")
    score = word_vectors.similarity_score(four, pairs)
    assert (score.known, score.total) == (3, 4)
    assert score.value == pytest.approx(1)  # cosines .70, 0 and .71


def test_vectors_of_an_objective_come_with_their_words():
    tokenizer = tokenizers.words(TEXTS)
    contexts = data.Contexts(tokenizer.stream(TEXTS), length=8, end=tokenizer.end, unknown=tokenizer.unknown)
    recipe = recipes.words.skip_gram(contexts, tokenizer.vocabulary, epochs=1, width=4, noise=4)
    recipe.objective.run_eagerly = True
    recipe.fit(verbose=0)
    vectors = word_vectors.of(recipe.objective, tokenizer)
    assert vectors.words == tuple(tokenizer.tokens[5:])
    np.testing.assert_allclose(
        vectors["cat"], recipe.objective.predict(tokenizer.encode(["cat"]), verbose=0)[0], atol=1e-6
    )
    with pytest.raises(UserError, match="a word for each"):
        word_vectors.of(recipe.objective, ["a", "b"])


@pytest.mark.parametrize("kind", ["skip_gram", "cbow"])
def test_the_rate_is_that_of_one_pair_however_much_padding_rows_have(kind):
    items = np.tile([1, 2, 3, 4, 5, 6, 7, 8, 9], 200)  # sequences of 8, each ended by 9
    contexts = data.Contexts(items, window=3, end=9, sample=None)
    recipe = getattr(recipes.words, kind)(contexts, 10, width=4, learning_rate=0.01, batch_size=16)
    keep = ops.convert_to_tensor(contexts.rows(np.arange(len(contexts)), (5, 6)) != 0)
    weights = np.array(losses.window_weights(keep, 3))
    total = weights.sum() if kind == "skip_gram" else weights.any(axis=-1).sum()
    rate = recipe.objective.optimizer.learning_rate
    assert float(getattr(rate, "initial_learning_rate", rate)) == pytest.approx(0.01 * 16 * total / len(keep), rel=0.03)


def test_words_of_noise_outside_the_vocabulary_are_a_clear_error_before_a_step():
    model, batch = objectives.SkipGram(of_words(), WORD_COUNTS, noise=4), word_rows(4, 0)
    model.compile("sgd", run_eagerly=True)
    batch["noise"][1, 2] = 20
    with pytest.raises(UserError, match=r"'noise' .*0\.\.19.*20 at index 1"):
        model.fit(batch, verbose=0)
    assert int(model.step) == 0


def test_glove_fits_counts():
    pairs = data.cooccurrences(STREAM, 2, end=9)
    recipe = recipes.words.glove(pairs, 5, epochs=4, width=4, batch_size=4)
    recipe.objective.run_eagerly = True
    costs = recipe.fit(verbose=0).history["loss"]
    assert costs[-1] < 0.7 * costs[0]
    assert recipe.objective.vectors().shape == (5, 4)
