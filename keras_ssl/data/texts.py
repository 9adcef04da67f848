"""A set of texts, and the `Source` of their ids."""

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from keras_ssl.checks import check_labels, checked_texts
from keras_ssl.data.source import Source, from_arrays
from keras_ssl.data.splitting import two_parts
from keras_ssl.tokenizers import Tokenizer

__all__ = ["Texts", "from_texts"]


@dataclasses.dataclass(frozen=True, eq=False)
class Texts:
    """Texts in memory, with labels if there are any.

    Args:
        texts: A list of strings.
        labels: Integer array `(n,)` with class numbers from 0, or None.
        class_names: One name for each class number, or None.
        name: Name of the set in messages. Default: `"texts"`.
        why_unlabeled: Why there are no labels, for the error where they are needed, or None.

    Raises:
        UserError: If a text is no string or has NUL in it, or the labels do not fit.

    Example:
        `texts[:100]` and `texts[indices]` are `Texts`, and `list(texts.texts)` are the strings.
    """

    texts: Sequence[str]
    labels: np.ndarray | None = None
    class_names: tuple[str, ...] | None = None
    name: str = "texts"
    why_unlabeled: str | None = None

    def __post_init__(self):
        object.__setattr__(self, "texts", list(checked_texts(self.texts)))
        if self.labels is not None:
            check_labels(self.labels, len(self), self.classes)

    @property
    def classes(self) -> int | None:
        """Number of classes; None if their names are not known."""
        return None if self.class_names is None else len(self.class_names)

    def __len__(self) -> int:
        return len(self.texts)

    def __repr__(self):
        return f"Texts({self.name!r}, {len(self)} texts, {f'{self.classes} classes' if self.classes else 'no labels'})"

    def __getitem__(self, which: slice | Sequence[int] | np.ndarray) -> "Texts":
        """Return the texts of a slice, an array of indices or a boolean mask."""
        chosen = np.arange(len(self))[which]
        labels = None if self.labels is None else self.labels[chosen]
        return dataclasses.replace(self, texts=[self.texts[k] for k in chosen], labels=labels)

    def split(self, fraction: float, seed: int = 0) -> "tuple[Texts, Texts]":
        """Split the texts at random, class by class if there are labels. See `Source.split`.

        Args:
            fraction: Fraction of the texts in the first part, above 0 and below 1.
            seed: Seed of the draw, a non-negative integer. Default: 0.

        Returns:
            `(first, rest)`. Train a tokenizer on the first only if the rest is for testing.

        Raises:
            UserError: If one of the two would be empty.
        """
        first, rest = two_parts(len(self), self.labels, fraction, seed)
        return self[first], self[rest]


def from_texts(
    texts: Texts | Iterable[str],
    tokenizer: Tokenizer,
    length: int | None = None,
    labels: Any = None,
    *,
    begin: bool = False,
    end: bool = False,
    truncate: bool = False,
) -> Source:
    """Make a `Source` of the ids of texts, in rows of one length that are padded with 0.

    Args:
        texts: What `data.texts` returned, or strings.
        tokenizer: A `Tokenizer`.
        length: Number of ids of each text. Default: that of the longest.
        labels: Integers `(n,)` with class numbers from 0. Default: those of `texts`.
        begin: See `Tokenizer.encode`. Default: False.
        end: See `Tokenizer.encode`. Default: False.
        truncate: Whether longer texts are cut. Default: False, they are an error that counts them.

    Returns:
        A `Source` of kind "ids".

    Raises:
        UserError: If texts are too long, or labels do not fit.

    Example:
        `data.from_texts(["to be", "or not"], tokenizer, length=8, labels=[0, 1])`
    """
    texts = texts if isinstance(texts, Texts) else Texts(list(checked_texts(texts)))
    ids = tokenizer.encode(texts.texts, length, begin, end, truncate)
    if labels is not None or texts.labels is None:
        source = from_arrays(ids, labels, name=texts.name, kind="ids")
        return dataclasses.replace(source, why_unlabeled=texts.why_unlabeled)
    return from_arrays(ids, texts.labels, texts.classes, texts.class_names, texts.name, kind="ids")
