"""`export.stock`: the same model in Keras's own layers."""

import keras
import new_process
import numpy as np
import pytest
from keras import layers

from keras_ssl import blocks, export
from keras_ssl.errors import UserError
from keras_ssl.export.rewriting import in_float32

IMAGES = np.random.default_rng(1).random((6, 8, 8, 3), "float32")


def make_encoder(name="encoder"):
    inputs = keras.Input((8, 8, 3), name="image")
    x = layers.Conv2D(4, 3, use_bias=False, name="conv")(inputs)
    x = blocks.BatchNormalization(name="norm")(x)
    inner = keras.Input((6, 6, 4))
    block = keras.Model(inner, blocks.BatchNormalization(name="inner_norm")(layers.ReLU()(inner)), name="block")
    encoder = keras.Model(inputs, layers.GlobalAveragePooling2D(name="pool")(block(x)), name=name)
    rng = np.random.default_rng(3)
    encoder.set_weights([np.abs(rng.normal(1, 0.5, w.shape)) for w in encoder.weights])
    return encoder


def test_stock_gives_the_same_answers_from_stock_layers():
    encoder = make_encoder()
    stock = export.stock(encoder)
    np.testing.assert_allclose(stock(IMAGES), encoder(IMAGES), rtol=0, atol=1e-5)
    modules = {type(layer).__module__ for layer in stock._flatten_layers()}
    assert all(module.startswith("keras.src") for module in modules)
    assert [layer.name for layer in stock.layers] == [layer.name for layer in encoder.layers]
    assert stock.name == encoder.name
    assert type(stock.get_layer("block").get_layer("inner_norm")) is layers.BatchNormalization


def test_stock_reaches_into_a_nested_encoder_and_leaves_the_compiled_model_alone():
    encoder = make_encoder()
    encoder.get_layer("conv").trainable = False
    model = keras.Sequential([keras.Input((8, 8, 3)), encoder, layers.Dense(3)])
    model.compile("adam", "mse")
    before = model.get_weights()
    stock = export.stock(model)
    np.testing.assert_allclose(stock(IMAGES), model(IMAGES), rtol=0, atol=1e-5)
    assert not stock.get_layer("encoder").get_layer("conv").trainable
    assert isinstance(encoder.get_layer("norm"), blocks.BatchNormalization)
    for variable in stock.variables:
        variable.assign(keras.ops.zeros_like(variable))
    for old, new in zip(before, model.get_weights()):
        np.testing.assert_array_equal(old, new)


def test_sequential_models_and_dicts_of_inputs_are_rewritten():
    block = keras.Sequential([keras.Input((8, 8, 3)), blocks.BatchNormalization(), layers.Flatten()], name="block")
    inputs = {"a": keras.Input((8, 8, 3), name="a"), "b": keras.Input((8, 8, 3), name="b")}
    model = keras.Model(inputs, {"sum": layers.Add()([block(inputs["a"]), block(inputs["b"])])})
    stock = export.stock(model)
    given = {"a": IMAGES, "b": IMAGES + 1}
    np.testing.assert_allclose(stock(given)["sum"], model(given)["sum"], rtol=0, atol=1e-5)
    assert len(stock.weights) == 4


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
def test_a_normalization_of_pixels_keeps_what_it_was_adapted_to(policy):
    pixels = layers.Normalization(dtype=policy)
    pixels.adapt(IMAGES)
    block = keras.Sequential([keras.Input((8, 8, 3)), pixels, layers.Flatten()])
    expected = keras.ops.cast(block(IMAGES), "float32")
    assert np.abs(expected).max() > 1.5  # of pixels in 0..1
    for rewritten in (export.stock(block), in_float32(block)):
        answer = keras.ops.cast(rewritten(IMAGES), "float32")
        np.testing.assert_allclose(answer, expected, atol=1e-6 if policy == "float32" else 2e-2)


def test_a_shared_layer_stays_shared():
    inputs = keras.Input((8, 8, 3))
    norm = blocks.BatchNormalization()
    encoder = keras.Model(inputs, layers.Flatten()(norm(norm(inputs))))
    assert len(export.stock(encoder).weights) == 4


def test_stock_file_loads_where_keras_ssl_is_not(tmp_path):
    encoder = make_encoder()
    export.stock(encoder).save(tmp_path / "stock.keras")
    encoder.save(tmp_path / "ours.keras")
    np.save(tmp_path / "images.npy", IMAGES)
    code = (
        "import sys; sys.modules['keras_ssl'] = None\n"
        "import keras, numpy as np\n"
        "model = keras.saving.load_model('stock.keras')\n"
        "np.save('answer.npy', model(np.load('images.npy')))\n"
        "try: keras.saving.load_model('ours.keras')\n"
        "except Exception: print('refused')\n"
    )
    printed = new_process.run(code, folder=tmp_path)
    assert printed.split() == ["refused"]  # the test would see it if the block did not work
    np.testing.assert_allclose(np.load(tmp_path / "answer.npy"), encoder(IMAGES), rtol=1e-5)


def test_a_custom_layer_is_kept_if_it_is_not_ours():
    @keras.saving.register_keras_serializable("tests")
    class Twice(layers.Layer):
        def call(self, x):
            return 2.0 * x

    inputs = keras.Input((4,))
    assert isinstance(export.stock(keras.Model(inputs, Twice()(inputs))).layers[-1], Twice)


def test_a_layer_of_ours_without_a_stock_equal_is_an_error():
    class Ours(layers.Layer):
        def call(self, x):
            return x

    Ours.__module__ = "keras_ssl.blocks.imagined"
    inputs = keras.Input((4,))
    with pytest.raises(UserError, match=r"Ours.*import keras_ssl"):
        export.stock(keras.Model(inputs, Ours()(inputs)))


def test_what_is_no_graph_of_layers_is_an_error():
    class Subclassed(keras.Model):
        pass

    for model in (Subclassed(), keras.Sequential([layers.Dense(2)]), layers.Dense(2)):
        with pytest.raises(UserError, match=r"objective\.encoder"):
            export.stock(model)


def test_a_mixed_precision_model_keeps_its_precision():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        encoder = make_encoder()
    finally:
        keras.config.set_dtype_policy("float32")
    stock = export.stock(encoder)
    assert stock.get_layer("norm").dtype_policy.name == "mixed_bfloat16"
    np.testing.assert_allclose(
        keras.ops.cast(stock(IMAGES), "float32"), keras.ops.cast(encoder(IMAGES), "float32"), rtol=2e-2, atol=2e-2
    )
