"""Feature maps of encoders, and the heads on them: segmenter and detector; also multi-label, and heads that change."""

import json

import keras
import numpy as np
import pytest
from keras import layers
from quick import dear

from keras_ssl import blocks, encoders, export, losses, networks, transfer
from keras_ssl.errors import UserError
from keras_ssl.export.parity import onnx_runtime

RNG = np.random.default_rng(0)
IMAGES = RNG.random((4, 8, 8, 1), "float32")
MASKS = (IMAGES[..., 0] > 0.5).astype("int32")  # learned from the image itself
LABELED = transfer.box_labels(
    [[[1, 1, 4, 5]], [[0, 0, 8, 8], [4, 4, 6, 7]], [], [[5, 0, 8, 3]]], [[0], [1, 0], [], [1]], (8, 8)
)
BOXES = LABELED["maps"]


def conv_net():
    return encoders.conv_net((8, 8, 1), filters=(4, 6))


def segmenter(encoder=None, **arguments):
    model = transfer.segmenter(encoder or conv_net(), classes=2, width=4, **arguments)
    model.compile(keras.optimizers.Adam(0.03), "sparse_categorical_crossentropy", run_eagerly=True)
    return model


def detector(encoder=None, **arguments):
    arguments = {"stride": 2, "count": 3, "width": 4, **arguments}
    model = transfer.detector(encoder or conv_net(), classes=2, **arguments)
    model.compile(keras.optimizers.Adam(0.03), {"maps": losses.CenterLoss()}, run_eagerly=True)
    return model


# ---- feature maps ----------------------------------------------------------------------------------------------------


def test_the_maps_of_a_convolutional_encoder_are_the_last_of_each_resolution():
    encoder = encoders.conv_net((8, 8, 1), filters=(4, 6, 8))
    maps = encoders.features(encoder)
    assert maps.name == encoder.name
    assert {name: x.shape for name, x in maps.output.items()} == {
        "relu_1": (None, 8, 8, 4),
        "relu_2": (None, 4, 4, 6),
        "relu_3": (None, 2, 2, 8),
    }
    found = maps(IMAGES)
    np.testing.assert_array_equal(np.mean(found["relu_3"], axis=(1, 2)), np.array(encoder(IMAGES)))
    assert {id(v) for v in maps.variables} == {id(v) for v in encoder.variables}  # shared


def test_the_maps_of_residual_networks_end_their_stages():
    names = list(encoders.features(encoders.resnet18((16, 16, 3), width=2)).output)
    assert names == [f"stage_{k}_block_2_relu" for k in (1, 2, 3, 4)]


def test_padded_maps_and_weights_of_channels_are_no_resolutions():
    image = keras.Input((9, 9, 1), name="image")
    x = layers.Conv2D(2, 3, padding="same", name="fine")(layers.ZeroPadding2D(2)(layers.Rescaling(2.0)(image)))
    x = layers.Conv2D(3, 3, 2, name="coarse")(layers.ZeroPadding2D(1)(x))
    weights = layers.Conv2D(3, 1, name="squeezed")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    x = layers.Multiply(name="excited")([x, weights])
    encoder = keras.Model(image, layers.GlobalAveragePooling2D()(x))
    assert list(encoders.features(encoder).output) == ["fine", "excited"]


def test_maps_in_nested_models_have_paths_and_are_computed_once():
    inside = encoders.conv_net((None, None, 1), filters=(4, 6), name="inside")
    image = keras.Input((8, 8, 1), name="image")
    encoder = keras.Model(image, layers.Dense(3)(inside(layers.Rescaling(2.0, name="twice")(image))), name="outer")
    maps = encoders.features(encoder)
    assert {name: x.shape[1] for name, x in maps.output.items()} == {"inside/relu_1": 8, "inside/relu_2": 4}
    expected = encoders.features(encoders.features(inside, ["relu_1", "conv_2"]), ["relu_1", "conv_2"])(2 * IMAGES)
    found = encoders.features(encoder, ["inside/conv_2", "twice", "inside/relu_1"])(IMAGES)
    assert list(found) == ["inside/conv_2", "twice", "inside/relu_1"]
    np.testing.assert_allclose(np.array(found["inside/conv_2"]), np.array(expected["conv_2"]), rtol=1e-6)
    np.testing.assert_allclose(np.array(found["inside/relu_1"]), np.array(expected["relu_1"]), rtol=1e-6)
    np.testing.assert_array_equal(np.array(found["twice"]), 2 * IMAGES)


