import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_ssl import views
from keras_ssl.errors import UserError

SEED = np.array([0, 0])


def photographs(n=8):
    return np.random.default_rng(0).random((n, 16, 16, 3), dtype="float32")


def mapped(policy, images):
    data = tf.data.Dataset.from_tensors(images).repeat(2)
    return list(data.map(lambda batch: policy(batch, tf.constant([0, 0]))).as_numpy_iterator())


def test_keras_layers_eagerly_and_in_tf_data():
    policy = views.from_layers([keras.layers.RandomFlip("horizontal"), keras.layers.RandomRotation(0.1)])
    views.check_views(policy, photographs())
    first, second = mapped(policy, photographs())
    assert first.shape == (8, 16, 16, 3)
    assert first.min() >= 0
    assert first.max() <= 1
    assert not np.allclose(first, second)
    assert not policy.pure


def test_a_value_range_is_converted_around_the_layer():
    images = photographs()
    for value_range in ((0, 255), (0, 1), (-1, 1)):
        policy = views.from_layers([keras.layers.RandomBrightness((0.25, 0.25), value_range=value_range)])
        np.testing.assert_allclose(policy(images, SEED), np.clip(images + 0.25, 0, 1), atol=1e-4)


def test_results_are_clipped():
    policy = views.from_layers([keras.layers.Rescaling(3.0)])
    np.testing.assert_allclose(policy(photographs(), SEED), np.clip(3 * photographs(), 0, 1), rtol=1e-6)


def test_pair_of_layers_draws_twice():
    pair = views.pair(views.from_layers([keras.layers.RandomRotation(0.2)]))
    views.check_views(pair, photographs())
    both = mapped(pair, photographs())[0]
    assert not np.allclose(both["view_1"], both["view_2"])


def test_keras_cv_layers():
    layers = pytest.importorskip("keras_cv").layers
    policy = views.from_layers(
        [
            layers.RandomCropAndResize((16, 16), crop_area_factor=(0.5, 1.0), aspect_ratio_factor=(0.9, 1.1)),
            layers.RandomApply(layers.RandomHue(0.2, value_range=(0, 255)), rate=0.5),
            layers.RandomColorJitter((0, 255), 0.2, 0.2, 0.2, 0.1),
        ]
    )
    assert policy.value_ranges == [(0.0, 1.0), (0.0, 255.0), (0.0, 255.0)]
    views.check_views(policy, photographs())
    first, second = mapped(policy, photographs())
    assert first.shape == (8, 16, 16, 3)
    assert 0.2 < first.mean() < 0.8
    assert not np.allclose(first, second)


def test_what_is_no_layer_or_of_two_ranges_is_refused():
    for wrong in ([], [lambda x: x], [views.flip()]):
        with pytest.raises(UserError, match="layer"):
            views.from_layers(wrong)
    mixed = keras.layers.Pipeline(
        [keras.layers.RandomBrightness(0.1, value_range=(0, 1)), keras.layers.RandomContrast(0.1, value_range=(0, 255))]
    )
    with pytest.raises(UserError, match="value_range"):
        views.from_layers([mixed])
