"""What stored samples become in a batch."""

from typing import Any

import numpy as np

from keras_ssl.checks import check_axes
from keras_ssl.errors import UserError
from keras_ssl.specs.kinds import KINDS, kind_of
from keras_ssl.specs.spec import Spec
from keras_ssl.typing import Shape

__all__ = ["scale_of", "stored_spec"]


def stored_spec(name: str, shape: Shape, dtype: Any, kind: str | None = None) -> Spec:
    """Return what batches of stored samples are, once they are converted.

    Args:
        name: Name of the samples, which is their kind if it is one of `KINDS` and `kind` is None.
        shape: Shape of the stored array, with the axis of samples.
        dtype: Its NumPy dtype.
        kind: One of `KINDS`. Default: by name, axes and dtype, see `kind_of`; uint8 with four or five axes are images
            and videos. Floats with three axes have no kind by default: they may be series, or gray images.

    Raises:
        UserError: If the kind is unknown or not clear, or samples of this kind have other axes or dtypes.
    """
    rank, dtype = len(shape), np.dtype(dtype).name
    kind = kind or _guess(name, rank, dtype)
    if kind not in KINDS:
        raise UserError(f"a kind among {', '.join(KINDS)}", repr(kind), "choose one of them")
    wanted = KINDS[kind]
    check_axes(shape, wanted.axes, wanted.plural, f"; or say what it is: `kind=` {', '.join(KINDS)}")
    same_sort = ("float" in dtype) == ("float" in wanted.dtype) and np.dtype(dtype).kind in "biuf"
    fits = dtype in wanted.stored or same_sort
    spec = Spec((None, *shape[1:]), wanted.dtype, wanted.low, wanted.high, kind, missing=wanted.missing)
    if not fits:
        raise UserError(
            f"{wanted.plural} as {' or '.join([spec.values, *wanted.stored])}",
            f"dtype {dtype}",
            "convert them: `x.astype('float32') / 255` for pixels of 8 bits, whatever integer type holds them"
            if "float" in wanted.dtype
            else f"cast to {wanted.dtype}",
        )
    return spec


def _guess(name, rank, dtype):
    """Kind of stored samples by name, axes and dtype; "image" where nothing fits, which is what most people have."""
    if name in KINDS:
        return name
    known = rank in (4, 5) or (rank == 2 and dtype != "uint8") or (rank == 3 and not _may_be_pixels(dtype))
    return kind_of(name, rank, "float32" if rank in (4, 5) else dtype) if known else "image"


def _may_be_pixels(dtype):
    return dtype == "uint8" or "float" in dtype


def scale_of(spec: Spec, dtype: Any) -> float:
    """Return what stored values are divided by to become those of a spec.

    Args:
        spec: Result of `stored_spec`.
        dtype: Dtype in which the values are stored.
    """
    return KINDS[spec.kind].stored.get(np.dtype(dtype).name, 1.0) if spec.kind else 1.0