def test_frames_of_patches_lie_on_their_grid():
    encoder = encoders.vit((8, 12, 1), patch=4, width=8, depth=1, heads=1)
    x = RNG.random((2, 8, 12, 1), "float32")
    found = encoders.features(encoder)(x)["trunk"]
    assert found.shape == (2, 2, 3, 8)
    frames = networks.parts(encoder).frames(x)
    np.testing.assert_allclose(np.array(found)[:, 1, 2], np.array(frames)[:, 5], rtol=1e-5, atol=1e-6)
    block = next(layer.name for layer in encoder.get_layer("trunk").layers[::-1] if layer.name.startswith("block_1"))
    assert encoders.features(encoder, [f"trunk/{block}"]).output[f"trunk/{block}"].shape == (None, 2, 3, 8)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: encoders.features(conv_net(), ["relu_3"]), r"Received 'relu_3'.*relu_[12]"),
        (lambda: encoders.features(conv_net(), ["pool"]), r"'pool', whose output has shape \(None, 6\).*conv_1"),
        (lambda: encoders.features(encoders.conv_net((None, None, 1), (4,))), "fixed size, for the default"),
        (lambda: encoders.features(encoders.mlp((8, 8, 1), (4,))), "with feature maps .*'mlp' without"),
        (lambda: encoders.features(encoders.mlp((8,), (4,))), "images"),
        (lambda: transfer.segmenter(encoders.conv_net((None, None, 1), (4,)), 2), "fixed size for a segmenter"),
        (lambda: transfer.segmenter(conv_net(), 2, names=[]), "at least one name"),
        (lambda: transfer.segmenter(conv_net(), 1), "classes"),
        (lambda: transfer.detector(conv_net(), 2, stride=0), "stride"),
        (lambda: transfer.detector(conv_net(), 2, threshold=2), "threshold"),
        (lambda: transfer.detector(conv_net(), 2, box_format="yxyx"), r"among xyxy.*'yxyx'"),
    ],
)
def test_encoders_and_arguments_that_do_not_fit_are_clear_errors(make, message):
    with pytest.raises(UserError, match=message):
        make()


# ---- segmenter and detector ------------------------------------------------------------------------------------------


def test_a_segmenter_gives_each_pixel_probabilities_and_learns():
    model = segmenter()
    assert model.output_shape == (None, 8, 8, 2)
    history = model.fit(IMAGES, MASKS, epochs=6, verbose=0).history["loss"]
    assert history[-1] < 0.9 * history[0]  # as the masks are the images themselves, all of it can be learned
    found = model.predict_on_batch(IMAGES)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found.sum(axis=-1), 1, atol=1e-6)  # of two floats


def test_a_segmenter_of_patches_has_the_size_of_the_images():
    encoder = encoders.vit((8, 8, 1), patch=4, width=8, depth=1, heads=1)
    assert segmenter(encoder).output_shape == (None, 8, 8, 2)


def test_a_detector_has_boxes_and_maps_and_learns():
    model = detector()
    shapes = {name: x.shape for name, x in model.output.items()}
    assert shapes == {"boxes": (None, 3, 4), "scores": (None, 3), "classes": (None, 3), "maps": (None, 4, 4, 6)}
    history = model.fit(IMAGES, LABELED, epochs=6, verbose=0).history["loss"]
    assert history[-1] < 0.9 * history[0]  # sizes begin near 0, and are learned first
    assert set(model.predict_on_batch(IMAGES)) == set(shapes)


@pytest.mark.parametrize(("stride", "side"), [(1, 8), (2, 4), (4, 2), (32, 2)])
def test_cells_have_the_stride(stride, side):
    model = transfer.detector(encoders.conv_net((8, 8, 1), (4, 4, 4)), 2, stride=stride, width=4)
    assert model.output["maps"].shape[1:3] == (side, side)


