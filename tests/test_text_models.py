"""A model of text and its tokenizer stay together: in model files, in runs, in a version folder, and at a client."""

import hashlib
import json
import shutil
import sys
import tracemalloc
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import layers, ops
from typer.testing import CliRunner

from keras_ssl import cli, data, encoders, export, recipes, runs, tokenizers, transfer
from keras_ssl.errors import UserError

KIT = Path(__file__).parents[1] / "export"
TEXTS = ["a good film", "a bad film", "good good", "not good at all"]
WORDS = tokenizers.words(TEXTS)
OTHER = tokenizers.words(["other words of this text : good film a"], vocabulary=13)


def encoder(vocabulary, length=None, longest=None):
    ids = keras.Input((length,), dtype="int32", name="ids")
    x = layers.Embedding(vocabulary, 4)(ids)
    if longest is not None:
        x = x + layers.Embedding(longest, 4, name="positions")(ops.cumsum(ops.ones_like(ids), axis=1) - 1)
    return keras.Model(ids, layers.GlobalAveragePooling1D()(x), name="encoder")


@pytest.fixture(scope="module")
def classifier():
    keras.utils.set_random_seed(0)
    inner = encoder(WORDS.vocabulary, longest=16)
    ids = keras.Input((None,), dtype="int32", name="ids")
    return keras.Model(ids, layers.Dense(2, activation="softmax", name="probabilities")(inner(ids)))


# ---- model files -----------------------------------------------------------------------------------------------------


def test_the_tokenizer_is_beside_the_model_and_no_other_is_taken(tmp_path, classifier):
    path = runs.save_model(classifier, tmp_path / "classifier.keras", WORDS)
    own = tmp_path / "classifier.tokenizer.json"
    assert sorted(tmp_path.iterdir()) == [tmp_path / "classifier.json", tmp_path / "classifier.keras", own]
    assert runs.tokenizer_of(path).tokens == WORDS.tokens
    assert runs.about(path)["tokenizer"] == {
        "kind": "words",
        "vocabulary": WORDS.vocabulary,
        "sha256": WORDS.checksum,
    }
    assert OTHER.vocabulary == WORDS.vocabulary + 1
    OTHER.save(own)
    with pytest.raises(UserError, match=r"tokenizer of .*words with 12 ids.*words with 13 ids.*mean nothing"):
        runs.tokenizer_of(path)
    own.unlink()
    with pytest.raises(UserError, match=r"classifier\.tokenizer\.json"):
        runs.tokenizer_of(path)
    with pytest.raises(UserError, match=r"takes the 13 ids of the tokenizer.*one of 12 ids"):
        runs.save_model(classifier, tmp_path / "new.keras", OTHER)
    assert not (tmp_path / "new.keras").exists()
    for name, one in (("a", WORDS), ("b", OTHER)):
        runs.save_model(encoder(one.vocabulary), tmp_path / f"{name}.keras", one)
    assert runs.tokenizer_of(tmp_path / "a.keras").tokens == WORDS.tokens
    assert runs.tokenizer_of(tmp_path / "b.keras").tokens == OTHER.tokens
    assert runs.tokenizer_of(runs.save_model(classifier, tmp_path / "a.keras")) is None
    assert not (tmp_path / "a.tokenizer.json").exists()
    images = keras.Sequential([keras.Input((2, 2, 1)), layers.Flatten()])
    with pytest.raises(UserError, match="takes no ids"):
        tokenizers.check_fits(WORDS, {"image": runs.sources.specs_of(images)})


def test_sources_keep_the_tokenizer(tmp_path):
    source = data.from_texts(TEXTS, WORDS)
    assert source[:2].tokenizer is WORDS
    assert source.split(0.5)[1].tokenizer is WORDS
    (tmp_path / "train.csv").write_text("text,label\n" + "".join(f"{text},{k % 2}\n" for k, text in enumerate(TEXTS)))
    (tmp_path / "test.csv").write_text("text,label\na film,1\nbad,0\n")
    train, test = runs.load_labeled(tmp_path, encoder(WORDS.vocabulary), tokenizer=WORDS)
    assert np.array_equal(train.stored, source.stored)
    assert test.shape == (2,)
    assert test.labels.tolist() == [1, 0]
    said = []
    cut = runs.load_fitting(tmp_path, "train", encoder(WORDS.vocabulary, 3), tokenizer=WORDS, say=said.append)
    assert np.array_equal(cut.stored, source.stored[:, :3])
    assert "1 of 4 texts in" in said[-1]
    assert "more than 3 tokens. They are cut." in said[-1]
    assert WORDS.lengths(TEXTS).tolist() == np.count_nonzero(source.stored, axis=1).tolist()
    np.savez(tmp_path / "train.npz", ids=source.stored)
    assert runs.load_fitting(tmp_path, "train", encoder(WORDS.vocabulary), tokenizer=WORDS).tokenizer is None


