"""Train gensim's skip-gram for `word_vectors.py`. Needs no keras_ssl.

    PEER_PYTHON benchmarks/gensim_peer.py CORPUS VECTORS --seed 0 --epochs 10

CORPUS has a text in each line, its words separated by spaces. Training is by `corpus_file` with 2 workers, gensim's
fastest way. The vectors are written into VECTORS in word2vec's binary form. The last line printed is JSON: words of the
text that were read, seconds of training without those of counting words, and seconds of the processor.
"""

import argparse
import json
import time

from gensim.models import Word2Vec


def main():
    """Train, save and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("corpus")
    parser.add_argument("vectors")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=10)
    args = parser.parse_args()
    model = Word2Vec(vector_size=100, window=5, negative=5, min_count=5, sg=1, workers=2, seed=args.seed)
    model.build_vocab(corpus_file=args.corpus)
    start, processor = time.perf_counter(), time.process_time()
    model.train(
        corpus_file=args.corpus,
        total_words=model.corpus_total_words,
        total_examples=model.corpus_count,
        epochs=args.epochs,
    )
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    model.wv.save_word2vec_format(args.vectors, binary=True)
    words = model.corpus_total_words * args.epochs
    print(json.dumps({"words": words, "seconds": seconds, "processor_seconds": processor}))


if __name__ == "__main__":
    main()
