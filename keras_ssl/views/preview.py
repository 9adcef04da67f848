"""A picture of what a policy does."""

from keras import ops

from keras_ssl.backends import require
from keras_ssl.checks import as_array, check_images
from keras_ssl.figures import image_rows
from keras_ssl.figures.palette import Figure
from keras_ssl.files import whole_file
from keras_ssl.typing import Operation, Path, Tensor

__all__ = ["preview"]


def preview(
    policy: Operation, images: Tensor, columns: int = 8, rows: int = 4, seed: int = 0, path: Path | None = None
) -> Figure:
    """Draw images in the first row, and views of them in the rows below, one draw of the policy in each.

    Args:
        policy: Function `(images, seed)` that returns images, or a dict of them as `views.pair` does. For a dict, each
            draw takes one row per view, labeled with its name.
        images: Float array of shape `(n, h, w, c)` in 0..1. Three channels are drawn in color; any other number of
            channels is averaged to gray.
        columns: Number of images to show, from the first. Default: 8.
        rows: Number of draws to show. Default: 4.
        seed: Integer; the draws have seeds `(seed, 0)`, `(seed, 1)`, …. Default: 0.
        path: Where to save the picture, or None. The ending gives the format: `.png`, `.svg`, `.pdf`.

    Returns:
        A `matplotlib.figure.Figure`, which a notebook displays.

    Raises:
        UserError: If the images are not finite floats in 0..1.
    """
    require("matplotlib", "which draws figures")
    import matplotlib.pyplot  # noqa: F401  (it registers with a notebook how figures are displayed)

    check_images(images := as_array(images)[:columns], at_least=1)
    images = images.astype("float32")
    grid = {"images": images}
    for row in range(rows):
        views = policy(ops.convert_to_tensor(images), ops.convert_to_tensor([seed, row], dtype="int32"))
        named = (
            {f"{name} (draw {row + 1})": view for name, view in views.items()}
            if isinstance(views, dict)
            else {f"draw {row + 1}": views}
        )
        grid |= {name: ops.convert_to_numpy(view) for name, view in named.items()}
    figure = image_rows(grid, getattr(policy, "name", None))
    if path is not None:
        with whole_file(path) as beside:
            figure.savefig(beside)
    return figure
