"""Encoders from elsewhere go the whole way: SimCLR, classifier, freeze, unfreeze, deploy."""

import keras
import numpy as np
import pytest
from quick import dear

from keras_ssl import export, objectives, transfer

RNG = np.random.default_rng(0)


def mobile_net():
    """32 x 32 is the smallest image that it takes."""
    return keras.applications.MobileNetV3Small(
        input_shape=(32, 32, 3),
        alpha=0.5,
        minimalistic=True,
        weights=None,
        include_top=False,
        pooling="avg",
        include_preprocessing=False,
    )


def hub_res_net():
    import keras_hub

    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],
        input_conv_kernel_sizes=[3],
        stackwise_num_filters=[64],  # it takes no other first number
        stackwise_num_blocks=[1],
        stackwise_num_strides=[1],
        block_type="basic_block",
        use_pre_activation=False,
        image_shape=(16, 16, 3),
    )
    return pooled(backbone)


def cv_res_net():
    import keras_cv

    backbone = keras_cv.models.ResNetV2Backbone(
        stackwise_filters=[4, 8],
        stackwise_blocks=[2, 2],  # with one it gives two layers the same name
        stackwise_strides=[1, 2],
        include_rescaling=False,
        input_shape=(16, 16, 3),
    )
    return pooled(backbone)


def pooled(backbone):
    """The backbone as an encoder: feature map to vector, as the error about encoders says."""
    return keras.Model(backbone.input, keras.layers.GlobalAveragePooling2D()(backbone.output), name="backbone")


def values(model):
    return [np.array(weight) for weight in model.weights]


@pytest.mark.parametrize("make", [mobile_net, *dear([hub_res_net, cv_res_net])])
def test_it_goes_the_whole_way(make, tmp_path):
    encoder = make()
    x = RNG.random((6, *encoder.input_shape[1:]), "float32")
    y = np.arange(6) % 3

    simclr = objectives.SimCLR(encoder)
    simclr.compile(keras.optimizers.SGD(0.01), run_eagerly=True)
    before = values(encoder)
    history = simclr.fit({"view_1": x, "view_2": np.clip(x + 0.05, 0, 1)}, batch_size=6, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert np.mean([not np.array_equal(a, b) for a, b in zip(before, values(encoder))]) > 0.9

    classifier = transfer.classifier(encoder, classes=3)
    classifier.compile(keras.optimizers.SGD(0.01), "sparse_categorical_crossentropy", run_eagerly=True)
    state = transfer.freeze(classifier, "encoder")
    assert state.trainable == ("probabilities",)
    before = values(encoder)
    classifier.fit(x, y, batch_size=6, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(before, values(encoder)))
    state = transfer.unfreeze(classifier, "encoder", learning_rate=1e-3)
    assert state.frozen == ()
    classifier.fit(x, y, batch_size=6, verbose=0)
    assert any(not np.array_equal(a, b) for a, b in zip(before, values(encoder)))

    folder = export.deploy(classifier, tmp_path / "model", samples=x)
    assert folder.name == "1"
    assert {"saved_model.pb", "model.onnx", "manifest.json"} <= {path.name for path in folder.iterdir()}
