"""Recipes for recordings of speech, without measured scores."""

import keras

from keras_ssl import data, encoders, objectives, views
from keras_ssl.errors import UserError
from keras_ssl.recipes.recipe import Recipe, compiled

__all__ = ["simclr_speech", "wav2vec2"]

_STRIDES = {8000: (5, 4, 2, 2, 2), 16000: (5, 4, 4, 2, 2)}
"""Strides by the sample rate in Hz, which make frames of 20 ms."""
_FRAME, _STEP = 0.032, 0.02  # seconds


def wav2vec2(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """wav2vec 2.0 on the samples of recordings: 0.8 million weights, a frame for each 20 ms.

    Args:
        source: `data.Source` of kind "audio", at 8 or 16 kHz.
        epochs: Number of epochs. Default: 30.
        seed: Seed of weights, order and masks. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset recordings/ --objective wav2vec2`.

    Raises:
        UserError: If the recordings have another sample rate.
    """
    if source.rate not in _STRIDES:
        raise UserError(
            f"recordings of {' or '.join(f'{rate:,}' for rate in _STRIDES)} Hz for wav2vec2",
            f"{source.rate:,} Hz in {source.name}",
            "load them with `rate=8000`, on the command line `--rate 8000`",
        )
    keras.utils.set_random_seed(seed)
    model = objectives.Wav2Vec2(encoders.wav2vec2(strides=_STRIDES[source.rate]), seed=seed)
    return compiled(model, source, 30 if epochs is None else epochs, batch_size=64)


def simclr_speech(source: data.Source, epochs: int | None = None, seed: int = 0) -> Recipe:
    """SimCLR on spectrograms of recordings: convolutions of 0.2 million weights on frames of 32 ms, one each 20 ms.

    Args:
        source: `data.Source` of kind "audio", of any sample rate.
        epochs: Number of epochs. Default: 60.
        seed: Seed of weights, order and views. Default: 0.

    Returns:
        `Recipe`. Command: `keras-ssl pretrain --dataset recordings/ --objective simclr_speech`.
    """
    keras.utils.set_random_seed(seed)
    rate = source.rate
    encoder = encoders.spectrogram_conv(rate=rate, frame=round(_FRAME * rate), step=round(_STEP * rate))
    model = objectives.SimCLR(encoder, temperature=0.2, seed=seed)
    return compiled(model, source, 60 if epochs is None else epochs, views=views.recordings(rate), batch_size=128)