@pytest.mark.parametrize("make", [segmenter, detector])
def test_freezing_the_encoder_leaves_the_decoder_to_train(make):
    encoder = conv_net()
    model, labels = make(encoder), MASKS if make is segmenter else LABELED
    transfer.freeze(model, "encoder")
    kept = encoder.get_weights()
    head = [np.array(v) for v in model.trainable_variables]
    model.train_on_batch(IMAGES, labels)
    for a, b in zip(kept, encoder.get_weights()):
        np.testing.assert_array_equal(a, b)
    assert any((a != np.array(b)).any() for a, b in zip(head, model.trainable_variables))
    transfer.unfreeze(model, "encoder", learning_rate=0.01)
    model.train_on_batch(IMAGES, labels)
    assert (kept[0] != encoder.get_weights()[0]).any()


@pytest.mark.parametrize("make", [segmenter, detector])
def test_a_saved_model_loads_as_it_is(make, tmp_path):
    model = make()
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    one, other = (keras.tree.flatten(one.predict_on_batch(IMAGES)) for one in (model, loaded))
    assert len(one) == len(other)
    for a, b in zip(one, other):
        np.testing.assert_array_equal(a, b)
    loss, again = (one.evaluate(IMAGES, MASKS if make is segmenter else LABELED, verbose=0) for one in (model, loaded))
    assert loss == pytest.approx(again)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m[:, :4], r"shape \(4, 8, 8\).*nearest pixel"),
        (lambda m: m + 1, r"0\.\.1.*2 in mask 0, row .*right number of classes"),
        (lambda m: m - 1, r"-1 in mask"),
        (lambda m: np.where(m, 255, m).astype("uint8"), r"255 in mask.*masks == 255, -1"),
        (lambda m: m[..., None], r"masks\[\.\.\., 0\]"),
        (lambda m: np.eye(2)[m], r"argmax"),
        (lambda m: m / 1.0, r"astype"),
    ],
)
def test_wrong_masks_are_clear_errors(change, message):
    with pytest.raises(UserError, match=message):
        segmenter().fit(IMAGES, change(MASKS), verbose=0)


def test_pixels_without_a_label_are_left_out():
    model = segmenter()
    model.compile("sgd", losses.WhereKnown("sparse_categorical_crossentropy"), run_eagerly=True)
    unlabeled = np.where(np.arange(8) < 4, MASKS, -1)
    loss = model.evaluate(IMAGES, unlabeled, verbose=0)
    right = np.take_along_axis(model.predict_on_batch(IMAGES), MASKS[..., None], -1)[..., 0]
    assert loss == pytest.approx(-np.log(right[:, :, :4]).mean(), rel=1e-4)  # in float32
    model.fit(IMAGES, unlabeled, verbose=0)
    model.fit(IMAGES, MASKS, validation_data=(IMAGES, np.full_like(MASKS, -1)), verbose=0)
    with pytest.raises(UserError, match="-1 alone"):
        model.fit(IMAGES, np.full_like(MASKS, -1), verbose=0)


def test_pixels_of_the_class_that_keras_ignores_are_left_out():
    model = segmenter()
    model.compile("sgd", {"probabilities": keras.losses.SparseCategoricalCrossentropy(ignore_class=255)})
    model.run_eagerly = True
    unlabeled = np.where(np.arange(8) < 4, MASKS, 255).astype("uint8")
    model.fit(IMAGES, unlabeled, verbose=0)
    with pytest.raises(UserError, match="254 in mask 0, row 0, column 4"):
        model.fit(IMAGES, np.where(unlabeled == 255, 254, MASKS), verbose=0)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (BOXES[..., :4], "box_labels"),
        (BOXES[:2], r"\(4, m, 5\)"),
        (BOXES.tolist(), "a dict of 'maps'.*a list of list"),
        (np.add(BOXES, [0, 0, 0, 0, 1.0]), r"0\.\.1.*2 in image"),
        (BOXES * [8, 8, 8, 8, 1.0], "inside their picture"),
        (np.where(np.arange(5) < 4, BOXES, -1), "at least one box"),
    ],
)
def test_wrong_boxes_are_clear_errors(labels, message):
    with pytest.raises(UserError, match=message):
        detector().fit(IMAGES, {"maps": labels} if isinstance(labels, np.ndarray) else labels, verbose=0)


