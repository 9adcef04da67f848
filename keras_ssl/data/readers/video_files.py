"""One video file: what its header says, and its frames."""

import contextlib
import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_ssl.backends import require
from keras_ssl.data.preparation import Preparation
from keras_ssl.data.readers.pictures import flat
from keras_ssl.typing import Path

__all__ = [
    "ENDINGS",
    "Clip",
    "Form",
    "VideoHeader",
    "read_clip",
    "read_frames",
    "read_times",
    "read_video_header",
    "require_reader",
]

ENDINGS = (".mp4", ".m4v", ".mov", ".avi", ".mkv", ".webm", ".mpg", ".mpeg", ".ogv", ".wmv", ".flv", ".gif")
"""Endings of the files that are read."""


@dataclasses.dataclass(frozen=True)
class VideoHeader:
    """What is known of a video before it is decoded.

    Attributes:
        size: `(height, width)` of the frames in pixels, upright.
        gray: Whether it has no color.
        frames: About how many frames it has, or 0 if that is not said.
    """

    size: tuple[int, int]
    gray: bool
    frames: int


@dataclasses.dataclass(frozen=True)
class Form:
    """What all frames of a set become.

    Attributes:
        size: `(height, width)`.
        mode: "L" for gray or "RGB".
        preparation: How frames are brought to the size.
        every: Of how many frames the first is kept.
    """

    size: tuple[int, int]
    mode: str
    preparation: Preparation
    every: int = 1

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of a frame, `(height, width, channels)`."""
        return (*self.size, 1 if self.mode == "L" else 3)


@dataclasses.dataclass(frozen=True)
class Clip:
    """Some frames in a row of a video file.

    Attributes:
        path: Path of the file.
        start: Number of the first frame, of those that are kept.
        time: The file's time stamp of this frame, or None if it has none.
    """

    path: Path
    start: int
    time: int | None

    def __str__(self) -> str:
        return f"{self.path} from frame {self.start}"


def require_reader() -> None:
    """Raise `UserError` unless the package that decodes videos is installed."""
    require("av", "which reads videos")


def read_video_header(path: Path) -> VideoHeader:
    """Return what is known of a video.

    Args:
        path: Path of the file.

    Raises:
        Exception: Of any kind, if it cannot be read or holds no video.
    """
    if _is_gif(path):
        with _gif(path) as image:
            return VideoHeader((image.height, image.width), False, image.n_frames)
    with _opened(path) as (container, stream):
        first = next(container.decode(stream), None)
        if first is None:
            raise ValueError("no frame can be decoded")
        size = (first.width, first.height) if _is_turned(first) else (first.height, first.width)
        seconds = float(container.duration or 0) / 1e6
        frames = stream.frames or round(seconds * float(stream.average_rate or 0))
        return VideoHeader(size, first.format.name.startswith("gray"), frames)


def read_frames(path: Path, form: Form) -> np.ndarray:
    """Return all frames of a video that are kept.

    Args:
        path: Path of the file.
        form: What the frames become.

    Returns:
        uint8 array `(frames, height, width, channels)`.

    Raises:
        Exception: See `read_video_header`.
    """
    return np.stack([_pixels(frame, form) for frame in itertools.islice(_decoded(path), 0, None, form.every)])


def read_times(path: Path, every: int) -> list[int | None]:
    """Return the time stamps of all frames of a video that are kept, None for frames that have none.

    Args:
        path: Path of the file.
        every: Of how many frames the first is kept.

    Raises:
        Exception: See `read_video_header`.
    """
    return [getattr(frame, "pts", None) for frame in itertools.islice(_decoded(path), 0, None, every)]


def read_clip(clip: Clip, length: int, form: Form) -> np.ndarray:
    """Return the frames of a clip, the same that `read_frames` returns there.

    Decoding begins at the last key frame before the clip, or at the start of a file without time stamps.

    Args:
        clip: Where it is.
        length: Number of frames.
        form: What the frames become.

    Returns:
        uint8 array `(length, height, width, channels)`.

    Raises:
        Exception: See `read_video_header`; or if there are fewer frames.
    """
    if clip.time is not None and clip.start:
        with _opened(clip.path) as (container, stream):
            container.seek(clip.time, stream=stream)
            frames = _from_time(container.decode(stream), clip.time)
            if frames is not None:
                return _taken(frames, length, form)
    return _taken(itertools.islice(_decoded(clip.path), clip.start * form.every, None), length, form)


def _decoded(path: Path) -> Iterator[Any]:
    """The frames of a file in order: PyAV's, or Pillow's images of a GIF, whose frames PyAV drops if they last 0 ms."""
    if _is_gif(path):
        from PIL import ImageSequence

        with _gif(path) as image:
            yield from (frame.convert("RGBA") for frame in ImageSequence.Iterator(image))
        return
    with _opened(path) as (container, stream):
        yield from container.decode(stream)


def _is_gif(path):
    return str(path).lower().endswith(".gif")


def _gif(path):
    from PIL import Image

    return Image.open(path, formats=("GIF",))


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[Any, Any]]:
    """A file and its first video stream."""
    import av

    with av.open(str(path)) as container:
        if not container.streams.video:
            raise ValueError("no video in it")
        stream = container.streams.video[0]
        stream.thread_type = "NONE"  # several files are read at a time
        yield container, stream


def _from_time(frames, time):
    """The frames from that of a time stamp on; None if there is none, as where a file cannot be searched."""
    for frame in frames:
        if frame.pts is None or frame.pts > time:
            return None
        if frame.pts == time:
            return itertools.chain([frame], frames)
    return None


def _taken(frames, length, form):
    kept = itertools.islice(frames, 0, (length - 1) * form.every + 1, form.every)
    found = [_pixels(frame, form) for frame in kept]
    if len(found) < length:
        raise ValueError(f"{len(found)} of {length} frames")
    return np.stack(found)


def _pixels(frame, form):
    image = frame.to_image() if hasattr(frame, "to_image") else frame
    if rotation := round(getattr(frame, "rotation", 0)) % 360:
        image = image.rotate(rotation, expand=True)
    opaque = flat(image, None, form.preparation.background).convert(form.mode)
    return np.asarray(form.preparation.resized(opaque, form.size)).reshape(form.shape)


def _is_turned(frame):
    return round(getattr(frame, "rotation", 0)) % 180 == 90
