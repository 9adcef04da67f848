"""Jigsaw puzzles."""

import math
from typing import Any

import keras
from keras import ops

from keras_ssl.checks import check_between
from keras_ssl.errors import UserError
from keras_ssl.objectives.pretext.transformation import TransformationPrediction
from keras_ssl.transforms.rearrangements import distant_permutations, shuffle_tiles
from keras_ssl.typing import Batch, Tensor

__all__ = ["JigsawPrediction"]


@keras.saving.register_keras_serializable("keras_ssl")
class JigsawPrediction(TransformationPrediction):
    """Predict which of a fixed set of permutations shuffled the tiles of an image.

    Each image is shuffled by one permutation, drawn anew in each step, or given by its number in the batch as
    "permutation" `(n,)`. For logs and warnings see `TransformationPrediction`.

    Args:
        encoder: Built `keras.Model` from `(n, height, width, channels)` to `(n, d)`.
        grid: Number of tiles along each side, at least 2; height and width must be multiples of it. Default: 2.
        permutations: Size of the set, at least 2 and at most `(grid²)!`. Default: 24, which is all
            permutations for a grid of 2. The set is `transforms.distant_permutations(permutations, grid²)`, the same in
            every run.
        seed: See `Objective`.
        **kwargs: See `Objective`.

    Raises:
        UserError: If the images cannot be cut into such tiles, or there are not so many permutations.

    Reference:
        Noroozi & Favaro 2016, "Unsupervised Learning of Visual Representations by Solving Jigsaw Puzzles".

    Departures:
        The encoder sees the whole shuffled image, so any encoder works; in the paper a siamese network sees each tile
        by itself. There are no gaps between the tiles, so the network can use edges that match.
    """

    optional_keys = ("permutation",)
    because = "Images whose tiles look alike, such as textures and empty images, do not show the order of their tiles."

    def __init__(self, encoder: keras.Model, grid: int = 2, permutations: int = 24, seed: int = 0, **kwargs: Any):
        check_between("grid", grid, 2, whole=True)
        check_between("permutations", permutations, 2, math.factorial(grid**2), whole=True)
        super().__init__(encoder, classes=permutations, seed=seed, **kwargs)
        self.grid = grid
        self.permutations = permutations
        self.check_size(*encoder.input_shape[1:3])
        self.orders = distant_permutations(permutations, grid**2)

    def check_size(self, height: int | None, width: int | None) -> None:
        """Raise `UserError` unless both sides are multiples of the grid."""
        sides = [side for side in (height, width) if side is not None]
        if any(side % self.grid for side in sides):
            fitting = [g for g in range(2, min(sides) // 2 + 1) if not any(side % g for side in sides)]
            raise UserError(
                f"images whose height and width are multiples of grid={self.grid}",
                f"{height} x {width} pixels",
                f"choose {' or '.join(f'grid={g}' for g in fitting)}" if fitting else "load the images with `size=`",
            )

    def version(self, images: Tensor, k: int) -> Tensor:
        """Return the images shuffled by the k-th permutation."""
        return shuffle_tiles(images, self.grid, self.orders[k])

    def questions(self, batch: Batch, training: bool) -> tuple[Tensor, Tensor]:
        """Return every image shuffled by one permutation, and the permutations' numbers `(n,)`."""
        labels = batch.get("permutation")
        if labels is None:
            count = ops.shape(batch["input"])[0]
            labels = keras.random.randint((count,), 0, self.permutations, seed=self.draws(training))
        orders = ops.take(ops.convert_to_tensor(self.orders), ops.cast(labels, "int32"), axis=0)
        return shuffle_tiles(batch["input"], self.grid, orders), labels
