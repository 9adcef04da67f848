"""What an encoder of text that was pretrained on a small corpus is worth on few labels.

    python -m benchmarks.text_transfer                          # or only some: text_transfer spam tags
    python -m benchmarks.text_transfer --validate --seeds 1     # to choose by; writes nothing

Protocol: one tokenizer (4,000 word pieces) and one encoder (2 blocks of width 64) for all three tasks, trained without
labels on every third State of the Union address and on the texts of the training parts, one epoch, as a masked language
model; on the same ids word vectors by skip-gram of the same width. Seed 0; nothing was tuned. The seeds of the table
are those of the labeled samples, of the untrained encoder and of the heads. Fine-tuning and training from scratch take
150 Adam steps of 32 texts, at 3e-4 and 1e-3, as `evaluate.label_efficiency` does, and are scored after the last.

- spam: accuracy on 1,000 mails, by labels of each class; bodies of mails, the first 48 tokens.
- sentiment: the ratings' RMSE and Pearson correlation, and the share of signs that are right, on 3,000 sentences whose
  documents are not in train. Frozen representations get ridge regression, whose penalty is chosen on the labeled
  sentences.
- tags: share of the words of the last 1,000 sentences of the corpus whose tag is right. Frozen representations get
  `transfer.fit_linear` on the frame of each word's first token.

What was pretrained is kept (see `protocol.kept`); `--again` trains it anew. With `--validate` the end of each training
part stands for the test part.
"""

import argparse
import json
import os
import re
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")  # as keras_ssl does, but before Keras is imported

import keras
import numpy as np
import tensorflow as tf
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import RidgeCV, SGDClassifier

from benchmarks import text_sets
from benchmarks.pages import publish, published
from benchmarks.protocol import VERSION, kept, note
from benchmarks.tables import cell
from keras_ssl import data, encoders, evaluate, losses, networks, objectives, tokenizers, transfer
from keras_ssl.data.few_labels import few_indices

VOCABULARY, WIDTH, DEPTH, HEADS = 4000, 64, 2, 2
WINDOW = 48  # tokens in a row of pretraining
LENGTH = {"spam": 48, "sentiment": 32, "tags": 32}
COUNTS = {"spam": (10, 100), "sentiment": (100, 1000), "tags": (100, 1000)}
STEPS, BATCH, FINE_TUNING_RATE, SCRATCH_RATE = 150, 32, 3e-4, 1e-3
ROWS = {
    "tf_idf": "TF-IDF of tokens",
    "untrained": "untrained encoder",
    "from_scratch": "from scratch",
    "masked": "masked language model, frozen",
    "masked_finetuned": "masked language model, fine-tuned",
    "vectors": "word vectors, frozen",
}
WORDS = "TF-IDF of words"


def parts(validate):
    """For each task its training and its test part, each a pair of texts and labels; tags also as words."""
    mails, is_spam = text_sets.spam()
    sentences, ratings, documents = text_sets.sentiment()
    tagged, tags = text_sets.tags()
    order = np.random.default_rng(0).permutation(len(mails))
    by_document = np.random.default_rng(0).permutation(np.unique(documents))
    rank = dict(zip(by_document, range(len(by_document))))
    last = np.argsort([rank[name] for name in documents], kind="stable")
    found = {}
    for task, texts, labels, shuffled, test in (
        ("spam", mails, is_spam, order, 1000),
        ("sentiment", sentences, ratings, last, 3000),
        ("tags", tagged, tags, np.arange(len(tagged)), 1000),
    ):
        ends = (-2 * test, -test) if validate else (-test, None)
        found[task] = [
            ([texts[k] for k in part], [labels[k] for k in part])
            for part in (shuffled[: ends[0]], shuffled[ends[0] : ends[1]])
        ]
    return found


# ---- pretraining -----------------------------------------------------------------------------------------------------


def pretrained(texts, validate, again):
    """The tokenizer, the encoders by name, the seconds that each took, and the number of tokens."""
    file = kept("text_transfer", dataset="all", seed=0, texts=len(texts), validate=validate).with_suffix(".json")
    paths = {name: file.with_name(f"{file.stem}-{name}.keras") for name in ("masked", "vectors")}
    notes = file.with_name(f"{file.stem}-notes.json")
    if again or not notes.exists():
        tokenizer = tokenizers.word_pieces(texts, VOCABULARY, lowercase=True)
        tokenizer.save(file)
        stream, seconds = tokenizer.stream(texts), {}
        for name, make in (("masked", _masked), ("vectors", _vectors)):
            keras.utils.set_random_seed(0)
            begun = time.perf_counter()
            objective, source, rate = make(tokenizer, stream)
            objective.compile(keras.optimizers.Adam(rate))
            history = objective.fit(data.batches(source, batch_size=64), epochs=1, verbose=0).history
            seconds[name] = time.perf_counter() - begun
            objective.encoder.save(paths[name])
            print(f"{name}: {len(stream):,} tokens, loss {history['loss'][-1]:.3f}, {seconds[name]:.0f} s", flush=True)
        notes.write_text(json.dumps({"seconds": seconds, "tokens": len(stream)}), encoding="utf-8")
    about = json.loads(notes.read_text(encoding="utf-8"))
    found = {name: keras.saving.load_model(path) for name, path in paths.items()}
    return tokenizers.load(file), found, about["seconds"], about["tokens"]


