"""How good a representation is with few labels, beside what one gets without it."""

import functools
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from keras_ssl import data, networks
from keras_ssl.checks import check_between, check_labels
from keras_ssl.data.fitting import labeled
from keras_ssl.errors import UserError
from keras_ssl.evaluate.baseline import baseline
from keras_ssl.evaluate.calibration import expected_calibration_error
from keras_ssl.evaluate.comparison import mean_interval
from keras_ssl.evaluate.embedding import embed
from keras_ssl.evaluate.metrics import scores
from keras_ssl.figures.palette import label
from keras_ssl.networks import predict_in_batches
from keras_ssl.specs import check_encoder, specs_of
from keras_ssl.transfer import FineTuning, fit_linear
from keras_ssl.transfer.checking import check_samples
from keras_ssl.transfer.ways import way_of
from keras_ssl.trees import take
from keras_ssl.typing import Progress

__all__ = ["LabelEfficiency", "label_counts", "label_efficiency"]

_BASELINES = ("raw_inputs", "tf_idf", "log_mel", "untrained", "from_scratch")  # the first three by the kind of data
_WATCHED = slice(1000)  # test images on which the curves are measured


@dataclass
class LabelEfficiency:
    """Scores by method and number of labels per class, one for each draw of labels.

    Attributes:
        values: `values[method][labels_per_class][metric]` is a list of scores, one for each draw; the metrics are
            "accuracy", "precision", "recall", "f1" and "ece", the `expected_calibration_error`, all in 0..1.
        curves: `curves[method][labels_per_class]` is a list, one for each draw, of the accuracies at `checkpoints`.
        checkpoints: Steps of fine-tuning at which the curves were measured.
        targets: `targets[labels_per_class]` is a list of accuracies of raw inputs (or what stands for them), one for
            each draw, on the images that the curves are measured on.
    """

    values: dict[str, dict[int, dict[str, list[float]]]] = field(default_factory=dict)
    curves: dict[str, dict[int, list[list[float]]]] = field(default_factory=dict)
    checkpoints: tuple[int, ...] = ()
    targets: dict[int, list[float]] = field(default_factory=dict)

    def summary(self, metric: str = "accuracy") -> dict[str, dict[int, dict[str, float]]]:
        """Return `{method: {labels_per_class: {"mean", "std"}}}` of a metric, with the population's std."""
        return {
            method: {n: _mean_std(figures[metric]) for n, figures in by_labels.items()}
            for method, by_labels in self.values.items()
        }

    def intervals(
        self, metric: str = "accuracy", confidence: float = 0.95
    ) -> dict[str, dict[int, tuple[float, float]]]:
        """Return `{method: {labels_per_class: (low, high)}}`: Student's t interval of a metric's mean over draws.

        Those of two methods may overlap though one is better on every draw: `evaluate.compare` tests that.

        Args:
            metric: One of the metrics. Default: "accuracy".
            confidence: Probability that such an interval holds the mean over all draws, in 0..1. Default: 0.95.

        Raises:
            UserError: If there are fewer than two draws, or `confidence` is not between 0 and 1.
        """
        return {
            method: {n: mean_interval(figures[metric], confidence) for n, figures in by_labels.items()}
            for method, by_labels in self.values.items()
        }

    def curve(self, labels_per_class: int) -> dict[str, dict[str, list]]:
        """Return `{method: {"steps", "mean", "std"}}`: the accuracy during fine-tuning."""
        return {
            method: {
                "steps": list(self.checkpoints),
                "mean": np.mean(by_labels[labels_per_class], axis=0).tolist(),
                "std": np.std(by_labels[labels_per_class], axis=0).tolist(),
            }
            for method, by_labels in self.curves.items()
        }

    def target(self, labels_per_class: int) -> float:
        """Return the mean accuracy of raw inputs (or what stands for them) where the curves are measured."""
        return float(np.mean(self.targets[labels_per_class]))

    def steps_to(self, labels_per_class: int, target: float | None = None) -> dict[str, int | None]:
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

    def table(self, metric: str = "accuracy") -> list[list[str]]:
        """Return a header and a row for each method: its name, and "mean ± std" for each number of labels.

        Of one draw there is no deviation.
        """
        summary = self.summary(metric)
        numbers = sorted({n for by_labels in summary.values() for n in by_labels})
        rows = [
            [method, *(_cell(by_labels[n], len(self.values[method][n][metric])) for n in numbers)]
            for method, by_labels in summary.items()
        ]
        return [["labels per class", *map(str, numbers)], *rows]

    def text(self, metric: str = "accuracy") -> str:
        """Return the table as aligned text, with the methods' names in plain English."""
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
    encoder: keras.Model | Mapping[str, keras.Model],
    train: data.Source,
    test: data.Source,
    labels_per_class: Sequence[int] = (1, 5, 10, 100),
    seeds: int = 5,
    fine_tune: Sequence[str] | None = None,
    ways: Sequence[str] = (),
    steps: int = 300,
    fine_tuning_rate: float = 3e-4,
    scratch_rate: float = 1e-3,
    progress: Progress | None = None,
    test_features: Mapping[str, np.ndarray] | None = None,
    curves: bool = True,
) -> LabelEfficiency:
    """Measure encoders on few labels, beside raw inputs, the untrained encoder and the same network from scratch.

    For texts, as ids, `TfIdf` stands for raw inputs. It is fitted on all of train, which needs no labels. For
    recordings `log_mel_features` do.

    For each number of labels and each seed, all methods get the same labeled samples. Frozen representations get the
    linear classifier of `fit_linear`. Fine-tuning and training from scratch take the same number of Adam steps on the
    same samples in the same order, and are scored after the last step. Fine-tuning starts its head from the linear
    probe, training from scratch from random weights. Curves are measured on the first 1,000 test images.

    Args:
        encoder: `keras.Model` or objective, or a dict of names and such models of one architecture. A single one gets
            the rows "encoder" and "encoder_finetuned".
        train: Labeled `data.Source` from which labels are drawn.
        test: Labeled `data.Source`; nothing is fitted or chosen on it.
        labels_per_class: Numbers of labeled samples in each class. Default: `(1, 5, 10, 100)`.
        seeds: Number of draws, with seeds 0, 1, …. Default: 5.
        fine_tune: Names of the encoders to fine-tune, too. Default: all.
        ways: Names among `transfer.WAYS` in which they are fine-tuned beside "lp_ft", each at its own learning rate. A
            row is called after both, such as "encoder_lora". Default: none.
        steps: Steps of fine-tuning and of training from scratch, 1 to 300. Default: 300.
        fine_tuning_rate: Adam's learning rate from pretrained weights, in "lp_ft". Default: 3e-4.
        scratch_rate: Adam's learning rate from random weights, for which a larger one is better. Default: 1e-3.
        progress: Called as `progress(done, total)` after each fit, or None.
        test_features: `embed(encoder, test)` by name of the encoder, where it is known already. Default: none.
        curves: Whether to measure the curves, too, which may take as long as the training. Default: True.

    Returns:
        `LabelEfficiency`.

    Raises:
        UserError: If labels are missing or too few, test has classes that train has not, images do not fit, an argument
            is out of range, or the encoders have the same row in the table or different architectures.
    """
    encoders = encoder if isinstance(encoder, Mapping) else {"encoder": encoder}
    encoders = {name: networks.without_lora(networks.embedder(model)) for name, model in encoders.items()}
    fine_tune = tuple(encoders) if fine_tune is None else tuple(fine_tune)
    _check_arguments(encoders, fine_tune, ways, labels_per_class, seeds, steps)
    (_, classes), (test_labels, _) = labeled(train), labeled(test)
    check_labels(test_labels, len(test), classes, "labels of test")
    draws = [(n, seed) for n in labels_per_class for seed in range(seeds)]
    few = {(n, seed): data.few(train, n, seed) for n, seed in draws}  # too few in a class fails here, before any fit

    architecture = next(iter(encoders.values()))
    untrained = [networks.reinitialized(architecture, seed) for seed in range(seeds)]
    untrained_features = [embed(model, test) for model in untrained]
    first, represent = baseline(train, architecture)
    frozen: dict[str, Callable[[Any], Any]] = {first: represent}
    frozen |= {name: functools.partial(embed, model) for name, model in encoders.items()}
    known = test_features or {}
    features = {name: known[name] if name in known else by(test) for name, by in frozen.items()}
    for inputs, _ in few.values():
        check_samples(architecture, inputs)
    tunings = {way: _Tuning(architecture, classes, steps, test, way, curves) for way in ("lp_ft", *ways)}
    result = LabelEfficiency(
        {name: {} for name in [first, "untrained", "from_scratch", *encoders]}, checkpoints=tunings["lp_ft"].checkpoints
    )

    done, total = 0, len(draws) * (3 + len(encoders) + len(fine_tune) * (1 + len(ways)))
    for (n, seed), (images, labels) in few.items():
        representations = {**frozen, "untrained": functools.partial(embed, untrained[seed])}
        starts = {"from_scratch": (untrained[seed], scratch_rate)}
        starts |= {f"{name}_finetuned": (encoders[name], fine_tuning_rate) for name in fine_tune}
        for method, probabilities, curve in itertools.chain(
            _probes(representations, {**features, "untrained": untrained_features[seed]}, images, labels),
            tunings["lp_ft"].fits(starts, images, labels, seed),
            *(
                tunings[way].fits({f"{name}_{way}": (encoders[name], None)}, images, labels, seed)
                for way in ways
                for name in fine_tune
            ),
        ):
            result._add(method, n, _scores(test_labels, probabilities), curve)
            if method == first:
                result.targets.setdefault(n, []).append(_accuracy(test_labels, probabilities))
            done += 1
            if progress:
                progress(done, total)
    return result


