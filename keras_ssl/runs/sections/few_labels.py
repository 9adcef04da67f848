"""Sections about few labels."""

from keras_ssl.evaluate import LabelEfficiency
from keras_ssl.figures import plots, report
from keras_ssl.figures.palette import label

__all__ = ["of_few_labels"]

_METRICS = ("accuracy", "precision", "recall", "f1")


def of_few_labels(few: LabelEfficiency, labels_per_class: int) -> list[report.Section]:
    """Return the accuracies by number of labels, how fast fine-tuning converges, and all scores.

    Args:
        few: What `evaluate.label_efficiency` returned.
        labels_per_class: The number of labels for the last two.
    """
    n, summary = labels_per_class, few.summary()
    header, *rows = few.table()
    target = few.target(n)
    steps = few.steps_to(n).items()
    reached = "; ".join(f"{label(method)}: {step or 'not reached'}" for method, step in steps)
    scores = {metric: few.summary(metric) for metric in _METRICS}
    means = [[label(method), *(f"{scores[metric][method][n]['mean']:.3f}" for metric in scores)] for method in summary]
    draws = len(next(iter(few.values.values()))[n]["accuracy"])
    return [
        report.Section(
            "Accuracy with few labels",
            f"Test accuracy, mean ± standard deviation over draws of labels ({draws}). Inputs without a network, the "
            "untrained encoder and the frozen encoders get the same linear classifier; fine-tuning and training from "
            "scratch take the same number of steps.",
            lambda: plots.label_efficiency_curves(summary),
            report.Table(header, [[label(name), *cells] for name, *cells in rows]),
        ),
        report.Section(
            f"How fast fine-tuning converges, at {n} label{'s' * (n > 1)} per class",
            f"Accuracy on the first 1,000 test samples. Steps to that of inputs without a network ({target:.3f}): "
            f"{reached}.",
            lambda: plots.fine_tuning_curves(few.curve(n), target),
        ),
        report.Section(
            f"All scores at {n} label{'s' * (n > 1)} per class",
            "Means over classes and draws.",
            table=report.Table(["method", *scores], means),
        ),
    ]
