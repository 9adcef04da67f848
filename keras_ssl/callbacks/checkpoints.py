"""Checkpoints in a folder: each is whole or not there, and one that was damaged is never loaded."""

import json
import os
import pathlib
import re
import warnings
from collections.abc import Mapping
from typing import Any

from keras_ssl.errors import UserError
from keras_ssl.files import check_no_pattern, checksums, damage, json_text, place, staged
from keras_ssl.typing import Path

__all__ = ["Checkpoints", "checkpoint_numbers"]

_SUMS, _FACTS = "sums.json", "run.json"


def checkpoint_numbers(directory: Path) -> list[int]:
    """Return the numbers of all checkpoints in a folder, whole or damaged, the newest first.

    Args:
        directory: Folder, which need not exist.
    """
    folders = (path.name for path in pathlib.Path(directory).glob("ckpt-*") if path.is_dir())
    return sorted((int(match[1]) for name in folders if (match := re.fullmatch(r"ckpt-([0-9]+)", name))), reverse=True)


class Checkpoints:
    """The newest two states of a training, each in a folder `ckpt-N` with its checksums.

    Args:
        directory: Folder of the checkpoints.
        state: `tf.train.Checkpoint` of all variables.

    Attributes:
        known: Number of the checkpoint that was last found whole, or saved; None if there is none.
    """

    def __init__(self, directory: Path, state: Any):
        check_no_pattern(directory)
        self.directory, self.state = pathlib.Path(directory), state
        self.known: int | None = None
        self.last = max(checkpoint_numbers(directory), default=0)

    def find(self) -> int | None:
        """Find the newest checkpoint that is whole; each newer one that is damaged is a warning.

        Returns:
            Its number, or None if there are no checkpoints.

        Raises:
            UserError: If all are damaged.
        """
        numbers, damaged = checkpoint_numbers(self.directory), []
        if self.known is not None and numbers[:1] == [self.last]:
            return self.known
        self.last, self.known = max(numbers, default=0), None
        for number in numbers:
            what = self._damage(number)
            if what is None:
                self.known = number
                break
            damaged.append(f"ckpt-{number} ({what})")
        if damaged and self.known is None:
            raise UserError(
                f"a checkpoint in {self.directory} that is as it was written",
                ", ".join(damaged),
                "restore the folder from a copy, or start anew in another one",
            )
        if damaged:
            older = f"Training goes on from ckpt-{self.known}, which is older."
            warnings.warn(f"Damaged in {self.directory}: {', '.join(damaged)}. {older}", stacklevel=3)
        return self.known

    def load(self) -> None:
        """Load the checkpoint that was last found or saved, if there is one.

        Raises:
            UserError: If it is of another model or optimizer.
        """
        import tensorflow as tf

        if self.known is None:
            return
        try:
            self.state.read(str(self._folder(self.known) / "state")).assert_consumed()
        except (AssertionError, ValueError, tf.errors.InvalidArgumentError) as error:  # names, shapes or dtypes differ
            raise UserError(
                "a checkpoint of the same encoder, objective and optimizer",
                f"another one in {self.directory}",
                "resume with the arguments that the run was started with, or start anew in another folder",
            ) from error

    def facts(self) -> dict[str, Any]:
        """Return the facts of the checkpoint that was last found or saved; an empty dict if there is none."""
        if self.known is None:
            return {}
        return json.loads((self._folder(self.known) / _FACTS).read_text(encoding="utf-8"))

    def save(self, facts: Mapping[str, Any], or_else: str) -> None:
        """Save the next checkpoint, then remove all but this one and the one before it.

        Args:
            facts: Dict that JSON can hold.
            or_else: What to do beside making room, for the error.

        Raises:
            UserError: If nothing can be written, the disk is full, or another run has saved one in the meantime.
        """
        number = self.last + 1
        with staged(self.directory, or_else) as folder:
            self.state.write(str(folder / "state"))
            (folder / _FACTS).write_text(json_text(facts), encoding="utf-8")
            (folder / _SUMS).write_text(json_text(checksums(folder)), encoding="utf-8")
            if not place(folder, self._folder(number)):
                raise UserError(
                    f"checkpoints of one run in {self.directory}",
                    f"ckpt-{number}, which another run has saved there in the meantime",
                    "give each run a folder of its own",
                )
        kept = {number, self.last if self.known is None else self.known}
        self.last = self.known = number
        if gone := [old for old in checkpoint_numbers(self.directory) if old not in kept]:
            with staged(self.directory, or_else) as folder:  # so that what a kill leaves of it is removed
                for old in gone:
                    os.rename(self._folder(old), folder / str(old))

    def _folder(self, number):
        return self.directory / f"ckpt-{number}"

    def _damage(self, number):
        """What is wrong with the files of a checkpoint, in words, or None."""
        folder = self._folder(number)
        try:
            sums = json.loads((folder / _SUMS).read_text(encoding="utf-8"))
            return damage(folder, sums, without=(_SUMS,))
        except FileNotFoundError:
            return f"{_SUMS} is missing"
        except OSError as error:
            return error.strerror or str(error)
        except (ValueError, AttributeError):
            return f"{_SUMS} is not as it was written"
