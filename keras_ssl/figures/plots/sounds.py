"""Plots of recordings: samples over time, and log-mel spectrograms below them."""

from collections.abc import Sequence

import numpy as np

from keras_ssl.blocks import log_mel
from keras_ssl.checks import as_array, check_counts
from keras_ssl.errors import UserError
from keras_ssl.figures import palette
from keras_ssl.figures.palette import INK, Figure

__all__ = ["spectrograms"]

_MOST = 8  # recordings
_STEPS = 200  # frames of a spectrogram in a second
_LOWEST = 20.0  # Hz, where the filters of `blocks.mel_filters` begin
_TICKS = (250, 500, 1000, 2000, 4000, 8000, 16000)  # Hz
_HIDDEN, _PADDING = "#56B4E9", "#eef1f4"


@palette.styled
def spectrograms(
    sounds: np.ndarray,
    rate: int = 8000,
    hidden: np.ndarray | None = None,
    titles: Sequence[str] | None = None,
    step: int = 160,
    mels: int = 40,
    columns: int = 4,
) -> Figure:
    """Draw the samples of recordings, at most eight, above their log-mel spectrograms, with hidden spans shaded.

    All have the same scales of time, samples and powers. The padding of a recording, the zeros at its end, is gray.

    Args:
        sounds: Float array `(n, time)` in -1..1.
        rate: Sample rate in Hz. Default: 8000, as encoders of sound have.
        hidden: Boolean array `(n, frames)`, True = hidden, such as that of `transforms.span_mask`: frame k is from
            sample `k * step` to before `(k + 1) * step`. Default: None, nothing is hidden.
        titles: n titles, such as the digits that are spoken. Default: None.
        step: Samples from one frame of `hidden` to the next. Default: 160, as encoders of sound have.
        mels: Number of mel bands. Default: 40.
        columns: Most recordings in a row. Default: 4.

    Returns:
        A Figure with two axes for each recording.

    Raises:
        UserError: If these are not recordings, all of them are silent, the other arguments do not fit them, or one is
            out of its range.
    """
    sounds, hidden = _checked(sounds, hidden, titles)
    check_counts(rate=rate, step=step, mels=mels, columns=columns)
    pictures = [np.asarray(x).T for x in log_mel(sounds, rate, mels, step=max(1, rate // _STEPS))]
    seconds = np.array([(np.flatnonzero(sound).max(initial=-1) + 1) / rate for sound in sounds])
    columns = min(columns, len(sounds))
    rows = -(-len(sounds) // columns)
    figure = palette.figure(max(3.2, 2.3 * columns + 0.5), 2.3 * rows + 0.3)
    axes = figure.subplots(
        2 * rows, columns, sharex=True, squeeze=False, height_ratios=[1, 2] * rows, gridspec_kw={"hspace": 0.03}
    )
    colors = {"vmin": min(map(np.min, pictures)), "vmax": max(map(np.max, pictures))}
    for k, (wave, picture) in enumerate(_pairs(axes)):
        if k >= len(sounds):
            wave.set_axis_off()
            picture.set_axis_off()
            continue
        count = round(seconds[k] * rate)
        wave.plot(np.arange(count) / rate, sounds[k, :count], color=INK, linewidth=0.5)
        wave.set(ylim=np.array([-1.05, 1.05]) * np.abs(sounds).max(), yticks=[])
        wave.set_title(titles[k] if titles is not None else "", pad=3)
        wave.spines[:].set_visible(False)
        wave.tick_params(bottom=False)
        if seconds[k]:
            place = (0, seconds[k], *_bands(rate, mels))
            picture.imshow(pictures[k], cmap="magma", aspect="auto", origin="lower", extent=place, **colors)
        for begin, end in () if hidden is None else _spans(hidden[k]):
            for axis, alpha in ((wave, 0.4), (picture, 0.7)):
                axis.axvspan(begin * step / rate, min(end * step / rate, seconds[k]), color=_HIDDEN, alpha=alpha, lw=0)
        picture.set(xlim=(0, seconds.max()), ylim=_bands(rate, mels))
        _scaled(picture, rate, first=k % columns == 0, last=k + columns >= len(sounds))
    share = "" if hidden is None else f", {_share(hidden, seconds * rate / step):.0%} of the frames hidden"
    figure.set_label(f"Samples and log-mel spectrograms of {len(sounds)} recordings{share}")
    return figure


def _checked(sounds, hidden, titles):
    """At most eight recordings, and what is hidden of them."""
    sounds = as_array(sounds, "recordings")
    if sounds.ndim != 2 or sounds.dtype.kind != "f" or not np.isfinite(sounds).all() or not sounds.any():
        received = f"dtype {sounds.dtype}, shape {sounds.shape}" + ", silence" * (sounds.size > 0 and not sounds.any())
        raise UserError("recordings as finite floats (n, time), with sound", received, "divide int16 by 32768")
    if hidden is not None:
        hidden = np.asarray(hidden)
        if hidden.ndim != 2 or len(hidden) != len(sounds) or hidden.dtype != bool:
            received = f"dtype {hidden.dtype}, shape {hidden.shape}"
            raise UserError(f"what is hidden as booleans ({len(sounds)}, frames)", received, "give a mask of frames")
        hidden = hidden[:_MOST]
    if titles is not None and len(titles) != len(sounds):
        raise UserError(f"{len(sounds)} titles", f"{len(titles)}", "give one for each recording")
    return sounds[:_MOST], hidden


def _pairs(axes):
    """The axes of samples and of the spectrogram of each recording, row by row."""
    for above, below in zip(axes[::2], axes[1::2]):
        yield from zip(above, below)


def _scaled(axis, rate, first, last):
    """Label an axis in seconds and, by a scale of mels, in kHz."""
    ticks = [hertz for hertz in _TICKS if hertz <= rate / 2]
    axis.set_yticks([_mel(hertz) for hertz in ticks], [f"{hertz / 1000:g}" for hertz in ticks] if first else [])
    axis.set_facecolor(_PADDING)
    axis.spines[:].set_visible(False)
    axis.tick_params(labelbottom=last, left=first)
    if first:
        axis.set_ylabel("kHz")
    if last:
        axis.set_xlabel("seconds")


def _bands(rate, mels):
    """Where the lowest band begins and the highest one ends, in mel: their centers are as in `blocks.mel_filters`."""
    low, high = _mel(_LOWEST), _mel(rate / 2)
    half = (high - low) / (mels + 1) / 2
    return low + half, high - half


def _mel(hertz):
    return float(2595 * np.log10(1 + hertz / 700))


def _spans(hidden):
    """Where each run of True begins and ends."""
    edges = np.diff(np.pad(hidden.astype(int), 1))
    return zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1))


def _share(hidden, kept):
    """Share of the frames that are hidden, of those that are no padding."""
    counts = np.arange(hidden.shape[1]) < kept[:, None]
    return (hidden & counts).sum() / counts.sum()