def _cell(score, draws):
    return f"{score['mean']:.3f}" + f" ± {score['std']:.3f}" * (draws > 1)


def _scores(labels, probabilities):
    error = expected_calibration_error(labels, probabilities)
    return {**scores(labels, probabilities.argmax(-1)), "ece": error}


def _accuracy(labels, probabilities):
    """On the samples that the curves are measured on."""
    return float((probabilities[_WATCHED].argmax(-1) == labels[_WATCHED]).mean())


def _probes(representations, features, images, labels):
    """For each frozen representation: its name, a linear probe's probabilities on test, and no curve."""
    for method, represent in representations.items():
        yield method, fit_linear(represent(images), labels).predict_proba(features[method]), None


class _Tuning:
    """Training networks of one architecture in one way, again and again, with curves on the first test images."""

    def __init__(self, architecture, classes, steps, test, way, curves):
        self.inputs, self.labels = test.inputs(), test.labels
        self.tuning = FineTuning(architecture, classes, steps, way=way)
        self.checkpoints = tuple(sorted({max(1, round(steps * k / 10)) for k in range(1, 11)})) if curves else ()

    def fits(self, starts, images, labels, seed):
        """For each start (model, learning rate): its name, the probabilities on test after training, and the curve."""
        for method, (start, rate) in starts.items():
            curve: list[float] = []
            watch = functools.partial(self._watch, curve)
            head = "random" if method == "from_scratch" else None
            self.tuning.fit(start.get_weights(), images, labels, rate, seed, head, watch)
            yield method, self._predict(self.inputs), curve

    def _watch(self, curve, step):
        if step in self.checkpoints:
            curve.append(_accuracy(self.labels, self._predict(take(self.inputs, _WATCHED))))

    def _predict(self, inputs):
        return predict_in_batches(self.tuning.model, inputs, compiled=True)


