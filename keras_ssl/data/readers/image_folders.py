"""Folders of images: class folders, or images without labels."""

import collections
import concurrent.futures
import functools
import pathlib
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_ssl.data.files import Files
from keras_ssl.data.preparation import Preparation
from keras_ssl.data.readers.broken import leave_out, reason
from keras_ssl.data.readers.classes import class_of, classes_of, shown
from keras_ssl.data.readers.notes import Note, tell
from keras_ssl.data.readers.pictures import decode, endings, read_header
from keras_ssl.data.readers.pixels import fits_in_memory, room_for
from keras_ssl.data.readers.split_folders import split_folder
from keras_ssl.data.readers.walking import path_column, walk
from keras_ssl.data.source import Source
from keras_ssl.errors import UserError
from keras_ssl.names import TEXT_FILES
from keras_ssl.progress import bar, track
from keras_ssl.typing import Path

__all__ = ["load_folder", "load_pictures"]

_MIXED_SIZES = (64, 64)  # the largest size for which resnet18 has its small stem
_TWELVE_BITS = 0.25  # of white: the highest value of a picture that leaves two or more of 16 bits unused


def load_folder(
    folder: Path,
    split: str = "train",
    size: tuple[int, int] | None = None,
    in_memory: bool | None = None,
    trust: bool = False,
    preparation: Preparation | None = None,
    channels: int | None = None,
    skip_broken: bool = False,
    say: Callable[[str], object] | None = None,
) -> Source:
    """Load the images of a folder. `data.load` describes how folders are read.

    Args:
        folder: Path of the folder.
        split: `"train"`, or the name of a split's subfolder.
        size: `(height, width)` to resize the images to, or None.
        in_memory: Whether they are decoded now and kept, or each when it is needed, once all are found to be whole.
            Default: None, whether they fit into half of the memory.
        trust: Whether images that are not kept in memory are taken for whole. Default: False.
        preparation: How they are brought to one size and made opaque. Default: `Preparation()`.
        channels: 1 or 3, the channels that a model takes. Default: None, 1 if all images are gray.
        skip_broken: Whether images that cannot be read are left out. Default: False, they are an error.
        say: See `data.load`.

    Returns:
        A `Source` with uint8 images, and the path of each as the column "path".

    Raises:
        UserError: If the split or images are missing, or an image cannot be read; the error names it.
    """
    folder, preparation = pathlib.Path(folder), preparation or Preparation()
    part, siblings, notes = split_folder(folder, split, endings())
    found = walk(siblings, endings())
    paths = found[part].files
    if not paths:
        raise UserError(
            f"images in {part} or below it",
            f"none{'; ' * bool(found[part].words())}{found[part].words()}",
            f"load texts by `data.texts({str(folder)!r})`"
            if found[part].skipped.keys() & {f".{name.rpartition('.')[2]}" for name in TEXT_FILES}
            else f"check the path; these endings are read: {' '.join(sorted(endings()))}",
        )
    classes = classes_of(found, part)
    tell([*notes, _summary(part, found[part], classes.names), *classes.notes], say, stacklevel=3)
    paths, images = load_pictures(paths, part, size, in_memory, trust, preparation, channels, skip_broken, say)
    about: dict[str, Any] = {"name": str(part), "columns": path_column(paths), "preparation": preparation}
    if classes.names is None:
        return Source(images, why_unlabeled=classes.why_none, **about)
    numbers = {name: number for number, name in enumerate(classes.names)}
    labels = np.array([numbers[class_of(path, part)] for path in paths], "int64")
    return Source(images, labels, len(classes.names), classes.names, **about)


def load_pictures(
    paths: list[pathlib.Path],
    part: Path,
    size: tuple[int, int] | None,
    in_memory: bool | None,
    trust: bool,
    preparation: Preparation,
    channels: int | None,
    skip_broken: bool,
    say: Callable[[str], object] | None,
    count: int = 0,
) -> tuple[Any, Any]:
    """Load picture files as images of one size. For the other arguments and errors see `load_folder`.

    Args:
        paths: Paths of the files.
        part: Where they come from, for notes and errors.
        size: See `load_folder`.
        in_memory: See `load_folder`.
        trust: See `load_folder`.
        preparation: See `load_folder`.
        channels: See `load_folder`.
        skip_broken: See `load_folder`.
        say: See `load_folder`.
        count: Number of samples that will be made of them, if it is larger; it decides whether they fit into memory.
            Default: 0.

    Returns:
        The paths that were kept, and their images: a uint8 array, or `Files`.
    """
    paths, headers = _headers(paths, skip_broken, say)
    size, mode, notes = _form(headers, size, channels, part)
    tell([*notes, *_choices(headers, part, preparation)], say, stacklevel=4)
    shape = (*size, 1 if mode == "L" else 3)
    if in_memory is None:  # an image that does not fit alone is refused
        in_memory = fits_in_memory(max(len(paths), count), shape, "uint8") or not fits_in_memory(1, shape, "uint8")
    files = Files(paths, functools.partial(decode, size=size, mode=mode, preparation=preparation))
    if in_memory:
        return _pixels(files, shape, part, skip_broken, say)
    return (paths, files) if trust else _checked(files, skip_broken, say)