@pytest.mark.parametrize(
    ("boxes", "labels", "message"),
    [
        ([[[2, 2, 2, 5]]], [[0]], r"with an area.*\(2, 2, 2, 5\) at index 0"),
        ([[[2, 2, 9, 5]]], [[0]], r"boxes of image 0 inside.*8 pixels across"),
        ([[[-1, 2, 4, 5]]], [[0]], "inside"),
        ([[[np.nan, 2, 4, 5]]], [[0]], "finite"),
        ([[[2, 2, 4]]], [[0]], r"boxes of image 0 as numbers \(m, 4\)"),
        ([[[2, 2, 4], [1, 1, 2, 2]]], [[0, 0]], "boxes of image 0 of one shape"),
        ([[[2, 2, 4, 5]]], [[0, 1]], "class number for each of 1 boxes of image 0"),
        ([[[2, 2, 4, 5]]], [[0.5]], "class number"),
        ([[[2, 2, 4, 5]]], [[-2]], "-1 for padding"),
        ([[[2, 2, 4, 5]]], [], "same images"),
    ],
)
def test_wrong_objects_are_clear_errors(boxes, labels, message):
    with pytest.raises(UserError, match=message):
        transfer.box_labels(boxes, labels, (8, 8))


def test_labels_of_boxes_by_hand():
    found = transfer.box_labels([[[2, 1, 6, 4]], np.zeros((0, 4))], [[3], []], (4, 8))["maps"]
    np.testing.assert_array_equal(found, [[[0.25, 0.25, 0.75, 1, 3]], [[0, 0, 0, 0, -1]]])
    padded = transfer.box_labels([[[2, 1, 4, 3], [0, 0, 0, 0]]], [[3, -1]], (4, 8), "xywh")["maps"]
    np.testing.assert_array_equal(padded, found[:1])
    assert transfer.box_labels([[]], [[]], (4, 8))["maps"].tolist() == [[[0, 0, 0, 0, -1]]]


# ---- export ----------------------------------------------------------------------------------------------------------


def parities(version):
    about = json.loads((version / "manifest.json").read_text())
    return about["parity"], set(about["signatures"]["serving_default"]["outputs"])


@pytest.mark.exhaustive
def test_a_segmenter_is_deployed(tmp_path):
    model = segmenter()
    model.fit(IMAGES, MASKS, verbose=0)
    version = export.deploy(model, tmp_path / "masks", samples=IMAGES, class_names=["dark", "bright"])
    assert parities(version)[1] == {"probabilities"}  # 1e-5 is the default that deploy holds it to


@pytest.mark.parametrize("side", [13, 20])
def test_maps_are_enlarged_to_any_size_in_onnx(side, tmp_path):
    """ONNX multiplies a size with a scale, which float32 may have rounded down, and rounds down again."""
    model = transfer.segmenter(encoders.conv_net((side, side, 1), filters=(2, 2, 2)), 2, width=2)
    run = onnx_runtime(export.onnx(model, tmp_path / "model.onnx"))
    assert run({"image": np.zeros((1, side, side, 1), "float32")})["probabilities"].shape == (1, side, side, 2)


@pytest.mark.exhaustive
def test_a_detector_is_deployed_with_its_boxes(tmp_path):
    model = detector()
    centers = model.get_layer("centers")
    centers.bias.assign([-1.0, -1.5])  # so that there is something to find, also in images of one color
    centers.kernel.assign(5 * np.array(centers.kernel))
    found = model.predict_on_batch(IMAGES)
    assert (found["classes"] >= 0).sum() >= 4
    version = export.deploy(model, tmp_path / "boxes", samples=IMAGES)
    assert parities(version)[1] == {"boxes", "scores", "classes", "maps"}


# ---- encoders of others, with random weights -------------------------------------------------------------------------


