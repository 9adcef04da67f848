"""Small recordings and a small encoder of them, for tests."""

import keras
import numpy as np
from keras import layers

from keras_ssl.encoders.pooled import pooling
from keras_ssl.networks import kept_frames

__all__ = ["RATE", "class_folders", "encoder", "tone"]

RATE = 8000  # Hz


def tone(hertz, seconds=0.01, rate=RATE, amplitude=0.5):
    """Return a sine wave that does not end with 0."""
    return (amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate + 1)).astype("float32")


def class_folders(folder, each=6):
    """Write class folders of tones, low and high ones, with a random amplitude each."""
    import soundfile

    rng = np.random.default_rng(0)
    for name, hertz in (("high", 2000), ("low", 500)):
        (folder / name).mkdir(parents=True)
        for k in range(each):
            sound = tone(hertz * rng.uniform(0.9, 1.1), 0.01 + 0.0005 * k, amplitude=rng.uniform(0.2, 0.8))
            soundfile.write(folder / name / f"{k}.{'wav' if k % 2 else 'flac'}", sound, RATE)
    return folder


def encoder(step=8, width=8, length=None):
    """Return an encoder of sound in three parts, whose frames are of `step` samples and which knows padding."""
    audio = keras.Input((length,), name="audio")
    x = layers.Conv1D(width, step, step, padding="same", name="conv")(audio[:, :, None])
    tokens = keras.Model(audio, [x, kept_frames(audio, step)], name="tokens")
    frames = keras.Input((None, width), name="tokens")
    kept = keras.Input((None,), dtype="bool", name="keep")
    trunk = keras.Model([frames, kept], layers.Dense(width, "relu", name="dense")(frames), name="trunk")
    audio = keras.Input((length,), name="audio")
    given = tokens(audio)
    return keras.Model(audio, pooling(width)([trunk(given), given[1]]), name="encoder")
