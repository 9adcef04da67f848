"""Objectives that learn a vector for each word from the words around it."""

from keras_ssl.objectives.word_vectors.glove import GloVe
from keras_ssl.objectives.word_vectors.negative_sampling import CBOW, SkipGram

__all__ = ["CBOW", "GloVe", "SkipGram"]
