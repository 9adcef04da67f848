"""Many images as one."""

import pathlib

import numpy as np

from keras_ssl import checks
from keras_ssl.files import whole_file

__all__ = ["image_grid", "write_png"]


def image_grid(images, columns=8, gap=1):
    """Lay images out in rows, with white lines between them.

    Args:
        images: Float array `(n, height, width, channels)` in 0..1; values outside are clipped. Three channels are
            shown in color, of any other number the mean in gray.
        columns: Images in a row. Default 8. Where n is no multiple of it the last row is filled up with white.
        gap: Width of the lines in pixels. Default 1.

    Returns:
        Float32 array in 0..1, `(rows * (height + gap) - gap, columns * (width + gap) - gap)` in gray and with a last
        axis of 3 in color, which `imshow` and `write_png` take.

    Raises:
        UserError: If these are no images, or there is not one column.

    Example:
        `plt.imshow(image_grid(gan.sample(64)), cmap="gray")`
    """
    images = checks.as_array(images)
    checks.check_shape(images, at_least=1)
    checks.check_values(images, (-np.inf, np.inf))
    checks.check_between("columns", columns, least=1)
    checks.check_between("gap", gap, least=0)
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


def write_png(path, grid):
    """Write a picture, which is there whole or not at all.

    Args:
        path: Of the file, whose folder is there.
        grid: Float array `(height, width)` or `(height, width, 3)` in 0..1, such as `image_grid` returns.

    Returns:
        `pathlib.Path`.
    """
    from PIL import Image

    path = pathlib.Path(path)
    with whole_file(path) as beside:
        Image.fromarray((255 * grid).round().astype("uint8")).save(beside, format="PNG")
    return path
