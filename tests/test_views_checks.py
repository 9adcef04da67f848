import matplotlib.figure
import matplotlib.pyplot as plt
import numpy as np
import pytest
from keras import ops

from keras_ssl import views
from keras_ssl.errors import UserError
from keras_ssl.figures import image_grid

IMAGES = np.random.default_rng(0).random((40, 8, 8, 1), dtype="float32")


@pytest.mark.parametrize("count", [1, 2, 40])
@pytest.mark.parametrize("channels", [1, 3])
def test_good_policies_pass(count, channels):
    images = np.repeat(IMAGES[:count], channels, axis=-1)
    for policy in (views.digits(), views.natural_images(8), views.Policy([views.flip()])):
        views.check_views(policy, images)
        views.check_views(views.pair(policy), images)


def refused(policy, match, images=IMAGES):
    with pytest.raises(UserError, match=match):
        views.check_views(policy, images)


def test_identical_views_are_refused():
    refused(lambda images, seed: images, "differ")
    refused(views.Policy([views.flip(1.0)]), "differ")
    refused(views.pair(lambda images, seed: 1 - images), "differ")
    refused(lambda images, seed: {"view_1": images, "view_2": 1 - images, "view_3": images}, "differ")
    refused(views.digits(noise=0.0), "differ", images=np.zeros((4, 8, 8, 1), "float32"))


def test_asymmetric_deterministic_pair_passes():
    views.check_views(views.pair(lambda images, seed: images, lambda images, seed: 1 - images), IMAGES)


def test_values_outside_the_range_are_refused():
    refused(lambda images, seed: images * 255, r"0\.\.1")
    refused(
        views.pair(views.digits(), lambda images, seed: images - 0.5),
        r"view_2 with values in 0\.\.1\. Received values in -0\.\d",
    )
    views.check_views(views.pair(views.digits(), lambda images, seed: images + 5e-4), IMAGES)


def test_values_that_are_not_finite_are_refused():
    refused(lambda images, seed: ops.log(images - 0.5), "finite")
    refused(lambda images, seed: images / 0.0, "finite")


def test_shapes_that_do_not_fit_are_refused():
    refused(lambda images, seed: images[1:], "shape")
    refused(lambda images, seed: images[..., 0], "shape")
    refused(lambda images, seed: ops.repeat(images, 3, axis=-1), r"shape \(None, None, None, 1\)")


@pytest.mark.parametrize("channels", [1, 2, 3])
def test_preview_draws_images_and_views(channels, tmp_path):
    images = np.repeat(IMAGES, channels, axis=-1)
    path = tmp_path / "grid.png"
    figure = views.preview(views.natural_images(8), images, columns=5, rows=3, path=path)
    assert isinstance(figure, matplotlib.figure.Figure)
    assert [axis.get_ylabel() for axis in figure.axes] == ["images", "draw 1", "draw 2", "draw 3"]
    assert path.read_bytes().startswith(b"\x89PNG")
    np.testing.assert_allclose(figure.axes[0].get_images()[0].get_array(), image_grid(images[:5], columns=5))
    assert not plt.get_fignums()  # no figure stays open in pyplot


@pytest.mark.parametrize("pair", [False, True])
def test_preview_draws_series(pair):
    series = np.random.default_rng(0).normal(size=(3, 12, 2)).astype("float32")
    policy = views.Policy([views.rescale((2.0, 2.0))], kind="series")
    figure = views.preview(views.pair(policy) if pair else policy, series, columns=2, rows=1)
    labels = ["series", *(["view_1 (draw 1)", "view_2 (draw 1)"] if pair else ["draw 1"])]
    assert [axis.get_ylabel() for axis in figure.axes[::2]] == labels
    mean = series.mean(axis=1, keepdims=True)
    drawn = [line.get_ydata() for line in figure.axes[3].get_lines()]
    np.testing.assert_allclose(drawn, (mean + 2 * (series - mean))[1].T, atol=1e-5)


def test_preview_of_a_pair_names_its_views():
    figure = views.preview(views.pair(views.digits()), IMAGES[:3], rows=2, seed=1)
    labels = [axis.get_ylabel() for axis in figure.axes]
    assert labels == ["images", "view_1 (draw 1)", "view_2 (draw 1)", "view_1 (draw 2)", "view_2 (draw 2)"]
