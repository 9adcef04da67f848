"""Training a classifier from an encoder on few labels, in any of the `ways`."""

from collections.abc import Callable

import keras
import numpy as np

from keras_ssl.checks import check_between, check_counts, check_labels
from keras_ssl.networks import all_layers, all_trainable, check_finite_weights, merge_lora, set_weights
from keras_ssl.specs import check_encoder
from keras_ssl.transfer.checking import check_samples
from keras_ssl.transfer.heads import classifier
from keras_ssl.transfer.penalties import restart_penalties
from keras_ssl.transfer.starting import start_head
from keras_ssl.transfer.ways import Way, way_of
from keras_ssl.trees import count, take
from keras_ssl.typing import Samples, Schedule

__all__ = ["FineTuning", "fine_tune", "prepared"]


class FineTuning:
    """Train a classifier in one of the `WAYS`, for a fixed number of Adam steps, from given weights of its encoder.

    The model is compiled once; each `fit` resets its weights, its optimizer and what its dropout draws, so many fits
    need no further compilation, except with schedules of the learning rate.

    Args:
        encoder: Functional `keras.Model` with the architecture. It is copied, not changed; layers that are frozen in it
            are not in the copy.
        classes: Number of classes.
        steps: Steps of each fit. Default: 300.
        batch_size: Labeled samples in each step, drawn without replacement from all of them, epoch after epoch.
            Default: 32.
        way: Name among `WAYS`, or a `Way`. Default: "lp_ft": the head starts as the linear probe, and all trains.

    Attributes:
        model: The classifier after the last `fit`.

    Raises:
        UserError: If there is not at least one step, the encoder does not return one vector for each sample, or there
            is no such way.
    """

    def __init__(
        self, encoder: keras.Model, classes: int, steps: int = 300, batch_size: int = 32, way: str | Way = "lp_ft"
    ):
        check_counts(steps=steps, batch_size=batch_size)
        check_encoder(encoder)
        self.steps, self.batch_size, self.classes, self.way = steps, batch_size, classes, way_of(way)
        self.encoder = _trainable_copy(encoder)
        self._base = self.encoder.weights
        self.model = classifier(self.encoder, classes)
        self.way.prepare(self.model)
        self._products = [(v, np.array(v)) for v in self.encoder.weights if v.name.startswith("lora_")]
        generators = (getattr(layer, "seed_generator", None) for layer in all_layers(self.encoder))
        self._generators = [generator for generator in generators if generator is not None]
        self._compile(self.way.learning_rate)

    def fit(
        self,
        weights: list[np.ndarray],
        images: Samples,
        labels: np.ndarray,
        learning_rate: Schedule | None = None,
        seed: int = 0,
        head: str | None = None,
        after_step: Callable[[int], object] | None = None,
    ) -> None:
        """Train from `weights`.

        Args:
            weights: Weights of the encoder, as its `get_weights()` returns them.
            images: Array `(n, …)`, a dict of arrays, or a `data.Source`, read batch by batch: what the encoder takes.
            labels: Integer array `(n,)`.
            learning_rate: Adam's learning rate. Default: None, the way's: 3e-4, or 3e-3 for BitFit.
            seed: Seed of the order of samples, of a random head and of dropout. LoRA's products always start alike.
                Default: 0.
            head: How the head starts, see `Way`. Default: as the way says.
            after_step: Called as `after_step(step)` after each step, counted from 1, or None.

        Raises:
            UserError: If the images do not fit the encoder, there is not one class number for each, the probe has
                labels of one class only, or weights are not finite.
        """
        head = head or self.way.head
        images = check_samples(self.encoder, images)
        check_labels(labels, count(images), self.classes, at_least=1 if head == "random" else 2)
        labels = np.asarray(labels)
        self._start_optimizer(self.way.learning_rate if learning_rate is None else learning_rate)
        self._start_encoder(weights)
        for k, generator in enumerate(self._generators):
            generator.state.assign([seed, k])
        start_head(self.model, head, images, labels, seed)
        order = _endless(len(labels), seed)
        for step in range(1, self.steps + 1):
            chosen = np.fromiter(order, int, count=self.batch_size)
            self.model.train_on_batch(take(images, chosen), labels[chosen])
            if after_step:
                after_step(step)
        check_finite_weights(self.model, "after fine-tuning")

    def _compile(self, learning_rate):
        self.optimizer = self.way.optimizer(self.model, learning_rate)
        # XLA on a CPU slows convolutions and takes seconds to compile
        self.model.compile(self.optimizer, "sparse_categorical_crossentropy", jit_compile=False)
        whole = self.model.optimizer  # with the scale of the loss, in half precision
        whole.build(self.model.trainable_variables)
        self._fresh_optimizer = [(variable, np.array(variable)) for variable in whole.variables]

    def _start_optimizer(self, learning_rate):
        """Set its state to what it was, and its learning rate. A schedule is part of what is compiled."""
        schedules = keras.optimizers.schedules.LearningRateSchedule
        if isinstance(learning_rate, schedules) or isinstance(self.optimizer._learning_rate, schedules):
            return self._compile(learning_rate)
        check_between("learning_rate", learning_rate, least=0)
        for variable, value in self._fresh_optimizer:
            variable.assign(value)
        self.optimizer.learning_rate = learning_rate

    def _start_encoder(self, weights):
        """Set its weights, LoRA's products to what they were, and what L2-SP measures from."""
        if set_weights(self.encoder, weights, self._base):
            # the compiled functions hold constants made from the old weights
            self.model.train_function = self.model.test_function = self.model.predict_function = None
        check_finite_weights(self.encoder)
        for variable, value in self._products:
            variable.assign(value)
        restart_penalties(self.model)


