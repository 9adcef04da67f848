"""The files of word2vec, which gensim and others read and write, too."""

import pathlib

import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.files import whole_file
from keras_ssl.typing import Path
from keras_ssl.word_vectors.vectors import WordVectors

__all__ = ["load", "save"]


def save(vectors: WordVectors, path: Path, binary: bool | None = None) -> None:
    """Write vectors into a file of word2vec, whole or not at all.

    Args:
        vectors: `WordVectors`.
        path: Path of the file. Missing folders are made.
        binary: Whether it is the binary form. Default: if the path ends with ".bin".

    Raises:
        UserError: If a word is empty or has a space or another separator in it, which such a file cannot tell; or the
            file cannot be written.
    """
    path = pathlib.Path(path)
    for word in vectors.words:
        if word.split() != [word]:
            raise UserError("words without spaces", repr(word), "leave it out, or replace its spaces with '_'")
    binary = path.suffix == ".bin" if binary is None else binary
    rows = zip(vectors.words, vectors.vectors.astype("<f4"))
    if binary:
        lines = [f"{word} ".encode() + row.tobytes() + b"\n" for word, row in rows]
    else:
        lines = [f"{word} {' '.join(map(repr, row.tolist()))}\n".encode() for word, row in rows]
    count, width = vectors.vectors.shape
    with whole_file(path) as beside:
        beside.write_bytes(f"{count} {width}\n".encode() + b"".join(lines))


def load(path: Path, binary: bool | None = None) -> WordVectors:
    """Read vectors from a file of word2vec.

    Args:
        path: Path of the file.
        binary: Whether it is the binary form. Default: if the path ends with ".bin".

    Returns:
        `WordVectors`.

    Raises:
        UserError: If there is no such file, or it is none of word2vec, or has another number of words than its first
            line says.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise UserError("a file of word vectors", f"{path}, which is no file", "check the path")
    binary = path.suffix == ".bin" if binary is None else binary
    content = path.read_bytes()
    head, _, body = content.partition(b"\n")
    try:
        count, width = (int(number) for number in head.split())
    except ValueError:
        raise _bad(path, f"a first line {head[:40]!r}") from None
    if count < 0 or width < 1:
        raise _bad(path, f"{count} words of width {width}")
    words, rows = (_binary if binary else _text)(path, body, count, width)
    return WordVectors(words, rows)


def _text(path, body, count, width):
    lines = body.decode(errors="replace").rstrip("\n").split("\n") if body.strip() else []
    if len(lines) != count:
        raise _bad(path, f"{len(lines)} lines of vectors where {count} are announced")
    words, rows = [], np.empty((count, width), "float32")
    for k, line in enumerate(lines):
        word, *numbers = line.rstrip().split(" ")
        if len(numbers) != width:
            raise _bad(path, f"{len(numbers)} numbers in line {k + 2} where {width} are announced")
        try:
            rows[k] = [float(number) for number in numbers]
        except ValueError:
            raise _bad(path, f"no number in line {k + 2}") from None
        words.append(word)
    return words, rows


def _binary(path, body, count, width):
    words, rows, place = [], np.empty((count, width), "<f4"), 0
    for k in range(count):
        end = body.find(b" ", place)
        if end < 0 or len(body) < end + 1 + 4 * width:
            raise _bad(path, f"{k} whole vectors where {count} are announced")
        words.append(body[place:end].lstrip(b"\n").decode(errors="replace"))
        place = end + 1 + 4 * width
        rows[k] = np.frombuffer(body, "<f4", width, end + 1)
    if body[place:].strip(b"\n"):
        raise _bad(path, f"{len(body) - place} bytes behind the last of {count} vectors")
    return words, rows


def _bad(path, received):
    return UserError(
        f"a file of word2vec at {path}: 'words width' in the first line, and a word and its numbers in each other",
        received,
        "give `binary=True` or `False` if it is the other form, or write the file again",
    )
