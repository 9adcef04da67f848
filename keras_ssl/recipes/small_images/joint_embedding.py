"""Recipes for 28x28 and 32x32 images, Fashion-MNIST and CIFAR-10: nine objectives, one network, one set of views.

Scores are those of `benchmarks/joint_embedding.py`, whose protocol is in `docs/objectives.md`: accuracy of nearest
neighbors, and of a linear classifier on 10 labels per class. The batch size, momenta, smallest crop, width of the
projectors and initialization of those of BYOL and VICReg were chosen on the end of train, with that script's
`--validate`.
"""

import keras

from keras_ssl import data, heads, objectives, views
from keras_ssl.recipes.networks import small_conv_net
from keras_ssl.recipes.recipe import Recipe, compiled

__all__ = [
    "barlow_twins",
    "byol",
    "dino",
    "moco",
    "nnclr",
    "simclr",
    "simsiam",
    "swav",
    "vicreg",
]


def _start():
    """PyTorch's initializer: less than half of Keras's scale, so that Adam changes directions faster."""
    return keras.initializers.VarianceScaling(1 / 3, distribution="uniform")


def _recipe(objective, source, epochs, seed, width=None, start=None, **arguments):
    """`width` is that of all layers of a projector with two hidden layers; `arguments` are the objective's."""
    keras.utils.set_random_seed(seed)
    encoder = small_conv_net(source)
    if width is not None:
        arguments["projector"] = heads.projector(encoder, width, hidden=width, depth=2, kernel_initializer=start)
    policy = views.natural_images(source.shape[:2], scale=(0.3, 1.0), strength=0.5, blur=0.0, solarize=0.0)
    model = objective(encoder, seed=seed, **arguments)
    return compiled(model, source, 12 if epochs is None else epochs, 2e-3, policy, batch_size=128)


def simclr(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """SimCLR on small images.

    Args:
        source: `data.load("fashion_mnist", "train[:20000]")`, CIFAR-10's, or other images of their size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights, order and views. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective simclr`. Nearest neighbors
        0.817 ± 0.005 and 10 labels per class 0.712 ± 0.005 on Fashion-MNIST, 0.459 ± 0.003 and
        0.289 ± 0.000 on CIFAR-10.
    """
    return _recipe(objectives.SimCLR, source, epochs, seed, temperature=0.2)


def moco(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """MoCo on small images.

    Args:
        source: `data.load("fashion_mnist", "train[:20000]")`, CIFAR-10's, or other images of their size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights, order and views. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective moco`. Nearest neighbors
        0.810 ± 0.001 and 10 labels per class 0.706 ± 0.003 on Fashion-MNIST, 0.445 ± 0.005 and
        0.277 ± 0.005 on CIFAR-10.
    """
    return _recipe(objectives.MoCo, source, epochs, seed, temperature=0.2)


def nnclr(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """NNCLR on small images.

    Args:
        source: `data.load("fashion_mnist", "train[:20000]")`, CIFAR-10's, or other images of their size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights, order and views. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective nnclr`. Nearest neighbors
        0.811 ± 0.001 and 10 labels per class 0.699 ± 0.001 on Fashion-MNIST, 0.414 ± 0.008 and
        0.267 ± 0.004 on CIFAR-10.
    """
    return _recipe(objectives.NNCLR, source, epochs, seed)


def _byol(encoder, **arguments):
    """BYOL with heads that start as PyTorch's."""
    projector = heads.projector(encoder, kernel_initializer=_start())
    return objectives.BYOL(encoder, projector, heads.predictor(projector, kernel_initializer=_start()), **arguments)


def byol(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """BYOL on small images.

    Args:
        source: `data.load("fashion_mnist", "train[:20000]")`, CIFAR-10's, or other images of their size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights, order and views. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective byol`. Nearest neighbors
        0.809 ± 0.002 and 10 labels per class 0.694 ± 0.001 on Fashion-MNIST, 0.408 ± 0.010 and
        0.271 ± 0.003 on CIFAR-10.
    """
    return _recipe(_byol, source, epochs, seed, target_momentum=0.9)


def simsiam(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """SimSiam on small images.

    Args:
        source: `data.load("fashion_mnist", "train[:20000]")`, CIFAR-10's, or other images of their size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights, order and views. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective simsiam`. Nearest neighbors
        0.810 ± 0.002 and 10 labels per class 0.700 ± 0.002 on Fashion-MNIST, 0.389 ± 0.002 and
        0.249 ± 0.007 on CIFAR-10.
    """
    return _recipe(objectives.SimSiam, source, epochs, seed)


def dino(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """DINO on small images.

    Args:
        source: `data.load("fashion_mnist", "train[:20000]")`, CIFAR-10's, or other images of their size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights, order and views. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective dino`. Nearest neighbors
        0.804 ± 0.004 and 10 labels per class 0.687 ± 0.018 on Fashion-MNIST, 0.377 ± 0.007 and
        0.259 ± 0.008 on CIFAR-10.
    """
    return _recipe(objectives.DINO, source, epochs, seed, target_momentum=0.9)


def barlow_twins(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """BarlowTwins on small images.

    Args:
        source: `data.load("fashion_mnist", "train[:20000]")`, CIFAR-10's, or other images of their size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights, order and views. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective barlow_twins`. Nearest neighbors
        0.809 ± 0.003 and 10 labels per class 0.702 ± 0.006 on Fashion-MNIST, 0.426 ± 0.007 and
        0.274 ± 0.004 on CIFAR-10.
    """
    return _recipe(objectives.BarlowTwins, source, epochs, seed, width=512)


def vicreg(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """VICReg on small images.

    Args:
        source: `data.load("fashion_mnist", "train[:20000]")`, CIFAR-10's, or other images of their size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights, order and views. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective vicreg`. Nearest neighbors
        0.818 ± 0.001 and 10 labels per class 0.719 ± 0.006 on Fashion-MNIST, 0.447 ± 0.004 and
        0.289 ± 0.003 on CIFAR-10.
    """
    return _recipe(objectives.VICReg, source, epochs, seed, width=512, start=_start())


def swav(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """SwAV on small images.

    Args:
        source: `data.load("fashion_mnist", "train[:20000]")`, CIFAR-10's, or other images of their size.
        epochs: Number of epochs. Default: 12.
        seed: Seed of weights, order and views. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset cifar10 --objective swav`. Nearest neighbors
        0.808 ± 0.003 and 10 labels per class 0.711 ± 0.005 on Fashion-MNIST, 0.414 ± 0.002 and
        0.278 ± 0.002 on CIFAR-10.
    """
    return _recipe(objectives.SwAV, source, epochs, seed)
