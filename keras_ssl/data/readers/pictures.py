"""One picture file: what its header says, and its pixels."""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from keras_ssl.data.preparation import Preparation
from keras_ssl.data.readers import tiff
from keras_ssl.typing import Path

__all__ = ["Header", "decode", "endings", "flat", "read_header"]

_ENDINGS = {
    "PNG": (".png",),
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".pgm", ".ppm", ".pbm", ".pnm"),
    "AVIF": (".avif",),
}
"""Endings of the formats that are read. No other decoder is run, whatever a file holds: Pillow gives an EPS, by any
name, to Ghostscript."""

_GRAY_MODES = {"1", "L", "LA", "La", "I"}
_ORIENTATION, _WIDTH, _HEIGHT = 0x0112, 256, 257  # tags of EXIF and TIFF
_ROWS = 256  # of a 16-bit picture that are converted at a time


@dataclasses.dataclass(frozen=True)
class Header:
    """What is known of a picture before it is decoded to an image.

    Attributes:
        size: `(height, width)` in pixels, upright.
        gray: Whether it has no color.
        transparent: Whether it has an alpha channel or a transparent color.
        pages: Whether it has more pages or frames than the first.
        highest: Highest value as a fraction of white, if values have 16 bits; else None.
    """

    size: tuple[int, int]
    gray: bool
    transparent: bool
    pages: bool
    highest: float | None


@functools.cache
def _formats() -> tuple[str, ...]:
    """Formats that are read and this Pillow has a decoder for."""
    from PIL import Image, features

    Image.init()
    missing = {name for name in ("WEBP", "AVIF") if name in Image.OPEN and not features.check(name.lower())}
    return tuple(name for name in _ENDINGS if name in Image.OPEN and name not in missing)


def endings() -> tuple[str, ...]:
    """Return the endings of the files that are read, in small letters."""
    return tuple(ending for name in _formats() for ending in _ENDINGS[name])


def read_header(path: Path) -> Header:
    """Return what is known of a picture.

    Args:
        path: Path of a regular file.

    Raises:
        Exception: Of any kind, if it cannot be read, is too large, or reading it would be a guess.
    """
    with _opened(path) as (image, tags):
        width, height = image.size if tags is None else (tags[_WIDTH], tags[_HEIGHT])  # Pillow's TIFF is turned already
        transparent, gray = _is_transparent(image), image.mode in _GRAY_MODES or image.mode.startswith("I;16")
        # The parts of an MPO are other views of a photograph, or its brightness, not pages.
        pages = image.format != "MPO" and bool(getattr(image, "is_animated", False))
        highest = _highest(image, tags)
        turned = image.getexif().get(_ORIENTATION, 1) >= 5 if tags is None else tags.get(_ORIENTATION, 1) >= 5
        return Header((width, height) if turned else (height, width), gray, transparent, pages, highest)


def decode(path: Path, size: tuple[int, int], mode: str, preparation: Preparation) -> np.ndarray:
    """Return the pixels of a picture, upright, opaque and in a size.

    Args:
        path: Path of a regular file. Of several pages or frames it is the first.
        size: `(height, width)`.
        mode: "L" for gray or "RGB".
        preparation: How it is brought to the size, and the color behind transparent pixels.

    Returns:
        uint8 array `(height, width, 1 or 3)`.

    Raises:
        Exception: See `read_header`.
    """
    from PIL import ImageOps

    with _opened(path) as (image, tags):
        if image.size not in (size, size[::-1]):
            image.draft(mode, (2 * max(size), 2 * max(size)))  # JPEG: decodes a smaller image
        image.load()  # Pillow turns a TIFF here, and then forgets its orientation
        ImageOps.exif_transpose(image, in_place=True)
        opaque = flat(image, tags, preparation.background)
        return np.asarray(preparation.resized(opaque.convert(mode), size)).reshape(*size, -1)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """The picture, not yet decoded, and its tags if it is a TIFF."""
    from PIL import Image, UnidentifiedImageError

    try:
        opened = Image.open(path, formats=_formats())
    except Image.DecompressionBombError:
        raise ValueError(f"too large: {_limit(2)}") from None
    except UnidentifiedImageError:
        tags = tiff.tags_of(path)
        if tags is not None:
            tiff.check_samples(tags)
        raise ValueError(f"no {', '.join(_formats())} picture that Pillow can read") from None
    with opened as image:
        tags = getattr(image, "tag_v2", None)
        most = Image.MAX_IMAGE_PIXELS
        factor = 2 if image.format in ("JPEG", "MPO") else 1  # which are decoded at a fraction
        if most is not None and image.width * image.height > factor * most:
            raise ValueError(f"too large: {image.width}x{image.height} pixels, {_limit(factor)}")
        if tags is not None:
            tiff.check_samples(tags)
        elif image.mode == "F" or (image.mode == "I" and image.format not in ("PNG", "PPM")):
            raise ValueError("pixels are floats or integers of unknown range: save them as 8 or 16 bits")
        yield image, tags


def _limit(factor):
    from PIL import Image

    most = factor * (Image.MAX_IMAGE_PIXELS or 0)
    return f"at most {most:,} are read; make it smaller, or raise `PIL.Image.MAX_IMAGE_PIXELS`"


def _is_transparent(image):
    palette = image.palette.mode if image.mode == "P" and image.palette else ""
    return image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info or palette.endswith("A")


def _is_deep(image):
    return image.mode.startswith("I")


def _highest(image, tags):
    """Highest value as a fraction of white, if Pillow's own decoder reads 16 bits; it decodes the picture."""
    if not _is_deep(image) and not (image.tile and ";16" in str(image.tile[0][3])):
        return None
    white = 255 if not _is_deep(image) else 65535 if tags is None else tiff.white_of(tags)
    bands = np.asarray(image)
    bands = bands[..., :-1] if image.mode in ("LA", "RGBA") else bands
    return float(bands.max(initial=0) / white)


def flat(image: Any, tags: Any, background: Sequence[int]) -> Any:
    """Return a picture in 8 bits and without transparency.

    Args:
        image: Pillow image.
        tags: What a TIFF says of itself, or None.
        background: Red, green and blue in 0..255 behind what is transparent.
    """
    from PIL import Image

    if _is_deep(image):
        return _eight_bits(image, tags, background)
    if not _is_transparent(image):
        return image
    layer = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
    canvas = Image.new("RGBA", layer.size, (*background, 255))
    return Image.alpha_composite(canvas, layer).convert("RGB")


def _eight_bits(image, tags, background):
    """A gray picture of 16 bits in 8, which `convert` would clip: a few rows at a time, since it may be large."""
    from PIL import Image

    white = 65535 if tags is None else tiff.white_of(tags)
    values = np.asarray(image)
    flat = np.empty(values.shape, "uint8")
    for begin in range(0, len(values), _ROWS):
        part = values[begin : begin + _ROWS].astype("uint32").clip(0, white)
        flat[begin : begin + _ROWS] = (part * 255 + white // 2) // white
    if tags is not None and tiff.is_inverted(tags):
        flat = 255 - flat
    clear = image.info.get("transparency")
    if not isinstance(clear, int):
        return Image.fromarray(flat)
    colored = Image.fromarray(flat).convert("RGB")
    colored.paste(tuple(background), mask=Image.fromarray((values == clear).astype("uint8") * 255))
    return colored
