"""How good a representation is with few labels, beside what one gets without it."""

import random
from contextlib import contextmanager
from dataclasses import dataclass, field

import keras
import numpy as np

from keras_ssl import data, networks
from keras_ssl.errors import UserError
from keras_ssl.evaluate.embedding import embed
from keras_ssl.evaluate.metrics import scores
from keras_ssl.figures.palette import label
from keras_ssl.networks import predict_in_batches
from keras_ssl.transfer import FineTuning, fit_linear

__all__ = ["LabelEfficiency", "label_counts", "label_efficiency", "reinitialized"]

_BASELINES = ("raw_inputs", "untrained", "from_scratch")
_WATCHED = slice(1000)  # test images that the curves look at


@dataclass
class LabelEfficiency:
    """Scores by method and number of labels per class, one for each draw of labels.

    Attributes:
        values: `values[method][labels_per_class][metric]` is the list of figures, a draw each; the metrics are
            "accuracy", "precision", "recall" and "f1", in 0..1.
        curves: `curves[method][labels_per_class]` is a list, a draw each, of the accuracies at `checkpoints`.
        checkpoints: Steps of fine-tuning at which the curves were measured.
        targets: `targets[labels_per_class]` is a list, a draw each, of the accuracies of raw inputs on the images that
            the curves look at.
    """

    values: dict = field(default_factory=dict)
    curves: dict = field(default_factory=dict)
    checkpoints: tuple = ()
    targets: dict = field(default_factory=dict)

    def summary(self, metric="accuracy"):
        """Return `{method: {labels_per_class: {"mean", "std"}}}` of a metric; std is that of the population."""
        return {
            method: {n: _mean_std(figures[metric]) for n, figures in by_labels.items()}
            for method, by_labels in self.values.items()
        }

    def curve(self, labels_per_class):
        """Return `{method: {"steps", "mean", "std"}}`: accuracy in the course of fine-tuning."""
        return {
            method: {
                "steps": list(self.checkpoints),
                "mean": np.mean(by_labels[labels_per_class], axis=0).tolist(),
                "std": np.std(by_labels[labels_per_class], axis=0).tolist(),
            }
            for method, by_labels in self.curves.items()
        }

    def target(self, labels_per_class):
        """Return the mean accuracy of raw inputs on the images that the curves look at."""
        return float(np.mean(self.targets[labels_per_class]))

    def steps_to(self, labels_per_class, target=None):
        """Return, by method, the first checkpoint whose mean accuracy reaches `target`, or None.

        Args:
            labels_per_class: One of the numbers that were measured.
            target: Accuracy in 0..1. Default: `self.target(labels_per_class)`, that of raw inputs.
        """
        target = self.target(labels_per_class) if target is None else target
        reached = {}
        for method, curve in self.curve(labels_per_class).items():
            steps = [step for step, mean in zip(curve["steps"], curve["mean"]) if mean >= target]
            reached[method] = steps[0] if steps else None
        return reached

    def table(self, metric="accuracy"):
        """Return rows of text: the header, then for each method its name and "mean ± std" for each number of labels."""
        summary = self.summary(metric)
        numbers = sorted({n for by_labels in summary.values() for n in by_labels})
        rows = [
            [method, *(f"{by_labels[n]['mean']:.3f} ± {by_labels[n]['std']:.3f}" for n in numbers)]
            for method, by_labels in summary.items()
        ]
        return [["labels per class", *map(str, numbers)], *rows]

    def text(self, metric="accuracy"):
        """Return the table as lines of text, with the methods' names in plain English."""
        header, *rows = self.table(metric)
        rows = [header, *([label(name), *cells] for name, *cells in rows)]
        widths = [max(map(len, column)) for column in zip(*rows)]
        return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)

    def _add(self, method, labels_per_class, figures, curve=None):
        place = self.values.setdefault(method, {}).setdefault(labels_per_class, {})
        for metric, value in figures.items():
            place.setdefault(metric, []).append(value)
        if curve:
            self.curves.setdefault(method, {}).setdefault(labels_per_class, []).append(curve)


def _mean_std(values):
    return {"mean": float(np.mean(values)), "std": float(np.std(values))}


