"""How many hidden words of Wikipedia a masked language model finds, next to counts of both neighbors.

    python -m benchmarks.masked_language_model --text enwiki_sample.txt.gz
    python -m benchmarks.masked_language_model --text enwiki_sample.txt.gz --validate --seeds 1

Words are lowercase; those that occur fewer than five times in the part trained on are unknown. The last tenth of the
text is the test part, and the last tenth of the rest the validation part. Of each window of 64 words 15 % are hidden,
the same for all that are compared, and all of these become the mask. Unknown words are never hidden.

The counts are those of the part trained on: the most frequent word between both neighbors; if one of them is hidden, or
the two never stood around a known word, the most frequent word after the left or before the right neighbor, whichever
has the larger share there; else the most frequent word. They see the same masked text as the model does. Another row
gives them the true neighbors of each hidden word, also those that are hidden from the model.

The encoder is the ids' vectors of `encoders.transformer` under the trunk of `encoders.dilated_conv`, which sees six
words to each side: on so little text it learns several times faster than attention does. Choices were made on the
validation part, with `--validate`, which writes nothing. The last step counts.
"""

import argparse
import gzip
import json
import os
import pathlib
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported

import keras
import numpy as np

from benchmarks.pages import publish
from benchmarks.tables import cell, over_seeds
from keras_ssl import data, encoders, objectives, tokenizers, transforms
from keras_ssl.networks import parts

LENGTH, HIDDEN, MASK, ORDINARY = 64, 0.15, 2, 5  # ids from 5 on are words


def read(path, validate):
    """The tokenizer, the ids of the words to train on, and those to score on."""
    opened = gzip.open if pathlib.Path(path).suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        words = file.read().lower().split()
    test = len(words) * 9 // 10
    validation = test * 9 // 10
    train, scored = words[:validation], words[validation:test] if validate else words[test:]
    tokenizer = tokenizers.words([" ".join(train)], min_count=5)
    return tokenizer, tokenizer.ids(" ".join(train)), tokenizer.ids(" ".join(scored))


def masked(ids):
    """Windows to score on, and what of them is hidden."""
    rows = windows(ids).inputs()
    return rows, np.array(transforms.hidden_tokens(rows >= ORDINARY, HIDDEN, (0, 0)))


def windows(ids):
    """Windows of a text, one after the other."""
    return data.Source(data.Windows(ids, LENGTH), kinds="ids")


# ---- counts ----------------------------------------------------------------------------------------------------------


class Counts:
    """The most frequent known word in each context of a text, and its share of the known words there."""

    def __init__(self, ids, vocabulary):
        left, word, right = (ids[k : len(ids) - 2 + k].astype("int64") for k in range(3))
        known = word >= ORDINARY
        left, word, right = left[known], word[known], right[known]
        self.vocabulary = vocabulary
        self.both = self._table(left * vocabulary + right, word)
        self.left, self.right = self._table(left, word), self._table(right, word)
        self.frequencies = np.bincount(word, minlength=vocabulary)

    def predict(self, left, right):
        """The words between neighbors. The mask, which was never counted, stands for a neighbor that is not seen."""
        left, right = left.astype("int64"), right.astype("int64")
        word, share = np.full(len(left), self.frequencies.argmax()), np.zeros(len(left))
        for table, context in ((self.left, left), (self.right, right)):
            found, its_word, its_share = _look(table, context)
            better = found & (its_share > share)
            word, share = np.where(better, its_word, word), np.where(better, its_share, share)
        found, its_word, _ = _look(self.both, left * self.vocabulary + right)
        return np.where(found, its_word, word)

    def _table(self, contexts, words):
        """Contexts in order, the most frequent word in each, and its share."""
        pairs, counts = np.unique(contexts * self.vocabulary + words, return_counts=True)
        contexts, words = np.divmod(pairs, self.vocabulary)
        order = np.lexsort((-counts, contexts))
        contexts, words, counts = contexts[order], words[order], counts[order]
        starts = np.flatnonzero(np.append(True, contexts[1:] != contexts[:-1]))
        return contexts[starts], words[starts], counts[starts] / np.add.reduceat(counts, starts)


def _look(table, contexts):
    known, words, shares = table
    at = np.minimum(np.searchsorted(known, contexts), len(known) - 1)
    return known[at] == contexts, words[at], shares[at]


def by_counts(counts, rows, hidden, seen):
    """Accuracy of the counts at the hidden places of windows, from the neighbors in `seen`."""
    around = np.pad(seen, ((0, 0), (1, 1)))
    return float((counts.predict(around[:, :-2][hidden], around[:, 2:][hidden]) == rows[hidden]).mean())


