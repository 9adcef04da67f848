"""A trained tokenizer, and its file."""

import functools
import hashlib
import itertools
import json
import pathlib
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from keras_ssl.backends import require
from keras_ssl.checks import check_between, check_text, checked_texts
from keras_ssl.errors import UserError
from keras_ssl.files import whole_file
from keras_ssl.typing import Path

__all__ = ["SPECIAL", "Tokenizer", "load"]

SPECIAL = ("[PAD]", "[UNK]", "[MASK]", "[BEGIN]", "[END]")
"""The tokens with the ids 0 to 4. Text never becomes one of them, even if it says `[MASK]`, except the unknown one."""

_KINDS = {"BPE": "byte_pairs", "WordPiece": "word_pieces", "WordLevel": "words"}
_SPACES = frozenset(" \t\n\r\v\f") | {chr(256 + byte) for byte in b" \t\n\r\v\f"}  # the latter in byte-level tokens
_CHUNK = 1024  # texts that are encoded at a time


class Tokenizer:
    """A trained tokenizer: `tokenizers.characters`, `words`, `byte_pairs`, `word_pieces` or `load` makes one.

    Its file is a `tokenizer.json` of the Hugging Face library `tokenizers`, whose bindings for Rust, Python and Node
    read it.

    Args:
        model: `tokenizers.Tokenizer` whose first five tokens are `SPECIAL`, without added tokens, post-processor,
            truncation, padding and dropout.

    Attributes:
        padding, unknown, mask, begin, end: The ids 0 to 4.
        special: These five, a tuple.
        tokens: The tokens, a tuple of strings by id. Those of byte pairs are written in its alphabet for bytes.
        vocabulary: Number of ids, those five included.
        kind: Name of the function that makes such a tokenizer.

    Raises:
        UserError: If the model has other first tokens, gaps between its ids, or anything else that changes ids.
    """

    padding, unknown, mask, begin, end = special = tuple(range(len(SPECIAL)))

    def __init__(self, model: Any) -> None:
        ids = model.get_vocab()
        self.model = model
        self.tokens: tuple[str, ...] = tuple(sorted(ids, key=ids.__getitem__))
        self.vocabulary = len(self.tokens)
        if self.tokens[: len(SPECIAL)] != SPECIAL or sorted(ids.values()) != list(range(self.vocabulary)):
            raise UserError(
                f"a tokenizer whose ids are 0, 1, 2, … without gaps, the first {', '.join(SPECIAL)}",
                f"one that starts with {', '.join(self.tokens[: len(SPECIAL)]) or 'nothing'}",
                "train one with `tokenizers.words`, `characters`, `byte_pairs` or `word_pieces`",
            )
        if more := _more(model):
            raise UserError(
                "a tokenizer that only splits text",
                f"one with {', '.join(more)}",
                "remove them, for they change ids; `encode` has `length`, `truncate`, `begin` and `end`",
            )
        kind = _KINDS.get(type(model.model).__name__, "")
        self.kind = "characters" if kind == "words" and model.decoder is not None else kind

    def __repr__(self):
        return f"Tokenizer({self.kind}, {self.vocabulary} ids)"

    @functools.cached_property
    def first_of_word(self) -> np.ndarray:
        """Whether each token begins a word, boolean `(vocabulary,)`.

        Words all do, and so do the first five ids. Word pieces do unless they continue a word. Byte pairs and
        characters do if they begin with white space, since a space goes with the word after it.
        """
        if self.kind == "words":
            return np.ones(self.vocabulary, bool)
        pieces = self.kind == "word_pieces"
        begins = [not token.startswith("##") if pieces else token[0] in _SPACES for token in self.tokens]
        return np.array([True] * len(SPECIAL) + begins[len(SPECIAL) :])

    @functools.cached_property
    def checksum(self) -> str:
        """SHA-256 of what makes the ids, as hexadecimal digits: two tokenizers with the same one give the same ids.

        It is not that of the file, which versions of the library write in different ways.
        """
        stored = json.loads(self._json())
        model = _said(stored["model"])
        model["merges"] = [one.split(" ") if isinstance(one, str) else one for one in model.get("merges", ())]
        identity = {
            "model": model,
            **{name: _said(stored[name]) for name in ("normalizer", "pre_tokenizer", "decoder")},
        }
        return hashlib.sha256(json.dumps(identity, sort_keys=True).encode("utf-8")).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return what tells this tokenizer from others, as values that JSON has: kind, vocabulary and checksum."""
        return {"kind": self.kind, "vocabulary": self.vocabulary, "sha256": self.checksum}

    def ids(self, text: str) -> np.ndarray:
        """Return the ids of a text, int32 `(k,)`.

        Args:
            text: Text.

        Raises:
            UserError: If it is no string, or has NUL or half a surrogate pair in it.
        """
        return np.array(self.model.encode(check_text(text), add_special_tokens=False).ids, "int32")

    def encode(
        self,
        texts: Iterable[str],
        length: int | None = None,
        begin: bool = False,
        end: bool = False,
        truncate: bool = False,
    ) -> np.ndarray:
        """Return the ids of several texts in one array, padded with 0 at the end.

        Args:
            texts: Texts.
            length: Number of ids of each. Default: that of the longest.
            begin: Whether each starts with the id `begin`. Default: False.
            end: Whether each ends with the id `end`. Default: False.
            truncate: Whether texts that are longer are cut to `length`; `begin` and `end` stay. Default: False, they
                are an error.

        Returns:
            int32 `(n, length)`.

        Raises:
            UserError: If texts are too long, with their number; or as `ids` raises.
        """
        first, last = [self.begin] * begin, [self.end] * end
        found = list(self._batches(texts))
        length = _length(found, length, len(first) + len(last), truncate)
        rows = np.zeros((len(found), length), "int32")
        for row, ids in zip(rows, found):
            whole = first + ids[: length - len(first) - len(last)] + last
            row[: len(whole)] = whole
        return rows

    def lengths(self, texts: Iterable[str]) -> np.ndarray:
        """Return the number of ids of each text, an integer array `(n,)`.

        Args:
            texts: Texts.

        Raises:
            UserError: As `ids` raises.
        """
        return np.fromiter(map(len, self._batches(texts)), "int64")

    def stream(self, texts: Iterable[str]) -> np.ndarray:
        """Return the ids of all texts one after the other, each ended by `end`, for `data.Windows`.

        Args:
            texts: Texts.

        Returns:
            int32 `(total,)`.

        Raises:
            UserError: As `ids` raises.
        """
        ended = ([*ids, self.end] for ids in self._batches(texts))
        return np.fromiter(itertools.chain.from_iterable(ended), "int32")

    def text(self, ids: Any) -> str:
        """Return the text of ids; those below 5 are left out.

        This undoes `ids` of byte pairs and of known characters. Words and word pieces come back with one space between
        two, and word pieces without the space before punctuation.

        Args:
            ids: Integers `(k,)` in 0..vocabulary-1.

        Raises:
            UserError: If there are others.
        """
        ids = np.asarray(ids)
        whole = ids.ndim == 1 and (ids.dtype.kind in "iu" or not ids.size)
        if not whole or (ids.size and not 0 <= ids.min() <= ids.max() < self.vocabulary):
            raise UserError(
                f"ids (k,) in 0..{self.vocabulary - 1}",
                f"{ids.dtype} {ids.shape}" + (f" in {ids.min()}..{ids.max()}" if whole else ""),
                "give the ids of one text, of this tokenizer",
            )
        return self.model.decode([int(one) for one in ids if one >= len(SPECIAL)], skip_special_tokens=False)

    def words(self, text: str) -> tuple[np.ndarray, np.ndarray]:
        """Return the ids of a text, and for each the number of its word: what white space separates.

        Args:
            text: Text.

        Returns:
            `(ids, word)`, both int32 `(k,)`. A token of white space only goes with the word after it, or with the last.

        Raises:
            UserError: As `ids` raises.
        """
        encoded = self.model.encode(check_text(text), add_special_tokens=False)
        spans = np.array([match.span() for match in re.finditer(r"\S+", text)], "int64").reshape(-1, 2)
        after, _ = _words_at(encoded.offsets, spans)
        return np.array(encoded.ids, "int32"), np.minimum(after, max(len(spans) - 1, 0)).astype("int32")

    def encode_words(
        self, sentences: Iterable[Sequence[str]], length: int | None = None, truncate: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the ids of sentences that are split into words, and where each word begins, for one tag a word.

        Args:
            sentences: Lists of words. A space is put between two words.
            length: Number of ids of each. Default: that of the longest.
            truncate: See `encode`. Default: False.

        Returns:
            `(ids, first)`, both int32 `(n, length)`. `first` is the number of the word whose first token this is, -1
            elsewhere.

        Raises:
            UserError: If a word is white space only, or as `encode` raises.
        """
        pairs = [self._of_words(words, f"sentence {number}") for number, words in enumerate(sentences)]
        length = _length([ids for ids, _ in pairs], length, 0, truncate)
        rows, first = np.zeros((len(pairs), length), "int32"), np.full((len(pairs), length), -1, "int32")
        for k, (ids, firsts) in enumerate(pairs):
            rows[k, : len(ids)], first[k, : len(ids)] = ids[:length], firsts[:length]
        return rows, first

    def save(self, path: Path) -> None:
        """Write the tokenizer to one JSON file, whole or not at all.

        Args:
            path: Path of the file.
        """
        with whole_file(path) as beside:
            beside.write_text(self._json(), encoding="utf-8")

    def _json(self):
        return self.model.to_str(pretty=True) + "\n"

    def _batches(self, texts: Iterable[str]) -> Iterator[list[int]]:
        """The ids of each text. A chunk of the texts is held at a time."""
        checked = checked_texts(texts)
        while chunk := list(itertools.islice(checked, _CHUNK)):
            for encoded in self.model.encode_batch_fast(chunk, add_special_tokens=False):
                yield encoded.ids

    def _of_words(self, words, name):
        """Ids of a sentence, and the number of the word whose first token each is, or -1."""
        words = list(checked_texts(words))
        ends = np.cumsum([len(word) + 1 for word in words], dtype="int64") - 1
        starts = ends - np.array([len(word) for word in words], "int64")
        encoded = self.model.encode(" ".join(words), add_special_tokens=False)
        word, inside = _words_at(encoded.offsets, np.stack([starts, ends], 1))
        numbers, places = np.unique(word[inside], return_index=True)
        empty = set(range(len(words))) - set(numbers.tolist()) | {k for k, word in enumerate(words) if word.isspace()}
        if empty:
            number = min(empty)
            raise UserError(f"words with characters in {name}", f"{words[number]!r}, word {number}", "leave it out")
        first = np.full(len(word), -1, "int32")
        first[np.flatnonzero(inside)[places]] = numbers
        return encoded.ids, first


