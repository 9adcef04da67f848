"""Next items of drawn sequences: skip-gram beside popularity and co-occurrence.

    python -m benchmarks.item_vectors [--seeds 3]

4000 sequences of 8 of 200 items (`recipes.items.baskets`), of which 3200 train; of the other 800 the last item is to be
found from the one before it, among the 10 that a method puts first. Skip-gram ranks items by the cosine of their
vectors, co-occurrence by how often two items stood within three places of each other, popularity by how often an item
stood anywhere. The item itself may be the next one, and is ranked like the others. Results go to
`benchmarks/results/item_vectors.json`.
"""

import argparse
import json
import pathlib
import time

import numpy as np

TARGET = pathlib.Path(__file__).parent / "results" / "item_vectors.json"
ITEMS, FIRST = 200, 10


def hit_rate(scores, test):
    """How often the last item is among the first by the scores, an array (items, items)."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :FIRST]
    return float((best[test[:, -2] - 1] == test[:, -1:] - 1).any(axis=1).mean())


def measure(seed):
    """Hit rates of one draw."""
    from keras_ssl import data, recipes

    sequences = recipes.items.baskets(seed=seed, items=ITEMS)
    train, test = sequences[:3200], sequences[3200:]
    popular = np.bincount(train.ravel(), minlength=ITEMS + 1)[1:]
    stream = np.concatenate([train, np.full((len(train), 1), ITEMS + 1)], axis=1).ravel()
    pairs = data.cooccurrences(stream, 3, end=ITEMS + 1)
    together = np.zeros((ITEMS, ITEMS))
    word, context = pairs.stored.T - 1
    together[word, context] = pairs.columns["count"]
    start = time.perf_counter()
    recipe = recipes.items.skip_gram(train, ITEMS, seed=seed)
    recipe.fit(verbose=0)
    seconds = time.perf_counter() - start
    vectors = recipe.objective.vectors()[1:]
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return {
        "popularity": hit_rate(np.tile(popular, (ITEMS, 1)), test),
        "co-occurrence": hit_rate(together, test),
        "skip-gram": hit_rate(vectors @ vectors.T, test),
        "seconds": seconds,
    }


def section(result):
    """The table, and the line under it."""
    names = ("popularity", "co-occurrence", "skip-gram")
    cells = [f"{mean:.3f} ± {deviation:.3f}" for mean, deviation in map(result["means_and_deviations"].get, names)]
    return (
        f"| {' | '.join(names)} |\n|---|---|---|\n| {' | '.join(cells)} |\n\n"
        "The share of sequences whose next item is among the first 10: mean ± standard deviation of "
        f"{len(result['runs'])} draws of the sequences."
    )


def main():
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    runs = [measure(seed) for seed in range(parser.parse_args().seeds)]
    means = {name: [float(f([run[name] for run in runs])) for f in (np.mean, np.std)] for name in runs[0]}
    TARGET.write_text(json.dumps({"means_and_deviations": means, "runs": runs}, indent=1) + "\n")
    print(json.dumps(means))


if __name__ == "__main__":
    main()