# ---- the model -------------------------------------------------------------------------------------------------------


def encoder_of(vocabulary, width, depth):
    """Convolutions over the vectors of ids."""
    text = parts(encoders.transformer(vocabulary, width, 1, 4))
    series = parts(encoders.dilated_conv(width, width=width, depth=depth))
    ids = keras.Input((None,), dtype="int32", name="ids")
    x, keep = text.tokens(ids)
    return keras.Model(ids, series.pool([series.trunk([x, keep]), keep]), name="convolutions")


def train(given, ids, frequencies, seed):
    """A trained model, and the seconds of all cores that this took."""
    keras.utils.set_random_seed(seed)
    encoder = encoder_of(len(frequencies), given.width, given.depth)
    model = objectives.MaskedLanguageModel(encoder, mask=MASK, mask_ratio=given.ratio, seed=seed)
    model.bias.assign(np.log((frequencies + 0.1) / frequencies.sum()))  # else the first steps would learn these
    rate = keras.optimizers.schedules.CosineDecay(0.0, given.steps, warmup_target=given.rate, warmup_steps=100)
    optimizer = keras.optimizers.AdamW(rate, weight_decay=0.01, beta_2=0.98, global_clipnorm=1.0)
    model.compile(optimizer, jit_compile=True, steps_per_execution=10)
    batches = data.batches(windows(ids), batch_size=given.batch, seed=seed, drop_remainder=True)
    started = time.process_time()
    model.fit(batches.repeat(), steps_per_epoch=given.steps, verbose=0)
    return model, time.process_time() - started


def measure(given):
    """Accuracies at the same hidden words, and the seconds of all cores that training took."""
    tokenizer, ids, scored = read(given.text, given.validate)
    counts = Counts(ids, tokenizer.vocabulary)
    rows, hidden = masked(scored)
    seen = np.where(hidden, MASK, rows)
    batch = {"input": rows, "mask": hidden, "replacement": np.full_like(rows, MASK)}
    result = {
        "vocabulary": tokenizer.vocabulary,
        "words": [len(ids), len(scored)],
        "hidden": int(hidden.sum()),
        "most frequent word": float((rows[hidden] == counts.frequencies.argmax()).mean()),
        "counts": by_counts(counts, rows, hidden, seen),
        "counts, true neighbors": by_counts(counts, rows, hidden, rows),
        "model": [],
        "cpu_seconds": [],
    }
    for seed in range(given.seeds):
        model, seconds = train(given, ids, counts.frequencies, seed)
        model.mask_ratio = HIDDEN
        result["model"].append(model.evaluate(batch, batch_size=50, return_dict=True, verbose=0)["accuracy"])
        result["cpu_seconds"].append(seconds)
        print(seed, result["model"][-1], f"{seconds:.0f} s", flush=True)
    return result | {key: getattr(given, key) for key in ("width", "depth", "ratio", "batch", "rate", "steps")}


def section(result):
    """The table, and the lines under it."""
    names = ("most frequent word", "counts", "counts, true neighbors")
    cells = [*(f"{result[name]:.3f}" for name in names), f"**{cell(result['model'])}**"]
    table = f"| {' | '.join(names)} | `MaskedLanguageModel` |\n{'|---' * 4}|\n| {' | '.join(cells)} |\n\n"
    return table + (
        f"Accuracy at {result['hidden']:,} hidden words of the last tenth of a text of Wikipedia, trained on the "
        f"first\n{result['words'][0]:,} words ({result['vocabulary']:,} ids): {over_seeds([len(result['model'])])}, "
        f"{result['steps']:,} steps\nof {np.mean(result['cpu_seconds']):.0f} CPU seconds in all. Counts see the same "
        "masked text as the model; with the true\nneighbors they also see words that are hidden from it."
    )


def main():
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--text", required=True, help="a text of words, .txt or .txt.gz")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--depth", type=int, default=2)
    parser.add_argument("--ratio", type=float, default=0.15, help="share of the words that are hidden in training")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rate", type=float, default=4e-3)
    parser.add_argument("--validate", action="store_true", help="score on the validation part; write nothing")
    given = parser.parse_args()
    result = measure(given)
    print(json.dumps(result, indent=1))
    print(section(result))
    if all(getattr(given, key) == parser.get_default(key) for key in vars(given) if key != "text"):
        publish("masked_language_model", result)


if __name__ == "__main__":
    main()