def load(path: Path) -> Tokenizer:
    """Load a tokenizer from the file that `Tokenizer.save` wrote.

    Args:
        path: Path of the file.

    Raises:
        UserError: If it is not such a file.
    """
    require("tokenizers", "which splits text into tokens")
    import tokenizers

    path = pathlib.Path(path)
    try:
        content = path.read_text(encoding="utf-8")
        if not isinstance(json.loads(content), dict):
            raise ValueError("no JSON object")
        model = tokenizers.Tokenizer.from_str(content)
    except Exception as error:  # the library raises `Exception`
        raise UserError(
            "the file of a tokenizer", f"{path}: {error}", "give a file that `Tokenizer.save` wrote"
        ) from error
    return Tokenizer(model)


def _more(model):
    """What a tokenizer of the library does beside splitting text."""
    found = {
        "added tokens": model.get_added_tokens_decoder(),
        "a post-processor": model.post_processor,
        "truncation": model.truncation,
        "padding": model.padding,
        "dropout": getattr(model.model, "dropout", None),
    }
    return [name for name, value in found.items() if value]


def _said(stored):
    """What a part of the file says: without what is empty or off, which versions of the library may leave out."""
    return {name: value for name, value in (stored or {}).items() if value not in (None, False, "", [], {})}


def _length(found, length, more, truncate):
    """The number of ids of each text, or an error that counts those that are longer. `more` are added to each."""
    counts = np.array([len(ids) + more for ids in found], "int64")
    longest = int(counts.max(initial=0))
    if length is None:
        return longest
    check_between("length", length, least=max(more, 1), whole=True)
    longer = int((counts > length).sum())
    if longer and not truncate:
        raise UserError(
            f"texts of at most {length} tokens{' with begin and end' * bool(more)}",
            f"{longer} of {len(counts)} that are longer; text {int(counts.argmax())} has {longest}",
            f"give length={longest}, or `truncate=True` to cut them",
        )
    return length


def _words_at(offsets, spans):
    """For each token, given by its (start, end) in the text, the first word that ends after its start, and whether the
    token overlaps it."""
    starts, ends = np.array(offsets, "int64").reshape(-1, 2).T
    word = np.searchsorted(spans[:, 1], starts, side="right")
    begins = np.append(spans[:, 0], np.iinfo("int64").max)
    return word, begins[word] < ends
