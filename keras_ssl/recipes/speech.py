"""Recipes for recordings of speech. `benchmarks/speech.py` measures that of wav2vec 2.0 on spoken digits."""

import keras

from keras_ssl import data, encoders, objectives, views
from keras_ssl.recipes.recipe import Recipe, compiled

__all__ = ["simclr_speech", "wav2vec2"]

_FRAME, _STEP = 0.032, 0.02  # seconds


def wav2vec2(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """wav2vec 2.0 on spectrograms: convolutions over time of 0.5 million weights on frames of 32 ms, one each 20 ms.

    The representation is the means of the three thirds of a recording, which know in what order its sounds come.

    Args:
        source: `data.Source` of kind "audio", of any sample rate.
        epochs: Number of epochs. Default: 60.
        seed: Seed of weights, order and masks. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset recordings/ --objective wav2vec2`.
    """
    encoder = _encoder(source, seed)
    model = objectives.Wav2Vec2(encoder, penalty=0.0, seed=seed)
    return compiled(model, source, 60 if epochs is None else epochs, 2e-3, batch_size=64)


def simclr_speech(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """SimCLR on spectrograms of recordings, with the encoder of `wav2vec2`.

    It tells recordings apart, and so also voices. On spoken digits it was worse than its untrained encoder in trials;
    it may suit sounds better whose source is what counts.

    Args:
        source: `data.Source` of kind "audio", of any sample rate.
        epochs: Number of epochs. Default: 60.
        seed: Seed of weights, order and views. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset recordings/ --objective simclr_speech`.
    """
    model = objectives.SimCLR(_encoder(source, seed), temperature=0.2, seed=seed)
    return compiled(
        model, source, 60 if epochs is None else epochs, views=views.recordings(source.rate), batch_size=128
    )


def _encoder(source, seed):
    keras.utils.set_random_seed(seed)
    rate = source.rate
    frames = {"rate": rate, "frame": round(_FRAME * rate), "step": round(_STEP * rate)}
    return encoders.with_pool(encoders.spectrogram_conv(192, filters=(), depth=4, **frames), "thirds")
