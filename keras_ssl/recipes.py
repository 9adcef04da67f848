"""Named recipes: objective, views, encoder and optimizer that belong together for one data set.

A recipe is a plain function of the data; what it returns is compiled and ready for `fit`. Scores are those of
`benchmarks/label_efficiency.py`: mean ± standard deviation over five draws of labels, on the test split, after the last
epoch; views, widths and rates were chosen on a part of train (those for Fashion-MNIST were not chosen at all).
"""

from dataclasses import dataclass

import keras

from keras_ssl import data, encoders, objectives, views
from keras_ssl.errors import UserError

__all__ = [
    "UNLABELLED",
    "Recipe",
    "autoencoder_digits",
    "autoencoder_images",
    "autoencoder_mnist",
    "choose",
    "simclr_digits",
    "simclr_fashion_mnist",
    "simclr_images",
    "simclr_mnist",
]


@dataclass
class Recipe:
    """What `fit` needs for one data set.

    Attributes:
        objective: Compiled `objectives.Objective`.
        source: The `data.Source` that it is for.
        epochs: How long to train.
        views: Policy, or None.
        batch_size: Samples in each step.
        seed: Of weights, order and views.
    """

    objective: objectives.Objective
    source: data.Source
    epochs: int
    views: object = None
    batch_size: int = 256
    seed: int = 0

    def batches(self, first_epoch=0):
        """Return the batches that `fit` takes; `first_epoch` counts those done before a resumed run."""
        return data.batches(self.source, self.views, self.batch_size, self.seed, first_epoch=first_epoch)

    def fit(self, **kwargs):
        """Train from the first to the last epoch; `kwargs` go to `Objective.fit`, whose history is returned."""
        return self.objective.fit(self.batches(), epochs=self.epochs, **kwargs)


