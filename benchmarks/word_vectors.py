"""Word vectors of a sample of Wikipedia: ours and gensim's, in turn, and GloVe.

    python -m benchmarks.word_vectors FOLDER [--peer /tmp/venv-gensim/bin/python] [--seeds 3] [--epochs 10]
        [--glove ITERATIONS] [--development]

FOLDER has enwiki_sample.txt.gz (799,885 words), wordsim353.tsv, simlex999.txt and questions-words.txt.gz. Skip-gram has
100 dimensions, a window of 5, 5 negatives, words that occur 5 times, and `recipes.words.skip_gram`; gensim has the
same, with `corpus_file` and 2 workers. Both train in turn, each in a process of its own. Words a second are words
of the text, before frequent ones are left out, over the seconds of training: for ours all of `fit`, tracing included.
Processor seconds are those of all threads, and depend less on what else runs. `--development` scores every second pair
of the two sets of pairs; without it all pairs are scored, and the other half alone. No half is unseen: the batch size
and `most` of the recipe were chosen among ten settings with the scores of both halves, for WordSim and SimLex, in view.

With `--peer`, gensim also scores all vectors, as it reads them from our files, by `KeyedVectors.evaluate_word_pairs`
with its defaults: "scores by gensim".

GloVe has a window of 15, x_max 10 and 100 dimensions, as in the demo of its code. Its cost is half the mean of the
weighted squared errors, over all pairs, as they are met in the last iteration.

Results go to `benchmarks/results/word_vectors.json`.
"""

import argparse
import gzip
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
TARGET = HERE / "results" / "word_vectors.json"

CLOCKS = ("seconds", "processor_seconds")


def texts_of(folder):
    """The texts of the sample, one in each line."""
    return gzip.decompress((folder / "enwiki_sample.txt.gz").read_bytes()).decode().splitlines()


def skip_gram(folder, seed, epochs):
    """Train ours; return the vectors and what was measured."""
    from keras_ssl import data, recipes, tokenizers, word_vectors

    texts = texts_of(folder)
    tokenizer = tokenizers.words(texts, min_count=5)
    contexts = data.Contexts(tokenizer.stream(texts), end=tokenizer.end, unknown=tokenizer.unknown)
    recipe = recipes.words.skip_gram(contexts, tokenizer.vocabulary, epochs, seed)
    start, processor = time.perf_counter(), time.process_time()
    losses = recipe.fit(verbose=0).history["loss"]
    seconds, processor = time.perf_counter() - start, time.process_time() - processor
    words = epochs * sum(len(text.split()) for text in texts)
    figures = {"words": words, "seconds": seconds, "processor_seconds": processor, "losses": losses}
    return word_vectors.of(recipe.objective, tokenizer), figures


def glove(folder, seed, iterations):
    """Train GloVe; return the vectors and what was measured."""
    from keras_ssl import data, recipes, tokenizers, word_vectors

    texts = texts_of(folder)
    tokenizer = tokenizers.words(texts, min_count=5)
    start = time.perf_counter()
    pairs = data.cooccurrences(tokenizer.stream(texts), 15, tokenizer.end, tokenizer.unknown)
    counting, start = time.perf_counter() - start, time.perf_counter()
    recipe = recipes.words.glove(pairs, tokenizer.vocabulary, iterations, seed)
    costs = recipe.fit(verbose=0).history["loss"]
    figures = {"pairs": len(pairs), "counting": counting, "seconds": time.perf_counter() - start, "costs": costs}
    return word_vectors.of(recipe.objective, tokenizer), figures


def scores(vectors, folder, development):
    """Scores of vectors by the name of the test."""
    from keras_ssl import word_vectors

    found = {}
    for name, file in (("wordsim", "wordsim353.tsv"), ("simlex", "simlex999.txt")):
        pairs = word_vectors.read_pairs(folder / file)
        parts = {"": pairs[::2]} if development else {"": pairs, " odd pairs": pairs[1::2]}
        for part, these in parts.items():
            found[name + part] = word_vectors.similarity_score(vectors, these)._asdict()
    analogies = word_vectors.read_analogies(folder / "questions-words.txt.gz")
    found["analogies"] = word_vectors.analogy_score(vectors, analogies)._asdict()
    return found