def test_a_text_that_is_far_too_long_takes_no_memory(tmp_path):
    (tmp_path / "texts.csv").write_text("text\n" + "a film\n" * 500 + "a " * 100_000 + "\n")
    tracemalloc.start()
    rows = runs.load_fitting(tmp_path / "texts.csv", "train", encoder(WORDS.vocabulary), tokenizer=WORDS, say=str)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert rows.shape == (512,)
    assert peak < 20e6  # of 500 rows of that length there would be 200 million bytes


def test_a_fine_tuned_classifier_has_the_tokenizer(tmp_path, classifier, monkeypatch):
    monkeypatch.setattr(transfer, "fine_tune", lambda *args, **kwargs: classifier)
    source = data.from_texts(TEXTS, WORDS, labels=[1, 0, 1, 0])
    path, _ = runs.finetune(encoder(WORDS.vocabulary), source, source, tmp_path, steps=1)
    assert runs.tokenizer_of(path).checksum == WORDS.checksum


# ---- version folders -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def deployed(classifier, tmp_path_factory):
    directory = tmp_path_factory.mktemp("models") / "reviews"
    return export.deploy(
        classifier, directory, WORDS.encode(TEXTS), class_names=["bad", "good"], tokenizer=WORDS, tolerance=1e-4
    )


@pytest.fixture
def kit(monkeypatch):
    monkeypatch.syspath_prepend(str(KIT))
    monkeypatch.syspath_prepend(str(KIT / "clients"))
    yield
    for name in ("texts", "text_client"):
        sys.modules.pop(name, None)


