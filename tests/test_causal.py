"""The causal language model: its loss, what it refuses, what it writes, with a cache and without, and its export."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import ops

from keras_ssl import encoders, export, objectives
from keras_ssl.errors import UserError
from keras_ssl.networks import id_table, parts
from keras_ssl.objectives.language import sampling

PROMPTS = np.array([[3, 4, 9, 5, 7, 2], [8, 0, 6, 0, 0, 0], [0, 0, 5, 5, 4, 9]], "int32")


def encoder(**arguments):
    return encoders.transformer(12, **{"width": 8, "depth": 2, "heads": 2, "causal": True, **arguments})


@pytest.fixture(scope="module")
def learned():
    return objectives.CausalLanguageModel(encoder(positions="learned", max_length=16, depth=1))


@pytest.fixture(scope="module")
def packed():
    return objectives.CausalLanguageModel(encoder(positions="rotary", documents=4, dropout=0.2))


# ---- the loss --------------------------------------------------------------------------------------------------------


def test_the_loss_is_the_mean_over_known_next_ids(packed):
    ids = np.array([[3, 4, 9, 5], [8, 2, 0, 0], [0, 0, 7, 1]], "int32")
    logits = np.array(packed.logits(ids), "float64")
    assert logits.shape == (3, 4, 12)
    pairs = [(0, 0, 4), (0, 1, 9), (0, 2, 5), (1, 0, 2), (2, 2, 1)]  # row, place, next id
    expected = [np.log(np.exp(logits[r, k]).sum()) - logits[r, k, y] for r, k, y in pairs]
    packed.compile("sgd", run_eagerly=True)
    found = packed.evaluate({"input": ids}, return_dict=True, verbose=0)
    assert found["loss"] == pytest.approx(np.mean(expected), rel=1e-4)
    assert found["accuracy"] == pytest.approx(np.mean([logits[r, k].argmax() == y for r, k, y in pairs]), abs=1e-6)
    nothing = packed.evaluate({"input": np.zeros((2, 4), "int32")}, return_dict=True, verbose=0)
    assert nothing == {"loss": 0, "accuracy": 0}


def test_scores_are_products_with_the_vectors_of_the_ids(learned):
    frames = np.array(parts(learned.encoder).frames(PROMPTS))
    table = np.array(learned.encoder.get_layer("tokens").get_layer("embedding").embeddings)
    np.testing.assert_allclose(learned.logits(PROMPTS), frames @ table.T, atol=1e-5)
    assert not set(map(id, learned.weights)) - {id(learned.step)} - set(map(id, learned.encoder.weights))


# ---- what it refuses -------------------------------------------------------------------------------------------------


def test_an_encoder_that_sees_later_ids_is_refused():
    with pytest.raises(UserError, match=r"depend on no later id.*'transformer'.*causal=True"):
        objectives.CausalLanguageModel(encoder(causal=False, depth=1))
    with pytest.raises(UserError, match="of rows of ids"):
        objectives.CausalLanguageModel(encoders.mlp((3,), (4,)))


def test_an_encoder_without_a_table_of_ids_is_refused():
    tokens = keras.Sequential(
        [keras.Input((None,), dtype="int32", name="ids"), keras.layers.Embedding(9, 4, name="vectors")], name="tokens"
    )
    x = tokens(ids := keras.Input((None,), dtype="int32", name="ids"))
    y = keras.layers.GlobalAveragePooling1D(name="pool")(keras.layers.Dense(4, name="trunk")(x))
    with pytest.raises(UserError, match="layer `embedding` in its `tokens`"):
        objectives.CausalLanguageModel(keras.Model(ids, y))


def test_ids_outside_the_vocabulary_are_clear_errors_under_xla_too():
    model = objectives.CausalLanguageModel(encoder(depth=1))
    model.compile("sgd", jit_compile=True)
    ids = np.ones((4, 5), "int32")
    for wrong in (12, -1):
        ids[2, 3] = wrong
        with pytest.raises(UserError, match=rf"integers in 0\.\.11.*{wrong} at index 2"):
            model.fit(ids, verbose=0)
    with pytest.raises(UserError, match=r"integers in 0\.\.11"):  # in the second batch
        model.fit(tf.data.Dataset.from_tensor_slices(ids).batch(2), verbose=0)


def test_windows_longer_than_the_learned_positions_are_clear_errors(learned):
    learned.compile("sgd")
    of_unknown_shape = tf.data.Dataset.from_tensors(2).map(lambda n: tf.ones((n, n + 16), "int32"))
    for data in (np.ones((4, 18), "int32"), of_unknown_shape):
        with pytest.raises(UserError, match=r"at most 17 places.*Received 18.*max_length"):
            learned.fit(data, verbose=0)
    assert np.isfinite(learned.evaluate(np.ones((4, 17), "int32"), verbose=0)).all()
    with pytest.raises(UserError, match=r"at most 16 places"):
        learned.predict(np.ones((2, 17), "int32"), verbose=0)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (
            {"prompt_ids": np.zeros((2, 3), "int32")},
            "prompts of at least one token.*2 without any, the first at index 0.*begin with",
        ),
        ({"prompt_ids": np.zeros((2, 0), "int32")}, "prompts of at least one token"),
        ({"prompt_ids": np.array([[3, 12]])}, r"in 0\.\.11.*12 at index 0"),
        ({"prompt_ids": np.array([3, 1])}, "shape"),
        ({"length": 0}, "length as a whole number at least 1"),
        ({"length": 12}, "at most 16 tokens.*6 and 12.*slide=True"),
        ({"temperature": -1.0}, "temperature at least 0"),
        ({"top_k": 0}, "top_k"),
        ({"top_p": 1.1}, "top_p"),
        ({"seed": -1}, "seed"),
    ],
)
def test_what_cannot_be_written_is_a_clear_error(learned, arguments, word):
    with pytest.raises(UserError, match=word):
        learned.generate(**{"prompt_ids": PROMPTS, "length": 3, **arguments})


# ---- drawing ---------------------------------------------------------------------------------------------------------


def test_draws_by_hand():
    logits = np.log(np.array([[1e-9, 1, 4, 3, 2]]))  # probabilities .1, .4, .3 and .2 of the ids 1 to 4

    def drawn(uniform, **how):
        return sampling.draw(logits, np.array([uniform]), **how).tolist()[0]

    assert [drawn(u) for u in (0.0, 0.39, 0.41, 0.69, 0.71, 0.89, 0.91, 0.999)] == [2, 2, 3, 3, 4, 4, 1, 1]
    assert drawn(0.99, temperature=0) == 2
    assert [drawn(u, top_k=2) for u in (0.56, 0.58, 0.999)] == [2, 3, 3]
    assert [drawn(u, top_p=0.39) for u in (0.0, 0.999)] == [2, 2]
    assert [drawn(u, top_p=0.41) for u in (0.56, 0.58)] == [2, 3]
    assert [drawn(u, temperature=0.5) for u in (16 / 30 - 0.01, 16 / 30 + 0.01)] == [2, 3]
    assert sampling.draw(np.array([[9.0, 1, 0]]), np.zeros(1), temperature=0).tolist() == [1]  # 0 is padding


def test_draws_have_the_probabilities_of_the_softmax():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=6)
    drawn = sampling.draw(np.tile(logits, (20_000, 1)), rng.random(20_000), temperature=0.7)
    expected = np.exp(logits[1:] / 0.7) / np.exp(logits[1:] / 0.7).sum()
    np.testing.assert_allclose(np.bincount(drawn, minlength=6)[1:] / 20_000, expected, atol=0.015)


# ---- writing ---------------------------------------------------------------------------------------------------------


def uncached(model, prompts, length, longest=16):
    """Run the encoder on all of each text, or its last tokens, and take the highest score."""
    texts = [[one for one in row if one] for row in prompts]
    for _ in range(length):
        ends = [text[-longest:] for text in texts]
        logits = np.array(model.logits(np.array([end + [0] * (longest - len(end)) for end in ends], "int32")))
        for text, end, scores in zip(texts, ends, logits):
            text.append(1 + int(scores[len(end) - 1, 1:].argmax()))
    return np.array([text[-length:] for text in texts])


def test_with_the_cache_it_writes_what_the_whole_text_gives(learned, packed):
    for model in (learned, packed):
        np.testing.assert_array_equal(
            model.generate(PROMPTS, 8, temperature=0), uncached(model, PROMPTS, 8), err_msg=model.encoder.name
        )


def test_frames_with_the_cache_are_those_of_the_whole_text():
    model = encoder(depth=1)
    ids, network = PROMPTS[:1], encoders.cached(model)
    cache, frames = np.zeros((1, 2, 2, 7, 4), "float32"), []
    for begin, end in ((0, 3), (3, 4), (4, 6)):
        outputs = network({"ids": ids[:, begin:end], "cache": cache, "position": np.array([begin], "int32")})
        cache = np.array(outputs["cache"])
        frames.append(outputs["frames"])
    np.testing.assert_allclose(np.concatenate(frames, axis=1), parts(model).frames(ids), atol=1e-5)
    full = network({"ids": ids[:, :2], "cache": cache, "position": np.array([6], "int32")})["frames"]
    assert np.isnan(full).all(axis=2).tolist() == [[False, True]]
    for other in (encoders.mlp((3,), (4,)), encoders.transformer(20, 8, 1, 2), unscaled()):
        with pytest.raises(UserError, match=r"made by `encoders\.transformer"):
            encoders.cached(other)


def unscaled():
    """An encoder of layers of the same names, whose vectors of ids are not multiplied by the root of their width."""
    ids = keras.Input((None,), dtype="int32", name="ids")
    table = keras.layers.Embedding(20, 8, name="embedding")
    tokens = keras.Model(ids, [table(ids), ops.not_equal(ids, 0)], name="tokens")
    trunk = encoder(depth=1).get_layer("trunk")
    x, keep = tokens(ids)
    pool = encoder(depth=1).get_layer("pool")
    return keras.Model(ids, pool([trunk([x, keep]), keep]), name="unscaled")


def test_what_cannot_be_cached_is_written_from_whole_texts():
    model = objectives.CausalLanguageModel(unscaled())
    assert "step" not in model.signatures()
    np.testing.assert_array_equal(model.generate(PROMPTS, 4, temperature=0), uncached(model, PROMPTS, 4))


def test_draws_repeat_by_seed_and_do_not_depend_on_other_rows(packed):
    written = packed.generate(PROMPTS, 8, seed=1)
    assert written.dtype == "int32"
    np.testing.assert_array_equal(packed.generate(PROMPTS, 8, seed=1), written)
    others = PROMPTS[[0, 2, 1]]
    np.testing.assert_array_equal(packed.generate(others, 8, seed=1)[0], written[0])
    assert (packed.generate(PROMPTS, 8, seed=2) != written).any()
    assert not (written == 0).any()


def test_rows_stop_at_end_and_new_weights_are_used(packed):
    plain = packed.generate(PROMPTS, 8, seed=1)
    end = int(plain[0, 2])
    stopped = packed.generate(PROMPTS, 8, seed=1, end=end)
    for row, whole in zip(stopped, plain):
        at = [*whole, end].index(end)
        np.testing.assert_array_equal(row[: at + 1], whole[: at + 1])
        assert not row[at + 1 :].any()
    table = id_table(packed.encoder).embeddings
    before = np.array(table)
    table.assign(before[::-1])
    np.testing.assert_array_equal(packed.generate(PROMPTS, 4, temperature=0), uncached(packed, PROMPTS, 4))
    table.assign(before)


def test_a_sliding_window_reads_the_last_tokens_that_fit(learned):
    long = learned.generate(PROMPTS[:2], 13, temperature=0, slide=True)
    np.testing.assert_array_equal(long, uncached(learned, PROMPTS[:2], 13))
    prompts = 1 + np.arange(40).reshape(2, 20) % 11
    longer = learned.generate(prompts, 2, temperature=0, slide=True)
    np.testing.assert_array_equal(longer, learned.generate(prompts[:, -16:], 2, temperature=0, slide=True))
    with pytest.raises(UserError, match=r"at most 16 tokens.*20 and 2.*slide=True"):
        learned.generate(prompts, 2)
    padded = np.pad(PROMPTS, ((0, 0), (0, 14)))  # padding takes no place
    np.testing.assert_array_equal(learned.generate(padded, 2, seed=3), learned.generate(PROMPTS, 2, seed=3))


# ---- export ----------------------------------------------------------------------------------------------------------


def test_onnx_runtime_writes_the_same_ids_by_the_step_that_is_served(tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("tf2onnx")
    model = objectives.CausalLanguageModel(encoder(positions="rotary", depth=1))
    served = model.signatures()
    assert set(served) == {"embed", "logits", "step"}
    step = served["step"]
    folder = export.deploy(step[0], tmp_path / "writer", signatures={"serving_default": step})  # alone, for its time
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    cache, text, written = np.zeros((2, 2, 2, 16, 4), "float32"), np.array([[3, 4], [8, 6]], "int32"), []
    for k in range(8):
        ids = text[:, k : k + 1] if k < 2 else written[-1][:, None]
        position = np.full(2, k, "int32")
        logits, cache = session.run(["logits", "next_cache"], {"ids": ids, "cache": cache, "position": position})
        if k >= 1:
            written.append(sampling.draw(logits[:, 0], np.zeros(2), temperature=0))
    np.testing.assert_array_equal(np.stack(written, axis=1), model.generate(text, 7, temperature=0))
    np.testing.assert_allclose(served["logits"][0](text)["logits"], model.logits(text), atol=1e-5)
