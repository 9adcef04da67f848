"""How far predicted frames of video are from the true ones, beside predictions without a network."""

from typing import Any

import keras
import numpy as np

from keras_ssl import checks
from keras_ssl.data import Source
from keras_ssl.data.fitting import as_source
from keras_ssl.errors import UserError
from keras_ssl.evaluate.generative.similarity import WINDOW, ssim
from keras_ssl.typing import Progress

__all__ = ["frame_baselines", "frame_errors", "next_frame_errors"]

_PENALTIES = tuple(10.0**k for k in range(-1, 6))
"""Of the ridge regression, which are tried."""


def frame_errors(predicted: np.ndarray, true: np.ndarray) -> dict[str, float]:
    """Compare predicted frames with the true ones.

    Args:
        predicted: Float array `(n, frames, height, width, channels)`.
        true: Array of the same shape, in 0..1.

    Returns:
        Dict of "mse" and "mae", the squared and absolute errors summed over the pixels of a frame and averaged over
        frames and samples; "mse_pixel", the squared error averaged over pixels, too; and, for frames of at least 11x11
        pixels, "ssim", the mean of `ssim` of the frames, cut to 0..1.

    Raises:
        UserError: If the shapes differ, or values are not finite.

    Reference:
        Tan et al. 2023, "OpenSTL: A Comprehensive Benchmark of Spatio-Temporal Predictive Learning", section 4.1, as
        its code computes them for Moving MNIST.

    Departures:
        Frames are compared as they are; `next_frame_errors` and `frame_baselines` cut them to 0..1 before, which
        OpenSTL does not, and which can only lower errors. The structural similarity has a Gaussian window and values in
        0..1, as in its paper, see `ssim`; OpenSTL's has a uniform window, and the range of values that scikit-image
        gives to floats.
    """
    predicted, true = checks.as_array(predicted), checks.as_array(true)
    checks.check_same_shape(predicted, true)
    if true.ndim != 5 or not true.size:
        raise UserError(
            "frames (n, frames, height, width, channels)", f"shape {true.shape}", "give clips, such as `clips[:, 10:]`"
        )
    for frames in (predicted, true):
        checks.check_values(frames, (-np.inf, np.inf))
    error = predicted.astype("float64") - true
    errors = {
        "mse": float(np.mean(np.sum(error**2, axis=(2, 3, 4)))),
        "mae": float(np.mean(np.sum(np.abs(error), axis=(2, 3, 4)))),
        "mse_pixel": float(np.mean(error**2)),
    }
    if min(true.shape[2:4]) >= WINDOW:
        x, y = (frames.reshape(-1, *frames.shape[2:]) for frames in (true, np.clip(predicted, 0, 1)))
        errors["ssim"] = ssim(x, y)
    return errors


def next_frame_errors(
    model: Any, source: Source, batch_size: int = 32, progress: Progress | None = None
) -> dict[str, float]:
    """Measure the frames that a model predicts, cut to 0..1, on clips of past and future frames.

    Args:
        model: `objectives.FramePrediction`, or any model with `past` and `next_frames(video, count)`.
        source: `data.Source` of clips longer than `model.past`.
        batch_size: Clips at a time. Default: 32.
        progress: Called as `progress(done, total)` after each batch, or None.

    Returns:
        What `frame_errors` returns.

    Raises:
        UserError: If the model predicts no frames, or clips are too short.
    """
    checks.check_method(model, "next_frames")
    count = _future(source, model.past)

    def predict(past):
        return keras.ops.convert_to_numpy(model.next_frames(past, count))

    return _mean_errors(predict, source, model.past, batch_size, progress)


def frame_baselines(train: Source, test: Source, past: int, batch_size: int = 256) -> dict[str, dict[str, float]]:
    """Measure predictions without a network: the last past frame, the mean of the past ones, and a ridge regression.

    The regression predicts all pixels of the future frames from all of the past ones. Its penalty is the best on the
    last fifth of `train`. Predictions are cut to 0..1, as those of models are.

    Args:
        train: `data.Source` of clips for the regression. Memory grows with the square of their number: give some 1,000.
        test: `data.Source` of clips to predict.
        past: Number of frames to predict from.
        batch_size: Clips at a time. Default: 256.

    Returns:
        What `frame_errors` returns, by "copy", "mean" and "linear".

    Raises:
        UserError: If clips have no more than `past` frames, there are fewer than 10 in `train`, or shapes differ.
    """
    count = _future(test, past)
    if train.shape != test.shape or len(train) < 10:
        received = f"{len(train)} of shape {train.shape}"
        raise UserError(f"at least 10 clips of shape {test.shape} in train", received, "give other ones")
    predictors = {
        "copy": lambda x: np.repeat(x[:, -1:], count, axis=1),
        "mean": lambda x: np.repeat(x.mean(axis=1, keepdims=True), count, axis=1),
        "linear": _linear(as_source(train).inputs(), past),
    }
    return {name: _mean_errors(predict, test, past, batch_size) for name, predict in predictors.items()}


def _future(source, past):
    if source.kind != "video" or source.shape[0] <= past:
        raise UserError(f"clips of more than {past} frames", f"{source.plural} of {source.shape}", "give longer clips")
    return source.shape[0] - past


def _mean_errors(predict, source, past, batch_size, progress=None):
    """The mean over samples of the errors of a prediction, a batch at a time."""
    sums: dict[str, float] = {}
    for begin in range(0, len(source), batch_size):
        clips = source[begin : begin + batch_size].inputs()
        predicted = np.clip(predict(clips[:, :past]), 0, 1)
        for name, error in frame_errors(predicted, clips[:, past:]).items():
            sums[name] = sums.get(name, 0.0) + len(clips) * error
        if progress:
            progress(begin + len(clips), len(source))
    return {name: total / len(source) for name, total in sums.items()}


def _linear(clips, past):
    """A ridge regression from past to future frames, solved for as many unknowns as there are clips."""
    x, y = (part.reshape(len(clips), -1) for part in (clips[:, :past], clips[:, past:]))
    held = len(clips) // 5
    fitted = [_ridge(x[:-held], y[:-held], penalty) for penalty in _PENALTIES]
    errors = [np.mean((predict(x[-held:]) - y[-held:]) ** 2) for predict in fitted]
    best = _ridge(x, y, _PENALTIES[int(np.argmin(errors))])
    return lambda frames: best(frames.reshape(len(frames), -1)).reshape(len(frames), -1, *clips.shape[2:])


def _ridge(x, y, penalty):
    """`w = xᵀ (x xᵀ + λ)⁻¹ y` of centered data, as a function that predicts."""
    mean_x, mean_y = x.mean(axis=0), y.mean(axis=0)
    x = x - mean_x
    dual = np.linalg.solve(x @ x.T + penalty * np.eye(len(x), dtype=x.dtype), y - mean_y)
    return lambda new: (new - mean_x) @ x.T @ dual + mean_y