def both_heads_learn(encoder, height, rgb):
    """One eager step of each head, then what it predicts: on the way every layer has run."""
    masks = RNG.integers(0, 3, (2, height, height))
    model = transfer.segmenter(encoder, classes=3, width=4)
    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=True)
    assert np.isfinite(model.fit(rgb, masks, verbose=0).history["loss"]).all()
    assert model.predict_on_batch(rgb).shape == (2, height, height, 3)
    model = transfer.detector(encoder, classes=3, count=5, width=4)
    transfer.freeze(model, encoder.name)
    model.compile("adam", {"maps": losses.CenterLoss()}, run_eagerly=True)
    labels = transfer.box_labels([[[0, 0, 9, 9]], []], [[2], []], (height, height))
    assert np.isfinite(model.fit(rgb, labels, verbose=0).history["loss"]).all()
    assert model.predict_on_batch(rgb)["boxes"].shape == (2, 5, 4)


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("name", "arguments"), [("ResNet50", {}), ("MobileNetV2", {"alpha": 0.35}), ("EfficientNetB0", {})]
)
def test_encoders_of_keras_applications_get_heads(name, arguments):
    """They are deployed by `python -m benchmarks.export_matrix`: to convert one takes minutes."""
    build = getattr(keras.applications, name)
    network = build(include_top=False, weights=None, input_shape=(64, 64, 3), pooling="avg", **arguments)
    sides = [x.shape[1] for x in encoders.features(network).output.values()]
    assert sides[-4:] == [16, 8, 4, 2]
    image = keras.Input((64, 64, 3), name="image")
    rgb = RNG.random((2, 64, 64, 3), "float32")
    both_heads_learn(keras.Model(image, network(image), name="encoder"), 64, rgb)


@pytest.mark.exhaustive
def test_an_encoder_of_keras_hub_gets_heads():
    keras_hub = pytest.importorskip("keras_hub")
    backbone = keras_hub.models.ResNetBackbone(
        input_conv_filters=[64],  # as many as the first stage, which it wants to have 64
        input_conv_kernel_sizes=[7],
        stackwise_num_filters=[64, 8],
        stackwise_num_blocks=[1, 1],
        stackwise_num_strides=[1, 2],
        block_type="basic_block",
        image_shape=(32, 32, 3),
        name="backbone",
    )
    assert [x.shape[1] for x in encoders.features(backbone).output.values()] == [16, 8, 4]
    both_heads_learn(backbone, 32, RNG.random((2, 32, 32, 3), "float32"))


# ---- several labels, other heads -------------------------------------------------------------------------------------

LABELS = np.array([[1, 0, 1], [0, 0, 0], [0, 1, 1], [1, 1, 0]])


def multi_label(loss="binary_crossentropy"):
    model = transfer.multi_label(conv_net(), classes=3)
    model.compile(keras.optimizers.Adam(0.03), loss, run_eagerly=True)
    return model


def test_several_labels_are_learned():
    model = multi_label()
    history = model.fit(IMAGES, LABELS, epochs=6, verbose=0).history["loss"]
    assert history[-1] < 0.9 * history[0]
    assert transfer.multi_label(conv_net(), classes=1).output_shape == (None, 1)


def test_labels_that_are_missing_one_by_one_are_left_out(tmp_path):
    model = multi_label(losses.WhereKnown(losses.each_binary_crossentropy))
    known = np.array([[1, 0, 1], [1, 1, 1], [0, 0, 0], [0, 1, 1]], bool)
    loss = model.evaluate(IMAGES, np.where(known, LABELS, np.nan), verbose=0)
    p = model.predict_on_batch(IMAGES)
    expected = -np.log(np.where(LABELS == 1, p, 1 - p))[known].mean()
    assert loss == pytest.approx(expected, rel=1e-4)  # in float32
    assert model.evaluate(IMAGES, np.where(known, LABELS, -1), verbose=0) == pytest.approx(loss)
    model.fit(IMAGES, np.where(known, LABELS, np.nan), verbose=0)
    model.save(tmp_path / "model.keras")
    assert keras.saving.load_model(tmp_path / "model.keras").loss.loss is losses.each_binary_crossentropy


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (LABELS[:, 0], r"\(4, 3\)"),
        (LABELS * 2, r"2 at index 0, class 0 \(6 such in all\)"),
        (np.where(LABELS, np.nan, 0.0), r"missing, the first at index 0.*WhereKnown"),
        (LABELS - 1, r"missing, the first at index 0"),
        (LABELS / 2, r"0\.5 at index 0"),
    ],
)
def test_wrong_labels_are_clear_errors(labels, message):
    with pytest.raises(UserError, match=message):
        multi_label().fit(IMAGES, labels, verbose=0)


def test_a_loss_that_would_leave_out_every_row_is_a_clear_error():
    labels = np.where(np.eye(4, 3, dtype=bool), np.nan, LABELS)
    labels[3, 0] = np.nan
    with pytest.raises(UserError, match=r"of which all 3 labels are known.*each_binary_crossentropy"):
        multi_label(losses.WhereKnown("binary_crossentropy")).fit(IMAGES, labels, verbose=0)


