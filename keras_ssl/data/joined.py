"""Samples of several tensors, each of which has a place of its own."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from keras_ssl.errors import UserError

__all__ = ["Joined"]


@dataclasses.dataclass(frozen=True, eq=False)
class Joined:
    """Samples that are dicts, one tensor in memory, say, and another one in files.

    Args:
        parts: By name of the tensor what has `len()`, rows by index and parts by index: `Arrays`, `Files`, `Windows`,
            `Shards`.

    Raises:
        UserError: If they have different lengths.

    Example:
        `data.Source(data.Joined({"image": data.Files(paths, decode), "ids": data.Arrays(ids)}))`
    """

    parts: Mapping[str, Any]

    def __post_init__(self) -> None:
        if len({len(part) for part in self.parts.values()}) != 1:
            raise UserError(
                f"as many samples of each of {', '.join(self.parts)}",
                f"{', '.join(f'{len(part)} of {name}' for name, part in self.parts.items())}",
                "check where they come from",
            )

    def __len__(self) -> int:
        return len(next(iter(self.parts.values())))

    def __getitem__(self, which: Any) -> "Joined":
        """Return the samples of a slice, an array of indices or a boolean mask."""
        return Joined({name: part[which] for name, part in self.parts.items()})

    def rows(self, indices: Any) -> dict[str, Any]:
        """Return the samples at `indices` `(k,)`, a dict of arrays."""
        return {name: part.rows(indices) for name, part in self.parts.items()}
