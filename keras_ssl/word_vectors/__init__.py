"""Vectors of words: what they are near to, their files, and how they are scored.

`of` takes them out of an objective, `load` and `save` read and write the files of word2vec, `similarity_score` and
`analogy_score` compare them with the judgments of people.
"""

from keras_ssl.word_vectors.files import load, save
from keras_ssl.word_vectors.scores import Score, analogy_score, read_analogies, read_pairs, similarity_score
from keras_ssl.word_vectors.vectors import WordVectors, of

__all__ = [
    "Score",
    "WordVectors",
    "analogy_score",
    "load",
    "of",
    "read_analogies",
    "read_pairs",
    "save",
    "similarity_score",
]
