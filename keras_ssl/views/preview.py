"""A picture of what a policy does."""

from keras import ops

from keras_ssl.backends import require
from keras_ssl.checks import as_array, check_images
from keras_ssl.figures import image_rows
from keras_ssl.figures.palette import Figure
from keras_ssl.figures.plots import series_rows
from keras_ssl.files import whole_file
from keras_ssl.typing import Operation, Path, Tensor

__all__ = ["preview"]


def preview(
    policy: Operation, images: Tensor, columns: int = 8, rows: int = 4, seed: int = 0, path: Path | None = None
) -> Figure:
    """Draw images, or series, in the first row, and views of them in the rows below, one draw of the policy in each.

    Args:
        policy: Function `(images, seed)` that returns images, or a dict of them as `views.pair` does. For a dict, each
            draw takes one row per view, labeled with its name. A `Policy` of kind "series" takes and returns series.
        images: Float array of shape `(n, h, w, c)` in 0..1. Three channels are drawn in color; any other number of
            channels is averaged to gray. Or series `(n, time, channels)`, which `figures.plots.series_rows` draws.
        columns: Number of images to show, from the first. Default: 8; of series at most 6.
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

    is_series = getattr(getattr(policy, "policy", policy), "kind", "image") == "series"  # of a pair, its first view's
    images = as_array(images)[:columns]
    if not is_series:
        check_images(images, at_least=1)
    images = images.astype("float32")
    grid = {"series" if is_series else "images": images}
    for row in range(rows):
        views = policy(ops.convert_to_tensor(images), ops.convert_to_tensor([seed, row], dtype="int32"))
        named = (
            {f"{name} (draw {row + 1})": view for name, view in views.items()}
            if isinstance(views, dict)
            else {f"draw {row + 1}": views}
        )
        grid |= {name: ops.convert_to_numpy(view) for name, view in named.items()}
    figure = (series_rows if is_series else image_rows)(grid, getattr(policy, "name", None))
    if path is not None:
        with whole_file(path) as beside:
            figure.savefig(beside)
    return figure
