"""The pictures show the numbers that they were given."""

import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.backend_bases import FigureCanvasBase
from matplotlib.collections import LineCollection, PathCollection

from keras_ssl.errors import UserError
from keras_ssl.figures import image_grid, image_rows, palette, plots


def curve(*pairs):
    return {count: {"mean": mean, "std": std} for count, (mean, std) in zip((1, 5, 100), pairs)}


RESULTS = {
    "raw_inputs": curve((0.60, 0.03), (0.86, 0.02), (0.97, 0.01)),
    "untrained": curve((0.50, 0.05), (0.80, 0.03), (0.96, 0.01)),
    "from_scratch": curve((0.55, 0.06), (0.82, 0.03), (0.98, 0.00)),
    "simclr": curve((0.78, 0.04), (0.92, 0.01), (0.97, 0.01)),
    "simclr_finetuned": curve((0.79, 0.04), (0.93, 0.01), (0.985, 0.01)),
}


def container(axes, label):
    return next(c for c in axes.containers if c.get_label() == label)


def test_efficiency_curves_show_means_and_deviations():
    axes = plots.label_efficiency_curves(RESULTS).axes[0]
    assert axes.get_xscale() == "log"
    assert axes.get_xticks().tolist() == [1, 5, 100]
    for name, points in RESULTS.items():
        line, _, (bars,) = container(axes, palette.label(name)).lines
        mean, std = np.array([[p["mean"], p["std"]] for p in points.values()]).T
        np.testing.assert_allclose(line.get_ydata(), mean)
        np.testing.assert_allclose(line.get_xdata(), [1, 5, 100], rtol=0.07)  # moved apart by little
        assert isinstance(bars, LineCollection)
        np.testing.assert_allclose([s[:, 1] for s in bars.get_segments()], np.stack([mean - std, mean + std], 1))
        assert line.get_linewidth() == (1.4 if name in palette.BASELINES else 2.4)


def test_gains_are_over_the_best_baseline_of_each_count():
    axes = plots.label_efficiency_curves(RESULTS).axes[1]
    bars = container(axes, "SimCLR, frozen")
    # best baselines: raw 0.60, raw 0.86, from scratch 0.98
    np.testing.assert_allclose([bar.get_height() for bar in bars], [18, 6, -1], atol=1e-9)
    errors = [np.ptp(segment[:, 1]) / 2 for segment in bars.errorbar.lines[2][0].get_segments()]
    np.testing.assert_allclose(errors, 100 * np.sqrt([0.04**2 + 0.03**2, 0.01**2 + 0.02**2, 0.01**2]), atol=1e-9)
    assert [text.get_text() for text in axes.texts] == ["+19.0", "+7.0", "+0.5"]  # fine-tuned is the best everywhere


def test_string_keys_missing_counts_and_unknown_methods():
    results = {
        "byol": {"5": {"mean": 0.9}},
        "raw_inputs": {"1": {"mean": 0.5, "std": 0.1}, "5": {"mean": 0.7, "std": 0.1}},
    }
    figure = plots.label_efficiency_curves(results)
    assert figure.axes[0].get_xticks().tolist() == [1, 5]
    assert container(figure.axes[1], "byol, frozen")[0].get_height() == pytest.approx(20)
    assert "byol, frozen 0.900" in figure.get_label()


def test_no_gains_without_a_baseline():
    assert len(plots.label_efficiency_curves({"simclr": RESULTS["simclr"]}).axes) == 1


@pytest.mark.parametrize(
    "results", [{}, {"simclr": {}}, {"simclr": {"few": {"mean": 1}}}, {"simclr": {1: {"std": 1}}}, 3]
)
def test_unreadable_results(results):
    with pytest.raises(UserError, match="label_efficiency"):
        plots.label_efficiency_curves(results)


def test_a_method_keeps_its_color():
    few, many = palette.look(["simclr", "byol"]), palette.look(["moco", "raw_inputs", "byol", "simclr_finetuned"])
    assert few["byol"]["color"] == palette.look(["byol"])["byol"]["color"]
    assert few["simclr"]["color"] == many["simclr_finetuned"]["color"]
    assert len({style["color"] for style in many.values()}) == 4
    assert palette.look(["a", "b", "c"]) == {k: palette.look(["c", "b", "a"])[k] for k in "abc"}


