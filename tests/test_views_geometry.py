import numpy as np
import pytest
import tensorflow as tf
from keras import ops
from PIL import Image
from scipy import ndimage

from keras_ssl import views
from keras_ssl.errors import UserError
from keras_ssl.transforms.masks import random_boxes
from keras_ssl.views.images.geometry import interpolation_matrix

SEED = np.array([1, 2])


def photographs(n=6, height=20, width=30, channels=3):
    return np.random.default_rng(0).random((n, height, width, channels), dtype="float32")


@pytest.mark.parametrize(
    "operation",
    [views.random_resized_crop(6), views.affine(30, 0.2, (0.8, 1.2)), views.erase(probability=1.0), views.flip(),
     views.color_jitter(), views.noise(), views.natural_images(6)],
)  # fmt: skip
def test_sizes_that_only_the_data_know_give_the_same(operation):
    images = np.random.default_rng(0).random((3, 9, 7, 3), "float32")
    unknown = tf.function(operation, [tf.TensorSpec((None, None, None, 3)), tf.TensorSpec((2,), "int32")], False)
    np.testing.assert_allclose(unknown(images, [1, 2]), operation(images, ops.convert_to_tensor([1, 2])), atol=1e-5)


def test_a_blur_needs_a_known_size():
    blurred = tf.function(views.blur(), [tf.TensorSpec((None, None, None, 3)), tf.TensorSpec((2,), "int32")], False)
    with pytest.raises(UserError, match="known size"):
        blurred(np.zeros((1, 9, 7, 3), "float32"), [1, 2])


@pytest.mark.parametrize(
    "operation",
    [views.flip(), views.color_jitter(), views.grayscale(), views.random_resized_crop(4), views.affine(10),
     views.erase(), views.blur()],
)  # fmt: skip
def test_operations_of_images_refuse_videos(operation):
    with pytest.raises(UserError, match="batch of images"):
        views.Policy([operation], kind="video")(np.zeros((2, 3, 8, 8, 3), "float32"), [1, 2])


def test_interpolation_matrix_by_hand():
    # Four pixels to two: each new pixel is the triangle (1, 3, 3, 1) / 8 over its neighbors, cut at the edge.
    whole = np.asarray(interpolation_matrix(np.zeros(1, "float32"), np.full(1, 4.0, "float32"), 4, 2))[0]
    np.testing.assert_allclose(whole, [[3 / 7, 3 / 7, 1 / 7, 0], [0, 1 / 7, 3 / 7, 3 / 7]], rtol=1e-6)
    # The middle two pixels to two: themselves.
    middle = np.asarray(interpolation_matrix(np.ones(1, "float32"), np.full(1, 2.0, "float32"), 4, 2))[0]
    np.testing.assert_allclose(middle, [[0, 1, 0, 0], [0, 0, 1, 0]], atol=1e-6)


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_crop_of_the_whole_image_is_the_image(channels):
    images = photographs(height=17, width=17, channels=channels)
    crop = views.random_resized_crop(17, scale=(1.0, 1.0), ratio=(1.0, 1.0))
    np.testing.assert_allclose(crop(images, SEED), images, atol=1e-5)


@pytest.mark.parametrize("size", [(8, 12), (40, 50), (20, 30)])
def test_crop_equals_pillow(size):
    images = photographs()
    crops = np.asarray(views.random_resized_crop(size, scale=(0.1, 0.9))(images, SEED))
    assert crops.shape == (6, *size, 3)
    boxes = [np.asarray(value, "float64") for value in random_boxes(6, 20, 30, (0.1, 0.9), (3 / 4, 4 / 3), SEED)]
    for image, crop, top, left, height, width in zip(images, crops, *boxes):
        for k in range(3):
            box = (left, top, min(left + width, 30), min(top + height, 20))
            plane = Image.fromarray(image[..., k])
            expected = np.asarray(plane.resize(size[::-1], Image.Resampling.BILINEAR, box=box))
            np.testing.assert_allclose(crop[..., k], expected, atol=2e-4)


