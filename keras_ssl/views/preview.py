"""Look at what a policy does."""

import numpy as np
from keras import ops

__all__ = ["preview"]


def preview(policy, images, columns=8, rows=4, seed=0, path=None):
    """Draw a grid: the images in the first row, views of them below, one draw of the policy to a row.

    Args:
        policy: Function `(images, seed)` that returns images, or a dict of them such as a pair does; then each draw
            takes one row per view, with its name beside it.
        images: Float array of shape `(n, h, w, c)` in 0..1. One channel is drawn in gray, three in color, of any
            other number the mean.
        columns: How many images to show, the first ones. Default 8.
        rows: How many draws to show. Default 4.
        seed: Integer; the draws have seeds `(seed, 0)`, `(seed, 1)`, …. Default 0.
        path: Where to save the picture, or None. The ending gives the format: `.png`, `.svg`, `.pdf`.

    Returns:
        A `matplotlib.figure.Figure`, which a notebook displays.
    """
    images = np.asarray(images[:columns], dtype="float32")
    grid = {"images": images}
    for row in range(rows):
        views = policy(ops.convert_to_tensor(images), ops.convert_to_tensor([seed, row], dtype="int32"))
        named = (
            {f"{name} (draw {row + 1})": view for name, view in views.items()}
            if isinstance(views, dict)
            else {f"draw {row + 1}": views}
        )
        grid |= {name: ops.convert_to_numpy(view) for name, view in named.items()}
    return _draw(grid, getattr(policy, "name", None), path)


def _draw(grid, title, path):
    import matplotlib.pyplot  # noqa: F401  (a notebook learns from it how to display a figure)
    from matplotlib.figure import Figure

    columns = len(next(iter(grid.values())))
    figure = Figure(figsize=(1.1 * columns + 1.0, 1.1 * len(grid) + 0.3), dpi=110, layout="constrained")
    axes = figure.subplots(len(grid), columns, squeeze=False)
    for line, (label, batch) in zip(axes, grid.items()):
        for axis, image in zip(line, batch):
            shown = image if image.shape[-1] == 3 else image.mean(axis=-1)
            axis.imshow(np.clip(shown, 0, 1), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            axis.set(xticks=[], yticks=[])
            axis.spines[:].set_visible(False)
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    if title:
        figure.suptitle(title, fontsize=10)
    if path is not None:
        figure.savefig(path)
    return figure