def _masked(tokenizer, stream):
    encoder = encoders.transformer(tokenizer.vocabulary, WIDTH, DEPTH, HEADS)
    objective = objectives.MaskedLanguageModel(encoder, first_of_word=tokenizer.first_of_word)
    return objective, data.Source(data.Windows(stream, WINDOW), kinds="ids"), 2e-3


def _vectors(tokenizer, stream):
    contexts = data.Contexts(stream, end=tokenizer.end, unknown=tokenizer.unknown)
    encoder = encoders.word_vectors(tokenizer.vocabulary, WIDTH)
    objective = objectives.SkipGram(encoder, contexts.counts(tokenizer.vocabulary))
    return objective, data.Source(contexts), 1e-2


# ---- spam ------------------------------------------------------------------------------------------------------------


def spam(tokenizer, found, train, test, seeds):
    """Accuracies by row and labels per class."""
    sources = [
        data.from_arrays(encoded(tokenizer, texts, "spam"), np.array(labels), kind="ids")
        for texts, labels in (train, test)
    ]
    counts = COUNTS["spam"]
    few = evaluate.label_efficiency({"masked": found["masked"]}, *sources, counts, seeds, steps=STEPS)
    alone = evaluate.label_efficiency({"vectors": found["vectors"]}, *sources, counts, seeds, (), steps=1)
    rows = {WORDS: {n: [] for n in counts}}
    weights = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2).fit(train[0])
    features = weights.transform(train[0]).tocsr(), weights.transform(test[0])
    for n in counts:
        for seed in range(seeds):
            chosen = few_indices(sources[0], n, seed)
            fitted = transfer.fit_linear(features[0][chosen], sources[0].labels[chosen])
            rows[WORDS][n].append(float((fitted.predict(features[1]) == sources[1].labels).mean()))
    for result, names in ((few, [name for name in ROWS if name != "vectors"]), (alone, ["vectors"])):
        rows |= {ROWS[name]: {n: result.values[name][n]["accuracy"] for n in counts} for name in names}
    return {"accuracy": rows}


def encoded(tokenizer, texts, task):
    """Ids that begin with the token of the beginning, so that no text is empty."""
    return tokenizer.encode(texts, LENGTH[task], begin=True, truncate=True)


# ---- sentiment -------------------------------------------------------------------------------------------------------


def sentiment(tokenizer, found, train, test, seeds):
    """RMSE, Pearson correlation and the share of right signs, by row and number of labeled sentences."""
    x, x_test = (encoded(tokenizer, texts, "sentiment") for texts, _ in (train, test))
    y, y_test = np.array(train[1]), np.array(test[1])
    tf_idf = evaluate.TfIdf().fit(x)
    weights = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2).fit(train[0])
    fixed = {
        WORDS: (weights.transform(train[0]).tocsr(), weights.transform(test[0])),
        ROWS["tf_idf"]: (tf_idf.transform(x).tocsr(), tf_idf.transform(x_test)),
        **{ROWS[name]: [evaluate.embed(found[name], ids) for ids in (x, x_test)] for name in ("masked", "vectors")},
    }
    result = {"rmse": {}, "pearson": {}, "signs": {}}
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(x))
        untrained = networks.reinitialized(found["masked"], seed)
        features = fixed | {ROWS["untrained"]: [evaluate.embed(untrained, ids) for ids in (x, x_test)]}
        for n in COUNTS["sentiment"]:
            chosen = order[:n]
            predicted = {row: ridge(f[chosen], y[chosen], f_test) for row, (f, f_test) in features.items()}
            predicted["mean of the labels"] = np.full(len(y_test), y[chosen].mean())
            for name, start, rate in starts(found["masked"], untrained):
                model = transfer.regressor(copied(start), y[chosen])
                model.compile(keras.optimizers.Adam(rate), losses.Scaled("mse", y[chosen].std()))
                model.fit(*repeated(x[chosen], y[chosen], seed), batch_size=BATCH, shuffle=False, verbose=0)
                predicted[ROWS[name]] = model.predict(x_test, batch_size=256, verbose=0)[:, 0]
            for row, values in predicted.items():
                scores = evaluate.regression_scores(y_test, values)
                scores["signs"] = float(np.mean((values > 0) == (y_test > 0)))
                for metric in result:
                    result[metric].setdefault(row, {}).setdefault(n, []).append(scores[metric])
            print(f"sentiment, seed {seed}, {n} labels", flush=True)
    return result


