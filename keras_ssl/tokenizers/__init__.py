"""Tokenizers: text to ids of tokens, and back.

Four functions train one on texts. The ids 0 to 4 mean the same in all: padding, an unknown token, a mask, the beginning
and the end.
"""

from keras_ssl.tokenizers.tokenizer import SPECIAL, Tokenizer, load
from keras_ssl.tokenizers.training import byte_pairs, characters, word_pieces, words

__all__ = ["SPECIAL", "Tokenizer", "byte_pairs", "characters", "load", "word_pieces", "words"]
