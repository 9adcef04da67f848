"""The splits that a folder may have, by the names that people give them."""

import pathlib
import re
from collections.abc import Iterable

from keras_ssl.errors import UserError

__all__ = ["SPLITS", "looks_like_split", "split_of", "splits_among"]

SPLITS = ("train", "test", "val")
"""Splits as `load` calls them."""

_WORDS = {"train": ("train", "training"), "test": ("test", "testing"), "val": ("val", "valid", "validation")}


def split_of(name: str) -> str | None:
    """Return which of `SPLITS` a folder or file of this name holds: "Training", "test_set", "val2017"; None if none.

    Args:
        name: Its name, without the ending of a file.
    """
    word = re.sub(r"[\s_.-]+", "", name.lower())
    for split, words in _WORDS.items():
        if re.fullmatch(rf"({'|'.join(words)})(set|data|images|split)?((19|20)\d\d)?", word):
            return split
    return None


def looks_like_split(name: str) -> bool:
    """Return whether a name is more likely that of a split than that of a class: also "dev", "test1", "holdout_b"."""
    words = "train|training|test|testing|val|valid|validation|dev|eval|evaluation|holdout"
    return split_of(name) is not None or re.match(rf"({words})([\s_.\d-]|$)", name.lower()) is not None


def splits_among(names: Iterable[str], place: pathlib.Path) -> dict[str, str]:
    """Return which of the names hold splits: a dict from splits, in the order of `SPLITS`, to names.

    Args:
        names: Names of subfolders or files, without endings.
        place: The folder that holds them, for the error.

    Raises:
        UserError: If two hold the same split.
    """
    found: dict[str, str] = {}
    for name in sorted(names):
        split = split_of(name)
        if split in found:
            raise UserError(
                f"one place in {place} for the split '{split}'", f"{found[split]} and {name}", "merge or rename them"
            )
        if split is not None:
            found[split] = name
    return {split: found[split] for split in SPLITS if split in found}
