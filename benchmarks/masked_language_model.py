"""How many hidden words of Wikipedia a masked language model finds, next to counts of both neighbors.

    python -m benchmarks.masked_language_model --text enwiki_sample.txt.gz
    python -m benchmarks.masked_language_model --text enwiki_sample.txt.gz --validate --seeds 1

Words are made lowercase; those that occur fewer than five times in the part trained on are unknown. The last tenth of
the text is the test part, and the last tenth of the rest the validation part. Of each window of 64 words, 15 % are
hidden, always the same, and all of these become the mask. Unknown words are never hidden.

The counts are those of the part trained on: the most frequent word between both neighbors; if one of them is hidden, or
the two never stood around a word, the most frequent word after the left or before the right neighbor, whichever is more
certain; else the most frequent word. They see the same masked text as the model does. A second row gives them the true
neighbors of each hidden word, also where the model does not see them.

Choices (encoder, share of hidden words in training, rate, steps) were made on the validation part, with `--validate`,
which writes nothing. The last step counts. Seconds are those of all cores together.
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
from keras_ssl import data, encoders, objectives, tokenizers, transforms

LENGTH, HIDDEN = 64, 0.15
TEXT = "/work/shared/datasets/files/enwiki_sample.txt.gz"


def parts_of(path):
    """The tokenizer, and the ids of the words to train on, of the validation and of the test part."""
    opened = gzip.open if pathlib.Path(path).suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        words = file.read().lower().split()
    test = len(words) * 9 // 10
    validation = test * 9 // 10
    texts = [" ".join(part) for part in (words[:validation], words[validation:test], words[test:])]
    tokenizer = tokenizers.words(texts[:1], min_count=5)
    return tokenizer, [tokenizer.ids(text) for text in texts]


# ---- counts ----------------------------------------------------------------------------------------------------------


class Counts:
    """The most frequent known word in each context of a text, and its share of the words there."""

    def __init__(self, ids, vocabulary):
        left, word, right = (ids[k : len(ids) - 2 + k].astype("int64") for k in range(3))
        known = word > max(objectives.SPECIAL_IDS)
        left, word, right = left[known], word[known], right[known]
        self.vocabulary = vocabulary
        self.both = self._table(left * vocabulary + right, word)
        self.left, self.right = self._table(left, word), self._table(right, word)
        self.frequencies = np.bincount(word, minlength=vocabulary)

    def _table(self, contexts, words):
        """Contexts in order, the most frequent word in each, and its share."""
        pairs, counts = np.unique(contexts * self.vocabulary + words, return_counts=True)
        contexts, words = np.divmod(pairs, self.vocabulary)
        order = np.lexsort((-counts, contexts))
        contexts, words, counts = contexts[order], words[order], counts[order]
        starts = np.flatnonzero(np.append(True, contexts[1:] != contexts[:-1]))
        return contexts[starts], words[starts], counts[starts] / np.add.reduceat(counts, starts)

    def predict(self, left, right):
        """The word between two neighbors; the mask stands for a neighbor that is not seen, and was never counted."""
        left, right = left.astype("int64"), right.astype("int64")
        word, share = np.full(len(left), self.frequencies.argmax()), np.zeros(len(left))
        for table, context in ((self.left, left), (self.right, right)):
            found, its_word, its_share = _look(table, context)
            better = found & (its_share > share)
            word, share = np.where(better, its_word, word), np.where(better, its_share, share)
        found, its_word, _ = _look(self.both, left * self.vocabulary + right)
        return np.where(found, its_word, word)


def _look(table, contexts):
    known, words, shares = table
    at = np.minimum(np.searchsorted(known, contexts), len(known) - 1)
    return known[at] == contexts, words[at], shares[at]


def by_counts(counts, rows, seen, hidden):
    """Accuracy of the counts at the hidden places of rows, from the neighbors in `seen`."""
    around = np.pad(seen, ((0, 0), (1, 1)))
    found = counts.predict(around[:, :-2][hidden], around[:, 2:][hidden])
    return float((found == rows[hidden]).mean())


# ---- the model -------------------------------------------------------------------------------------------------------


def windows(ids):
    """Windows of a text, one after the other."""
    return data.Source(data.Windows(ids, LENGTH), kinds="ids")


def masked(ids):
    """Rows to score on, and what of them is hidden."""
    rows = windows(ids).inputs()
    candidates = rows > max(objectives.SPECIAL_IDS)
    return rows, np.array(transforms.hidden_tokens(candidates, HIDDEN, (0, 0)))


def train(given, ids, counts, seed):
    """A trained model, and the seconds that it took."""
    keras.utils.set_random_seed(seed)
    encoder = encoders.transformer(counts.vocabulary, given.width, given.depth, 4)
    model = objectives.MaskedLanguageModel(encoder, mask_ratio=given.ratio, seed=seed)
    model.bias.assign(np.log(counts.frequencies + 0.1) - np.log(counts.frequencies.sum()))
    schedule = keras.optimizers.schedules.CosineDecay(0.0, given.steps, 0.0, warmup_target=given.rate, warmup_steps=100)
    model.compile(keras.optimizers.AdamW(schedule, weight_decay=given.decay, beta_2=0.98, global_clipnorm=1.0))
    source = windows(ids)
    batches = data.batches(source, batch_size=given.batch, seed=seed, drop_remainder=True)
    epochs = -(-given.steps // (len(source) // given.batch))
    started = time.process_time()
    model.fit(batches.repeat(), epochs=1, steps_per_epoch=given.steps, verbose=2)
    return model, time.process_time() - started
