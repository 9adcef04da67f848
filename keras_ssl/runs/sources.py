"""Data sets in the size that a model takes."""

import pathlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from keras_ssl import data
from keras_ssl.data.fitting import as_source
from keras_ssl.data.readers import listed_kind
from keras_ssl.errors import UserError
from keras_ssl.names import SERIES_FILES, TABLES, TEXT_FILES
from keras_ssl.networks import embedder
from keras_ssl.specs import Spec, scale_of, specs_of
from keras_ssl.tokenizers import Tokenizer
from keras_ssl.typing import Samples

__all__ = ["load_fitting", "load_labeled", "load_to_verify"]

_LONGEST = 512  # tokens, as in BERT: the memory of attention grows with the square


def load_fitting(
    dataset: str, split: str, model: keras.Model, tokenizer: Tokenizer | None = None, **reading: Any
) -> data.Source:
    """Load a split of a data set as a model takes it: images in its size, arrays of its kinds, texts as ids.

    Args:
        dataset: Name, folder or file, see `data.load`.
        split: Split of the data set, such as "train".
        model: `keras.Model`.
        tokenizer: The model's, if it takes ids of text, see `tokenizer_of`. The data set is then one for `data.texts`,
            unless it is of arrays. Default: None.
        **reading: Other arguments of `data.load`: `fit` and `background`, or `rate` and `length`, as the model's file
            has them (`preparation_of`), `skip_broken`, `say`.

    Raises:
        UserError: If there is no such data set, or its samples do not fit the model.
    """
    if tokenizer is None or not _takes_ids(model) or _has_arrays(dataset):
        return as_source(data.load(dataset, split, like=model, **reading), model)
    texts = data.texts(dataset, split, say=reading.get("say"))
    return as_source(_rows(texts, tokenizer, model, reading.get("say")), model)


def load_to_verify(dataset: str, model: keras.Model, input_dtype: str = "float32", **reading: Any) -> Samples:
    """Load some samples of the split "train" as clients send them, to verify an export on.

    Args:
        dataset: Name, folder or file.
        model: `keras.Model` or objective.
        input_dtype: As in `export.deploy`. Default: "float32".
        **reading: See `load_fitting`, `tokenizer` among them.

    Returns:
        Array `(30, …)`, or a dict of them; fewer rows if there are fewer samples.

    Raises:
        UserError: See `load_fitting`.
    """
    source = load_fitting(dataset, "train", model, **reading)
    source = source[np.random.default_rng(0).permutation(len(source))[:30]]
    inputs: Any = source.inputs()
    spec: Any = source.specs
    if input_dtype == "float32":
        return inputs
    return np.round(scale_of(spec, input_dtype) * inputs).astype(input_dtype)


def load_labeled(
    dataset: str,
    model: keras.Model,
    say: Callable[[str], object] | None = None,
    tokenizer: Tokenizer | None = None,
    **reading: Any,
) -> tuple[data.Source, data.Source]:
    """Load the train and test splits of a labeled data set as a model takes them.

    Args:
        dataset: Name, folder or file. Of a folder or file without a test split, the split "val" is used for testing,
            or a fifth of the samples if there is none; of videos, whose clips are alike, a fifth of the videos.
        model: `keras.Model`.
        say: Called with each sentence about what was found, and if samples are held out for testing, or None.
        tokenizer: See `load_fitting`.
        **reading: See `load_fitting`.

    Returns:
        `(train, test)`, two `data.Source`s.

    Raises:
        UserError: If there is no such data set, it has no labels, or its samples do not fit the model; or if a class
            has one video only and there is no test split.
    """
    train = load_fitting(dataset, "train", model, tokenizer, say=say, **reading)
    data.check_labeled(train)
    split = _test_split(dataset, tokenizer, train.kind)
    if split is None:
        train, test, held = _held_out(train)
        if say is not None:
            say(
                f"No test split: {held}, drawn with seed 0, are held out for testing. "
                f"One sample is {100 / len(test):.2g} points of accuracy. "
                "An encoder that was pretrained on all of this data has seen them, without their labels."
            )
        return train, test
    if split != "test" and say is not None:
        say(f"No test split: the split '{split}' is used for testing.")
    test = load_fitting(dataset, split, model, tokenizer, say=say, **reading)
    data.check_labeled(test)
    return train, test


def _held_out(source):
    """Four fifths of a source, the rest, and how many are in the rest, in words."""
    videos = (source.columns or {}).get("video")
    if videos is None:
        train, test = source.split(0.8)
        return train, test, f"{len(test):,} of the samples"
    alone = [k for k in range(source.classes or 0) if len(np.unique(videos[source.labels == k])) == 1]
    if alone:
        which = alone[0] if source.class_names is None else source.class_names[alone[0]]
        raise UserError(
            f"a test split, or at least two videos of each class in {source.name}, to test on another one",
            f"one of class {which}",
            "add videos, or sort them into train/ and test/",
        )
    train, test = source.split(0.8, by="video")
    count, total = (len(np.unique(one)) for one in ((test.columns or {})["video"], videos))
    return train, test, f"{count:,} of {total:,} videos with their {len(test):,} clips"


def _test_split(dataset, tokenizer, kind):
    """Name of the split to test on; None if there is none beside train."""
    path = pathlib.Path(dataset).expanduser()
    if not path.exists():
        return "test"
    texts = tokenizer is not None and not _has_arrays(dataset)
    tables = SERIES_FILES if kind == "series" else TABLES if listed_kind(path) else ()
    endings = TEXT_FILES if texts else (".npz",) if _has_arrays(dataset) else tables
    splits = data.splits_of(path, endings) if path.is_dir() else ()
    return next((name for name in ("test", "val") if name in splits), None)


def _has_arrays(dataset):
    path = pathlib.Path(dataset).expanduser()
    return path.suffix == ".npz" or (path.is_dir() and any(path.glob("*.npz")))


def _takes_ids(model):
    return any(spec.kind == "ids" for spec in keras.tree.flatten(specs_of(embedder(model))))


def _rows(texts, tokenizer, model, say):
    """Return texts as ids, those cut that are longer than the model takes, or than attention has memory for."""
    spec = specs_of(embedder(model))
    fixed, most = (spec.shape[1], spec.longest) if isinstance(spec, Spec) else (None, None)
    longest, lengths = fixed or most or _LONGEST, tokenizer.lengths(texts.texts)
    cut = int((lengths > longest).sum())
    if cut and say is not None:
        say(f"{cut:,} of {len(texts):,} texts in {texts.name} have more than {longest} tokens. They are cut.")
    return data.from_texts(texts, tokenizer, fixed or min(longest, max(lengths)), truncate=True)
