"""What the tags of a TIFF say about its samples, and which of them cannot be read without a guess."""

from collections.abc import Mapping
from typing import Any

from keras_ssl.typing import Path

__all__ = ["check_samples", "is_inverted", "tags_of", "white_of"]

_WIDTH_OF_SAMPLE, _PHOTOMETRIC, _BANDS, _EXTRA, _FORMAT, _KIND = 258, 262, 277, 338, 339, 254
_COLORS = {0: 1, 1: 1, 2: 3, 3: 1, 4: 1, 5: 4, 6: 3, 8: 3}  # bands of gray, RGB, palette, mask, CMYK, YCbCr, CIELab
_ARRAYS = "read it with rasterio or tifffile, choose and scale the bands, and give `data.from_arrays`"


def tags_of(path: Path) -> Mapping[int, Any] | None:
    """Return the tags of the first page of a TIFF, also of one that Pillow cannot open; None if it is none.

    Args:
        path: Path of the file.
    """
    from PIL import TiffImagePlugin

    with open(path, "rb") as file:
        start = file.read(8)
        if start[:4] not in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return None
        try:
            tags = TiffImagePlugin.ImageFileDirectory_v2(start + (file.read(8) if start[2:4] == b"+\0" else b""))
            file.seek(tags.next)
            tags.load(file)
        except Exception:  # of a broken file; Pillow raises many kinds
            return None
    return tags


def check_samples(tags: Mapping[int, Any]) -> None:
    """Raise unless the samples are a gray or color picture of known range.

    Args:
        tags: Tags by number.

    Raises:
        ValueError: If there are more bands than the color needs and an alpha channel, or samples that are signed, of
            more than 16 bits, or floats; or if the first page is a thumbnail.
    """
    bands, extra = int(tags.get(_BANDS, 1)), _several(tags.get(_EXTRA, ()))
    bits, formats = _several(tags.get(_WIDTH_OF_SAMPLE, 1)), _several(tags.get(_FORMAT, 1))
    colors = _COLORS.get(tags.get(_PHOTOMETRIC, 1), bands)
    if bands > colors and not (bands == colors + 1 and extra in ((1,), (2,))):  # associated or unassociated alpha
        raise ValueError(f"{bands} bands, of which {bands - colors} are neither color nor alpha: {_ARRAYS}")
    if set(formats) != {1}:
        kind = {2: "signed integers", 3: "floats"}.get(formats[0], "samples of another kind")
        raise ValueError(f"pixels are {kind} of unknown range: save them as unsigned 8 or 16 bits, or {_ARRAYS}")
    if max(bits) > 16:
        raise ValueError(
            f"pixels are integers of {max(bits)} bits and unknown range: save them as 8 or 16 bits, or {_ARRAYS}"
        )
    if tags.get(_KIND, 0) & 1:
        raise ValueError("the first page is a thumbnail of another: save the page that you want as a file of its own")


def white_of(tags: Mapping[int, Any]) -> int:
    """Return the highest value of a sample of more than 8 bits: 4095 for 12 bits, which Pillow leaves as they are."""
    return 2 ** max(_several(tags.get(_WIDTH_OF_SAMPLE, 16))) - 1


def is_inverted(tags: Mapping[int, Any]) -> bool:
    """Return whether 0 is white, which Pillow respects in up to 8 bits only."""
    return tags.get(_PHOTOMETRIC) == 0


def _several(value):
    return tuple(value) if isinstance(value, tuple | list) else (value,)