def ridge(features, values, others):
    """Predictions of ridge regression on features centered and scaled as `transfer.fit_linear` does."""
    sparse = hasattr(features, "tocsr")
    mean = 0 if sparse else features.mean(axis=0)
    features, others = (f if sparse else f - mean for f in (features, others))
    square = features.multiply(features) if sparse else np.square(features)
    scale = 4 / np.sqrt(square.sum(axis=1).mean())
    return RidgeCV(10.0 ** np.arange(-1, 4), cv=5).fit(scale * features, values).predict(scale * others)


# ---- parts of speech -------------------------------------------------------------------------------------------------


def parts_of_speech(tokenizer, found, train, test, seeds):
    """Share of the words whose tag is right, by row and number of labeled sentences."""
    names = sorted({tag for _, rows in (train, test) for row in rows for tag in row})
    number = {name: k for k, name in enumerate(names)}
    (x, y), (x_test, y_test) = (
        encoded_words(tokenizer, words, [[number[tag] for tag in row] for row in rows]) for words, rows in (train, test)
    )
    result = {}
    for seed in range(seeds):
        order = np.random.default_rng(seed).permutation(len(x))
        untrained = networks.reinitialized(found["masked"], seed)
        for n in COUNTS["tags"]:
            chosen = order[:n]
            sentences, labels = [train[0][k] for k in chosen], [train[1][k] for k in chosen]
            predicted = {
                "most frequent tag of the word": most_frequent(sentences, labels, test[0], number),
                "logistic regression on word, neighbors and endings": by_words(sentences, labels, test[0], number),
            }
            scores = {row: within(p, y_test, x_test, tokenizer, test[0]) for row, p in predicted.items()}
            for name, encoder in {**found, "untrained": untrained}.items():
                frozen = transfer.fit_linear(frames(encoder, x[chosen])[y[chosen] >= 0], y[chosen][y[chosen] >= 0])
                right = frozen.predict(frames(encoder, x_test)[y_test >= 0]) == y_test[y_test >= 0]
                scores[ROWS[name]] = float(right.mean())
            for name, start, rate in starts(found["masked"], untrained):
                model = transfer.tagger(copied(start), len(names))
                model.compile(keras.optimizers.Adam(rate), losses.WhereKnown("sparse_categorical_crossentropy"))
                model.fit(*repeated(x[chosen], y[chosen], seed), batch_size=BATCH, shuffle=False, verbose=0)
                tags = model.predict(x_test, batch_size=256, verbose=0).argmax(-1)
                scores[ROWS[name]] = evaluate.tagging_scores(y_test, tags, names)["accuracy"]
            for row, accuracy in scores.items():
                result.setdefault(row, {}).setdefault(n, []).append(accuracy)
            print(f"tags, seed {seed}, {n} sentences: {scores}", flush=True)
    return {"accuracy": result}


def encoded_words(tokenizer, words, labels):
    """Ids, and labels at the first token of each word."""
    ids, first = tokenizer.encode_words(words, LENGTH["tags"], truncate=True)
    return ids, transfer.token_labels(labels, first, truncate=True)


def within(predicted, y_test, x_test, tokenizer, words):
    """Accuracy of predictions for words, at those that the encoder sees, too."""
    _, first = tokenizer.encode_words(words, LENGTH["tags"], truncate=True)
    return float((transfer.token_labels(predicted, first, truncate=True) == y_test)[y_test >= 0].mean())


def frames(encoder, ids):
    """The vectors of all places."""
    found = networks.parts(encoder)
    return np.concatenate([np.array(found.frames(ids[k : k + 256])) for k in range(0, len(ids), 256)])


def most_frequent(sentences, labels, others, number):
    """Each word's most frequent tag in the labeled sentences; that of all words for new ones."""
    counts: dict = {}
    for words, tags in zip(sentences, labels):
        for word, tag in zip(words, tags):
            for key in (word.lower(), None):
                counts.setdefault(key, {}).setdefault(tag, 0)
                counts[key][tag] += 1
    best = {word: max(by, key=by.get) for word, by in counts.items()}
    return [[number[best.get(word.lower(), best[None])] for word in words] for words in others]


