"""Pictures of an evaluation: each function returns a `matplotlib.figure.Figure`, made without pyplot.

The label of a figure (`figure.get_label()`) says in words what it shows; a page can use it as the alternative text.
"""

import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.figures import palette
from keras_ssl.figures.palette import BASELINES, INK

__all__ = [
    "label_efficiency_curves",
    "fine_tuning_curves",
    "learning_curves",
    "embedding_maps",
    "map_2d",
    "reconstructions",
    "confusion_matrix",
]


@palette.styled
def label_efficiency_curves(results):
    """Accuracy against labels per class, and beside it what pretraining gains over the best baseline.

    Args:
        results: `{method: {labels per class: {"mean": accuracy, "std": …}}}`, which is what
            `evaluate.label_efficiency(…).summary()` returns; the counts may be strings. `raw_inputs`, `untrained` and
            `from_scratch` are baselines, all others count as pretrained, `…_finetuned` as fine-tuned. Without one of
            each kind there is no second panel.

    Returns:
        A Figure. First axes: one curve with error bars (± standard deviation) for each method. Second axes: bars, mean
        of each pretrained method minus the largest mean among the baselines at the same number of labels, in
        percentage points; error √(std² + std²), which takes the two for independent and so rather overstates it.

    Raises:
        UserError: There is nothing to draw, or an entry lacks `mean` or a number as its key.
    """
    points = _points(results)
    order = sorted(points, key=lambda name: (name in BASELINES, -points[name][min(points[name])][0]))
    look = palette.look(order)
    gains = _gains(points)
    figure = palette.figure(10.4 if gains else 6.8, 4.5)
    ratios = [1.45, 1] if gains else [1]
    axes = figure.subplots(1, len(ratios), width_ratios=ratios, squeeze=False)[0]
    for i, name in enumerate(order):
        counts = sorted(points[name])
        mean, std = np.array([points[name][count] for count in counts]).T
        pretrained = name not in BASELINES
        axes[0].errorbar(
            np.array(counts) * 1.03 ** (i - (len(order) - 1) / 2),  # side by side: error bars hide each other else
            mean, std, **look[name], capsize=2.5, elinewidth=1.1,
            linewidth=2.4 if pretrained else 1.4, markersize=6 if pretrained else 4.5, zorder=3 if pretrained else 2,
        )  # fmt: skip
    ticks = sorted({count for curve in points.values() for count in curve})
    axes[0].set_xscale("log")
    axes[0].set_xticks(ticks, [str(tick) for tick in ticks])
    axes[0].set_xticks([], minor=True)
    low = min(mean - std for curve in points.values() for mean, std in curve.values())
    high = max(mean + std for curve in points.values() for mean, std in curve.values())
    axes[0].set(
        xlabel="labels per class", ylabel="accuracy", title="Accuracy with few labels (mean ± std)",
        ylim=(max(low - 0.04, -0.02), min(high + 0.03, 1.02)),
    )  # fmt: skip
    axes[0].grid(axis="y")
    if gains:
        _gain_bars(axes[1], gains, [name for name in order if name in gains], look)
    if len(order) <= 5:  # more would lie on bars and their errors
        for axis, place in zip(axes, ("lower right", "best")):
            axis.legend(loc=place, handlelength=3.2)
    else:
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, handlelength=3.2)
    figure.set_label(f"Accuracy at {', '.join(map(str, ticks))} labels per class: " + _summary(points, order, look))
    return figure


