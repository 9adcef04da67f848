"""Fine-tuning a network on few labels."""

from collections.abc import Callable

import keras
import numpy as np

from keras_ssl.checks import check_counts, check_labels
from keras_ssl.networks import all_layers, check_finite_weights, clone, set_weights
from keras_ssl.specs import check_encoder
from keras_ssl.transfer.checking import check_samples
from keras_ssl.transfer.heads import classifier
from keras_ssl.transfer.linear import set_head
from keras_ssl.trees import count, take
from keras_ssl.typing import Samples, Schedule

__all__ = ["FineTuning", "fine_tune"]


class FineTuning:
    """Train encoder and softmax layer together, for a fixed number of Adam steps, from given weights.

    The model is compiled once; each `fit` resets its weights and its optimizer, so many fits need no further
    compilation.

    Args:
        encoder: Functional `keras.Model` with the architecture. It is copied, not changed.
        classes: Number of classes.
        steps: Steps of each fit. Default: 300.
        batch_size: Labeled samples in each step, drawn without replacement from all of them, epoch after epoch.
            Default: 32.

    Attributes:
        model: The classifier after the last `fit`.

    Raises:
        UserError: If there is not at least one step, or the encoder does not return one vector for each sample.
    """

    def __init__(self, encoder: keras.Model, classes: int, steps: int = 300, batch_size: int = 32):
        check_counts(steps=steps, batch_size=batch_size)
        check_encoder(encoder)
        self.steps, self.batch_size, self.classes = steps, batch_size, classes
        self.encoder = clone(encoder)
        for layer in all_layers(self.encoder):  # frozen layers are frozen in a clone, too
            layer.trainable = True
        self.model = classifier(self.encoder, classes)
        self.optimizer = keras.optimizers.Adam()
        self.optimizer.build(self.model.trainable_variables)
        # XLA on a CPU slows convolutions and takes seconds to compile
        self.model.compile(self.optimizer, "sparse_categorical_crossentropy", jit_compile=False)
        self._fresh_optimizer = [np.array(variable) for variable in self.optimizer.variables]

    def fit(
        self,
        weights: list[np.ndarray],
        images: Samples,
        labels: np.ndarray,
        learning_rate: Schedule = 3e-4,
        seed: int = 0,
        from_probe: bool = True,
        after_step: Callable[[int], object] | None = None,
    ) -> None:
        """Train from `weights`.

        Args:
            weights: Weights of the encoder, as its `get_weights()` returns them.
            images: Array `(n, …)`, or a dict of arrays: what the encoder takes.
            labels: Integer array `(n,)`.
            learning_rate: Adam's learning rate. Default: 3e-4.
            seed: Seed of the order of samples and of a random head. Default: 0.
            from_probe: Whether the head starts as the linear probe (`start_from_probe`) instead of at random. Default:
                True.
            after_step: Called as `after_step(step)` after each step, counted from 1, or None.

        Raises:
            UserError: If the images do not fit the encoder, there is not one class number for each, the probe has
                labels of one class only, or weights are not finite.
        """
        images = check_samples(self.encoder, images)
        check_labels(labels, count(images), self.classes, at_least=2 if from_probe else 1)
        labels = np.asarray(labels)
        if set_weights(self.encoder, weights):
            # the compiled functions hold constants made from the old weights
            self.model.train_function = self.model.test_function = self.model.predict_function = None
        check_finite_weights(self.encoder)
        for variable, value in zip(self.optimizer.variables, self._fresh_optimizer):
            variable.assign(value)
        self.optimizer.learning_rate = learning_rate
        head = self.model.layers[-1]
        head.kernel.assign(keras.initializers.GlorotUniform(seed)(head.kernel.shape))
        head.bias.assign(keras.ops.zeros(head.bias.shape))
        if from_probe:
            set_head(self.model, images, labels)
        order = _endless(len(labels), seed)
        for step in range(1, self.steps + 1):
            chosen = np.fromiter(order, int, count=self.batch_size)
            self.model.train_on_batch(take(images, chosen), labels[chosen])
            if after_step:
                after_step(step)
        check_finite_weights(self.model, "after fine-tuning")


def fine_tune(
    encoder: keras.Model,
    images: Samples,
    labels: np.ndarray,
    classes: int,
    steps: int = 300,
    learning_rate: Schedule = 3e-4,
    seed: int = 0,
    after_step: Callable[[int], object] | None = None,
) -> keras.Model:
    """Return a classifier fine-tuned from an encoder: its head starts as the linear probe, then everything trains.

    Args:
        encoder: Pretrained functional `keras.Model`. It is copied, not changed.
        images: Array `(n, …)`, or a dict of arrays: what the encoder takes.
        labels: Integer array `(n,)`.
        classes: Number of classes.
        steps: Adam steps, with batches of 32. Default: 300.
        learning_rate: Adam's learning rate. Default: 3e-4.
        seed: Seed of the order of samples. Default: 0.
        after_step: Called as `after_step(step)` after each step, counted from 1, or None.

    Returns:
        Compiled model as `transfer.classifier` builds it.

    Raises:
        UserError: If the encoder does not return one vector for each sample, or the images and labels cannot be trained
            on; see `FineTuning.fit`.
    """
    tuning = FineTuning(encoder, classes, steps)
    tuning.fit(encoder.get_weights(), images, labels, learning_rate, seed, after_step=after_step)
    return tuning.model


def _endless(n, seed):
    generator = np.random.default_rng(seed)
    while True:
        yield from generator.permutation(n)