def by_words(sentences, labels, others, number):
    """Logistic regression, one tag against all others, on what a word and its neighbors look like."""
    vectorizer = CountVectorizer(analyzer=list)  # of lists of features
    x = vectorizer.fit_transform([looks(words, k) for words in sentences for k in range(len(words))])
    y = [number[tag] for tags in labels for tag in tags]
    fitted = SGDClassifier(loss="log_loss", alpha=1e-5, max_iter=15, tol=None, random_state=0).fit(x, y)
    flat = fitted.predict(vectorizer.transform([looks(words, k) for words in others for k in range(len(words))]))
    ends = np.cumsum([len(words) for words in others])
    return [part.tolist() for part in np.split(flat, ends[:-1])]


def looks(words, k):
    """Features of a word, its two neighbors and its endings."""
    word = words[k]
    near = [f"word {d} {words[k + d].lower() if 0 <= k + d < len(words) else ''}" for d in (-2, -1, 0, 1, 2)]
    endings = [f"ending {word.lower()[-size:]}" for size in (1, 2, 3)]
    shape = "".join("0" if c.isdigit() else "A" if c.isupper() else "a" if c.islower() else c for c in word)
    squeezed = re.sub(r"(.)\1+", r"\1", shape)
    return [*near, *endings, f"shape {squeezed}"]


# ---- networks --------------------------------------------------------------------------------------------------------


def starts(encoder, untrained):
    """Name, encoder and rate of what is trained with labels."""
    return ("masked_finetuned", encoder, FINE_TUNING_RATE), ("from_scratch", untrained, SCRATCH_RATE)


def copied(encoder):
    """A copy with the same weights."""
    copy = networks.clone(encoder)
    copy.set_weights(encoder.get_weights())
    return copy


def repeated(x, y, seed):
    """As many samples as all steps take, epoch after epoch in another order."""
    generator, need = np.random.default_rng(seed), STEPS * BATCH
    order = np.concatenate([generator.permutation(len(x)) for _ in range(-(-need // len(x)))])[:need]
    return x[order], y[order]


# ---- the table -------------------------------------------------------------------------------------------------------

MEASURES = {
    ("spam", "accuracy"): "spam, labels per class",
    ("sentiment", "rmse"): "sentiment, RMSE, labels",
    ("sentiment", "pearson"): "sentiment, Pearson, labels",
    ("sentiment", "signs"): "sentiment, right signs, labels",
    ("tags", "accuracy"): "tags, labeled sentences",
}


def section(result, split="test"):
    """A table for each measure, and the protocol."""
    lines = []
    for (task, measure), title in MEASURES.items():
        if task not in result["scores"]:
            continue
        rows = result["scores"][task][measure]
        counts = list(next(iter(rows.values())))
        lines += [f"| {title} | {' | '.join(map(str, counts))} |", "|---" * (len(counts) + 1) + "|"]
        lines += [f"| {row} | {' | '.join(cell(by[n]) for n in counts)} |" for row, by in rows.items()] + [""]
    seconds = result["pretraining_seconds"]
    return "\n".join(lines) + (
        f"\nPretrained without labels on {result['tokens']:,} tokens, in {seconds['masked']:.0f} s as a masked "
        f"language model and {seconds['vectors']:.0f} s as word vectors; {split} parts; mean ± standard deviation over "
        f"{result['seeds']} seeds, on a machine that also did other work ({result['machine']}).{note(result)}"
    )


def main():
    """Pretrain once, measure the tasks, and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("tasks", nargs="*", help="spam, sentiment, tags (all)")
    parser.add_argument("--seeds", type=int, default=3, help="0, 1, … of labels, heads and untrained weights (3)")
    parser.add_argument("--validate", action="store_true", help="score on the end of train; write nothing")
    parser.add_argument("--again", action="store_true", help="pretrain anew where encoders are kept")
    given = parser.parse_args()
    tasks = parts(given.validate)
    texts = [*text_sets.speeches()[::3], *tasks["spam"][0][0], *tasks["sentiment"][0][0]]
    texts += [" ".join(words) for words in tasks["tags"][0][0]]
    tokenizer, found, seconds, tokens = pretrained(texts, given.validate, given.again)
    measures = {"spam": spam, "sentiment": sentiment, "tags": parts_of_speech}
    usual = given.seeds == parser.get_default("seeds") and not given.validate
    result = {
        "protocol": {"version": VERSION},
        "seeds": given.seeds,
        "tokens": tokens,
        "pretraining_seconds": seconds,
        "scores": published("text_transfer", usual).get("scores", {}),
        "machine": f"{os.cpu_count()} cores, TensorFlow {tf.__version__}, Keras {keras.__version__}",
    }
    for task in given.tasks or measures:
        found_scores = measures[task](tokenizer, found, *tasks[task], given.seeds)
        result["scores"][task] = json.loads(json.dumps(found_scores))  # counts become strings, as in the file
        if usual:
            publish("text_transfer", result)
    print(f"\n{section(result, 'validation' if given.validate else 'test')}\n")


if __name__ == "__main__":
    main()