def scores_by_peer(python, vectors, folder):
    """Scores that gensim itself gives the vectors, which it reads from a file that we write."""
    from keras_ssl import word_vectors

    pairs = {"wordsim": folder / "wordsim353.tsv", "simlex": folder / "simlex999.txt"}
    with tempfile.TemporaryDirectory() as temporary:
        file = pathlib.Path(temporary, "vectors.bin")
        word_vectors.save(vectors, file)
        command = [python, str(HERE / "gensim_scores.py"), str(file), *map(str, pairs.values())]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(zip(pairs, json.loads(printed.splitlines()[-1]), strict=True))


def of_peer(python, folder, seed, epochs):
    """Train gensim's in its own environment; return the vectors and what was measured."""
    from keras_ssl import word_vectors

    with tempfile.TemporaryDirectory() as temporary:
        corpus, vectors = pathlib.Path(temporary, "corpus.txt"), pathlib.Path(temporary, "vectors.bin")
        corpus.write_text("\n".join(texts_of(folder)) + "\n")
        command = [
            python,
            str(HERE / "gensim_peer.py"),
            str(corpus),
            str(vectors),
            f"--seed={seed}",
            f"--epochs={epochs}",
        ]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        return word_vectors.load(vectors), json.loads(printed.splitlines()[-1])


def one(args):
    """Run one training and print its figures and scores as JSON."""
    folder = pathlib.Path(args.folder)
    if args.only == "gensim":
        vectors, figures = of_peer(args.peer, folder, args.seed, args.epochs)
    elif args.only == "glove":
        vectors, figures = glove(folder, args.seed, args.glove)
    else:
        vectors, figures = skip_gram(folder, args.seed, args.epochs)
    if args.only != "glove":
        figures["words_per_second"] = figures["words"] / figures["seconds"]
    figures["scores"] = scores(vectors, folder, args.development)
    if args.peer:
        figures["scores by gensim"] = scores_by_peer(args.peer, vectors, folder)
    print(json.dumps(figures))


def section(result):
    """The table, and the lines under it."""
    known = {"keras_ssl": "`SkipGram`", "gensim": "gensim", "glove": "`GloVe`"}
    rows = ["| | words per second | words per CPU second | WordSim-353 | SimLex-999 | analogies |", f"|{'---|' * 6}"]
    for name, title in known.items():
        runs = [run for run in result["runs"] if run["name"] == name]
        if runs:
            rows.append(f"| {title} | {' | '.join(_cells(runs))} |")
    seeds = len({run["seed"] for run in result["runs"]})
    costs = [run["costs"][-1] for run in result["runs"] if run["name"] == "glove"]
    iterations = result["protocol"]["glove"]
    about_glove = f"\nGloVe: {iterations} iterations, seed 0, cost {costs[0]:.5f} at the end." if costs else ""
    return "\n".join(rows) + (
        f"\n\n{result['protocol']['epochs']} epochs, {seeds} seed{'s' * (seeds > 1)}, mean ± standard deviation; "
        f"programs in turn on {result['protocol']['cores']} cores that did other work, too.\nSpearman's correlation "
        f"over the pairs whose words are known, and the share of analogies that are right.{about_glove}"
    )


def _cells(runs):
    """Speeds and scores of the runs of one program."""
    speeds = [_speed(runs, clock) for clock in CLOCKS]
    return [*speeds, *(_spread(runs, name) for name in ("wordsim", "simlex", "analogies"))]


def _speed(runs, clock):
    return f"{statistics.mean(run['words'] / run[clock] for run in runs):,.0f}" if "words" in runs[0] else ""


def _spread(runs, name):
    values = [run["scores"][name]["value"] for run in runs]
    deviation = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.3f}{deviation}"


def main():
    """Run all in turn and write the results."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder")
    parser.add_argument("--peer")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--glove", type=int, default=0)
    parser.add_argument("--development", action="store_true")
    parser.add_argument("--only", choices=["keras_ssl", "gensim", "glove"])
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    if args.only:
        one(args)
        return
    plan = [(name, seed) for seed in range(args.seeds) for name in ["keras_ssl", *["gensim"] * bool(args.peer)]]
    plan += [("glove", 0)] * bool(args.glove)
    protocol = {"seeds": args.seeds, "epochs": args.epochs, "glove": args.glove, "cores": os.cpu_count()}
    results = {"protocol": protocol, "runs": []}
    for name, seed in plan:
        command = [sys.executable, "-m", "benchmarks.word_vectors", *sys.argv[1:], f"--only={name}", f"--seed={seed}"]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
        results["runs"].append({"name": name, "seed": seed, **json.loads(printed.splitlines()[-1])})
        print(json.dumps(results["runs"][-1]), flush=True)
        if not args.development:
            TARGET.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