def fine_tune(
    encoder: keras.Model,
    images: Samples,
    labels: np.ndarray,
    classes: int,
    steps: int = 300,
    learning_rate: Schedule | None = None,
    seed: int = 0,
    after_step: Callable[[int], object] | None = None,
    way: str | Way = "lp_ft",
) -> keras.Model:
    """Return a classifier fine-tuned from an encoder.

    Args:
        encoder: Pretrained functional `keras.Model`. It is copied, not changed.
        images: Array `(n, …)`, a dict of arrays, or a `data.Source`, read batch by batch: what the encoder takes.
        labels: Integer array `(n,)`.
        classes: Number of classes.
        steps: Adam steps, with batches of 32. Default: 300.
        learning_rate: Adam's learning rate. Default: None, the way's: 3e-4, or 3e-3 for BitFit.
        seed: Seed of the order of samples, of a random head and of dropout. Default: 0.
        after_step: Called as `after_step(step)` after each step, counted from 1, or None.
        way: Name among `WAYS`, or a `Way`. Default: "lp_ft": the head starts as the linear probe, and all trains.

    Returns:
        Compiled model as `transfer.classifier` builds it.

    Raises:
        UserError: If the encoder does not return one vector for each sample, or the images and labels cannot be trained
            on; see `FineTuning.fit`.
    """
    tuning = FineTuning(encoder, classes, steps, way=way)
    weights = [np.array(variable) for variable in tuning._base]  # those of the encoder, without products
    tuning.fit(weights, images, labels, learning_rate, seed, after_step=after_step)
    return tuning.model


def prepared(
    encoder: keras.Model,
    images: Samples,
    labels: np.ndarray,
    classes: int,
    way: str | Way = "lp_ft",
    learning_rate: Schedule | None = None,
    seed: int = 0,
) -> keras.Model:
    """Return a compiled classifier that is ready to `fit` in one of the `WAYS`. `Way.apply` is for other heads.

    Args:
        encoder: Pretrained functional `keras.Model`. It is copied, not changed.
        images: Array `(n, …)`, a dict of arrays, or a `data.Source`: what the encoder takes. The head may start from
            them.
        labels: Integer array `(n,)`.
        classes: Number of classes.
        way: Name among `WAYS`, or a `Way`. Default: "lp_ft".
        learning_rate: Adam's learning rate. Default: None, the way's: 3e-4, or 3e-3 for BitFit.
        seed: Seed of a random head and of LoRA's products. Default: 0.

    Returns:
        Model as `transfer.classifier` builds it, compiled with the accuracy as its metric.

    Raises:
        UserError: If there is no such way, the encoder does not return one vector for each sample, or the images and
            labels cannot be trained on.

    Example:
        `transfer.prepared(encoder, images, labels, classes=10, way="lora").fit(images, labels, epochs=20)`
    """
    way = way_of(way)
    check_encoder(encoder)
    images = check_samples(encoder, images)
    check_labels(labels, count(images), classes, at_least=1 if way.head == "random" else 2)
    model = classifier(_trainable_copy(encoder), classes)
    optimizer = way.apply(model, images, labels, learning_rate, seed)
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def _trainable_copy(encoder):
    """A copy with the encoder's weights and plain kernels, in which all layers train."""
    return all_trainable(merge_lora(encoder))


def _endless(n, seed):
    generator = np.random.default_rng(seed)
    while True:
        yield from generator.permutation(n)
