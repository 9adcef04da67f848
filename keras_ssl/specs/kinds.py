"""Kinds of data: their axes, dtypes and ranges."""

import dataclasses

from keras_ssl.errors import UserError

__all__ = ["KINDS", "Kind", "kind_of"]


@dataclasses.dataclass(frozen=True)
class Kind:
    """A kind of data.

    Attributes:
        axes: Names of the axes of one sample.
        plural: What several samples are called.
        dtype: Dtype of a batch.
        low: Lowest value, or None for any.
        high: Highest value, or None for any.
        stored: Dtypes in which data of this kind may be stored besides, and what their values are divided by.
        missing: Whether data may hold NaN, for values that are missing. Not every model takes them: see `specs_of`.
    """

    axes: tuple[str, ...]
    plural: str
    dtype: str = "float32"
    low: float | None = None
    high: float | None = None
    stored: dict[str, float] = dataclasses.field(default_factory=dict)
    missing: bool = False


KINDS: dict[str, Kind] = {
    "image": Kind(("height", "width", "channels"), "images", low=0.0, high=1.0, stored={"uint8": 255.0}),
    "video": Kind(("time", "height", "width", "channels"), "videos", low=0.0, high=1.0, stored={"uint8": 255.0}),
    "audio": Kind(("time",), "recordings", low=-1.0, high=1.0, stored={"int16": 32768.0}),
    "series": Kind(("time", "channels"), "series", missing=True),
    "row": Kind(("features",), "rows"),
    "ids": Kind(("time",), "rows of ids", "int32", low=0),
    "mask": Kind(("time",), "masks", "int32", low=0, high=1),
}
"""Kinds by the name of the input. In ids 0 is padding; a mask is 1 where there is something."""


def kind_of(name: str, rank: int, dtype: str) -> str:
    """Return the kind of an input: its name if that is one of `KINDS`, else the kind that its axes and dtype suggest.

    Args:
        name: Name of the input.
        rank: Number of its axes, with the batch.
        dtype: Name of its dtype.

    Returns:
        One of `KINDS`: for integers "ids", or "mask" if the name ends so; for floats "row", "series", "image" and
        "video" of two to five axes.

    Raises:
        UserError: If it has more axes, or none.
    """
    if name in KINDS:
        return name
    if "float" not in dtype:
        return "mask" if name.endswith("mask") else "ids"
    if rank not in (2, 3, 4, 5):
        raise UserError(
            f"an input of a known kind: {', '.join(KINDS)}", f"'{name}' of {rank} axes", "name the `keras.Input` so"
        )
    return {2: "row", 3: "series", 4: "image", 5: "video"}[rank]
