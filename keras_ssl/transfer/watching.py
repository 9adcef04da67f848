"""Proof of what a training changes: weights before and after."""

import hashlib
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import keras
import numpy as np
from keras import ops

from keras_ssl.errors import UserError
from keras_ssl.transfer.freezing import shortened
from keras_ssl.transfer.summary import named_weights

__all__ = ["Changes", "watch"]


@dataclass(repr=False)
class Changes:
    """Which weights of a model a block of code moves. Its repr is a few sentences.

    It is a context manager, which `transfer.watch` makes. Weights are compared bit by bit, the statistics of batch
    normalization among them. The attributes are known once the block has ended.

    Attributes:
        model: The model.
        moved: Paths of the weights that differ from before the block.
        stayed: Paths of the weights that are the same as before.
        moved_while_frozen: Those of `moved` that do not train, such as the statistics of batch normalization.
        stayed_while_training: Those of `stayed` that train: nothing that was learned reaches them.
    """

    model: keras.Model
    moved: tuple[str, ...] = ()
    stayed: tuple[str, ...] = ()
    moved_while_frozen: tuple[str, ...] = ()
    stayed_while_training: tuple[str, ...] = ()
    _before: dict[str, bytes] = field(default_factory=dict)
    _ended: bool = False

    def __enter__(self) -> Self:
        self._ended, self._before = False, {path: _digest(weight) for path, weight in named_weights(self.model)}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        weights = dict(named_weights(self.model))
        if set(weights) != set(self._before):
            new = sorted(set(weights) ^ set(self._before))
            if kind is None:
                raise UserError(
                    f"the weights that '{self.model.name}' had before",
                    f"{len(new)} that were added or removed, such as '{new[0]}'",
                    "build the model, and add or merge layers, before `transfer.watch`",
                )
            return
        changed = {path: _digest(weight) != self._before[path] for path, weight in weights.items()}
        training = {id(weight) for weight in self.model.trainable_weights}
        trains = {path: id(weight) in training for path, weight in weights.items()}
        self.moved = tuple(path for path in weights if changed[path])
        self.stayed = tuple(path for path in weights if not changed[path])
        self.moved_while_frozen = tuple(path for path in self.moved if not trains[path])
        self.stayed_while_training = tuple(path for path in self.stayed if trains[path])
        self._ended = True

    def __repr__(self) -> str:
        if not self._ended:
            return f"Changes of '{self.model.name}', which are known once the `with` block has ended."
        count = f"{len(self.moved)} of {len(self.moved) + len(self.stayed)} weights moved"
        sentences = [f"{count}: {_parts(self.moved)}.", f"Stayed: {_parts(self.stayed)}."]
        if self.moved_while_frozen:
            sentences.append(f"Moved without training: {_parts(self.moved_while_frozen)}.")
        if self.stayed_while_training:
            sentences.append(f"Trains but stayed: {_parts(self.stayed_while_training)}.")
        return " ".join(sentences)


def watch(model: keras.Model) -> Changes:
    """Return a context manager that finds out which weights a block of code moves, and which stay bit for bit.

    Args:
        model: Built `keras.Model` or objective. Nothing about it changes; a hash of each weight is kept.

    Returns:
        `Changes`, whose attributes `moved` and `stayed` are known after the block.

    Raises:
        UserError: At the end of the block, if weights were added or removed in it.

    Example:
        `with transfer.watch(classifier) as changes: classifier.fit(images, labels)`, then `changes`
    """
    return Changes(model)


def _digest(weight: Any) -> bytes:
    value = np.ascontiguousarray(ops.convert_to_numpy(weight))
    return hashlib.blake2b(value.tobytes(), digest_size=16).digest()


def _parts(paths):
    return shortened(paths, "weights")