def _architecture(model):
    """The layers of a functional model with their arguments except names and flags."""
    single = [layer for layer in networks.all_layers(model) if not isinstance(layer, keras.Model)]
    arguments = [{k: v for k, v in layer.get_config().items() if k not in ("name", "trainable")} for layer in single]
    return specs_of(model), model.output_shape, str([(type(x).__name__, a) for x, a in zip(single, arguments)])


def _check_arguments(encoders, fine_tune, ways, labels_per_class, seeds, steps):
    check_between("steps", steps, least=1, most=300, whole=True)  # few labels are learned long before that
    check_between("seeds", seeds, least=1, whole=True)
    if not labels_per_class:
        raise UserError("at least one number of labels per class", "none", "label at least one image of each class")
    for way in ways:
        way_of(way)
    rows = [*_BASELINES, *encoders, *(f"{name}_{way}" for way in ("finetuned", *ways) for name in fine_tune)]
    if twice := sorted({name for name in rows if rows.count(name) > 1}):
        raise UserError("a row of its own for each encoder", f"{', '.join(twice)} twice", "give other names")
    for model in encoders.values():
        check_encoder(model)
    built = {name: _architecture(model) for name, model in encoders.items()}
    first = next(iter(built))
    if different := [name for name in built if built[name] != built[first]]:
        raise UserError(
            "encoders of one architecture, which is trained from scratch beside them",
            f"{', '.join(different)} with other layers than {first}",
            "measure them in separate calls",
        )
    if unknown := [name for name in fine_tune if name not in encoders]:
        names = ", ".join(encoders)
        raise UserError(
            f"names of encoders to fine-tune among {names}", ", ".join(unknown), "give names that `encoder` has"
        )


def label_counts(train: data.Source) -> tuple[int, ...]:
    """Return which of 1, 5, 10 and 100 labels per class a labeled `data.Source` has for every class."""
    labels, classes = labeled(train)
    smallest = int(np.bincount(labels, minlength=classes).min())
    return tuple(n for n in (1, 5, 10, 100) if n <= smallest)
