"""Plots of embeddings as points in the plane."""

from collections.abc import Mapping, Sequence

import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.figures import palette
from keras_ssl.figures.palette import Figure

__all__ = ["embedding_maps", "map_2d"]


@palette.styled
def embedding_maps(
    maps: Mapping[str, np.ndarray], labels: np.ndarray, class_names: Sequence[str] | None = None
) -> Figure:
    """Draw scatter plots side by side, colored by class. Up to 20 classes are named at the medians of their points.

    Args:
        maps: `{title: array (n, 2)}`, for example of raw pixels, the untrained encoder, and the encoder after
            SimCLR, each made by `map_2d`.
        labels: `(n,)` class numbers from 0, for the colors only.
        class_names: Names by class number. Default: the numbers.

    Returns:
        A Figure with one axes for each map. Below each map stands the share of points whose nearest neighbor on the map
        has the same class.

    Raises:
        UserError: If there is nothing to draw, or a map does not have the shape `(len(labels), 2)`.
    """
    from matplotlib import patheffects
    from sklearn.neighbors import NearestNeighbors

    if not maps:
        raise UserError("at least one map", "none", "pass `{'raw pixels': map_2d(images), …}`")
    labels = np.asarray(labels)
    figure = palette.figure(min(3.45 * len(maps), 10.4), 3.9 if len(maps) > 1 else 3.7)
    shares = []
    for axis, (title, points) in zip(figure.subplots(1, len(maps), squeeze=False)[0], maps.items()):
        points = np.asarray(points)
        if points.shape != (len(labels), 2):
            raise UserError(f"a map of shape ({len(labels)}, 2) for {title!r}", f"shape {points.shape}",
                            "pass the output of `map_2d` for the samples that the labels belong to")  # fmt: skip
        axis.scatter(*points.T, s=9, c=[palette.CLASSES[label % 10] for label in labels], alpha=0.75, linewidths=0)
        for label in np.unique(labels) if len(np.unique(labels)) <= 20 else ():
            x, y = np.median(points[labels == label], axis=0)
            name = str(label if class_names is None else class_names[label])
            text = axis.text(x, y, name, ha="center", va="center", weight="bold", size=12 if len(name) < 3 else 9)
            text.set_path_effects([patheffects.withStroke(linewidth=3, foreground="white")])
        nearest = NearestNeighbors(n_neighbors=1).fit(points).kneighbors(return_distance=False)[:, 0]
        share = f"{np.mean(labels[nearest] == labels):.1%}"
        shares.append(f"{title} {share}")
        axis.set(xticks=[], yticks=[], title=title, xlabel=f"nearest point has the same class: {share}")
        axis.spines[["top", "right"]].set_visible(True)
    figure.set_label("Maps of the embeddings. Nearest neighbor on the map has the same class: " + ", ".join(shares))
    return figure


def map_2d(x: np.ndarray, seed: int = 0) -> np.ndarray:
    """Map points with many features to the plane: PCA to at most 50 features, then 500 steps of scikit-learn's t-SNE.

    On such a map only neighborhoods have a meaning; the sizes of clusters and the distances between them have none.
    Takes about a second for 500 points. Of more than a few thousand points, map a sample.

    Args:
        x: Array `(n, …)` of finite numbers, n >= 4, at least 2 features; axes after the first are flattened.
        seed: Seed of both. The same seed gives the same map. Default: 0.

    Returns:
        Float32 array `(n, 2)`; all zeros if all points are the same (a collapsed encoder).

    Raises:
        UserError: If there are fewer than 4 points or 2 features, or NaN or Inf among them.

    Reference:
        van der Maaten & Hinton 2008, "Visualizing data using t-SNE".
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    x = np.asarray(x, "float32").reshape(len(x), -1)
    if len(x) < 4 or x.shape[1] < 2 or not np.isfinite(x).all():
        received = f"shape {x.shape}" + ("" if np.isfinite(x).all() else " with NaN or Inf")
        raise UserError("at least 4 points of 2 finite features", received, "give more samples, or fix the encoder")
    if np.ptp(x, axis=0).max() == 0:
        return np.zeros((len(x), 2), "float32")
    reduced = PCA(min(50, len(x), x.shape[1]), random_state=seed).fit_transform(x)
    with threadpool_limits(1):  # on few points t-SNE's threads wait for each other: 3 times slower on two cores
        tsne = TSNE(2, perplexity=min(30, (len(x) - 1) / 3), init="pca", max_iter=500, random_state=seed)
        return tsne.fit_transform(reduced).astype("float32")
