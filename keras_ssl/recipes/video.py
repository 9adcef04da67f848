"""Recipes for any videos: prediction of the frames that follow."""

import keras

from keras_ssl import data, encoders, objectives
from keras_ssl.errors import UserError
from keras_ssl.recipes.recipe import Recipe, compiled

__all__ = ["frame_prediction"]

_LARGEST = 128  # pixels; the trunk works at a sixteenth of them


def frame_prediction(
    source: data.Source,
    epochs: int | None = None,
    seed: int = 0,
    width: int = 128,
    depth: int = 4,
    learning_rate: float = 1e-3,
    batch_size: int = 16,
    residual: bool = False,
) -> Recipe:
    """Predict the second half of each clip from the first, by convolutions on stacked frames.

    Args:
        source: `data.Source` of clips, such as `data.videos(folder)` or `data.moving_digits(images)`.
        epochs: Number of epochs. Default: 20.
        seed: Seed of weights and order. Default: 0.
        width: See `encoders.stacked_conv`. Default: 128.
        depth: See `encoders.stacked_conv`. Default: 4.
        learning_rate: Initial learning rate of Adam, which decays to 0 by a cosine. Default: 1e-3.
        batch_size: Clips in each step. Default: 16, as in SimVP.
        residual: See `objectives.FramePrediction`. Default: False.

    Returns:
        `Recipe`. Scores on Moving MNIST: `benchmarks/video.py`. Command:
        `keras-ssl pretrain --dataset films/ --size 64 --objective frame_prediction`.

    Raises:
        UserError: If the samples are no clips of at least 2 frames of up to 128x128 pixels.
    """
    if source.kind != "video":
        raise UserError("a source of videos", f"{source.plural}", "make one by `data.videos(folder)`")
    length, height, side, channels = source.shape
    if length < 2 or max(height, side) > _LARGEST:
        raise UserError(
            f"clips of at least 2 frames, of up to {_LARGEST}x{_LARGEST} pixels",
            f"{length} of {height}x{side}",
            "load them with `size=64` (`--size 64`), or train the objective on an encoder of your own",
        )
    keras.utils.set_random_seed(seed)
    past = length // 2
    encoder = encoders.stacked_conv((past, height, side, channels), width=width, depth=depth)
    model = objectives.FramePrediction(encoder, future=length - past, residual=residual, seed=seed)
    return compiled(model, source, 20 if epochs is None else epochs, learning_rate, batch_size=batch_size)
