"""KerasHub's backbones of text as encoders."""

import json

import keras
import numpy as np
import pytest
from cases import sentences

from keras_ssl import encoders, export, objectives, specs, transfer
from keras_ssl.errors import UserError
from keras_ssl.networks import parts

keras_hub = pytest.importorskip("keras_hub")

SIZES = {
    "vocabulary_size": 20,
    "num_layers": 1,
    "num_heads": 2,
    "hidden_dim": 8,
    "intermediate_dim": 16,
    "max_sequence_length": 12,
}
KINDS = ("Bert", "Roberta", "GPT2")
IDS = sentences(4, 0)["input"]


@pytest.fixture(scope="module", params=KINDS)
def both(request):
    """A backbone with weights that are all different, and its encoder."""
    keras.utils.set_random_seed(0)
    backbone = getattr(keras_hub.models, f"{request.param}Backbone")(**SIZES)
    rng = np.random.default_rng(0)
    backbone.set_weights([w + rng.normal(0, 0.1, w.shape) for w in backbone.get_weights()])
    return backbone, encoders.from_keras_hub(backbone)


def test_its_frames_are_the_backbones_and_padding_changes_nothing(both):
    backbone, encoder = both
    keep = IDS > 0
    given = {"token_ids": IDS, "padding_mask": keep.astype("int32"), "segment_ids": np.zeros_like(IDS)}
    expected = backbone({key: given[key] for key in backbone.input})
    expected = np.array(expected["sequence_output"] if isinstance(expected, dict) else expected)
    np.testing.assert_allclose(np.array(parts(encoder).frames(IDS))[keep], expected[keep], atol=1e-5)
    h = np.array(encoder(IDS))
    np.testing.assert_allclose(h[0], expected[0][keep[0]].mean(axis=0), atol=1e-5)
    np.testing.assert_allclose(encoder(np.pad(IDS, ((0, 0), (2, 0)))), h, atol=1e-5)


def test_it_knows_its_vocabulary_and_length(both):
    _, encoder = both
    spec = specs.specs_of(encoder)
    assert (spec.kind, spec.high, spec.longest) == ("ids", 19, 12)
    model = objectives.MaskedLanguageModel(encoder)
    model.compile("sgd")
    with pytest.raises(UserError, match="at most 12 places"):
        model.fit(np.ones((4, 13), "int32"), verbose=0)


@pytest.mark.parametrize("both", ["Bert"], indirect=True)
def test_it_is_pretrained_saved_and_fine_tuned(both, tmp_path):
    backbone, encoder = both
    before = [np.array(w) for w in backbone.weights]
    encoder = encoders.from_keras_hub(backbone)  # another copy
    model = objectives.MaskedLanguageModel(encoder, seed=3)
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    assert np.isfinite(model.fit(IDS, verbose=0).history["loss"]).all()
    assert all(np.array_equal(a, b) for a, b in zip(before, backbone.weights))
    model.save(tmp_path / "model.keras")
    np.testing.assert_allclose(keras.saving.load_model(tmp_path / "model.keras")(IDS), model(IDS), atol=1e-6)
    classifier = transfer.classifier(encoder, classes=2)
    assert transfer.freeze(classifier, encoder.name).trainable == ("probabilities",)
    classifier.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    classifier.fit(IDS, np.arange(4) % 2, verbose=0)


@pytest.mark.parametrize("both", ["GPT2"], indirect=True)
def test_it_is_deployed(both, tmp_path):
    _, encoder = both
    manifest = json.loads((export.deploy(encoder, tmp_path / "model", samples=IDS) / "manifest.json").read_text())
    assert set(manifest["parity"]) >= {"saved_model", "onnx"}


def test_another_backbone_is_a_clear_error():
    with pytest.raises(UserError, match=r"BERT, DistilBERT, RoBERTa or GPT-2.*Received a Functional without"):
        encoders.from_keras_hub(encoders.transformer(20, width=8, depth=1, heads=2))


@pytest.mark.parametrize("frozen", [False, True])
def test_a_frozen_backbone_gives_a_frozen_encoder(frozen):
    backbone = keras_hub.models.BertBackbone(**SIZES)
    backbone.trainable = not frozen
    encoder = encoders.from_keras_hub(backbone)
    assert len(encoder.trainable_weights) == (0 if frozen else len(encoder.weights))
