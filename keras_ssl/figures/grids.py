"""Grids of images: as one array, as a figure with a label beside each row, and as a PNG file."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from keras_ssl import checks
from keras_ssl.figures import palette
from keras_ssl.figures.palette import Figure
from keras_ssl.files import whole_file
from keras_ssl.typing import Path

__all__ = ["as_floats", "draw_image", "image_grid", "image_rows", "write_png"]

_WIDTH = 8.3  # inches that the images of a row take at most
_SIDE = 1.1  # inches that an image takes at most
_GAP = 8  # an image is this many times as wide as the gap beside it


def image_grid(images: np.ndarray, columns: int = 8, gap: int = 1) -> np.ndarray:
    """Arrange images in rows, with white gaps between them.

    Args:
        images: Float array `(n, height, width, channels)` in 0..1; values outside are clipped. Three channels are
            shown in color; any other number of channels is averaged to gray.
        columns: Images in a row. If n is not a multiple of it, the rest of the last row is white. Default: 8.
        gap: Width of the gaps in pixels. Default: 1.

    Returns:
        Float32 array in 0..1, `(rows * (height + gap) - gap, columns * (width + gap) - gap)` in gray, with a last axis
        of 3 in color. `imshow` and `write_png` take it.

    Raises:
        UserError: If these are not images, or there is less than one column.

    Example:
        `plt.imshow(image_grid(gan.sample(64)), cmap="gray")`
    """
    images = as_floats(checks.as_array(images))
    checks.check_shape(images, at_least=1)
    checks.check_values(images, (-np.inf, np.inf))
    checks.check_between("columns", columns, least=1, whole=True)
    checks.check_between("gap", gap, least=0, whole=True)
    return _arranged(images, columns, gap)


def _arranged(images, columns, gap):
    images = np.clip(images, 0, 1)
    if images.shape[-1] != 3:
        images = images.mean(axis=-1, keepdims=True)
    n, height, width, channels = images.shape
    rows = -(-n // columns)
    cells = np.ones((rows * columns, height + gap, width + gap, channels), "float32")
    cells[:n, :height, :width] = images
    cells = cells.reshape(rows, columns, height + gap, width + gap, channels).swapaxes(1, 2)
    grid = cells.reshape(rows * (height + gap), columns * (width + gap), channels)
    grid = grid[: grid.shape[0] - gap, : grid.shape[1] - gap]
    return grid if channels == 3 else grid[..., 0]


@palette.styled
def image_rows(rows: Mapping[str, np.ndarray], title: str | None = None) -> Figure:
    """Draw one row of images for each batch, with its label on the left.

    Args:
        rows: Batches by label: float arrays `(n, height, width, channels)`, drawn as `image_grid` does. Sizes and
            channels may differ between batches. NaN is drawn white.
        title: Title of the figure, or None.

    Returns:
        A Figure with one axes for each row.

    Raises:
        UserError: If a batch is not a batch of images.
    """
    from matplotlib.textpath import TextPath

    batches = {label: as_floats(batch) for label, batch in rows.items()}
    for label, batch in batches.items():
        checks.check_shape(batch, at_least=1, name=label)
    columns = max(map(len, batches.values()))
    side = min(_SIDE, _WIDTH / columns)
    gap = side / _GAP
    heights = [side * batch.shape[1] / batch.shape[2] for batch in batches.values()]
    left = max(TextPath((0, 0), line, size=9).get_extents().width for label in batches for line in label.split("\n"))
    left = left / 72 + 0.15  # from points to inches
    width = left + columns * (side + gap)
    height = sum(heights) + gap * (len(batches) + 1) + (0.25 if title else 0)
    figure = palette.figure(width, height)
    figure.set_layout_engine("none")
    bottom = height - (0.25 if title else 0)
    for (label, batch), high in zip(batches.items(), heights):
        bottom -= high + gap
        box = (left / width, bottom / height, (columns * (side + gap) - gap) / width, high / height)
        axis = figure.add_axes(box, anchor="W", xticks=[], yticks=[])
        grid = _arranged(batch, columns, gap=max(1, round(batch.shape[2] / _GAP)))
        axis.imshow(grid, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        axis.spines[:].set_visible(False)
        axis.set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    if title:
        figure.suptitle(title, fontsize=10, y=1 - 0.06 / height)
    return figure


def as_floats(images: Any) -> np.ndarray:
    """Return images as float32, those of bytes in 0..255 divided by 255.

    Args:
        images: Array of any shape.
    """
    images = np.asarray(images)
    return images.astype("float32") / (255 if images.dtype == np.uint8 else 1)


def draw_image(axis: Any, image: np.ndarray) -> None:
    """Draw an image on an axes, without ticks and a frame.

    Args:
        axis: `matplotlib.axes.Axes`.
        image: Float array `(height, width, channels)`; values outside of 0..1 are clipped. Three channels are shown in
            color; any other number of channels is averaged to gray.
    """
    shade = image if image.shape[-1] == 3 else image.mean(axis=-1)
    extent = (0, image.shape[1], image.shape[0], 0)  # a pixel is from 0 to 1, as boxes have it
    axis.imshow(np.clip(shade, 0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest", extent=extent)
    axis.set(xticks=[], yticks=[])
    axis.spines[:].set_visible(False)


def write_png(path: Path, grid: np.ndarray) -> pathlib.Path:
    """Write a picture as a PNG file, whole or not at all.

    Args:
        path: Path of the file. Missing folders are made.
        grid: Float array `(height, width)` or `(height, width, 3)` in 0..1, such as `image_grid` returns.

    Returns:
        The path.
    """
    from PIL import Image

    path = pathlib.Path(path)
    with whole_file(path) as beside:
        Image.fromarray((255 * grid).round().astype("uint8")).save(beside, format="PNG")
    return path
