"""The ids of text that is larger than memory, in a file."""

import io
from collections.abc import Iterable

import numpy as np

from keras_ssl.checks import check_between
from keras_ssl.data import readers
from keras_ssl.errors import UserError
from keras_ssl.files import whole_file
from keras_ssl.tokenizers import Tokenizer
from keras_ssl.typing import Path

__all__ = ["token_stream"]


def token_stream(
    paths: Path | Iterable[Path], tokenizer: Tokenizer, to: Path, by_line: bool = False, chunk: int = 2**18
) -> np.ndarray:
    """Write the ids of text files one after the other into an `.npy` file, each text ended by the id `end`.

    A chunk of text and its ids are in memory at a time. The file is written whole or not at all.

    Args:
        paths: A text file or several, of UTF-8, perhaps packed if its name ends with `.gz`.
        tokenizer: A `Tokenizer`.
        to: Path of the file to write; an existing file is replaced.
        by_line: Whether each line that is not blank is a text. Default: False, each file is one, with its line breaks.
        chunk: Most characters that are read at a time. Text is cut between words; only where there is no white space in
            the last 1000 characters of a chunk, a token may be cut in two. Default: 262,144.

    Returns:
        int32 `(total,)`, mapped from the file, for `data.Windows`; `numpy.load(to, mmap_mode="r")` maps it again.

    Raises:
        UserError: If a file cannot be read, is no UTF-8 or has NUL in it, with file and line; if there is no text; or
            if the disk is full.

    Example:
        `source = data.Source(data.Windows(data.token_stream(files, tokenizer, "ids.npy"), length=256), kinds="ids")`
    """
    check_between("chunk", chunk, least=1, whole=True)
    paths = [paths] if isinstance(paths, str) or hasattr(paths, "__fspath__") else list(paths)
    if not str(to).endswith(".npy"):
        raise UserError("a path that ends with .npy for `to`", f"{to}", "give another name")
    with whole_file(to) as beside, open(beside, "wb") as file:
        file.write(_header(0))
        total = 0
        for path in paths:
            for text, ended in readers.pieces(path, by_line, chunk):
                ids = np.append(tokenizer.ids(text), np.int32([tokenizer.end] * ended))
                file.write(ids.tobytes())
                total += len(ids)
        if not total:
            raise UserError("text in the files", f"none in {len(paths)}", "check the paths")
        file.seek(0)
        file.write(_header(total))
    return np.load(to, mmap_mode="r")


def _header(total):
    """The header of the file. NumPy leaves room in it, so that it is of one length for all totals."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<i4", "fortran_order": False, "shape": (total,)})
    return header.getvalue()