def _simclr(source, encoder, policy, epochs, learning_rate, temperature, batch_size=256, seed=0):
    batch_size = min(batch_size, len(source))
    objective = objectives.SimCLR(encoder, temperature=temperature, seed=seed)
    objective.compile(keras.optimizers.Adam(_cosine(learning_rate, epochs * (len(source) // batch_size))))
    return Recipe(objective, source, epochs, policy, batch_size, seed)


def _autoencoder(source, encoder, epochs, learning_rate=1e-3, batch_size=256, seed=0):
    batch_size = min(batch_size, len(source))
    objective = objectives.Autoencoder(encoder, seed=seed)
    objective.compile(keras.optimizers.Adam(_cosine(learning_rate, epochs * -(-len(source) // batch_size))))
    return Recipe(objective, source, epochs, None, batch_size, seed)


def _cosine(learning_rate, steps):
    return keras.optimizers.schedules.CosineDecay(learning_rate, max(1, steps))


def simclr_digits(source, epochs=None, seed=0):
    """SimCLR on the embedded 8x8 digits.

    Args:
        source: `data.load("digits")`.
        epochs: Default 60.
        seed: Of weights, order and views.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset digits --objective simclr`. 48 s on 2
        cores; frozen with a linear classifier 0.920 ± 0.015 at 5 and 0.939 ± 0.014 at 10 labels per class.
    """
    keras.utils.set_random_seed(seed)
    encoder = encoders.conv_net(source.shape, pooling="flatten")
    return _simclr(source, encoder, views.digits(), 60 if epochs is None else epochs, 1e-3, 0.5, seed=seed)


def autoencoder_digits(source, epochs=None, seed=0):
    """A convolutional autoencoder on the embedded 8x8 digits.

    Args:
        source: `data.load("digits")`.
        epochs: Default 20.
        seed: Of weights and order.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset digits --objective autoencoder`. 15 s
        on 2 cores; 0.901 ± 0.008 at 10 labels per class, no more than raw inputs.
    """
    keras.utils.set_random_seed(seed)
    return _autoencoder(
        source, encoders.conv_net(source.shape, pooling="flatten"), 20 if epochs is None else epochs, seed=seed
    )


def _conv_net_28(source):
    """Maps of 14, 7, 4 and 2 pixels, all of whose positions make the representation, 512 wide."""
    return encoders.conv_net(source.shape, (32, 64, 128, 128), pooling="flatten", first_stride=2)


def simclr_mnist(source, epochs=None, seed=0):
    """SimCLR on 28x28 digits. The crops and the changes of contrast and stroke matter most.

    Args:
        source: `data.load("mnist", "train[:20000]")`.
        epochs: Default 12.
        seed: Of weights, order and views.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset mnist --objective simclr`. 221 s on 2 cores; frozen with a
        linear classifier 0.932 ± 0.009 at 10 labels per class.
    """
    keras.utils.set_random_seed(seed)
    policy = views.Policy(
        [
            views.affine(rotate=25, translate=0.1, scale=(0.7, 1.3), shear=25),
            views.random_resized_crop(source.shape[:2], scale=(0.5, 1)),
            views.blur(sigma=(0.2, 1.2), probability=0.5),
            views.color_jitter(brightness=0.4, contrast=0.6, saturation=0, hue=0, probability=0.8),
            views.noise(stddev=(0, 0.1)),
            views.erase(area=(0.02, 0.2), probability=0.5),
        ],
        name="mnist",
    )
    return _simclr(source, _conv_net_28(source), policy, 12 if epochs is None else epochs, 2e-3, 0.2, seed=seed)


def simclr_fashion_mnist(source, epochs=None, seed=0):
    """SimCLR on 28x28 clothes: crops, flips and contrast.

    Args:
        source: `data.load("fashion_mnist", "train[:20000]")`.
        epochs: Default 12.
        seed: Of weights, order and views.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset fashion_mnist --objective simclr`. 214 s
        on 2 cores; frozen with a linear classifier 0.719 ± 0.013 at 10 labels per class, fine-tuned 0.734 ± 0.009.
    """
    keras.utils.set_random_seed(seed)
    policy = views.natural_images(source.shape[:2], scale=(0.3, 1.0), strength=0.5, blur=0.0, solarize=0.0)
    return _simclr(source, _conv_net_28(source), policy, 12 if epochs is None else epochs, 2e-3, 0.2, seed=seed)


def autoencoder_mnist(source, epochs=None, seed=0):
    """A convolutional autoencoder on 28x28 images, digits or clothes.

    Args:
        source: `data.load("mnist", "train[:20000]")`, or Fashion-MNIST's.
        epochs: Default 4.
        seed: Of weights and order.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset mnist --objective autoencoder`. 157 s
        on 2 cores; frozen with a linear classifier 0.791 ± 0.014 at 10 labels per class on MNIST, 0.697 ± 0.010 on
        Fashion-MNIST, no more than raw inputs there.
    """
    keras.utils.set_random_seed(seed)
    return _autoencoder(source, _conv_net_28(source), 4 if epochs is None else epochs, seed=seed)


def simclr_images(source, epochs=None, seed=0):
    """SimCLR on any photographs: ResNet-18, the natural-image views, the paper's temperature. No score is claimed.

    Args:
        source: Any `data.Source`.
        epochs: Default 100.
        seed: Of weights, order and views.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset photos/ --objective simclr`.
    """
    keras.utils.set_random_seed(seed)
    policy = views.natural_images(source.shape[:2])
    return _simclr(
        source, encoders.resnet18(source.shape), policy, 100 if epochs is None else epochs, 1e-3, 0.5, seed=seed
    )


def autoencoder_images(source, epochs=None, seed=0):
    """A ResNet-18 autoencoder on any photographs. No score is claimed.

    Args:
        source: Any `data.Source`.
        epochs: Default 50.
        seed: Of weights and order.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset photos/ --objective autoencoder`.
    """
    keras.utils.set_random_seed(seed)
    return _autoencoder(source, encoders.resnet18(source.shape), 50 if epochs is None else epochs, seed=seed)


UNLABELLED = {"mnist": "train[:20000]", "fashion_mnist": "train[:20000]"}
"""The part of a named data set that its recipe was measured on, where that is not all of train."""

_RECIPES = {
    "simclr": {"digits": simclr_digits, "mnist": simclr_mnist, "fashion_mnist": simclr_fashion_mnist},
    "autoencoder": {
        "digits": autoencoder_digits,
        "mnist": autoencoder_mnist,
        "fashion_mnist": autoencoder_mnist,
    },
}
_GENERAL = {"simclr": simclr_images, "autoencoder": autoencoder_images}


def choose(objective, dataset):
    """Return the recipe function for an objective's name and a data set's name or folder.

    Args:
        objective: "simclr" or "autoencoder".
        dataset: A name such as "digits" or "mnist"; what has no recipe of its own gets the one for photographs.

    Returns:
        Function `(source, epochs=None, seed=0)` that returns a `Recipe`.

    Raises:
        UserError: If there is no such objective.
    """
    if objective not in _RECIPES:
        raise UserError(f"an objective among {', '.join(_RECIPES)}", repr(objective), "choose one of these")
    return _RECIPES[objective].get(str(dataset), _GENERAL[objective])
