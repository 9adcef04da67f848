"""Fine-tuning a network on few labels."""

import keras
import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.networks import all_layers, set_weights
from keras_ssl.transfer.heads import classifier
from keras_ssl.transfer.linear import start_from_probe

__all__ = ["FineTuning", "fine_tune"]


class FineTuning:
    """Trains encoder and softmax layer together, for a fixed number of Adam steps, from given weights.

    One model is compiled; each `fit` resets its weights and its optimizer, so that many fits cost no further
    compilation.

    Args:
        encoder: Functional `keras.Model` that gives the architecture; it is copied, not touched.
        classes: Number of classes.
        steps: Of each fit. Default 300.
        batch_size: Labeled samples in each step, taken in turn from shuffled copies of all of them. Default 32.

    Attributes:
        model: The classifier, as the last `fit` left it.

    Raises:
        UserError: If there is not at least one step.
    """

    def __init__(self, encoder, classes, steps=300, batch_size=32):
        if steps < 1:
            raise UserError("at least one step of fine-tuning", f"steps={steps}", "give 1 or more")
        self.steps, self.batch_size = steps, batch_size
        self.encoder = keras.models.clone_model(encoder)
        for layer in all_layers(self.encoder):  # a clone keeps the flags of frozen layers
            layer.trainable = True
        self.model = classifier(self.encoder, classes)
        self.optimizer = keras.optimizers.Adam()
        self.optimizer.build(self.model.trainable_variables)
        # XLA on a CPU slows convolutions and takes seconds to compile
        self.model.compile(self.optimizer, "sparse_categorical_crossentropy", jit_compile=False)
        self._fresh_optimizer = [np.array(variable) for variable in self.optimizer.variables]

    def fit(self, weights, images, labels, learning_rate=3e-4, seed=0, from_probe=True, after_step=None):
        """Train from `weights`.

        Args:
            weights: Of the encoder, as its `get_weights()` returns them.
            images: Float array `(n, …)`.
            labels: Integer array `(n,)`.
            learning_rate: Of Adam. Default 3e-4.
            seed: Of the order of samples and of a random head. Default 0.
            from_probe: Whether the head begins as the linear probe (`start_from_probe`), not at random. Default True.
            after_step: Called as `after_step(step)`, from 1 on, or None.
        """
        if set_weights(self.encoder, weights):
            # these hold constants of the weights before
            self.model.train_function = self.model.test_function = self.model.predict_function = None
        for variable, value in zip(self.optimizer.variables, self._fresh_optimizer):
            variable.assign(value)
        self.optimizer.learning_rate = learning_rate
        head = self.model.layers[-1]
        head.kernel.assign(keras.initializers.GlorotUniform(seed)(head.kernel.shape))
        head.bias.assign(keras.ops.zeros(head.bias.shape))
        if from_probe:
            start_from_probe(self.model, images, labels)
        order = _endless(len(labels), seed)
        for step in range(1, self.steps + 1):
            chosen = np.fromiter(order, int, count=self.batch_size)
            self.model.train_on_batch(images[chosen], labels[chosen])
            if after_step:
                after_step(step)


def fine_tune(encoder, images, labels, classes, steps=300, learning_rate=3e-4, seed=0, after_step=None):
    """Return a classifier fine-tuned from an encoder: its head starts as the linear probe, then everything trains.

    Args:
        encoder: Pretrained functional `keras.Model`; it is copied, not touched.
        images: Float array `(n, …)` in 0..1.
        labels: Integer array `(n,)`.
        classes: Number of classes.
        steps: Of Adam, with batches of 32. Default 300.
        learning_rate: Of Adam. Default 3e-4.
        seed: Of the order of samples. Default 0.
        after_step: Called as `after_step(step)`, from 1 on, or None.

    Returns:
        Compiled model as `transfer.classifier` makes it.
    """
    tuning = FineTuning(encoder, classes, steps)
    tuning.fit(encoder.get_weights(), images, labels, learning_rate, seed, after_step=after_step)
    return tuning.model


def _endless(n, seed):
    generator = np.random.default_rng(seed)
    while True:
        yield from generator.permutation(n)