def test_a_head_is_replaced_over_the_same_encoder(tmp_path):
    encoder = conv_net()
    classifier = transfer.classifier(encoder, classes=3)
    transfer.freeze(classifier, "conv_1")
    classifier.save(tmp_path / "classifier.keras")
    new = transfer.replace_head(classifier, transfer.multi_label, classes=5)
    assert new.output_shape == (None, 5)
    assert new.get_layer("conv_net") is encoder
    assert not new.get_layer("conv_net").get_layer("conv_1").trainable
    loaded = transfer.replace_head(
        keras.saving.load_model(tmp_path / "classifier.keras"), transfer.segmenter, classes=2
    )
    np.testing.assert_array_equal(loaded.get_layer("conv_net").get_weights()[0], encoder.get_weights()[0])
    boxes = transfer.replace_head(loaded, transfer.detector, classes=2, stride=2)
    assert boxes.output["maps"].shape == (None, 4, 4, 6)
    with pytest.raises(UserError, match="one nested model"):
        transfer.replace_head(encoder, transfer.classifier, classes=2)
    with pytest.raises(UserError, match="one vector"):
        transfer.replace_head(loaded, transfer.classifier, classes=2)


# ---- boxes at peaks --------------------------------------------------------------------------------------------------


def test_boxes_at_peaks_by_hand():
    maps = np.zeros((1, 3, 4, 6), "float32")
    maps[..., :2] = -9
    maps[0, 1, 2, :2] = 2, 0  # of class 0: of two classes in a cell the better one counts
    maps[0, 1, 1, 0] = 1.9  # beside it, lower: no peak
    maps[0, 0, 0, 1] = 1  # class 1
    maps[0, 1, 2, 2:] = 0.5, 0.25, 2, 1  # center (2.5, 1.25) cells of 4 x 3, 2 wide, 1 high
    maps[0, 0, 0, 2:] = 0.5, 0.5, 2, 1  # from -0.5 cells on
    found = blocks.PeakBoxes((6, 16), count=5)(maps)
    sigmoid = 1 / (1 + np.exp(-np.array([2.0, 1.0])))
    np.testing.assert_allclose(found["scores"][0], [*sigmoid, 0, 0, 0], rtol=1e-6)
    assert np.array(found["classes"]).tolist() == [[0, 1, -1, -1, -1]]
    # cells of 4 x 2 pixels; the second box is cut at the left edge
    np.testing.assert_allclose(found["boxes"][0], [[6, 1.5, 14, 3.5], [0, 0, 6, 2], *[[0] * 4] * 3], atol=1e-5)
    centered = blocks.PeakBoxes((6, 16), count=1, box_format="center_xywh")(maps)["boxes"]
    np.testing.assert_allclose(centered[0], [[10, 2.5, 8, 2]], atol=1e-5)
    every = np.array(blocks.PeakBoxes((6, 16), count=12, threshold=0.0)(maps)["classes"])
    assert (every >= 0).sum() == 3  # both, and the cell in the lower left, which is below none of its neighbors


def test_equal_scores_keep_their_order_whatever_their_last_digits():
    noise = RNG.normal(0, 1e-7, (2, 4, 4, 1)).astype("float32")
    maps = np.concatenate([noise, np.full((2, 4, 4, 4), 0.5, "float32")], axis=-1)
    found = blocks.PeakBoxes((4, 4), count=6)(maps)["boxes"]
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)
    np.testing.assert_allclose(np.array(found)[0, :, 0], [0.25, 1.25, 2.25, 3.25, 0.25, 1.25], atol=1e-5)


# ---- kept for `make test-all`: the same on the other backend is in test_jax, whose process has these layers too ------


@pytest.mark.parametrize("precision", dear(["mixed_bfloat16"]))
def test_heads_compute_in_float32_under_mixed_precision(precision):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        model, boxes = segmenter(), detector()
        model.train_on_batch(IMAGES, MASKS)
        boxes.train_on_batch(IMAGES, LABELED)
    finally:
        keras.config.set_dtype_policy(before)
    assert model.predict_on_batch(IMAGES).dtype == boxes.predict_on_batch(IMAGES)["maps"].dtype == "float32"