@palette.styled
def fine_tuning_curves(curves, target=None):
    """How fast fine-tuning converges: accuracy against optimizer steps.

    Args:
        curves: `{method: {"steps": […], "mean": […], "std": […]}}`; `std` may be missing. It is what
            `evaluate.label_efficiency(…).curve(labels_per_class)` returns.
        target: Accuracy whose first crossing is marked and named in the legend. Default None: none.

    Returns:
        A Figure with one axes: a line and a band of ± standard deviation for each method.

    Raises:
        UserError: There is nothing to draw, or the lists differ in length.
    """
    _check(curves, "the curve of at least one method", "pass `{method: {'steps': […], 'mean': […], 'std': […]}}`")
    figure = palette.figure(7.6, 4.2)
    axes = figure.subplots()
    for name, style in palette.look(sorted(curves, key=BASELINES.__contains__)).items():
        steps, mean = np.asarray(curves[name]["steps"]), np.asarray(curves[name]["mean"], float)
        std = np.asarray(curves[name].get("std", np.zeros_like(mean)), float)
        if not steps.shape == mean.shape == std.shape:
            raise UserError(f"as many steps as means and stds for {name}", f"{len(steps)}, {len(mean)} and {len(std)}",
                            "give one mean and one std for each step")  # fmt: skip
        axes.fill_between(steps, mean - std, mean + std, color=style["color"], alpha=0.15, linewidth=0)
        if target is not None:
            reached = np.flatnonzero(mean >= target)
            when = f"after {steps[reached[0]]} steps" if len(reached) else "not reached"
            style["label"] += f": {target:.3g} {when}"
            axes.plot(steps[reached[:1]], mean[reached[:1]], "o", color=style["color"], markersize=7, zorder=4)
        axes.plot(steps, mean, **style | {"marker": None}, linewidth=1.6 if name in BASELINES else 2.4)
    if target is not None:
        axes.axhline(target, color=INK, linewidth=0.9, linestyle=(0, (2, 3)), zorder=1)
    axes.set(xlabel="optimizer steps", ylabel="accuracy", title="How fast fine-tuning converges (mean ± std)")
    axes.grid(axis="y")
    axes.legend(loc="lower right", handlelength=3.2)
    labels = [line.get_label() for line in axes.get_legend().get_lines()]
    figure.set_label("Accuracy while fine-tuning. " + "; ".join(labels))
    return figure