def test_flips():
    images = photographs()
    np.testing.assert_array_equal(views.flip(1.0)(images, SEED), images[:, :, ::-1])
    np.testing.assert_array_equal(views.flip(0.0, vertical=1.0)(images, SEED), images[:, ::-1])
    np.testing.assert_array_equal(views.flip(0.0)(images, SEED), images)


def test_flip_with_a_chance_mirrors_that_share_of_images():
    images = np.tile(photographs(n=1, height=3, width=4), (1000, 1, 1, 1))
    flipped = np.asarray(views.flip(0.3)(images, SEED))
    mirrored = (flipped == images[:, :, ::-1]).all(axis=(1, 2, 3))
    assert ((flipped == images).all(axis=(1, 2, 3)) | mirrored).all()
    assert mirrored.mean() == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("channels", [1, 3, 5])
def test_affine_that_does_nothing(channels):
    images = photographs(channels=channels)
    np.testing.assert_allclose(views.affine()(images, SEED), images, atol=1e-5)


@pytest.mark.parametrize("turns", [1, 2, 3, -1])
def test_rotation_by_right_angles_is_rot90(turns):
    images = photographs(height=11, width=11)
    rotated = views.affine(rotate=(90 * turns, 90 * turns))(images, SEED)
    np.testing.assert_allclose(rotated, np.rot90(images, turns, axes=(1, 2)), atol=1e-4)


def test_shift_by_whole_pixels():
    images = photographs(height=10, width=20)
    shifted = np.asarray(views.affine(translate=(0.1, 0.1), fill=0.25)(images, SEED))
    np.testing.assert_allclose(shifted[:, 1:, 2:], images[:, :-1, :-2], atol=1e-5)
    np.testing.assert_allclose(shifted[:, 0], 0.25, atol=1e-5)
    np.testing.assert_allclose(shifted[:, :, :2], 0.25, atol=1e-5)


@pytest.mark.parametrize(
    ("arguments", "matrix"),
    [
        ({"scale": (1.5, 1.5)}, np.eye(2) / 1.5),
        ({"scale": (0.6, 0.6)}, np.eye(2) / 0.6),
        ({"shear": (20, 20)}, [[1, 0], [np.tan(np.radians(20)), 1]]),
        ({"rotate": (25, 25)}, [[np.cos(a := np.radians(25)), np.sin(a)], [-np.sin(a), np.cos(a)]]),
    ],
)
def test_affine_equals_scipy(arguments, matrix):
    images = photographs(n=2)
    center = np.array([9.5, 14.5])
    result = np.asarray(views.affine(**arguments)(images, SEED))
    for k in range(3):
        # scipy's matrix maps (row, column) of the result to the image
        offset = center - np.asarray(matrix) @ center
        expected = ndimage.affine_transform(images[1, ..., k], matrix, offset, order=1, mode="grid-constant")
        np.testing.assert_allclose(result[1, ..., k], expected, atol=1e-4)


def test_affine_draws_for_each_image():
    images = np.tile(photographs(n=1), (8, 1, 1, 1))
    turned = np.asarray(views.affine(15, 0.1, (0.9, 1.1), 5)(images, SEED))
    assert len({image.tobytes() for image in turned}) == 8


@pytest.mark.parametrize(
    "make",
    [
        lambda: views.random_resized_crop(0),
        lambda: views.random_resized_crop(8, scale=(0.5, 0.2)),
        lambda: views.random_resized_crop(8, scale=(0.5, 1.2)),
        lambda: views.random_resized_crop(8, scale=0.5),
        lambda: views.flip(1.5),
        lambda: views.flip("yes"),
        lambda: views.affine(rotate=400),
        lambda: views.affine(scale=(0.0, 1.0)),
        lambda: views.affine(shear=90),
    ],
)
def test_senseless_ranges_are_refused(make):
    with pytest.raises(UserError, match=r"Expected .* Received .* Do: "):
        make()
