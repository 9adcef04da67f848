"""A set of samples, with or without labels."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from keras_ssl import specs
from keras_ssl.checks import as_array, as_arrays, check_labels
from keras_ssl.data.arrays import Arrays
from keras_ssl.data.preparation import Preparation
from keras_ssl.data.series_preparation import SeriesPreparation
from keras_ssl.data.sound_preparation import SoundPreparation
from keras_ssl.data.splitting import two_parts
from keras_ssl.errors import UserError
from keras_ssl.specs import Spec, Specs
from keras_ssl.tokenizers import Tokenizer
from keras_ssl.typing import Samples

__all__ = ["Source", "check_labeled", "from_arrays"]

_RATE = 8000  # Hz


@dataclasses.dataclass(frozen=True, eq=False)
class Source:
    """Samples in their stored dtype, with labels and other columns if there are any.

    Args:
        samples: An array `(n, …)` or a dict of them, or what has `len()`, rows by index and parts by index: `Windows`,
            `Contexts`, `Files` or `Shards`.
        labels: Integer array of shape `(n,)` with class numbers from 0, or None.
        classes: Number of classes, or None if there are no labels.
        class_names: One name for each class number, or None.
        name: Name of the set in messages. Default: `"samples"`.
        columns: Other known values of the samples, a dict from names to arrays of shape `(n,)`, or None.
        kinds: Kind of the samples, one of `specs.KINDS`, or a dict of kinds by name. Default: by name, axes and dtype;
            see `specs.stored_spec`.
        preparation: How images were brought to their size, or recordings to their sample rate, or which channels series
            have, or None if that is not known. It is kept with models that are trained on them.
        why_unlabeled: Why there are no labels, for the error where they are needed, or None.
        tokenizer: The `Tokenizer` that made the ids, or None. It is kept with models that are trained on them.

    Attributes:
        specs: What batches of the samples are: a `specs.Spec`, or a dict of them by name.

    Raises:
        UserError: If the axes or dtype of the samples, the labels or the columns do not fit this description. Values
            are checked by `batches` and `few`.

    Example:
        `source[:100]` and `source[indices]` are sources of these samples.
    """

    samples: Any
    labels: np.ndarray | None = None
    classes: int | None = None
    class_names: tuple | None = None
    name: str = "samples"
    columns: dict | None = None
    kinds: str | dict[str, str] | None = None
    preparation: Preparation | SoundPreparation | SeriesPreparation | None = None
    why_unlabeled: str | None = None
    tokenizer: Tokenizer | None = None
    specs: Specs = dataclasses.field(init=False, repr=False)

    def __post_init__(self):
        if isinstance(self.samples, dict) or not hasattr(self.samples, "rows"):
            object.__setattr__(self, "samples", Arrays(self.samples))
        object.__setattr__(self, "specs", _specs(self.example, self.kinds))
        if self.labels is not None:
            check_labels(self.labels, len(self), self.classes)
        for name, column in (self.columns or {}).items():
            if np.shape(column) != (len(self),):
                raise UserError(
                    f"one value of column '{name}' for each of {len(self)} {self.plural}",
                    f"shape {np.shape(column)}",
                    "check where both come from",
                )

    @property
    def example(self) -> Samples:
        """The first sample as it is stored, with an axis of length 1; of length 0 if there are none."""
        return self.samples.rows(np.arange(min(len(self), 1)))

    @property
    def stored(self) -> Samples:
        """All samples as they are stored, an array or a dict of them; those that are not in memory are read."""
        return self.samples.values if isinstance(self.samples, Arrays) else self.samples.rows(np.arange(len(self)))

    @property
    def kind(self) -> str:
        """Kind of the samples; of several tensors, the kinds of all."""
        return ", ".join(str(spec.kind) for spec in keras.tree.flatten(self.specs))

    @property
    def shape(self) -> Any:
        """Shape of one sample of one tensor, such as `(height, width, channels)`.

        Raises:
            UserError: If samples have several tensors.
        """
        if not isinstance(self.specs, Spec):
            raise UserError("samples of one tensor", f"a dict of {', '.join(self.specs)}", "read `source.specs`")
        return self.specs.shape[1:]

    @property
    def rate(self) -> int:
        """Sample rate of recordings in Hz; 8000 where it is not known, as encoders of sound have by default."""
        return self.preparation.rate if isinstance(self.preparation, SoundPreparation) else _RATE

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self):
        labels = "no labels" if self.labels is None else f"{self.classes} classes"
        stored = [f"{x.shape[1:]}, {x.dtype}" for x in keras.tree.flatten(self.example)]
        return f"Source({self.name!r}, {len(self)} {self.plural} of shape {', '.join(stored)}, {labels})"

    @property
    def plural(self) -> str:
        """What the samples are called, such as "images"."""
        return specs.plural(self.specs)

    def __getitem__(self, which: slice | Sequence[int] | np.ndarray) -> "Source":
        """Return the samples of a slice, an array of indices or a boolean mask, as a `Source`."""
        if not isinstance(which, slice):
            which = np.asarray(which)
            if which.ndim != 1:
                raise UserError("a slice or a vector of indices", repr(which), "write `source[i:i + 1]` for one sample")
        labels = None if self.labels is None else self.labels[which]
        columns = None if self.columns is None else {name: column[which] for name, column in self.columns.items()}
        return dataclasses.replace(self, samples=self.samples[which], labels=labels, columns=columns)

    def rows(self, indices: np.ndarray, seed: np.ndarray | None = None) -> Samples:
        """Return samples as they are stored, drawn from the seed if they are drawn, such as `Contexts`.

        Args:
            indices: Integer array `(k,)`.
            seed: Two integers. Default: None, always the same draw.
        """
        drawn = seed is not None and getattr(self.samples, "draws", False)
        return self.samples.rows(indices, seed) if drawn else self.samples.rows(indices)

    def inputs(self, indices: np.ndarray | None = None, seed: np.ndarray | None = None) -> Samples:
        """Return samples as a model takes them: images as float32 in 0..1, ids as int32.

        Args:
            indices: Integer array `(k,)`. Default: all samples.
            seed: See `rows`.

        Returns:
            Array `(k, …)`, or a dict of them.
        """
        stored = self.stored if indices is None else self.rows(indices, seed)
        return keras.tree.map_structure(_converted, self.specs, stored)

    def check(self, at_least: int = 1) -> None:
        """Raise unless there are samples whose values can be trained on. Files should be checked by `Files.check`.

        Args:
            at_least: Smallest number of samples. Default: 1.

        Raises:
            UserError: If there are fewer, or values are not finite or out of range; it has the first such index.
        """
        if len(self) < at_least:
            raise UserError(
                f"at least {at_least} {self.plural}",
                f"{len(self)} in {self.name}",
                "check the path or the split of the data",
            )
        if isinstance(self.samples, Arrays):
            _check_stored(self.specs, self.stored)

    def split(self, fraction: float, seed: int = 0, by: str | None = None) -> "tuple[Source, Source]":
        """Split the samples at random into two sources, class by class if there are labels.

        Args:
            fraction: Fraction of the samples in the first source, above 0 and below 1.
            seed: Seed of the draw, a non-negative integer. Default: 0.
            by: Name of a column whose equal values stay together, such as "video" of clips, which are alike: the
                fraction is then one of the values, each of the class of its first sample. Default: None.

        Returns:
            `(first, rest)`, with `round(fraction * n)` samples in the first. With labels, the first has
            `round(fraction * count)` samples of each class, and both have at least one if the class has two or more.
            `Windows` that overlap are in both parts: split their stream instead.

        Raises:
            UserError: If one of the two would be empty, or there is no such column.
        """
        if by is None:
            first, rest = two_parts(len(self), self.labels, fraction, seed)
            return self[first], self[rest]
        if by not in (self.columns or {}):
            raise UserError(f"a column '{by}' of {self.name}", f"{sorted(self.columns or {})}", "choose one of them")
        _, at, owner = np.unique((self.columns or {})[by], return_index=True, return_inverse=True)
        labels = None if self.labels is None else self.labels[at]
        is_first = np.isin(owner, two_parts(len(at), labels, fraction, seed)[0])
        return self[is_first], self[~is_first]


def from_arrays(
    samples: Any,
    labels: Any = None,
    classes: int | None = None,
    class_names: Sequence[str] | None = None,
    name: str = "arrays",
    columns: dict[str, Any] | None = None,
    kind: str | dict[str, str] | None = None,
    rate: int | None = None,
) -> Source:
    """Make a `Source` from arrays.

    Args:
        samples: Array of shape `(n, …)`, or a dict of them by name: images `(n, height, width, channels)` as uint8 in
            0..255 or floats in 0..1, ids `(n, length)`, rows `(n, features)`, series `(n, time, channels)`, …
        labels: Integers of shape `(n,)` with class numbers from 0, or None.
        classes: Number of classes. Default: the highest label plus one.
        class_names: One name for each class number, or None.
        name: Name of the set in messages. Default: `"arrays"`.
        columns: Other known values of the samples, a dict from names to arrays of shape `(n,)`, or None.
        kind: Kind of the samples, one of `specs.KINDS`, or a dict of kinds by name. Default: by name, axes and dtype.
            Floats of three axes need it, since they may be series or gray images.
        rate: Sample rate of recordings in Hz, which becomes the source's `SoundPreparation`. Default: None, it is not
            known.

    Returns:
        A `Source`. The arrays are not copied.

    Raises:
        UserError: If axes, dtype, labels, columns or the rate do not fit.
    """
    arrays = as_arrays(samples)
    if labels is not None:
        labels = as_array(labels, "labels", strings=True)
        check_labels(labels, len(keras.tree.flatten(arrays)[0]), classes)
        classes = _number_of_classes(labels) if classes is None and len(labels) else classes
    columns = None if columns is None else {key: np.asarray(column) for key, column in columns.items()}
    names = None if class_names is None else tuple(class_names)
    preparation = None if rate is None else SoundPreparation(rate)
    source = Source(arrays, labels, classes, names, name, columns, kind, preparation)
    if rate is not None and source.kind != "audio":
        raise UserError("`rate` of recordings only", f"{source.plural}", "leave it out, or give `kind='audio'`")
    return source


def _number_of_classes(labels):
    """The highest label plus one, where the lowest is no sign that they are numbered from 1."""
    lowest, highest = int(labels.min()), int(labels.max())
    if lowest == 1:
        raise UserError(
            "labels that are numbered from 0",
            f"labels in 1..{highest}, and none of class 0",
            f"give `labels - 1`, or `classes={highest + 1}` if there are only no samples of class 0 here",
        )
    return highest + 1


def _specs(example, kinds):
    """What batches of stored samples are."""
    if not isinstance(example, dict):
        if isinstance(kinds, dict):
            raise UserError("one kind for samples of one tensor", f"{kinds}", "give one of its names alone")
        return specs.stored_spec("samples", example.shape, example.dtype, kinds)
    kinds = kinds or {}
    if not isinstance(kinds, dict) or not set(kinds) <= set(example):
        raise UserError(f"kinds by name, among {', '.join(example)}", f"{kinds}", "give a dict such as {'ids': 'ids'}")
    return {name: specs.stored_spec(name, x.shape, x.dtype, kinds.get(name)) for name, x in example.items()}


def _converted(spec, stored):
    scale = specs.scale_of(spec, stored.dtype)
    values = stored.astype(spec.dtype, copy=False)
    return values if scale == 1 else values / np.float32(scale)


def _check_stored(wanted, stored):
    """Check the values of a whole array, or of each in a dict. Integers that are scaled are in range by their dtype."""
    for name, spec, x in (
        [("samples", wanted, stored)]
        if isinstance(wanted, Spec)
        else [(name, wanted[name], x) for name, x in stored.items()]
    ):
        if specs.scale_of(spec, x.dtype) == 1:
            spec.check_values(specs.plural(spec) if name == "samples" else f"'{name}'", x)


def check_labeled(*sources: Source) -> None:
    """Raise unless all sources have labels.

    Args:
        *sources: `Source`s.

    Raises:
        UserError: If one has none; the error names the first of them.
    """
    for source in sources:
        if source.labels is None:
            raise UserError(
                "a labeled source",
                f"'{source.name}' without labels" + (f": {source.why_unlabeled}" if source.why_unlabeled else ""),
                "give a data set with labels, or a folder with one folder for each class and no file beside them",
            )
