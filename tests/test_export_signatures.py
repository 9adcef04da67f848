"""Named inputs, outputs and signatures: what is served of models of any kind, and of objectives."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers

from keras_ssl import encoders, export, objectives
from keras_ssl.errors import UserError
from keras_ssl.export.axes import layout
from keras_ssl.export.clients import Sends
from keras_ssl.export.formats.onnx_format import check_graph
from keras_ssl.export.parity import onnx_runtime, saved_model_runtime
from keras_ssl.export.samples import random_samples
from keras_ssl.export.signatures import serving, servings
from keras_ssl.specs import Spec

RNG = np.random.default_rng(0)
TINY = 1e-5


def image_and_ids():
    """An image and ids of any length in; a dict of one vector and one row for each id out."""
    image, ids = keras.Input((6, 6, 1), name="image"), keras.Input((None,), dtype="int32", name="ids")
    x = layers.Embedding(20, 4, name="embedding")(ids)
    joint = layers.Add()([layers.Dense(4)(layers.Flatten()(image)), layers.GlobalAveragePooling1D()(x)])
    return keras.Model({"image": image, "ids": ids}, {"joint": joint, "tokens": layers.Dense(3)(x)})


def series():
    inputs = keras.Input((None, 3), name="series")
    x = layers.Conv1D(4, 3, padding="same", activation="relu", name="features")(inputs)
    return keras.Model(inputs, layers.GlobalAveragePooling1D(name="pool")(x))


@pytest.fixture(scope="module")
def joint(tmp_path_factory):
    """A model of two inputs and two outputs, and its version folder."""
    keras.utils.set_random_seed(0)
    model = image_and_ids()
    return model, export.deploy(model, tmp_path_factory.mktemp("models") / "joint")


def manifest_of(version):
    return json.loads((version / "manifest.json").read_text())


# ---- inputs and outputs ----------------------------------------------------------------------------------------------


def test_the_manifest_describes_every_input_and_output(joint):
    manifest = manifest_of(joint[1])
    about = manifest["signatures"]["serving_default"]
    keys = ("shape", "dtype", "kind", "range", "axes")
    entries = {name: [entry[key] for key in keys] for name, entry in {**about["inputs"], **about["outputs"]}.items()}
    assert entries == {
        "image": [[None, 6, 6, 1], "float32", "image", [0, 1], ["batch", "height", "width", "channels"]],
        "ids": [[None, None], "int32", "ids", [0, 19], ["batch", "time"]],
        "joint": [[None, 4], "float32", None, None, ["batch", "features"]],
        "tokens": [[None, None, 3], "float32", None, None, ["batch", "time", "features"]],
    }
    assert about["inputs"]["ids"]["sizes"] == {"time": [64, 128]}
    assert about["onnx"] == "model.onnx"
    assert set(manifest["parity"]["onnx"]) == {"joint", "tokens"}
    assert max(manifest["parity"]["onnx"].values()) <= TINY
    assert manifest["empty_batch"] == {"saved_model": True, "onnx": True}


def test_onnx_axes_are_named(joint):
    import onnx

    graph = onnx.load(str(joint[1] / "model.onnx")).graph
    names = {x.name: [dim.dim_param or dim.dim_value for dim in x.type.tensor_type.shape.dim] for x in graph.input}
    assert names == {"image": ["batch", 6, 6, 1], "ids": ["batch", "time"]}
    names = {x.name: [dim.dim_param or dim.dim_value for dim in x.type.tensor_type.shape.dim] for x in graph.output}
    assert names == {"joint": ["batch", 4], "tokens": ["batch", "time", 3]}


def test_both_files_answer_dicts_of_any_length(joint):
    model, version = joint
    given = {"image": RNG.random((3, 6, 6, 1), "float32"), "ids": RNG.integers(0, 20, (3, 5)).astype("int32")}
    expected = model(given)
    run, _ = saved_model_runtime(version)
    for answers in (run(given), onnx_runtime(version / "model.onnx")(given)):
        for name in ("joint", "tokens"):
            np.testing.assert_allclose(answers[name], expected[name], rtol=0, atol=1e-6)


def test_each_weight_is_stored_once(joint):
    model, version = joint
    stored = sum(path.stat().st_size for path in (version / "variables").glob("*.data*"))
    weights = sum(w.numpy().nbytes for w in model.weights)
    assert weights < stored < 1.5 * weights + 400  # some hundred bytes describe the objects


def test_the_saved_model_refuses_wrong_sizes(tmp_path):
    vit = encoders.vit((4, 4, 1), patch=2, width=8, depth=1, heads=2)
    export.saved_model(vit, tmp_path / "m")
    loaded = tf.saved_model.load(str(tmp_path / "m"))
    function = loaded.signatures["serving_default"]
    assert function(image=tf.zeros((2, 4, 4, 1)))["embedding"].shape == (2, 8)
    graph = tf.compat.v1.Session(graph=tf.Graph())  # as a server runs it, which compares no signature
    with graph.graph.as_default():
        meta = tf.compat.v1.saved_model.load(graph, ["serve"], str(tmp_path / "m"))
        names = meta.signature_def["serving_default"]
        feed, fetch = names.inputs["image"].name, names.outputs["embedding"].name
        assert graph.run(fetch, {feed: np.zeros((2, 4, 4, 1))}).shape == (2, 8)
        with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
            graph.run(fetch, {feed: np.zeros((2, 8, 8, 1))})
    operations = {node.op for one in function.graph.as_graph_def().library.function for node in one.node_def}
    assert "EnsureShape" in operations


def test_outputs_are_chosen_by_layer_or_tensor():
    model = series()
    served = serving(model, outputs={"frames": "features", "pooled": model.output})
    x = RNG.random((2, 7, 3), "float32")
    answers = served.answer(x)
    assert {name: y.shape for name, y in answers.items()} == {"frames": (2, 7, 4), "pooled": (2, 4)}
    its = layout(served)
    assert its.outputs == {"frames": ["batch", "time", "features"], "pooled": ["batch", "features"]}
    assert its.sizes == {"time": [64, 128]}
    for wrong in ({"a": "nothing"}, {"a": keras.Input((3,))}, {}, {"a b": "pool"}):
        with pytest.raises(UserError, match="output"):
            serving(model, outputs=wrong)


def test_names_that_keras_made_become_kinds():
    a, b, c = keras.Input((4, 4, 1)), keras.Input((4, 4, 1)), keras.Input((3,), dtype="int32")
    model = keras.Model([a, b, c], layers.Flatten()(layers.Add()([a, b])))
    assert list(serving(model).specs) == ["image_1", "image_2", "ids"]
    inputs = keras.Input((None, 2))
    assert list(serving(keras.Model(inputs, layers.LSTM(2)(inputs))).specs) == ["series"]


def test_open_axes_of_several_inputs_have_names_of_their_own():
    s, a = keras.Input((None, 2), name="series"), keras.Input((None,), name="audio")
    pooled = layers.GlobalAveragePooling1D()
    audio = layers.Dense(2)(pooled(layers.Reshape((-1, 1))(a)))
    its = layout(serving(keras.Model([s, a], layers.Add()([pooled(s), audio]))))
    assert its.inputs == {"series": ["batch", "series_time", "channels"], "audio": ["batch", "audio_time"]}
    assert its.sizes == {"series_time": [64, 128], "audio_time": [64, 192]}


def test_videos_whose_axes_are_all_open_are_verified_at_small_sizes():
    inputs = keras.Input((None, None, None, 1), name="video")
    its = layout(serving(keras.Model(inputs, layers.GlobalAveragePooling3D()(inputs))))
    assert its.sizes == {"time": [16, 32], "height": [16, 48], "width": [16, 64]}
    large = keras.Model(inputs, layers.GlobalAveragePooling3D()(layers.Conv3D(1, 99)(inputs)))  # 256 is not tried
    with pytest.raises(UserError, match=r"at each of \[\[16, 16, 16\], \[64, 64, 64\]\]"):
        layout(serving(large))


def test_sizes_that_a_model_does_not_take_are_a_clear_error():
    inputs = keras.Input((None,), dtype="int32", name="ids")
    x = layers.Flatten()(layers.Embedding(4, 2)(inputs))
    fixed = keras.Model(inputs, layers.Lambda(lambda x: tf.ensure_shape(x, (None, 14)))(x))
    with pytest.raises(UserError, match=r"any size along time"):
        layout(serving(fixed), np.zeros((2, 7), "int32"))


BAD_SAMPLES = {
    "a name too few": ({"ids": np.zeros((2, 3), "int32")}, "dict of image, ids|dict of ids, image"),
    "one array for two": (np.zeros((2, 3), "int32"), "dict of"),
    "an id too high": ({"image": np.zeros((2, 6, 6, 1), "float32"), "ids": np.full((2, 3), 20)}, "20 at index 0"),
    "floats for ids": ({"image": np.zeros((2, 6, 6, 1), "float32"), "ids": np.zeros((2, 3))}, "integers"),
    "counts": ({"image": np.zeros((2, 6, 6, 1), "float32"), "ids": np.zeros((3, 3), "int32")}, "as many samples"),
}


@pytest.mark.parametrize("which", BAD_SAMPLES)
def test_bad_samples_of_several_inputs(joint, tmp_path, which):
    samples, words = BAD_SAMPLES[which]
    with pytest.raises(UserError, match=words):
        export.deploy(joint[0], tmp_path, samples)
    assert list(tmp_path.iterdir()) == []


# ---- what the client sends -------------------------------------------------------------------------------------------


def flat(*first):
    """Pixels, after some layers, as they are."""
    return keras.Sequential([keras.Input((4, 4, 3)), *first, layers.Flatten()])


def adapted():
    layer = layers.Normalization()
    layer.adapt(RNG.integers(0, 256, (50, 4, 4, 3)).astype("float32"))
    return layer


RESCALING = {
    "1/255": lambda: flat(layers.Rescaling(1 / 255)),
    "-1..1": lambda: flat(layers.RandomFlip(), layers.Rescaling(1 / 127.5, offset=-1)),
    "nested": lambda: flat(flat(layers.Rescaling(1 / 255))),
    "adapted": lambda: flat(adapted()),
}


@pytest.mark.parametrize("which", RESCALING)
def test_bytes_are_never_divided_twice(which):
    model = RESCALING[which]()
    images = RNG.integers(0, 256, (5, 4, 4, 3), "uint8")
    served = serving(model, "uint8")
    expected = np.asarray(model(images.astype("float32"), training=False))  # the model on what the client sends
    for answers in (served.answer(images), served.function()(tf.constant(images))):
        np.testing.assert_allclose(answers["embedding"], expected, rtol=0, atol=1e-6)
    assert serving(model).specs["image"].high == 255  # floats go in unchanged


def test_bytes_are_divided_where_the_model_does_not():
    images = RNG.integers(0, 256, (5, 4, 4, 3), "uint8")
    for model in (flat(), flat(layers.Rescaling(2.0, offset=-1.0))):
        expected = np.asarray(model(np.linspace(0, 1, 256, dtype="float32")[images]))
        served = serving(model, "uint8")
        for answers in (served.answer(images), served.function()(tf.constant(images))):
            np.testing.assert_allclose(answers["embedding"], expected, rtol=0, atol=1e-6)


SENT = {
    "-1..1": ({"value_range": (-1, 1)}, lambda x: 2 * x - 1, (-1, 1)),
    "0..255": ({"value_range": {"image": (0, 255)}}, lambda x: 255 * x, (0, 255)),
    "normalized": (
        {"mean": [0.4, 0.5, 0.6], "std": [0.2, 0.25, 0.5]},
        lambda x: (x - [0.4, 0.5, 0.6]) / [0.2, 0.25, 0.5],
        (-2, 3),
    ),
    "both": ({"value_range": (0, 255), "mean": 100, "std": 50}, lambda x: (255 * x - 100) / 50, (-2, 3.1)),
}


@pytest.mark.parametrize("which", SENT)
def test_what_clients_send_is_undone(which):
    arguments, send, bounds = SENT[which]
    model, x = flat(), RNG.random((4, 4, 4, 3), "float32")
    served = serving(model, sends=Sends(**arguments))
    sent = send(x).astype("float32")
    for answers in (served.answer(sent), served.function()(tf.constant(sent))):
        np.testing.assert_allclose(answers["embedding"], model(x), rtol=0, atol=2e-6)
    assert (served.specs["image"].low, served.specs["image"].high) == pytest.approx(bounds)


def test_stored_audio_is_divided():
    inputs = keras.Input((16,), name="audio")
    model = keras.Model(inputs, layers.Dense(2)(inputs))
    sent = RNG.integers(-32768, 32768, (3, 16)).astype("int16")
    served = serving(model, "int16")
    for answers in (served.answer(sent), served.function()(tf.constant(sent))):
        np.testing.assert_allclose(answers["embedding"], model(sent / np.float32(32768)), rtol=0, atol=1e-6)


BAD_SENDS = [
    ({"input_dtype": "int8"}, "input_dtype"),
    ({"mean": 0.5}, "both `mean` and `std`"),
    ({"mean": 0.5, "std": 0.0}, "positive `std`"),
    ({"mean": [0.5, 0.5], "std": 1.0}, "each channel"),
    ({"value_range": (1, 0)}, "lowest"),
    ({"value_range": {"picture": (0, 1)}}, "check the names"),
    ({"input_dtype": "uint8", "value_range": (0, 255)}, "leave them out"),
    ({"input_dtype": "int16"}, "'image'"),
]


@pytest.mark.parametrize("which", range(len(BAD_SENDS)))
def test_bad_words_about_clients(which):
    arguments, words = BAD_SENDS[which]
    with pytest.raises(UserError, match=words):
        servings(flat(), Sends(**arguments))


# ---- signatures ------------------------------------------------------------------------------------------------------


def images_encoder():
    return encoders.mlp((4, 4, 1), units=(8, 3))


def test_all_that_a_variational_autoencoder_can_do_is_deployed(tmp_path):
    vae = objectives.VariationalAutoencoder(encoders.mlp((4, 4, 1), units=(64, 3)), latent_dim=2)
    version = export.deploy(vae, tmp_path / "vae")
    manifest = manifest_of(version)
    assert set(manifest["signatures"]) == {"serving_default", "embed", "reconstruct", "decode"}
    assert {path.name for path in version.glob("*.onnx")} == {"model.onnx", "reconstruct.onnx", "decode.onnx"}
    assert manifest["signatures"]["embed"]["onnx"] == "model.onnx"
    assert set(manifest["parity"]["onnx"]) == {"embedding", "reconstruct/reconstruction", "decode/sample"}
    images, z = RNG.random((3, 4, 4, 1), "float32"), RNG.normal(size=(3, 2)).astype("float32")
    expected = {"embed": vae(images), "reconstruct": vae.reconstruct(images), "decode": vae.decode(z)}
    for name, outputs in expected.items():
        about = manifest["signatures"][name]
        given = {key: z if key == "z" else images for key in about["inputs"]}
        (output,) = about["outputs"]
        for run in (saved_model_runtime(version, name)[0], onnx_runtime(version / about["onnx"])):
            np.testing.assert_allclose(run(given)[output], outputs, rtol=0, atol=1e-6)
    stored = sum(path.stat().st_size for path in (version / "variables").glob("*.data*"))
    networks = (vae.encoder, vae.decoder, vae.statistics)
    needed = {id(w): w.numpy().nbytes for network in networks for w in network.weights}
    assert stored < 1.1 * sum(needed.values()) + 1500  # once for four signatures; the rest describes 14 variables
    assert max(export.verify(vae, version)["saved_model"].values()) <= TINY


def test_a_gan_samples_and_an_autoencoder_reconstructs(tmp_path):
    gan = objectives.GAN(encoders.conv_net((8, 8, 1), filters=(4,), normalize=False), latent_dim=3)
    export.saved_model(gan, tmp_path / "gan", "uint8")
    z = RNG.normal(size=(2, 3)).astype("float32")
    sample = saved_model_runtime(tmp_path / "gan", "sample")[0]
    np.testing.assert_allclose(sample(z)["sample"], gan.generator(z), rtol=0, atol=1e-6)
    _, inputs = saved_model_runtime(tmp_path / "gan", "embed")
    assert inputs["image"].dtype == tf.uint8
    autoencoder = objectives.Autoencoder(images_encoder())
    images = RNG.random((3, 4, 4, 1), "float32")
    embed, reconstruct = servings(autoencoder, Sends())
    np.testing.assert_allclose(embed.answer(images)["embedding"], autoencoder(images), rtol=0, atol=1e-6)
    reconstructed = reconstruct.answer(images)["reconstruction"]
    np.testing.assert_allclose(reconstructed, autoencoder.reconstruct(images), rtol=0, atol=1e-6)


def test_every_objective_offers_embed():
    simsiam = objectives.SimSiam(images_encoder())
    images = RNG.random((2, 4, 4, 1), "float32")
    (embed,) = servings(simsiam, Sends())
    assert (embed.name, embed.aliases, embed.file) == ("serving_default", ("embed",), "model.onnx")
    np.testing.assert_allclose(embed.answer(images)["embedding"], simsiam(images), rtol=0, atol=1e-6)


def test_a_function_is_a_signature(tmp_path):
    model = series()
    spec = Spec((None, 5, 3), kind="series")
    version = export.deploy(
        model, tmp_path, signatures={"energy": (lambda x: {"energy": keras.ops.sum(x * x, axis=(1, 2))}, spec)}
    )
    x = RNG.random((2, 5, 3), "float32")
    for run in (saved_model_runtime(version, "energy")[0], onnx_runtime(version / "energy.onnx")):
        np.testing.assert_allclose(run(x)["energy"], (x * x).sum((1, 2)), rtol=1e-5)
    assert manifest_of(version)["signatures"]["energy"]["outputs"]["energy"]["axes"] == ["batch"]


def test_a_spec_says_what_a_model_takes():
    given = {"serving_default": (flat(), Spec((None, 4, 4, 3), low=-1.0, high=1.0, kind="image"))}
    (served,) = servings(None, Sends("uint8"), signatures=given)
    images = RNG.integers(0, 256, (2, 4, 4, 3), "uint8")
    expected = np.linspace(-1, 1, 256)[images].reshape(2, -1)
    for answers in (served.answer(images), served.function()(tf.constant(images))):
        np.testing.assert_allclose(answers["embedding"], expected, rtol=0, atol=1e-6)


BAD_SIGNATURES = [
    ({"model": flat}, "other names"),
    ({"a b": flat}, "signature names"),
    ({"twice": lambda x: {"y": 2 * x}}, "pair of the function"),
    ({"none": (lambda x: {"y": None}, Spec((None, 2)))}, "a NoneType as 'y'"),
    ({"fixed": (lambda x: {"y": x}, Spec((3, 2)))}, "batch size fixed to 3"),
    ({"other": (flat(), {"a": Spec((None, 4)), "b": Spec((None, 4))})}, "a spec for each input"),
]


@pytest.mark.parametrize("which", range(len(BAD_SIGNATURES)))
def test_bad_signatures_are_clear_errors(which, tmp_path):
    signatures, words = BAD_SIGNATURES[which]
    with pytest.raises(UserError, match=words):
        export.deploy(flat(), tmp_path / "m", signatures=signatures)
    assert list(tmp_path.iterdir()) == []


def _frame_prediction():
    return objectives.FramePrediction(encoders.stacked_conv((3, 8, 8, 1), (8, 16)), future=2)


def _translation():
    return objectives.SequenceToSequence(encoders.transformer(20, width=8, depth=1, heads=2))


def _rotary():
    return objectives.CausalLanguageModel(
        encoders.transformer(20, width=8, depth=1, heads=2, positions="rotary", causal=True)
    )


@pytest.mark.parametrize("make", [_frame_prediction, _translation, _rotary])
def test_an_objective_trained_in_half_precision_is_served_in_float32(make):
    """Its functions, too, and casts to half precision inside its networks."""
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        objective = make()
    finally:
        keras.config.set_dtype_policy("float32")
    exact = make()
    exact.set_weights(objective.get_weights())
    for one, other in zip(servings(objective, Sends()), servings(exact, Sends())):
        its = layout(one)
        sizes = dict.fromkeys(its.sizes, 5)
        samples = random_samples(one.specs, its.inputs, sizes, 3)
        answers, expected = one.answer(samples), other.answer(samples)
        for name, y in answers.items():
            np.testing.assert_array_equal(y, expected[name])
        assert "bfloat16" not in str(one.function().get_concrete_function().graph.as_graph_def(add_shapes=True))


# ---- ONNX ------------------------------------------------------------------------------------------------------------


def test_graph_inputs_are_those_that_were_declared():
    from onnx import TensorProto, helper

    x, constant, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in ("x", "c", "y"))
    graph = helper.make_graph([helper.make_node("Add", ["x", "c"], ["y"])], "g", [x, constant], [y])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    check_graph(proto, ["x", "c"])
    with pytest.raises(UserError, match="c besides"):
        check_graph(proto, ["x"])
    with pytest.raises(UserError, match="none that reads z"):
        check_graph(proto, ["x", "c", "z"])


def test_captured_constants_and_grouped_convolutions_convert(tmp_path):
    inputs = keras.Input((6, 6, 4), name="image")
    normalization = layers.Normalization(mean=[0.1, 0.2, 0.3, 0.4], variance=[0.1, 0.2, 0.3, 0.4])
    x = layers.Conv2D(4, 3, groups=2)(normalization(inputs))
    path = export.onnx(keras.Model(inputs, layers.Flatten()(x)), tmp_path / "m.onnx")  # it compares outputs to 1e-5
    import onnx

    graph = onnx.load(str(path)).graph
    assert [x.name for x in graph.input] == ["image"]
    assert "StatefulPartitionedCall" not in {node.op_type for node in graph.node}


def test_a_recurrent_network_is_not_asked_for_nothing(tmp_path):
    """ONNX Runtime 1.31.1 ends the process where an LSTM gets a batch of 0."""
    inputs = keras.Input((5, 2), name="series")
    version = export.deploy(keras.Model(inputs, layers.LSTM(3)(inputs)), tmp_path)
    assert manifest_of(version)["empty_batch"]["onnx"] is False
