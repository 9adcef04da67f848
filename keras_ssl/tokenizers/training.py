"""Training of tokenizers. The same texts always give the same tokenizer."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from keras_ssl.backends import require
from keras_ssl.checks import check_between, checked_texts
from keras_ssl.errors import UserError
from keras_ssl.tokenizers.tokenizer import SPECIAL, Tokenizer

__all__ = ["byte_pairs", "characters", "word_pieces", "words"]

_BYTES = 256
_WORD = r"\w+(?:['\u2019-]\w+)*|[^\w\s]"
"""Apostrophes, straight and curly, and hyphens are inside of words."""
_UNKNOWN = SPECIAL[Tokenizer.unknown]


def characters(texts: Iterable[str], min_count: int = 1) -> Tokenizer:
    """Make a tokenizer whose tokens are the characters of texts, the most frequent first.

    Args:
        texts: Texts to learn from.
        min_count: Number of times that a character must occur in them; others are unknown. Default: 1.

    Returns:
        A `Tokenizer`, which loses nothing of texts of these characters.

    Raises:
        UserError: If there is no text, or one is no string or has NUL or half a surrogate pair in it.

    Example:
        `tokenizers.characters(["to be or not to be"]).ids("to be")`
    """
    tokenizers = _library()
    split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(r"[\s\S]"), "isolated")
    return _whole_tokens(texts, split, None, min_count, decoder=tokenizers.decoders.Fuse())


def words(
    texts: Iterable[str], vocabulary: int | None = None, min_count: int = 1, lowercase: bool = False
) -> Tokenizer:
    """Make a tokenizer whose tokens are the words and the punctuation marks of texts, the most frequent first.

    A word is a run of letters, digits and underscores, perhaps with apostrophes or hyphens inside.

    Args:
        texts: Texts to learn from.
        vocabulary: Largest number of ids, the five special ones included. Default: None, all words.
        min_count: Number of times that a word must occur in them; others are unknown. Default: 1.
        lowercase: Whether text is made lowercase first. Default: False.

    Returns:
        A `Tokenizer`.

    Raises:
        UserError: As `characters` raises, or if `vocabulary` is less than 6.

    Example:
        `tokenizers.words(["to be, or not to be"], vocabulary=10_000, min_count=2)`
    """
    tokenizers = _library()
    split = tokenizers.pre_tokenizers.Split(tokenizers.Regex(_WORD), "removed", invert=True)
    return _whole_tokens(texts, split, vocabulary, min_count, _lower(lowercase))


def byte_pairs(texts: Iterable[str], vocabulary: int = 1000) -> Tokenizer:
    """Train byte-pair encoding on bytes, which knows every text and loses nothing.

    A space belongs to the token after it, and no token crosses from letters to digits or punctuation.

    Args:
        texts: Texts to learn from.
        vocabulary: Number of ids: 5 special ones, 256 bytes, and merges. Small texts may give fewer. Default: 1000.

    Returns:
        A `Tokenizer`.

    Raises:
        UserError: As `characters` raises, or if `vocabulary` is less than 261.

    Reference:
        Sennrich et al. 2016, "Neural Machine Translation of Rare Words with Subword Units", section 3.2, on bytes as in
        Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.2.
    """
    check_between("vocabulary", vocabulary, least=len(SPECIAL) + _BYTES, whole=True)
    tokenizers = _library()
    split = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = sorted(tokenizers.pre_tokenizers.ByteLevel.alphabet())
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=vocabulary, special_tokens=list(SPECIAL), initial_alphabet=alphabet, show_progress=False
    )
    learned = _learned(texts, tokenizers.models.BPE(), split, trainer)
    model = tokenizers.models.BPE(learned["vocab"], [tuple(merge) for merge in learned["merges"]])
    return _assembled(model, split, tokenizers.decoders.ByteLevel())


def word_pieces(texts: Iterable[str], vocabulary: int = 1000, lowercase: bool = False) -> Tokenizer:
    """Train WordPiece: a word is the longest piece that begins it, then the longest that goes on, marked by "##".

    White space and punctuation separate words. A word with a character that is not in the texts is unknown, and
    so is one of more than 100 characters.

    Args:
        texts: Texts to learn from.
        vocabulary: Number of ids: 5 special ones, each character as the beginning and inside of a word, and pieces.
            Small texts may give fewer. Default: 1000.
        lowercase: Whether text is made lowercase first. Default: False.

    Returns:
        A `Tokenizer`.

    Raises:
        UserError: As `characters` raises, or if `vocabulary` has no room for the characters; the error counts them.

    Reference:
        Devlin et al. 2019, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding", section
        3, for encoding.

    Departures:
        Pieces are learned by merging the most frequent pair, as byte pairs are. Accents stay.
    """
    check_between("vocabulary", vocabulary, least=len(SPECIAL) + 1, whole=True)
    tokenizers, lower, texts = _library(), _lower(lowercase), list(checked_texts(texts))
    found = set().union(*(lower.normalize_str(text) if lower else text for text in texts))
    alphabet = sorted(one for one in found if not one.isspace())
    if vocabulary < len(SPECIAL) + 2 * len(alphabet):
        raise UserError(
            f"a vocabulary of at least {len(SPECIAL) + 2 * len(alphabet)}: {len(SPECIAL)} special ids, and each of the"
            f" {len(alphabet)} characters as the beginning and inside of a word",
            f"{vocabulary}",
            "give a larger one, leave out texts with rare characters, or use `byte_pairs`",
        )
    # Given as special tokens, the characters have an order. The trainer's own differs from run to run.
    first = [*SPECIAL, *alphabet, *(f"##{one}" for one in alphabet)]
    trainer = tokenizers.trainers.WordPieceTrainer(vocab_size=vocabulary, special_tokens=first, show_progress=False)
    split = tokenizers.pre_tokenizers.BertPreTokenizer()
    learned = _learned(texts, tokenizers.models.WordPiece(unk_token=_UNKNOWN), split, trainer, lower)
    model = tokenizers.models.WordPiece(learned["vocab"], unk_token=_UNKNOWN)
    return _assembled(model, split, tokenizers.decoders.WordPiece(), lower)


def _whole_tokens(texts, split, vocabulary, min_count, lower=None, decoder=None):
    """A tokenizer whose tokens are what `split` gives."""
    tokenizers = _library()
    check_between("min_count", min_count, least=1, whole=True)
    if vocabulary is not None:
        check_between("vocabulary", vocabulary, least=len(SPECIAL) + 1, whole=True)
    size = 2**31 if vocabulary is None else vocabulary
    trainer = tokenizers.trainers.WordLevelTrainer(
        vocab_size=size, min_frequency=min_count, special_tokens=list(SPECIAL), show_progress=False
    )
    learned = _learned(texts, tokenizers.models.WordLevel(unk_token=_UNKNOWN), split, trainer, lower)
    if len(learned["vocab"]) <= len(SPECIAL):
        raise UserError(
            f"texts with tokens that occur {min_count} times", "none", "give more texts, or a lower `min_count`"
        )
    return _assembled(tokenizers.models.WordLevel(learned["vocab"], unk_token=_UNKNOWN), split, decoder, lower)


def _learned(texts, model, split, trainer, lower=None) -> dict[str, Any]:
    """Vocabulary, and merges if there are any, of a model that is trained on texts.

    They go into a new model, which has no "added" tokens: those are found in texts, too, such as "[MASK]".
    """
    trained = _library().Tokenizer(model)
    trained.pre_tokenizer = split
    if lower is not None:
        trained.normalizer = lower
    trained.train_from_iterator(_not_empty(texts), trainer)
    return json.loads(trained.to_str())["model"]


def _assembled(model, split, decoder=None, lower=None) -> Tokenizer:
    tokenizer = _library().Tokenizer(model)
    tokenizer.pre_tokenizer = split
    if decoder is not None:
        tokenizer.decoder = decoder
    if lower is not None:
        tokenizer.normalizer = lower
    return Tokenizer(tokenizer)


def _lower(lowercase):
    return _library().normalizers.Lowercase() if lowercase else None


def _not_empty(texts: Iterable[str]) -> Iterator[str]:
    """The texts, checked, and an error at their end if there was nothing in them."""
    some = False
    for text in checked_texts(texts):
        some = some or bool(text.strip())
        yield text
    if not some:
        raise UserError("texts to learn from", "none, or empty ones", "check where they come from")


def _library() -> Any:
    require("tokenizers", "which splits text into tokens")
    import tokenizers

    return tokenizers
