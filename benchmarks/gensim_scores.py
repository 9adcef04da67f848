"""Score a file of vectors by gensim's `KeyedVectors.evaluate_word_pairs`, with its defaults. Needs no keras_ssl.

    PEER_PYTHON benchmarks/gensim_scores.py VECTORS PAIRS...

VECTORS is a file in word2vec's binary form; each of PAIRS has two words and a score in each line, between tabs. The
last line printed is JSON: for each of PAIRS Spearman's correlation.
"""

import json
import sys

from gensim.models import KeyedVectors


def main():
    """Load the vectors, score them and print."""
    vectors = KeyedVectors.load_word2vec_format(sys.argv[1], binary=True)
    print(json.dumps([float(vectors.evaluate_word_pairs(pairs)[1].statistic) for pairs in sys.argv[2:]]))


if __name__ == "__main__":
    main()