def resealed(folder):
    """The sums of a folder whose tokenizer was changed by someone who can change sums, too."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sha256"] = export.manifest.checksums(folder, export.sealing.UNLISTED)
    export.sealing.write_manifest(folder, manifest)


def test_a_version_folder_has_the_tokenizer_and_its_sum(deployed, tmp_path):
    assert tokenizers.load(deployed / "tokenizer.json").checksum == WORDS.checksum
    manifest = json.loads((deployed / "manifest.json").read_text())
    assert manifest["signature"]["inputs"]["ids"]["longest"] == 16
    content = (deployed / "tokenizer.json").read_bytes()
    assert manifest["sha256"]["tokenizer.json"] == hashlib.sha256(content).hexdigest()
    assert len(set(manifest["signature"]["inputs"]["ids"]["sizes"]["time"])) == 2
    copy = Path(shutil.copytree(deployed, tmp_path / "1"))
    OTHER.save(copy / "tokenizer.json")
    with pytest.raises(UserError, match=r"tokenizer\.json is not as it was written"):
        export.sealing.check_unchanged(copy)


def test_another_tokenizer_is_not_deployed(classifier, tmp_path):
    with pytest.raises(UserError, match="takes the 13 ids"):
        export.deploy(classifier, tmp_path / "m", tokenizer=OTHER)
    assert not (tmp_path / "m").exists()


def test_the_kit_looks_into_the_tokenizer(kit, deployed, tmp_path, capsys):
    import verify
    from artifact import file_faults, read_manifest
    from texts import tokenizer_faults

    about = json.loads((deployed / "manifest.json").read_text())["signatures"]["serving_default"]
    assert tokenizer_faults((deployed / "tokenizer.json").read_bytes(), about) == []
    for wrong in (b"", b"[]", b'{"model": 3}', b"\xff"):
        assert "no tokenizer" in tokenizer_faults(wrong, about)[0]
    stored = json.loads((deployed / "tokenizer.json").read_text())
    for change, words in (
        ({"type": "Unigram"}, "of a kind"),
        ({"vocab": {**stored["model"]["vocab"], "new": 99}}, "other ids"),
        ({"vocab": {**stored["model"]["vocab"], "[PAD]": 1, "[UNK]": 0}}, "begin with"),
    ):
        assert words in tokenizer_faults(json.dumps({"model": {**stored["model"], **change}}).encode(), about)[0]
    for part in ("added_tokens", "post_processor", "truncation", "padding"):
        changed = json.dumps({**stored, part: {"some": 1}}).encode()
        assert f"changes ids by its {part}" in tokenizer_faults(changed, about)[0]
    changed = json.dumps({**stored, "model": {**stored["model"], "dropout": 0.1}}).encode()
    assert "changes ids by its dropout" in tokenizer_faults(changed, about)[0]
    copy = Path(shutil.copytree(deployed, tmp_path / "1"))
    assert file_faults(copy, read_manifest(copy)) == verify.contents(copy, read_manifest(copy)) == []
    assert "ok      content tokenizer.json" in capsys.readouterr().out
    OTHER.save(copy / "tokenizer.json")
    assert file_faults(copy, read_manifest(copy)) == ["tokenizer.json has changed since it was deployed"]
    resealed(copy)
    assert verify.main([str(copy)]) == 1  # before anything is run
    assert "FAILED: tokenizer.json has 13 ids, and the model takes 12" in capsys.readouterr().out


def test_the_client_answers_texts_as_keras_does(kit, deployed, classifier, capsys, monkeypatch):
    import rest
    import text_client

    def answers(*arguments):
        status = text_client.main([str(deployed), *arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    for texts in (TEXTS, ["good"]):  # of two lengths
        status, out, _ = answers(*texts)
        expected = np.asarray(classifier(WORDS.encode(texts)))
        rows = [f"{['bad', 'good'][p.argmax()]}\tbad {p[0]:.3f}  good {p[1]:.3f}\t{t}" for p, t in zip(expected, texts)]
        assert (status, out.splitlines()) == (0, rows)
    sent = {}

    def served(samples, model, url, version, signature, inputs):
        sent.update(samples, model=model, url=url, signature=signature)
        return {"probabilities": np.array([[0.25, 0.75]])}

    monkeypatch.setattr(rest, "predict", served)
    status, out, _ = answers("a film", "--url", "http://localhost:8501", "--begin", "--end")
    assert out == "good\tbad 0.250  good 0.750\ta film\n"
    assert sent["ids"].tolist() == WORDS.encode(["a film"], begin=True, end=True).tolist()
    assert (sent["model"], sent["signature"]) == ("reviews", None)
    for text, words in (("a\0", "NUL"), ("\udc80", "Unicode")):
        status, _, err = answers(text)
        assert status == 1
        assert words in err
    for output, values, printed in (  # of a regressor, a tagger, an encoder
        ("value", [[0.5], [-2.0]], ["value [0.5]\tgood", "value [-2.]\tbad"]),
        (
            "probabilities",
            [[[0.25, 0.75]], [[1, 0]]],
            ["probabilities [[0.25, 0.75]]\tgood", "probabilities [[1., 0.]]\tbad"],
        ),
    ):
        found = {output: np.array(values, "float32")}
        monkeypatch.setattr(rest, "predict", lambda *_, found=found, **__: found)
        status, out, _ = answers("good", "bad", "--url", "http://localhost:8501")
        assert (status, out.splitlines()) == (0, printed)
    assert text_client.main([str(deployed.parent), "good"]) == 2


def test_the_client_asks_the_signature_that_takes_texts(kit, deployed, monkeypatch):
    import rest
    import text_client

    manifest, sent = json.loads((deployed / "manifest.json").read_text()), []
    signatures = manifest["signatures"]
    signatures["embed_text"] = signatures["serving_default"]
    signatures["serving_default"] = {**signatures["embed_text"], "inputs": {"image": {"kind": "image"}}}
    monkeypatch.setattr(text_client, "read_manifest", lambda *_: manifest)

    def served(samples, *_, signature, **__):
        sent.append((signature, list(samples)))
        return {"embedding": np.zeros((1, 2))}

    monkeypatch.setattr(rest, "predict", served)
    words = [str(deployed), "good", "--url", "http://localhost:8501"]
    assert [text_client.main(words), text_client.main([*words, "--signature", "embed_text"])] == [0, 0]
    assert sent == [("embed_text", ["ids"])] * 2
    assert text_client.main([*words, "--signature", "other"]) == 1


def test_the_client_minds_the_length_and_a_missing_tokenizer(kit, deployed):
    from artifact import ArtifactError
    from samples import SamplesError
    from texts import load_tokenizer

    manifest = json.loads((deployed / "manifest.json").read_text())
    manifest["signatures"]["serving_default"]["inputs"]["ids"]["shape"] = [None, 2]
    ids_of = load_tokenizer(deployed, manifest)
    assert np.array_equal(ids_of(["good", "a film"]), WORDS.encode(["good", "a film"], 2))
    with pytest.raises(SamplesError, match="takes 2 ids, and 'a good film' has 3"):
        ids_of(["a good film"])
    assert np.array_equal(ids_of(["a good film"], end=True, truncate=True), WORDS.encode(["a"], 2, end=True))
    manifest["signatures"]["serving_default"]["inputs"]["ids"] |= {"shape": [None, None], "longest": 2}
    ids_of = load_tokenizer(deployed, manifest)
    assert ids_of(["good"]).shape == (1, 1)
    with pytest.raises(SamplesError, match="takes 2 ids, and 'a good film' has 3"):
        ids_of(["a good film"])
    assert np.array_equal(ids_of(["a good film"], truncate=True), WORDS.encode(["a good"], 2))
    inputs = manifest["signatures"]["serving_default"]["inputs"]
    inputs["others"] = inputs["ids"]
    with pytest.raises(ArtifactError, match="one input of ids, and serving_default takes ids, others"):
        load_tokenizer(deployed, manifest)
    del manifest["sha256"]["tokenizer.json"]
    with pytest.raises(ArtifactError, match="without a tokenizer"):
        load_tokenizer(deployed, manifest)


@pytest.mark.parametrize("objective", recipes.TEXT)
def test_the_command_line_pretrains_on_texts_and_resumes(objective, tmp_path, monkeypatch):
    build = encoders.transformer

    def tiny(vocabulary, causal, **sizes):
        return build(vocabulary, width=4, depth=1, heads=1, causal=causal)

    monkeypatch.setattr(encoders, "transformer", tiny)
    (tmp_path / "texts.txt").write_text("\n".join(TEXTS * 40))
    sizes = ("--epochs", 1, "--length", 8, "--vocabulary", 270)
    words = (
        "pretrain",
        "--dataset",
        tmp_path / "texts.txt",
        "--objective",
        objective,
        *sizes,
        "--out",
        tmp_path / "run",
    )
    result = CliRunner().invoke(cli.app, [*map(str, words)])
    assert result.exit_code == 0, result.output
    assert f"rows of ids of (8,); 1 epoch of {objective}" in result.output
    assert runs.tokenizer_of(tmp_path / "run" / "encoder.keras").vocabulary == 270
    result = CliRunner().invoke(cli.app, [*map(str, words), "--resume"])
    assert "nothing is left to train" in result.output


@pytest.mark.parametrize(
    ("texts", "words"),
    [("a good film", "a list of texts"), (["good", 3], "text 1"), ([], "none"), (iter([""]), "empty ones")],
)
@pytest.mark.parametrize("tokenizer", [None, WORDS], ids=["trains one", "has one"])
def test_a_corpus_needs_texts(texts, words, tokenizer):
    with pytest.raises(UserError, match=words):
        recipes.text.corpus(texts, tokenizer)


def test_where_words_are_whole_texts_tokens_are_hidden_one_by_one():
    """Where no space stands between words, one "word" is a sentence, and hiding one would hide nearly nothing."""
    sentences = ["".join(np.random.default_rng(k).choice(list("天地玄黃宇宙洪荒"), 60)) for k in range(20)]
    spaced = [" ".join(one) for one in sentences]
    tokenizer = tokenizers.characters(sentences + spaced)
    for texts, whole in ((sentences, False), (spaced, True)):
        source = recipes.text.corpus(texts, tokenizer, length=16)
        objective = recipes.text.masked_language_model(source, epochs=1).objective
        assert (objective.first_of_word is not None) is whole


def test_recipes_of_text_need_a_tokenizer():
    rows = data.from_arrays(np.ones((4, 8), "int32"))
    with pytest.raises(UserError, match=r"texts with their tokenizer.*recipes\.text\.corpus"):
        recipes.text.masked_language_model(rows)
