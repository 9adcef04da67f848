"""The gradient of a class score with respect to the pixels; `jax_process.py` runs those by hand on JAX, too."""

import keras
import numpy as np
import pytest

from keras_ssl import encoders, evaluate, transfer
from keras_ssl.errors import UserError
from keras_ssl.figures import plots

IMAGES = np.random.default_rng(0).random((3, 4, 5, 2)).astype("float32")
KERNEL = np.random.default_rng(1).normal(size=(4, 5, 2, 3)).astype("float32")


def linear(activation="softmax"):
    """A classifier of three classes whose scores are products with `KERNEL`."""
    inputs = keras.Input((4, 5, 2), name="image")
    head = keras.layers.Dense(3, activation, name="probabilities")
    model = keras.Model(inputs, head(keras.layers.Flatten()(inputs)))
    head.kernel.assign(KERNEL.reshape(-1, 3))
    return model


def test_of_a_linear_classifier_it_is_the_weights_by_hand():
    expected = np.abs(KERNEL).max(axis=2)  # over channels
    for classes in ([0, 1, 2], None):
        chosen = np.asarray(linear()(IMAGES)).argmax(-1) if classes is None else classes
        found = evaluate.saliency(linear(), IMAGES, classes)
        np.testing.assert_allclose(found, np.moveaxis(expected[..., chosen], -1, 0), rtol=1e-5)


def test_noise_and_batches_change_nothing_where_the_gradient_is_the_same_everywhere_by_hand():
    plain = evaluate.saliency(linear(), IMAGES)
    np.testing.assert_allclose(evaluate.saliency(linear(), IMAGES, noise=0.2, draws=3, batch_size=2), plain, rtol=1e-5)


def test_without_a_softmax_it_is_that_of_the_output_by_hand():
    p = np.asarray(linear("sigmoid")(IMAGES))[:, 0]
    slope = (p * (1 - p))[:, None, None]
    found = evaluate.saliency(linear("sigmoid"), IMAGES, [0, 0, 0])
    np.testing.assert_allclose(found, slope * np.abs(KERNEL[..., 0]).max(axis=2), rtol=1e-4)


def test_of_a_classifier_of_the_house_it_is_what_finite_differences_give():
    keras.utils.set_random_seed(0)
    classifier = transfer.classifier(encoders.conv_net((4, 5, 2), filters=(4,)), classes=3)
    found = evaluate.saliency(classifier, IMAGES[:1], [1])[0]
    scores = keras.Model(classifier.input, classifier.layers[-1].input)
    step, at = 1e-2, (2, 3)
    moved = np.repeat(IMAGES[:1], 4, axis=0)
    for k, (channel, sign) in enumerate([(0, 1), (0, -1), (1, 1), (1, -1)]):
        moved[(k, *at, channel)] += sign * step
    up, down, *others = np.asarray(scores(moved)) @ classifier.layers[-1].kernel.numpy()[:, 1]
    slopes = np.abs([up - down, others[0] - others[1]]) / (2 * step)
    assert found[at] == pytest.approx(slopes.max(), rel=0.02)  # where no ReLU bends, differences are exact to rounding


def test_smooth_maps_repeat_themselves_and_differ_from_plain_ones():
    keras.utils.set_random_seed(0)
    classifier = transfer.classifier(encoders.conv_net((4, 5, 2), filters=(4,)), classes=3)
    smooth = [evaluate.saliency(classifier, IMAGES, noise=0.2, draws=2, seed=seed) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(smooth[0], smooth[1])
    assert np.abs(smooth[0] - smooth[2]).max() > 0
    assert smooth[0].shape == (3, 4, 5)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"images": IMAGES[:, :3]}, "image"),
        ({"classes": [0, 1, 3]}, r"classes in 0\.\.2"),
        ({"noise": -1}, "noise"),
    ],
)
def test_what_does_not_fit(given, message):
    with pytest.raises(UserError, match=message):
        evaluate.saliency(**{"classifier": linear(), "images": IMAGES} | given)


def test_what_is_no_classifier():
    inputs = keras.Input((4, 5, 2), name="image")
    with pytest.raises(UserError, match="one row of scores"):
        evaluate.saliency(keras.Model(inputs, keras.layers.Conv2D(3, 1)(inputs)), IMAGES)


def test_the_plot_shows_images_above_their_maps_each_on_its_own_scale():
    maps = np.zeros((3, 4, 5), "float32")
    maps[1, 2, 2], maps[2, 1, 1] = 1, 100
    figure = plots.saliency(IMAGES, maps, ["a", "b", "a title that is longer than the image is wide and goes on"])
    axes = np.array(figure.axes).reshape(2, 3)
    np.testing.assert_allclose(axes[0, 1].images[0].get_array(), IMAGES[1].mean(axis=-1))
    np.testing.assert_array_equal(axes[1, 1].images[0].get_array(), maps[1])
    tops = [axis.images[0].norm.vmax for axis in axes[1]]
    assert tops[0] > 0
    assert tops[2] == pytest.approx(100 * tops[1])
    assert len(axes[0, 2].get_title().split("\n")) == 2
    for wrong in (maps[:2], maps[:, :3], -maps, maps * np.nan):
        with pytest.raises(UserError, match=r"maps of shape \(3, 4, 5\)"):
            plots.saliency(IMAGES, wrong)
    with pytest.raises(UserError, match="3 titles"):
        plots.saliency(IMAGES, maps, ["one"])
