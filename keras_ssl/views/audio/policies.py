"""A ready policy for recordings."""

from keras_ssl.views.audio.spectral import spec_augment
from keras_ssl.views.audio.waveform import gain, polarity, time_crop, time_shift, white_noise
from keras_ssl.views.policy import Policy

__all__ = ["recordings"]


def recordings(rate: int, length: int | None = None, noise: tuple[float, float] = (10.0, 40.0)) -> Policy:
    """Make a policy for recordings: crop, shift, masks, gain, polarity, noise.

    Args:
        rate: Sample rate in Hz.
        length: Number of samples of a view. Default: that of the recordings.
        noise: See `white_noise`. Default: `(10, 40)`.

    Returns:
        A `Policy` of kind "audio".

    Raises:
        UserError: If a number is out of its range.

    Example:
        `data.batches(source, views=views.recordings(source.preparation.rate))`
    """
    operations = [time_crop(length=length), time_shift(), spec_augment(rate), gain(), polarity(), white_noise(noise)]
    return Policy(operations, name="recordings", kind="audio")
