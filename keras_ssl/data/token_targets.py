"""Attributes of the tokens of texts, and the targets that `objectives.TokenAttributes` is trained to predict."""

import re
from collections.abc import Callable, Mapping

import numpy as np

from keras_ssl.data.attribute_targets import Targets
from keras_ssl.data.source import Source
from keras_ssl.errors import UserError
from keras_ssl.tokenizers import SPECIAL

__all__ = ["SUFFIXES", "capitalized", "suffix", "token_targets", "word_length"]

SUFFIXES = ("none", "ness", "ment", "ing", "ion", "ous", "ive", "ed", "ly", "er", "al", "s")
"""The classes of `suffix`. A word is of the first one that it ends with."""


def capitalized(word: str) -> int:
    """Return 1 if a word begins with a capital letter, else 0: a categorical attribute.

    Args:
        word: A word.
    """
    return int(word[:1].isupper())


def word_length(word: str) -> float:
    """Return the number of characters of a word, a continuous attribute.

    Args:
        word: A word.
    """
    return float(len(word))


def suffix(word: str) -> int:
    """Return the index in `SUFFIXES` of the ending of an English word, 0 for another ending: a categorical attribute.

    Args:
        word: A word. At least two letters must stand before a suffix: "red" has none.
    """
    endings = (k for k, ending in enumerate(SUFFIXES) if k and word.endswith(ending) and len(word) > len(ending) + 1)
    return next(endings, 0)


_CLASSES = {capitalized: 2, suffix: len(SUFFIXES)}


def token_targets(
    source: Source,
    attributes: Mapping[str, Callable[[str], float | None] | Mapping[str, float]],
    like: Targets | None = None,
) -> Targets:
    """Compute attributes of the words of texts, for every token of them, once, before training.

    Integers are class numbers of a categorical attribute. Floats are a continuous attribute and are standardized. All
    tokens of a word have its attributes; special tokens, such as padding, have none. Punctuation that a tokenizer
    leaves at a word, such as the comma in "good,", is no part of what the attribute is computed of.

    Args:
        source: A `Source` of ids with their tokenizer, such as `from_texts` makes.
        attributes: Dict from the name of each attribute to a function of a word that returns a number, or None if it
            has no such attribute; or to a lexicon: a dict from words to numbers, in which other words have none. A word
            that a lexicon lacks is looked up in lowercase, too.
        like: For validation texts, the `Targets` of the training texts, whose classes, means and standard deviations
            are then used; or None. Default: None.

    Returns:
        `Targets` whose values are float32 `(n, length, number of attributes)`, NaN where there is none.

    Raises:
        UserError: If the source has no tokenizer, no word has an attribute, all words have the same value, or a value
            is not finite or a negative class number.

    Example:
        `data.token_targets(train, {"capitalized": data.capitalized, "sentiment": {"good": 1.9, "bad": -2.5}})`
    """
    if source.tokenizer is None:
        raise UserError(
            "a source with a tokenizer, for the words of its ids",
            f"'{source.name}' without",
            "make it with `from_texts`",
        )
    if not isinstance(attributes, Mapping) or not attributes:
        raise UserError("a dict of names and attributes", repr(attributes), "write `{'capitalized': data.capitalized}`")
    word, words = _words(source.inputs(), source.tokenizer)
    found = {name: _of_words(name, what, words) for name, what in attributes.items()}
    classes = {name: count for name, (_, count) in found.items()}
    columns = np.stack([np.append(values, np.nan)[word] for values, _ in found.values()], axis=-1)  # -1 is no word
    if like is None:
        scales = [_scale(name, column, classes[name]) for name, column in zip(found, np.moveaxis(columns, -1, 0))]
        mean, std = np.array(scales).T
    else:
        _check_like(classes, like.attributes)
        classes, mean, std = like.attributes, like.mean, like.std
    return Targets(classes, ((columns - mean) / std).astype("float32"), mean, std)


def _words(ids, tokenizer):
    """For each token the number of its word among the different ones, or -1; and these words."""
    ordinary = ids >= len(SPECIAL)
    before = np.pad(ordinary, ((0, 0), (1, 0)))[:, :-1]
    begins = (tokenizer.first_of_word[ids] | ~before)[ordinary]
    starts = np.flatnonzero(begins)
    numbers: dict[tuple[int, ...], int] = {}
    pieces = np.split(ids[ordinary], starts[1:])
    of_piece = [numbers.setdefault(tuple(piece.tolist()), len(numbers)) for piece in pieces if len(piece)]
    word = np.full(ids.shape, -1)
    word[ordinary] = np.repeat(np.array(of_piece, int), np.diff(np.append(starts, len(begins))))
    return word, [_bare(tokenizer.text(np.array(piece)).strip()) for piece in numbers]


def _bare(word):
    """A word without the punctuation around it, unless it is nothing else."""
    return re.sub(r"^\W+|\W+$", "", word) or word


def _of_words(name, attribute, words):
    """The values of words, NaN where there is none, and the number of classes, None if not all are integers."""
    lookup = attribute if callable(attribute) else lambda word: attribute.get(word, attribute.get(word.lower()))
    given = [lookup(word) for word in words]
    known = [value for value in given if value is not None]
    if not known:
        raise UserError(f"'{name}' of some words", "none of any word", "check the lexicon, and the case of its words")
    values = np.array([np.nan if value is None else value for value in given], "float64")
    if not np.isfinite(np.array(known, "float64")).all():
        raise UserError(f"finite values of '{name}'", "NaN or Inf", "return None for words that have none")
    if any(isinstance(value, float | np.floating) for value in known):
        return values, None
    if min(known) < 0:
        raise UserError(f"class numbers of '{name}' from 0", f"{min(known)}", "number the classes from 0")
    return values, _CLASSES.get(attribute, int(max(known)) + 1) if callable(attribute) else int(max(known)) + 1


def _check_like(classes, known):
    """Raise unless attributes have the kinds and classes of the training texts."""
    same = list(classes) == list(known) and all((k is None) == (known[name] is None) for name, k in classes.items())
    if not same or any(k is not None and k > known[name] for name, k in classes.items()):
        raise UserError(f"attributes like {known}", f"{classes}", "compute them in the same way as those of `like`")


def _scale(name, column, classes):
    """Mean and standard deviation over the tokens that have a continuous attribute; 0 and 1 of a categorical one."""
    known = column[~np.isnan(column)]
    if known.min() == known.max():
        raise UserError(f"values of '{name}' that differ", f"{known[0]:g} everywhere", "leave it out")
    return (0.0, 1.0) if classes is not None else (known.mean(), known.std())
