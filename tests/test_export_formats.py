"""SavedModel and ONNX files: names, dtypes, values; what cannot be exported."""

import keras
import numpy as np
import pytest
from keras import layers

from keras_ssl import export, transfer
from keras_ssl.errors import UserError
from keras_ssl.export.formats import write_onnx, write_saved_model
from keras_ssl.export.parity import compare, onnx_runtime, saved_model_runtime
from keras_ssl.export.signatures import serving

IMAGES = np.random.default_rng(1).random((32, 8, 8, 3), "float32")


def make_encoder(activation="relu", name="encoder"):
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, padding="same", use_bias=False)(inputs)
    x = layers.BatchNormalization()(x)
    x = layers.Activation(activation)(x)
    return keras.Model(inputs, layers.Dense(6)(layers.GlobalAveragePooling2D()(x)), name=name)


def make_classifier(encoder, classes=5):
    inputs = keras.Input(encoder.input_shape[1:])
    outputs = layers.Dense(classes, activation="softmax", name="probabilities")(encoder(inputs))
    model = keras.Model(inputs, outputs)
    rng = np.random.default_rng(2)
    model.set_weights([rng.normal(0, 0.5, w.shape) ** (2 if "variance" in w.path else 1) for w in model.weights])
    return model


def both(model, folder, images, input_dtype="float32"):
    """Return the answers of the two files of a model, as `{"saved_model": …, "onnx": …}`."""
    export.saved_model(model, folder / "model", input_dtype)
    export.onnx(model, folder / "model.onnx", input_dtype)
    run, _ = saved_model_runtime(folder / "model")
    return {"saved_model": run(images), "onnx": onnx_runtime(folder / "model.onnx")(images)}


@pytest.mark.parametrize("images", [IMAGES[:1], IMAGES[:5]], ids=["one", "five"])
def test_classifier_gives_probabilities_and_embedding_of_any_batch(tmp_path, images):
    encoder = make_encoder()
    model = make_classifier(encoder)
    for answers in both(model, tmp_path, images).values():
        assert set(answers) == {"probabilities", "embedding"}
        np.testing.assert_allclose(answers["probabilities"], model(images), rtol=0, atol=1e-6)
        np.testing.assert_allclose(answers["embedding"], encoder(images), rtol=0, atol=1e-5)


def test_encoder_gives_embedding_alone(tmp_path):
    encoder = make_encoder()
    for answers in both(encoder, tmp_path, IMAGES[:3]).values():
        assert set(answers) == {"embedding"}
        np.testing.assert_allclose(answers["embedding"], encoder(IMAGES[:3]), rtol=0, atol=1e-6)


