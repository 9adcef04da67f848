"""Plot of accuracy against the number of labels."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.figures import palette
from keras_ssl.figures.palette import BASELINES, INK, Figure

__all__ = ["label_efficiency_curves"]


@palette.styled
def label_efficiency_curves(results: Mapping[str, Mapping[Any, Mapping[str, float]]]) -> Figure:
    """Draw accuracy against labels per class, and beside it what pretraining gains over the best baseline.

    Args:
        results: `{method: {labels per class: {"mean": accuracy, "std": …}}}`, as
            `evaluate.label_efficiency(…).summary()` returns it; the counts may be strings. `raw_inputs`, `tf_idf`,
            `untrained` and `from_scratch` are baselines; all other methods count as pretrained, `…_finetuned` as
            fine-tuned. Without a baseline or without a pretrained method there is no second panel.

    Returns:
        A Figure. First axes: one curve with error bars (± standard deviation) for each method. Second axes: bars with
        the mean of each pretrained method minus the largest baseline mean at the same number of labels, in percentage
        points. Their error √(std² + std²) assumes that the two are independent, which tends to overstate it.

    Raises:
        UserError: If there is nothing to draw, or an entry lacks `mean` or a number as its key.
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
            np.array(counts) * 1.03 ** (i - (len(order) - 1) / 2),  # side by side, or error bars hide each other
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
    if len(order) <= 5:  # more would cover the bars and their errors
        for axis in axes:
            axis.legend(loc="best", handlelength=3.2)
    else:
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, handlelength=3.2)
    figure.set_label(f"Accuracy at {', '.join(map(str, ticks))} labels per class: " + _summary(points, order, look))
    return figure


def _points(results):
    """Return `{method: {count: (mean, std)}}` with the counts as integers."""
    try:
        points = {
            name: {int(count): (float(entry["mean"]), float(entry.get("std") or 0)) for count, entry in curve.items()}
            for name, curve in results.items()
        }
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError("{method: {labels per class: {'mean': accuracy, 'std': …}}}",
                        f"something else ({type(error).__name__}: {error})",
                        "pass what `evaluate.label_efficiency(…).summary()` returns") from error  # fmt: skip
    points = {name: curve for name, curve in points.items() if curve}
    if not points:
        raise UserError("the accuracies of at least one method", "none",
                        "pass what `evaluate.label_efficiency(…).summary()` returns")  # fmt: skip
    return points


def _gains(points):
    """Return `{pretrained method: {count: (gain over the best baseline, error)}}`, in percentage points."""
    gains: dict = {}
    for name in points.keys() - BASELINES.keys():
        for count, (mean, std) in points[name].items():
            rivals = [points[baseline][count] for baseline in BASELINES if count in points.get(baseline, ())]
            if rivals:
                best, spread = max(rivals)
                gains.setdefault(name, {})[count] = 100 * (mean - best), 100 * float(np.hypot(std, spread))
    return gains


def _gain_bars(axis, gains, order, look):
    """Draw a group of bars for each number of labels, with the largest gain of each group written above its bar."""
    counts = sorted({count for gain in gains.values() for count in gain})
    width = 0.8 / len(order)
    for i, name in enumerate(order):
        where = [j for j, count in enumerate(counts) if count in gains[name]]
        gain, error = np.array([gains[name][counts[j]] for j in where]).T
        x = np.array(where) + (i - (len(order) - 1) / 2) * width
        color = look[name]["color"]
        hatched = look[name]["linestyle"] != "-" and sum(look[other]["color"] == color for other in order) > 1
        axis.bar(
            x, gain, 0.9 * width, yerr=error, label=look[name]["label"], error_kw={"elinewidth": 1.1, "ecolor": INK},
            facecolor="white" if hatched else color, edgecolor=color, hatch="////" if hatched else None,
        )  # fmt: skip
    for j, count in enumerate(counts):
        i = max((i for i, name in enumerate(order) if count in gains[name]), key=lambda i: gains[order[i]][count])
        gain, error = gains[order[i]][count]
        note = {"textcoords": "offset points", "xytext": (0, 4), "ha": "center", "weight": "bold"}
        axis.annotate(f"{gain:+.1f}", (j + (i - (len(order) - 1) / 2) * width, max(gain + error, 0)), **note)
    axis.axhline(0, color=INK, linewidth=1.2)
    axis.margins(y=0.1)
    low, high = axis.get_ylim()
    axis.set_ylim(top=max(high, 0.12 * (high - low)))  # room for the numbers above bars that go down
    axis.set_xlim(-0.65, len(counts) - 0.35)
    axis.set_xticks(range(len(counts)), [str(count) for count in counts])
    axis.set(xlabel="labels per class", ylabel="percentage points", title="Gained over the best baseline")
    axis.grid(axis="y")


def _summary(points, order, look):
    """Return the means in words, for a reader who cannot see the picture."""
    means = (", ".join(f"{points[name][count][0]:.3f}" for count in sorted(points[name])) for name in order)
    return "; ".join(f"{look[name]['label']} {mean}" for name, mean in zip(order, means))
