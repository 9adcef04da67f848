"""Folders of videos, cut into clips: class folders, or videos without labels."""

import concurrent.futures
import functools
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_ssl.data.files import Files
from keras_ssl.data.readers.broken import leave_out, reason
from keras_ssl.data.readers.classes import Classes, class_of, classes_of, shown
from keras_ssl.data.readers.notes import Note, tell
from keras_ssl.data.readers.pixels import fits_in_memory
from keras_ssl.data.readers.split_folders import split_folder
from keras_ssl.data.readers.video_files import (
    ENDINGS,
    Clip,
    Form,
    read_clip,
    read_frames,
    read_times,
    read_video_header,
    require_reader,
)
from keras_ssl.data.readers.walking import path_column, walk
from keras_ssl.data.source import Source
from keras_ssl.data.windows import Windows
from keras_ssl.errors import UserError
from keras_ssl.progress import track

__all__ = ["load_videos"]

_MIXED_SIZES = (64, 64)


def load_videos(
    folder: pathlib.Path,
    split: str,
    length: int,
    stride: int,
    form: Callable[[tuple[int, int], str], Form],
    size: tuple[int, int] | None,
    channels: int | None,
    in_memory: bool | None,
    skip_broken: bool,
    say: Callable[[str], object] | None,
) -> Source:
    """Load the clips of a folder of videos, or of one. `data.videos` describes how they are read.

    Args:
        folder: Path of the folder or file.
        split: `"train"`, or the name of a split's subfolder.
        length: Frames of a clip.
        stride: Frames from the start of a clip to that of the next.
        form: Makes the form of all frames from their size and mode.
        size: `(height, width)` to resize the frames to, or None.
        channels: 1 or 3, or None: 1 if all videos are gray.
        in_memory: Whether the frames are kept in memory. None: whether they fit into half of it.
        skip_broken: Whether videos that cannot be read, or are too short, are left out.
        say: See `data.load`.

    Returns:
        A `Source` with uint8 clips.

    Raises:
        UserError: See `data.videos`.
    """
    require_reader()
    paths, part, classes = _found(folder, split, say)
    paths, headers = _headers(paths, skip_broken, say)
    chosen = form(*_size_and_mode(headers, size, channels, part, say))
    if in_memory is None:
        expected = sum(header.frames for header in headers) // chosen.every
        in_memory = fits_in_memory(expected, chosen.shape, "uint8")
    paths, kept = _read(paths, chosen, length, in_memory, skip_broken, say)
    starts = [np.arange(0, len(one) - length + 1, stride) for one in kept]
    owners = np.repeat(np.arange(len(paths)), [len(one) for one in starts])
    if in_memory:
        begins = np.cumsum([0, *map(len, kept[:-1])])
        samples: Any = Windows(_joined(kept, chosen.shape), length, starts=np.concatenate(starts) + begins[owners])
    else:
        clips = [Clip(path, int(start), times[start]) for path, times, one in zip(paths, kept, starts) for start in one]
        samples = Files(np.array(clips, dtype=object), functools.partial(read_clip, length=length, form=chosen))
    told = f"{part}: {len(owners):,} clips of {length} frames from {len(paths):,} videos"
    tell([Note(told, warn=False)], say, stacklevel=3)
    about: dict[str, Any] = {"name": str(part), "kinds": "video"}
    about["columns"] = {"video": owners, **path_column([paths[k] for k in owners])}
    about["preparation"] = chosen.preparation
    if classes.names is None:
        return Source(samples, why_unlabeled=classes.why_none, **about)
    numbers = {name: number for number, name in enumerate(classes.names)}
    labels = np.array([numbers[class_of(path, part)] for path in paths], "int64")[owners]
    return Source(samples, labels, len(classes.names), classes.names, **about)


def _found(folder, split, say):
    """The files of a split, its folder, and its classes."""
    if folder.is_file():
        return [folder], folder, Classes(None)
    part, siblings, notes = split_folder(folder, split, ENDINGS, "videos", "data.videos")
    found = walk(siblings, ENDINGS)
    paths = found[part].files
    if not paths:
        raise UserError(
            f"videos in {part} or below it",
            f"none{'; ' * bool(found[part].words())}{found[part].words()}",
            f"check the path; these endings are read: {' '.join(ENDINGS)}",
        )
    classes = classes_of(found, part, "video")
    what = f"{len(classes.names)} classes: {shown(classes.names)}" if classes.names else "no labels"
    words = found[part].words()
    summary = Note(f"{part}: {len(paths):,} videos, {what}{'; ' * bool(words)}{words}", warn=False)
    tell([*notes, summary, *classes.notes], say, stacklevel=4)
    return paths, part, classes


def _headers(paths, skip_broken, say):
    results = _each(_tried(read_video_header), paths, "Looking at videos")
    broken = [(path, found) for path, found in zip(paths, results) if isinstance(found, str)]
    leave_out(broken, len(paths), skip_broken, say, "videos")
    kept = [(path, found) for path, found in zip(paths, results) if not isinstance(found, str)]
    return [path for path, _ in kept], [header for _, header in kept]


def _size_and_mode(headers, size, channels, part, say):
    """What all frames become."""
    sizes = {header.size for header in headers}
    if size is None and len(sizes) > 1:
        low, high = min(sizes, key=np.prod), max(sizes, key=np.prod)
        tell(
            [
                Note(
                    f"The videos in {part} differ in size, from {low[1]}x{low[0]} to {high[1]}x{high[0]} pixels; they "
                    f"are resized to {_MIXED_SIZES[1]}x{_MIXED_SIZES[0]}. Pass `size=` to choose another size."
                )
            ],
            say,
            stacklevel=4,
        )
    size = size or (_MIXED_SIZES if len(sizes) > 1 else sizes.pop())
    return size, {1: "L", 3: "RGB"}.get(channels, "L" if all(header.gray for header in headers) else "RGB")


def _read(paths, form, length, in_memory, skip_broken, say):
    """The videos that are whole and long enough, and the frames of each, or else their time stamps."""

    def read(path):
        found = read_frames(path, form) if in_memory else read_times(path, form.every)
        if len(found) < length:
            raise ValueError(f"{len(found)} frames, fewer than the {length} of a clip")
        return found

    results = _each(_tried(read), paths, "Reading videos")
    broken = [(path, found) for path, found in zip(paths, results) if isinstance(found, str)]
    can, do = f"be read and have {length} frames", "repair or remove them, give a smaller `length`"
    leave_out(broken, len(paths), skip_broken, say, "videos", can, do)
    whole = [(path, found) for path, found in zip(paths, results) if not isinstance(found, str)]
    return [path for path, _ in whole], [found for _, found in whole]


def _joined(videos, shape):
    """All frames in one array; each video is let go once it is copied."""
    stream, begin = np.empty((sum(map(len, videos)), *shape), "uint8"), 0
    while videos:
        video = videos.pop(0)
        stream[begin : begin + len(video)] = video
        begin += len(video)
    return stream


def _each(function, paths, what):
    with concurrent.futures.ThreadPoolExecutor() as threads:
        return list(track(threads.map(function, paths), len(paths), what))


def _tried(function):
    """A function that returns why it failed in place of raising."""

    def run(path):
        try:
            return function(path)
        except Exception as error:  # decoders raise many kinds
            return reason(error)

    return run
