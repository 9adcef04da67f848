"""Samples in records that can be read in any order."""

import dataclasses
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_ssl.data.arrays import check_some
from keras_ssl.errors import UserError
from keras_ssl.typing import Samples

__all__ = ["Shards"]


@dataclasses.dataclass(frozen=True, eq=False)
class Shards:
    """Samples in records of files, such as ArrayRecord's, that are parsed when they are needed.

    Args:
        records: Anything with `len()` and `__getitems__(indices)`, which returns a list of records: an
            `array_record.python.array_record_data_source.ArrayRecordDataSource`, or the result of
            `tfds.data_source(…)`.
        parse: Function of a record that returns the sample: an array of one shape and dtype for all records, or a dict
            of them. Default: the record itself.
        chosen: Indices of the records that are samples, an integer array. Default: all.

    Raises:
        UserError: If the records cannot be read by index.
    """

    records: Any
    parse: Callable[[Any], Samples] = np.asarray
    chosen: Any = None

    def __post_init__(self) -> None:
        if not hasattr(self.records, "__len__") or not hasattr(self.records, "__getitems__"):
            raise UserError(
                "records with `len()` and `__getitems__`",
                type(self.records).__name__,
                "give an `ArrayRecordDataSource(paths)`, or `tfds.data_source(name, split=…)`",
            )
        if self.chosen is None:
            object.__setattr__(self, "chosen", np.arange(len(self.records)))

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, which: Any) -> "Shards":
        """Return the samples of a slice, an array of indices or a boolean mask."""
        return dataclasses.replace(self, chosen=self.chosen[which])

    def rows(self, indices: Any) -> Samples:
        """Return the samples at `indices` `(k,)`: an array `(k, …)`, or a dict of them.

        Raises:
            UserError: If there is none, so that the shape is unknown.
        """
        check_some(indices, len(self))
        parsed = [self.parse(record) for record in self.records.__getitems__(self.chosen[indices].tolist())]
        return keras.tree.map_structure(lambda *samples: np.stack(samples), *parsed)