def test_fine_tuning_curves_name_the_step_of_the_target():
    curves = {
        "from_scratch": {"steps": [0, 10, 20], "mean": [0.1, 0.3, 0.5]},
        "simclr_finetuned": {"steps": [0, 10, 20], "mean": [0.1, 0.8, 0.9], "std": [0.0, 0.1, 0.05]},
    }
    axes = plots.fine_tuning_curves(curves, target=0.8).axes[0]
    lines = {line.get_label(): line for line in axes.get_lines()}
    np.testing.assert_allclose(lines["SimCLR, fine-tuned: 0.8 after 10 steps"].get_ydata(), [0.1, 0.8, 0.9])
    assert "from scratch: 0.8 not reached" in lines
    band = axes.collections[0].get_paths()[0].vertices
    np.testing.assert_allclose(sorted({y for x, y in band if x == 10}), [0.7, 0.9])
    with pytest.raises(UserError, match="as many steps"):
        plots.fine_tuning_curves({"simclr": {"steps": [0, 1], "mean": [0.1]}})
    with pytest.raises(UserError, match="at least one method"):
        plots.fine_tuning_curves({})


def test_learning_curves_give_each_loss_its_axes_and_the_collapse_figures_a_reference():
    histories = {
        "simclr": {"loss": [5.0, 4.0, 3.5], "std": [0.9, 0.95, 1.0], "dimensions": [5.0, 9.0, 12.0]},
        "autoencoder": {"loss": [0.1, 0.05, 0.02]},
    }
    figure = plots.learning_curves(histories)
    shown = {axes.get_title(loc="left"): axes.get_lines() for axes in figure.axes}
    assert list(shown) == ["SimCLR: loss", "Autoencoder: loss", "Spread of embeddings", "Directions in use"]
    np.testing.assert_allclose(shown["SimCLR: loss"][0].get_xydata(), [[1, 5.0], [2, 4.0], [3, 3.5]])
    for title, key in {"Spread of embeddings": "std", "Directions in use": "dimensions"}.items():
        line, reference = shown[title]
        np.testing.assert_allclose(line.get_ydata(), histories["simclr"][key])
        assert list(reference.get_ydata()) == [1, 1]
    assert len(plots.learning_curves({"autoencoder": {"loss": [0.1]}}).axes) == 1
    assert len(plots.learning_curves({f"m{i}": {"loss": [1.0]} for i in range(6)}).axes) == 6
    with pytest.raises(UserError, match="history"):
        plots.learning_curves({})


def test_embedding_maps_show_the_points_and_count_neighbors():
    points = np.array([[0.0, 0.0], [0.1, 0.0], [5.0, 5.0], [5.1, 5.0], [5.06, 5.0], [0.12, 0.0]])
    labels = np.array([0, 0, 1, 1, 1, 1])  # nearest: of 5 is 1, another class; of 1 is 5; of 0 is 1
    figure = plots.embedding_maps({"raw": points, "after": points[::-1]}, labels, class_names=["cat", "dog"])
    first = figure.axes[0]
    scatter = next(c for c in first.collections if isinstance(c, PathCollection))
    np.testing.assert_allclose(scatter.get_offsets(), points)
    assert len({tuple(c) for c in scatter.get_facecolors()}) == 2
    names = {text.get_text(): text.get_position() for text in first.texts}
    assert names["cat"] == pytest.approx((0.05, 0.0))
    assert first.get_xlabel().endswith(f"{4 / 6:.1%}")
    with pytest.raises(UserError, match=r"\(6, 2\)"):
        plots.embedding_maps({"raw": points[:3]}, labels)


def test_map_keeps_groups_together_and_repeats_itself():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    x = (10 * np.eye(3)[labels] @ rng.normal(size=(3, 64)) + rng.normal(size=(60, 64))).reshape(60, 8, 8)
    flat = plots.map_2d(x, seed=1)
    assert flat.shape == (60, 2)
    assert flat.dtype == np.float32
    centers = np.stack([flat[labels == label].mean(axis=0) for label in range(3)])
    assert (np.linalg.norm(flat[:, None] - centers, axis=-1).argmin(axis=1) == labels).all()
    np.testing.assert_array_equal(flat, plots.map_2d(x, seed=1))


def test_map_of_a_collapsed_encoder_and_of_nonsense():
    assert not plots.map_2d(np.full((10, 5), 0.3)).any()
    for x in (np.ones((3, 5)), np.ones((9, 1)), np.full((9, 5), np.nan)):
        with pytest.raises(UserError, match="at least 4 points"):
            plots.map_2d(x)


@pytest.mark.parametrize("channels", [1, 3])
def test_reconstructions_show_inputs_above_and_outputs_below(channels):
    images = np.random.default_rng(0).random((14, 4, 4, channels))
    figure = plots.reconstructions(images, images - 0.5)
    above, below = (axis.get_images()[0].get_array() for axis in figure.axes)
    np.testing.assert_allclose(above, image_grid(images[:12], columns=12), rtol=1e-6)  # twelve of fourteen
    np.testing.assert_allclose(below, image_grid(images[:12] - 0.5, columns=12), atol=1e-6)
    assert [axis.get_ylabel() for axis in figure.axes] == ["input", "rebuilt\nMSE 0.25"]
    assert "0.25 over 14" in figure.get_label()
    with pytest.raises(UserError, match="images of one shape"):
        plots.reconstructions(images, images[:2])


def test_image_rows_take_batches_of_several_sizes_and_keep_the_labels_inside():
    random = np.random.default_rng(0).random
    rows = {
        "images": random((3, 12, 16, 3)),
        "a view with a long name": random((3, 8, 8, 1)),
        "third": random((2, 4, 4, 3)),
    }
    figure = image_rows(rows, "a title")
    shapes = [axis.get_images()[0].get_array().shape for axis in figure.axes]
    assert shapes == [(12, 3 * 18 - 2, 3), (8, 3 * 9 - 1), (4, 3 * 5 - 1, 3)]
    assert figure.axes[1].get_images()[0].get_cmap().name == "gray"
    assert not any(len(axis.get_xticks()) or len(axis.get_yticks()) for axis in figure.axes)
    assert figure.get_suptitle() == "a title"
    figure.canvas.draw()
    page = figure.bbox
    for axis in figure.axes:
        box = axis.get_tightbbox()
        assert page.x0 <= box.x0
        assert box.x1 <= page.x1
        assert page.y0 <= box.y0
        assert box.y1 <= page.y1
    with pytest.raises(UserError, match="shape"):
        image_rows({"images": random((4, 4))})


def test_an_image_row_shows_nan_as_white():
    images = np.zeros((1, 2, 2, 1))
    images[0, 0, 0] = np.nan
    figure = image_rows({"images": images})
    shown = figure.axes[0].get_images()[0]
    assert np.ma.is_masked(shown.get_array()[0, 0])
    assert shown.to_rgba(shown.get_array())[0, 0, 3] == 0  # transparent, on a white page


def test_confusion_matrix_counts():
    labels, predictions = [0, 0, 0, 0, 1, 2], [0, 0, 0, 1, 1, 0]
    figure = plots.confusion_matrix(labels, predictions, ["a", "b", "c"])
    axes = figure.axes[0]
    shares = np.array([[0.75, 0.25, 0], [0, 1, 0], [1, 0, 0]])
    np.testing.assert_allclose(axes.get_images()[0].get_array(), shares)
    assert {text.get_position(): text.get_text() for text in axes.texts} == {
        (0, 0): "3", (1, 0): "1", (1, 1): "1", (0, 2): "1",
    }  # fmt: skip
    assert axes.get_title(loc="left") == "4 of 6 right (66.7%)"
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["a", "b", "c"]
    with pytest.raises(UserError, match="one for each name"):
        plots.confusion_matrix(labels, predictions, ["a", "b"])
    with pytest.raises(UserError, match="one predicted class"):
        plots.confusion_matrix(labels, predictions[:-1])


PICTURES = np.random.default_rng(0).random((3, 4, 4, 3)).astype("float32")
TEXTS = ["a red circle", "a blue square", "a red square"]
SIMILARITY = np.array([[0.9, 0.1, 0.5], [-0.2, 0.4, 0.3], [0.0, 0.8, 0.7]])


def test_nearest_texts_are_bars_beside_images_and_right_ones_are_ticked():
    right = np.eye(3, dtype=bool)
    figure = plots.nearest(PICTURES, SIMILARITY, np.array(TEXTS, object), right, np.array(TEXTS), count=2)
    picture, bars = figure.axes[4:6]
    assert picture.get_xlabel() == "a red square"
    np.testing.assert_array_equal(picture.get_images()[0].get_array(), PICTURES[2])
    assert [text.get_text() for text in bars.texts] == ["a blue square", "0.80", "✓ a red square", "0.70"]
    assert [bar.get_width() for bar in bars.patches] == pytest.approx([0.8, 0.7])
    assert bars.patches[0].get_facecolor() != bars.patches[1].get_facecolor()
    assert "the nearest is right for 2 of 3" in figure.get_label()
    bars = plots.nearest(PICTURES, SIMILARITY, TEXTS).axes[3]
    assert [bar.get_width() for bar in bars.patches] == pytest.approx([0.4, 0.3, 0])  # none of a negative one


def test_nearest_images_are_framed_beside_texts_or_images():
    right = np.eye(3, dtype=bool)
    figure = plots.nearest(TEXTS, SIMILARITY.T, PICTURES, right, count=2)
    words, first, second = figure.axes[6:9]  # "a red square" is nearest to the last picture, then to the first
    assert words.texts[0].get_text() == "a red square"
    np.testing.assert_array_equal(first.get_images()[0].get_array(), PICTURES[2])
    np.testing.assert_array_equal(second.get_images()[0].get_array(), PICTURES[0])
    assert [axis.get_xlabel() for axis in (first, second)] == ["✓ 0.70", "0.50"]
    assert first.spines["top"].get_edgecolor() != second.spines["top"].get_edgecolor()
    gray = plots.nearest(PICTURES[..., :1], SIMILARITY, PICTURES[..., :1])
    assert len(gray.axes) == 3 * 4
    assert gray.axes[0].get_images()[0].get_cmap().name == "gray"
    assert "ticked" not in gray.get_label()
    assert len(plots.nearest(TEXTS * 4, np.tile(SIMILARITY, (4, 1)), TEXTS).axes) == 2 * 8  # eight queries of twelve


def test_nearest_answers_must_fit():
    for given, expected in (
        ((PICTURES, SIMILARITY[:2], TEXTS), r"similarities \(3, 3\).*shape \(2, 3\)"),
        ((PICTURES, SIMILARITY, TEXTS, np.eye(2)), r"right \(3, 3\).*shape \(2, 2\)"),
        ((PICTURES, SIMILARITY, TEXTS, None, TEXTS[:1]), "a caption for each of 3 queries.*1"),
        ((PICTURES[0], SIMILARITY, TEXTS), "queries"),
    ):
        with pytest.raises(UserError, match=expected):
            plots.nearest(*given)


def test_the_readers_settings_neither_matter_nor_change():
    with matplotlib.rc_context({"axes.facecolor": "black", "font.size": 30}):
        axes = plots.learning_curves({"autoencoder": {"loss": [0.1, 0.05]}}).axes[0]
        assert axes.get_facecolor() == (1, 1, 1, 1)
        assert axes.xaxis.label.get_size() == 10
        assert matplotlib.rcParams["font.size"] == 30


def test_pyplot_does_not_know_of_the_figures():
    figure = plots.learning_curves({"simclr": {"loss": [1.0, 0.5]}})
    assert pyplot.get_fignums() == []
    assert type(figure.canvas) is FigureCanvasBase  # no backend
