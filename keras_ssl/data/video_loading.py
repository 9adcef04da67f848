"""Videos of a folder as clips of one length."""

import pathlib
from collections.abc import Callable
from typing import Any

import keras

from keras_ssl.checks import check_between
from keras_ssl.data.preparation import Preparation
from keras_ssl.data.readers.pixels import as_size
from keras_ssl.data.readers.video_files import Form
from keras_ssl.data.readers.videos import load_videos
from keras_ssl.data.source import Source
from keras_ssl.errors import UserError
from keras_ssl.networks import embedder
from keras_ssl.specs import Spec, specs_of
from keras_ssl.typing import Path

__all__ = ["LENGTH", "videos"]

LENGTH = 20
"""Frames of a clip where nothing says how many: the ten to predict from and the ten to predict of Moving MNIST."""


def videos(
    folder: Path,
    split: str = "train",
    length: int | None = None,
    stride: int | None = None,
    every: int = 1,
    size: int | tuple[int, int] | None = None,
    channels: int | None = None,
    like: keras.Model | None = None,
    in_memory: bool | None = None,
    fit: str = "crop",
    background: Any = "white",
    skip_broken: bool = False,
    say: Callable[[str], object] | None = None,
) -> Source:
    """Load videos as clips of one length.

    The folder has one folder per class, whose clips get its number as their label, or videos without labels, at any
    depth; subfolders `train`, and `test` or `val`, are the splits. See `data.load`, which calls this for a folder of
    videos. A GIF is a video here. The column "video" has the number of the video that a clip is from. Clips of one
    video are alike: to measure anything, put whole videos into `train` and `test`.

    Args:
        folder: Path of the folder, or of one video.
        split: Part of the set. Default: `"train"`.
        length: Frames of a clip. Default: those that `like` takes, or 20.
        stride: Frames from the start of a clip to that of the next. Default: `length`, clips without overlap.
        every: Of how many frames the first is kept, at least 1: 5 makes 5 frames a second of 25. Default: 1.
        size: Side length or `(height, width)` in pixels to resize the frames to, as `fit` says. Default: that which
            `like` takes, else the size that all have, or 64x64 with a warning.
        channels: 1 to make videos gray, or 3. Default: those that `like` takes, or 1 if all are gray, else 3.
        like: Model that will take the clips. Default: None.
        in_memory: Whether the frames are kept in memory; if False, each clip is decoded when it is needed. Every video
            is decoded once at first, since headers do not say reliably how many frames there are. Default: None,
            whether they fit into half of this machine's memory.
        fit: See `data.load`. Default: "crop".
        background: See `data.load`. Default: "white".
        skip_broken: Whether videos that cannot be read, or are shorter than a clip, are left out, and named. Default:
            False, they are an error.
        say: See `data.load`.

    Returns:
        A `Source` of kind "video": uint8 clips `(n, length, height, width, channels)`.

    Raises:
        UserError: If there is no such folder, split or video, a video cannot be read or is too short, or the package
            that reads videos is not installed.

    Example:
        `objective.fit(data.batches(data.videos("films/", length=20, size=64), batch_size=16))`
    """
    path = pathlib.Path(folder).expanduser()
    if not path.exists():
        raise UserError("a folder of videos, or a video", f"{path}, which does not exist", "check the path")
    wanted = _video_shape(like)
    length = wanted[0] or LENGTH if length is None else length
    stride = length if stride is None else stride
    for argument, value in (("length", length), ("stride", stride), ("every", every)):
        check_between(argument, value, least=1, whole=True)
    if channels not in (None, 1, 3):
        raise UserError("channels of 1 or 3", f"{channels}", "leave them out, or give 1 for gray videos")
    known = None if None in wanted[1:3] else (wanted[1], wanted[2])
    preparation = Preparation(fit, background)
    return load_videos(
        path,
        split,
        length,
        stride,
        lambda size, mode: Form(size, mode, preparation, every),
        as_size(size) or known,
        channels or wanted[3],
        in_memory,
        skip_broken,
        say,
    )


def _video_shape(model) -> Any:
    """Frames, height, width and channels that a model takes, None where it takes any, or something else."""
    spec: Any = None if model is None else specs_of(embedder(model))
    is_video = isinstance(spec, Spec) and spec.kind == "video" and len(spec.shape) == 5
    return spec.shape[1:] if is_video else (None,) * 4
