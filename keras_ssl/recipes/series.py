"""Recipes for any series. `benchmarks/series.py` measures them on five sets of the UCR and UEA archives."""

import math

import keras

from keras_ssl import data, encoders, objectives, views
from keras_ssl.recipes.recipe import Recipe, compiled

__all__ = ["simclr_series", "ts2vec", "vicreg_series"]

_FEW_VALUES = 100_000


def ts2vec(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """TS2Vec with the network and the budget of its authors' code: batches of 8, AdamW with a constant rate of 1e-3.

    Args:
        source: `data.Source` of series, which may have missing values and be padded by NaN.
        epochs: Number of epochs. Default: those that make 200 steps, or 600 if there are more than 100,000 values.
        seed: Seed of weights, order, crops and masks. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset series.csv --objective ts2vec`.

    Raises:
        UserError: If a channel is the same in all series.

    Reference:
        Yue et al. 2022, "TS2Vec: Towards Universal Representation of Time Series", appendix "Reproduction Details".
    """
    keras.utils.set_random_seed(seed)
    encoder = _encoder(source)
    objective = objectives.TS2Vec(encoder, seed=seed)
    objective.compile(keras.optimizers.AdamW(1e-3, weight_decay=0.01))
    batch_size = min(8, len(source))
    steps = 200 if len(source) * math.prod(source.shape) <= _FEW_VALUES else 600
    epochs = math.ceil(steps / (len(source) // batch_size)) if epochs is None else epochs
    return Recipe(objective, source, epochs, None, batch_size, seed, drop_remainder=True)


def simclr_series(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """SimCLR on two views of each series by `views.time_series`, with the encoder of `ts2vec`.

    Args:
        source: See `ts2vec`.
        epochs: Number of epochs. Default: 100.
        seed: Seed of weights, order and views. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset series.csv --objective simclr_series`.

    Raises:
        UserError: See `ts2vec`.
    """
    return _two_views(objectives.SimCLR, source, epochs, seed)


def vicreg_series(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """VICReg on two views of each series by `views.time_series`, with the encoder of `ts2vec`.

    Args:
        source: See `ts2vec`.
        epochs: Number of epochs. Default: 100.
        seed: Seed of weights, order and views. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset series.csv --objective vicreg_series`.

    Raises:
        UserError: See `ts2vec`.
    """
    return _two_views(objectives.VICReg, source, epochs, seed)


def _encoder(source):
    """The network of the authors' code, which standardizes each channel."""
    statistics = data.channel_statistics(source)
    return encoders.dilated_conv(source.shape[-1], output_width=320, dropout=0.1, statistics=statistics)


def _two_views(objective, source, epochs, seed):
    keras.utils.set_random_seed(seed)
    encoder = _encoder(source)
    epochs = 100 if epochs is None else epochs
    return compiled(objective(encoder, seed=seed), source, epochs, views=views.time_series(), batch_size=32)
