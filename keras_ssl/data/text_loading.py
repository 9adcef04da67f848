"""One function that loads every set of texts."""

import pathlib
from collections.abc import Callable

from keras_ssl import names
from keras_ssl.data import readers
from keras_ssl.data.texts import Texts
from keras_ssl.typing import Path

__all__ = ["texts"]


def texts(
    name_or_path: Path,
    split: str = "train",
    text: str = "text",
    label: str | None = None,
    say: Callable[[str], object] | None = None,
) -> Texts:
    """Load texts, with labels if there are any.

    All files are UTF-8. Those that end with `.gz` are unpacked, too.

    - A `.txt` file: each line that is not blank is a text.
    - A `.csv`, `.tsv` or `.jsonl` file: a record is a text, in the column `text`, and its label in the column `label`.
      The first line of a `.csv` or `.tsv` file names the columns. Labels number the sorted values: numbers by size,
      others as strings.
    - A folder with such files that are called `train.txt` and, perhaps, `test.txt` or `val.txt`, or by names such as
      `training` and `validation`: the splits, which number the classes alike.
    - Another folder: its `.txt` files, each of which is a text, at any depth. Class folders and subfolders of splits
      are those of `data.load`.
    - Any set of TensorFlow Datasets with texts, such as `"imdb_reviews"`: its features `text` and, as labels, `label`.

    Args:
        name_or_path: Name of a set, or path of a file or folder.
        split: Part of the set. TensorFlow Datasets also takes slices such as `"train[:20000]"`. Default: `"train"`.
        text: Name of the column, or feature, of texts. Default: `"text"`.
        label: Name of the column, or feature, of labels. Default: None, `"label"` if there is one.
        say: Called with each sentence about what was found and chosen. Default: None, choices that may be wrong are
            warnings.

    Returns:
        `Texts`, all in memory; `data.token_stream` is for more.

    Raises:
        UserError: If there is no such set, split or column, a file is damaged, no UTF-8 or has NUL in it, with file and
            line; or there are no texts.

    Example:
        `train = data.texts("reviews.csv", text="review", label="stars")`
    """
    path = pathlib.Path(name_or_path).expanduser()
    file = readers.split_file(path, split, names.TEXT_FILES)
    if file is not None:
        splits = readers.splits_of(path, names.TEXT_FILES) if path.is_dir() else ()
        siblings = [other for one in splits if (other := readers.split_file(path, one, names.TEXT_FILES))]
        return readers.load_text_file(file, siblings, text, label, say)
    if path.is_dir():
        return readers.load_text_folder(path, split, say)
    names.check_no_path(name_or_path, "a file or folder of texts", names.TEXT_FILES)
    return readers.load_named_texts(str(name_or_path), split, text, label)