@palette.styled
def learning_curves(histories):
    """The loss of each objective on its own axes, then the collapse figures of those that log them.

    Args:
        histories: `{objective: history}`, where a history is what Keras's `History.history` holds: one number an epoch
            under `loss` and, where logged, `std` (spread of the normalized representation: near 1 healthy, 0 collapsed)
            and `dimensions` (participation ratio: how many directions are in use, 1 when collapsed).

    Returns:
        A Figure with an axes for each loss, then one for `std` and one for `dimensions` where any history has them.

    Raises:
        UserError: There is nothing to draw.
    """
    _check(histories, "the history of at least one objective", "pass `{'simclr': objective.fit(…).history}`")
    look = palette.look(histories)
    figures = [("std", "Spread of embeddings", "healthy"), ("dimensions", "Directions in use", "collapsed")]
    figures = [figure for figure in figures if any(figure[0] in history for history in histories.values())]
    columns = min(len(histories) + len(figures), 4)
    rows = -(-(len(histories) + len(figures)) // columns)
    figure = palette.figure(max(2.6 * columns, 5), 2.7 * rows)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis in axes[len(histories) + len(figures) :]:
        axis.remove()
    for axis, (name, history) in zip(axes, histories.items()):
        _line(axis, history["loss"], look[name])
        axis.set_title(f"{palette.family(name)}: loss")
    for axis, (key, title, at_one) in zip(axes[len(histories) :], figures):
        for name, history in histories.items():
            if key in history:
                _line(axis, history[key], look[name])
        axis.axhline(1, color=INK, linewidth=0.9, linestyle=(0, (2, 3)), label="reference", zorder=1)
        axis.set(title=title, ylim=(0, max(1.2, axis.get_ylim()[1])))
        for at, word in {0: "collapsed", 1: at_one}.items() if key == "std" else {1: at_one}.items():
            note = {"textcoords": "offset points", "xytext": (0, 3), "ha": "right", "size": 9, "style": "italic"}
            axis.annotate(f"{at} = {word}", (1, at), xycoords=("axes fraction", "data"), **note)
        if sum(key in history for history in histories.values()) > 1:
            axis.legend(handles=[line for line in axis.get_lines() if line.get_label() != "reference"])
    ends = [f"{palette.family(name)} loss {h['loss'][0]:.3g} to {h['loss'][-1]:.3g}" for name, h in histories.items()]
    figure.set_label("Learning curves. " + "; ".join(ends))
    return figure


@palette.styled
def embedding_maps(maps, labels, class_names=None):
    """Scatter panels side by side, colored by class; up to 20 classes have their names at the medians of their points.

    Args:
        maps: `{title: array (n, 2)}`, for example raw pixels, untrained encoder, after SimCLR, each through `map_2d`.
        labels: `(n,)` class numbers from 0, for the colors only.
        class_names: Names by class number. Default None: the numbers.

    Returns:
        A Figure with one axes for each map; below each, the share of points whose nearest neighbor on the map has the
        same class.

    Raises:
        UserError: There is nothing to draw, or a map has not the shape `(len(labels), 2)`.
    """
    from matplotlib import patheffects
    from sklearn.neighbors import NearestNeighbors

    _check(maps, "at least one map", "pass `{'raw pixels': map_2d(images), …}`")
    labels = np.asarray(labels)
    figure = palette.figure(min(3.45 * len(maps), 10.4), 3.9 if len(maps) > 1 else 3.7)
    shares = []
    for axis, (title, points) in zip(figure.subplots(1, len(maps), squeeze=False)[0], maps.items()):
        points = np.asarray(points)
        if points.shape != (len(labels), 2):
            raise UserError(f"a map of shape ({len(labels)}, 2) for {title!r}", f"shape {points.shape}",
                            "pass what `map_2d` made of the samples that the labels belong to")  # fmt: skip
        axis.scatter(*points.T, s=9, c=[palette.CLASSES[label % 10] for label in labels], alpha=0.75, linewidths=0)
        for label in np.unique(labels) if len(np.unique(labels)) <= 20 else ():
            x, y = np.median(points[labels == label], axis=0)
            name = str(label if class_names is None else class_names[label])
            text = axis.text(x, y, name, ha="center", va="center", weight="bold", size=12 if len(name) < 3 else 9)
            text.set_path_effects([patheffects.withStroke(linewidth=3, foreground="white")])
        nearest = NearestNeighbors(n_neighbors=1).fit(points).kneighbors(return_distance=False)[:, 0]
        share = f"{np.mean(labels[nearest] == labels):.1%}"
        shares.append(f"{title} {share}")
        axis.set(xticks=[], yticks=[], title=title, xlabel=f"nearest point has the same class: {share}")
        axis.spines[["top", "right"]].set_visible(True)
    figure.set_label("Maps of the embeddings. Nearest neighbor on the map has the same class: " + ", ".join(shares))
    return figure


def map_2d(x, seed=0):
    """Draw points with many features on a plane: PCA to at most 50 features, then 500 steps of t-SNE (scikit-learn's).

    Distances between far clusters and their sizes mean nothing on such a map; who is next to whom does. About a second
    for 500 points; take a sample of more than a few thousand.

    Args:
        x: Array `(n, …)` of finite numbers, n >= 4, at least 2 features; axes after the first are flattened.
        seed: Seed of both. Default 0; the same seed draws the same map.

    Returns:
        float32 array `(n, 2)`; all zeros when all points are the same (a collapsed encoder).

    Raises:
        UserError: Fewer than 4 points or 2 features, or NaN or Inf among them.

    Reference:
        van der Maaten & Hinton 2008, "Visualizing data using t-SNE".
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    x = np.asarray(x, "float32").reshape(len(x), -1)
    if len(x) < 4 or x.shape[1] < 2 or not np.isfinite(x).all():
        received = f"shape {x.shape}" + ("" if np.isfinite(x).all() else " with NaN or Inf")
        raise UserError("at least 4 points of 2 finite features", received, "give more samples, or mend the encoder")
    if np.ptp(x, axis=0).max() == 0:
        return np.zeros((len(x), 2), "float32")
    reduced = PCA(min(50, len(x), x.shape[1]), random_state=seed).fit_transform(x)
    with threadpool_limits(1):  # on few points the threads of t-SNE wait for each other: 3 times slower on two cores
        tsne = TSNE(2, perplexity=min(30, (len(x) - 1) / 3), init="pca", max_iter=500, random_state=seed)
        return tsne.fit_transform(reduced).astype("float32")


@palette.styled
def reconstructions(images, rebuilt):
    """Inputs above, what an autoencoder makes of them below; at most twelve.

    Args:
        images: `(n, height, width, channels)`, values in 0..1. Three channels are shown in color, others as mean.
        rebuilt: What `reconstruct` returned for them, of the same shape; clipped to 0..1.

    Returns:
        A Figure with two rows of axes.

    Raises:
        UserError: The shapes differ, or are not batches of images.
    """
    images, rebuilt = np.asarray(images, "float32"), np.asarray(rebuilt, "float32")
    if images.ndim != 4 or images.shape != rebuilt.shape or not len(images):
        raise UserError("two equal batches (n, height, width, channels)", f"shapes {images.shape} and {rebuilt.shape}",
                        "pass the images and `autoencoder.reconstruct(images)`")  # fmt: skip
    error = float(np.mean((images - rebuilt) ** 2))
    count = min(len(images), 12)
    figure = palette.figure(min(max(0.84 * count + 0.9, 4), 10.4), 2.0)
    axes = figure.subplots(2, count, squeeze=False)
    for row, batch in zip(axes, (images, rebuilt)):
        for axis, image in zip(row, np.clip(batch[:count], 0, 1)):
            shown = image if image.shape[-1] == 3 else image.mean(-1)
            axis.imshow(shown, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
    axes[0, 0].set_ylabel("input", rotation=0, ha="right", va="center")
    axes[1, 0].set_ylabel(f"rebuilt\nMSE {error:.3g}", rotation=0, ha="right", va="center")
    figure.set_label(f"Images and their reconstructions, mean squared error {error:.3g} over {len(images)} images")
    return figure


@palette.styled
def confusion_matrix(labels, predictions, class_names=None):
    """Counts of true against predicted classes; color is the share of the true class (each row sums to one).

    Args:
        labels: `(n,)` true class numbers.
        predictions: `(n,)` predicted class numbers.
        class_names: Names by class number. Default None: the numbers that occur.

    Returns:
        A Figure with one axes; counts are written into the cells up to 30 classes.

    Raises:
        UserError: The lengths differ, or are zero, or a class number has no name.
    """
    from sklearn import metrics

    labels, predictions = np.asarray(labels), np.asarray(predictions)
    if labels.shape != predictions.shape or labels.ndim != 1 or not len(labels):
        raise UserError("one predicted class for each label", f"shapes {predictions.shape} and {labels.shape}",
                        "pass two vectors of class numbers; `probabilities.argmax(-1)` makes them")  # fmt: skip
    present = np.unique([labels, predictions])
    if class_names is not None and (present[0] < 0 or present[-1] >= len(class_names)):
        raise UserError(f"class numbers in 0..{len(class_names) - 1}, one for each name",
                        f"{present[0]}..{present[-1]}", "give the name of every class")  # fmt: skip
    classes = present if class_names is None else np.arange(len(class_names))
    names = [str(c) for c in classes] if class_names is None else list(class_names)
    counts = metrics.confusion_matrix(labels, predictions, labels=classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = float(np.clip(0.42 * len(names) + 1.6, 3.6, 8))
    figure = palette.figure(side + 0.6, side)
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    if len(names) <= 30:
        for row, column in zip(*np.nonzero(counts)):
            color = "white" if shares[row, column] > 0.5 else INK
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", color=color, size=9)
    long = max(map(len, names)) > 3
    axes.set_xticks(range(len(names)), names, rotation=45 if long else 0, ha="right" if long else "center")
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)
    accuracy = f"{np.trace(counts)} of {counts.sum()} right ({np.mean(labels == predictions):.1%})"
    axes.set(xlabel="predicted", ylabel="true", title=accuracy)
    axes.spines[:].set_visible(False)
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8).outline.set_visible(False)
    figure.set_label(f"Confusion matrix: {accuracy}")
    return figure


def _check(given, expected, do):
    if not given:
        raise UserError(expected, "none", do)


def _line(axis, values, style):
    """One number an epoch; a single one as a dot."""
    epochs = np.arange(1, len(values) + 1)
    label = style["label"].removesuffix(", frozen")
    axis.plot(epochs, values, color=style["color"], label=label, linewidth=2, marker="o" if len(values) < 2 else None)
    axis.set(xlabel="epoch", xlim=(0, None))
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.grid(axis="y")


def _points(results):
    """`{method: {count: (mean, std)}}` with the counts as integers."""
    try:
        points = {
            name: {int(count): (float(entry["mean"]), float(entry.get("std") or 0)) for count, entry in curve.items()}
            for name, curve in results.items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError("{method: {labels per class: {'mean': accuracy, 'std': …}}}",
                        f"what raises {type(error).__name__}: {error}",
                        "pass what `evaluate.label_efficiency(…).summary()` returns") from error  # fmt: skip
    points = {name: curve for name, curve in points.items() if curve}
    _check(
        points, "the accuracies of at least one method", "pass what `evaluate.label_efficiency(…).summary()` returns"
    )
    return points


def _gains(points):
    """`{pretrained method: {count: (points gained over the best baseline, error)}}`, empty where nothing compares."""
    gains: dict = {}
    for name in points.keys() - BASELINES.keys():
        for count, (mean, std) in points[name].items():
            rivals = [points[baseline][count] for baseline in BASELINES if count in points.get(baseline, ())]
            if rivals:
                best, spread = max(rivals)
                gains.setdefault(name, {})[count] = 100 * (mean - best), 100 * float(np.hypot(std, spread))
    return gains


def _gain_bars(axis, gains, order, look):
    """Bars in groups, one group for each number of labels, the largest gain of each in figures above its bar."""
    counts = sorted({count for gain in gains.values() for count in gain})
    width = 0.8 / len(order)
    for i, name in enumerate(order):
        where = [j for j, count in enumerate(counts) if count in gains[name]]
        gain, error = np.array([gains[name][counts[j]] for j in where]).T
        x = np.array(where) + (i - (len(order) - 1) / 2) * width
        tuned = name.endswith("_finetuned")
        axis.bar(
            x, gain, 0.9 * width, yerr=error, label=look[name]["label"], error_kw={"elinewidth": 1.1, "ecolor": INK},
            facecolor="white" if tuned else look[name]["color"], edgecolor=look[name]["color"],
            hatch="////" if tuned else None,
        )  # fmt: skip
    for j, count in enumerate(counts):
        i = max((i for i, name in enumerate(order) if count in gains[name]), key=lambda i: gains[order[i]][count])
        gain, error = gains[order[i]][count]
        note = {"textcoords": "offset points", "xytext": (0, 4), "ha": "center", "weight": "bold"}
        axis.annotate(f"{gain:+.1f}", (j + (i - (len(order) - 1) / 2) * width, max(gain + error, 0)), **note)
    axis.axhline(0, color=INK, linewidth=1.2)
    axis.margins(y=0.1)
    axis.set_xticks(range(len(counts)), [str(count) for count in counts])
    axis.set(xlabel="labels per class", ylabel="percentage points", title="Gained over the best baseline")
    axis.grid(axis="y")


def _summary(points, order, look):
    """The means in words, for a reader who cannot see the picture."""
    means = (", ".join(f"{points[name][count][0]:.3f}" for count in sorted(points[name])) for name in order)
    return "; ".join(f"{look[name]['label']} {mean}" for name, mean in zip(order, means))