def _summary(part, found, names):
    """What was found, in a sentence."""
    counts = collections.Counter() if names is None else collections.Counter(class_of(p, part) for p in found.files)
    classes = shown(f"{name} {counts[name]}" for name in names or ())
    what = f"{len(names)} classes: {classes}" if names else f"{_images(len(found.files))} without labels"
    return Note(f"{part}: {what}" + "; ".join(["", found.words()] if found.words() else []), warn=found.lost)


# ---- what the pictures have in common --------------------------------------------------------------------------------


def _headers(paths, skip_broken, say):
    """The paths of the images that can be read, and their headers."""
    from PIL import Image

    with warnings.catch_warnings(), concurrent.futures.ThreadPoolExecutor() as threads:
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # such a file is refused, with its path
        # Pillow decodes a PNG to look for its orientation: this may take as long as decoding all.
        results = list(track(threads.map(_tried, paths), len(paths), "Looking at images"))
    broken = [(path, found) for path, found in zip(paths, results) if isinstance(found, str)]
    leave_out(broken, len(paths), skip_broken, say)
    pairs = [(path, found) for path, found in zip(paths, results) if not isinstance(found, str)]
    return [path for path, _ in pairs], [header for _, header in pairs]


def _tried(path):
    """Header of an image, or why it cannot be read."""
    try:
        return read_header(path)
    except Exception as error:  # decoders raise many kinds
        return reason(error)


def _form(headers, size, channels, part):
    """Size and mode of all images, and notes about them."""
    notes = []
    gray = sum(header.gray for header in headers)
    mode = {1: "L", 3: "RGB"}.get(channels, "L" if gray == len(headers) else "RGB")
    if channels == 1 and gray < len(headers):
        notes.append(f"{part}: made gray, as the model takes them: {_images(len(headers) - gray)} in color.")
    if channels == 3 and gray == len(headers):
        notes.append(f"{part}: gray images get three equal channels, as the model takes them.")
    sizes = {header.size for header in headers}
    if size is None and len(sizes) > 1:
        low, high = min(sizes, key=np.prod), max(sizes, key=np.prod)
        notes.append(
            f"The images in {part} differ in size, from {low[1]}x{low[0]} to {high[1]}x{high[0]} pixels; they are "
            f"resized to {_MIXED_SIZES[1]}x{_MIXED_SIZES[0]}. Pass `size=` to choose another size."
        )
    return size or (_MIXED_SIZES if len(sizes) > 1 else sizes.pop()), mode, [Note(text) for text in notes]


def _choices(headers, part, preparation):
    """Notes about what is done to pictures of special kinds."""
    transparent = sum(header.transparent for header in headers)
    if transparent:
        color = "white" if preparation.background == (255, 255, 255) else f"{preparation.background}"
        yield Note(f"{part}: laid on {color} (`background=`), since they have transparency: {_images(transparent)}.")
    if pages := sum(header.pages for header in headers):
        yield Note(f"{part}: only the first page or frame is taken of {_images(pages)} with several.")
    highest = [header.highest for header in headers if header.highest is not None]
    if highest and 0 < max(highest) < _TWELVE_BITS:
        yield Note(
            f"{part}: {_images(len(highest))} of 16 bits, but no value above {max(highest):.1%} of white, which leaves "
            f"{round(255 * max(highest)) + 1} of 256 levels. If they hold 12 bits, multiply them by 16, or scale them "
            "yourself and give `data.from_arrays`."
        )


def _images(count):
    return f"{count:,} image{'s' * (count != 1)}"


# ---- decoding --------------------------------------------------------------------------------------------------------


def _pixels(files, shape, part, skip_broken, say):
    """The paths of whole images, and their pixels."""
    images, broken = room_for(len(files), shape, "uint8", part), {}

    def read(number):
        try:
            images[number] = files.decode(files.paths[number])
        except Exception as error:  # decoders raise many kinds
            broken[number] = reason(error)

    with concurrent.futures.ThreadPoolExecutor() as threads:
        for _ in track(threads.map(read, range(len(files))), len(files), "Reading images"):
            pass
    leave_out([(files.paths[k], broken[k]) for k in sorted(broken)], len(files), skip_broken, say)
    whole = [k for k in range(len(files)) if k not in broken]
    if broken:
        for to, at in enumerate(whole):  # in place: they may take half of the memory
            images[to] = images[at]
    return files.paths[whole], images[: len(whole)]


def _checked(files, skip_broken, say):
    """The paths of whole images, and these files, each decoded once, so that a broken one is found before training."""
    with bar("Checking images") as move:
        broken = dict(files.broken(move))
    leave_out([(files.paths[k], why) for k, why in broken.items()], len(files), skip_broken, say)
    whole = files[[k for k in range(len(files)) if k not in broken]]
    return whole.paths, whole