def test_uint8_is_divided_by_255_inside_the_graph(tmp_path):
    encoder = make_encoder()
    images = np.random.default_rng(0).integers(0, 256, (4, 8, 8, 3), "uint8")
    for answers in both(encoder, tmp_path, images, "uint8").values():
        np.testing.assert_allclose(answers["embedding"], encoder(images / np.float32(255)), rtol=0, atol=1e-6)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_is_exported_in_float32(tmp_path, policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = make_classifier(make_encoder())
        exact = both(model, tmp_path, IMAGES[:4])
        assert keras.config.dtype_policy().name == policy
    finally:
        keras.config.set_dtype_policy("float32")
    reference = make_classifier(make_encoder())  # the same weights: they come from a seed
    for answers in exact.values():
        assert {value.dtype.name for value in answers.values()} == {"float32"}
        np.testing.assert_allclose(answers["probabilities"], reference(IMAGES[:4]), rtol=0, atol=1e-6)
        trained = np.asarray(keras.ops.cast(model(IMAGES[:4]), "float32"))
        np.testing.assert_allclose(answers["probabilities"], trained, rtol=0, atol=2e-2)
        assert np.abs(answers["probabilities"] - trained).max() > 1e-5  # else nothing was rewritten
    assert model.layers[-1].compute_dtype == policy.removeprefix("mixed_")


def test_an_output_keeps_its_axes_in_whatever_order_the_converter_works(tmp_path, monkeypatch):
    from tf2onnx import optimizer

    passes = dict(optimizer._get_optimizers())
    monkeypatch.setattr(optimizer, "_get_optimizers", lambda: {"remove_identity": passes["remove_identity"], **passes})
    inputs = keras.Input((1, None, None), name="series")
    model = keras.Model(inputs, layers.Permute((2, 3, 1))(inputs))
    export.onnx(model, tmp_path / "model.onnx")  # which compares it with Keras
    x = np.ones((2, 1, 3, 4), "float32")
    assert onnx_runtime(tmp_path / "model.onnx")(x)["embedding"].shape == (2, 3, 4, 1)


def test_exact_gelu_becomes_a_valid_onnx_file(tmp_path):
    encoder = make_encoder(keras.activations.gelu)
    for answers in both(encoder, tmp_path, IMAGES[:4]).values():
        np.testing.assert_allclose(answers["embedding"], encoder(IMAGES[:4]), rtol=0, atol=1e-6)


def test_onnx_has_stable_names_and_a_named_batch(tmp_path):
    import onnx

    path = export.onnx(make_classifier(make_encoder()), tmp_path / "a.onnx", "uint8")
    graph = onnx.load(str(path)).graph
    image = graph.input[0].type.tensor_type
    assert [x.name for x in graph.input] == ["image"]
    assert {x.name for x in graph.output} == {"probabilities", "embedding"}
    assert (image.shape.dim[0].dim_param, image.elem_type) == ("batch", onnx.TensorProto.UINT8)


def names_of(model):
    return set(serving(model).network.output)


def test_names_are_those_of_layers_never_of_activations():
    a, b = make_encoder(name="a"), make_encoder(name="b")
    inputs = keras.Input((8, 8, 3))
    head = {"activation": "softmax", "name": "probabilities"}
    two = keras.Model(inputs, layers.Dense(5, **head)(layers.Concatenate()([a(inputs), b(inputs)])))
    apart = keras.Model(inputs, layers.Dense(5, **head)(layers.Dropout(0.5)(a(inputs))))
    wrapped = keras.Sequential([keras.Input((8, 8, 3)), layers.Rescaling(2.0), make_classifier(a)])
    sequential = keras.Sequential([keras.Input((8, 8, 3)), a, layers.Dense(5, name="logits")])
    augmented = keras.Sequential([keras.Sequential([layers.RandomFlip()]), *a.layers[1:], layers.Dense(5, **head)])
    augmented.build((None, 8, 8, 3))
    assert [names_of(model) for model in (two, apart, wrapped, augmented)] == [{"probabilities"}] * 4
    assert names_of(sequential) == {"logits", "embedding"}
    assert names_of(transfer.classifier(a, 3)) == {"probabilities", "embedding"}
    for end in ("sigmoid", "softmax", layers.Softmax(), keras.ops.softmax):
        end = layers.Activation(end) if isinstance(end, str) else end
        assert names_of(keras.Model(inputs, end(a(inputs)))) == {"embedding"}
    own = keras.Model(inputs, keras.ops.softmax(a(inputs)))
    named = serving(own, outputs={"probabilities": own.output, "embedding": "a"})
    assert set(named.network.output) == {"probabilities", "embedding"}


def test_only_softmax_and_sigmoid_have_a_range():
    inputs = keras.Input((4,))
    for layer, bounds in (
        (layers.Dense(2, activation="sigmoid"), (0.0, 1.0)),
        (layers.Softmax(name="probabilities"), (0.0, 1.0)),
        (layers.Dense(2, name="probabilities"), None),  # the caller's name says nothing of its values
    ):
        assert [*serving(keras.Model(inputs, layer(inputs))).ranges.values()] == ([bounds] if bounds else [])


def test_exporting_leaves_the_model_as_it_was(tmp_path):
    encoder = make_encoder()
    model = make_classifier(encoder)
    model.compile("adam", "sparse_categorical_crossentropy")
    before, nodes = model.get_config(), len(encoder._inbound_nodes)
    weights = model.get_weights()
    export.saved_model(model, tmp_path / "m")
    assert model.get_config() == before
    assert len(encoder._inbound_nodes) == nodes
    for old, new in zip(weights, model.get_weights()):
        np.testing.assert_array_equal(old, new)
    model.fit(IMAGES[:4], np.array([0, 1, 2, 3]), verbose=0)


@keras.saving.register_keras_serializable("tests")
class ToText(layers.Layer):
    """A layer that goes through strings, for which ONNX has no operations."""

    def call(self, x):
        import tensorflow as tf

        return tf.cast(tf.strings.to_hash_bucket_fast(tf.strings.as_string(x), 10), tf.float32)


@keras.saving.register_keras_serializable("tests")
class InPython(layers.Layer):
    """A layer that calls Python, which no file can hold."""

    def call(self, x):
        import tensorflow as tf

        return tf.ensure_shape(tf.numpy_function(lambda a: a, [x], tf.float32), x.shape)


@pytest.mark.parametrize(("layer", "operation"), [(ToText, "StringToHashBucketFast"), (InPython, "PyFunc")])
def test_what_onnx_cannot_hold_is_a_clear_error(tmp_path, layer, operation):
    inputs = keras.Input((4, 4, 1))
    model = keras.Model(inputs, layer()(layers.Flatten()(inputs)))
    with pytest.raises(UserError, match=rf"(?s){operation}.*export\.saved_model"):
        export.onnx(model, tmp_path / "m.onnx")
    with pytest.raises(UserError, match=operation):
        export.deploy(model, tmp_path / "models")
    assert list(tmp_path.iterdir()) == []


class Subclassed(keras.Model):
    def call(self, x):
        return x


def bad_models():
    image = keras.Input((8, 8, 1))
    spaced = keras.Input((8,), name="a b")
    fixed = keras.Input(batch_shape=(4, 8, 8, 1))
    return [
        (Subclassed(), "not built"),
        (keras.Sequential([layers.Dense(2)]), "not built"),
        (layers.Dense(2), "a Dense"),
        (keras.Model(image, [layers.Flatten()(image), layers.ReLU()(image)]), "2 output"),
        (keras.Model(spaced, layers.Dense(2)(spaced)), "'a b'"),
        (keras.Model(fixed, layers.Flatten()(fixed)), "fixed to 4"),
    ]


@pytest.mark.parametrize("which", range(6))
def test_what_cannot_be_served_is_a_clear_error(tmp_path, which):
    model, words = bad_models()[which]
    for act in (export.saved_model, export.onnx, export.deploy):
        with pytest.raises(UserError, match=words):
            act(model, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []


def test_unknown_input_dtype_is_an_error(tmp_path):
    with pytest.raises(UserError, match="float32"):
        export.saved_model(make_encoder(), tmp_path / "m", "float64")


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "file").write_text("mine")
    for act in (export.saved_model, export.onnx):
        with pytest.raises(UserError, match="remove it"):
            act(make_encoder(), tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"
    assert len(list(tmp_path.iterdir())) == 1


def test_both_formats_are_made_of_one_function(tmp_path):
    """The two files agree with each other on every output, more closely than with an independent rewrite."""
    served = serving(make_classifier(make_encoder()))
    write_saved_model(served, tmp_path / "m")
    write_onnx(served, tmp_path / "m", tmp_path / "m.onnx")
    run, inputs = saved_model_runtime(tmp_path / "m")
    figures = compare(run, {"onnx": onnx_runtime(tmp_path / "m.onnx")}, IMAGES)
    assert max(figures["onnx"].values()) < 2e-6
    assert {name: tuple(x.shape) for name, x in inputs.items()} == {"image": (None, 8, 8, 3)}


def test_another_backend_is_a_clear_error(tmp_path, monkeypatch):
    encoder = make_encoder()
    monkeypatch.setattr(keras.backend, "backend", lambda: "jax")
    for act in (export.saved_model, export.onnx, export.deploy, export.verify):
        with pytest.raises(UserError, match="KERAS_BACKEND=tensorflow"):
            act(encoder, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []
