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
    with pytest.raises(UserError, match=r"labels in 0\.\.1"):
        plots.confusion_matrix(labels, predictions, ["a", "b"])
    with pytest.raises(UserError, match="one label for each"):
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


# ---- series ----------------------------------------------------------------------------------------------------------

RNG = np.random.default_rng(0)
PAST, FUTURE = RNG.normal(size=(5, 20, 2)), RNG.normal(size=(5, 3, 2))


def lines(axis):
    return {line.get_label(): line for line in axis.get_lines()}


def band(axis):
    """The lower and the upper end of the interval at each step."""
    (interval,) = axis.collections
    corners = interval.get_paths()[0].vertices
    return np.array([[f(corners[corners[:, 0] == step, 1]) for step in (1, 2, 3)] for f in (min, max)])


def test_series_rows_draw_each_channel_of_the_first_six_to_one_scale():
    series = RNG.normal(size=(8, 10, 2))
    series[0, 4:] = np.nan
    figure = plots.series_rows({"all": series, "two": 3 * series[:2]}, "a title")
    assert len(figure.axes) == 12
    assert sum(axis.axison for axis in figure.axes) == 8
    first, below = figure.axes[0], figure.axes[6]
    np.testing.assert_array_equal([line.get_ydata() for line in first.get_lines()], series[0].T)
    np.testing.assert_array_equal(below.get_lines()[1].get_ydata(), 3 * series[0, :, 1])
    assert (first.get_ylabel(), below.get_ylabel(), figure.get_suptitle()) == ("all", "two", "a title")
    low, high = first.get_ylim()
    assert low < min(np.nanmin(series), 3 * np.nanmin(series[:2]))
    assert high > max(np.nanmax(series), 3 * np.nanmax(series[:2]))
    assert below.get_ylim() == (low, high)


@pytest.mark.parametrize("batch", [np.zeros((0, 4, 1)), np.zeros((4, 1)), np.full((1, 2, 1), np.nan)])
def test_series_rows_of_nothing(batch):
    with pytest.raises(UserError, match="series"):
        plots.series_rows({"a": batch})
    with pytest.raises(UserError, match="at least one batch"):
        plots.series_rows({})


def test_forecasts_stand_beside_what_came_in_intervals_of_the_errors_on_other_series():
    forecast, errors = FUTURE + np.array([0.5, 0.0]), RNG.normal(size=(40, 3, 2))
    figure = plots.forecasts(PAST, FUTURE, forecast, errors, {"last value": FUTURE - 1}, coverage=0.6, count=3)
    drawn = [axis for axis in figure.axes if axis.axison]
    for axis, k in zip(drawn, (0, 2, 4), strict=True):
        found = lines(axis)
        np.testing.assert_allclose(found["truth"].get_ydata(), [*PAST[k, -12:, 0], *FUTURE[k, :, 0]])
        np.testing.assert_array_equal(found["truth"].get_xdata(), np.arange(-11, 4))  # the future begins at step 1
        np.testing.assert_allclose(found["forecast"].get_xydata(), np.stack([[1, 2, 3], forecast[k, :, 0]], axis=1))
        np.testing.assert_allclose(found["last value"].get_ydata(), FUTURE[k, :, 0] - 1)
        np.testing.assert_allclose(band(axis), forecast[k, :, 0] + np.quantile(errors[..., 0], [0.2, 0.8], axis=0))
    error, (low, high) = FUTURE - forecast, np.quantile(errors, [0.2, 0.8], axis=0)
    inside = np.mean((error >= low) & (error <= high))
    title = f"60% intervals by the errors on 40 other series: {inside:.0%} of what came is inside"
    assert figure.get_suptitle() == title
    assert title in figure.get_label()


def test_forecasts_of_several_draws_are_their_median_and_quantiles():
    draws = np.stack([FUTURE - 1, FUTURE, FUTURE + 1, FUTURE + 2, FUTURE + 3])
    future = FUTURE.copy()
    future[0, 0] = np.nan  # not known, so it counts nowhere
    future[1] -= 9
    figure = plots.forecasts(PAST, future, draws, coverage=0.5, channel=1, count=1)
    (axis,) = figure.axes
    np.testing.assert_allclose(lines(axis)["forecast"].get_ydata(), FUTURE[0, :, 1] + 1)
    np.testing.assert_allclose(band(axis), [FUTURE[0, :, 1], FUTURE[0, :, 1] + 2])
    assert figure.get_suptitle() == f"50% intervals of 5 draws: {11 / 14:.0%} of what came is inside"
    plain = plots.forecasts(PAST, FUTURE, FUTURE)
    assert plain.get_suptitle() == "Forecasts"
    assert not plain.axes[0].collections


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"forecast": FUTURE[:, :2]}, "the forecast of the shape"),
        ({"past": PAST[:4]}, "as many series in the past"),
        ({"baselines": {"naive": FUTURE[..., :1]}}, "naive of the shape"),
        ({"errors": FUTURE[:, :2]}, r"errors of shape \(m, 3, 2\)"),
        ({"errors": FUTURE, "forecast": FUTURE[None]}, "draws of the forecast, or errors"),
        ({"coverage": 1}, "coverage"),
        ({"channel": 2}, "channel"),
        ({"past": PAST[0]}, "past of shape"),
    ],
)
def test_forecasts_that_do_not_fit(given, message):
    with pytest.raises(UserError, match=message):
        plots.forecasts(**({"past": PAST, "future": FUTURE, "forecast": FUTURE} | given))


def test_dollars_in_names_are_no_formulas(tmp_path):
    names = [r"paid $5, got $10", r"$\RR^{n}$"]
    figure = plots.confusion_matrix(np.array([0, 1, 1]), np.array([0, 1, 0]), class_names=names)
    figure.savefig(tmp_path / "matrix.svg")
    assert not any(text.get_parse_math() for text in figure.axes[0].get_xticklabels())


def test_bytes_are_drawn_as_floats_are():
    rgb = RNG.integers(0, 256, (2, 4, 4, 3)).astype("uint8")
    drawn = [
        [np.asarray(image.get_array()) for axis in plots.reconstructions(given, given).axes for image in axis.images]
        for given in (rgb, rgb / 255)
    ]
    np.testing.assert_allclose(drawn[0], drawn[1], atol=1e-6)


def test_imputations_are_drawn_where_steps_were_hidden():
    hidden = np.zeros(PAST.shape, bool)
    hidden[:, 3:5] = hidden[:, 7:8] = True
    truth = PAST.copy()
    truth[0, 3, 0] = np.nan  # hidden and not known, so it counts nowhere
    figure = plots.imputations(truth, np.where(hidden, PAST + 0.5, 100), hidden, channel=1, count=2)
    for axis, k in zip(figure.axes, (0, len(PAST) - 1), strict=True):
        np.testing.assert_array_equal(lines(axis)["truth"].get_ydata(), truth[k, :, 1])
        drawn = lines(axis)["imputed"].get_ydata()
        np.testing.assert_array_equal(np.flatnonzero(np.isfinite(drawn)), [3, 4, 7])
        np.testing.assert_allclose(drawn[[3, 4, 7]], PAST[k, [3, 4, 7], 1] + 0.5)
        assert len(axis.patches) == 2  # shaded
    assert figure.get_suptitle() == "Hidden steps (shaded): root mean squared error 0.5"
    nothing = plots.imputations(PAST, PAST, np.zeros_like(hidden), count=1)
    assert nothing.get_suptitle().endswith("no hidden value is known")


@pytest.mark.parametrize(
    ("given", "message"),
    [({"imputed": PAST[:1]}, "of one shape"), ({"channel": 2}, "channel"), ({"count": 0}, "count")],
)
def test_imputations_that_do_not_fit(given, message):
    with pytest.raises(UserError, match=message):
        plots.imputations(**({"series": PAST, "imputed": PAST, "hidden": PAST > 0} | given))


def test_anomalies_mark_the_steps_whose_scores_are_above_the_threshold():
    series, scores, known = np.arange(10.0), np.array([0, 1, 0, 5, 6, 0.0]), np.arange(10) // 2 == 4
    figure = plots.anomalies(series, scores, threshold=4, known=known)
    above, below = figure.axes
    line, dots = above.get_lines()
    np.testing.assert_array_equal(line.get_ydata(), series)
    np.testing.assert_array_equal(dots.get_xydata(), [[7, 7], [8, 8]])  # scores are those of the last six steps
    line, reference, dots = below.get_lines()
    np.testing.assert_array_equal(line.get_xydata(), np.stack([np.arange(4, 10), scores], axis=1))
    assert list(reference.get_ydata()) == [4, 4]
    np.testing.assert_array_equal(dots.get_ydata(), [5, 6])
    (shade,) = above.patches
    assert (shade.get_x(), shade.get_width()) == (7.5, 2)
    assert "2 of them known anomalies (shaded); 2 above the threshold" in figure.get_label()
    assert len(plots.anomalies(PAST[0], scores).axes[0].get_lines()) == 2  # a line for each channel


@pytest.mark.parametrize(
    ("series", "scores", "known"),
    [(PAST, [1.0], None), (PAST[0], np.ones(21), None), (PAST[0], [], None), (PAST[0], [1.0], [True])],
)
def test_anomalies_that_do_not_fit(series, scores, known):
    with pytest.raises(UserError, match="scores of its last steps"):
        plots.anomalies(series, scores, known=known)


def tones(*seconds, rate=1000):
    """Sine waves of 100 Hz, padded with zeros to the longest."""
    lengths = [round(rate * one) for one in seconds]
    x = [np.pad(np.cos(0.2 * np.pi * np.arange(n)) / (k + 2), (0, max(lengths) - n)) for k, n in enumerate(lengths)]
    return np.array(x, "float32")


def test_spectrograms_show_samples_and_powers_up_to_the_padding():
    sounds = tones(0.4, 0.3, 0.2)
    figure = plots.spectrograms(sounds, rate=1000, titles=["a", "b", "c"], mels=8, columns=2)
    assert len(figure.axes) == 8  # two rows of two, of samples and spectrograms
    waves = [axis for axis in figure.axes if axis.get_lines()]
    assert [axis.get_title(loc="left") for axis in waves] == ["a", "b", "c"]
    for axis, sound, seconds in zip(waves, sounds, (0.4, 0.3, 0.2)):
        (line,) = axis.get_lines()
        np.testing.assert_allclose(line.get_xdata(), np.arange(round(1000 * seconds)) / 1000)
        np.testing.assert_array_equal(line.get_ydata(), sound[: len(line.get_xdata())])
        assert axis.get_ylim() == pytest.approx((-0.525, 0.525))  # one scale for all
    pictures = [axis.get_images()[0] for axis in figure.axes if axis.get_images()]
    assert [picture.get_extent()[1] for picture in pictures] == pytest.approx([0.4, 0.3, 0.2])
    assert len({picture.get_clim() for picture in pictures}) == 1
    for picture in pictures:
        powers, (_, _, low, high) = picture.get_array(), picture.get_extent()
        band = low + (powers[:, 2].argmax() + 0.5) * (high - low) / 8
        assert 700 * (10 ** (band / 2595) - 1) == pytest.approx(100, abs=30)
    assert all(axis.get_xlim() == pytest.approx((0, 0.4)) for axis in waves)


def test_hidden_spans_are_shaded_where_they_are():
    hidden = np.zeros((2, 40), bool)
    hidden[0, 4:10] = hidden[0, 35:] = hidden[1, 20:30] = True  # frames of 10 ms
    figure = plots.spectrograms(tones(0.4, 0.25), rate=1000, hidden=hidden, step=10, mels=8)
    shown = [
        [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in axis.patches]
        for axis in figure.axes  # samples of both, then spectrograms of both
    ]
    expected = [[(0.04, 0.1), (0.35, 0.4)], [(0.2, 0.25)]]  # not over the padding
    for found, spans in zip(shown, expected * 2):
        np.testing.assert_allclose(found, spans)
    assert figure.get_label().endswith("25% of the frames hidden")  # 16 of 65


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sounds": np.zeros((2, 9))}, "silence"),
        ({"sounds": np.ones((2, 9), "int16")}, "divide int16"),
        ({"sounds": np.full((2, 9), np.nan)}, "finite"),
        ({"hidden": np.zeros((1, 4), bool)}, r"booleans \(2, frames\)"),
        ({"hidden": np.zeros((2, 4))}, r"booleans \(2, frames\)"),
        ({"titles": ["a"]}, "2 titles"),
        ({"step": 0}, "step"),
    ],
)
def test_spectrograms_of_nonsense_are_clear_errors(arguments, message):
    with pytest.raises(UserError, match=message):
        plots.spectrograms(**{"sounds": tones(0.1, 0.1), "rate": 1000, "mels": 8, **arguments})


def test_predicted_frames_stand_below_the_true_ones_and_their_difference_is_colored():
    seen, true = np.zeros((3, 4, 4, 1)), np.full((2, 4, 4, 1), 0.5)
    predicted = true.copy()
    predicted[0, 0, 0], predicted[1, 0, 1] = 3.0, 0.25  # which is cut to 1: too bright by .5; too dark by .25
    figure = plots.frames(seen, true, {"net": predicted, "copy": np.zeros_like(true)})
    rows = {axis.get_ylabel(): axis.get_images()[0].get_array() for axis in figure.axes}
    error = (0.5**2 + 0.25**2) / 32
    names = ["seen", "true", f"net\nMSE {error:.3g}", "net\nminus true", "copy\nMSE 0.25", "copy\nminus true"]
    assert list(rows) == names
    np.testing.assert_allclose(rows["true"][:, :9], image_grid(true, columns=2))
    assert rows[names[2]][0, 0] == 1
    difference = rows["net\nminus true"]
    assert difference.shape == (4, 14, 3)  # with white where there is no third frame
    np.testing.assert_allclose(difference[0, 0], [0.885, 0.515, 0.52], rtol=1e-5)  # halfway from light gray to red
    np.testing.assert_allclose(difference[0, 6], [0.6975, 0.81, 0.8725], rtol=1e-5)  # a quarter of the way to blue
    np.testing.assert_allclose(difference[1:, :4], 0.93)
    assert f"net {error:.3g}, copy 0.25" in figure.get_label()
    assert plots.frames(seen, true, predicted).axes[2].get_ylabel().startswith("predicted")
    for wrong in (predicted[:1], predicted[..., 0]):
        with pytest.raises(UserError, match="as many predicted frames"):
            plots.frames(seen, true, wrong)
    with pytest.raises(UserError, match="seen"):
        plots.frames(seen[0], true, predicted)
