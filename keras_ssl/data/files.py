"""Samples in files, which are read when they are needed."""

import concurrent.futures
import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from keras_ssl.checks import check_between
from keras_ssl.data.arrays import check_some
from keras_ssl.errors import UserError
from keras_ssl.typing import Path, Progress

__all__ = ["Files"]


@dataclasses.dataclass(frozen=True, eq=False)
class Files:
    """One sample in each file, decoded by several threads when it is needed.

    Args:
        paths: Paths of the files.
        decode: Function of a path that returns the sample, an array of one shape and dtype for all files. Threads call
            it, so it should spend its time where Python's lock is released, as Pillow and NumPy do.
        threads: Number of threads. Default: 4.

    Example:
        `data.Source(data.Files(paths, decode), labels, classes=10, kinds="image")`
    """

    paths: Sequence[Path] | np.ndarray
    decode: Callable[[Path], np.ndarray]
    threads: int = 4

    def __post_init__(self) -> None:
        check_between("threads", self.threads, least=1, whole=True)
        object.__setattr__(self, "paths", np.asarray(self.paths, dtype=object))

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, which: Any) -> "Files":
        """Return the files of a slice, an array of indices or a boolean mask."""
        return dataclasses.replace(self, paths=self.paths[which])

    def rows(self, indices: Any) -> np.ndarray:
        """Return the samples at `indices` `(k,)`, an array `(k, …)`.

        Raises:
            UserError: If there is none, so that the shape is unknown, or a file cannot be decoded; it names the file.
        """
        check_some(indices, len(self))
        with concurrent.futures.ThreadPoolExecutor(self.threads) as pool:
            return np.stack(list(pool.map(self._decoded, self.paths[indices])))

    def broken(self, progress: Progress | None = None) -> list[tuple[int, str]]:
        """Decode every file, and return the index of each that cannot be read or differs from the first, and why.

        Args:
            progress: Called as `progress(done, total)` after each file, or None.
        """
        broken: list[tuple[int, str]] = []
        first = None
        with concurrent.futures.ThreadPoolExecutor(self.threads) as pool:
            for number, found in enumerate(pool.map(self._tried, self.paths)):
                first = found if first is None and not isinstance(found, str) else first
                if isinstance(found, str):
                    broken.append((number, found))
                elif found != first:
                    broken.append((number, f"shape and dtype {found}, the others have {first}"))
                if progress:
                    progress(number + 1, len(self))
        return broken

    def check(self, progress: Progress | None = None) -> None:
        """Decode every file, and raise if some cannot be read or differ from the first, before anything is trained.

        Args:
            progress: See `broken`.

        Raises:
            UserError: With the number of broken files and the first of them.
        """
        if broken := self.broken(progress):
            number, reason = broken[0]
            raise UserError(
                "files that can be decoded, to one shape and dtype",
                f"{len(broken)} of {len(self)} that cannot, the first {self.paths[number]}: {reason}",
                "remove or repair them",
            )

    def _decoded(self, path):
        try:
            return self.decode(path)
        except Exception as error:  # decoders raise many kinds
            raise UserError(
                "a file that can be decoded",
                f"{path}: {error}",
                "remove or repair it; `Files.check()` finds all such files before training",
            ) from error

    def _tried(self, path):
        """Shape and dtype of a sample, or why it cannot be decoded."""
        try:
            sample = np.asarray(self.decode(path))
        except Exception as error:  # decoders raise many kinds
            return f"{type(error).__name__}: {error}"
        return sample.shape, sample.dtype.name
