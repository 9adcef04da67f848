"""How well vectors agree with the judgments of people: similarities of pairs of words, and analogies."""

import gzip
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from keras_ssl.errors import UserError
from keras_ssl.typing import Path
from keras_ssl.word_vectors.vectors import WordVectors

__all__ = ["Score", "analogy_score", "read_analogies", "read_pairs", "similarity_score"]


class Score(NamedTuple):
    """A score, and on how much of a test it was measured.

    Attributes:
        value: The score: a rank correlation, or an accuracy.
        known: How many lines of the test have all their words among the vectors; only these count.
        total: How many lines the test has.
    """

    value: float
    known: int
    total: int


def read_pairs(path: Path) -> list[tuple[str, str, float]]:
    """Read pairs of words and how similar people find them: a file such as those of WordSim-353 and SimLex-999.

    Args:
        path: Path of the file, which may be compressed (".gz"): two words and a number in each line, separated by tabs
            or commas. Lines that begin with "#" do not count, nor does a first line of titles.

    Raises:
        UserError: If there is no such file, or a line is none of these.
    """
    pairs = []
    for k, (number, line) in enumerate(_lines(path)):
        fields = line.replace(",", "\t").split("\t")
        try:
            pairs.append((fields[0].strip(), fields[1].strip(), float(fields[2])))
        except (IndexError, ValueError):
            if k > 0:  # titles may be in the first
                raise _bad(path, number, line, "two words and a number, separated by tabs or commas") from None
    return pairs


def read_analogies(path: Path) -> list[tuple[str, str, str, str]]:
    """Read analogies, a is to b as c is to d: a file such as Google's questions-words.txt.

    Args:
        path: Path of the file, which may be compressed (".gz"): four words in each line, separated by spaces. Lines
            that begin with ":" are titles.

    Raises:
        UserError: If there is no such file, or a line is none of these.
    """
    found: list[tuple[str, str, str, str]] = []
    for number, line in _lines(path):
        if line.startswith(":"):
            continue
        words = line.split()
        if len(words) != 4:
            raise _bad(path, number, line, "four words")
        found.append((words[0], words[1], words[2], words[3]))
    return found


def similarity_score(vectors: WordVectors, pairs: Sequence[tuple[str, str, float]], lower: bool = True) -> Score:
    """Return Spearman's rank correlation between the cosines of pairs of words and how similar people find them.

    Args:
        vectors: `WordVectors`.
        pairs: Pairs of words with a number each, the result of `read_pairs`.
        lower: Whether words are looked up in lower case. Default: True.

    Returns:
        `Score`, whose value is in -1..1, or NaN if fewer than two pairs are known.

    Reference:
        Finkelstein et al. 2002, "Placing Search in Context: The Concept Revisited" (WordSim-353); Hill et al. 2015,
        "SimLex-999: Evaluating Semantic Models with (Genuine) Similarity Estimation".
    """
    from scipy.stats import spearmanr  # comes with scikit-learn

    cased = [(_cased(a, lower), _cased(b, lower), value) for a, b, value in pairs]
    known = [(a, b, value) for a, b, value in cased if a in vectors and b in vectors]
    if len(known) < 2:
        return Score(float("nan"), len(known), len(pairs))
    cosines = [vectors.similarity(a, b) for a, b, _ in known]
    return Score(float(spearmanr(cosines, [value for *_, value in known])[0]), len(known), len(pairs))


def analogy_score(
    vectors: WordVectors, analogies: Sequence[tuple[str, str, str, str]], lower: bool = True, block: int = 512
) -> Score:
    """Return how many analogies the vectors solve: d is the word nearest to b - a + c, other than a, b and c.

    Args:
        vectors: `WordVectors`.
        analogies: Four words each, the result of `read_analogies`.
        lower: Whether words are looked up in lower case. Default: True.
        block: Number of analogies that are solved at a time, which bounds the memory. Default: 512.

    Returns:
        `Score`, whose value is in 0..1, or NaN if no analogy is known.

    Reference:
        Mikolov et al. 2013, "Efficient Estimation of Word Representations in Vector Space", section 4.1.
    """
    cased = [[_cased(word, lower) for word in line] for line in analogies]
    known = np.array([[vectors.index[w] for w in line] for line in cased if all(w in vectors for w in line)], int)
    if not len(known):
        return Score(float("nan"), 0, len(analogies))
    right = 0
    for part in (known[first : first + block] for first in range(0, len(known), block)):
        a, b, c = (vectors.directions[part[:, k]] for k in range(3))
        cosines = (b - a + c) @ vectors.directions.T
        np.put_along_axis(cosines, part[:, :3], -np.inf, axis=1)
        right += int((cosines.argmax(axis=1) == part[:, 3]).sum())
    return Score(right / len(known), len(known), len(analogies))


def _cased(word, lower):
    return word.lower() if lower else word


def _lines(path):
    path = pathlib.Path(path)
    if not path.is_file():
        raise UserError("a file of a test of word vectors", f"{path}, which is no file", "check the path")
    content = path.read_bytes()
    try:
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    except (OSError, EOFError, UnicodeDecodeError):
        raise UserError(f"text in {path}", "other bytes", "download the file again") from None
    lines = [(k, line) for k, line in enumerate(text.splitlines(), 1) if line.strip() and not line.startswith("#")]
    if not lines:
        raise UserError(f"lines of a test in {path}", "none", "download the file again")
    return lines


def _bad(path, number, line, wanted):
    return UserError(
        f"{wanted} in each line of {path}", f"{line[:60]!r} in line {number}", "correct or leave out the line"
    )
