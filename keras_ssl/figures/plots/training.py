"""Plots of training: accuracy by fine-tuning step, losses by epoch, and losses by learning rate."""

from collections.abc import Mapping, Sequence

import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.figures import palette
from keras_ssl.figures.palette import BASELINES, INK, Figure

__all__ = ["fine_tuning_curves", "learning_curves", "learning_rates"]


@palette.styled
def fine_tuning_curves(curves: Mapping[str, Mapping[str, Sequence[float]]], target: float | None = None) -> Figure:
    """Draw how fast fine-tuning converges: accuracy against optimizer steps.

    Args:
        curves: `{method: {"steps": […], "mean": […], "std": […]}}`; `std` may be missing.
            `evaluate.label_efficiency(…).curve(labels_per_class)` returns it.
        target: Accuracy whose first crossing is marked and given in the legend, or None. Default: None.

    Returns:
        A Figure with one axes: a line and a band of ± standard deviation for each method.

    Raises:
        UserError: If there is nothing to draw, or the lists differ in length.
    """
    if not curves:
        raise UserError("the curve of at least one method", "none",
                        "pass `{method: {'steps': […], 'mean': […], 'std': […]}}`")  # fmt: skip
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
    axes.set_ylim(top=min(axes.get_ylim()[1], 1.02))
    axes.grid(axis="y")
    axes.legend(loc="best", handlelength=3.2)
    labels = [line.get_label() for line in axes.get_legend().get_lines()]
    figure.set_label("Accuracy while fine-tuning. " + "; ".join(labels))
    return figure


@palette.styled
def learning_curves(histories: Mapping[str, Mapping[str, Sequence[float]]]) -> Figure:
    """Draw the loss of each objective on its own axes, then collapse metrics for those that log them.

    Args:
        histories: `{objective: history}`, where a history is Keras's `History.history`: one number per epoch under
            `loss` and, where logged, `std` (spread of the normalized representation: near 1 healthy, 0 collapsed) and
            `dimensions` (participation ratio: how many directions are in use, 1 when collapsed).

    Returns:
        A Figure with one axes for each loss, then one for `std` and one for `dimensions` if any history has them.

    Raises:
        UserError: If there is nothing to draw.
    """
    if not histories:
        raise UserError("the history of at least one objective", "none",
                        "pass `{'simclr': objective.fit(…).history}`")  # fmt: skip
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


def _line(axis, values, style):
    """Draw one number per epoch; a single one as a dot."""
    epochs = np.arange(1, len(values) + 1)
    label = style["label"].removesuffix(", frozen")
    axis.plot(epochs, values, color=style["color"], label=label, linewidth=2, marker="o" if len(values) < 2 else None)
    axis.set(xlabel="epoch", xlim=(0, None))
    axis.xaxis.get_major_locator().set_params(integer=True)
    axis.grid(axis="y")


@palette.styled
def learning_rates(
    rates: Sequence[float], losses: Sequence[float], smoothed: Sequence[float], suggestion: float | None = None
) -> Figure:
    """Draw the losses of a short training at rising learning rates, `transfer.find_learning_rate(…)`.

    Args:
        rates: Learning rate of each step, above 0.
        losses: Loss of each step.
        smoothed: Moving average of the losses.
        suggestion: Learning rate that is marked, or None. Default: None.

    Returns:
        A Figure with one axes, on which learning rates are on a logarithmic scale.

    Raises:
        UserError: If there is nothing to draw, or the lists differ in length.
    """
    if not len(rates) or not len(rates) == len(losses) == len(smoothed):
        raise UserError("as many losses and averages as rates", f"{len(rates)}, {len(losses)} and {len(smoothed)}",
                        "give those of `transfer.find_learning_rate(…)`")  # fmt: skip
    figure = palette.figure(7.6, 4.2)
    axes = figure.subplots()
    color = palette.CLASSES[0]
    axes.plot(rates, losses, ".", color=color, alpha=0.4, label="loss of a batch")
    axes.plot(rates, smoothed, color=color, linewidth=2.4, label="moving average")
    if suggestion is not None:
        axes.axvline(suggestion, color=INK, linewidth=0.9, linestyle=(0, (2, 3)), label=f"suggestion: {suggestion:.2g}")
    axes.set(xscale="log", xlabel="learning rate", ylabel="loss", title="Loss at rising learning rates")
    low, high = min(smoothed), max(smoothed[0], losses[0])
    axes.set_ylim(low - 0.2 * abs(high - low), high + abs(high - low))  # what blew up is above
    axes.grid(axis="y")
    axes.legend(loc="upper left")
    lowest = rates[int(np.argmin(smoothed))]
    marked = "" if suggestion is None else f"; suggestion {suggestion:.2g}"
    figure.set_label(f"Loss at rising learning rates, lowest at {lowest:.2g}{marked}")
    return figure
