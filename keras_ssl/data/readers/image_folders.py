"""Folders of images: class folders, or images without labels."""

import concurrent.futures
import functools
import os
import pathlib
import warnings

import numpy as np

from keras_ssl.data.files import Files
from keras_ssl.data.readers.pixels import fits_in_memory, room_for
from keras_ssl.data.readers.splits import SPLITS
from keras_ssl.data.source import Source
from keras_ssl.errors import UserError
from keras_ssl.progress import bar, track
from keras_ssl.typing import Path

__all__ = ["load_folder"]

_ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm"}
_MIXED_SIZES = (64, 64)  # the largest size for which resnet18 has its small stem
_GRAY_MODES = {"1", "L", "LA", "I", "I;16", "I;16B", "I;16L"}
_ORIENTATION = 0x0112  # EXIF tag


def load_folder(
    folder: Path,
    split: str = "train",
    size: tuple[int, int] | None = None,
    in_memory: bool | None = None,
    trust: bool = False,
) -> Source:
    """Load the images of a folder. `data.load` describes how folders are read.

    Args:
        folder: Path of the folder.
        split: `"train"`, or the name of a split's subfolder.
        size: `(height, width)` to resize the images to, or None.
        in_memory: Whether they are decoded now and kept, or each when it is needed, once all are found to be whole.
            Default: None, whether they fit into half of the memory.
        trust: Whether images that are not kept in memory are taken for whole. Default: False.

    Returns:
        A `Source` with uint8 images.

    Raises:
        UserError: If the split or images are missing, or an image cannot be read; the error names it.
    """
    folder = pathlib.Path(folder)
    part, siblings = _split_folder(folder, split)
    paths = _images_below(part)
    if not paths:
        endings = " ".join(sorted(_ENDINGS))
        raise UserError(f"images in {part} or below it", "none", f"check the path; these endings are read: {endings}")
    class_names = _class_names(paths, part, siblings)
    sizes, mode = _headers(paths)
    size = size or _common_size(sizes, part)
    shape = (*size, 1 if mode == "L" else 3)
    if in_memory is None:  # an image that does not fit alone is refused
        in_memory = fits_in_memory(len(paths), shape, "uint8") or not fits_in_memory(1, shape, "uint8")
    if in_memory:
        images = _pixels(paths, shape, mode, part)
    else:
        images = _files(paths, size, mode, trust)
    if class_names is None:
        return Source(images, name=str(part))
    numbers = {name: number for number, name in enumerate(class_names)}
    labels = np.array([numbers[path.relative_to(part).parts[0]] for path in paths], "int64")
    return Source(images, labels, len(class_names), class_names, str(part))


def _split_folder(folder, split):
    there = [name for name in SPLITS if (folder / name).is_dir()]
    if "train" in there:
        if split not in there:
            raise UserError(f"one of the splits of {folder} ({', '.join(there)})", repr(split), "choose one of them")
        return folder / split, [folder / name for name in there]
    if split != "train":
        raise UserError(
            f"split 'train', since {folder} has no subfolders train and test",
            repr(split),
            "sort the images into train/ and test/, or write `train, test = data.load(folder).split(0.8)`",
        )
    return folder, [folder]


def _images_below(folder):
    found = []
    for place, subfolders, files in os.walk(folder, followlinks=True):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        found += [
            pathlib.Path(place, name)
            for name in sorted(files)
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in _ENDINGS
        ]
    return found


def _class_names(paths, part, siblings):
    """Return the sorted names of the class folders of all splits, or None if images are not in class folders."""
    if any(path.parent == part for path in paths):
        return None
    everywhere = {
        path.relative_to(place).parts[0] for place in siblings for path in _images_below(place) if path.parent != place
    }
    return tuple(sorted(everywhere)) if len(everywhere) > 1 else None


def _headers(paths):
    """Return the set of image sizes `(height, width)`, and the mode that fits all images: `"L"` or `"RGB"`."""
    sizes, gray, broken = set(), True, []
    with concurrent.futures.ThreadPoolExecutor() as threads:  # Pillow decodes a PNG to look for its orientation
        for path, found in zip(paths, track(threads.map(_header, paths), len(paths), "Looking at images")):
            if isinstance(found, Exception):
                broken.append((path, found))
                continue
            size, mode = found
            sizes.add(size)
            gray &= mode in _GRAY_MODES
    _refuse(broken)
    return sizes, "L" if gray else "RGB"


def _header(path):
    """Size and mode of an image, or why it cannot be read."""
    try:
        return _size_and_mode(path)
    except _UNREADABLE as error:
        return error


def _size_and_mode(path):
    from PIL import Image

    with Image.open(path) as image:
        if image.mode == "F":
            raise ValueError("pixels are floats of unknown range; save them as 8 or 16 bits")
        width, height = image.size
        # Orientations 5 to 8 include a rotation by 90 degrees.
        turned = image.getexif().get(_ORIENTATION, 1) >= 5
        return ((width, height) if turned else (height, width)), image.mode


# PIL raises SyntaxError for broken PNGs.
_UNREADABLE = (OSError, ValueError, SyntaxError, EOFError)


def _refuse(broken):
    if broken:
        shown = "; ".join(f"{path} ({error})" for path, error in broken[:5])
        more = f" and {len(broken) - 5} more" if len(broken) > 5 else ""
        raise UserError("images that can be read", f"{len(broken)} that cannot: {shown}{more}", "repair or remove them")


def _common_size(sizes, part):
    if len(sizes) == 1:
        return next(iter(sizes))
    low, high = min(sizes, key=np.prod), max(sizes, key=np.prod)
    warnings.warn(
        f"The images in {part} differ in size, from {low[1]}x{low[0]} to {high[1]}x{high[0]} pixels; they are resized "
        f"to {_MIXED_SIZES[1]}x{_MIXED_SIZES[0]}. Pass `size=` to choose another size.",
        stacklevel=4,
    )
    return _MIXED_SIZES


def _pixels(paths, shape, mode, part):
    images = room_for(len(paths), shape, "uint8", part)
    broken = []

    def read(number):
        try:
            images[number] = _decode(paths[number], shape[:2], mode)
        except _UNREADABLE as error:
            broken.append((paths[number], error))

    with concurrent.futures.ThreadPoolExecutor() as threads:
        for _ in track(threads.map(read, range(len(paths))), len(paths), "Reading images"):
            pass
    _refuse(sorted(broken, key=lambda pair: pair[0]))
    return images


def _files(paths, size, mode, trust):
    """The files. Unless they are trusted all are decoded once, so that a broken one is found before training."""
    files = Files(paths, functools.partial(_decode, size=size, mode=mode))
    if not trust:
        with bar("Checking images") as move:
            files.check(move)
    return files


def _decode(path, size, mode):
    from PIL import Image, ImageOps

    wanted = size[::-1]
    with Image.open(path) as image:
        if image.size not in (wanted, size):
            image.draft(mode, (2 * max(wanted), 2 * max(wanted)))  # JPEG: decodes a smaller image
        upright = ImageOps.exif_transpose(image)
        if upright.mode.startswith("I"):  # 16 bits, which `convert` would clip
            upright = Image.fromarray((np.asarray(upright) / 257).round().clip(0, 255).astype("uint8"))
        flat = upright.convert(mode)
        if flat.size != wanted:
            flat = ImageOps.fit(flat, wanted, method=Image.Resampling.BILINEAR)
        return np.asarray(flat).reshape(*size, -1)
