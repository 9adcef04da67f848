"""English to German on the messages of programs, from scratch and after denoising pretraining.

    python -m benchmarks.catalogs
    python -m benchmarks.translation --seeds 0 1 2
    python -m benchmarks.translation --validate --pairs 5000

The catalogs are those of `benchmarks.catalogs`, whose packages are in one split each. Messages of at most 40 characters
and 16 tokens are kept in all splits: of 12,000 pairs of train and 500 of test, drawn once. A byte-pair vocabulary of
4,000 is made of both languages' train text. "pretrained" first restores corrupted train text of both languages, without
its pairs; then it is fine-tuned as the model from scratch is trained, for as many steps. Translations are greedy. BLEU
and chrF are those of the last step.

Each seed is added to the results; it gives weights, order, corruption and dropout. With `--validate` validation
packages stand for test: choices were made so. It writes nothing.
"""

import argparse
import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported

import keras
import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from benchmarks import catalogs
from benchmarks.pages import publish, published
from benchmarks.tables import cell
from keras_ssl import decoders, encoders, evaluate, objectives, tokenizers

CHARACTERS, LENGTH, VOCABULARY = 40, 16, 4_000
WIDTH, DEPTH, DROPOUT = 128, 2, 0.1
BATCH, RATE = 64, 2e-3
ROWS = {
    "copy": "the English message itself",
    "nearest": "German of the nearest English message (TF-IDF)",
    "scratch": "from scratch",
    "pretrained": "denoising, then fine-tuned",
}
SCORES = {"bleu": "BLEU", "chrf": "chrF"}


def splits(count, score_on):
    """Pairs to train on and to score on, and the tokenizer of the former."""
    found = {
        split: [pair for pair in pairs if max(map(len, pair)) <= CHARACTERS] for split, pairs in catalogs.load().items()
    }
    rng = np.random.default_rng(0)
    train = drawn(found["train"], count, rng)
    tokenizer = tokenizers.byte_pairs([text for pair in train for text in pair], vocabulary=VOCABULARY)
    fits = [
        [pair for pair in pairs if max(len(tokenizer.ids(text)) for text in pair) <= LENGTH]
        for pairs in (train, drawn(found[score_on], 500, rng))
    ]
    return *fits, tokenizer


def drawn(pairs, count, rng):
    """Some of the pairs, or all if there are fewer."""
    return [pairs[k] for k in rng.permutation(len(pairs))[:count]]


def build(seed):
    """A model with new weights."""
    keras.utils.set_random_seed(seed)
    encoder = encoders.transformer(VOCABULARY, WIDTH, DEPTH, dropout=DROPOUT)
    return objectives.SequenceToSequence(encoder, decoders.text(encoder, DEPTH, dropout=DROPOUT), seed=seed)


def train(model, batch, epochs):
    """Fit, with a rate that rises and then falls to 0; the seconds that it took."""
    steps = epochs * -(-len(batch["input"]) // BATCH)
    rise = steps // 10
    schedule = keras.optimizers.schedules.CosineDecay(0.0, steps - rise, warmup_target=RATE, warmup_steps=rise)
    model.compile(keras.optimizers.Adam(schedule, clipnorm=1.0))
    start = time.perf_counter()
    history = model.fit(batch, batch_size=BATCH, epochs=epochs, verbose=2).history
    return {"seconds": time.perf_counter() - start, "loss": history["loss"][-1]}


def measure(seed, given, pairs, tokenizer):
    """The scores of the two models of a seed."""
    english, german = (tokenizer.encode(texts, LENGTH) for texts in zip(*pairs["train"]))
    scratch, pretrained = build(seed), build(seed)
    found = {"scratch": train(scratch, {"input": english, "target": german}, given.epochs)}
    before = train(pretrained, {"input": np.concatenate([english, german])}, given.pretraining)
    found["pretrained"] = train(pretrained, {"input": english, "target": german}, given.epochs)
    found["pretrained"]["pretraining_seconds"] = before["seconds"]
    sources, references = zip(*pairs["score"])
    for name, model in (("scratch", scratch), ("pretrained", pretrained)):
        start = time.perf_counter()
        translations = [tokenizer.text(row) for row in model.translate(tokenizer.encode(sources, LENGTH), LENGTH)]
        found[name] |= evaluate.translation_scores(translations, references)
        found[name]["translating_seconds"] = time.perf_counter() - start
        print(name, found[name], *zip(sources[:5], translations[:5], references[:5]), sep="\n")
    return found


def floors(pairs):
    """The scores without a model."""
    (english, german), (sources, references) = zip(*pairs["train"]), zip(*pairs["score"])
    vectorizer = TfidfVectorizer(token_pattern=r"\w+").fit(english)
    nearest = (vectorizer.transform(sources) @ vectorizer.transform(english).T).toarray().argmax(axis=1)
    return {
        "copy": evaluate.translation_scores(sources, references),
        "nearest": evaluate.translation_scores([german[k] for k in nearest], references),
    }


def section(result):
    """The table, and the line under it."""
    runs = list(result["seeds"].values())
    lines = [f"| English to German | {' | '.join(SCORES.values())} |", "|---|---|---|"]
    for name, title in ROWS.items():
        of_row = [result["floors"][name]] if name in result["floors"] else [run[name] for run in runs]
        lines.append(f"| {title} | {' | '.join(cell([row[score] for row in of_row], 1) for score in SCORES)} |")
    p = result["protocol"]
    seconds = [row["seconds"] + row.get("pretraining_seconds", 0) for run in runs for row in run.values()]
    return "\n".join(lines) + (
        f"\n\n{result['train']:,} pairs of train, {result['score']} of test, from other packages; "
        f"{p['epochs']} epochs of pairs, and before them\n{p['pretraining']} of both languages' train text; last step; "
        f"{len(runs)} seed{'s' * (len(runs) > 1)}, {sum(seconds) / len(runs) / 60:.0f} minutes of training each "
        "(2 cores, not idle otherwise)."
    )


def main():
    """Measure seed after seed, writing the results after each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pairs", type=int, default=12_000, help="of train (12,000)")
    parser.add_argument("--epochs", type=int, default=3, help="of training with pairs (3)")
    parser.add_argument("--pretraining", type=int, default=1, help="epochs of denoising (1)")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--validate", action="store_true", help="score on validation packages; write nothing")
    given = parser.parse_args()
    protocol = {key: getattr(given, key) for key in ("pairs", "epochs", "pretraining")}
    usual = not given.validate and all(protocol[key] == parser.get_default(key) for key in protocol)
    *found, tokenizer = splits(given.pairs, "validation" if given.validate else "test")
    pairs = dict(zip(("train", "score"), found))
    result = {
        "protocol": protocol,
        "train": len(pairs["train"]),
        "score": len(pairs["score"]),
        "floors": floors(pairs),
        "seeds": published("translation", usual).get("seeds", {}),
    }
    for seed in given.seeds:
        result["seeds"][str(seed)] = measure(seed, given, pairs, tokenizer)
        if usual:
            publish("translation", result)
    print(section(result))


if __name__ == "__main__":
    main()
