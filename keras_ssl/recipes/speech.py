"""Recipes for recordings of speech, without measured scores."""

import keras

from keras_ssl import data, encoders, objectives, views
from keras_ssl.recipes.recipe import Recipe, compiled

__all__ = ["simclr_speech", "wav2vec2"]


def wav2vec2(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """wav2vec 2.0 on the samples of recordings: 0.8 million weights.

    Args:
        source: `data.Source` of kind "audio", at 8 kHz: a frame is 160 samples.
        epochs: Number of epochs. Default: 30.
        seed: Seed of weights, order and masks. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset recordings/ --objective wav2vec2`.
    """
    keras.utils.set_random_seed(seed)
    model = objectives.Wav2Vec2(encoders.wav2vec2(), seed=seed)
    return compiled(model, source, 30 if epochs is None else epochs, batch_size=64)


def simclr_speech(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """SimCLR on spectrograms of recordings: convolutions of 0.2 million weights.

    Args:
        source: `data.Source` of kind "audio", at 8 kHz.
        epochs: Number of epochs. Default: 60.
        seed: Seed of weights, order and views. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset recordings/ --objective simclr_speech`.
    """
    keras.utils.set_random_seed(seed)
    model = objectives.SimCLR(encoders.spectrogram_conv(), temperature=0.2, seed=seed)
    return compiled(model, source, 60 if epochs is None else epochs, views=views.recordings(8000), batch_size=128)