def label_efficiency(
    encoder,
    train,
    test,
    labels_per_class=(1, 5, 10, 100),
    seeds=5,
    fine_tune=None,
    steps=300,
    fine_tuning_rate=3e-4,
    scratch_rate=1e-3,
    progress=None,
):
    """Measure encoders on few labels, beside raw inputs, the untrained encoder and the same network from scratch.

    For each number of labels and each seed the same labeled samples are drawn for all methods. Frozen
    representations get the linear classifier of `fit_linear`. Fine-tuning and training from scratch take the same
    number of Adam steps on the same samples in the same order; the scores are those after the last step. Fine-tuning
    starts its head from the linear probe, training from scratch from random weights. Curves look at the first 1,000
    test images.

    Args:
        encoder: `keras.Model` or objective, or a dict of names and such models of one architecture. The rows of one
            without a name are called "encoder" and "encoder_finetuned".
        train: Labeled `data.Source` from which labels are drawn.
        test: Labeled `data.Source`; nothing is fitted or chosen on it.
        labels_per_class: Numbers of labeled samples in each class. Default `(1, 5, 10, 100)`.
        seeds: Number of draws, which are seeded 0, 1, …. Default 5.
        fine_tune: Names of the encoders that are fine-tuned too. Default: all.
        steps: Of fine-tuning and of training from scratch, 1 to 300. Default 300.
        fine_tuning_rate: Adam's learning rate from pretrained weights. Default 3e-4.
        scratch_rate: Adam's learning rate from random weights, where a larger one is better. Default 1e-3.
        progress: Called as `progress(done, total)` after each fit, or None.

    Returns:
        `LabelEfficiency`.

    Raises:
        UserError: If labels are missing or too few, images do not fit, an argument is out of range, or the encoders
            have the same row in the table or different architectures.
    """
    encoders = encoder if isinstance(encoder, dict) else {"encoder": encoder}
    encoders = {name: networks.embedder(model) for name, model in encoders.items()}
    fine_tune = tuple(encoders) if fine_tune is None else tuple(fine_tune)
    _check_arguments(encoders, fine_tune, labels_per_class, seeds, steps)
    data.check_labeled(train, test)
    draws = [(n, seed) for n in labels_per_class for seed in range(seeds)]
    few = {(n, seed): data.few(train, n, seed) for n, seed in draws}  # too few in a class fails here, before any fit

    architecture = next(iter(encoders.values()))
    untrained = [reinitialized(architecture, seed) for seed in range(seeds)]
    test_images = test.floats()
    frozen = {"raw_inputs": None, **encoders}
    embedded = {name: embed(e, test) for name, e in frozen.items()}
    embedded_untrained = [embed(e, test) for e in untrained]
    tuning = FineTuning(architecture, train.classes, steps)
    checkpoints = tuple(sorted({max(1, round(steps * k / 10)) for k in range(1, 11)}))
    result = LabelEfficiency({name: {} for name in [*_BASELINES, *encoders]}, checkpoints=checkpoints)

    total, done = len(draws) * (3 + len(encoders) + len(fine_tune)), 0

    def add(method, n, predictions, curve=None):
        nonlocal done
        result._add(method, n, scores(test.labels, predictions), curve)
        done += 1
        if progress:
            progress(done, total)

    for n, seed in draws:
        images, labels = few[n, seed]
        for name, e in frozen.items():
            predictions = fit_linear(embed(e, images), labels).predict(embedded[name])
            add(name, n, predictions)
            if name == "raw_inputs":
                result.targets.setdefault(n, []).append(float((predictions == test.labels)[_WATCHED].mean()))
        probe = fit_linear(embed(untrained[seed], images), labels)
        add("untrained", n, probe.predict(embedded_untrained[seed]))
        starts = [("from_scratch", untrained[seed], scratch_rate)]
        starts += [(f"{name}_finetuned", encoders[name], fine_tuning_rate) for name in fine_tune]
        for method, start, rate in starts:
            curve, after_step = _curve(tuning.model, test_images[_WATCHED], test.labels[_WATCHED], checkpoints)
            from_probe = method != "from_scratch"
            tuning.fit(start.get_weights(), images, labels, rate, seed, from_probe, after_step)
            add(method, n, predict_in_batches(tuning.model, test_images).argmax(-1), curve)
    return result


def _architecture(model):
    """The layers of a functional model with their arguments, without names, flags and seeds."""
    single = [layer for layer in networks.all_layers(model) if not isinstance(layer, keras.Model)]
    arguments = [{k: v for k, v in layer.get_config().items() if k not in ("name", "trainable")} for layer in single]
    return model.input_shape, model.output_shape, str([(type(x).__name__, a) for x, a in zip(single, arguments)])


def _check_arguments(encoders, fine_tune, labels_per_class, seeds, steps):
    if not 1 <= steps <= 300:
        raise UserError("steps in 1..300", str(steps), "use fewer; few labels are learned long before")
    if seeds < 1:
        raise UserError("at least one draw of labels", f"seeds={seeds}", "give 1 or more")
    if not labels_per_class:
        raise UserError("at least one number of labels per class", "none", "label at least one image of each class")
    rows = [*_BASELINES, *encoders, *(f"{name}_finetuned" for name in fine_tune)]
    if twice := sorted({name for name in rows if rows.count(name) > 1}):
        raise UserError("a row of its own for each encoder", f"{', '.join(twice)} twice", "give other names")
    built = {name: _architecture(model) for name, model in encoders.items()}
    first = next(iter(built))
    if different := [name for name in built if built[name] != built[first]]:
        raise UserError(
            "encoders of one architecture, which is trained from scratch beside them",
            f"{', '.join(different)} with other layers than {first}",
            "measure them in a call of their own",
        )
    if unknown := [name for name in fine_tune if name not in encoders]:
        names = ", ".join(encoders)
        raise UserError(
            f"names of encoders to fine-tune among {names}", ", ".join(unknown), "give names that `encoder` has"
        )


def _curve(model, images, labels, checkpoints):
    """An empty list, and the function that fills it with the accuracies at the checkpoints."""
    curve = []

    def after_step(step):
        if step in checkpoints:
            curve.append(float((predict_in_batches(model, images).argmax(-1) == labels).mean()))

    return curve, after_step


def label_counts(train):
    """Return those of 1, 5, 10 and 100 labels per class that every class of a labeled `data.Source` has."""
    smallest = int(np.bincount(train.labels, minlength=train.classes).min())
    return tuple(n for n in (1, 5, 10, 100) if n <= smallest)


def reinitialized(encoder, seed):
    """Return a copy of an encoder with new random weights, and the statistics of pixels that it normalizes by.

    Args:
        encoder: Functional `keras.Model`.
        seed: Of the initial weights. Initialisers that have a seed of their own keep it.
    """
    with _python_seed(seed):
        return networks.copy_statistics(encoder, keras.models.clone_model(encoder))


@contextmanager
def _python_seed(seed):
    """Keras takes the seed of an initializer without one from Python's generator."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
